"""The schemas are the contract and the classes their fast reader: on every document both say the same."""

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatecheck.assets import shipped
from gatecheck.model import request as nouns
from gatecheck.model.config import Config
from gatecheck.model.explain import validator
from gatecheck.model.schema import Part, load, read
from gatecheck.text.diagnostic import InputError

DIGEST = "sha256:" + "9f" * 32
COMMIT = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
AT = "2026-11-23T09:00:00+01:00"
MOST = 2**53 - 1

CHANGE: dict[str, Any] = {
    "id": "PR-1412",
    "service": "payment-service",
    "type": "feature",
    "author": "frank@example.com",
    "artifact": {"name": "payment-service", "digest": DIGEST},
    "committers": ["bob@example.com", "Zoë Quinn"],
    "requester": "carol",
    "requested_at": AT,
    "commit": COMMIT,
    "files": [{"path": "payments/charge.py", "added": 12, "deleted": 0}, {"path": "logo.png", "added": None}],
    "labels": ["incident"],
    "title": "Refund in the currency of the charge",
    "risk": "high",
    "attributes": {"ticket": "PAY-1", "team_size": 5, "beta": True, "ratio": Decimal("0.5"), "x": {"$decimal": "1E-9"}},
}
APPROVAL: dict[str, Any] = {
    "approver": "alice",
    "stance": "approve",
    "at": AT,
    "artifact": DIGEST,
    "environment": "production",
    "source": "https://git.example.com/1",
    "comment": "fine\nby me",
    "signature": "-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----\n",
}
AWAY = {"from": AT, "to": "2026-11-24T09:00:00+01:00", "delegate": "bob"}
DIRECTORY: dict[str, Any] = {
    "groups": {"tech-lead": ["alice", "bob"], "pm": []},
    "people": {"alice": {"logins": ["alice-gh", "alice@example.com"], "away": [AWAY]}, "bob": {}},
}
DEPLOYMENT: dict[str, Any] = {
    "artifact": DIGEST,
    "environment": "staging",
    "from": "2026-11-22T06:00:00Z",
    "to": "2026-11-23T06:00:00.5Z",
    "verified_at": None,
}
CONFIG: dict[str, Any] = {
    "rules": "main:rules",
    "environment": "production",
    "evidence": ["unit-tests=junit.xml"],
    "approvals": "approvals.yaml",
    "format": "json",
    "explain": True,
}
REQUEST: dict[str, Any] = {
    "change": CHANGE,
    "environment": "production",
    "as_of": AT,
    "evidence": {
        "unit-tests": {
            "kind": "junit",
            "fields": {"tests": 12, "rate": {"$decimal": "0.825"}, "cases": [{"name": "a", "time": Decimal("0.1")}]},
            "raw": DIGEST,
            "produced_at": AT,
            "subject": {"digest": DIGEST, "commit": None},
        }
    },
    "approvals": [{**APPROVAL, "signer": "alice", "unsigned": ""}],
    "directory": DIRECTORY,
    "deployments": [DEPLOYMENT],
    "promotions": [{"artifact": DIGEST, "environment": "staging", "at": AT, "entry": DIGEST, "approvers": ["alice"]}],
    "sources": {"change": DIGEST},
}
VALID: dict[Part, Any] = {
    "change": CHANGE,
    "approvals": [APPROVAL],
    "directory": DIRECTORY,
    "deployments": [DEPLOYMENT],
    "config": CONFIG,
    "request": REQUEST,
}
PARTS: list[Part] = list(VALID)

