"""Approvals on terms: escalation, excluded approvers, delegates and signatures, each in the smallest pack."""

from typing import Any

import pytest
from generate import ARTIFACT, compiled

from gatecheck.engine.program import evaluate
from gatecheck.engine.record import record
from gatecheck.lang.pack import load
from gatecheck.model.decision import Decision, Finding
from gatecheck.model.request import Request
from gatecheck.model.schema import read
from gatecheck.text.diagnostic import RulesError

HEAD = "environment staging environment production group lead = alice, carol group boss = bella group pm = pete "
CHANGE: dict[str, Any] = {
    "id": "1",
    "service": "s",
    "type": "feature",
    "author": "frank",
    "artifact": {"name": "s", "digest": ARTIFACT},
    "requested_at": "2026-11-23T07:00:00Z",
}
TWO_HOURS = "rule r for production { approve by lead escalate to boss after 2h }"


def request(**parts: Any) -> Request:
    change = {k: v for k, v in (CHANGE | parts.pop("change", {})).items() if v is not None}
    data = {"environment": "production", "as_of": "2026-11-23T10:00:00Z", **parts, "change": change}
    made: Request = read(data, "request")
    return made


def decide(rules: str, **parts: Any) -> Decision:
    return evaluate(compiled(load({"rules.gate": (HEAD + rules).encode()})[0]), request(**parts))


def only(decision: Decision) -> Finding:
    (finding,) = decision.findings
    return finding


def approves(person: str, at: str = "08:00", **parts: str) -> dict[str, str]:
    at = at if "T" in at else f"2026-11-23T{at}:00Z"
    return {
        "approver": person, "stance": "approve", "at": at, "artifact": ARTIFACT, "environment": "production",
        "signer": person, **parts,
    }  # fmt: skip


def refusals(finding: Finding) -> list[tuple[str, str]]:
    return [(r.approver, r.reason) for r in finding.refused]


def asked(decision: Decision) -> list[tuple[Any, ...]]:
    return [(a.kind, a.subject if a.kind != "approve" else a.groups, a.reason) for a in decision.missing]


# -- escalation


def test_who_joins_may_approve_from_that_very_instant_on() -> None:
    given = [approves("bella", "07:30")]  # whenever it was given
    early = decide(TWO_HOURS, approvals=given, as_of="2026-11-23T08:59:59.999999Z")
    assert (early.verdict, only(early).note) == ("pending", "")
    assert refusals(only(early)) == [("bella", "may act only once this has waited 2h")]
    assert asked(early) == [("approve", ("lead",), "")]
    assert [(t.at.isoformat(), t.cause, t.subject) for t in early.turns] == [
        ("2026-11-23T09:00:00+00:00", "escalation begins", "boss")
    ]
    late = decide(TWO_HOURS, approvals=given, as_of="2026-11-23T09:00:00Z")
    assert (late.verdict, only(late).note, late.turns) == ("allow", "escalated to boss", [])
    assert [p for p, _ in only(late).counted] == ["bella"]


def test_who_joins_is_asked_for_too() -> None:
    assert asked(decide(TWO_HOURS)) == [("approve", ("lead", "boss"), "")]


def test_what_was_never_asked_for_at_an_instant_never_escalates() -> None:
    decision = decide(TWO_HOURS, change={"requested_at": None}, approvals=[approves("bella")])
    assert decision.verdict == "pending"
    assert refusals(only(decision)) == [
        ("bella", "may act only once this has waited 2h, and the change does not say since when")
    ]


@pytest.mark.parametrize("change", [{}, {"requested_at": None}, {"requested_at": "2026-11-23T09:59:00Z"}])
def test_who_may_join_may_reject_at_any_time(change: dict[str, Any]) -> None:
    decision = decide(TWO_HOURS, change=change, approvals=[approves("alice"), approves("bella", stance="reject")])
    assert (decision.verdict, only(decision).note) == ("deny", "rejected by bella")


