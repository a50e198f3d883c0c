"""Evidence that is found for a gate does to it what it is said to do, whatever its condition looks like."""

import json
from datetime import UTC, datetime
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pack_world import pack_of

from gatecheck.engine.program import Program, evaluate
from gatecheck.lang.pack import load
from gatecheck.model.request import Change, Evidence, Request
from gatecheck.model.schema import read
from gatecheck.testing.given import HARMLESS
from gatecheck.testing.samples import Samples, program_of

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
CHANGE: Change = read(dict(HARMLESS), "change")
PACK = """\
environment dev
risk low < high { high when change.type == feature otherwise low }
attribute limit: duration default 2s
rule a for dev { approve automatically require g }
"""
HARD = [
    'gate g from junit { pass when failures <= tests and tests > 3 }',
    'gate g from junit { pass when tests == 17 and (errors == 2 or skipped < 1) and duration < 90s }',
    'gate g from junit { pass when any(failed where name matches "test_*_slow" and outcome == error) }',
    'gate g from junit { pass when all(failed where suite != "x") }',
    'gate g from coverage { pass when line_rate >= 80% and branch_rate > 65.5% and line_rate >= branch_rate }',
    'gate g from coverage { pass when not (lines_covered < 100 or files == 0) }',
    'gate g from sarif "trivy 1" { pass when count(findings where severity >= high and not suppressed) <= 5 }',
    'gate g from sarif { pass when count(findings where level == error) == 1 and any(findings where level == note) }',
    'gate g from sarif { pass when any(findings where path matches "src/**/*.py" and line > 20) }',
    'gate g from sarif { pass when "CodeQL" in tools and not any(findings where baseline == new) }',
    'gate g from sarif { pass when count(findings) == 3 fresh for 1h bound }',
    'gate g from check { field p95: duration pass when p95 < change.limit bound }',
    'gate g from check { field a: int field b: int pass when a < b and a > 5 and status == passed }',
    'gate g from check { field day: date field at: instant pass when day >= 2026-11-01 and at < 2026-12-01T00:00:00Z }',
    'gate g from check { field ok: bool field share: percent pass when ok and share <= 1% }',
    'gate g from check { field x: string pass when x in ["a", "b"] and change.type != docs }',
    'gate g from check { field x: decimal pass when x >= 0.25 or risk == low }',
    'gate g from check { field x: string pass when x matches "v[0-9]*-?" signed by ci }',
]  # fmt: skip


def judged(program: Program, evidence: Evidence) -> str:
    """Return what the whole pack's program makes of evidence."""
    request = Request(change=CHANGE, environment="dev", as_of="2026-11-23T09:00:00Z", evidence={"g": evidence})
    decision = evaluate(program, request)
    return next(f.status for f in decision.findings if f.asked.gate == "g")


@pytest.mark.parametrize("gate", HARD)
@pytest.mark.parametrize("outcome", ["passed", "failed"])
def test_a_sample_does_what_it_is_said_to_do(gate: str, outcome: Literal["passed", "failed"]) -> None:
    pack = pack_of("", PACK + gate)
    found = Samples(pack).evidence("g", outcome, CHANGE, NOW)
    assert found is not None
    assert judged(program_of(pack), found) == outcome


COMPARED = st.builds(
    "{} {} {}".format, st.sampled_from(["tests", "failures", "errors", "skipped"]),
    st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), st.integers(0, 12),
)  # fmt: skip
CONDITIONS = st.recursive(
    COMPARED,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda each: f"({' and '.join(each)})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda each: f"({' or '.join(each)})"),
        inner.map("not ({})".format),
    ),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(CONDITIONS, st.sampled_from(["passed", "failed"]))