AWKWARD: list[Any] = [
    *("", "a", "a\n", " a", "a ", "a  b", "a b", "\ta", "-a", "a-", "a--b", "1a", "A_9", "é", "Å", "ß", "\U0001f600"),
    *("\u200b", "x\u200by", "x\u202ey", "\ufeffx", "x\u2028", "x\u00a0y", "x\u00ady", "\x00", "x\x1b[0m", "x\x85y"),
    *("x" * 200, "x" * 201, "x" * 320, "x" * 321, "x" * 1000, "x" * 1001, "x" * 4000, "x" * 4001, "x" * 4097),
    *(
        DIGEST,
        DIGEST + "\n",
        DIGEST.upper(),
        DIGEST[:-1],
        DIGEST[7:],
        "latest",
        "sha1:" + "a" * 40,
        "sha512:" + "0" * 128,
    ),
    *(COMMIT, COMMIT + "\n", COMMIT.upper(), COMMIT[:7], COMMIT + COMMIT[:24]),
    *(AT, AT + "\n", "2026-11-23T09:00:00", "2026-11-23", "2026-11-23 09:00:00Z", "2026-11-23t09:00:00Z"),
    *(
        "2026-11-23T09:00:00z",
        "2026-11-23T09:00Z",
        "2026-11-23T09:00:60Z",
        "2026-02-29T09:00:00Z",
        "2028-02-29T09:00:00Z",
    ),
    *(
        "2026-11-23T09:00:00.123456Z",
        "2026-11-23T09:00:00.1234567Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T09:00:00+0100",
    ),
    *(
        "2026-11-23T09:00:00+23:59",
        "2026-11-23T09:00:00-00:00",
        "2026-11-23T09:00:00+24:00",
        "0001-01-01T00:00:00+01:00",
    ),
    *("1970-01-01T00:00:00Z", "1969-12-31T23:59:59-01:00", "9999-12-31T23:59:59-01:00", "2999-12-31T23:59:59Z"),
    *("feature", "Feature", "approve", "json", "no", "1.5", "-1", "١٢"),
    *(0, 1, -1, MOST, MOST + 1, -MOST, -MOST - 1, 10**30, True, False, None),
    *(Decimal("1.5"), Decimal("5"), Decimal("5.0"), Decimal(MOST) + 1, Decimal("1E+30"), Decimal("-0.0")),
    *([], {}, [[]], [{}], {"a": 1}, ["a"], [None], {"é": 1}, {"": "a"}, {"a\n": "a"}, {"$x": 1}, {"a b": {"c": []}}),
    *({"$decimal": "1.5"}, {"$decimal": "x"}, {"$decimal": "1\n"}, {"$decimal": 5}, {"$decimal": "1", "a": 1}),
    *({"$decimal": "-1E+999"}, {"$decimal": "1E+1000"}, {"$decimal": "1." + "0" * 418}, {"$decimal": "1." + "0" * 419}),
]
KEYS = [
    "id",
    "author",
    "artifact",
    "digest",
    "path",
    "from",
    "to",
    "at",
    "risk",
    "logins",
    "flaw",
    "a",
    "tech-lead",
    "É",
    "",
    "1",
]


def sites(data: Any) -> list[tuple[Any, Any]]:
    """Every (container, key or index) of a document."""
    found: list[tuple[Any, Any]] = []
    pending = [data]
    while pending:
        item = pending.pop()
        steps = list(item) if isinstance(item, dict) else list(range(len(item))) if isinstance(item, list) else []
        for step in steps:
            found.append((item, step))
            pending.append(item[step])
    return found


def containers(data: Any) -> list[Any]:
    return [data, *(c[k] for c, k in sites(data) if isinstance(c[k], (dict, list)))]


@st.composite
def documents(draw: st.DrawFn, part: Part) -> Any:
    """A valid document after up to three mutations."""
    root = [copy.deepcopy(VALID[part])]
    values = st.sampled_from(AWKWARD) | st.text(max_size=5) | st.integers() | st.decimals(allow_nan=False, places=2)
    for _ in range(draw(st.integers(0, 3))):
        operation = draw(st.sampled_from(["replace", "drop", "add", "rename"]))
        value = copy.deepcopy(draw(values))
        if operation == "add":
            container = draw(st.sampled_from([c for c in containers(root[0]) if isinstance(c, (dict, list))] or [root]))
            if isinstance(container, list):
                container.append(value)
            else:
                container[draw(st.sampled_from(KEYS))] = value
            continue
        container, step = draw(st.sampled_from(sites(root)))
        if operation == "replace":
            container[step] = value
        elif operation == "drop" and container is not root:
            del container[step]
        elif operation == "rename" and isinstance(container, dict):
            container[draw(st.sampled_from([*KEYS, step.upper(), step + "\n"]))] = container.pop(step)
    return root[0]


def fast_accepts(data: Any, part: Part) -> bool:
    try:
        read(data, part)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("part", PARTS)
def test_a_whole_document_is_accepted_by_both(part: Part) -> None:
    assert list(validator(part).iter_errors(VALID[part])) == []
    assert fast_accepts(VALID[part], part)


def small_documents() -> Iterator[tuple[Part, Any, str | int]]:
    """The valid documents, one key of each at a time, so that judging every value at every place stays quick."""
    for part, whole in VALID.items():
        if isinstance(whole, list):
            yield part, whole, 0
            continue
        required = json.loads(shipped("schemas", f"{part}.schema.json").read_bytes()).get("required", [])
        least = {key: whole[key] for key in required}
        if part == "request":
            least["change"] = {key: CHANGE[key] for key in ("id", "service", "type", "author", "artifact")}
        for key in whole:
            if part != "request" or key not in VALID:  # a request's parts are judged as documents of their own
                yield part, {**least, key: whole[key]}, key


SMALL = [pytest.param(part, data, key, id=f"{part}-{key}") for part, data, key in small_documents()]


