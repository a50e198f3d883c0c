"""Values as tests write them, to values as documents and evidence hold them; and what stands where none is written.

A value that nobody gave is neutral: 0, false, an empty text or list, the first symbol, and unmeasured where the kind of
evidence allows that. Neutral says as little as can be said, so that a test shows all that its outcome rests on.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from gatecheck.lang import ast, core, scenario, vocabulary
from gatecheck.lang.types import DATE, DURATION, INSTANT, INT, UNKNOWN, Type
from gatecheck.model.instant import write_instant

_EPOCH = "1970-01-01"
_NEUTRAL: dict[str, Any] = {
    "bool": False, "int": 0, "decimal": "0", "percent": "0", "duration": "0ms", "date": _EPOCH,
    "instant": f"{_EPOCH}T00:00:00Z",
}  # fmt: skip


def plain(value: scenario.Value, type_: Type = UNKNOWN) -> Any:
    """Return a written value as evidence holds it; fields of ``type_`` that a record leaves out become neutral."""
    match value:
        case ast.Literal():
            return written(value.value)
        case ast.Reference():
            return ".".join(value.parts)
        case scenario.Values():
            item = type_.item or UNKNOWN
            return [plain(each, item) for each in value.items]
        case scenario.Fields():
            pairs = scenario.pairs_of(value, [f.name for f in type_.fields])
            return record(type_, {pair.key: plain(pair.value, of_field(type_, pair.key)) for pair in pairs})


def written(value: ast.LiteralValue) -> Any:
    """Return a value of the language in the form of a document, which ``model.readers`` take."""
    if isinstance(value, timedelta):
        milliseconds = value // timedelta(milliseconds=1)
        whole, rest = divmod(milliseconds, 1000)
        return f"{milliseconds}ms" if milliseconds < 10**9 else f"{whole}s{rest}ms"
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return write_instant(value) if isinstance(value, datetime) else value


def of_field(record_type: Type, name: str) -> Type:
    """Return the type of a record's field, or ``UNKNOWN``."""
    field = record_type.field(name)
    return UNKNOWN if field is None else field.type


def record(type_: Type, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with what is given, and neutral values for its other fields."""
    made = {f.name: None if f.nullable else neutral(f.type) for f in type_.fields}
    return {**made, **given}


def neutral(type_: Type) -> Any:
    """Return the value of a type that says least."""
    if type_.members:
        return type_.members[0]
    if type_.item is not None:
        return []
    return record(type_, {}) if type_.fields else _NEUTRAL.get(type_.name, "")


def kind_of(pack: core.Pack, gate: core.Gate) -> Type:
    """Return the record type of a gate's evidence."""
    own = pack.kinds.get(gate.kind)
    return vocabulary.evidence_kinds()[gate.kind] if own is None else own.type


def constant(value: Any, type_: Type) -> Any:
    """Return a constant of a checked condition in the form of a document; ordered symbols are ranks there."""
    return type_.members[value] if type_.ordered and type_.members else written(value)


def neighbours(value: Any, type_: Type) -> list[Any]:
    """Return a constant of a checked condition with the values next to it, in rising order, as constants."""
    if type_.members or isinstance(value, bool):
        return [value]
    if type_ == DURATION:
        step: Any = timedelta(seconds=1)
        return [v for v in (value - step, value, value + step) if v >= timedelta(0)]
    if type_ == INSTANT:
        return [value - timedelta(seconds=1), value, value + timedelta(seconds=1)]
    if type_ == DATE:
        day = datetime.fromisoformat(value)
        return [(day + timedelta(days=n)).date().isoformat() for n in (-1, 0, 1)]
    if isinstance(value, int | Decimal):
        step = 1 if type_ == INT else Decimal("0.01")
        return [v for v in (value - step, value, value + step) if v >= 0 or value < 0]
    return [value]