def test_what_is_found_holds_and_what_is_not_can_hardly_be(
    condition: str, outcome: Literal["passed", "failed"]
) -> None:
    pack = pack_of("", f"{PACK}gate g from junit {{ pass when {condition} }}")
    samples, program = Samples(pack), program_of(pack)
    found = samples.evidence("g", outcome, CHANGE, NOW)
    if found is not None:
        assert judged(program, found) == outcome
        assert samples.evidence("g", outcome, CHANGE, NOW) == found
        return
    blank = samples.blank("g", CHANGE, NOW)
    fields = ("tests", "failures", "errors", "skipped")
    for value in range(14):  # all alike, and one apart from the others
        for field in fields:
            for other in (0, 13):
                tried = {**blank.fields, **dict.fromkeys(fields, other), field: value}
                made = Evidence("junit", tried, blank.raw, produced_at=NOW, subject=blank.subject)
                assert judged(program, made) != outcome


def test_a_gate_that_asks_about_the_change_is_searched_anew_for_another() -> None:
    gate = "gate g from check { field n: int pass when n > 1 and change.type == docs or n > 8 and change.type != docs }"
    pack = pack_of("", PACK + gate)
    samples = Samples(pack)
    docs: Change = read({**HARMLESS, "type": "docs"}, "change")
    few, many = samples.evidence("g", "passed", docs, NOW), samples.evidence("g", "passed", CHANGE, NOW)
    assert few is not None
    assert many is not None
    assert (few.fields["fields"], many.fields["fields"]) == ({"n": 2}, {"n": 9})


def test_a_sample_says_who_made_it_when_and_about_what() -> None:
    pack = pack_of("", PACK + 'gate g from sarif "trivy" { pass when errors == 0 signed by ops, ci fresh for 1h }')
    found = Samples(pack).evidence("g", "passed", CHANGE, NOW)
    assert found is not None
    assert found.subject is not None
    assert (found.kind, found.producer, found.produced_at, found.signers) == ("sarif", "trivy", NOW, ["ci"])
    assert (found.subject.digest, found.subject.commit, found.flaw) == (CHANGE.artifact.digest, None, "")


def test_what_can_not_be_is_not_found() -> None:
    pack = pack_of("", PACK + "gate g from junit { pass when tests > 3 and tests < 3 }")
    assert Samples(pack).evidence("g", "passed", CHANGE, NOW) is None


@pytest.mark.parametrize(
    ("gate", "changed"),
    [
        ("junit { pass when tests > 0 and failures == 0 and errors == 0 }", {"tests": 1, "failures": 1}),
        ("coverage { pass when line_rate >= 80% }", {"line_rate": "0.79"}),
        ("sarif { pass when errors <= 3 }", {"errors": 4}),
    ],
)
def test_what_fails_has_measured_something_and_fails_narrowly(gate: str, changed: dict[str, object]) -> None:
    samples = Samples(pack_of("", f"{PACK}gate g from {gate}"))
    found = samples.evidence("g", "failed", CHANGE, NOW)
    assert found is not None
    assert found.fields == {**samples.blank("g", CHANGE, NOW).fields, **changed}


def test_a_kind_of_evidence_of_the_packs_own_is_searched_likewise() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "required": ["budget", "alerts"],
        "additionalProperties": False,
        "properties": {
            "budget": {"type": "string", "x-type": "percent"},
            "alerts": {"type": "array", "items": {"type": "integer"}},
        },
    }  # fmt: skip
    rules = f'{PACK}evidence slo from "slo.schema.json"\ngate g from slo {{ pass when budget > 10% and 7 in alerts }}'
    pack = load({"p.gate": rules.encode(), "slo.schema.json": json.dumps(schema).encode()})[0]
    samples = Samples(pack)
    passing, failing = (samples.evidence("g", outcome, CHANGE, NOW) for outcome in ("passed", "failed"))
    assert passing is not None
    assert failing is not None
    assert (passing.kind, passing.fields) == ("slo", {"budget": "0.11", "alerts": [7]})
    assert failing.fields == {"budget": "0.09", "alerts": [7]}
