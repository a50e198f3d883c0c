"""The way in: kinds found or stated, gzip, hostile files, and properties that every format must keep."""

import gzip
import io
import json
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from evidence_claims import SCHEMAS, opens, read, refusal, validator
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecheck.evidence.formats import FORMATS, KINDS
from gatecheck.evidence.read import MAX_BYTES, read_evidence, read_evidence_file
from gatecheck.model.canonical import digest
from gatecheck.text.diagnostic import InputError

WHOLE = {
    "junit": b'<?xml version="1.0"?><testsuites><testsuite tests="1"><testcase name="a"/></testsuite></testsuites>',
    "cobertura": b'<coverage line-rate="1"><packages><package><classes><class filename="a"><lines>'
    b'<line number="1" hits="1"/></lines></class></classes></package></packages></coverage>',
    "coverage.py": b'{"meta": {}, "files": {"a": {"summary": {"covered_lines": 1, "num_statements": 1}}}, '
    b'"totals": {"covered_lines": 1, "num_statements": 1}}',
    "istanbul": b'{"total": {"lines": {"total": 1, "covered": 1}, "branches": {"total": 0, "covered": 0}, '
    b'"functions": {"total": 0, "covered": 0}}}',
    "lcov": b"TN:\nSF:a.c\nDA:1,1\nLF:1\nLH:1\nend_of_record",
    "sarif": b'{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": []}]}',
    "check": b'{"status": "passed", "fields": {"a": 1}}',
}
COVERAGE = "   = hint: `coverage` is read from " + ", ".join(row.title for row in FORMATS if row.kind == "coverage")
KNOWN = f"   = hint: known kinds: {', '.join(KINDS)}"


@pytest.mark.parametrize("raw", WHOLE.values(), ids=WHOLE)
def test_whole_files_open_plain_zipped_and_as_their_stated_kind(raw: bytes) -> None:
    evidence = read(raw, "r")
    assert opens(evidence)
    assert (evidence.raw, evidence.file) == (digest(raw), "r")
    assert read(raw, "r", evidence.kind) == evidence
    zipped = gzip.compress(raw[:20]) + gzip.compress(raw[20:])
    assert read(zipped, "r").fields == evidence.fields
    assert read(zipped, "r").raw == digest(zipped)
    assert read(b"\xef\xbb\xbf" + raw).fields == evidence.fields
    assert read(b"\n " + raw if not raw.startswith(b"<?xml") else raw).fields == evidence.fields


@pytest.mark.parametrize("raw", WHOLE.values(), ids=WHOLE)
def test_utf_16_is_read(raw: bytes) -> None:
    text = raw.decode().replace('<?xml version="1.0"?>', "")
    assert opens(read(text.encode("utf-16")))


@pytest.mark.parametrize("raw", WHOLE.values(), ids=WHOLE)
def test_a_file_cut_at_any_byte_opens_nothing(raw: bytes) -> None:
    zipped = gzip.compress(raw, mtime=0)
    for whole in (raw, zipped):
        for end in range(len(whole)):
            try:
                evidence = read_evidence(whole[:end], "r")
            except InputError:
                continue
            assert evidence.flaw, whole[:end]


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for content in (raw, b"<" + raw, b"{" + raw, b"SF:a\n" + raw, b"\x1f\x8b" + raw):
        for name in ("r", "r.yaml"):
            with suppress(InputError):
                read_evidence(content, name)


@settings(deadline=None)
@given(st.sampled_from(sorted(WHOLE)), st.integers(), st.integers(1, 4))
def test_damaged_files_are_read_or_refused(kind: str, seed: int, damages: int) -> None:
    chance = random.Random(seed)
    raw = bytearray(WHOLE[kind])
    for _ in range(damages):
        at = chance.randrange(len(raw))
        raw[at : at + chance.randrange(3)] = chance.choice(
            [b"", b"\x00", b"<", b">", b'"', b"{", b"9", b"\xff", b"&x;"]
        )
    with suppress(InputError):
        read(bytes(raw))


WORDS = [
    "version",
    "runs",
    "results",
    "tool",
    "driver",
    "extensions",
    "rules",
    "id",
    "name",
    "level",
    "kind",
    "rule",
    "ruleId",
    "ruleIndex",
    "index",
    "toolComponent",
    "properties",
    "security-severity",
    "suppressions",
    "status",
    "invocations",
    "executionSuccessful",
    "endTimeUtc",
    "provenance",
    "invocationIndex",
    "ruleConfigurationOverrides",
    "descriptor",
    "configuration",
    "defaultConfiguration",
    "locations",
    "artifacts",
    "physicalLocation",
    "artifactLocation",
    "uri",
    "region",
    "startLine",
    "versionControlProvenance",
    "revisionId",
    "baselineState",
    "externalPropertyFileReferences",
    "toolExecutionNotifications",
    "meta",
    "files",
    "totals",
    "summary",
    "covered_lines",
    "num_statements",
    "total",
    "lines",
    "branches",
    "functions",
    "covered",
    "fields",
    "subject",
    "digest",
    "commit",
    "produced_at",
    "producer",
]
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 12), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=4),
    st.sampled_from(["error", "fail", "passed", "R1", "9.1", "2.1.0", "f" * 40, "2026-11-23T10:00:00Z"]),
)  # fmt: skip
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6)
)


