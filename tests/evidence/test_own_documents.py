"""Documents of a pack's own kind of evidence: exact values, facts, and what is refused, each with its place."""

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecheck.evidence.read import read_own_evidence
from gatecheck.model.canonical import canonical, digest
from gatecheck.model.request import Artifact, Change, Evidence, Request, Subject
from gatecheck.model.schema import decode_request, encode_request
from gatecheck.text.diagnostic import InputError, render

DIGEST, COMMIT = "sha256:" + "9f" * 32, "4b" * 20
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["availability"],
    "properties": {
        "availability": {"type": ["number", "string"], "x-type": "percent"},
        "requests": {"type": "integer"},
        "ratio": {"type": "number", "multipleOf": 0.01, "default": 0.5},
        "sampled": {"type": "boolean"},
        "latency": {"type": "object", "properties": {"p95": {"type": ["string", "null"], "x-type": "duration"}}},
        "state": {"type": "string", "enum": ["ok", "spent"]},
        "worst": {"type": "string", "x-type": "severity"},
        "day": {"type": "string", "format": "date"},
        "owner": {"type": "string", "x-type": "person"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "windows": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["burn"],
                "additionalProperties": False,
                "properties": {"burn": {"type": "number"}, "at": {"type": "string", "x-type": "instant"}},
            },
        },
        "measured": {"type": "string", "format": "date-time", "x-fact": "produced_at"},
        "commit": {"type": ["string", "null"], "x-fact": "commit"},
        "image": {"type": "string", "x-fact": "digest"},
        "tool": {"type": "string", "x-fact": "producer"},
        "open": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
}
LEAST = {"availability": 1}


def read(document: Any, name: str = "slo.json", schema: Any = SCHEMA) -> Evidence:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_own_evidence(raw, name, "slo", json.dumps(schema))


def refusal(document: Any, name: str = "slo.json", schema: Any = SCHEMA) -> str:
    with pytest.raises(InputError) as raised:
        read(document, name, schema)
    return render(raised.value.diagnostics, raised.value.sources)


TEXT = f"""
availability: 0.99950
requests: 120000
ratio: 0.07
sampled: true
latency: {{p95: 280ms, p99: 1s}}
state: ok
worst: high
day: 2026-11-23
owner: Alice
tags: [a, b]
windows:
- {{burn: 1.25, at: 2026-11-23T07:00:00Z}}
- {{burn: 2}}
measured: 2026-11-23T10:00:00+01:00
commit: {"AB" * 20}
image: {DIGEST}
tool: sloth 1.2
open: {{"ä": 3}}
"""


def test_a_whole_document_in_yaml() -> None:
    evidence = read(TEXT.encode(), "slo.yaml")
    assert evidence == Evidence(
        kind="slo",
        fields={
            "availability": Decimal("0.99950"), "requests": 120000, "ratio": Decimal("0.07"), "sampled": True,
            "latency.p95": "280ms", "state": "ok", "worst": "high", "day": "2026-11-23", "owner": "alice",
            "tags": ["a", "b"],
            "windows": [{"burn": Decimal("1.25"), "at": "2026-11-23T07:00:00Z"}, {"burn": 2}],
            "measured": "2026-11-23T10:00:00+01:00", "commit": "AB" * 20, "image": DIGEST, "tool": "sloth 1.2",
        },
        raw=digest(TEXT.encode()),
        file="slo.yaml",
        producer="sloth 1.2",
        produced_at=datetime(2026, 11, 23, 9, tzinfo=UTC),
        subject=Subject(DIGEST, "ab" * 20),
    )  # fmt: skip
    assert str(evidence.fields["availability"]) == "0.99950"


def test_the_least_document_says_nothing_of_itself_and_fills_in_no_default() -> None:
    evidence = read({**LEAST, "commit": None, "latency": {"p95": None}})
    assert evidence.fields == LEAST
    assert (evidence.producer, evidence.produced_at, evidence.subject, evidence.flaw) == ("", None, None, "")


def test_a_zipped_document_is_named_by_its_bytes_as_given() -> None:
    raw = gzip.compress(json.dumps(LEAST).encode(), mtime=0)
    assert (read(raw).fields, read(raw).raw) == (LEAST, digest(raw))


@pytest.mark.parametrize(("text", "value"), [
    ("2.0", 2), ("3e2", 300), ("-1.000", -1), ("9007199254740991.0", 9007199254740991),
])  # fmt: skip
def test_a_whole_number_is_one_however_it_is_written(text: str, value: int) -> None:
    found = read(f'{{"availability": 1, "requests": {text}}}'.encode()).fields["requests"]
    assert (found, type(found)) == (value, int)