def test_one_who_joins_fills_one_place_and_several_may_join_one_after_another() -> None:
    rules = "rule r for production { approve by 2 lead escalate to pm after 4h escalate to boss after 2h }"
    given = [approves("bella"), approves("pete")]
    first = decide(rules, approvals=given)
    assert (first.verdict, only(first).note) == ("pending", "escalated to boss")
    assert refusals(only(first)) == [("pete", "may act only once this has waited 4h")]
    assert asked(first) == [("approve", ("lead", "boss"), "")]
    second = decide(rules, approvals=given, as_of="2026-11-23T11:00:00Z")
    assert (second.verdict, only(second).note) == ("allow", "escalated to boss, pm")


ALONE = "rule r for production { approve by pm escalate to boss after 2h }"


def test_an_impossible_quorum_waits_for_the_escalation_that_will_make_it_possible() -> None:
    change = {"author": "pete", "requested_at": "2026-11-23T09:00:00Z"}
    decision = decide(ALONE, change=change)
    finding = only(decision)
    assert (decision.verdict, finding.note) == (
        "pending", "this quorum is impossible until it escalates to boss",
    )  # fmt: skip
    assert asked(decision) == [
        ("approve", ("pm", "boss"), ""),
        ("wait", "escalation to boss", "nobody who may approve is left in pm"),
    ]
    assert decision.missing[1].until == decision.turns[0].at
    # And where who will join has approved already, waiting is all.
    given = [approves("bella")]
    assert asked(decide(ALONE, change=change, approvals=given)) == [
        ("wait", "escalation to boss", "nobody who may approve is left in pm")
    ]
    assert decide(ALONE, change=change, approvals=given, as_of="2026-11-23T11:00:00Z").verdict == "allow"


def test_all_that_is_missing_once_it_has_escalated_is_listed() -> None:
    rules = "group many group all = pete, paul rule r for production { approve by 2 all escalate to many after 2h }"
    change = {"author": "pete", "committers": ["paul"], "requested_at": "2026-11-23T09:00:00Z"}
    decision = decide(rules, change=change, directory={"groups": {"many": ["mona", "max"]}})
    assert [a.kind for a in decision.missing] == ["approve", "approve", "wait"]


def test_an_approval_that_will_have_expired_is_asked_for_again() -> None:
    rules = ALONE.replace("after 2h", "after 2h valid for 2h")
    change = {"author": "pete", "requested_at": "2026-11-23T09:00:00Z"}
    decision = decide(rules, change=change, approvals=[approves("bella", "09:00")])
    assert [a.kind for a in decision.missing] == ["approve", "wait"]
    a_second_later = approves("bella", "2026-11-23T09:00:01Z")
    assert [a.kind for a in decide(rules, change=change, approvals=[a_second_later]).missing] == ["wait"]


def test_without_an_instant_of_asking_an_impossible_quorum_waits_for_that_to_be_stated() -> None:
    decision = decide(ALONE, change={"author": "pete", "requested_at": None})
    assert decision.verdict == "pending"
    assert asked(decision) == [
        ("state", "change.requested_at", "without it this never escalates to boss"),
        ("approve", ("pm", "boss"), ""),
    ]


def test_a_quorum_that_stays_impossible_fails() -> None:
    change = {"author": "pete", "committers": ["bella"]}
    before = decide(ALONE, change={**change, "requested_at": "2026-11-23T09:00:00Z"})
    assert (before.verdict, only(before).note) == ("deny", "this quorum is impossible")
    after = decide(ALONE, change=change)
    assert (after.verdict, only(after).note) == ("deny", "this quorum is impossible, even escalated to boss")


def test_people_who_will_join_count_when_a_pack_is_checked() -> None:
    rules = "rule r for production { approve by 2 pm escalate to GROUP after 2h }"
    assert decide(rules.replace("GROUP", "boss")).verdict == "pending"
    with pytest.raises(RulesError) as raised:
        decide(rules.replace("GROUP", "pm"))
    assert [d.message for d in raised.value.diagnostics] == [
        "this quorum is impossible: its groups hold too few people"
    ]


# -- excluding


EXCLUDING = "rule r for production { approve by lead excluding approvers of staging }"
PROMOTED = {"artifact": ARTIFACT, "environment": "staging", "at": "2026-11-22T08:00:00Z", "entry": ARTIFACT}


