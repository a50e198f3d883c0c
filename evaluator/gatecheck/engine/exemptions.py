"""What stands in for a statement that falls short: a waiver, which lets it off, or an override, which breaks the glass.

Both are looked at only where something falls short. A waiver makes no finding pass and gives no approval; an override
leaves all findings as they are, and its own approvals are counted as those of any statement.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from gatecheck.engine.evaluation import Evaluation
from gatecheck.engine.kleene import Truth
from gatecheck.model.decision import Finding, Override, Turn, Waiver
from gatecheck.model.instant import write_instant

if TYPE_CHECKING:
    from gatecheck.engine.program import Program


EXEMPTIONS = "/exemptions"  # stands in the place of an environment, whose name holds no slash
WAIVABLE = ("require", "forbid")


class Waives(NamedTuple):
    """A compiled waiver: the ids of the statements that it covers, and its condition, if it has one."""

    waiver: Waiver
    covers: frozenset[str]
    holds: Callable[[Evaluation], Truth] | None


class Breaks(NamedTuple):
    """A compiled override: how soon a review is due, and what gives its findings, ``None`` where it does not apply."""

    override: Override
    within: timedelta | None
    approve: Callable[[Evaluation], list[Finding] | None]


class Exemptions(NamedTuple):
    """The waivers of an environment, the one that ends last first, and its overrides by name."""

    waivers: Sequence[Waives]
    overrides: Sequence[Breaks]

    def waive(self, x: Evaluation) -> tuple[Waiver, ...]:
        """Mark the findings that waivers cover, and return those that were used."""
        short = {f.asked.id for f in x.findings if _is_waivable(f)}
        notes: dict[str, str] = {}
        used: list[Waiver] = []
        for waiver, covers, holds in self.waivers:
            ids = covers & short
            if not ids or x.now >= waiver.until or (holds is not None and holds(x) is not True):
                continue
            note = f"waived until {write_instant(waiver.until)} by {waiver.owner}: {waiver.because}"
            notes |= dict.fromkeys(ids, note)
            short -= ids
            used.append(replace(waiver, findings=tuple(sorted(ids))))
            x.turns.append(Turn(waiver.until, "waiver ends", ", ".join(waiver.targets)))
        if used:
            x.findings = [
                _waived(f, notes[f.asked.id]) if _is_waivable(f) and f.asked.id in notes else f for f in x.findings
            ]
        return tuple(used)

    def break_glass(self, x: Evaluation) -> tuple[Override | None, tuple[Override, ...]]:
        """Return the override that allows, or those that apply and lack approvals."""
        available: list[Override] = []
        for override, within, approve in self.overrides:
            findings = approve(x)
            if findings is None:
                continue
            made = replace(override, findings=tuple(findings))
            if findings and all(f.status == "passed" for f in findings):
                return (made if within is None else replace(made, due=x.now + within)), ()
            available.append(made)
        return None, tuple(available)


def _is_waivable(finding: Finding) -> bool:
    return finding.status in ("failed", "waiting") and finding.asked.kind in WAIVABLE


def _waived(finding: Finding, note: str) -> Finding:
    return replace(finding, status="waived", actions=(), note=note)


def exemptions(program: "Program", environment: str) -> Exemptions:
    """Return what a program holds of them for an environment."""
    names = {"Breaks": Breaks, "Override": Override, "Waiver": Waiver, "Waives": Waives}
    space = program.beside(EXEMPTIONS, environment, names)
    return Exemptions(space["waivers"], space["overrides"])
