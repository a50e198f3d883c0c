"""Three values: true, false, and undetermined, which carries the smallest set of actions that would determine it.

An undetermined value refuses to be used as a plain truth value, so that a forgotten case fails loudly and closed.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

from gatecheck.model.decision import Action

SEVERITY: Final = {"none": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}


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


# -- values as evidence holds them, to values that compare


def percent(value: Any) -> Decimal | None:
    """Read a percent: `"85.3%"`, or a ratio as a number or its text; ``None`` if it is none of these."""
    if isinstance(value, str) and value.endswith("%"):
        ratio = decimal(value[:-1])
        return None if ratio is None else ratio / 100
    return decimal(value)


def decimal(value: Any) -> Decimal | None:
    """Read an exact number, written plainly; ``None`` for anything else, and for one of more than 400 places."""
    if value.__class__ is int or value.__class__ is Decimal:
        return Decimal(value)
    if value.__class__ is str and not value.strip("0123456789.-+eE"):
        try:
            made = Decimal(value)
        except InvalidOperation:
            return None
        return made if -400 < made.adjusted() < 400 and len(value) < 400 else None
    return None


def duration(value: Any) -> timedelta | None:
    """Read a duration written as in rules (`1h30m`, `300ms`); ``None`` for anything else."""
    import re

    units = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
    if not isinstance(value, str) or not re.fullmatch(r"([0-9]{1,9}(ms|[wdhms]))+", value, re.ASCII):
        return None
    total = sum(int(n) * units[u] for n, u in re.findall(r"([0-9]+)(ms|[wdhms])", value))
    return timedelta(milliseconds=total) if total < 10**14 else None


def instant(value: Any) -> datetime | None:
    """Read an instant in UTC; ``None`` for anything that is not one with an offset."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    from gatecheck.model.instant import is_instant

    return datetime.fromisoformat(value).astimezone(UTC) if isinstance(value, str) and is_instant(value) else None


def date(value: Any) -> str | None:
    """Read a calendar day as ISO text; ``None`` for anything else."""
    try:
        made = datetime.strptime(value, "%Y-%m-%d")  # noqa: DTZ007  # a calendar day has no zone
    except (TypeError, ValueError):
        return None
    return value if made.strftime("%Y-%m-%d") == value else None


def whole(value: Any) -> int | None:
    """Read a whole number; ``None`` for anything else, booleans included."""
    return value if value.__class__ is int else None


def flag(value: Any) -> bool | None:
    """Read true or false; ``None`` for anything else."""
    return value if value.__class__ is bool else None


def text(value: Any) -> str | None:
    """Read text; ``None`` for anything else."""
    return value if value.__class__ is str else None


def texts(value: Any) -> list[str] | None:
    """Read a list of texts; ``None`` for anything else."""
    return value if value.__class__ is list and all(item.__class__ is str for item in value) else None


def rows(value: Any) -> list[dict[str, Any]] | None:
    """Read a list of records; ``None`` for anything else."""
    return value if value.__class__ is list and all(item.__class__ is dict for item in value) else None


def listed(value: Any) -> list[Any]:
    """Return a list as it is; ``TypeError`` for anything else."""
    if value.__class__ is not list:
        raise TypeError("this is no list")
    return value


def entry(fields: Any, name: str) -> Any:
    """Return one of the fields that a document declares itself; ``None`` where it has none."""
    return fields.get(name) if isinstance(fields, dict) else None


def severity(value: Any) -> int | None:
    """Read a severity as its rank; ``None`` for anything else."""
    return SEVERITY.get(value) if isinstance(value, str) else None


READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "percent": percent,
    "decimal": decimal,
    "duration": duration,
    "instant": instant,
    "date": date,
    "int": whole,
    "bool": flag,
    "string": text,
    "path": text,
    "severity": severity,
}
