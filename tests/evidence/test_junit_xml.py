"""JUnit XML: one outcome a case, and nothing that a report declares beyond its cases gets past a gate."""

from xml.sax.saxutils import quoteattr

import pytest
from evidence_claims import fields, opens, read, refusal
from hypothesis import given, settings
from hypothesis import strategies as st

COUNTS = ("tests", "passed", "failures", "errors", "skipped", "flaky")


def counts(report: str) -> tuple[int, ...]:
    return tuple(fields(report, *COUNTS)[name] for name in COUNTS)


def suite(body: str, attributes: str = "") -> str:
    return f'<testsuites><testsuite name="s" {attributes}>{body}</testsuite></testsuites>'


PASSED, FAILED, ERROR, SKIPPED = (
    '<testcase classname="C" name="ok"/>',
    '<testcase classname="C" name="bad"><failure message="1 != 2"/></testcase>',
    '<testcase classname="C" name="worse"><error message="boom"/></testcase>',
    '<testcase classname="C" name="off"><skipped/></testcase>',
)


def test_each_case_has_its_worst_outcome() -> None:
    both = (
        '<testcase name="b"><skipped/><failure/><error/></testcase><testcase name="c"><skipped/><failure/></testcase>'
    )
    assert counts(suite(PASSED + FAILED + ERROR + SKIPPED + both)) == (6, 1, 2, 2, 1, 0)


def test_all_fields_of_a_report() -> None:
    report = (
        '<?xml version="1.0"?><testsuites time="1.2345"><testsuite name="outer" timestamp="2026-11-23T10:00:00+01:00">'
        f'<testsuite name="inner" timestamp="2026-11-23T08:00:00Z">{FAILED}'
        '<testcase name="&lt;x&gt;"><error type="T">\n  first line\nsecond</error></testcase>'
        "</testsuite></testsuite></testsuites>"
    )
    evidence = read(report)
    assert evidence.fields == {
        "tests": 2, "passed": 0, "failures": 1, "errors": 1, "skipped": 0, "flaky": 0, "suites": 2,
        "duration": "1235ms",
        "failed": [
            {"name": "bad", "suite": "C", "outcome": "failure", "message": "1 != 2"},
            {"name": "<x>", "suite": "inner", "outcome": "error", "message": "T"},
        ],
    }  # fmt: skip
    assert (evidence.kind, evidence.flaw, evidence.producer, evidence.subject) == ("junit", "", "", None)
    assert str(evidence.produced_at) == "2026-11-23 08:00:00+00:00"


def test_a_message_is_the_first_line_of_the_text_where_no_attribute_has_it() -> None:
    failed = fields(suite("<testcase><failure>\n <![CDATA[ a ]]>&amp; b\nc</failure></testcase>"), "failed")["failed"]
    assert failed == [{"name": "", "suite": "s", "outcome": "failure", "message": "a & b"}]


def test_failed_cases_are_bounded_and_their_texts_cut() -> None:
    long = f'<testcase name="{"n" * 300}"><failure message="{"m " * 5000}"/></testcase>'
    made = fields(suite(long * 150), "failures", "failed")
    assert made["failures"] == 150 and len(made["failed"]) == 100
    assert made["failed"][0]["name"] == "n" * 199 + "…"
    assert len(made["failed"][0]["message"]) == 300


@pytest.mark.parametrize(("attributes", "outcome"), [
    ('status="run" result="completed"', (1, 1, 0, 0, 0, 0)),
    ('status="notrun" result="suppressed"', (1, 0, 0, 0, 1, 0)),
    ('status="DISABLED"', (1, 0, 0, 0, 1, 0)),
    ('status="failed"', (1, 0, 1, 0, 0, 0)),
    ('result="error"', (1, 0, 0, 1, 0, 0)),
])  # fmt: skip
def test_a_case_without_an_outcome_element_counts_by_its_status(attributes: str, outcome: tuple[int, ...]) -> None:
    assert counts(suite(f"<testcase {attributes}/>")) == outcome


@pytest.mark.parametrize(("report", "flaw"), [
    ("<testsuites/>", "the report holds no test cases"),
    (suite("", 'tests="3" failures="3"'), "the report holds no test cases"),
    (suite(SKIPPED * 2), "every test case was skipped"),
    (suite(PASSED, 'failures="1"'), "the report declares more failures and errors (1) than it holds (0)"),
    (suite(FAILED, 'failures="1" errors="1"'), "the report declares more failures and errors (2) than it holds (1)"),
    (suite(PASSED, 'skipped="1"'), "the report declares more tests that did not pass (1) than it holds (0)"),
    (suite(PASSED, 'tests="2"'), "the report declares more tests (2) than it holds (1)"),
    (f'<testsuites tests="2"><testsuite>{PASSED}</testsuite></testsuites>',
     "the report declares more tests (2) than it holds (1)"),
    (suite(f'{PASSED}<testsuite errors="1">{PASSED}</testsuite>'),
     "the report declares more failures and errors (1) than it holds (0)"),
    (suite(PASSED + "<error message='setup'/>"), "a suite reports a failure or an error outside its test cases"),
    (f'<testsuites><failure/><testsuite>{PASSED}</testsuite></testsuites>',
     "a suite reports a failure or an error outside its test cases"),
])  # fmt: skip
def test_a_report_of_nothing_or_against_itself_is_flawed(report: str, flaw: str) -> None:
    evidence = read(report)
    assert evidence.flaw == flaw
    assert not opens(evidence)


