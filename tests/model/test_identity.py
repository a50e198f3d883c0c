"""One person under many names: comparing, mapping, and refusing names that two persons share."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecheck.model.canonical import canonical
from gatecheck.model.identity import Normal, fold, identify, names_of, normal_directory, normalize
from gatecheck.model.request import (
    Absence,
    Approval,
    Artifact,
    Change,
    Deployment,
    Directory,
    DirectoryPerson,
    Evidence,
    Request,
    TouchedFile,
)
from gatecheck.model.schema import decode_request, encode_request
from gatecheck.text.diagnostic import InputError, render

DIGEST = "sha256:" + "9f" * 32
BERLIN = timezone(timedelta(hours=1))


def test_case_and_the_encoding_of_accents_make_no_other_person() -> None:
    assert fold("Alice@Example.COM") == "alice@example.com"
    assert fold("ZOE\u0308") == fold("zo\u00eb") == "zo\u00eb"
    assert fold("STRASSE") == fold("straße")


@given(st.text(min_size=1, max_size=100))
def test_folding_twice_is_folding_once(name: str) -> None:
    assert fold(fold(name)) == fold(name)


def test_logins_lead_to_the_person_whatever_their_case() -> None:
    names = names_of(
        Directory(people={"Alice": DirectoryPerson(["alice-gh", "ALICE@example.com"]), "bob": DirectoryPerson()})
    )
    assert [identify(n, names) for n in ("ALICE-GH", "alice@EXAMPLE.com", "aLiCe", "Bob", "Carol")] == [
        *("alice", "alice", "alice", "bob", "carol"),
    ]


def test_names_that_two_persons_share_are_refused_all_at_once() -> None:
    directory = Directory(
        people={
            "alice": DirectoryPerson(["team@example.com", "bob"]),
            "bob": DirectoryPerson(["Team@Example.com"]),
            "carol": DirectoryPerson(),
            "Carol": DirectoryPerson(),
        }
    )
    with pytest.raises(InputError) as caught:
        names_of(directory)
    assert render(caught.value.diagnostics, {}) == (
        "error[GC520]: `people` has the person `carol` twice, apart from case\n"
        "   = hint: merge the two\n\n"
        "error[GC520]: the name `bob` belongs to both `bob` and `alice` in `people`\n"
        "   = hint: a name is one person's: remove it from the other\n\n"
        "error[GC520]: the name `Team@Example.com` belongs to both `alice` and `bob` in `people`\n"
        "   = hint: a name is one person's: remove it from the other"
    )


def test_the_normal_form_of_a_request() -> None:
    at = datetime(2026, 11, 23, 9, tzinfo=BERLIN)
    utc = datetime(2026, 11, 23, 8, tzinfo=UTC)
    normal = normalize(
        Change(
            id="PR-1",
            service="pay",
            type="feature",
            author="Alice@example.com",
            artifact=Artifact("pay", DIGEST),
            committers=["bob", "alice-gh", "BOB"],
            requester="Carol",
            requested_at=at,
        ),
        [Approval("bob", "reject", at, DIGEST, "prod"), Approval("ALICE-GH", "approve", at, DIGEST, "prod")],
        Directory(
            {"z": ["Carol", "alice-gh", "alice"], "a": []},
            {"Alice": DirectoryPerson(["alice@example.com", "Alice-GH"])},
        ),
        [Deployment(DIGEST, "staging", at, at, at), Deployment(DIGEST, "dev", at)],
    )
    assert normal == Normal(
        Change(
            id="PR-1",
            service="pay",
            type="feature",
            author="alice",
            artifact=Artifact("pay", DIGEST),
            committers=["alice", "bob"],
            requester="carol",
            requested_at=utc,
        ),
        [Approval("alice", "approve", utc, DIGEST, "prod"), Approval("bob", "reject", utc, DIGEST, "prod")],
        Directory({"a": [], "z": ["alice", "carol"]}, {"alice": DirectoryPerson(["alice-gh", "alice@example.com"])}),
        [Deployment(DIGEST, "dev", utc), Deployment(DIGEST, "staging", utc, utc, utc)],
    )
    assert normal.approvals[0].at.utcoffset() == timedelta(0)


PERSONS = st.sampled_from(
    ["alice", "Alice", "ALICE@example.com", "Zoë", "ZOE\u0308", "\u017ftraße", "bob", "Bob", "İ", "ΐ"]
)
TIMES = st.datetimes(
    datetime(2000, 1, 1),  # noqa: DTZ001
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.integers(-800, 800).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
LENGTHS = st.integers(1, 10**6).map(lambda seconds: timedelta(seconds=seconds))
LABELS = st.lists(st.sampled_from(["a", "b"]), max_size=2)
CHANGES = st.builds(
    Change,
    id=st.just("PR-1"),
    service=st.just("pay"),
    type=st.sampled_from(["feature", "docs"]),
    author=PERSONS,
    artifact=st.just(Artifact("pay", DIGEST)),
    committers=st.lists(PERSONS, max_size=4),
    requester=st.none() | PERSONS,
    requested_at=st.none() | TIMES,
    files=st.lists(
        st.builds(TouchedFile, path=st.from_regex(r"[abé\n]{1,3}(/[abé\n]{1,3})?", fullmatch=True)), max_size=2
    ),
    labels=LABELS,
    attributes=st.dictionaries(
        st.sampled_from(["ticket", "ratio"]),
        st.text(max_size=4) | st.integers(-9, 9) | st.booleans() | st.decimals(allow_nan=False, allow_infinity=False),
        max_size=2,
    ),
)
APPROVALS = st.builds(
    Approval,
    approver=PERSONS,
    stance=st.sampled_from(["approve", "reject", "withdraw"]),
    at=TIMES,
    artifact=st.just(DIGEST),
    environment=st.sampled_from(["staging", "production"]),
)
ABSENCES = st.builds(lambda start, length, who: Absence(start, start + length, who), TIMES, LENGTHS, PERSONS)
DIRECTORIES = st.builds(
    Directory,
    groups=st.dictionaries(st.sampled_from(["lead", "pm"]), st.lists(PERSONS, max_size=3)),
    people=st.dictionaries(
        st.sampled_from(["alice", "Alice", "bob"]),
        st.builds(DirectoryPerson, st.lists(PERSONS, max_size=3), st.lists(ABSENCES, max_size=2)),
        max_size=2,
    ),
)
DEPLOYMENTS = st.builds(
    Deployment, artifact=st.just(DIGEST), environment=st.just("dev"), from_=TIMES, to=st.none() | TIMES
)


@settings(deadline=None)
@given(CHANGES, st.lists(APPROVALS, max_size=3), DIRECTORIES, st.lists(DEPLOYMENTS, max_size=3), st.randoms())
def test_normalizing_is_idempotent_and_blind_to_order(
    change: Change, approvals: list[Approval], directory: Directory, deployments: list[Deployment], random: Random
) -> None:
    try:
        once = normalize(change, approvals, directory, deployments)
    except InputError:
        return
    assert normalize(*once) == once
    random.shuffle(approvals)
    random.shuffle(deployments)
    assert normalize(change, approvals, directory, deployments) == once


@settings(deadline=None)
@given(CHANGES, st.lists(APPROVALS, max_size=2), DIRECTORIES, st.lists(DEPLOYMENTS, max_size=2))
def test_a_recorded_request_is_the_request_again(
    change: Change, approvals: list[Approval], directory: Directory, deployments: list[Deployment]
) -> None:
    request = Request(change, "prod", "2026-11-23T09:00:00+01:00", {}, approvals, directory, deployments)
    raw = canonical(encode_request(request))
    assert decode_request(raw) == request
    assert canonical(encode_request(decode_request(raw))) == raw
    assert b"+01:00" not in raw.replace(b'"as_of":"2026-11-23T09:00:00+01:00"', b"")


def test_a_name_too_long_without_its_capitals_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        fold("ß" * 320)
    assert render(caught.value.diagnostics, {}) == (
        f"error[GC520]: a name has more than 320 characters without its capitals: `{'ß' * 40}…`"
    )


def test_a_record_keeps_exact_decimals_and_leaves_out_defaults() -> None:
    change = Change("PR-1", "pay", "docs", "alice", Artifact("pay", DIGEST), attributes={"ratio": Decimal("0.50")})
    fields = {"rate": Decimal("0.825"), "tests": 3, "cases": [{"time": Decimal("1E-7"), "name": None}]}
    at = datetime(2026, 11, 23, 9, 0, 0, 5, tzinfo=BERLIN)
    request = Request(
        change, "prod", "2026-11-23T09:00:00Z", {"unit": Evidence("junit", fields, DIGEST, produced_at=at)}
    )
    assert encode_request(request) == {
        "change": {
            "id": "PR-1",
            "service": "pay",
            "type": "docs",
            "author": "alice",
            "artifact": {"name": "pay", "digest": DIGEST},
            "attributes": {"ratio": {"$decimal": "0.50"}},
        },
        "environment": "prod",
        "as_of": "2026-11-23T09:00:00Z",
        "directory": {},
        "evidence": {
            "unit": {
                "kind": "junit",
                "fields": {
                    "rate": {"$decimal": "0.825"},
                    "tests": 3,
                    "cases": [{"time": {"$decimal": "1E-7"}, "name": None}],
                },
                "raw": DIGEST,
                "produced_at": "2026-11-23T08:00:00.000005Z",
            }
        },
    }
    again = decode_request(canonical(encode_request(request)))
    assert again == request
    assert type(again.evidence["unit"].fields["rate"]) is Decimal


# -- absences


def away(start: str, end: str, delegate: str) -> Absence:
    """An absence in December, by day and hour."""
    first, last = (datetime.fromisoformat(f"2026-12-{day}:00+01:00") for day in (start, end))
    return Absence(first, last, delegate)


def normal(*absences: Absence) -> Directory:
    directory = Directory({}, {"Alice": DirectoryPerson([], list(absences)), "bob": DirectoryPerson(["Bob-GH"])})
    return normal_directory(directory, names_of(directory))


def test_absences_are_normalized_as_all_else() -> None:
    first, second = away("01T00", "08T00", "BOB-gh"), away("08T00", "09T00", "Carol")
    made = normal(second, first, first).people["alice"].away
    assert [(a.from_.isoformat(), a.to.hour, a.delegate) for a in made] == [
        ("2026-11-30T23:00:00+00:00", 23, "bob"),
        ("2026-12-07T23:00:00+00:00", 23, "carol"),
    ]


@pytest.mark.parametrize(
    ("absences", "said"),
    [
        (
            [away("01T00", "08T00", "bob"), away("07T23", "09T00", "carol")],
            "`alice` is away twice at once: 2026-11-30T23:00:00Z to 2026-12-07T23:00:00Z (`bob`), and "
            "2026-12-07T22:00:00Z to 2026-12-08T23:00:00Z (`carol`)\n"
            "   = hint: end one absence as the next begins, so that one person acts for her at a time",
        ),
        (
            [away("01T00", "01T00", "bob")],
            "an absence of `alice` ends before it begins: 2026-11-30T23:00:00Z to 2026-11-30T23:00:00Z (`bob`)",
        ),
        (
            [away("01T00", "02T00", "ALICE")],
            "`alice` is to act for herself from 2026-11-30T23:00:00Z to 2026-12-01T23:00:00Z (`alice`)\n"
            "   = hint: name somebody else as `delegate`, or drop the absence",
        ),
    ],
)
def test_an_absence_that_can_not_be_is_refused(absences: list[Absence], said: str) -> None:
    for order in (absences, absences[::-1]):
        with pytest.raises(InputError) as caught:
            normal(*order)
        assert render(caught.value.diagnostics, {}) == f"error[GC522]: {said}"


def test_a_request_that_was_recorded_before_keeps_its_bytes() -> None:
    artifact, at = {"name": "s", "digest": DIGEST}, "2026-11-23T08:00:00Z"
    approval = {"approver": "b", "stance": "approve", "at": at, "artifact": DIGEST, "environment": "prod"}
    raw = canonical(
        {
            "change": {"id": "1", "service": "s", "type": "docs", "author": "a", "artifact": artifact},
            "environment": "prod",
            "as_of": "2026-11-23T09:00:00Z",
            "approvals": [approval],
            "directory": {"people": {"b": {"logins": ["c"]}}},
            "promotions": [{"artifact": DIGEST, "environment": "dev", "at": at, "entry": DIGEST}],
        }
    )
    assert canonical(encode_request(decode_request(raw))) == raw