def test_who_approved_elsewhere_does_not_count() -> None:
    given = [approves("alice"), approves("alice", "06:00", environment="staging")]
    decision = decide(EXCLUDING, approvals=given)
    assert decision.verdict == "pending"
    assert ("alice", "approved it for staging") in refusals(only(decision))
    assert decide(EXCLUDING, approvals=[*given, approves("carol")]).verdict == "allow"
    withdrawn = approves("alice", "06:30", environment="staging", stance="withdraw")
    assert decide(EXCLUDING, approvals=[*given, withdrawn]).verdict == "pending"


def test_who_approved_a_recorded_promotion_does_not_count() -> None:
    promotions = [{**PROMOTED, "approvers": ["alice"]}]
    assert decide(EXCLUDING, approvals=[approves("alice")], promotions=promotions).verdict == "pending"
    assert decide(EXCLUDING, approvals=[approves("carol")], promotions=promotions).verdict == "allow"
    assert (
        decide(EXCLUDING, approvals=[approves("alice")], promotions=[{**PROMOTED, "approvers": []}]).verdict == "allow"
    )


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"promotions": [PROMOTED]},
        {"promotions": [{**PROMOTED, "artifact": ARTIFACT.replace("9f", "0b"), "approvers": []}]},
        {"promotions": [{**PROMOTED, "at": "2026-11-23T12:00:00Z", "approvers": []}]},
        {"approvals": [approves("alice"), approves("carol", "07:00", environment="staging", stance="reject")]},
    ],
)
def test_who_approved_elsewhere_must_be_known(parts: dict[str, Any]) -> None:
    decision = decide(EXCLUDING, **{"approvals": [approves("alice")], **parts})
    assert decision.verdict == "pending"
    assert asked(decision) == [("state", "approvers of staging", "who approved it for staging is not known")]


def test_a_promotion_that_is_to_come_is_a_turn() -> None:
    promotions = [{**PROMOTED, "at": "2026-11-23T12:00:00Z", "approvers": ["alice"]}]
    decision = decide(EXCLUDING, approvals=[approves("carol")], promotions=promotions)
    assert [(t.cause, t.at.hour) for t in decision.turns] == [("promotion takes effect", 12)]


def test_a_mail_address_is_excluded_with_the_name_before_it() -> None:
    given = [approves("alice"), approves("alice@example.com", "06:00", environment="staging")]
    assert ("alice", "approved it for staging") in refusals(only(decide(EXCLUDING, approvals=given)))


def test_including_the_author_includes_nobody_who_approved_elsewhere() -> None:
    rules = EXCLUDING.replace("lead ", "lead including author ")
    promotions = [{**PROMOTED, "approvers": ["alice"]}]
    decision = decide(rules, change={"author": "alice"}, approvals=[approves("alice")], promotions=promotions)
    assert refusals(only(decision)) == [("alice", "approved it for staging")]


def test_several_statements_count_on_nobody_who_is_excluded_from_one() -> None:
    rules = (
        EXCLUDING.replace("lead ", "both ") + "group both = alice, carol rule s for production { approve by leader } "
    )
    rules += "group leader = alice"
    known = decide(rules, promotions=[{**PROMOTED, "approvers": ["alice"]}])
    assert sorted(a.groups for a in known.missing) == [("both",), ("leader",)]
    assert len(decide(rules, promotions=[{**PROMOTED, "approvers": ["carol"]}]).missing) == 1


def test_whoever_approves_here_can_not_be_excluded_here() -> None:
    with pytest.raises(RulesError) as raised:
        decide("rule r for staging, production { approve by lead excluding approvers of staging }")
    assert [d.message for d in raised.value.diagnostics] == [
        "this can never be: whoever approves for `staging` is excluded from approving for it"
    ]


# -- delegates


def away(delegate: str = "dora", start: str = "06:00", end: str = "09:00") -> dict[str, Any]:
    return {"from": f"2026-11-23T{start}:00Z", "to": f"2026-11-23T{end}:00Z", "delegate": delegate}


def directory(**absences: Any) -> dict[str, Any]:
    return {"people": {person: {"away": spans} for person, spans in absences.items()}}


LEAD = "rule r for production { approve by lead }"


