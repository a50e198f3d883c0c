"""Run a pack's tests, and say what came of it: the results in the order of their names, and what they reach."""

from collections.abc import Mapping, Sequence

from gatecheck.engine.trace import TracedProgram
from gatecheck.lang import core
from gatecheck.model.request import Request
from gatecheck.testing.cases import Result, Runner, cases
from gatecheck.testing.coverage import Coverage
from gatecheck.testing.samples import program_of


class Ran:
    """The results of a run; ``traced`` tells more of a decision, and is compiled where that is asked for."""

    def __init__(self, pack: core.Pack, results: Sequence[Result], coverage: Coverage | None) -> None:
        self.pack = pack
        self.results = results
        self.coverage = coverage
        self._traced: TracedProgram | None = None

    @property
    def traced(self) -> TracedProgram:
        """The pack's traced program."""
        if self._traced is None:
            self._traced = TracedProgram(self.pack)
        return self._traced

    @property
    def is_passed(self) -> bool:
        """Whether every case passed, and there was one."""
        return bool(self.results) and all(result.is_passed for result in self.results)


def run_tests(
    pack: core.Pack, wanted: Sequence[str], recorded: Mapping[str, Request], *, is_covered: bool = False
) -> Ran:  # fmt: skip
    """Run the cases whose names hold one of the ``wanted`` texts, all where there is none; see ``Runner``."""
    if not is_covered:
        runner = Runner(pack, program_of(pack), recorded)
        return Ran(pack, [runner.run(case) for case in cases(pack, wanted)], None)
    traced, coverage = TracedProgram(pack), Coverage(pack)
    runner = Runner(pack, traced, recorded)
    results = []
    for case in cases(pack, wanted):
        result = runner.run(case)
        results.append(result)
        if result.request is not None and result.decision is not None:
            coverage.note(traced, result.request, result.decision, traced.trace(result.request.environment))
    return Ran(pack, results, coverage)
