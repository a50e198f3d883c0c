"""What the two evaluators, or a law, once disagreed about: each in the smallest pack that shows it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from generate import ARTIFACT, compiled

from gatecheck.engine.program import evaluate
from gatecheck.lang.pack import load
from gatecheck.model.decision import Decision
from gatecheck.model.request import Request
from gatecheck.model.schema import read
from gatecheck.text.diagnostic import RulesError

ENVIRONMENTS = "environment staging environment production "
AUTOMATIC = "rule a for production { approve automatically } "
CHANGE = {
    "id": "1",
    "service": "s",
    "type": "feature",
    "author": "frank",
    "artifact": {"name": "s", "digest": ARTIFACT},
}


def decide(rules: str, change: dict[str, Any] | None = None, **parts: Any) -> Decision:
    pack = load({"rules.gate": (ENVIRONMENTS + rules).encode()})[0]
    data = {
        "environment": "production",
        "as_of": "2026-11-23T09:00:00Z",
        **parts,
        "change": {**CHANGE, **(change or {})},
    }
    request: Request = read(data, "request")
    return evaluate(compiled(pack), request)


def junit(**fields: Any) -> dict[str, Any]:
    return {"unit": {"kind": "junit", "raw": ARTIFACT, "fields": fields}}


@pytest.mark.parametrize(
    "condition", ['any(change.files where path == "a")', "count(change.files) >= 0", "any(change.files)",
                  'all(change.files where path == "a")', "not any(change.files where added > 3)"],
)  # fmt: skip
def test_an_empty_list_of_files_decides_nothing(condition: str) -> None:
    rules = f"rule r for production {{ approve automatically require {condition} }}"
    assert decide(rules).verdict == "pending"
    assert decide(rules, {"files": []}).verdict == "pending"


def test_a_default_duration_may_be_longer_than_eleven_days() -> None:
    rules = (
        "attribute age: duration default 30d rule r for production { approve automatically require change.age == 720h }"
    )
    assert decide(rules).verdict == "allow"


def test_a_duration_is_bounded_so_that_no_instant_leaves_the_calendar() -> None:
    rules = "group lead = alice rule r for production {{ approve by lead valid for {} }}"
    approval = {"approver": "alice", "stance": "approve", "at": "2999-12-31T00:00:00Z", "artifact": ARTIFACT}
    given = [{**approval, "environment": "production"}]
    assert decide(rules.format("365249d"), as_of="2999-12-31T12:00:00Z", approvals=given).verdict == "allow"
    with pytest.raises(RulesError) as raised:
        decide(rules.format("365250d"))
    assert [d.message for d in raised.value.diagnostics] == ["the duration `365250d` is too long"]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("gate other from junit { pass when good }", "a gate's own condition can't depend on `unit`"),
        ("risk low < high { high when good otherwise low }", "risk can't depend on `unit`"),
        ("rule r for production { require any(change.files where good) }", "a `where` can't depend on `unit`"),
    ],
)
def test_a_let_brings_no_gate_to_where_none_may_stand(place: str, message: str) -> None:
    with pytest.raises(RulesError) as raised:
        decide(f"gate unit from junit {{ pass when errors == 0 }} let good = unit {AUTOMATIC} {place}")
    assert [d.message for d in raised.value.diagnostics if d.severity == "error"] == [message]


@pytest.mark.parametrize("asked", ["risk == high", "high == risk"])
def test_a_gate_may_ask_for_the_risk(asked: str) -> None:
    rules = "risk low < high { high when change.type == hotfix otherwise low } "
    rules += f"gate unit from junit {{ pass when errors == 0 or not {asked} }} "
    rules += "rule r for production { approve automatically require unit }"
    assert decide(rules, evidence=junit(errors=1)).verdict == "allow"
    assert decide(rules, {"type": "hotfix"}, evidence=junit(errors=1)).verdict == "deny"


def test_a_pack_names_people_as_a_request_does() -> None:
    composed, decomposed = "zoë", "Zoe\u0308"
    rules = f'group lead = "{decomposed}" rule r for production {{ approve by lead }}'
    approval = {"approver": composed, "at": "2026-11-23T08:00:00Z", "artifact": ARTIFACT, "environment": "production"}
    assert decide(rules, approvals=[{**approval, "stance": "approve"}]).verdict == "allow"
    assert decide(rules, approvals=[{**approval, "stance": "reject"}]).verdict == "deny"


def test_a_rollback_that_will_be_one_is_a_turn() -> None:
    stay = {"artifact": ARTIFACT, "environment": "production", "from": "2026-11-23T10:00:00Z"}
    rules = "environment last after production rule r for last { approve automatically }"
    parts = {"environment": "last", "deployments": [{**stay, "environment": "last"}]}
    decision = decide(rules, {"type": "rollback"}, **parts)
    assert decision.verdict == "pending"
    assert [(t.at.hour, t.cause) for t in decision.turns] == [(10, "this artifact was here")]
    assert decide(rules, {"type": "rollback"}, **parts, as_of="2026-11-23T10:00:00Z").verdict == "allow"


@pytest.mark.parametrize(("operator", "tick"), [(">=", 0), (">", 1)])
def test_a_soak_that_must_exceed_its_duration_ends_a_tick_later(operator: str, tick: int) -> None:
    start = "2026-11-23T08:00:00Z"
    stay = {"artifact": ARTIFACT, "environment": "staging", "from": start, "verified_at": start}
    rules = f"rule r for production {{ approve automatically require soak(staging) {operator} 1h }}"
    due = datetime.fromisoformat("2026-11-23T09:00:00+00:00") + timedelta(microseconds=tick)
    before = decide(rules, deployments=[stay], as_of="2026-11-23T08:30:00Z")
    assert [(a.kind, a.until) for a in before.missing] == [("wait", due)]
    assert [t.at for t in before.turns] == [due]
    assert decide(rules, deployments=[stay], as_of=due.isoformat()).verdict == "allow"


@pytest.mark.parametrize("findings", ["", {}, 0, None, ["a"], [{}]])
def test_evidence_that_is_not_of_its_shape_never_passes(findings: Any) -> None:
    rules = "gate scan from sarif { pass when count(findings where severity >= high) == 0 } "
    rules += "rule r for production { approve automatically require scan }"
    evidence: dict[str, Any] = {"scan": {"kind": "sarif", "raw": ARTIFACT, "fields": {"findings": findings}}}
    assert decide(rules, evidence=evidence).verdict == "pending"
    beside = "gate scan from sarif { pass when runs == 1 } "
    beside += "rule r for production { approve automatically require count(scan.findings where severity >= high) == 0 }"
    evidence["scan"]["fields"]["runs"] = 1
    assert decide(beside, evidence=evidence).verdict == "pending"


@pytest.mark.parametrize("ratio", ["1e999999", "-1e-999999", "NaN", "Infinity", " 1", "1_0", "\uff11", "9" * 400])
def test_a_number_is_written_plainly_and_not_endless(ratio: str) -> None:
    rules = "gate check from check { pass when ratio >= 80% field ratio: percent } "
    rules += "rule r for production { approve automatically require check }"
    fields = {"status": "passed", "fields": {"ratio": ratio}}
    assert decide(rules, evidence={"check": {"kind": "check", "raw": ARTIFACT, "fields": fields}}).verdict == "pending"


def test_several_statements_count_on_nobody_who_may_not_give_them_all() -> None:
    rules = "group lead = alice, frank group pm = bob, frank rule r for production { approve by lead approve by pm }"
    assert sorted(a.groups for a in decide(rules).missing) == [("lead",), ("pm",)]
    shared = rules.replace("bob, frank", "alice, bob")
    assert len(decide(shared).missing) == 1


def test_a_pack_may_name_a_person_by_a_login_that_the_directory_knows() -> None:
    rules = "group lead = alice-gh, bob rule r for production { approve by lead }"
    directory = {"people": {"alice": {"logins": ["alice-gh"]}}}
    given = {"at": "2026-11-23T08:00:00Z", "artifact": ARTIFACT, "environment": "production"}
    approval = {"approver": "alice", "stance": "approve", **given}
    assert decide(rules, directory=directory, approvals=[approval]).verdict == "allow"
    other = {"approver": "bob", "stance": "approve", **given}
    veto = {"approver": "alice", "stance": "reject", **given}
    assert decide(rules, directory=directory, approvals=[other, veto]).verdict == "deny"


def test_many_services_in_one_guard_decide_as_few_do() -> None:
    names = ", ".join(f'"s{n}"' for n in range(40))
    rules = f'{AUTOMATIC} rule r for production when change.service in [{names}] {{ require change.title == "x" }}'
    assert decide(rules, {"service": "s7"}).verdict == "deny"
    assert decide(rules, {"service": "t"}).verdict == "allow"


@pytest.mark.parametrize(("author", "approver"), [("alice@example.com", "alice"), ("alice", "alice@example.org")])
def test_a_mail_address_and_the_name_before_its_at_sign_are_one_person(author: str, approver: str) -> None:
    rules = f'group lead = "{approver}", bob rule r for production {{ approve by lead }}'
    given = {"stance": "approve", "at": "2026-11-23T08:00:00Z", "artifact": ARTIFACT, "environment": "production"}
    own = decide(rules, {"author": author}, approvals=[{**given, "approver": approver}])
    assert own.verdict == "pending"
    assert [r.reason for f in own.findings for r in f.refused] == ["is the author"]
    assert decide(rules, {"author": author}, approvals=[{**given, "approver": "bob"}]).verdict == "allow"
    # Where the directory knows the author as somebody else, the request names him by that id.
    assert decide(rules, {"author": "alice-1"}, approvals=[{**given, "approver": approver}]).verdict == "allow"


@pytest.mark.parametrize(("author", "rejects"), [("alice@example.com", "alice"), ("alice", "alice@example.org")])
@pytest.mark.parametrize("how", ["approve automatically", "approve by lead", "approve by lead valid for 9h signed"])
def test_the_author_rejects_by_any_such_name(author: str, rejects: str, how: str) -> None:
    rules = f"group lead = bob rule r for production {{ {how} }}"
    given = {"at": "2026-11-23T08:00:00Z", "artifact": ARTIFACT, "environment": "production"}
    approval = {**given, "stance": "approve", "approver": "bob", "signature": "of bob", "signer": "bob"}
    veto = {**given, "stance": "reject", "approver": rejects}
    assert decide(rules, {"author": author}, approvals=[approval]).verdict == "allow"
    assert decide(rules, {"author": author}, approvals=[approval, veto]).verdict == "deny"


def test_the_order_in_which_members_lie_decides_nothing() -> None:
    rules = "group any group lead group unknown rule r for production { approve by any and (lead or unknown) }"
    orders = (["alice", "bob"], ["bob", "alice"])
    first, second = (decide(rules, directory={"groups": {"any": a, "lead": ["alice"]}}).missing for a in orders)
    assert first == second


def test_hundreds_of_missing_approvals_are_joined_where_the_same_people_may_give_them() -> None:
    rules = "group g group h " + " ".join(f"rule r{n} for production {{ approve by 30 g }}" for n in range(40))
    assert len(decide(rules).missing) == 30
    both = rules + " rule s for production { approve by 30 g and 2 h }"
    assert len(decide(both).missing) == 32
