"""The report for a terminal, whole: every sort of action, every verdict, bounds and colours."""

from typing import Any

import pytest
from decision_records import RECORDED, action, allowed, asks, available, denied, finding, overridden, pending, statement

from gatecheck.report.decision import render
from gatecheck.report.words import PLAIN, to_do


def lines(record: dict[str, Any], **options: Any) -> list[str]:
    return render(record, "text", **options).splitlines()


def test_an_allowed_promotion_is_said_in_few_lines() -> None:
    assert (
        render(allowed(), "text")
        == """\
ALLOW  payment-service 2.14.0 -> production    risk medium (otherwise)
  passed   2 of 2 statements  --explain shows all
  unbound  evidence of tests names no artifact or commit
  owed     deploy with canary
as of      Mon 23 Nov 2026 10:00 +01:00
"""
    )


def test_a_pending_promotion_says_who_and_when() -> None:
    assert (
        render(pending(), "text", recorded=RECORDED)
        == """\
PENDING  payment-service 2.14.0 -> production                        risk critical (breaking-api)
  needs    1 approval from on-call, after carol's                    production-approval  payment.gate:61
  waits    until Tue 24 Nov 2026 09:00 +01:00: business-hours opens  production-timing    payment.gate:70
  passed   2 of 4 statements (2 waiting)                             --explain shows all
  refused  approval of frank: is the author
  unbound  evidence of sast names no artifact or commit
next       Tue 24 Nov 2026 08:12 +01:00: evidence goes stale (sast); 1 later
as of      Mon 23 Nov 2026 10:00 +01:00
record     9f2c41d09f2c in .gatecheck/ledger, signed by SHA256:Qm9i
"""
    )


def test_a_denied_promotion_says_what_to_do_about_each_sort_of_action() -> None:
    assert (
        render(denied(), "text")
        == """\
DENY  payment-service 2.14.0 -> production                                       risk medium (otherwise)
  fails    coverage: line_rate >= 80% (found 75.2%)                              quality    payment.gate:46
           remedy: Write tests for what you changed
  fails    require change.ticket matches "PAY-*" (found "")                      tickets    payment.gate:80
  fails    approve by 2 owners: nobody who may approve is left in owners         approval   payment.gate:62
  stopped  by a rejection of dave (only an approval by the same person lifts a   approval   payment.gate:61
           rejection)
  fails    a rule says how approval happens: no rule decides approval in         promotion
           production at risk medium
           remedy: add `approve automatically` to the rules
  needs    promotion to staging first (this artifact was not allowed there)      promotion  payment.gate:46
  needs    a verified deployment to staging (it has not run there, verified)     timing     payment.gate:46
  needs    evidence of sast (it is stale)                                        quality    payment.gate:46
  needs    change.files to be stated (the change lists no files)                 quality    payment.gate:46
  waits    until Mon 23 Nov 2026 10:00:30 +01:00: evidence of dast (it is from   quality    payment.gate:46
           the future)
  passed   0 of 10 statements (5 failed, 5 waiting)                              --explain shows all
  refused  rejection of erin: has expired
  refused  approval of frank: is the author
as of      Mon 23 Nov 2026 10:00 +01:00
"""
    )


def test_an_overridden_promotion_says_so_first_and_who_owes_a_review() -> None:
    assert (
        render(overridden(), "text")
        == """\
ALLOW (overridden)  payment-service 2.14.0 -> production                         risk medium (otherwise)
  override emergency, approved by erin: outages cost more                        emergency  payment.gate:90
  review   owed by tech-lead before Tue 24 Nov 2026 10:00 +01:00
  failed   require coverage: line_rate >= 80% (found 75.2%)                      quality    payment.gate:46
  waiting  approve by tech-lead: needs 1 approval from tech-lead                 approval   payment.gate:61
  waived   require sast until Sun 31 Jan 2027 18:00 +01:00, by security:         quality    payment.gate:46
           SEC-1432: false positives
  advises  require change.ticket matches "PAY-*" (found ""); it binds from Fri   tickets    payment.gate:80
           1 Jan 2027 01:00 +01:00
  passed   0 of 3 statements (1 failed, 1 waiting, 1 waived); 1 more only advises  --explain shows all
next       Fri 1 Jan 2027 01:00 +01:00: rule takes effect (tickets); 1 later
as of      Mon 23 Nov 2026 10:00 +01:00
"""
    )


