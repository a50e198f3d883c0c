"""What is given becomes the request that it says, and nothing else in it moves."""

from datetime import UTC, datetime

import pytest
from pack_world import RULES, decision_of, pack_of, ran, request_of

from gatecheck.lang import scenario
from gatecheck.lang.check_scenarios import check_wishes
from gatecheck.lang.parser import parse_what_if
from gatecheck.model.request import Approval, Deployment, Promotion, Request
from gatecheck.model.schema import encode_request
from gatecheck.testing.given import HARMLESS, apply
from gatecheck.testing.samples import Samples
from gatecheck.text.diagnostic import Diagnostic, InputError, RulesError
from gatecheck.text.source import Source

CHANGE = "given change { type: docs } to production"
AT = "at 2026-11-23 10:00 in Europe/Berlin"
ARTIFACT = HARMLESS["artifact"]["digest"]


def utc(hour: int, minute: int = 0, millisecond: int = 0, day: int = 23) -> datetime:
    return datetime(2026, 11, day, hour, minute, 0, millisecond * 1000, tzinfo=UTC)


def test_what_nobody_gave_is_harmless() -> None:
    assert encode_request(request_of(f"given change {{ }} to dev\n{AT}")) == {
        "as_of": "2026-11-23T10:00:00+01:00",
        "change": {
            "artifact": {"digest": ARTIFACT, "name": "artifact"},
            "attributes": {"team": 0},
            "author": "author",
            "files": [{"path": "some/file"}],
            "id": "test",
            "requested_at": "2026-11-23T09:00:00Z",
            "service": "service",
            "type": "feature",
        },
        "directory": {},
        "environment": "dev",
    }


def test_a_change_is_given_field_by_field() -> None:
    change = request_of(
        'given change { type: docs, author: "frank", service: "x", files: ["a/b", "c"], labels: ["incident"],\n'
        'title: "T", requested_at: 2026-11-22T08:00Z, committers: ["Grace"], ticket: "PAY-1", team: 5 } to staging\n'
        f"{AT}"
    ).change
    assert (change.type, change.author, change.service, change.title) == ("docs", "frank", "x", "T")
    assert [f.path for f in change.files] == ["a/b", "c"]
    assert (change.labels, change.committers) == (["incident"], ["grace"])
    assert change.requested_at == utc(8, day=22)
    assert change.attributes == {"ticket": "PAY-1", "team": 5}


def test_a_later_given_holds_over_an_earlier_one() -> None:
    evidence = request_of(
        f"{CHANGE}\ngiven sast fails\ngiven all gates pass\ngiven load is missing\n"
        f"given coverage {{ line_rate: 79% }}\ngiven coverage {{ branch_rate: 50.5% }}\n{AT}"
    ).evidence
    assert sorted(evidence) == ["coverage", "sast", "unit-tests"]
    assert evidence["sast"].fields["findings"] == []
    coverage = evidence["coverage"].fields
    assert (coverage["line_rate"], coverage["branch_rate"]) == ("0.8", "0.505")  # each is the passing one, but for one


def test_evidence_is_of_the_change_wherever_that_is_given() -> None:
    digest = f"sha256:{'b' * 64}"
    request = request_of(
        "given all gates pass\ngiven approval by alice\n"
        f'given change {{ artifact: {{ name: "x", digest: "{digest}" }} }} to production\n{AT}'
    )
    subjects = [e.subject for e in request.evidence.values()]
    assert [s is not None and s.digest for s in subjects] == [digest] * 4
    assert [(a.artifact, a.environment) for a in request.approvals] == [(digest, "production")]


def test_evidence_goes_stale_at_the_very_instant() -> None:
    request = request_of(f"{CHANGE}\ngiven sast is stale\n{AT}")
    assert request.evidence["sast"].produced_at == utc(9, day=22)
    (finding,) = (f for f in decision_of(f"{CHANGE}\ngiven sast is stale\n{AT}").findings if f.asked.gate == "sast")
    assert (finding.status, [a.reason for a in finding.actions]) == ("waiting", ["it is stale"])


def test_records_in_evidence_are_filled_with_what_says_least() -> None:
    request = request_of(f"{CHANGE}\ngiven sast {{ findings: [{{ severity: high }}] }}\n{AT}")
    assert request.evidence["sast"].fields["findings"] == [
        {
            "rule": None, "tool": None, "level": "none", "severity": "high", "kind": "pass", "suppressed": False,
            "baseline": None, "path": None, "line": None,
        }
    ]  # fmt: skip


def test_a_check_that_did_not_finish_has_measured_nothing() -> None:
    request = request_of(f"{CHANGE}\ngiven load {{ p95: 250ms, status: error }}\n{AT}")
    load = request.evidence["load"]
    assert load.fields == {"status": "error", "fields": {"p95": "250ms"}}
    assert load.flaw == "the check did not finish: its status is error"


