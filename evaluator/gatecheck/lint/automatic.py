"""Approvals where nobody is to be asked (GC310): `approve automatically` stands beside an `approve by` that holds, too.

Both are asked then, so the first says nothing. Reported where the `approve automatically` has no `when`, and where both
hold at some risk whatever else is so.
"""

from collections.abc import Iterator

from gatecheck.lang import core
from gatecheck.lang.coverage import partial
from gatecheck.lint.people import asked
from gatecheck.text.diagnostic import Diagnostic


def automatic(pack: core.Pack) -> Iterator[Diagnostic]:
    """Warn of each `approve by` that asks somebody where an `approve automatically` says that nobody is asked."""
    binding = sorted((s for s in pack.statements if not s.advisory), key=lambda s: s.span)
    freely = [s for s in binding if s.kind == "automatic"]
    for s in binding:
        if s.kind != "approve":
            continue
        for other in freely:
            both = sorted(set(s.environments) & set(other.environments))
            if both and (other.guard is None or _meet(pack, s.guard, other.guard)):
                message = (
                    f"`{asked(s)}` asks somebody in {', '.join(both)}, and `{other.rule}` says that nobody is asked"
                )
                hint = "drop one of them, or give each a `when`, so that they never hold together"
                yield Diagnostic("GC310", message, s.span, f"see {other.span}", hint, "warning")
                break


def _meet(pack: core.Pack, one: core.Core | None, other: core.Core | None) -> bool:
    """Tell whether both guards hold at some risk, whatever else is so."""
    ranks = range(len(pack.levels))
    return any(all(g is None or partial(g, rank, None) is True for g in (one, other)) for rank in ranks)
