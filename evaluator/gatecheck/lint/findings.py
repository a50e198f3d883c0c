"""All static findings about a checked pack that are no errors, in the order of their places."""

from collections.abc import Callable, Iterable
from datetime import datetime

from gatecheck.lang import core
from gatecheck.lang.check import in_order
from gatecheck.lint.automatic import automatic
from gatecheck.lint.conditions import constant
from gatecheck.lint.gates import crashed, nameless, unasked
from gatecheck.lint.overrides import unreviewed
from gatecheck.lint.people import own_approval, twice
from gatecheck.lint.rollback import stopped
from gatecheck.lint.shadowed import shadowed
from gatecheck.lint.waivers import ended
from gatecheck.lint.windows import closed, overlapping
from gatecheck.text.diagnostic import Diagnostic

_Lint = Callable[[core.Pack], Iterable[Diagnostic]]

LINTS: tuple[_Lint, ...] = (
    constant, shadowed, own_approval, twice, automatic, overlapping, stopped, unreviewed, unasked, crashed, nameless,
)  # fmt: skip
LINTS_BY_TIME: tuple[Callable[[core.Pack, datetime], Iterable[Diagnostic]], ...] = (closed, ended)


def findings(pack: core.Pack, as_of: datetime) -> tuple[Diagnostic, ...]:
    """Return the warnings about a pack; ``as_of`` is the instant by which windows and waivers are over."""
    found = {d for lint in LINTS for d in lint(pack)}
    return in_order(found.union(*(lint(pack, as_of) for lint in LINTS_BY_TIME)))
