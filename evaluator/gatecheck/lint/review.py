"""What the items of the review list look at: a pack as of an instant, which of its environments are dev and which are
production, and the verdict on one item.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Literal, NamedTuple

from gatecheck.lang import core
from gatecheck.lang.coverage import partial
from gatecheck.lint.people import asked
from gatecheck.text.source import Span

Verdict = Literal["ok", "attention", "does not apply"]


class Place(NamedTuple):
    """What a verdict is about, in a few words, and where it stands."""

    what: str
    span: Span


class Item(NamedTuple):
    """One item of the list: ``reason`` says in a sentence why the verdict is so, ``mend`` what to do about it."""

    code: str
    title: str
    verdict: Verdict
    reason: str
    places: tuple[Place, ...] = ()
    mend: str = ""


class Review:
    """A pack under review. Environments that come after no other are dev, those that no other comes after production.

    An environment that is both, alone on its way, is production. Names given for either are taken instead.
    """

    def __init__(
        self, pack: core.Pack, as_of: datetime, dev: Collection[str] = (), production: Collection[str] = ()
    ) -> None:
        self.pack = pack
        before = {earlier for environment in pack.environments for earlier in pack.environments[environment]}
        self.production = sorted(production or set(pack.environments) - before)
        first = {name for name, earlier in pack.environments.items() if not earlier}
        self.dev = sorted(dev or first - set(self.production))
        self.binding = sorted(
            (s for s in pack.statements if not s.advisory and not (s.effective_from and as_of < s.effective_from)),
            key=lambda s: (s.span, s.id),
        )

    def statements(self, environment: str, *kinds: str) -> list[core.Statement]:
        """Return what binds in an environment, of some kinds."""
        return [s for s in self.binding if environment in s.environments and s.kind in kinds]

    def environment(self, name: str) -> Place:
        return Place(name, self.pack.places[f"environment {name}"])

    def gates(self) -> list[core.Gate]:
        return [self.pack.gates[name] for name in sorted(self.pack.gates)]

    def gate(self, gate: core.Gate) -> Place:
        return Place(gate.name, self.pack.places[f"gate {gate.name}"])

    def ranks(self, change_type: str) -> range:
        """Return the ranks of the risk that a change of a type can have: it can always state a higher one."""
        held = [(case.rank, partial(case.condition, None, change_type)) for case in self.pack.cases]
        certain = [rank for rank, value in held if value]
        possible = [rank for rank, value in held if value is None]
        return range(max(certain) if certain else min([self.pack.otherwise, *possible]), len(self.pack.levels))

    def applying(self, environment: str, rank: int, change_type: str) -> list[core.Statement]:
        """Return the approvals, automatic ones among them, that apply to each change of a type at a risk."""
        return [s for s in self.statements(environment, "approve", "automatic") if applies(s, rank, change_type)]


def applies(s: core.Statement, rank: int, change_type: str | None) -> bool:
    """Tell whether a statement applies to each change of a type, or of any, at a risk."""
    return s.guard is None or partial(s.guard, rank, change_type) is True


def statements(found: Iterable[core.Statement]) -> tuple[Place, ...]:
    """Return the places of statements."""
    return tuple(Place(asked(s), s.span) for s in found)


def listed(names: Iterable[str]) -> str:
    """Return names as a sentence has them: `a, b and c`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
