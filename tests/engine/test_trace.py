"""A traced program decides as any other, and what it saw is what the naive evaluator sees."""

from collections import Counter
from functools import cache
from random import Random

from generate import compiled, random_pack, random_request
from naive import Unknown, _Judge

from gatecheck.engine.kleene import Undetermined
from gatecheck.engine.trace import Trace, TracedProgram
from gatecheck.gate import decide
from gatecheck.lang import core
from gatecheck.model.request import Request

PACKS, REQUESTS = 60, 6


@cache
def traced() -> list[tuple[Trace, Request, core.Pack]]:
    made = []
    for seed in range(PACKS):
        random = Random(seed)
        _, pack = random_pack(random)
        plain, program = compiled(pack), TracedProgram(pack)
        for _ in range(REQUESTS):
            request = random_request(random, pack)
            assert decide(program, request).statement == decide(plain, request).statement, f"seed {seed}"
            made.append((program.trace(request.environment), request, pack))
    return made


def judge(pack: core.Pack, request: Request) -> _Judge:
    made = _Judge(pack, request)
    made.answer()  # which classifies the risk first
    return made


def plainly(truth: object) -> bool | None:
    return None if isinstance(truth, Undetermined | Unknown) else bool(truth)


def test_it_decides_the_same_and_sees_which_statements_apply() -> None:
    seen: Counter[bool | None] = Counter()
    for trace, request, pack in traced():
        naive = judge(pack, request)
        expected = [
            (s.id, plainly(True if s.guard is None else naive.value(s.guard)))
            for s in pack.statements
            if request.environment in s.environments
        ]
        assert trace.outcomes() == expected
        seen.update(outcome for _, outcome in expected)
    assert min(seen[k] for k in (True, False, None)) > 50, seen


def test_it_sees_what_each_condition_and_each_part_of_it_comes_to() -> None:
    seen: Counter[str] = Counter()
    for trace, request, pack in traced():
        naive = judge(pack, request)
        for root, gate in [*roots(pack), *((case.condition, "") for case in pack.cases)]:
            for node in core.walk(root):
                truth = trace.of(node).truth
                if truth is not None:
                    assert plainly(truth) is plainly(naive.value(node, gate)), node.text
                    seen[type(node).__name__] += 1
    assert {"And", "Or", "Not", "Compare", "Contains", "Matches", "Quantified", "During", "Soak"} <= seen.keys(), seen


def roots(pack: core.Pack) -> list[tuple[core.Core, str]]:
    """Every condition of a pack, with the gate that it is of."""
    found = [(g.condition, name) for name, g in pack.gates.items()]
    return [*found, *((root, "") for s in pack.statements for root in (s.guard, s.condition) if root is not None)]


def test_it_keeps_the_values_that_are_compared() -> None:
    for trace, _, pack in traced():
        for node in (node for root, _ in roots(pack) for node in core.walk(root)):
            found = trace.of(node)
            if isinstance(node, core.Compare | core.Contains | core.Matches) and found.truth is not None:
                variable = [part for part in core.parts(node) if not isinstance(part, core.Const)]
                assert len(found.values) == len(variable)


def test_it_keeps_the_items_that_are_picked() -> None:
    seen = 0
    for trace, request, pack in traced():
        naive = judge(pack, request)
        for root, gate in roots(pack):
            for node in core.walk(root):
                found = trace.of(node)
                if isinstance(node, core.Quantified) and node.where is not None and found.items is not None:
                    items = naive.value(node.items, gate)
                    assert found.items == len(items)
                    assert found.picked == tuple(i for i in items if naive.value(node.where, gate, i) is True)
                    seen += len(items) > len(found.picked) > 0
    assert seen > 3


def test_nothing_is_left_of_one_evaluation_in_the_next() -> None:
    random = Random(7)
    _, pack = random_pack(random)
    program = TracedProgram(pack)
    decide(program, random_request(random, pack))
    program.trace("dev")
    again = program.trace("dev")
    assert all(again.of(s.guard).truth is None for s in pack.statements if s.guard is not None)