@pytest.mark.parametrize(
    ("at", "verdict"), [("05:59", "pending"), ("06:00", "allow"), ("08:59", "allow"), ("09:00", "pending")]
)
def test_a_delegate_acts_while_the_other_is_away(at: str, verdict: str) -> None:
    decision = decide(LEAD, approvals=[approves("dora", at)], directory=directory(alice=[away()]))
    assert decision.verdict == verdict
    if verdict == "allow":
        assert only(decision).acting == (("dora", "alice"),)
    else:
        assert refusals(only(decision)) == [("dora", "is in no group that is asked")]


def test_the_record_says_for_whom_an_approval_counted() -> None:
    rules = compiled(load({"rules.gate": (HEAD + LEAD).encode()})[0])
    asking = request(approvals=[approves("dora")], directory=directory(alice=[away()]))
    statement, _ = record(rules, asking, evaluate(rules, asking))
    assert b'"counted":[{"approver":"dora","at":"2026-11-23T08:00:00Z","for":"alice"}]' in statement


def test_a_delegate_and_the_other_are_one_vote() -> None:
    rules = LEAD.replace("lead", "2 lead")
    given = [approves("alice"), approves("dora")]
    decision = decide(rules, approvals=given, directory=directory(alice=[away()]))
    assert decision.verdict == "pending"
    assert refusals(only(decision)) == [("dora", "acts for alice, who approved herself")]
    assert decide(rules, approvals=[*given, approves("carol")], directory=directory(alice=[away()])).verdict == "allow"


def test_a_delegate_fills_one_place_for_whomever_he_acts() -> None:
    rules = LEAD.replace("lead", "2 lead")
    decision = decide(rules, approvals=[approves("dora")], directory=directory(alice=[away()], carol=[away()]))
    assert decision.verdict == "pending"
    assert asked(decision) == [("approve", ("lead",), "")]
    own = decide(rules, approvals=[approves("carol")], directory=directory(alice=[away("carol")]))
    assert own.verdict == "pending"


def test_of_several_delegates_the_first_acts() -> None:
    rules = LEAD.replace("lead", "2 lead")
    people = directory(alice=[away("dora", "06:00", "07:30"), away("emil", "07:30", "09:00")])
    decision = decide(rules, approvals=[approves("emil"), approves("dora", "07:00")], directory=people)
    assert only(decision).acting == (("dora", "alice"),)
    assert refusals(only(decision)) == [("emil", "acts for alice, for whom dora acts already")]


def test_nobody_acts_for_whom_nobody_may_count() -> None:
    people = directory(alice=[away()])
    decision = decide(LEAD, change={"author": "alice"}, approvals=[approves("dora")], directory=people)
    assert refusals(only(decision)) == [("dora", "acts for alice, who is the author")]
    mailed = decide(LEAD, change={"author": "alice@example.com"}, approvals=[approves("dora")], directory=people)
    assert refusals(only(mailed)) == [("dora", "acts for alice, who is the author")]
    promotions = [{**PROMOTED, "approvers": ["alice"]}]
    barred = decide(EXCLUDING, approvals=[approves("dora")], directory=people, promotions=promotions)
    assert refusals(only(barred)) == [("dora", "acts for alice, who approved it for staging")]


def test_the_author_acts_for_nobody() -> None:
    for author in ("dora", "dora@example.com"):
        decision = decide(
            LEAD, change={"author": author}, approvals=[approves("dora")], directory=directory(alice=[away()])
        )
        assert refusals(only(decision)) == [("dora", "is the author")]


def test_there_are_no_chains() -> None:
    people = directory(alice=[away("dora")], dora=[away("emil")])
    decision = decide(LEAD, approvals=[approves("emil")], directory=people)
    assert refusals(only(decision)) == [("emil", "is in no group that is asked")]


@pytest.mark.parametrize(("at", "verdict"), [("08:00", "deny"), ("09:00", "allow")])
def test_a_delegate_rejects_as_the_other_would(at: str, verdict: str) -> None:
    given = [approves("carol"), approves("dora", at, stance="reject")]
    assert decide(LEAD, approvals=given, directory=directory(alice=[away()])).verdict == verdict
    automatic = "rule r for production { approve automatically }"
    by_author = {"approvals": given, "directory": directory(frank=[away()])}
    assert decide(automatic, **by_author).verdict == verdict


