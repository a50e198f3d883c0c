"""Run the tests of a pack: a block is one case, or one for every choice of its `each`, and a case is one decision."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from msgspec import Struct

from gatecheck.engine.invariants import Violation, violated
from gatecheck.engine.program import Program, evaluate
from gatecheck.lang import ast, core, scenario, unparse
from gatecheck.lang.scenario import Expectation, Given
from gatecheck.model.decision import Decision
from gatecheck.model.request import Request
from gatecheck.testing.expected import meets
from gatecheck.testing.given import case_of, each_given
from gatecheck.testing.samples import Samples
from gatecheck.text.diagnostic import Diagnostic, InputError


class Case(Struct, frozen=True):
    """One case of a test: what its `each` chose, as text and as what it gives."""

    test: ast.Scenario
    parameters: tuple[tuple[str, str], ...] = ()
    given: tuple[Given, ...] = ()

    @property
    def name(self) -> str:
        """The test's name, and what its `each` chose: `waits[change.type=docs, risk=low]`."""
        chosen = ", ".join(f"{field}={value}" for field, value in self.parameters)
        return f"{self.test.name}[{chosen}]" if chosen else self.test.name


class Result(Struct, frozen=True):
    """What came of one case.

    ``unmet`` are the expectations that the decision does not meet, ``violations`` the invariants that it breaks. Where
    what is given can't be, ``problems`` say why, and nothing was decided.
    """

    case: Case
    request: Request | None = None
    decision: Decision | None = None
    unmet: tuple[Expectation, ...] = ()
    violations: tuple[Violation, ...] = ()
    problems: tuple[Diagnostic, ...] = ()

    @property
    def is_passed(self) -> bool:
        """Whether all that is expected was so, and no invariant was broken."""
        return not (self.unmet or self.violations or self.problems)


def cases(pack: core.Pack, wanted: Sequence[str] = ()) -> Iterator[Case]:
    """Yield the cases of a pack's tests whose names hold one of the ``wanted`` texts, by the tests' names."""
    for test in pack.scenarios:
        for case in _cases(test):
            if not wanted or any(text in case.name for text in wanted):
                yield case


def _cases(test: ast.Scenario) -> Iterator[Case]:
    each = [item for item in test.items if isinstance(item, scenario.Each)]
    fields = [unparse.expression(e.field) for e in each]
    for chosen in product(*(e.values.items for e in each)):
        parameters = tuple((field, unparse.expression(value)) for field, value in zip(fields, chosen, strict=True))
        yield Case(test, parameters, tuple(each_given(e, value) for e, value in zip(each, chosen, strict=True)))


class Runner:
    """Runs the cases of one pack; ``recorded`` holds the recorded requests that its tests name, by their paths."""

    def __init__(self, pack: core.Pack, program: Program, recorded: Mapping[str, Request]) -> None:
        self.pack = pack
        self.program = program
        self.recorded = recorded
        self.samples = Samples(pack)

    def run(self, case: Case) -> Result:
        """Decide one case, and compare."""
        items = case.test.items
        try:
            request = case_of(self.pack, items, case.given, self.samples, self.recorded)
            decision = evaluate(self.program, request)
        except InputError as refused:
            return Result(case, problems=refused.diagnostics)
        unmet = tuple(e for e in items if isinstance(e, Expectation) and not meets(e, decision, self.pack))
        return Result(case, request, decision, unmet, violated(self.program, request, decision))
