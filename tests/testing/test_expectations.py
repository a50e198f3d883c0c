"""Expectations hold exactly where the decision is so, and where it is not the report says all that its author asks."""

import pytest
from pack_world import RULES, ran, shown

from gatecheck.lang.scenario import ExpectFinding
from gatecheck.text.diagnostic import RulesError

HEAD = """\
test a {
  given change { type: feature } to production
  given all gates pass
  given sast is missing
  given group pm = carol
  given approval by alice
  given soak 30h in staging
  at 2026-11-23 10:00 in Europe/Berlin
"""


def test_all_that_can_be_expected_of_a_decision_that_is_so() -> None:
    made = ran(
        HEAD
        + """
  expect pending
  expect people waiting for pm
  expect quality waiting
  expect quality waiting for sast
  expect quality/sast waiting for sast
  expect sast waiting for sast
  expect quality/coverage passed
  expect coverage passed
  expect timing passed
  expect promotion passed
  expect style advisory failed
  expect dev absent
  expect load absent
  expect risk high
  expect not overridden
  expect missing pm, sast
}"""
    )
    assert [r.unmet for r in made.results] == [()]


def test_a_rule_and_a_gate_of_one_name_are_told_apart() -> None:
    rules = RULES + "rule sast for production { require coverage }\nrule allow for production { require sast }\n"
    tests = f"""{HEAD}
  expect sast passed
  expect rule sast passed
  expect gate sast waiting for sast
  expect rule allow waiting for sast
  expect rule allow/sast waiting for sast
  expect rule sast failed
  expect gate sast failed
  expect gate load passed
}}"""
    (result,) = ran(tests, rules).results
    assert [(e.span.line, e.kind) for e in result.unmet if isinstance(e, ExpectFinding)] == [
        (15, "rule"), (16, "gate"), (17, "gate"),
    ]  # fmt: skip
    text = shown(tests, rules)
    assert "  expected  rule sast failed\n  actual    sast passed\n" in text
    assert "  expected  gate sast failed\n  actual    sast waiting for sast\n" in text
    assert "  expected  gate load passed\n  actual    load absent\n" in text


@pytest.mark.parametrize("name", ["rule quality-of", "rule coverage", "gate people", "gate people passed for pm"])
def test_an_expected_name_is_of_the_kind_that_is_said(name: str) -> None:
    kind, unknown = name.split()[:2]
    with pytest.raises(RulesError) as refused:
        ran(f"{HEAD}  expect {name if name.count(' ') > 1 else f'{name} passed'}\n}}")
    assert refused.value.diagnostics[0].message == f"there is no {kind} `{unknown}`"


@pytest.mark.parametrize(
    ("expected", "actual", "nearest"),
    [
        ("allow", "pending", "waiting: people, quality/sast"),
        ("deny", "pending", "nothing failed; waiting: people, quality/sast"),
        ("risk low", "risk high", "change.type in [feature, breaking-api]"),
        ("missing pm", "missing pm, sast", "also sast"),
        ("missing pm, sast, on-call", "missing pm, sast", "not on-call"),
        ("people passed", "people waiting for pm", "when risk == high: approve by tech-lead then pm"),
        ("people waiting for tech-lead", "people waiting for pm", "also pm; not tech-lead"),
        ("quality failed", "quality waiting for sast", "require sast: there is none"),
        ("quality/sast passed", "quality/sast waiting for sast", "require sast: there is none"),
        (
            "coverage failed", "coverage passed", "require coverage: line_rate >= 80% (found 80%)",
        ),
        ("dev passed", "dev absent", "it is for dev, and this goes to production"),
        ("timing absent", "timing passed", "require soak(staging) >= 24h: soak(staging) >= 24h (found 30h)"),
        ("style failed", "style advisory failed", "it only advises"),
        ("deploy with canary", "nothing of that kind",
         '`when "customer-visible" in change.labels` does not hold (found [])'),
    ],
)  # fmt: skip
def test_a_miss_says_what_came_nearest(expected: str, actual: str, nearest: str) -> None:
    text = shown(f"{HEAD}  expect {expected}\n}}\n")
    lines = [line for line in text.split("\n") if line.startswith(("  expected", "  actual", "  nearest"))]
    assert lines == [f"  expected  {expected}", f"  actual    {actual}", f"  nearest   {nearest}"]


