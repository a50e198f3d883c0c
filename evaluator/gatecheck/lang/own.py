"""The type of a pack's own kind of evidence, from its JSON Schema; the checker and the reader of documents share it.

Named is what the schema itself fixes: properties with one type, lists of one type, and the fields of nested objects
under dotted names (`latency.p95`). What it leaves open (`anyOf`, mixed types, open mappings) has no name and no rule
can ask about it. A property that is not required, or may be null, is nullable; a `default` is not filled in, since a
fact that is missing must stay missing.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from gatecheck.lang.types import BOOL, DECIMAL, INT, PERCENT, SCALARS, STRING, FieldType, Type, list_of
from gatecheck.model.explain import shown_value
from gatecheck.model.foreign import dotted, schemas_in
from gatecheck.model.yaml import Place

FACTS = ("commit", "digest", "produced_at", "producer")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(-[A-Za-z0-9_]+)*")
_BY_JSON = {"boolean": BOOL, "integer": INT, "number": DECIMAL, "string": STRING}
_BY_FORMAT = {"date-time": SCALARS["instant"], "date": SCALARS["date"]}
_STATED = {  # what `x-type` may say, and the types that JSON then has
    "bool": {"boolean"}, "int": {"integer"}, "decimal": {"integer", "number", "string"},
    "percent": {"integer", "number", "string"}, "duration": {"string"}, "date": {"string"}, "instant": {"string"},
    "string": {"string"}, "path": {"string"}, "person": {"string"}, "severity": {"string"}, "symbol": {"string"},
}  # fmt: skip


class UnusableError(ValueError):
    """A schema that says something about types that can't be; the message says where and what."""


def own_kind(name: str, schema: dict[str, Any]) -> Type:
    """Return the record type of a kind, as far as its schema fixes one; ``UnusableError`` where `x-type` can't be."""
    return Type(name, fields=tuple(_fields(name, schema, schema.get("$defs", {}), ())))


def facts(schema: dict[str, Any]) -> dict[str, str]:
    """Return by fact (`produced_at`, …) the property in which documents state it, as `x-fact` says."""
    found: dict[str, str] = {}
    definitions = schema.get("$defs", {})
    stating: set[Place] = set()
    for key, given in schema.get("properties", {}).items():
        chain = _chain(("properties", key), given, definitions)
        stating.update(chain)
        stated = [node["x-fact"] for node in chain.values() if "x-fact" in node]
        if not stated:
            continue
        fact, spec = stated[0], _followed(given, definitions, ())[0]
        for each in stated:
            if each not in FACTS:
                raise UnusableError(f"`x-fact` of `{key}` is {shown_value(each)}; it is one of {', '.join(FACTS)}")
            if each != fact:
                raise UnusableError(f"`{key}` states two facts, `{fact}` and `{each}`")
        if fact in found:
            raise UnusableError(f"`{found[fact]}` and `{key}` both state the fact `{fact}`")
        if spec is None or _json_types(spec) != {"string"}:
            raise UnusableError(f"`{key}` states the fact `{fact}`, and is not a string")
        found[fact] = key
    _refuse_elsewhere(schema, stating)
    return found


def _refuse_elsewhere(schema: dict[str, Any], stating: set[Place]) -> None:
    """Raise where `x-fact` stands, or a reference leads to one, that no property at the top of documents means."""
    for place, node in schemas_in((), schema):
        chain = () if place in stating else _chain(place, node, schema.get("$defs", {})).values()
        if any("x-fact" in each for each in chain):
            where = f"`{dotted(place)}`" if place else "the top"
            message = f"`x-fact` at {where} says nothing there: it belongs to a property at the top of documents"
            raise UnusableError(message)


def _chain(place: Place, given: Any, definitions: dict[str, Any]) -> dict[Place, dict[str, Any]]:
    """Return a schema and the definitions that its references lead to, by place."""
    found: dict[Place, dict[str, Any]] = {}
    while isinstance(given, dict) and place not in found:
        found[place] = given
        if "$ref" not in given:
            break
        name = given["$ref"].removeprefix("#/$defs/")
        place, given = ("$defs", name), definitions.get(name)
    return found


