"""Three values: true, false, and undetermined, which carries the smallest set of actions that would determine it.

An undetermined value refuses to be used as a plain truth value, so that a forgotten case fails loudly and closed.
"""

from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from gatecheck.model.decision import Action


class Undetermined:
    """A truth or a value that nothing present decides."""

    __slots__ = ("actions",)

    def __init__(self, actions: tuple[Action, ...]) -> None:
        self.actions = actions

    def __bool__(self) -> NoReturn:
        raise TypeError("an undetermined value is neither true nor false")


Truth = bool | Undetermined


def both(*truths: Truth) -> Truth:
    """Conjunction: false if any is false, else undetermined if any is, naming all that is missing."""
    open_ones: list[Undetermined] = []
    for truth in truths:
        if truth is False:
            return False
        if truth is not True:
            open_ones.append(truth)
    if not open_ones:
        return True
    return open_ones[0] if len(open_ones) == 1 else Undetermined(union(t.actions for t in open_ones))


def either(*truths: Truth) -> Truth:
    """Disjunction: true if any is true, else undetermined if any is, naming the smallest set that would do."""
    least: Undetermined | None = None
    for truth in truths:
        if truth is True:
            return True
        if truth is not False and (least is None or len(truth.actions) < len(least.actions)):
            least = truth
    return False if least is None else least


def negate(truth: Truth) -> Truth:
    """Negation; what is undetermined stays so."""
    return truth if truth.__class__ is Undetermined else not truth


def union(sets: Iterable[tuple[Action, ...]]) -> tuple[Action, ...]:
    """Return the actions of all sets, each once, in order of first appearance."""
    return tuple(dict.fromkeys(action for actions in sets for action in actions))


def apply(test: Callable[[Any, Any], bool], left: Any, right: Any) -> Truth:
    """Compare two values of which either may be undetermined."""
    if left.__class__ is Undetermined:
        return both(left, right) if right.__class__ is Undetermined else left
    return right if right.__class__ is Undetermined else test(left, right)


def count_of(items: Iterable[Any], test: Callable[[Any], Truth]) -> int | Undetermined:
    """Count the items for which a test holds; undetermined if it is for any."""
    total, missing = 0, []
    for item in items:
        truth = test(item)
        if truth is True:
            total += 1
        elif truth is not False:
            missing.append(truth.actions)
    return Undetermined(union(missing)) if missing else total


def any_of(items: Iterable[Any], test: Callable[[Any], Truth]) -> Truth:
    """Tell whether a test holds for at least one item."""
    return either(*map(test, items))


def all_of(items: list[Any], test: Callable[[Any], Truth], empty: Undetermined) -> Truth:
    """Tell whether a test holds for every item; of nothing that says nothing, and ``empty`` is returned."""
    return both(*map(test, items)) if items else empty


# -- parts of evidence


def listed(value: Any) -> list[Any]:
    """Return a list as it is; ``TypeError`` for anything else."""
    if value.__class__ is not list:
        raise TypeError("this is no list")
    return value


def entry(fields: Any, name: str) -> Any:
    """Return one of the fields that a document declares itself; ``None`` where it has none."""
    return fields.get(name) if isinstance(fields, dict) else None
