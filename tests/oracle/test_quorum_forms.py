"""What a quorum says, against the slots that it is expanded to: every choice of approvals, straight from the text."""

from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random

from generate import PackText
from naive import fewest_missing

from gatecheck.lang import ast
from gatecheck.lang.parser import parse
from gatecheck.lang.quorum import Quorums
from gatecheck.text.diagnostic import Diagnostic
from gatecheck.text.source import Source

PEOPLE = ("alice", "bob", "carol", "dan")
Given = tuple[datetime, str, frozenset[str]]


def ways(node: ast.Quorum, given: list[Given]) -> Iterator[tuple[Given, ...]]:
    """Every choice of approvals by different people that gives a quorum what it says."""
    match node:
        case ast.Some():
            yield from chosen(node.count, [g for g in given if g[2] & set(node.groups)])
        case ast.AnyOf():
            for part in node.parts:
                yield from ways(part, given)
        case ast.AllOf() | ast.InTurn():
            first, *rest = node.parts
            for way in ways(first, given):
                people = {person for _, person, _ in way}
                left = [g for g in given if g[1] not in people]
                if isinstance(node, ast.InTurn):
                    left = [g for g in left if all(g[0] >= at for at, _, _ in way)]
                after = ways(type(node)(node.span, tuple(rest)), left) if rest else iter([()])
                yield from ((*way, *more) for more in after)


def chosen(count: int, given: list[Given]) -> Iterator[tuple[Given, ...]]:
    if count == 0:
        yield ()
        return
    for n, one in enumerate(given):
        later = [g for g in given[n + 1 :] if g[1] != one[1]]
        yield from ((one, *more) for more in chosen(count - 1, later))


def test_a_quorum_means_what_it_says() -> None:
    passed = 0
    for seed in range(250):
        random = Random(f"quorum {seed}")
        text = PackText(random).quorum()
        parsed, found = parse(Source("q", f"rule r for e {{ approve by {text} }}"))
        assert not found
        (rule,) = parsed.declarations
        assert isinstance(rule, ast.Rule)
        (statement,) = rule.statements
        assert isinstance(statement, ast.Approve)
        problems: list[Diagnostic] = []
        names = ("lead", "pm", "on-call", "absent", "nobody")
        asked = Quorums(dict.fromkeys(names), problems.append).approval(statement)
        assert not problems, text
        for _ in range(6):
            of = {p: frozenset(g for g in names if random.random() < 0.5) for p in PEOPLE}
            given = [
                (datetime(2026, 11, 23, 9, random.randint(0, 4), tzinfo=UTC), person, of[person])
                for person in (random.choice(PEOPLE) for _ in range(random.randint(1, 5)))
            ]
            is_satisfied = next(ways(statement.quorum, given), None) is not None
            assert (fewest_missing(asked.alternatives, given, {}) == 0) is is_satisfied, (text, given)
            passed += is_satisfied
    assert passed > 150
