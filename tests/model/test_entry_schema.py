"""What is recorded besides decisions is described by a schema; its fast reader and the schema say the same."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from gatecheck.assets import shipped
from gatecheck.model.explain import validator
from gatecheck.model.fact import KINDS, ApprovalFact, Fact, Seen, read_fact
from gatecheck.model.request import Artifact

AT = "2026-11-23T09:00:00Z"
HEX = "9f" * 32
PREDICATES: dict[str, dict[str, Any]] = {
    "approval": {
        "approver": "alice", "stance": "approve", "at": AT, "environment": "production", "change": "PR-1",
        "comment": "fine\nby me", "source": "https://git.example.com/1", "signature": "-----BEGIN",
        "principal": "alice",
    },
    "deployment": {
        "environment": "staging", "from": AT, "by": "ci", "at": AT, "to": AT, "verified_at": None, "service": "pay",
    },
    "review": {"reviewer": "dora", "at": AT, "outcome": "accepted", "comment": "seen"},
    "annotation": {"by": "bob", "at": AT, "text": "it was PR-7"},
    "key": {
        "trust": f"sha256:{HEX}", "by": "carol", "at": AT, "because": "a new key",
        "seen": [{"writer": "0123456789abcdef", "seq": 3, "id": HEX}],
    },
}  # fmt: skip
NAMES = {"review": "entry", "annotation": "entry", "key": "trust"}
VALUES: list[Any] = [
    None, True, 0, 1, -1, 2**53, "", "x", "a\nb", " a", "a ", "a  b", "é", "x" * 201, "x" * 400, "x" * 1001, "x" * 4001,
    "\x00", "\u200b", [], ["x"], {}, {"x": "y"}, AT, AT[:-1], "2026-02-30T10:00:00Z", "2026-11-23 09:00:00Z", HEX,
    f"sha256:{HEX}", f"sha512:{HEX * 2}", f"sha256:{HEX}".upper(), "0123456789abcdef", "0123456789abcdef\n", "a-b",
    {"sha256": HEX}, {"sha512": HEX * 2}, {"sha256": HEX, "sha512": HEX * 2}, {"md5": HEX[:32]},
]  # fmt: skip


def full(kind: str) -> dict[str, Any]:
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": NAMES.get(kind, "payment-service"), "digest": {"sha256": HEX}}],
        "predicateType": f"urn:gatecheck:{kind}:v1",
        "predicate": PREDICATES[kind],
    }


def is_read(data: Any, kind: str) -> bool:
    try:
        read_fact(data, kind)
    except ValueError:
        return False
    return True


def fits(data: Any, kind: str) -> bool:
    """Tell whether the schema accepts a statement, and as one of this kind."""
    return validator("entry").is_valid(data) and data["predicateType"] == f"urn:gatecheck:{kind}:v1"


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    steps = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, below in steps:
        yield from places(below, (*path, step))


def mutated(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield statements that differ in one place: by another value, without it, with more, twice."""
    for number, path in enumerate(places(data)):
        for value in [*VALUES[number % 4 :: 4], "more", "without", "twice"] if path else ["more"]:
            made = copy.deepcopy(data)
            holder: Any = made
            for step in path[:-1]:
                holder = holder[step]
            here = holder[path[-1]] if path else made
            if value == "more" and isinstance(here, dict):
                here["more"] = "x"
            elif value == "twice" and isinstance(here, list):
                here.append(copy.deepcopy(here[0]))
            elif value == "without":
                del holder[path[-1]]
            elif path:
                holder[path[-1]] = value
            yield made


@pytest.mark.parametrize("kind", KINDS)
def test_the_reader_and_the_schema_accept_and_refuse_the_same(kind: str) -> None:
    accepted = refused = 0
    assert is_read(full(kind), kind)
    for data in [full(kind), *mutated(full(kind))]:
        if kind == "key" and data.get("predicate") and data.get("subject"):
            # That subject and trust file are one is beyond a schema.
            try:
                data["subject"][0]["digest"] = {"sha256": data["predicate"]["trust"][7:]}
            except (TypeError, KeyError, IndexError):
                continue
        read, valid = is_read(data, kind), fits(data, kind)
        assert read == valid, json.dumps(data)
        accepted, refused = accepted + read, refused + (not read)
    assert min(accepted, refused) > 8


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_is_read_as_another(kind: str) -> None:
    assert [other for other in KINDS if is_read(full(kind), other)] == [kind]


@pytest.mark.parametrize("kind", KINDS)
def test_writing_gives_what_was_read(kind: str) -> None:
    fact = read_fact(full(kind), kind)
    assert read_fact(json.loads(fact.statement()), kind) == fact
    assert fact.kind == kind
    assert fits(json.loads(fact.statement()), kind)
    assert fact.entry == (HEX if NAMES.get(kind) == "entry" else "")


def test_instants_are_written_in_utc() -> None:
    at = datetime.fromisoformat("2026-11-23T10:00:00+01:00")
    fact = Fact(Artifact("x", f"sha384:{HEX}{HEX[:32]}"), ApprovalFact("alice", "reject", at, "dev"))
    written = json.loads(fact.statement())
    assert written["predicate"]["at"] == "2026-11-23T09:00:00Z"
    assert written["subject"] == [{"name": "x", "digest": {"sha384": f"{HEX}{HEX[:32]}"}}]
    read = read_fact(written, "approval").predicate
    assert isinstance(read, ApprovalFact)
    assert read.at == at.astimezone(UTC)


def test_every_part_of_the_schema_is_described() -> None:
    schema = json.loads(shipped("schemas", "entry.schema.json").read_bytes())
    assert [each["$ref"] for each in schema["oneOf"]] == [f"#/$defs/{kind}" for kind in KINDS]
    for kind, form in KINDS.items():
        properties = schema["$defs"][kind]["properties"]["predicate"]["properties"]
        assert sorted(properties) == sorted(name.removesuffix("_") for name in form.__struct_fields__)
        assert sorted(PREDICATES[kind]) == sorted(properties)
        assert all(part["title"] and part["description"] for part in properties.values())
    seen = schema["$defs"]["key"]["properties"]["predicate"]["properties"]["seen"]["items"]["properties"]
    assert tuple(seen) == Seen.__struct_fields__
