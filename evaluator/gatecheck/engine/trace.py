"""See what a decision looked at: the truth of every condition, the values in it, and the items that it picked out.

A traced program is made by the same compiler, with lines added that look at each condition and change nothing; what
decides is the very same code, so that an explanation can't disagree with the decision. It is compiled anew each time,
since whoever explains needs the checked pack too, which no cache keeps.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from gatecheck.engine.approve import Ask, approve
from gatecheck.engine.compile import compile_pack
from gatecheck.engine.emit import Code, Emitter
from gatecheck.engine.evaluation import Evaluation
from gatecheck.engine.kleene import Truth, Undetermined
from gatecheck.engine.part import Part
from gatecheck.engine.program import Program
from gatecheck.engine.quorum import Filler
from gatecheck.lang import core
from gatecheck.lang.pack import load
from gatecheck.model.decision import Asked, Finding

_MALFORMED = (KeyError, TypeError, AttributeError, ValueError)
_MOST_PICKED = 100  # items kept of one list


class Seen(Struct):
    """What one expression came to.

    ``truth`` is its value as a condition, ``None`` where it was not looked at, or could not be: its evidence does not
    count. ``values`` are those of its operands, in the order of ``core.parts`` and without constants; the stay of a
    soak; of a window the instant at which it opens or closes, if ever. ``picked`` are the items of a list for which a
    `where` holds, ``items`` how many there are.
    """

    truth: Truth | None = None
    values: tuple[Any, ...] = ()
    picked: tuple[Any, ...] = ()
    items: int | None = None


class Quorum(Struct):
    """Who fills which slot of an `approve by`: an alternative, and for each of its slots the approval or ``None``.

    ``wanted`` are the groups that may fill each slot that is open, ``acting`` tells for whom a delegate fills one.
    ``free`` are, by group, its members who may approve; ``None`` where nobody says who they are.
    """

    alternative: int
    fillers: tuple[Filler | None, ...]
    wanted: tuple[tuple[str, ...], ...]
    acting: dict[str, str]
    free: dict[str, tuple[str, ...] | None]


class Trace:
    """What one evaluation saw, by the expressions of the pack that was compiled.

    ``quorums`` are those of the approvals that were asked for, by the id of the statement.
    """

    def __init__(
        self, pack: core.Pack, environment: str, seen: Mapping[int, Seen], quorums: Mapping[str, Quorum]
    ) -> None:
        self.pack = pack
        self.environment = environment
        self.quorums = quorums
        self._seen = seen

    def of(self, node: core.Core) -> Seen:
        """Return what an expression of the pack came to."""
        return self._seen.get(id(node), _UNSEEN)

    def statements(self) -> Iterator[core.Statement]:
        """Yield the statements of the environment, in the order of the files."""
        return (s for s in self.pack.statements if self.environment in s.environments)

    def applies(self, s: core.Statement) -> Truth:
        """Return whether a statement of the environment applies to the change, by its guard."""
        if s.guard is None:
            return True
        truth = self.of(s.guard).truth
        return False if truth is None else truth  # it is about another service, and was not even loaded

    def outcomes(self) -> list[tuple[str, bool | None]]:
        """Return each statement's id, and whether it applied; ``None`` where that is undetermined."""
        return [
            (s.id, None if (truth := self.applies(s)).__class__ is Undetermined else truth is True)
            for s in self.statements()
        ]


_UNSEEN = Seen()


