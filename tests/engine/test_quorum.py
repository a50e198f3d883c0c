"""Quorums against every assignment tried in turn, and the laws of approval by hand."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, permutations
from random import Random

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from gatecheck.engine.matching import assign
from gatecheck.engine.quorum import (
    Alternative,
    Given,
    Missing,
    Shortfall,
    Uncounted,
    fill,
    satisfy,
    shortfall,
    uncounted,
)

LEAD, PM, CALL = 1, 2, 4  # groups


def at(minute: int) -> datetime:
    return datetime(2026, 11, 23, 9, tzinfo=UTC) + timedelta(minutes=minute)


def fillings(stages: Alternative, approvals: Sequence[Given]) -> Iterator[tuple[int, ...]]:
    """Every choice of approvals that satisfies the alternative, straight from the definition."""
    slots = [(number, mask) for number, stage in enumerate(stages) for mask in stage]

    def extend(chosen: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(chosen) == len(slots):
            yield chosen
            return
        number, mask = slots[len(chosen)]
        # "all approvals used in a stage are given at or after the completion of the one before"
        earlier = [approvals[i][0] for (n, _), i in zip(slots, chosen, strict=False) if n == number - 1]
        for i, (when, person, groups) in enumerate(approvals):
            if groups & mask and all(approvals[j][1] != person for j in chosen) and all(when >= e for e in earlier):
                yield from extend((*chosen, i))

    return extend(())


def is_satisfied(alternatives: Sequence[Alternative], approvals: Sequence[Given]) -> bool:
    return any(next(fillings(stages, approvals), None) is not None for stages in alternatives)


def fewest_further(
    alternatives: Sequence[Alternative], approvals: Sequence[Given], members: Mapping[str, int]
) -> int | None:
    """How many approvals must be added, given one after the other; ``None`` if no number suffices."""
    most = max(sum(map(len, stages)) for stages in alternatives)
    for number in range(most + 1):
        for people in permutations(sorted(members), number):
            added = [(at(1000 + i), person, members[person]) for i, person in enumerate(people)]
            if is_satisfied(alternatives, [*approvals, *added]):
                return number
    return None


masks = st.integers(1, 7)
stage = st.lists(masks, min_size=1, max_size=3).map(tuple)


def bounded(stages: list[tuple[int, ...]]) -> Alternative:
    left, out = 4, []
    for slots in stages:
        if left:
            out.append(slots[:left])
            left -= len(slots[:left])
    return tuple(out)


alternative = st.lists(stage, min_size=1, max_size=3).map(bounded)
PEOPLE = ("alice", "bob", "carol", "dan", "eve")


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Alternative], list[Given], dict[str, int]]:
    """Alternatives, approvals (also by people who are no longer members, and at equal instants), members."""
    groups = draw(st.fixed_dictionaries(dict.fromkeys(PEOPLE, masks)))
    alternatives = draw(st.lists(alternative, min_size=1, max_size=2))
    given_at = draw(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(PEOPLE)), max_size=6))
    approvals = sorted((at(minute), person, groups[person]) for minute, person in given_at)
    members = {person: groups[person] for person in draw(st.permutations(PEOPLE))[: draw(st.integers(0, 5))]}
    return alternatives, approvals, members


Case = tuple[list[Alternative], list[Given], dict[str, int]]


@settings(max_examples=500, deadline=None)
@given(cases())
def test_satisfy_agrees_with_trying_every_assignment(case: Case) -> None:
    alternatives, approvals, _ = case
    found = fill(alternatives, approvals)
    first = next((n for n, stages in enumerate(alternatives) if is_satisfied([stages], approvals)), None)
    assert satisfy(alternatives, approvals) == (None if found is None else found[1])
    if found is None:
        assert first is None
    else:
        assert found[0] == first
        every = fillings(alternatives[found[0]], approvals)
        assert found[1] in [tuple((approvals[i][1], approvals[i][0]) for i in chosen) for chosen in every]


@settings(max_examples=400, deadline=None)
@given(cases())
def test_shortfall_agrees_with_adding_approvals_until_it_is_satisfied(case: Case) -> None:
    alternatives, approvals, members = case
    assume(satisfy(alternatives, approvals) is None)
    short = shortfall(alternatives, approvals, members)
    each = [fewest_further([stages], approvals, members) for stages in alternatives]
    needed = [number for number in each if number is not None]
    assert short.is_impossible is (not needed)
    if not needed:
        assert short.missing == ()
        assert short.lacking != ()
        return
    assert short.lacking == ()
    assert len(short.missing) == min(needed)
    assert short.alternative == each.index(min(needed))
    # What it names really is what is missing: members fill those slots, in that order, beside what is already filled.
    stages = alternatives[short.alternative]
    slots = [(number, mask) for number, slots in enumerate(stages) for mask in slots]
    assert [(m.stage, m.mask) for m in short.missing] == [slots[m.slot] for m in short.missing]
    used = {filler[0] for filler in short.fillers if filler is not None}
    for people in permutations(sorted(set(members) - used), len(short.missing)):
        if all(members[person] & m.mask for person, m in zip(people, short.missing, strict=True)):
            clock = count(1000)
            later = iter([(person, at(next(clock))) for person in people])
            whole = tuple(filler or next(later) for filler in short.fillers)
            added = [(when, person, members[person]) for person, when in whole if when >= at(1000)]
            together = [*approvals, *added]
            every = fillings(stages, together)
            assert whole in [tuple((together[i][1], together[i][0]) for i in chosen) for chosen in every]
            return
    pytest.fail("nobody can give what is missing")


@settings(max_examples=300, deadline=None)
@given(cases())
def test_each_approval_counts_or_has_a_reason(case: Case) -> None:
    alternatives, approvals, members = case
    found = fill(alternatives, approvals)
    number, fillers = found or shortfall(alternatives, approvals, members)[:2]
    counted = [filler for filler in fillers if filler is not None]
    told = uncounted(alternatives, approvals, number, fillers)
    assert len(told) + len(counted) == len(approvals)
    rest = [approvals[u.approval] for u in told]
    assert sorted([*[(when, person) for when, person, _ in rest], *[(w, p) for p, w in counted]]) == [
        (when, person) for when, person, _ in approvals
    ]
    if found is not None:
        assert all((u.reason == "early") is (u.stage >= 0) for u in told)
        trimmed = [given for i, given in enumerate(approvals) if i not in {u.approval for u in told}]
        assert is_satisfied(alternatives, trimmed)


@settings(max_examples=200, deadline=None)
@given(cases(), st.tuples(st.integers(0, 9), st.sampled_from(PEOPLE), masks))
def test_adding_an_approval_never_unsatisfies(case: Case, one_more: tuple[int, str, int]) -> None:
    alternatives, approvals, _ = case
    minute, person, groups = one_more
    before = satisfy(alternatives, approvals)
    after = satisfy(alternatives, sorted([*approvals, (at(minute), person, groups)]))
    assert before is None or after is not None


@settings(max_examples=200, deadline=None)
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_alternatives_slots_and_members_changes_no_answer(case: Case, random: Random) -> None:
    alternatives, approvals, members = case
    shuffled = [tuple(tuple(random.sample(slots, len(slots))) for slots in stages) for stages in alternatives]
    random.shuffle(shuffled)
    other_members = dict(random.sample(sorted(members.items()), len(members)))
    assert shortfall(alternatives, approvals, members) == shortfall(alternatives, approvals, other_members)
    is_open = satisfy(alternatives, approvals) is None
    assert is_open is (satisfy(shuffled, approvals) is None)
    if is_open:
        one, other = shortfall(alternatives, approvals, members), shortfall(shuffled, approvals, other_members)
        assert len(one.missing) == len(other.missing)
        assert one.is_impossible is other.is_impossible


@settings(max_examples=200, deadline=None)
@given(cases())
def test_then_implies_and(case: Case) -> None:
    alternatives, approvals, _ = case
    for stages in alternatives:
        together: Alternative = (tuple(slot for slots in stages for slot in slots),)
        assert satisfy([stages], approvals) is None or satisfy([together], approvals) is not None


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 31), st.integers(0, 31)), max_size=4),
    st.lists(st.integers(1, 2), min_size=5, max_size=5),
)
@example([(0b11, 0), (0b01, 0b10)], [1, 1, 1, 1, 1])
def test_matching_is_largest_then_cheapest(pairs: list[tuple[int, int]], widths: list[int]) -> None:
    free, dear = [f for f, _ in pairs], [d for _, d in pairs]
    owners = assign(free, dear, widths)

    def price(chosen: Sequence[int]) -> tuple[int, int]:
        return chosen.count(-1), sum(c >= 0 and not free[s] >> c & 1 for s, c in enumerate(chosen))

    def every(chosen: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(chosen) == len(free):
            yield chosen
            return
        for column in [-1, *range(5)]:
            allowed = (free[len(chosen)] | dear[len(chosen)]) >> column & 1 if column >= 0 else 1
            if allowed and (column < 0 or chosen.count(column) < widths[column]):
                yield from every((*chosen, column))

    assert tuple(owners) in set(every(()))
    unmatched = min(price(chosen)[0] for chosen in every(()))
    assert owners.count(-1) == unmatched
    if unmatched == 0:
        assert price(owners) == min(price(chosen) for chosen in every(()))


def test_one_person_fills_one_slot() -> None:
    both: list[Alternative] = [((LEAD, PM),)]
    alice = (at(0), "alice", LEAD | PM)
    assert satisfy(both, [alice]) is None
    assert satisfy(both, [alice, (at(1), "alice", LEAD | PM)]) is None
    assert satisfy(both, [alice, (at(1), "bob", LEAD)]) == (("bob", at(1)), ("alice", at(0)))


def test_a_later_approval_frees_the_only_pm() -> None:
    """The rule: "alice, who is both tech-lead and pm, fills whichever makes the whole succeed, never both"."""
    stages: list[Alternative] = [((LEAD,), (PM,))]
    approvals = [(at(0), "alice", LEAD | PM), (at(1), "bob", LEAD), (at(2), "alice", LEAD | PM)]
    assert satisfy(stages, approvals) == (("bob", at(1)), ("alice", at(2)))
    assert satisfy(stages, approvals[:2]) is None
    assert uncounted(stages, approvals, 0, (("bob", at(1)), ("alice", at(2)))) == (Uncounted(0, "taken", -1),)


def test_an_approval_at_the_very_instant_of_completion_counts() -> None:
    stages: list[Alternative] = [((LEAD,), (PM,))]
    assert satisfy(stages, [(at(0), "alice", PM), (at(0), "bob", LEAD)]) == (("bob", at(0)), ("alice", at(0)))
    assert satisfy(stages, [(at(0), "alice", PM), (at(1), "bob", LEAD)]) is None


def test_an_early_approval_must_be_given_again() -> None:
    """The rule: "an approval of a later stage given before the earlier stage was complete does not count"."""
    stages: list[Alternative] = [((LEAD,), (PM,), (CALL,))]
    approvals = [(at(0), "carol", PM), (at(1), "alice", LEAD), (at(2), "dan", CALL)]
    members = {"alice": LEAD, "carol": PM, "dan": CALL}
    short = shortfall(stages, approvals, members)
    missing = (Missing(1, 1, PM, ("alice",)), Missing(2, 2, CALL, ()))
    assert short == Shortfall(0, (("alice", at(1)), None, None), missing)
    assert uncounted(stages, approvals, 0, short.fillers) == (Uncounted(0, "early", 0), Uncounted(2, "early", 1))


def test_reasons() -> None:
    stages: list[Alternative] = [((LEAD,), (PM,)), ((CALL, CALL),)]
    approvals = [
        (at(0), "dan", CALL),
        (at(1), "eve", PM),
        (at(2), "alice", LEAD),
        (at(3), "bob", LEAD),
        (at(4), "carol", PM),
        (at(5), "carol", PM),
        (at(6), "frank", 8),
    ]
    found = fill(stages, approvals)
    assert found == (0, (("alice", at(2)), ("carol", at(4))))
    assert uncounted(stages, approvals, *found) == (
        Uncounted(0, "spare", -1),
        Uncounted(1, "early", 0),
        Uncounted(3, "spare", -1),
        Uncounted(5, "taken", -1),
        Uncounted(6, "outside", -1),
    )


def test_fewest_missing_then_the_first_alternative() -> None:
    alternatives: list[Alternative] = [((LEAD, LEAD),), ((PM,),), ((CALL,),)]
    members = {"alice": LEAD, "bob": LEAD, "carol": PM, "dan": CALL}
    assert shortfall(alternatives, [], members) == Shortfall(1, (None,), (Missing(0, 0, PM, ()),))
    approvals = [(at(0), "alice", LEAD)]
    short = Shortfall(0, (("alice", at(0)), None), (Missing(1, 0, LEAD, ()),))
    assert shortfall(alternatives, approvals, members) == short


def test_somebody_who_filled_a_slot_may_have_to_give_way() -> None:
    stages: list[Alternative] = [((LEAD,), (PM,))]
    approvals = [(at(0), "alice", LEAD | PM)]
    missing = (Missing(0, 0, LEAD, ()), Missing(1, 1, PM, ()))
    assert shortfall(stages, approvals, {"alice": LEAD | PM, "bob": LEAD}) == Shortfall(0, (None, None), missing)


def test_impossible_names_whom_it_lacks() -> None:
    stages: list[Alternative] = [((LEAD,), (PM,), (CALL,))]
    members = {"alice": LEAD | PM, "dan": CALL}
    assert shortfall(stages, [], members) == Shortfall(0, (None, None, None), (), True, (PM,))
    assert shortfall(stages, [], {}) == Shortfall(0, (None, None, None), (), True, (LEAD, PM, CALL))
    alternatives: list[Alternative] = [((LEAD, LEAD),), ((LEAD, PM),)]
    assert shortfall(alternatives, [], {"bob": LEAD}) == Shortfall(0, (None, None), (), True, (LEAD,))


@pytest.mark.parametrize("alternatives", [[], [()], [((),)], [((LEAD,), ())], [((0,),)]])
def test_nothing_passes_by_vacuity(alternatives: list[Alternative]) -> None:
    """The rule: "An empty group, an impossible quorum never pass by vacuity"."""
    approvals = [(at(0), "alice", LEAD)]
    assert satisfy(alternatives, approvals) is None
    assert shortfall(alternatives, approvals, {"alice": LEAD}).is_impossible


def test_large_groups_and_many_approvals_end() -> None:
    """Thirty approvals over six slots in three stages, of which the last can't be filled but by those already used."""
    people = {f"p{i}": LEAD | PM | (CALL if i < 1 else 0) for i in range(10)}
    approvals = sorted((at(i), f"p{i * 7 % 10}", people[f"p{i * 7 % 10}"]) for i in range(30))
    stages: list[Alternative] = [((LEAD, PM), (LEAD, PM), (CALL, CALL))]
    crowd = {f"q{i}": 1 << (i % 3) for i in range(500)}
    assert satisfy(stages, approvals) is None
    short = shortfall(stages, approvals, people | crowd)
    assert [m.mask for m in short.missing] == [CALL]
    assert short.fillers[4] == ("p0", at(10)) or short.fillers[5] == ("p0", at(10))


def test_a_search_that_is_cut_short_asks_for_an_approval_too_many() -> None:
    """Seven stages, and alice wasted on the first of them only shows at the last: more completions than are tried."""
    crowd = [(at(2 + i), f"p{i * 7 % 9}", CALL) for i in range(40)]
    ends = [(at(45), "wes", 16), (at(50), "xena", 8), (at(60), "alice", LEAD | 16)]
    approvals = [(at(0), "alice", LEAD | 16), (at(1), "bob", LEAD), *crowd, *ends]
    few: Alternative = ((LEAD,), (CALL,), (8,), (16,))
    many: Alternative = ((LEAD,), *[(CALL,)] * 3, (CALL, CALL), (8,), (16,))
    found = satisfy([few], approvals)
    assert found is not None
    assert found[0] == ("bob", at(1))
    assert satisfy([many], approvals[1:]) is not None  # without alice's first, so with it too
    assert satisfy([many], approvals) is None
    short = shortfall([many], approvals, {"wes": 16, "zoe": 16})
    assert short.missing == (Missing(7, 6, 16, ("xena",)),)