@pytest.mark.parametrize("report", [
    suite(PASSED * 2, 'tests="1"'),
    suite(PASSED + SKIPPED, 'tests="2" skipped="0"'),
    suite('<testcase><flakyFailure/><flakyError/></testcase>', 'tests="3" failures="1" errors="1"'),
    suite('<testcase status="notrun"/>' + PASSED, 'tests="2" disabled="1"'),
    '<testsuites name="pytest tests"><testsuite name="pytest" tests="8"><testcase/></testsuite></testsuites>',
    "<testsuite><testcase/></testsuite>",
    "<testcase/>",
    '<j:testsuites xmlns:j="urn:x"><j:testsuite><j:testcase/></j:testsuite></j:testsuites>',
])  # fmt: skip
def test_what_is_no_contradiction_opens(report: str) -> None:
    assert opens(read(report))


def test_a_failed_subtest_or_rerun_is_one_failed_case() -> None:
    twice = "<testcase><failure/><failure/></testcase>"
    assert counts(suite(twice, 'tests="2" failures="2"')) == (1, 0, 1, 0, 0, 0)
    rerun = "<testcase><failure/><rerunFailure/><rerunFailure/></testcase>"
    evidence = read(suite(rerun, 'tests="3" failures="3"'))
    assert (evidence.flaw, evidence.fields["failures"], evidence.fields["flaky"]) == ("", 1, 0)


@pytest.mark.parametrize(("mark", "runner"), [
    ('name="pytest"', "pytest"), ('hostname="tbd"', "Catch2"), ('doctest_version="2.4.11"', "doctest"),
])  # fmt: skip
def test_runners_that_count_something_else_as_tests_still_hold_what_they_declare_failed(mark: str, runner: str) -> None:
    more = read(f'<testsuites><testsuite {mark} tests="9" failures="0"><testcase/></testsuite></testsuites>')
    assert (more.flaw, more.producer) == ("", runner)
    evidence = read(f'<testsuites><testsuite {mark} tests="9" failures="1"><testcase/></testsuite></testsuites>')
    assert evidence.flaw == "the report declares more failures and errors (1) than it holds (0)"
    assert read(f'<testsuite {mark} tests="2" failures="0"/>').flaw == "the report holds no test cases"


@pytest.mark.parametrize(("times", "duration"), [
    (("2", "1", "1"), "2000ms"), ((None, "1", "1.5"), "2500ms"), ((None, "1", None), None), ((None, "1", "1,5"), None),
    ((None, None, None), None), (("0.0001", None, None), "1ms"), (("2000000", None, None), "2000000s0ms"),
    (("1e3", "1", "1"), None), (("9" * 17, "1", "1"), None),
])  # fmt: skip
def test_duration_is_what_is_declared_or_unknown(times: tuple[str | None, ...], duration: str | None) -> None:
    root, one, two = ("" if time is None else f'time="{time}"' for time in times)
    report = f"<testsuites {root}><testsuite {one}><testcase/></testsuite><testsuite {two}/></testsuites>"
    assert fields(report, "duration") == {"duration": duration}


@pytest.mark.parametrize("stamp", ["2026-11-23T10:00:00", "yesterday", "2026-11-23", "0001-01-01T00:00:00+10:00"])
def test_a_time_without_offset_is_unknown(stamp: str) -> None:
    other = '<testsuite timestamp="2026-11-23T10:00:00Z"><testcase/></testsuite>'
    assert read(f'<testsuites><testsuite timestamp="{stamp}"/>{other}</testsuites>').produced_at is None


@pytest.mark.parametrize(("inside", "tag"), [("<testcase/>", "testcase"), ("<testsuite/>", "testsuite")])
def test_nesting_in_a_case_is_refused(inside: str, tag: str) -> None:
    message = f"error[GC607]: a `{tag}` stands inside a test case\n  --> report"
    assert refusal(suite(f"<testcase><failure/>{inside}</testcase>")) == message


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["", "failure", "error", "skipped"]), st.text(st.characters(
        codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), max_size=20)), max_size=20),
    st.integers(0, 25), st.integers(0, 5),
)  # fmt: skip
def test_counts_are_of_the_cases_and_surplus_declarations_never_open(
    cases: list[tuple[str, str]], tests: int, failures: int
) -> None:
    body = "".join(
        f"<testcase name={quoteattr(name)}>{f'<{outcome}/>' if outcome else ''}</testcase>" for outcome, name in cases
    )
    evidence = read(suite(body, f'tests="{tests}" failures="{failures}"'))
    held = [outcome for outcome, _ in cases]
    assert evidence.fields["tests"] == len(cases)
    assert [evidence.fields[f] for f in ("passed", "failures", "errors", "skipped")] == [
        held.count(o) for o in ("", "failure", "error", "skipped")
    ]
    clean = "" in held and "failure" not in held and "error" not in held
    assert opens(evidence) == (clean and tests <= len(cases) and failures == 0)