def test_a_number_beyond_what_json_holds_exactly_is_kept_as_digits() -> None:
    found = read({**LEAST, "ratio": 10**20}).fields["ratio"]
    assert (found, type(found)) == (Decimal(10**20), Decimal)


@pytest.mark.parametrize(("key", "value", "message"), [
    ("availability", None, "`availability` must be a number or text; found null"),
    ("availability", "85,3%", "`availability` is no percent; found `85,3%`"),
    ("requests", 1.5, "`requests` must be a whole number; found the number `1.5`"),
    ("requests", True, "`requests` must be a whole number; found `true`"),
    ("requests", 2**53, "`requests` is a whole number beyond 2^53 - 1"),
    ("ratio", 0.005, "`ratio` does not satisfy `multipleOf: 0.01`; found the number `0.005`"),
    ("latency", {"p95": "280"}, "`latency.p95` is no duration; found `280`"),
    ("state", "OK", "`state` can't be `OK`"),
    ("worst", "High",
     "`worst` is no severity: it is one of none, low, medium, high, critical; found `High`"),
    ("day", "2026-02-30", "`day` is no date; found `2026-02-30`"),
    ("tags", "a", "`tags` must be a list; found `a`"),
    ("tags", ["a", 1], "`tags[1]` must be text; found the number `1`"),
    ("tags", ["a" * 10_001], "`tags[0]` is longer than 10,000 characters"),
    ("windows", [{}], "`windows[0]` needs the key `burn`"),
    ("windows", [{"burn": 1, "brun": 1}], "`windows[0]` has no key `brun`"),
    ("windows", [{"burn": 1, "at": "2026-11-23"}], "`windows[0].at` is no instant; found `2026-11-23`"),
    ("measured", "2026-11-23T10:00:00", "`measured` is not a date and time with an offset"),
    ("commit", "HEAD", "`commit` is not a full commit id of 40 or 64 hexadecimal digits"),
    ("image", "latest", "`image` is not a digest: `sha256:` and 64 lower-case hexadecimal digits"),
    ("open", {"x": "y"}, "`open.x` must be a whole number; found `y`"),
])  # fmt: skip
def test_what_does_not_fit_is_refused_at_its_place(key: str, value: Any, message: str) -> None:
    with pytest.raises(InputError) as raised:
        read({**LEAST, key: value})
    (found,) = raised.value.diagnostics
    assert (found.code, found.message) == ("GC609", f"is not evidence of the kind `slo`: {message}")
    assert found.span is not None
    assert found.span.file == "slo.json"


FACTS_BEHIND_REFERENCES = {
    "type": "object",
    "properties": {
        "d": {"$ref": "#/$defs/artifact"}, "c": {"$ref": "#/$defs/commit"}, "at": {"$ref": "#/$defs/at"},
        "by": {"$ref": "#/$defs/text", "x-fact": "producer"},
    },
    "$defs": {
        "text": {"type": "string"}, "artifact": {"$ref": "#/$defs/digest"},
        "at": {"type": "string", "x-fact": "produced_at"},
        "digest": {"type": "string", "x-fact": "digest"}, "commit": {"$ref": "#/$defs/text", "x-fact": "commit"},
    },
}  # fmt: skip


def test_facts_behind_references_count() -> None:
    document = {"d": DIGEST, "c": COMMIT, "at": "2026-11-23T10:00:00Z", "by": "sloth"}
    evidence = read(document, schema=FACTS_BEHIND_REFERENCES)
    assert (evidence.producer, evidence.subject) == ("sloth", Subject(DIGEST, COMMIT))
    assert evidence.produced_at == datetime(2026, 11, 23, 10, tzinfo=UTC)


LISTS = {"type": "object", "properties": {"x": {"uniqueItems": True}}}


@pytest.mark.parametrize("items", [
    '[1, true, "1", null, [1], {"a": 1}, [], {}, "True"]', "[0, false]", '[{"a": 1}, {"a": 2}]',
    "[10, 100, 1, 0.1, -1]", '[["a", "b"], ["a,b"]]', '[["a", "b"], ["a\',\'b"]]', '[{"a": "b"}, "{\'a\':\'b\'}"]',
])  # fmt: skip
def test_items_that_differ_are_unique(items: str) -> None:
    assert read(f'{{"x": {items}}}'.encode(), schema=LISTS).fields == {}


