"""What leaves gatecheck is described by a schema; the fast check of every decision and the schema say the same."""

import copy
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from gatecheck.assets import shipped
from gatecheck.model.explain import validator
from gatecheck.model.record import DECISION, STATEMENT, check_statement

DIGEST = "sha256:" + "a" * 64
AT = "2026-11-25T10:00:00Z"
ACTION = {
    "action": "wait", "subject": "business-hours", "reason": "it is closed", "remedy": "wait", "until": AT,
    "groups": ["pm"], "after": ["alice"],
}  # fmt: skip
FINDING: dict[str, Any] = {
    "id": "quality/tests", "rule": "quality", "kind": "require", "status": "waiting", "statement": "require tests",
    "file": "a.gate", "line": 4, "title": "Quality", "because": "we say so", "gate": "tests", "unbound": True,
    "compared": [{"asked": "tests > 0", "found": "0"}], "counted": [{"approver": "alice", "at": AT}],
    "refused": [{"approver": "frank", "at": AT, "stance": "approve", "reason": "is the author"}],
    "missing": [ACTION], "note": "noted", "advisory": True,
}  # fmt: skip
OVERRIDE: dict[str, Any] = {
    "name": "emergency", "title": "Break the glass", "because": "we say so", "file": "a.gate", "line": 9,
    "asked": ["approve by on-call"], "missing": [ACTION],
    "counted": FINDING["counted"], "refused": FINDING["refused"],
}  # fmt: skip
WAIVER = {
    "targets": ["tests"], "until": AT, "owner": "security", "because": "SEC-1", "findings": ["quality/tests"],
    "file": "a.gate", "line": 12,
}  # fmt: skip
FULL: dict[str, Any] = {
    "_type": STATEMENT,
    "subject": [{"name": "pay 1.0", "digest": {"sha256": "a" * 64}}],
    "predicateType": DECISION,
    "predicate": {
        "verdict": "pending",
        "environment": "production",
        "risk": {"level": "high", "reasons": [{"condition": "x", "file": "a.gate", "line": 3}], "stated": "high"},
        "as_of": "2026-11-25T11:00:00.123456+01:00",
        "change": {
            "id": "PR-1", "service": "pay", "type": "feature", "author": "frank", "title": "More", "commit": "b" * 40,
        },
        "findings": [FINDING],
        "missing": [ACTION],
        "next": [{"at": AT, "cause": "window opens", "subject": "business-hours"}],
        "obligations": [{"kind": "deploy", "value": "canary"}],
        "evidence": {
            "tests": {"kind": "junit", "digest": DIGEST, "file": "t.xml", "producer": "pytest", "produced_at": AT}
        },
        "request": {"digest": DIGEST, "sources": {"change": DIGEST}},
        "pack": {"digest": DIGEST, "files": [{"path": "a.gate", "digest": DIGEST}]},
        "engine": {"gatecheck": "0.1.0", "language": 1, "tzdata": "2026a"},
        "overridden": True,
        "override": OVERRIDE,
        "review": {"groups": ["tech-lead"], "due": AT},
        "available": [OVERRIDE],
        "waivers": [WAIVER],
    },
}  # fmt: skip
"""A decision with every part that there can be."""

CONSTRAINED = {
    "as_of", "at", "until", "due", "produced_at", "digest", "commit", "environment", "line", "language", "change",
}  # fmt: skip
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2**53, 2**70, Decimal("1.0"), Decimal("0.5"), "", "x", "allow", "x" * 5000,
    "a b", "a\nb", "\x00", "\ud800", "é", "-", [], ["x"], [None], [[]], {}, {"x": "y"}, {"": ""}, {"action": "wait"},
    DIGEST, DIGEST.upper(), DIGEST + "\n", "md5:" + "a" * 32, "b" * 40, "b" * 41,
    AT, AT + "\n", AT.replace("T", " "), AT.lower(), "2026-02-30T10:00:00Z", "2026-11-25T10:00:00", "x" * 25,
    "2026-11-25T10:00:00+24:00", "0001-01-01T00:00:00Z", "2026-11-25T10:00:00.1234567Z", "2026-11-25T24:00:00Z",
]  # fmt: skip
"""No floats: the reader of documents makes exact decimals of them."""


def places(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the way to every value."""
    yield path
    steps = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, below in steps:
        yield from places(below, (*path, step))


def at(data: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        data = data[step]
    return data


def mutated() -> Iterator[tuple[str, Any]]:
    """Yield decisions that differ from the full one in one place, and what was done."""
    constrained = set(CONSTRAINED)
    for number, path in enumerate(places(FULL)):
        if path:
            is_first = path[-1] in constrained
            constrained.discard(str(path[-1]))
            for value in VALUES if is_first else VALUES[number % 15 :: 15]:
                made = copy.deepcopy(FULL)
                at(made, path[:-1])[path[-1]] = value
                yield f"{path} = {value!r:.60}", made
            made = copy.deepcopy(FULL)
            del at(made, path[:-1])[path[-1]]
            yield f"without {path}", made
        if isinstance(at(FULL, path), dict):
            for key in ("x", "", "a b", "x" * 201):
                made = copy.deepcopy(FULL)
                at(made, path)[key] = "x"
                yield f"{path} with {key!r:.20}", made
        if isinstance(at(FULL, path), list):
            made = copy.deepcopy(FULL)
            at(made, path).append(copy.deepcopy(at(made, path)[0]))
            yield f"{path} twice", made


def is_accepted(data: Any) -> bool:
    try:
        return check_statement(data) is data
    except ValueError:
        return False


def test_the_full_decision_is_accepted_by_both() -> None:
    assert is_accepted(FULL)
    assert list(validator("decision").iter_errors(FULL)) == []
    for path, schema in (("decision", FULL), ("predicate", FULL["predicate"])):
        properties = json.loads(shipped("schemas", "decision.schema.json").read_bytes())
        known = properties["properties"] if path == "decision" else properties["$defs"]["predicate"]["properties"]
        assert sorted(known) == sorted(schema)


def test_the_check_and_the_schema_accept_and_refuse_the_same() -> None:
    schema = validator("decision")
    accepted = refused = 0
    differing = []
    for what, data in mutated():
        by_schema = schema.is_valid(data)
        accepted += by_schema
        refused += not by_schema
        if is_accepted(data) != by_schema:
            differing.append(f"{what}: {'only the schema' if by_schema else 'only the check'} accepts it")
    assert differing == []
    assert accepted > 60
    assert refused > 500


@pytest.mark.parametrize("data", [None, [], "x", 1, {}, [FULL], {"predicate": FULL["predicate"]}])
def test_what_is_no_decision_is_refused_by_both(data: Any) -> None:
    assert not is_accepted(data)
    assert not validator("decision").is_valid(data)


def test_a_decision_that_does_not_fit_is_refused_with_its_place() -> None:
    made = copy.deepcopy(FULL)
    made["predicate"]["findings"][0]["kind"] = "guess"
    with pytest.raises(ValueError, match=r"Invalid enum value 'guess' - at `\$\.predicate\.findings\[0\]\.kind`"):
        check_statement(made)