@pytest.mark.parametrize(("part", "data", "key"), SMALL)
def test_every_awkward_value_at_every_place_is_judged_alike(part: Part, data: Any, key: str | int) -> None:
    check = validator(part)
    for index in range(1 + len(sites(data[key]))):
        root = copy.deepcopy(data)
        container, step = [(root, key), *sites(root[key])][index]
        for value in AWKWARD:
            container[step] = value
            assert fast_accepts(root, part) == check.is_valid(root), (step, value)


@pytest.mark.parametrize(("part", "data", "key"), SMALL)
def test_every_awkward_key_is_judged_alike(part: Part, data: Any, key: str | int) -> None:
    check = validator(part)
    root = copy.deepcopy(data)
    for container in [root, *containers(root[key])]:
        if isinstance(container, dict):
            for word in (w for w in (*AWKWARD, *KEYS) if isinstance(w, str) and w not in container):
                container[word] = next(iter(container.values()), "a")
                assert fast_accepts(root, part) == check.is_valid(root), word
                del container[word]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(PARTS).flatmap(lambda part: st.tuples(st.just(part), documents(part))))
@example(("change", {**CHANGE, "id": "PR-1\n"}))
def test_mutated_documents_are_judged_alike(case: tuple[Part, Any]) -> None:
    part, data = case
    assert fast_accepts(data, part) == validator(part).is_valid(data)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PARTS).flatmap(lambda part: st.tuples(st.just(part), documents(part))))
def test_what_is_refused_is_explained_with_places_in_the_file(case: tuple[Part, Any]) -> None:
    part, data = case
    raw = json.dumps(data, default=float, indent=1).encode()
    try:
        load(raw, "x.json", part)
    except InputError as error:
        assert error.diagnostics
        text = raw.decode()
        for d in error.diagnostics:
            assert d.message
            assert d.span is None or d.span.line <= text.count("\n") + 1


def test_a_disagreement_is_refused_with_the_fast_readers_reason() -> None:
    from gatecheck.model.explain import explain

    error = explain(CHANGE, b"{}", "change.json", "change", "Expected `str`")
    assert [(d.code, d.message, d.file) for d in error.diagnostics] == [
        ("GC519", "is not a usable change document: expected `str`", "change.json")
    ]


def test_the_schemas_are_sound_and_documented() -> None:
    from jsonschema import Draft202012Validator

    for part in [*PARTS, "terms"]:
        schema = json.loads(shipped("schemas", f"{part}.schema.json").read_bytes())
        Draft202012Validator.check_schema(schema)
        assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$schema"]
        pending = [schema]
        while pending:
            item = pending.pop()
            if isinstance(item, list):
                pending += item
            elif isinstance(item, dict):
                pending += item.values()
                for name, described in cast("dict[str, Any]", item.get("properties", {})).items():
                    assert {"title", "description", "examples"} <= described.keys(), (part, name)


@pytest.mark.parametrize("part", PARTS)
def test_every_example_of_a_schema_fits_it(part: str) -> None:
    check = validator(part)

    def walk(schema: Any) -> None:
        if isinstance(schema, list):
            for item in schema:
                walk(item)
        if isinstance(schema, dict):
            if "title" in schema and isinstance(schema.get("examples"), list):
                for shown in schema["examples"]:
                    assert list(check.evolve(schema=schema).iter_errors(shown)) == [], (schema["title"], shown)
            for item in schema.values():
                walk(item)

    walk({k: v for k, v in check.schema.items() if k != "examples"} if isinstance(check.schema, dict) else {})


def test_the_vocabulary_of_the_classes_is_the_schemas() -> None:
    from typing import get_args

    properties = json.loads(shipped("schemas", "change.schema.json").read_bytes())["properties"]
    assert properties["type"]["enum"] == list(get_args(nouns.ChangeType))
    assert list(properties) == list(nouns.Change.__struct_fields__)
    config = json.loads(shipped("schemas", "config.schema.json").read_bytes())["properties"]
    assert list(config) == list(Config.__struct_fields__)


def test_reading_every_part_leaves_memory_sound(tmp_path: Path) -> None:
    """A union of a patterned text with a list makes msgspec free the pattern twice when the interpreter ends."""
    for part in PARTS:
        (tmp_path / f"{part}.json").write_text(json.dumps(VALID[part], default=float), encoding="utf-8")
    script = (
        "import sys, pathlib\n"
        "from gatecheck.model.schema import load\n"
        "for file in sorted(pathlib.Path(sys.argv[1]).glob('*.json')):\n"
        "    load(file.read_bytes(), file.name, file.stem)\n"
    )
    package = Path(nouns.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env={"PYTHONMALLOC": "debug", "PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