def _fields(
    name: str, schema: dict[str, Any], definitions: dict[str, Any], above: tuple[str, ...],
    prefix: str = "", nullable: bool = False,
) -> Iterator[FieldType]:  # fmt: skip
    required = schema.get("required", ())
    for key, given in schema.get("properties", {}).items():
        spec, passed = _followed(given, definitions, above)
        if spec is None or not _NAME.fullmatch(key):
            continue
        at = f"{name}.{prefix}{key}"
        absent = nullable or key not in required or _may_be_null(spec)
        if _json_types(spec) == {"object"} and "x-type" not in spec:
            yield from _fields(name, spec, definitions, passed, f"{prefix}{key}.", absent)
        elif (type_ := _type(at, spec, definitions, passed)) is not None:
            doc = spec.get("description", "")
            yield FieldType(f"{prefix}{key}", type_, absent, doc, *(_bound(spec, w, type_) for w in ("min", "max")))


def _followed(
    given: Any, definitions: dict[str, Any], above: tuple[str, ...]
) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """Return a schema with its references followed, and their names; ``None`` for one that says nothing or recurs."""
    while isinstance(given, dict) and "$ref" in given:
        rest = {key: value for key, value in given.items() if key != "$ref"}
        name = given["$ref"].removeprefix("#/$defs/")
        target = definitions.get(name)
        if name in above or not isinstance(target, dict):
            return None, above
        given, above = {**target, **rest}, (*above, name)
    return (given, above) if isinstance(given, dict) else (None, above)


def _json_types(spec: dict[str, Any]) -> set[str]:
    """Return the types of JSON that a value may have, null aside; nothing where that is open."""
    stated = spec.get("type")
    return ({stated} if isinstance(stated, str) else set(stated or ())) - {"null"}


def _may_be_null(spec: dict[str, Any]) -> bool:
    stated = spec.get("type")
    return stated is None or "null" in ([stated] if isinstance(stated, str) else stated)


def _type(at: str, spec: dict[str, Any], definitions: dict[str, Any], above: tuple[str, ...]) -> Type | None:
    """Return the type of a value other than an object's, or ``None`` where the schema leaves it open."""
    if _json_types(spec) == {"array"} and "x-type" not in spec:
        return _list(at, spec, definitions, above)
    return _scalar(at, spec)


def _list(at: str, spec: dict[str, Any], definitions: dict[str, Any], above: tuple[str, ...]) -> Type | None:
    item, passed = _followed(spec.get("items"), definitions, above)
    if item is None or "prefixItems" in spec or _may_be_null(item):
        return None
    if _json_types(item) == {"object"}:
        fields = tuple(_fields(f"{at} item", item, definitions, passed))
        return list_of(Type(f"{at} item", fields=fields)) if fields else None
    type_ = _scalar(f"{at} item", item)
    return None if type_ is None else list_of(type_)


def _scalar(at: str, spec: dict[str, Any]) -> Type | None:
    stated, kinds = spec.get("x-type"), _json_types(spec)
    values = [value for value in spec.get("enum", ()) if value is not None]
    texts = [value for value in values if isinstance(value, str)]
    is_symbol = bool(texts) and len(texts) == len(values) and all(_NAME.fullmatch(text) for text in texts)
    if "x-type" in spec:
        if not isinstance(stated, str) or stated not in _STATED:
            raise UnusableError(
                f"`x-type` of `{at}` is {shown_value(stated)}; it is one of {', '.join(sorted(_STATED))}"
            )
        if not kinds or not kinds <= _STATED[stated]:
            wanted = " or ".join(sorted(_STATED[stated]))
            raise UnusableError(f"`{at}` has the `x-type` {stated}, so its `type` must be {wanted}")
        if stated != "symbol":
            return SCALARS[stated]
        if not is_symbol:
            raise UnusableError(f"`{at}` has the `x-type` symbol, and needs an `enum` of names")
    if kinds == {"string"} and is_symbol:
        return Type(at, tuple(dict.fromkeys(texts)))
    if kinds == {"string"}:
        return _BY_FORMAT.get(spec.get("format", ""), STRING)
    if kinds == {"integer", "number"}:
        return DECIMAL
    return _BY_JSON.get(min(kinds)) if len(kinds) == 1 else None


def _bound(spec: dict[str, Any], word: str, type_: Type) -> Decimal | None:
    is_number = type_ in (INT, DECIMAL, PERCENT) and _json_types(spec) <= {"integer", "number"}
    value = spec.get(f"{word}imum" if is_number else f"x-{word}imum")
    return Decimal(value) if value.__class__ in (int, Decimal) else None