@pytest.mark.parametrize("items", [
    "[1, 1.0]", "[100, 1e2]", "[0, -0.0]", '["a", 1, "a"]', '[{"a": 1, "b": [2]}, {"b": [2.0], "a": 1}]', "[[], []]",
])  # fmt: skip
def test_items_that_are_equal_are_not(items: str) -> None:
    text = refusal(f'{{"x": {items}}}'.encode(), schema=LISTS)
    problem = "`x` does not satisfy `uniqueItems: true`; found a list"
    assert text.splitlines()[0] == f"error[GC609]: is not evidence of the kind `slo`: {problem}"


def test_judging_many_items_and_long_texts_ends_soon() -> None:
    schema = {
        "type": "object",
        "properties": {"rows": {"type": "array", "uniqueItems": True}, "x": {"type": "string", "pattern": "^(a+)+$"}},
        "patternProperties": {"^(k|kk)*$": {"type": "string"}},
        "additionalProperties": False,
    }
    rows = [{"n": number} for number in range(20_000)]
    assert read({"rows": rows, "x": "a" * 100, "k" * 50: "k"}, schema=schema).fields == {"x": "a" * 100}
    message = refusal({"rows": [*rows, rows[0]], "x": "a" * 50_000 + "b", "k" * 50 + "x": ""}, schema=schema)
    assert [line for line in message.splitlines() if line.startswith("error")] == [
        "error[GC609]: is not evidence of the kind `slo`: `rows` does not satisfy `uniqueItems: true`; found a list",
        "error[GC609]: is not evidence of the kind `slo`: `x` does not satisfy `pattern: ^(a+)+$`; found "
        f"`{'a' * 60}…`",
        f"error[GC609]: is not evidence of the kind `slo`: the document has no key `{'k' * 50}x`",
    ]


def test_a_refusal_shows_the_place_and_the_mend() -> None:
    assert refusal(b"availability: 1\nstate: okay\nwindows:\n- {burn: 1, brun: 2}\n", "slo.yaml") == (
        "error[GC609]: is not evidence of the kind `slo`: `state` can't be `okay`\n"
        "  --> slo.yaml:2:8\n  |\n2 | state: okay\n  |        ^^^^\n"
        "   = hint: did you mean `ok`? it is one of `ok`, `spent`\n\n"
        "error[GC609]: is not evidence of the kind `slo`: `windows[0]` has no key `brun`\n"
        "  --> slo.yaml:4:13\n  |\n4 | - {burn: 1, brun: 2}\n  |             ^^^^\n"
        "   = hint: did you mean `burn`?"
    )


@pytest.mark.parametrize(("raw", "looks"), [
    (b"<testsuites/>", "its root element is `testsuites`"), (b"[]", "it is a list"),
    (b"TN:\nSF:a.py\n", "it is neither XML nor a JSON or YAML object"),
])  # fmt: skip
def test_what_is_no_document_at_all_is_refused(raw: bytes, looks: str) -> None:
    assert refusal(raw, "slo") == (
        f"error[GC603]: is not evidence of the kind `slo`: {looks}\n"
        "  --> slo\n   = hint: it is read from a JSON or YAML object"
    )


def test_a_document_that_no_schema_can_judge_in_bounds_is_refused() -> None:
    endless = {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"$ref": "#/$defs/a"}}}
    message = "the document is beyond judging: its nesting or its numbers are too large"
    assert refusal({"a": 1}, schema=endless).startswith(f"error[GC609]: is not evidence of the kind `slo`: {message}\n")
    tiny = {"type": "object", "properties": {"a": {"type": "number", "multipleOf": 1e-300}}}
    assert message in refusal(b'{"a": 1e300}', schema=tiny)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
    | st.sampled_from(["280ms", "85%", "ok", "high", "2026-11-23", "2026-11-23T07:00:00Z", DIGEST, COMMIT]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["p95", "burn", "at", "x"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(list(SCHEMA["properties"])), VALUES, max_size=5), VALUES)
def test_any_document_is_refused_in_words_or_stands_in_a_record_that_reads_back_the_same(
    said: dict[str, Any], availability: Any
) -> None:
    raw = json.dumps({**said, "availability": availability}, default=float).encode()
    try:
        evidence = read(raw)
    except InputError as error:
        assert {d.code for d in error.diagnostics} <= {"GC609", "GC506", "GC503"}
        return
    change = Change("C-1", "s", "docs", "alice", Artifact("s", DIGEST))
    request = Request(change, "dev", "2026-11-23T10:00:00Z", evidence={"slo": evidence})
    recorded = canonical(encode_request(request))
    again = decode_request(recorded)
    assert again == request
    assert canonical(encode_request(again)) == recorded