class TracedProgram(Program):
    """A program that decides as any other, and keeps what it saw; ``trace`` is asked for that after each evaluation."""

    def __init__(self, pack: core.Pack) -> None:
        nodes: list[core.Core] = []
        compiled = compile_pack(pack, lambda *given: _TracedPart(nodes, *given))
        sources = compiled.parts

        def part(environment: str, service: str) -> Any:
            source = sources.get((environment, service))
            return None if source is None else compile(source, "<rules>", "exec")

        super().__init__(compiled.meta, part, {"look": self._look, "sift": self._sift, "approve": self._approve})
        self.pack = pack
        self._nodes = nodes
        self._seen: dict[int, Seen] = {}
        self._quorums: dict[str, Quorum] = {}

    def trace(self, environment: str) -> Trace:
        """Return what was seen since this was last asked: by the one evaluation since, in ``environment``."""
        seen, self._seen = self._seen, {}
        quorums, self._quorums = self._quorums, {}
        return Trace(self.pack, environment, seen, quorums)

    def _entry(self, number: int) -> Seen:
        return self._seen.setdefault(id(self._nodes[number]), Seen())

    def _look(self, number: int, truth: Callable[[], Any], values: Callable[[], tuple[Any, ...]]) -> None:
        entry = self._entry(number)
        try:
            entry.values = values()
            entry.truth = truth()
        except _MALFORMED:  # then its evidence does not count, which the decision says
            entry.truth = None

    def _sift(self, number: int, items: Callable[[], Any], test: Callable[[Any], Truth]) -> None:
        entry = self._entry(number)
        try:
            given = items()
            if given.__class__ is Undetermined:
                return
            entry.items = len(given)
            picked = (item for item in given if test(item) is True)
            entry.picked = tuple(item for item, _ in zip(picked, range(_MOST_PICKED), strict=False))
        except _MALFORMED:
            entry.picked = ()

    def _approve(self, x: Evaluation, asked: Asked, ask: Ask) -> Finding:
        x.places = []
        finding = approve(x, asked, ask)
        wanted = tuple(a.groups for a in finding.actions if a.kind == "approve")
        sizes = [sum(map(len, stages)) for stages in ask.alternatives]
        if not x.places and len(wanted) == min(sizes):  # nobody approved, so the shortest was asked for
            x.places.append((sizes.index(min(sizes)), (None,) * len(wanted)))
        for alternative, fillers in reversed(x.places):  # several, where it was asked what an escalation would change
            if fillers.count(None) == len(wanted) and tuple(f for f in fillers if f is not None) == finding.counted:
                groups = dict.fromkeys([*ask.groups, *(g for each in wanted for g in each)])
                free = {group: self._free(x, asked, ask, group) for group in groups}
                self._quorums[asked.id] = Quorum(alternative, fillers, wanted, dict(finding.acting), free)
                break
        return finding

    def _free(self, x: Evaluation, asked: Asked, ask: Ask, group: str) -> tuple[str, ...] | None:
        members = x.members(group)
        if members is None:
            return None
        barred: set[str] = set()
        if x.ballot is not None:
            barred.update(() if ask.including_author else x.ballot.interested)
            barred.update(x.ballot.excluded.get(asked.id, ()))
        return tuple(sorted(members.difference(barred)))


def traced_program(files: Mapping[str, bytes], where: str = "") -> TracedProgram:
    """Return the traced program of a pack given by its files; ``RulesError`` where it does not check.

    ``where`` is the folder's name, for messages.
    """
    pack, _, _ = load(files, where)
    return TracedProgram(pack)


class _TracedPart(Part):
    """A part whose emitters number the ``nodes`` that they look at."""

    def __init__(self, nodes: list[core.Core], *given: Any) -> None:
        super().__init__(*given)
        self.nodes = nodes

    def emitter(self, own: str = "") -> Emitter:
        return _TracedEmitter(self.nodes, self.module, self.pack, self.gates, own)


class _TracedEmitter(Emitter):
    """Emits what any emitter does, and beneath the values that are held the lines that look."""

    def __init__(self, nodes: list[core.Core], *given: Any) -> None:
        super().__init__(*given)
        self.nodes = nodes
        self.looked: set[tuple[str, int]] = set()

    def look(self, node: core.Core, how: str, line: Callable[[], str]) -> None:
        """Add a line that looks at an expression, unless there is one; it is known by its number among the nodes."""
        if (how, id(node)) not in self.looked:
            self.looked.add((how, id(node)))
            code = line()
            self.lines.append(f"{how}({len(self.nodes)}, {code})")
            self.nodes.append(node)

    def truth(self, node: core.Core) -> Code:
        code, sure = super().truth(node)
        self.look(node, "look", lambda: f"lambda: {code}, lambda: ({''.join(f'{v},' for v in self.operands(node))})")
        return code, sure

    def operands(self, node: core.Core) -> list[str]:
        """Return code for the values that a condition which is not made of others compares."""
        if isinstance(node, core.Soak):
            return [self.hold_code(f"x.stay({node.environment!r}, {self.soak_limit(node)})", "duration", node.text)]
        if isinstance(node, core.During):
            return [f"{self.window(node.window)}.state(now)[1]"]
        if isinstance(node, core.Compare | core.Contains | core.Matches):
            return [self.value(part)[0] for part in core.parts(node) if not isinstance(part, core.Const)]
        return []

    def quantified(self, node: core.Quantified) -> Code:
        self.look(node, "sift", lambda: f"lambda: {self.value(node.items)[0]}, lambda i: {self.where(node)[0]}")
        return super().quantified(node)