def test_what_is_said_without_an_instant_was_said_a_minute_before_in_the_order_of_the_text() -> None:
    request = request_of(
        f"{CHANGE}\ngiven approval by carol, by Alice\ngiven rejection by bob at 2026-11-23 09:30 for staging\n"
        f"given withdrawal by carol\n{AT}"
    )
    assert request.approvals == [
        Approval("bob", "reject", utc(8, 30), ARTIFACT, "staging"),
        Approval("carol", "approve", utc(8, 59), ARTIFACT, "production"),
        Approval("alice", "approve", utc(8, 59, 1), ARTIFACT, "production"),
        Approval("carol", "withdraw", utc(8, 59, 2), ARTIFACT, "production"),
    ]


def test_signed_approvals_are_by_whom_they_say() -> None:
    request = request_of(f"{CHANGE}\ngiven approval by alice, by bob signed\ngiven approval by carol\n{AT}")
    assert [(a.approver, a.signer) for a in request.approvals] == [("alice", "alice"), ("bob", "bob"), ("carol", "")]


def test_groups_delegates_places_and_risk() -> None:
    request = request_of(
        f"{CHANGE}\ngiven group pm = Dave, carol\ngiven bob acts for alice until 2026-12-01\n"
        f"given soak 30h in staging\ngiven soak 26h in staging\ngiven allowed in staging by bob\n"
        f"given allowed in staging by carol, alice\n"
        f"given risk high\n{AT}"
    )
    assert request.directory.groups == {"pm": ["carol", "dave"]}
    (absence,) = request.directory.people["alice"].away
    assert (absence.delegate, absence.to) == ("bob", datetime(2026, 11, 30, 23, tzinfo=UTC))
    assert request.deployments == [Deployment(ARTIFACT, "staging", utc(7, day=22), verified_at=utc(7, day=22))]
    entry = f"sha256:{'0' * 64}"
    assert request.promotions == [Promotion(ARTIFACT, "staging", utc(8, 59), entry, ["alice", "carol"])]
    assert request.change.risk == "high"


def test_a_recorded_request_is_the_start_and_the_rest_changes_it() -> None:
    recorded = request_of(f'given change {{ author: "frank" }} to production\ngiven all gates pass\n{AT}')
    files = {"decisions/a.json": recorded}
    assert request_of('given recorded "decisions/a.json"', files) == recorded
    changed = request_of('given sast is missing\ngiven recorded "decisions/a.json"\nat 2026-11-24', files)
    assert changed.as_of == "2026-11-24T00:00:00+00:00"
    assert sorted(changed.evidence) == ["coverage", "load", "unit-tests"]
    assert changed.change == recorded.change


def wished(text: str, request: Request) -> Request:
    pack = pack_of("")
    return apply(pack, request, parse_what_if(Source("--what-if", text)).wishes, Samples(pack), zone="Europe/Berlin")


def test_what_if_changes_a_request_that_is_there() -> None:
    request = request_of(f"{CHANGE}\ngiven all gates pass\ngiven approval by alice\n{AT}")
    other = wished('sast fails; change.title "x"; approval by carol; now 2026-11-24 10:00', request)
    assert other.as_of == "2026-11-24T10:00:00+01:00"
    assert other.change.title == "x"
    assert other.change.artifact == request.change.artifact
    assert [(a.approver, a.at) for a in other.approvals] == [("alice", utc(8, 59)), ("carol", utc(8, 59, day=24))]
    assert [f["severity"] for f in other.evidence["sast"].fields["findings"]] == ["high"]
    assert wished("risk high", request).change.risk == "high"


def test_a_wish_may_be_written_as_a_test_gives_it() -> None:
    request = request_of(f"{CHANGE}\ngiven all gates pass\n{AT}")
    said = 'sast fails; change.title "x"; change { author: "eve" }; approval by carol; risk high'
    given = "; ".join(f"given {wish}" for wish in said.split("; "))
    assert wished(given, request) == wished(said, request) != request


@pytest.mark.parametrize(
    ("text", "message", "label"),
    [
        ("approval by", "this ends too early", 'expected a name or text in `"…"` after this'),
        ("given", "this ends too early", ""),
        ("change { type: docs", "this `{` is never closed", "expected a `}`"),
        ("given now 2026-11-24", "unexpected `2026-11-24`", ""),
    ],
)
def test_a_wish_that_is_not_whole(text: str, message: str, label: str) -> None:
    with pytest.raises(RulesError) as refused:
        parse_what_if(Source("--what-if", text))
    (d,) = refused.value.diagnostics
    assert (d.message, d.label if label else "") == (message, label)


def test_a_recorded_request_can_not_be_wished() -> None:
    found: list[Diagnostic] = []
    check_wishes(pack_of(""), parse_what_if(Source("--what-if", 'recorded "x.json"')).wishes, found.append)
    assert [(d.code, d.message, d.hint) for d in found] == [
        (
            "GC230",
            "a recorded request can't be wished",
            "name the recorded decision that is to be explained: `--entry ID`",
        )
    ]