def test_explain_puts_what_only_advises_last() -> None:
    table = lines(overridden(), explain=True)
    assert table[table.index("") + 1 : -3] == [
        "  failed   require coverage                       quality   payment.gate:46",
        "           - line_rate >= 80% (found 75.2%)",
        "  waiting  approve by tech-lead                   approval  payment.gate:61",
        "           - refused approval of erin: is in no group that is asked",
        "  waived   require sast                           quality   payment.gate:46",
        "           - note: waived until 2027-01-31T17:00:00Z by security: SEC-1432",
        '  advises  require change.ticket matches "PAY-*"  tickets   payment.gate:80',
        '           - change.ticket matches "PAY-*" (found "")',
        "           - it only advises",
        "",
    ]


OTHERS = {
    "approve by ic": ([], "needs 1 approval from incident-commander"),
    "approve by ic then sre": (
        [action("approve", "e/1", groups=["ic"]), action("approve", "e/1", groups=["sre"])],
        "needs 1 approval from ic, then 1 approval from sre",
    ),
    "approve by 2 ic": ([action("approve", "e/1", groups=["ic"])] * 2, "needs 2 approvals from ic"),
    "approve by sre": (
        [action("settle", "erin", reason="only erin lifts it")],
        "is stopped by a rejection of erin (only erin lifts it)",
    ),
    "approve by 3 ic": (
        [action("mend", "approve by 3 ic", reason="nobody is left in ic")],
        "fails approve by 3 ic: nobody is left in ic",
    ),
}


@pytest.mark.parametrize("asked", OTHERS)
def test_it_is_said_what_it_takes_to_break_the_glass(asked: str) -> None:
    missing, said = OTHERS[asked]
    (said_of_it,) = [i.text for i in to_do(available(*missing, asked=asked)["predicate"], PLAIN)[0] if i.label == "or"]
    assert said_of_it == f"override emergency, which {said}"


def test_who_speaks_for_or_against_an_override_is_not_refused() -> None:
    record = available(action("settle", "dave"))
    given = {"at": "2026-11-23T07:00:00Z", "reason": "is in no group that is asked"}
    erin, dave = {"approver": "erin", "stance": "approve"} | given, {"approver": "dave", "stance": "reject"} | given
    record["predicate"]["findings"][1]["refused"] = [erin, dave]
    record["predicate"]["available"][0]["counted"] = [{"approver": "erin", "at": given["at"]}]
    assert not [line for line in lines(record) if line.startswith("  refused")]
    assert len([line for line in lines(record, explain=True) if line.startswith("  refused")]) == 2


def test_an_approval_that_no_override_counts_is_named_with_the_reason() -> None:
    record = available()
    record["predicate"]["findings"] = [asks(action("mend", "coverage"), name="quality/coverage")]
    refusal = {"approver": "frank", "at": "2026-11-23T07:00:00Z", "stance": "approve", "reason": "is the author"}
    record["predicate"]["available"][0]["refused"] = [refusal]
    assert "  refused  approval of frank: is the author" in lines(record)


def test_explain_shows_every_finding_and_every_change() -> None:
    assert (
        render(pending(), "text", explain=True)
        == """\
PENDING  payment-service 2.14.0 -> production                        risk critical (breaking-api)
  needs    1 approval from on-call, after carol's                    production-approval  payment.gate:61
  waits    until Tue 24 Nov 2026 09:00 +01:00: business-hours opens  production-timing    payment.gate:70
  passed   2 of 4 statements (2 waiting)
  refused  approval of frank: is the author
  unbound  evidence of sast names no artifact or commit

  waiting  approve by tech-lead then pm then on-call  production-approval  payment.gate:61
           - counted alice (Mon 23 Nov 2026 09:00 +01:00), carol (Mon 23 Nov 2026 09:30 +01:00)
           - refused approval of frank: is the author
           - because: SOX-17: nobody ships alone
  waiting  require during business-hours              production-timing    payment.gate:70
           - during business-hours (found closed)
  passed   require sast                               quality              payment.gate:46
           - its evidence names no artifact or commit
           - note: seen
  passed   require tests                              quality              payment.gate:46
           - tests > 0 (found 10)

next       Tue 24 Nov 2026 08:12 +01:00: evidence goes stale (sast)
           Tue 24 Nov 2026 09:00 +01:00: window opens (business-hours)
as of      Mon 23 Nov 2026 10:00 +01:00
"""
    )


def test_explain_shows_what_an_allowed_promotion_did_without() -> None:
    assert "  refused  approval of bob: is not needed" in lines(allowed(), explain=True)
    assert not [line for line in lines(allowed()) if "bob" in line]


def approval(*groups: str, **fields: Any) -> dict[str, Any]:
    return action("approve", "a/1", groups=list(groups), **fields)


