"""A document of a pack's own kind of evidence: judged by the pack's schema, then kept as far as rules can name it.

The schema decides whether the document counts at all; the readers of the language decide whether each value is what its
type promises. What has no name in the language stands in no record: the digest of the raw bytes names it.
"""

from decimal import Decimal
from typing import Any

from gatecheck.evidence.values import MAX_COUNT, Reading, instant, is_commit, is_digest, short
from gatecheck.lang.own import facts, own_kind
from gatecheck.lang.types import PERSON, SEVERITY, Type
from gatecheck.model.document import decode_text, parse_json
from gatecheck.model.explain import shown_value, subject_of
from gatecheck.model.foreign import Misfit, misfits
from gatecheck.model.identity import fold
from gatecheck.model.readers import READERS
from gatecheck.model.request import Subject
from gatecheck.model.yaml import Place
from gatecheck.text.diagnostic import Diagnostic, InputError
from gatecheck.text.source import Source

MAX_ITEMS = 100_000
MAX_TEXT = 10_000


class _MisfitError(ValueError):
    def __init__(self, place: Place, message: str, hint: str = "") -> None:
        self.misfit = Misfit(place, f"{subject_of(place)} {message}", hint)


def read_own(data: dict[str, Any], raw: bytes, name: str, kind: str, schema: str) -> Reading:
    """Read a document of ``kind`` by the text of its schema; ``raw`` is what ``data`` was parsed from.

    Raises ``InputError`` GC609 with the places that do not fit. Fields of nested objects get dotted names; numbers are
    integers or exact decimals.
    """
    rules = parse_json(schema, kind)
    found = misfits(rules, data)
    if not found:
        try:
            return _reading(data, own_kind(kind, rules), facts(rules))
        except _MisfitError as error:
            found = [error.misfit]
    raise _unfit(found, raw, name, kind)


def _reading(data: dict[str, Any], type_: Type, stated: dict[str, str]) -> Reading:
    fact = {name: data.get(key) for name, key in stated.items()}
    place = {name: (key,) for name, key in stated.items()}
    produced_at = instant(fact.get("produced_at"))
    if fact.get("produced_at") is not None and produced_at is None:
        hint = "write it as 2026-11-23T10:00:00Z"
        raise _MisfitError(place["produced_at"], "is not a date and time with an offset", hint)
    digest, commit = fact.get("digest"), fact.get("commit")
    if digest is not None and not is_digest(digest):
        raise _MisfitError(place["digest"], "is not a digest: `sha256:` and 64 lower-case hexadecimal digits")
    if commit is not None and not is_commit(commit):
        raise _MisfitError(place["commit"], "is not a full commit id of 40 or 64 hexadecimal digits")
    return Reading(
        _record(data, type_, ()),
        producer=short(fact.get("producer") or "", 200),
        produced_at=produced_at,
        subject=Subject(digest, commit.lower() if commit else None) if digest or commit else None,
    )


def _record(data: dict[str, Any], type_: Type, place: Place) -> dict[str, Any]:
    made = {}
    for field in type_.fields:
        way = tuple(field.name.split("."))
        value: Any = data
        for step in way:
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None:
            made[field.name] = _value(value, field.type, (*place, *way))
    return made


def _value(value: Any, type_: Type, place: Place) -> Any:
    if type_.item is not None:
        return _list(value, type_.item, place)
    if type_.fields:
        return _record(value, type_, place)
    if type_.is_enumeration and type_ != SEVERITY:
        is_one = value in type_.members
    else:
        is_one = READERS["string" if type_ == PERSON else type_.name](_whole(value)) is not None
    if not is_one:
        known = f": it is one of {', '.join(type_.members)}" if type_.is_enumeration else ""
        raise _MisfitError(place, f"is no {type_.name}{known}; found {shown_value(value)}")
    if isinstance(value, str) and len(value) > MAX_TEXT:
        raise _MisfitError(place, f"is longer than {MAX_TEXT:,} characters")
    if type_ == PERSON:
        return fold(value)
    return _number(value, type_, place) if value.__class__ in (int, Decimal) else value


def _list(value: Any, item: Type, place: Place) -> list[Any]:
    if not isinstance(value, list):
        raise _MisfitError(place, f"must be a list; found {shown_value(value)}")
    if len(value) > MAX_ITEMS:
        raise _MisfitError(place, f"has {len(value):,} items; at most {MAX_ITEMS:,} are read")
    return [_value(each, item, (*place, number)) for number, each in enumerate(value)]


def _whole(value: Any) -> Any:
    """Return `2.0` as the whole number that it is to JSON Schema."""
    return int(value) if value.__class__ is Decimal and value == value.to_integral_value() else value


def _number(value: int | Decimal, type_: Type, place: Place) -> int | Decimal:
    """Return a number as records hold it: whole where they can, else exact digits."""
    if type_.name == "int":
        if not -MAX_COUNT <= value <= MAX_COUNT:
            raise _MisfitError(place, "is a whole number beyond 2^53 - 1")
        return int(value)
    return value if value.__class__ is int and -MAX_COUNT <= value <= MAX_COUNT else Decimal(value)


def _unfit(found: list[Misfit], raw: bytes, name: str, kind: str) -> InputError:
    from gatecheck.model.locate import locate

    text = decode_text(raw, name)
    places = locate(text, name)
    shown = []
    for misfit in found:
        spans = places.keys if misfit.at_key else places.values
        span = next((s for end in range(len(misfit.place), -1, -1) if (s := spans.get(misfit.place[:end]))), None)
        message = f"is not evidence of the kind `{kind}`: {misfit.message}"
        shown.append(Diagnostic("GC609", message, span, hint=misfit.hint, file=name))
    return InputError(*shown, sources={name: Source(name, text)})