@pytest.mark.parametrize(
    ("items", "message", "hint"),
    [
        (
            'given recorded "../secret.json"', "there is no recorded request `../secret.json`",
            "name a JSON file of the pack's folder",
        ),
        (
            f"{CHANGE}\ngiven sast signed by ci\n{AT}", "there is no evidence of `sast` that could be signed",
            "write `given sast passes` before it",
        ),
        (
            f"given change {{ files: [\"/a\"] }} to dev\n{AT}",
            "no change can be like this: `files[0].path` is not a usable path: `/a`",
            "the path from the repository's root as git writes it: `/` between its parts, none of them empty, "
            "`.` or `..`",
        ),
        (
            f"{CHANGE}\ngiven group pm = \"a  b\"\n{AT}", "nobody can be named `a  b`",
            "leave out what can't be seen, and doubled blanks",
        ),
    ],
)  # fmt: skip
def test_what_can_not_be_is_refused_at_its_place(items: str, message: str, hint: str) -> None:
    with pytest.raises(InputError) as refused:
        request_of(items)
    (d,) = refused.value.diagnostics
    assert (d.code, d.message, d.hint) == ("GC530", message, hint)
    assert d.span is not None


def test_evidence_that_is_not_found_is_asked_for() -> None:
    rules = RULES.replace("pass when tests > 0 and failures == 0", "pass when tests > 7 and tests < 7")
    with pytest.raises(InputError) as refused:
        request_of(f"{CHANGE}\ngiven unit-tests passes\n{AT}", rules=rules)
    assert [(d.message, d.hint) for d in refused.value.diagnostics] == [
        ("no evidence was found that makes `unit-tests` pass", "write `given unit-tests { … }`")
    ]


def test_every_given_of_the_grammar_is_known() -> None:
    """Nothing that a test may say is passed over."""
    request = request_of(f"{CHANGE}\n{AT}")
    pack = pack_of("")
    said = "risk high; all gates pass; group pm = x; soak 1h in dev; allowed in dev; sast passes; a acts for b"
    for wish in parse_what_if(Source("--what-if", said)).wishes:
        assert apply(pack, request, [wish], Samples(pack)) != request, wish
    assert len(scenario.Given.__args__) == 12


def test_evidence_is_signed_by_whom_the_test_says() -> None:
    rules = RULES.replace("  fresh for 24h\n", "  fresh for 24h\n  signed by ci, ops\n")
    assert request_of(f"{CHANGE}\ngiven sast passes\n{AT}", rules=rules).evidence["sast"].signers == ["ci"]
    other = f"{CHANGE}\ngiven sast passes\ngiven sast signed by mallory\n{AT}\nexpect sast waiting for sast"
    right = other.replace("mallory", "ops").replace("waiting for sast", "passed")
    tests = f"test a {{\n{other}\n}}\ntest b {{\n{right}\n}}"
    assert ran(tests, rules).is_passed


def test_who_acts_for_another_counts_as_she_would() -> None:
    given = f"given change {{ }} to production\ngiven group pm = carol\n{AT}\n"
    tests = f"""\
test without {{
  {given}
  given approval by dave, by carol
  expect people waiting for tech-lead, pm
}}
test with-a-delegate {{
  {given}
  given dave acts for alice until 2026-11-23 10:00
  given approval by dave, by carol
  expect people passed
}}
test no-longer {{
  {given}
  given dave acts for alice until 2026-11-23 09:59
  given approval by dave, by carol
  expect people waiting for tech-lead, pm
}}
"""
    assert [r.unmet for r in ran(tests).results] == [(), (), ()]


def test_a_request_waits_from_when_it_is_given() -> None:
    rules = RULES.replace("approve by tech-lead then pm", "approve by tech-lead escalate to on-call after 2h")
    given = f"given group on-call = erin\ngiven approval by erin\n{AT}\n"
    tests = f"""\
test just-asked {{ given change {{ }} to staging {given} expect people waiting for tech-lead }}
test two-hours {{ given change {{ requested_at: 2026-11-23T08:00+01:00 }} to staging {given} expect people passed }}
"""
    assert [r.unmet for r in ran(tests, rules).results] == [(), ()]


def test_who_approved_staging_is_known_where_that_is_given() -> None:
    rules = RULES.replace("  when risk == high: approve by tech-lead then pm\n", "").replace(
        "rule people for staging, production", "rule people for staging"
    )
    rules += "rule again for production { approve by tech-lead excluding approvers of staging }\n"
    given = f"given change {{ }} to production\ngiven approval by alice\n{AT}\n"
    tests = f"""\
test by-alice {{ {given} given allowed in staging by alice expect again waiting for tech-lead }}
test by-bob {{ {given} given allowed in staging by bob expect again passed }}
test unknown {{ {given} expect again waiting }}
"""
    assert [r.unmet for r in ran(tests, rules).results] == [(), (), ()]