@settings(deadline=None)
@given(ANYTHING, ANYTHING, ANYTHING)
def test_json_of_any_shape_is_read_or_refused(one: Any, two: Any, three: Any) -> None:
    run = {"tool": {"driver": {"rules": [one]}}, "results": [two], "invocations": [three]}
    for document in (
        {"version": "2.1.0", "runs": [run]},
        {"version": "2.1.0", "runs": [{"results": [{"ruleId": "R1", "rule": one, "locations": [two]}], "tool": three}]},
        {"version": "2.1.0", "runs": one},
        {"meta": one, "files": two, "totals": three},
        {"total": {"lines": one, "branches": two, "functions": three}},
        {"status": "passed", "fields": one, "subject": two, "producer": three},
    ):
        with suppress(InputError):
            read(json.dumps(document))


@pytest.mark.parametrize(("raw", "name", "kind", "message"), [
    (b"", "r", None,
     "error[GC601]: is empty\n  --> r\n   = hint: the tool that should have written it may have failed"),
    (b" \n", "r", "junit",
     "error[GC601]: is empty\n  --> r\n   = hint: the tool that should have written it may have failed"),
    (b"<suites/>", "r", None,
     "error[GC601]: is not of a known kind of evidence: its root element is `suites`\n  --> r\n" + KNOWN),
    (b"[]", "r", None,
     "error[GC601]: is not of a known kind of evidence: it is a list\n  --> r\n" + KNOWN),
    (b'{"a": 1, "b": 2}', "r", None,
     "error[GC601]: is not of a known kind of evidence: its top-level keys are `a`, `b`\n  --> r\n" + KNOWN),
    (b"{}", "r", None,
     "error[GC601]: is not of a known kind of evidence: it is an empty object\n  --> r\n" + KNOWN),
    (b"all 12 tests passed", "r", None,
     "error[GC601]: is not of a known kind of evidence: it is neither XML nor a JSON or YAML object\n"
     "  --> r\n" + KNOWN),
    (WHOLE["sarif"], "r", "junit",
     "error[GC603]: is not evidence of the kind `junit`: it is `sarif`\n  --> r\n"
     "   = hint: `junit` is read from JUnit XML"),
    (b"<suites/>", "r", "coverage",
     "error[GC603]: is not evidence of the kind `coverage`: its root element is `suites`\n  --> r\n" + COVERAGE),
    (b"<suites/>", "r", "sarf",
     "error[GC602]: `sarf` is not a kind of evidence\n  --> r\n   = hint: did you mean `sarif`?"),
    (b'{"runs": [', "r", None, "error[GC504]: is not JSON: expecting value\n  --> r:1:11"),
    (b"status: passed\nstatus: failed\n", "r.yaml", None,
     "error[GC505]: the key `status` stands twice in one mapping\n  --> r.yaml:2:1\n   = hint: keep one"),
    (b"\x1f\x8b\x08junk", "r", None, "error[GC608]: is not a whole gzip file\n  --> r"),
    (gzip.compress(b"x" * 99, mtime=0)[:-4], "r", None, "error[GC608]: is a gzip file that was cut off\n  --> r"),
    (gzip.compress(b"<a/>", mtime=0) + b"\x00\x00", "r", None, "error[GC608]: is not a whole gzip file\n  --> r"),
])  # fmt: skip
def test_refusals(raw: bytes, name: str, kind: str | None, message: str) -> None:
    assert refusal(raw, name, kind) == message