@pytest.mark.parametrize(
    ("quorum", "actions", "said"),
    [
        ("approve by 2 lead", [approval("lead"), approval("lead")], ["2 approvals from lead"]),
        ("approve by 1 of (lead, pm)", [approval("lead", "pm")], ["1 approval from lead or pm"]),
        ("approve by lead and pm", [approval("lead"), approval("pm")], ["1 approval from lead", "1 approval from pm"]),
        (
            "approve by lead then pm then pm",
            [approval("lead"), approval("pm"), approval("pm")],
            ["1 approval from lead", "then 2 approvals from pm"],
        ),
        (
            "approve by lead then 2 pm",
            [approval("pm", after=["alice"]), approval("pm")],
            ["2 approvals from pm, after alice's"],
        ),
        (
            "approve by lead then pm then pm",
            [approval("pm"), approval("pm", after=["alice"])],
            ["1 approval from pm", "then 1 approval from pm, after alice's"],
        ),
        (
            "approve by lead then 2 pm",
            [approval("pm", after=["alice"]), approval("pm", after=["alice"])],
            ["2 approvals from pm, after alice's"],
        ),
        (
            "approve by 2 lead then pm",
            [approval("pm", after=["alice", "bob"], reason="nobody knows who")],
            ["1 approval from pm (nobody knows who), after alice's and bob's"],
        ),
        (
            "approve by 5 lead then pm",
            [approval("pm", after=["a", "b", "c", "d", "e"])],
            ["1 approval from pm, after a's, b's, c's and 2 more"],
        ),
    ],
)
def test_approvals_are_counted_and_put_in_order(quorum: str, actions: list[dict[str, Any]], said: list[str]) -> None:
    made = lines(statement([asks(*actions, name="a/1", statement=quorum)]))
    assert [line[11:].split("  ")[0] for line in made if line.startswith("  needs")] == said


def test_an_approval_that_serves_two_statements_names_the_first_and_counts_the_other() -> None:
    shared = action("approve", "a/1, b/2", groups=["pm"], reason="who is also in lead")
    record = statement([asks(approval("lead"), name="a/1"), asks(approval("pm"), name="b/2")], missing=[shared])
    assert lines(record)[1] == "  needs    1 approval from pm (who is also in lead)  a  payment.gate:46 +1"


def test_evidence_that_two_rules_ask_for_is_asked_for_once() -> None:
    lacking = action("evidence", "sast", reason="there is none")
    record = statement([asks(lacking, name="a/sast"), asks(lacking, name="b/sast")])
    assert lines(record)[1:3] == [
        "  needs    evidence of sast (there is none)  a  payment.gate:46 +1",
        "  passed   0 of 2 statements (2 waiting)     --explain shows all",
    ]


def test_a_finding_that_names_no_action_is_not_passed_over() -> None:
    record = statement([finding("a/x", "failed", note="so it is"), finding("a/y", "waived", note="waived by security")])
    assert lines(record)[1:4] == [
        "  failed   require x: so it is                     a  payment.gate:46",
        "  waived   require y: waived by security           a  payment.gate:46",
        "  passed   0 of 2 statements (1 failed, 1 waived)  --explain shows all",
    ]


def test_an_approval_that_counted_elsewhere_is_no_refusal() -> None:
    alice = {"approver": "alice", "at": "2026-11-23T07:00:00Z"}
    outside = {**alice, "stance": "approve", "reason": "is in no group that is asked"}
    record = statement(
        [
            finding("a/lead", counted=[alice]),
            finding("a/pm", refused=[outside]),
            asks(approval("ops"), name="a/1", refused=[{**outside, "approver": "bob"}, {**outside, "approver": "bob"}]),
        ]
    )
    assert [line for line in lines(record) if "refused" in line] == [
        "  refused  approval of bob: is in no group that is asked"
    ]


def test_long_lists_are_cut_and_the_rest_counted_unless_all_is_asked_for() -> None:
    wanting = [asks(action("evidence", f"g{n}"), name=f"a/{n}", gate=f"g{n}", unbound=True) for n in range(15)]
    refused = [
        {"approver": f"p{n}", "at": "2026-11-23T07:00:00Z", "stance": "withdraw", "reason": "has expired"}
        for n in range(14)
    ]
    wanting[0]["refused"] = refused
    record = statement(wanting)
    made = lines(record)
    assert made[12:14] == ["  needs    evidence of g11                  a  payment.gate:46", "           and 3 more"]
    assert [line for line in made if " more" in line and "unbound" not in line] == [
        "           and 3 more",
        "  refused  and 2 more",
    ]
    unbound = next(line for line in made if line.startswith("  unbound"))
    assert unbound.endswith(
        "g0, g1, g10, g11, g12, g13, g14, g2, g3, g4, g5, g6, and 3 more names no artifact or commit"
    )
    whole = lines(record, explain=True)
    assert "  refused  withdrawal of p13: has expired" in whole
    assert [line for line in whole if line.startswith("  needs    evidence of g14")]


