"""Laws of approvals on terms, each with the sentence of the language that it proves, over random quorums."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from generate import PEOPLE, compiled, quorum_pack, quorum_request
from msgspec.structs import replace

from gatecheck.engine.program import Program, evaluate
from gatecheck.model.decision import Decision, Finding
from gatecheck.model.request import Request

PACKS, REQUESTS = 60, 12


def cases(law: str, *terms: str) -> Iterator[tuple[Random, list[Program], Request]]:
    """Random requests, each with the programs of a random quorum on these terms."""
    for seed in range(PACKS):
        packs = [quorum_pack(Random(f"{law} {seed}"), each) for each in terms]
        programs = [compiled(pack) for pack in packs]
        random = Random(seed)
        for _ in range(REQUESTS):
            yield random, programs, quorum_request(random, packs[0])


def only(decision: Decision) -> Finding:
    (finding,) = decision.findings
    return finding


def now(request: Request) -> datetime:
    return datetime.fromisoformat(request.as_of).astimezone(UTC)


def test_escalation_takes_nothing_away() -> None:
    """What is allowed before an escalation is allowed after it."""
    gained = kept = 0
    for terms in ("escalate to nobody after 2h", "valid for 4h escalate to nobody after 2h"):
        for _, (program,), request in cases(terms, terms):
            since = now(request) - timedelta(hours=2)
            change = replace(request.change, requested_at=since + timedelta(microseconds=1))
            before = only(evaluate(program, replace(request, change=change)))
            after = only(evaluate(program, replace(request, change=replace(change, requested_at=since))))
            assert not before.note.endswith("escalated to nobody")
            assert before.status != "passed" or after.status == "passed"
            assert before.status == "failed" or after.status != "failed"
            kept += before.status == "passed"
            gained += before.status != after.status
    assert min(kept, gained) > 20, (kept, gained)


def test_excluding_never_allows_more() -> None:
    """Excluding approvers never allows more."""
    fewer = kept = 0
    for random, (program, excluding), request in cases("excluding", "", "excluding approvers of staging, dev"):
        known = [replace(p, approvers=random.sample(PEOPLE, random.randint(0, 2))) for p in request.promotions]
        made = replace(request, promotions=known)
        without, beside = only(evaluate(program, made)), only(evaluate(excluding, made))
        assert beside.status != "passed" or without.status == "passed"
        kept += beside.status == "passed"
        fewer += without.status == "passed" and beside.status != "passed"
    assert min(kept, fewer) > 5, (kept, fewer)


def test_a_delegate_and_the_one_who_is_away_fill_no_two_places() -> None:
    """A delegate and the one whom he acts for never fill two places of one statement."""
    acting = 0
    for terms in ("", "signed", "valid for 4h", "escalate to nobody after 1h"):
        for _, (program,), request in cases(f"delegates {terms}", terms):
            finding = only(evaluate(program, request))
            for_whom, given = dict(finding.acting), dict(finding.counted)
            people = [person for person, _ in finding.counted]
            seats = [for_whom.get(person, person) for person in people]
            assert len(set(people)) == len(people)
            assert len(set(seats)) == len(seats)
            assert not set(for_whom.values()) & set(people)
            for person, absent in finding.acting:
                spans = request.directory.people[absent].away
                assert any(a.delegate == person and a.from_ <= given[person] < a.to for a in spans)
            acting += bool(for_whom)
    assert acting > 30, acting


def test_an_unsigned_approval_counts_for_nothing() -> None:
    """Where signatures are asked for, an unsigned approval counts for nothing, and lifts no rejection."""
    passed = vetoed = 0
    for _, (program,), request in cases("signed", "signed"):
        kept = [a for a in request.approvals if a.stance != "approve" or a.signer == a.approver]
        every, fewer = only(evaluate(program, request)), only(evaluate(program, replace(request, approvals=kept)))
        assert (every.status, every.counted, every.actions) == (fewer.status, fewer.counted, fewer.actions)
        passed += every.status == "passed" and len(kept) < len(request.approvals)
        vetoed += every.note.startswith("rejected") and len(kept) < len(request.approvals)
    assert min(passed, vetoed) > 10, (passed, vetoed)


def test_signatures_never_allow_more() -> None:
    for _, (program, signed), request in cases("unsigned", "", "signed"):
        plain = replace(request, directory=replace(request.directory, people={}))
        assert only(evaluate(signed, plain)).status != "passed" or only(evaluate(program, plain)).status == "passed"


def test_an_approval_for_another_counts_as_hers_would() -> None:
    """An approval for somebody who is away counts as one of her own would, and never for more."""
    seen = 0
    for _, (program,), request in cases("in her name", ""):
        finding = only(evaluate(program, request))
        for_whom = dict(finding.acting)
        if finding.status != "passed" or not for_whom:
            continue
        hers = [
            replace(a, approver=for_whom[a.approver])
            if (a.approver, a.at) in finding.counted and a.approver in for_whom
            else a
            for a in request.approvals
            if a.approver in for_whom or a.approver not in for_whom.values()
        ]
        plain = replace(request, approvals=hers, directory=replace(request.directory, people={}))
        assert only(evaluate(program, plain)).status == "passed"
        seen += 1
    assert seen > 5, seen