def test_a_gzip_bomb_is_refused() -> None:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
        for _ in range(MAX_BYTES // 2**20 + 1):
            file.write(bytes(2**20))
    assert len(packed.getvalue()) < 100_000
    assert refusal(packed.getvalue()) == "error[GC502]: is larger than 64 MiB, the most that is read\n  --> report"


def test_a_file_is_read_up_to_the_bound(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    path.write_bytes(WHOLE["junit"])
    assert read_evidence_file(path, "junit.xml") == read_evidence(WHOLE["junit"], "junit.xml")
    with path.open("ab") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(InputError, match=r"^is larger than 64 MiB, the most that is read$"):
        read_evidence_file(path, "junit.xml")
    with pytest.raises(InputError, match=r"^there is no such file$"):
        read_evidence_file(tmp_path / "none.xml", "none.xml")


def test_large_files_are_bounded() -> None:
    assert refusal(b"x" * (2**20 + 1)).startswith("error[GC601]: is not of a known kind of evidence: it is neither XML")
    assert refusal(bytes(MAX_BYTES + 1)) == "error[GC502]: is larger than 64 MiB, the most that is read\n  --> report"


ENTITIES = (
    "error[GC605]: declares or refers to its own entities, which are never expanded\n  --> report\n"
    "   = hint: have the tool write plain XML, without a DTD"
)
CASE = "<testsuite><testcase name='{}'/></testsuite>"


@pytest.mark.parametrize("document", [
    "<!DOCTYPE t [<!ENTITY a 'x'>]>" + CASE.format("a"),
    "<!DOCTYPE t [<!ENTITY a 'x'>]>" + CASE.format("&a;"),
    "<!DOCTYPE t [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><testsuite>&a;</testsuite>",
    "<!DOCTYPE t [<!ENTITY % p SYSTEM 'http://example.com/x.dtd'> %p;]>" + CASE.format("a"),
    "<!DOCTYPE t [<!NOTATION n SYSTEM 'n'><!ENTITY u SYSTEM 'u' NDATA n>]>" + CASE.format("a"),
    "<!DOCTYPE t SYSTEM 'http://example.com/x.dtd'><testsuite>&undeclared;</testsuite>",
])  # fmt: skip
def test_entities_of_every_sort_are_refused(document: str) -> None:
    assert refusal(document) == ENTITIES
    assert refusal(document.encode("utf-16")) == ENTITIES


def test_attributes_that_only_a_dtd_supplies_do_not_count() -> None:
    supplied = "<!DOCTYPE t [<!ATTLIST testsuite errors CDATA '1'>]><testsuite><testcase/></testsuite>"
    assert opens(read(supplied))


@pytest.mark.parametrize(("document", "message"), [
    ("<testsuite><testcase></testsuite>", "error[GC604]: is not XML: mismatched tag\n  --> report:1:24"),
    ("<testsuite/><testsuite/>", "error[GC604]: is not XML: junk after document element\n  --> report:1:13"),
    ("<testsuite>\x01</testsuite>", "error[GC604]: is not XML: not well-formed (invalid token)\n  --> report:1:12"),
    ("<!-- only -->", "error[GC604]: is not XML: no element found\n  --> report:1:14"),
    ("<testsuite>" + "<a>" * 100, "error[GC606]: is nested deeper than 100 levels\n  --> report"),
    ('<?xml version="1.0" encoding="idna"?><testsuite/>',
     "error[GC604]: its encoding `idna` is not read\n  --> report\n   = hint: write the report as UTF-8"),
    ('<?xml version="1.0" encoding="cp1259"?><testsuite/>',
     "error[GC604]: its encoding can't be read\n  --> report\n   = hint: write the report as UTF-8"),
])  # fmt: skip
def test_broken_xml_is_refused(document: str, message: str) -> None:
    assert refusal(document) == message


def test_other_usual_encodings_are_read() -> None:
    for encoding in ("ISO-8859-1", "windows-1252", "utf-8", "us-ascii"):
        body = '<testsuite><testcase name="é"><failure/></testcase></testsuite>'
        text = f'<?xml version="1.0" encoding="{encoding}"?>{body}'
        raw = text.replace("é", "e").encode() if encoding == "us-ascii" else text.encode(encoding)
        assert read(raw).fields["failed"][0]["name"] == ("e" if encoding == "us-ascii" else "é")


def test_a_long_comment_before_the_root_is_passed_over() -> None:
    assert opens(read(f"<!--{' long' * 50_000}-->" + CASE.format("a")))


def test_a_lone_surrogate_is_refused() -> None:
    text = '{"status": "passed", "producer": "\\ud800"}'
    assert refusal(text) == "error[GC503]: holds half a surrogate pair in `\\ud800`\n  --> report"
    assert refusal('status: passed\nproducer: "\\ud800"\n', "c.yaml").startswith("error[GC504]: is not YAML: ")


def test_every_kind_has_a_schema_that_describes_and_types_each_field() -> None:
    assert sorted(path.name.removesuffix(".schema.json") for path in SCHEMAS.glob("*.json")) == list(KINDS)
    assert {row.kind for row in FORMATS} == set(KINDS)
    for kind in KINDS:
        schema = validator(kind).schema
        assert isinstance(schema, dict)
        assert list(validator(kind).iter_errors(schema["examples"][0])) == []
        for spec in described(schema):
            assert spec["title"] and spec["description"] and spec["examples"]
            for example in spec["examples"]:
                assert validator(kind).evolve(schema=spec).is_valid(example), spec["title"]
            if spec["type"] not in ("array", "object"):
                assert spec["x-type"] in ("bool", "int", "percent", "duration", "string", "path", "severity", "symbol")


def described(schema: dict[str, Any]) -> list[dict[str, Any]]:
    specs = []
    for spec in schema.get("properties", {}).values():
        item = spec.get("items", {})
        specs += [spec, *([item] if "x-type" in item else []), *described(spec), *described(item)]
    return specs
