"""The one vocabulary: every name a rule may use, read from the schemas that the documents themselves must obey.

A property's `x-type` gives its type in the language where JSON's own types say too little (`percent`, `severity`,
`path`). A property that is neither required nor has a default, or that may be null, is nullable. `x-minimum` and
`x-maximum` bound a percent, which is a text in JSON.
"""

import json
from decimal import Decimal
from functools import cache
from typing import Any

from gatecheck.assets import shipped
from gatecheck.lang.types import BOOL, INSTANT, INT, PERCENT, SCALARS, STRING, FieldType, Type, list_of

# Of the change, these are asked through other words: `risk` is decided by the pack, attributes by their own names.
_NOT_ASKED = {"risk", "attributes"}


@cache
def change_type() -> Type:
    """Return the record type of a change, without the pack's own attributes."""
    record = _record("change", _schema("change.schema.json"), {})
    return Type("change", fields=tuple(f for f in record.fields if f.name not in _NOT_ASKED))


@cache
def evidence_kinds() -> dict[str, Type]:
    """Return each evidence kind's record type by its name."""
    folder = shipped("schemas", "evidence")
    kinds = sorted(path.name.removesuffix(".schema.json") for path in folder.glob("*.schema.json"))
    return {kind: _record(kind, _schema("evidence", f"{kind}.schema.json"), {}) for kind in kinds}


def names_subject(kind: str) -> bool:
    """Tell whether documents of a shipped kind can say which artifact or commit they are about."""
    return bool(_schema("evidence", f"{kind}.schema.json").get("x-names-subject", True))


@cache
def _schema(*parts: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(shipped("schemas", *parts).read_text("utf-8"))
    return schema


def _record(name: str, schema: dict[str, Any], definitions: dict[str, Any]) -> Type:
    definitions = schema.get("$defs", definitions)
    required = set(schema.get("required", ()))
    fields = []
    for key, given in schema.get("properties", {}).items():
        spec = _resolved(given, definitions)
        if "additionalProperties" in spec and "properties" not in spec:
            continue  # an open mapping has no names to know; a gate declares those it needs
        nullable = (key not in required and "default" not in given and "default" not in spec) or _may_be_null(spec)
        type_ = _type(f"{name}.{key}", spec, definitions)
        bounds = (_bound(spec, "minimum", type_), _bound(spec, "maximum", type_))
        fields.append(FieldType(key, type_, nullable, spec.get("description", ""), *bounds))
    return Type(name, fields=tuple(fields))


def _bound(spec: dict[str, Any], word: str, type_: Type) -> Decimal | None:
    key = {INT: word, PERCENT: f"x-{word}"}.get(type_, "")
    return Decimal(str(spec[key])) if key in spec else None


def _resolved(spec: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in spec:
        rest = {k: v for k, v in spec.items() if k != "$ref"}
        file, _, name = spec["$ref"].rpartition("#/$defs/")
        spec = {**(_schema(file)["$defs"] if file else definitions)[name], **rest}
    return spec


def _may_be_null(spec: dict[str, Any]) -> bool:
    return "null" in spec.get("type", ()) if isinstance(spec.get("type"), list) else False


def _type(name: str, spec: dict[str, Any], definitions: dict[str, Any]) -> Type:
    stated = spec.get("x-type")
    if stated in SCALARS:
        return SCALARS[stated]
    members = tuple(m for m in spec.get("enum", ()) if isinstance(m, str))
    if members:
        return Type(name, members)
    kinds = spec.get("type")
    kind = next(k for k in kinds if k != "null") if isinstance(kinds, list) else str(kinds)
    if kind == "array":
        return list_of(_type(f"{name} item", _resolved(spec.get("items", {}), definitions), definitions))
    if kind == "object":
        return _record(name, spec, definitions)
    if kind == "string" and spec.get("format") == "date-time":
        return INSTANT
    return {"integer": INT, "boolean": BOOL, "string": STRING}[kind]
