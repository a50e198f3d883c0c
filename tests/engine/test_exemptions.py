"""Waivers, overrides, advice and invariants: their laws over random packs, and each of their edges by itself."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from generate import ARTIFACT, PEOPLE, compiled, random_request
from msgspec.structs import replace
from test_laws import PACKS, TICK, approves, asked, at, now, packs, program_of, statuses, with_approvals

from gatecheck.engine.invariants import approvers, violated
from gatecheck.engine.program import Program, evaluate
from gatecheck.engine.record import record
from gatecheck.lang import core
from gatecheck.model.decision import Decision
from gatecheck.model.request import Request

Outcome = tuple[Any, ...]


def outcome(decision: Decision) -> Outcome:
    """All of a decision but its findings, who could break the glass, and what changes by itself."""
    return (
        decision.verdict, decision.risk, decision.obligations, set(decision.missing), decision.override,
        approvers(decision),
    )  # fmt: skip


def without(law: str, what: str, each: int) -> Iterator[tuple[core.Pack, Program, Program, Request]]:
    """Requests for the packs that have waivers, or overrides, each with the program of the pack that has none."""
    for number, (_, pack, program) in enumerate(packs()):
        if getattr(pack, what):
            bare = compiled(replace(pack, **{what: ()}))
            random = Random(f"{law} {number}")
            for _ in range(each):
                yield pack, program, bare, random_request(random, pack)


def each_pack(law: str) -> Iterator[tuple[core.Pack, Request, Random]]:
    for number, (_, pack, _) in enumerate(packs()):
        random = Random(f"{law} {number}")
        yield pack, random_request(random, pack), random


def decide(pack: core.Pack, request: Request) -> Decision:
    return evaluate(compiled(pack), request)


def written(pack: core.Pack, request: Request) -> dict[str, Any]:
    """The recorded decision of a pack."""
    program = compiled(pack)
    predicate: dict[str, Any] = json.loads(record(program, request, evaluate(program, request))[0])["predicate"]
    return predicate


def with_rule(pack: core.Pack, rule: str, **duties: Any) -> core.Pack:
    """The pack with what a whole rule says of itself."""
    said = {"advisory": False, "effective_from": None, **duties}
    made = [replace(s, **said) if s.rule == rule else s for s in pack.statements]
    return replace(pack, statements=tuple(made))


# -- laws


def test_a_waiver_makes_nothing_pass() -> None:
    """A waiver makes nothing pass, and gives no approval."""
    waived = 0
    for _, program, bare, request in without("waiver", "waivers", 24):
        decision, strict = evaluate(program, request), evaluate(bare, request)
        kinds = {f.asked.id: f.asked.kind for f in decision.findings}
        was, is_now = statuses(strict), statuses(decision)
        assert was.keys() == is_now.keys()
        turned = {name for name, status in is_now.items() if status != was[name]}
        assert {name for w in decision.waivers for name in w.findings} == turned
        for name in turned:
            assert (was[name] in ("failed", "waiting"), is_now[name]) == (True, "waived")
            assert kinds[name] in ("require", "forbid")
        waived += len(turned)
    assert waived > PACKS


def test_a_waiver_that_has_ended_is_none() -> None:
    """Past its end a waiver changes nothing."""
    for pack, request, random in each_pack("end"):
        if pack.waivers:
            ends = [now(request) - random.choice((0, 1)) * timedelta(hours=1) for _ in pack.waivers]
            over = tuple(replace(w, until=end) for w, end in zip(pack.waivers, ends, strict=True))
            assert written(replace(pack, waivers=over), request) == written(replace(pack, waivers=()), request)


def test_advice_decides_nothing() -> None:
    """What only advises never changes the verdict."""
    advised = 0
    for pack, request, random in each_pack("advice"):
        rule = random.choice(pack.statements).rule
        silent = replace(pack, statements=tuple(s for s in pack.statements if s.rule != rule))
        advisory = decide(with_rule(pack, rule, advisory=True), request)
        assert outcome(advisory) == outcome(decide(silent, request))
        own = [f for f in advisory.findings if f.asked.rule == rule]
        advised += any(f.status != "passed" for f in own)
        assert all(f.advisory for f in own)
    assert advised > PACKS // 8


def test_a_rule_takes_effect_at_its_instant() -> None:
    """Until it takes effect a rule only advises, and from then on it binds."""
    turned = 0
    for pack, request, random in each_pack("effect"):
        rule = random.choice(pack.statements).rule
        before = written(with_rule(pack, rule, effective_from=now(request) + TICK), request)
        advises = written(with_rule(pack, rule, advisory=True), request)
        turn = [n for n in before["next"] if n["cause"] == "rule takes effect" and n["subject"] == rule]
        turned += bool(turn)
        assert bool(turn) >= any(f["rule"] == rule for f in before["findings"])
        before["next"] = [n for n in before["next"] if n not in turn]
        assert before == advises
        after = written(with_rule(pack, rule, effective_from=now(request)), request)
        assert after == written(with_rule(pack, rule), request)
    assert turned > PACKS // 4


def test_an_override_needs_all_its_approvals() -> None:
    """An override whose approvals are not all there changes nothing."""
    available = 0
    for _, program, bare, request in without("glass", "overrides", 12):
        decision = evaluate(program, request)
        if decision.override is None:
            available += bool(decision.available)
            assert outcome(decision) == outcome(evaluate(bare, request))
            assert all(any(f.status != "passed" for f in o.findings) for o in decision.available)
        else:
            assert evaluate(program, replace(request, approvals=[])).override is None
    assert available > PACKS


def test_an_override_changes_no_finding() -> None:
    """An override leaves every finding as it is."""
    used = 0
    for number, (_, program, bare, asking) in enumerate(without("broken", "overrides", 24)):
        request = with_approvals(asking, PEOPLE) if number % 2 else asking
        decision, strict = evaluate(program, request), evaluate(bare, request)
        if decision.override is not None:
            used += 1
            assert strict.verdict != "allow"
            assert statuses(decision) == statuses(strict)
            assert (decision.missing, decision.available) == ((), ())
            assert {f.status for f in decision.override.findings} == {"passed"}
            assert {f.asked.rule for f in decision.override.findings} == {decision.override.name}
    assert used > PACKS // 4


# -- waivers

WORLD = """
environment production
group lead = alice, bob
group ic = erin, alice
gate unit from junit { pass when failures == 0 }
gate lint from check { pass when status == passed }
rule open for production { approve automatically }
"""
FAILING = {"unit": {"kind": "junit", "raw": ARTIFACT, "fields": {"failures": 1}}}


def waiver(targets: str, until: str = "2026-11-24", guard: str = "") -> str:
    return f'waive {targets} for production until {until} {{ {guard} owner security because "SEC-1" }}'


@pytest.mark.parametrize(
    ("statement", "targets", "is_waived"),
    [
        ("require unit", "unit", True),
        ("require unit", "r", True),
        ("require unit", "lint", False),
        ("require unit.failures == 0", "unit", True),
        ("forbid unit.failures > 0", "unit", True),
        ("require unit and lint", "unit", False),
        ("require unit and lint", "unit, lint", True),
        ('require unit and change.service == "s"', "unit", False),
        ('require unit and change.title == "x"', "unit", False),
        ('require unit and change.title == "x"', "r", True),
        ('when unit.failures > 0: require change.title == "x"', "unit", False),
        ('require change.title == "x"', "unit", False),
        ("approve by lead", "r", False),
        ("when lint: approve automatically", "r", False),
    ],
)
def test_a_waiver_covers_what_it_names_and_nothing_else(statement: str, targets: str, is_waived: bool) -> None:
    rules = f"{WORLD} rule r for production {{ {statement} }} {waiver(targets)}"
    decision = evaluate(program_of(rules), asked(evidence=FAILING))
    assert [f.status == "waived" for f in decision.findings if f.asked.rule == "r"] == [is_waived]
    assert (decision.verdict == "allow") is is_waived


def test_a_waived_finding_keeps_what_it_found_and_asks_for_nothing() -> None:
    rules = WORLD + "rule r for production { require unit } " + waiver("unit", "2026-11-24 18:00 in Europe/Berlin")
    decision = evaluate(program_of(rules), asked(evidence=FAILING))
    (finding,) = [f for f in decision.findings if f.asked.rule == "r"]
    assert (finding.status, finding.values, finding.actions) == ("waived", (1,), ())
    assert finding.note == "waived until 2026-11-24T17:00:00Z by security: SEC-1"
    assert [(t.at.isoformat(), t.cause, t.subject) for t in decision.turns] == [
        ("2026-11-24T17:00:00+00:00", "waiver ends", "unit")
    ]
    assert [(w.targets, w.owner, w.findings, w.line) for w in decision.waivers] == [
        (("unit",), "security", ("r/unit",), 8)
    ]


@pytest.mark.parametrize(
    ("as_of", "verdict"), [("2026-11-23T23:59:59.999999Z", "allow"), ("2026-11-24T00:00:00Z", "deny")]
)
def test_a_waiver_is_half_open(as_of: str, verdict: str) -> None:
    program = program_of(WORLD + "rule r for production { require unit } " + waiver("unit"))
    assert evaluate(program, asked(evidence=FAILING, as_of=as_of)).verdict == verdict


def test_of_several_waivers_the_one_that_ends_last_is_used() -> None:
    rules = WORLD + "rule r for production { require unit } "
    rules += waiver("unit", "2026-11-25") + waiver("unit, r", "2026-11-27") + waiver("r", "2026-11-26")
    rules += waiver("r", "2026-11-28", 'when change.title == "x"')
    decision = evaluate(program_of(rules), asked(evidence=FAILING))
    assert [(w.targets, w.until.day) for w in decision.waivers] == [(("r", "unit"), 27)]


@pytest.mark.parametrize(
    ("guard", "verdict"),
    [("when lint", "deny"), ("when not lint", "deny"), ('when change.service == "s"', "allow"), ("when unit", "deny")],
)
def test_a_waiver_whose_condition_is_not_known_to_hold_is_none(guard: str, verdict: str) -> None:
    rules = WORLD + "rule r for production { require unit } " + waiver("unit", guard=guard)
    assert evaluate(program_of(rules), asked(evidence=FAILING)).verdict == verdict


def test_a_rule_that_is_named_as_the_promotion_waives_no_missing_approval() -> None:
    rules = "environment production gate approval from junit { pass when failures == 0 } rule promotion for production "
    rules += "{ require approval } " + waiver("promotion")
    decision = evaluate(program_of(rules), asked())
    assert decision.verdict == "deny"


# -- overrides

EMERGENCY = """
override emergency "Break the glass" for production {
  when "incident" in change.labels
  approve by ic
  review by lead within 24h
  because "outages cost more"
}
rule r for production { require unit }
"""


def incident(**parts: Any) -> Request:
    change = {
        "id": "1", "service": "s", "type": "feature", "author": "alice", "labels": ["incident"],
        "artifact": {"name": "s", "digest": ARTIFACT},
    }  # fmt: skip
    return asked(change=change, evidence=FAILING, **parts)


def test_an_override_allows_and_says_who_owes_a_review() -> None:
    program = program_of(WORLD + EMERGENCY)
    request = incident(approvals=[approves("erin")])
    decision = evaluate(program, request)
    assert (decision.verdict, decision.missing) == ("allow", ())
    predicate = json.loads(record(program, request, decision)[0])["predicate"]
    assert predicate["overridden"] is True
    assert predicate["review"] == {"groups": ["lead"], "due": "2026-11-24T09:00:00Z"}
    assert predicate["override"] == {
        "name": "emergency",
        "title": "Break the glass",
        "because": "outages cost more",
        "file": "rules.gate",
        "line": 9,
        "asked": ["approve by ic"],
        "counted": [{"approver": "erin", "at": "2026-11-23T08:00:00Z"}],
    }
    assert {f["id"]: f["status"] for f in predicate["findings"] if f["rule"] == "r"} == {"r/unit": "failed"}


@pytest.mark.parametrize(
    ("approvals", "kinds"),
    [
        ([], ["approve"]),
        ([approves("alice")], ["approve"]),  # the author
        ([approves("bob")], ["approve"]),
        ([approves("erin"), approves("alice", stance="reject")], ["settle"]),
        ([approves("erin"), approves("erin", "2026-11-23T08:30:00Z", "withdraw")], ["approve"]),
    ],
)
def test_an_override_that_lacks_approvals_is_available(approvals: list[Any], kinds: list[str]) -> None:
    program = program_of(WORLD + EMERGENCY)
    decision = evaluate(program, incident(approvals=approvals))
    assert decision.verdict == "deny"
    assert [(o.name, [a.kind for f in o.findings for a in f.actions]) for o in decision.available] == [
        ("emergency", kinds)
    ]


@pytest.mark.parametrize("guard", ['"incident" in change.labels', "lint", "not lint", "unit"])
def test_an_override_that_is_not_known_to_apply_is_not_spoken_of(guard: str) -> None:
    program = program_of(WORLD + EMERGENCY.replace('"incident" in change.labels', guard))
    decision = evaluate(program, asked(evidence=FAILING, approvals=[approves("erin")]))
    assert (decision.verdict, decision.override, decision.available) == ("deny", None, ())


def test_an_override_is_not_needed_where_the_rules_allow() -> None:
    program = program_of(WORLD + EMERGENCY)
    decision = evaluate(program, replace(incident(approvals=[approves("erin")]), evidence=fine()))
    assert (decision.verdict, decision.override) == ("allow", None)


def fine() -> Any:
    return asked(evidence={"unit": {"kind": "junit", "raw": ARTIFACT, "fields": {"failures": 0}}}).evidence


def test_an_override_allows_where_no_rule_says_how_approval_happens() -> None:
    rules = "environment production group ic = erin override glass for production { approve by ic }"
    decision = evaluate(program_of(rules), asked(approvals=[approves("erin")]))
    assert (decision.verdict, statuses(decision)) == ("allow", {"promotion/approval": "failed"})


def test_of_several_overrides_the_first_by_name_is_used() -> None:
    rules = WORLD + "rule r for production { require unit } "
    rules += "override zeal for production { approve by ic } override calm for production { approve by ic } "
    rules += "override able for production { approve by ic approve by lead }"
    decision = evaluate(program_of(rules), asked(evidence=FAILING, approvals=[approves("erin")]))
    assert decision.override is not None
    assert decision.override.name == "calm"


def test_a_review_is_due_within_the_years_that_there_are() -> None:
    program = program_of(WORLD + EMERGENCY.replace("24h", "365000d"))
    request = at(incident(approvals=[approves("erin")]), datetime.fromisoformat("2900-01-01T00:00:00+00:00"))
    predicate = json.loads(record(program, request, evaluate(program, request))[0])["predicate"]
    assert predicate["review"]["due"] == "2999-12-31T23:59:59Z"


# -- advice


@pytest.mark.parametrize(
    ("body", "obligations"),
    [('notify "x"', (("notify", "x"),)), ('advisory notify "x"', ()), ('effective from 2026-11-24 notify "x"', ())],
)
def test_what_only_advises_is_not_owed(body: str, obligations: Any) -> None:
    decision = evaluate(program_of(f"{WORLD} rule r for production {{ {body} }}"), asked())
    assert decision.obligations == obligations


@pytest.mark.parametrize("duty", ["advisory", "effective from 2026-11-24"])
@pytest.mark.parametrize("body", ["approve automatically", "approve by lead", "when unit: approve automatically"])
def test_advice_is_no_way_to_approve(duty: str, body: str) -> None:
    rules = WORLD.replace("rule open for production { approve automatically }", "")
    rules += f"rule r for production {{ {duty} {body} }}"
    decision = evaluate(program_of(rules), asked(approvals=[approves("bob")]))
    assert (decision.verdict, statuses(decision)["promotion/approval"]) == ("deny", "failed")


def test_what_follows_advice_binds() -> None:
    rules = WORLD + "rule a for production { advisory require lint } rule b for production { require unit }"
    decision = evaluate(program_of(rules), asked(evidence=FAILING))
    assert {f.asked.id: f.advisory for f in decision.findings if f.status != "passed"} == {
        "a/lint": True,
        "b/unit": False,
    }


# -- invariants


def claims(invariant: str, **parts: Any) -> list[tuple[str, bool, tuple[Any, ...]]]:
    program = program_of(f"{WORLD} {EMERGENCY} invariant sure for production {invariant}")
    request = incident(**parts)
    return [(v.text, v.is_undetermined, v.found) for v in violated(program, request, evaluate(program, request))]


def test_an_invariant_counts_the_people_who_approved() -> None:
    given = {"approvals": [approves("erin")]}
    assert claims("{ require approvers >= 1 }", **given) == []
    assert claims("{ require approvers >= 2, overridden }", **given) == [
        ("approvers >= 2", False, (("approvers >= 2", "1"),))
    ]


def test_an_invariant_looks_only_at_decisions_that_allow() -> None:
    assert claims("{ require approvers >= 2 }") == []


def test_what_an_invariant_can_not_tell_is_a_violation() -> None:
    given = {"approvals": [approves("erin")]}
    assert claims("{ require lint or not overridden }", **given) == [
        ("lint or not overridden", True, (("lint", "undetermined"), ("overridden", "true")))
    ]


@pytest.mark.parametrize(("guard", "count"), [("lint", 1), ("not lint", 1), ("unit", 0), ("not overridden", 0)])
def test_an_invariant_holds_back_only_where_it_surely_does_not_apply(guard: str, count: int) -> None:
    assert len(claims(f"when {guard} {{ require approvers >= 2 }}", approvals=[approves("erin")])) == count