def test_a_part_of_what_is_lacking_is_not_all_of_it() -> None:
    given = "given change { } to production\ngiven group pm = carol\nat 2026-11-23\n"
    tests = f"test a {{\n{given}expect people waiting for pm\n}}"
    assert "  actual    people waiting for pm, tech-lead\n  nearest   also tech-lead\n" in shown(tests)


def test_what_is_owed_is_told_by_its_kind() -> None:
    rules = RULES + 'rule owed for dev { deploy with canary when risk == high: notify "canary" }\n'
    given = "given change { type: docs } to dev\nat 2026-11-23\n"
    tests = f'test a {{\n{given}expect deploy with canary\nexpect notify "canary"\n}}'
    text = shown(tests, rules)
    assert "  expected  deploy" not in text
    assert (
        '  expected  notify "canary"\n  actual    nothing of that kind\n  nearest   `when risk == high` does not hold'
        " (found low)\n"
    ) in text


def test_the_comparison_that_keeps_a_statement_out_of_scope_is_named() -> None:
    rules = RULES + "rule night for production when risk == high and not during office { require load }\n"
    text = shown(f"{HEAD}  expect night failed\n}}\n", rules)
    assert "  actual    night absent\n  nearest   `when not during office` does not hold\n" in text
    rules = RULES + "rule rare for production when risk == low and coverage.line_rate < 90% { require load }\n"
    text = shown(f"{HEAD}  expect night/load failed\n}}\n".replace("night", "rare"), rules)
    assert "  actual    rare/load absent\n  nearest   `when risk == low` does not hold (found high)\n" in text


def test_the_report_of_a_test_that_fails() -> None:
    tests = """\
test waits-for-pm "A risky change waits" {
  given change { type: feature, labels: ["customer-visible"],
                 ticket: "PAY-1" } to production
  given all gates pass
  given coverage { line_rate: 79% }   # just below
  given sast is stale
  given group pm = carol
  given approval by author, by alice
  given soak 3h in staging
  each change.type in [docs, feature]
  at 2026-11-23 10:00 in Europe/Berlin
  expect allow
  expect people waiting for on-call
}
"""
    assert (
        shown(tests)
        == """\
FAILED  waits-for-pm[change.type=docs]  tests.gate:1  A risky change waits
  given     change { type: feature, labels: ["customer-visible"], ticket: "PAY-1" } to production
            all gates pass
            coverage { line_rate: 79% }
            sast is stale
            group pm = carol
            approval by author, by alice
            soak 3h in staging
  with      change.type docs
  at        2026-11-23 10:00 in Europe/Berlin
  expected  allow
  actual    deny
  nearest   failed: quality/coverage
  expected  people waiting for on-call
  actual    people passed
  nearest   when risk == low: approve automatically
  decision  DENY for production at risk low (otherwise)
    failed  quality: require coverage  rules.gate:26
            - line_rate >= 80% (found 79%)
    waiting quality: require sast  rules.gate:26
            - needs evidence of sast (it is stale)
    waiting timing: require soak(staging) >= 24h  rules.gate:33
            - soak(staging) >= 24h (found 3h)
            - waits until Tue 24 Nov 2026 07:00 +01:00: soak in staging
    passed  people: when risk == low: approve automatically  rules.gate:28
    passed  promotion: environment production after staging
    passed  quality: require unit-tests  rules.gate:26
    passed  advisory style: require change.ticket matches "PAY-*"  rules.gate:38
  owed      deploy with canary

FAILED  waits-for-pm[change.type=feature]  tests.gate:1  A risky change waits
  given     change { type: feature, labels: ["customer-visible"], ticket: "PAY-1" } to production
            all gates pass
            coverage { line_rate: 79% }
            sast is stale
            group pm = carol
            approval by author, by alice
            soak 3h in staging
  with      change.type feature
  at        2026-11-23 10:00 in Europe/Berlin
  expected  allow
  actual    deny
  nearest   failed: quality/coverage
  expected  people waiting for on-call
  actual    people waiting for pm
  nearest   also pm; not on-call
  decision  DENY for production at risk high (change.type in [feature, breaking-api])
    failed  quality: require coverage  rules.gate:26
            - line_rate >= 80% (found 79%)
    waiting people: when risk == high: approve by tech-lead then pm  rules.gate:29
            - counted alice (Mon 23 Nov 2026 09:59 +01:00)
            - refused approval of author: is the author
            - needs 1 approval from pm, after alice's
    waiting quality: require sast  rules.gate:26
            - needs evidence of sast (it is stale)
    waiting timing: require soak(staging) >= 24h  rules.gate:33
            - soak(staging) >= 24h (found 3h)
            - waits until Tue 24 Nov 2026 07:00 +01:00: soak in staging
    passed  promotion: environment production after staging
    passed  quality: require unit-tests  rules.gate:26
    passed  advisory style: require change.ticket matches "PAY-*"  rules.gate:38
  owed      deploy with canary

failed: 2 of 2 cases of 1 test
"""
    )