def test_an_earlier_rejection_in_the_name_of_another_stands_beside_a_later_of_ones_own() -> None:
    given = [approves("carol"), approves("dora", stance="reject"), approves("dora", "09:30", stance="reject")]
    decision = decide(LEAD, approvals=given, directory=directory(alice=[away()]))
    assert only(decision).note == "rejected by dora"
    assert (
        decide(LEAD, approvals=[*given, approves("dora", "09:45")], directory=directory(alice=[away()])).verdict
        == "allow"
    )


def test_what_a_delegate_gave_is_given_up_where_only_the_other_can_complete_the_quorum() -> None:
    """Dora has approved for alice, and is the only one left for `second`; so alice has to approve herself."""
    rules = "group second = dora rule r for production { approve by pm and second }"
    people = directory(pete=[away()])
    decision = decide(rules, approvals=[approves("dora")], directory=people)
    assert asked(decision) == [("approve", ("pm",), "")]
    assert only(decision).acting == ()
    assert decide(rules, approvals=[approves("dora"), approves("pete", "09:30")], directory=people).verdict == "allow"


def test_where_only_one_vote_is_left_two_are_impossible() -> None:
    rules = LEAD.replace("lead", "2 lead")
    decision = decide(
        rules, change={"author": "carol"}, approvals=[approves("dora")], directory=directory(alice=[away()])
    )
    assert (decision.verdict, only(decision).note) == ("deny", "this quorum is impossible")


def test_a_delegate_who_may_approve_himself_does_so_for_himself() -> None:
    rules = "group second = dora rule r for production { approve by pm or second }"
    decision = decide(rules, approvals=[approves("dora")], directory=directory(pete=[away()]))
    assert (decision.verdict, only(decision).acting) == ("allow", ())


def test_several_statements_count_on_nobody_for_whom_somebody_acted() -> None:
    rules = "group leader = alice rule a for production { approve by 2 lead } "
    rules += "rule b for production { approve by leader signed }"
    decision = decide(rules, approvals=[approves("dora", signer="")], directory=directory(alice=[away()]))
    assert sorted(a.groups for a in decision.missing) == [("lead",), ("leader",)]


def test_a_pack_may_name_one_who_is_away_by_a_login() -> None:
    rules = "group few = alice-gh rule r for production { approve by few }"
    people = {"people": {"alice": {"logins": ["alice-gh"], "away": [away()]}}}
    assert decide(rules, approvals=[approves("dora")], directory=people).verdict == "allow"


# -- signed


SIGNED = LEAD.replace("lead", "lead signed")


def test_an_approval_without_a_signature_does_not_count() -> None:
    assert decide(SIGNED, approvals=[approves("alice")]).verdict == "allow"
    for parts, reason in (
        ({"signer": ""}, "is not signed"),
        ({"signer": "carol"}, "is not signed"),
        ({"signer": "", "unsigned": "it is signed by bob"}, "it is signed by bob"),
    ):
        decision = decide(SIGNED, approvals=[approves("alice", **parts)])
        assert (decision.verdict, refusals(only(decision))) == ("pending", [("alice", reason)])
    assert decide(LEAD, approvals=[approves("alice", signer="")]).verdict == "allow"


def test_taking_away_needs_no_signature_and_giving_again_does() -> None:
    for stance, verdict in (("reject", "deny"), ("withdraw", "pending")):
        taken = [approves("alice"), approves("alice", "08:30", stance=stance, signer="")]
        assert decide(SIGNED, approvals=taken).verdict == verdict
        assert decide(SIGNED, approvals=[*taken, approves("alice", "09:00", signer="")]).verdict == verdict
        assert decide(SIGNED, approvals=[*taken, approves("alice", "09:00")]).verdict == "allow"


def test_a_delegate_signs_for_himself() -> None:
    people = directory(alice=[away()])
    assert decide(SIGNED, approvals=[approves("dora")], directory=people).verdict == "allow"
    assert decide(SIGNED, approvals=[approves("dora", signer="alice")], directory=people).verdict == "pending"
