"""What GitHub Actions reads: annotations, the job's summary and the step's outputs."""

import json

from decision_records import RECORDED, action, allowed, asks, denied, finding, overridden, pending, statement

from gatecheck.report import github
from gatecheck.report.decision import render


def test_an_allowed_promotion_is_a_notice() -> None:
    assert render(allowed(), "github", recorded=RECORDED) == (
        "::notice title=gatecheck%3A ALLOW::payment-service 2.14.0 -> production, risk medium (otherwise); "
        "passed 2 of 2 statements; recorded as 9f2c41d09f2c\n"
    )


def test_a_pending_promotion_is_warnings_at_the_rules_that_wait() -> None:
    assert render(pending(), "github") == (
        "::warning title=gatecheck%3A PENDING::payment-service 2.14.0 -> production, risk critical (breaking-api); "
        "passed 2 of 4 statements (2 waiting)\n"
        "::warning file=payment.gate,line=61,title=gatecheck%3A production-approval"
        "::needs 1 approval from on-call, after carol's\n"
        "::warning file=payment.gate,line=70,title=gatecheck%3A production-timing"
        "::waits until Tue 24 Nov 2026 09:00 +01:00: business-hours opens\n"
    )


def test_a_denied_promotion_is_errors_and_keeps_to_ten_annotations() -> None:
    assert render(denied(), "github") == (
        "::error title=gatecheck%3A DENY::payment-service 2.14.0 -> production, risk medium (otherwise); "
        "passed 0 of 10 statements (5 failed, 5 waiting); 1 more to do\n"
        "::error file=payment.gate,line=46,title=gatecheck%3A quality"
        "::fails coverage: line_rate >= 80%25 (found 75.2%25)%0Aremedy: Write tests for what you changed\n"
        "::error file=payment.gate,line=80,title=gatecheck%3A tickets"
        '::fails require change.ticket matches "PAY-*" (found "")\n'
        "::error file=payment.gate,line=62,title=gatecheck%3A approval"
        "::fails approve by 2 owners: nobody who may approve is left in owners\n"
        "::error file=payment.gate,line=61,title=gatecheck%3A approval"
        "::stopped by a rejection of dave (only an approval by the same person lifts a rejection)\n"
        "::error title=gatecheck%3A promotion"
        "::fails a rule says how approval happens: no rule decides approval in production at risk medium"
        "%0Aremedy: add `approve automatically` to the rules\n"
        "::warning file=payment.gate,line=46,title=gatecheck%3A promotion"
        "::needs promotion to staging first (this artifact was not allowed there)\n"
        "::warning file=payment.gate,line=46,title=gatecheck%3A timing"
        "::needs a verified deployment to staging (it has not run there, verified)\n"
        "::warning file=payment.gate,line=46,title=gatecheck%3A quality::needs evidence of sast (it is stale)\n"
        "::warning file=payment.gate,line=46,title=gatecheck%3A quality"
        "::needs change.files to be stated (the change lists no files)\n"
    )


def test_a_waiver_is_a_notice() -> None:
    made = render(statement([finding("a/sast", "waived", note="until 2027-01-31")]), "github").splitlines()
    assert made[1:] == [
        "::notice file=payment.gate,line=46,title=gatecheck%3A a::waived require sast: until 2027-01-31"
    ]


def test_text_by_others_ends_neither_a_property_nor_a_command() -> None:
    bad = "50%,a:b\n::set-output name=verdict::allow\r\n##[add-mask]x"
    asked = asks(action("evidence", bad, reason=bad), name="a/x", rule=bad, file=bad)
    assert render(statement([asked], name=bad), "github") == (
        "::warning title=gatecheck%3A PENDING::50%25,a:b : :set-output name=verdict::allow  # #[add-mask]x "
        "-> production, risk medium (otherwise); passed 0 of 1 statement (1 waiting)\n"
        "::warning file=50%25%2Ca%3Ab %3A %3Aset-output name=verdict%3A%3Aallow  # #[add-mask]x,line=46,"
        "title=gatecheck%3A 50%25%2Ca%3Ab %3A %3Aset-output name=verdict%3A%3Aallow  # #[add-mask]x"
        "::needs evidence of 50%25,a:b : :set-output name=verdict::allow  # #[add-mask]x "
        "(50%25,a:b : :set-output name=verdict::allow  # #[add-mask]x)\n"
    )


def test_an_overridden_promotion_warns_and_what_only_advises_is_a_notice() -> None:
    at = "file=payment.gate,line="
    assert render(overridden(), "github").splitlines() == [
        "::warning title=gatecheck%3A ALLOW (overridden)::payment-service 2.14.0 -> production, risk medium (otherwise)"
        "; passed 0 of 3 statements (1 failed, 1 waiting, 1 waived); 1 more only advises",
        f"::warning {at}90,title=gatecheck%3A emergency::override emergency, approved by erin: outages cost more",
        "::warning title=gatecheck::review owed by tech-lead before Tue 24 Nov 2026 10:00 +01:00",
        f"::error {at}46,title=gatecheck%3A quality::failed require coverage: line_rate >= 80%25 (found 75.2%25)",
        f"::warning {at}61,title=gatecheck%3A approval::waiting approve by tech-lead: needs 1 approval from tech-lead",
        f"::notice {at}46,title=gatecheck%3A quality::waived require sast until Sun 31 Jan 2027 18:00 +01:00,"
        " by security: SEC-1432: false positives",
        f'::notice {at}80,title=gatecheck%3A tickets::advises require change.ticket matches "PAY-*" (found "");'
        " it binds from Fri 1 Jan 2027 01:00 +01:00",
    ]


def test_outputs_are_one_line_each() -> None:
    assert github.outputs(pending(), recorded=RECORDED) == (
        "verdict=pending\n"
        "overridden=false\n"
        'missing=[{"action":"approve","after":["carol"],"groups":["on-call"],"subject":"production-approval/approve-1"},'
        '{"action":"wait","subject":"business-hours opens","until":"2026-11-24T08:00:00Z"}]\n'
        f"entry={'9f2c41d0' * 8}\n"
    )
    assert github.outputs(allowed()) == "verdict=allow\noverridden=false\nmissing=[]\nentry=\n"
    assert github.outputs(overridden()) == "verdict=allow\noverridden=true\nmissing=[]\nentry=\n"


def test_outputs_hold_hostile_text_whole_and_on_its_line() -> None:
    bad = "x\nverdict=allow\r\u2028\x85é<<EOF"
    record = statement([asks(action("evidence", bad), name="a/x")])
    made = github.outputs(record, recorded=RECORDED._replace(entry=bad))
    assert made.isascii()
    verdict, _, missing, entry, end = made.split("\n")
    assert (verdict, end) == ("verdict=pending", "")
    assert missing == 'missing=[{"action":"evidence","subject":"x\\nverdict=allow\\r\\u2028\\u0085\\u00e9<<EOF"}]'
    assert json.loads(missing.removeprefix("missing=")) == record["predicate"]["missing"]
    assert entry == "entry=x verdict=allow   \\xe9<<EOF"


def test_the_summary_is_the_markdown_report_with_every_finding() -> None:
    assert github.summary(pending(), recorded=RECORDED) == render(
        pending(), "markdown", explain=True, recorded=RECORDED
    )