def test_a_long_risk_has_a_line_of_its_own_and_long_text_is_wrapped() -> None:
    condition = " or ".join(f'change.service == "service-number-{n}"' for n in range(6))
    record = statement(
        [asks(action("evidence", "sast", reason="it is about another artifact " * 5), name="a-rule-with-a-name/x")],
        risk={"level": "high", "reasons": [{"condition": condition}]},
    )
    text = render(record, "text")
    assert (
        text
        == """\
PENDING  payment-service 2.14.0 -> production
  risk     high (change.service == "service-number-0" or change.service == "service-number-1" or change.service ==
           "service-number-2" or change.service == "service-number-3" or change.service == "service-number-4" or
           change.service == "service-number-5")
  needs    evidence of sast (it is about another artifact it is about another    a-rule-with-a-name  payment.gate:46
           artifact it is about another artifact it is about another artifact
           it is about another artifact)
  passed   0 of 1 statement (1 waiting)                                          --explain shows all
as of      Mon 23 Nov 2026 10:00 +01:00
"""
    )
    assert max(map(len, text.splitlines())) <= 120


def test_long_rules_lose_their_end_and_long_paths_their_start() -> None:
    wide = asks(action("evidence", "sast", reason="why " * 40), name="r" * 50 + "/x", file="rules/" * 9 + "pay.gate")
    made = lines(statement([wide]))
    assert made[1] == (
        "  needs    evidence of sast (why why why why why why  " + "r" * 29 + "...  ...rules/rules/rules/pay.gate:46"
    )
    assert max(map(len, made)) <= 120


def test_the_risk_leaves_its_column_before_it_leaves_its_line() -> None:
    condition = "change.type in [database-migration, breaking-api]"
    wide = asks(action("evidence", "sast", reason="x" * 60), name="a/x")
    record = statement([wide], risk={"level": "high", "reasons": [{"condition": condition}]})
    assert lines(record)[0] == f"PENDING  payment-service 2.14.0 -> production    risk high ({condition})"


@pytest.mark.parametrize(
    ("as_of", "until", "said"),
    [
        ("2026-11-23T10:00:00Z", "2026-11-24T08:00:00Z", "Tue 24 Nov 2026 08:00 UTC"),
        ("2026-11-23T10:00:00+00:00", "2026-11-24T00:00:00Z", "Tue 24 Nov 2026 00:00 UTC"),
        ("2026-11-23T10:00:00+05:30", "2026-11-24T20:00:00Z", "Wed 25 Nov 2026 01:30 +05:30"),
        ("2026-11-23T10:00:00-08:00", "2026-11-24T05:00:07.25Z", "Mon 23 Nov 2026 21:00:07 -08:00"),
    ],
)
def test_instants_stand_in_the_offset_of_the_question(as_of: str, until: str, said: str) -> None:
    record = statement([asks(action("wait", "w opens", until=until), name="a/x")], as_of=as_of)
    assert lines(record)[1] == f"  waits    until {said}: w opens  a  payment.gate:46"


def test_colours_mark_the_verdict_and_the_statuses_and_nothing_else() -> None:
    made = lines(denied(), colour=True)
    assert made[0].startswith("\x1b[1;31mDENY\x1b[0m  payment-service 2.14.0 -> production ")
    assert made[1].startswith("  \x1b[31mfails\x1b[0m    coverage: ")
    assert made[14].startswith("  \x1b[33mwaits\x1b[0m    until ")
    bare = render(denied(), "text", colour=True, explain=True)
    for code in ("0", "1;31", "31", "32", "33"):
        bare = bare.replace(f"\x1b[{code}m", "")
    assert bare == render(denied(), "text", explain=True)


def test_a_long_list_of_what_is_owed_is_cut() -> None:
    record = allowed()
    record["predicate"]["obligations"] = [{"kind": "notify", "value": f"n{n}"} for n in range(13)]
    assert [line for line in lines(record) if line.startswith("  owed")][-1] == "  owed     and 1 more"
    assert "  owed     notify n12" in lines(record, explain=True)


def test_an_approval_for_another_environment_is_shown_only_in_full() -> None:
    refusal = {
        "approver": "bob",
        "at": "2026-11-23T07:00:00Z",
        "stance": "approve",
        "reason": "is for the environment dev",
    }
    record = statement([asks(approval("ops"), name="a/1", refused=[refusal])])
    shown = "  refused  approval of bob: is for the environment dev"
    assert shown not in lines(record)
    assert shown in lines(record, explain=True)