def test_what_can_not_be_given_fails_its_case_alone() -> None:
    rules = RULES.replace("pass when tests > 0 and failures == 0", "pass when tests > 7 and tests < 7")
    tests = """\
test a {
  given change { type: docs } to dev
  given unit-tests passes
  at 2026-11-23
  expect allow
}
test b {
  given change { type: docs } to dev
  at 2026-11-23
  expect allow
}
"""
    assert (
        shown(tests, rules)
        == """\
FAILED  a  tests.gate:1
  given     change { type: docs } to dev
            unit-tests passes
  at        2026-11-23
  refused   no evidence was found that makes `unit-tests` pass; write `given unit-tests { … }`

failed: 1 of 2 cases of 2 tests
"""
    )


INVARIANT = (
    RULES
    + """\
invariant two-people "Two people" for production when risk == high {
  require approvers >= 2, not overridden
  because "SOX-17"
}
override emergency for production {
  when "incident" in change.labels
  approve by on-call
}
waive sast for production until 2027-01-01 { owner security because "SEC-1" }
"""
)


def test_an_allow_that_breaks_an_invariant_fails() -> None:
    tests = """\
test glass-is-broken {
  given change { labels: ["incident"] } to production
  given group on-call = erin
  given approval by erin
  at 2026-11-23 10:00
  expect allow
  expect overridden
  expect sast waived
}
"""
    text = shown(tests, INVARIANT)
    assert text.startswith("""\
FAILED  glass-is-broken  tests.gate:1
  given     change { labels: ["incident"] } to production
            group on-call = erin
            approval by erin
  at        2026-11-23 10:00
  broken    invariant two-people: require approvers >= 2  rules.gate:40
            it is false: approvers >= 2 (found 1)
            because: SOX-17
  broken    invariant two-people: require not overridden  rules.gate:40
            it is false: overridden (found true)
            because: SOX-17
  decision  ALLOW (overridden) for production at risk high""")
    assert text.endswith("\nfailed: 1 of 1 case of 1 test\n")


@pytest.mark.parametrize(
    ("labels", "expected", "actual", "nearest"),
    [
        ('["incident"]', "overridden", "not overridden", "`emergency` applies, and lacks on-call"),
        ("[]", "overridden", "not overridden", "no override applies"),
        ("[]", "sast passed", "sast waived", "require sast: waived until 2027-01-01T00:00:00Z by security: SEC-1"),
    ],
)
def test_overrides_and_waivers_that_are_missed(labels: str, expected: str, actual: str, nearest: str) -> None:
    tests = f"test a {{\ngiven change {{ labels: {labels} }} to production\nat 2026-11-23\nexpect {expected}\n}}"
    text = shown(tests, INVARIANT)
    assert f"  expected  {expected}\n  actual    {actual}\n  nearest   {nearest}\n" in text
