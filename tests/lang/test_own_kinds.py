"""The type that a schema gives a pack's own kind of evidence: what has a name, its type, whether it may be absent."""

import json
from typing import Any

import pytest

from gatecheck.engine.compile import compile_pack
from gatecheck.lang.own import own_kind
from gatecheck.lang.pack import digests, examine, pack_digest
from gatecheck.text.diagnostic import render


def named(schema: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    """Every name in the record type of a schema, with its type and whether it may be absent; lists open up."""
    found: dict[str, tuple[str, bool]] = {}
    for f in own_kind("own", {"type": "object", **schema}).fields:
        inner = f.type.item
        if inner is not None and inner.fields:
            found |= {f"{f.name}[].{g.name}": (str(g.type), g.nullable) for g in inner.fields}
        shown = " ".join(f.type.members) if f.type.members and f.type.name != "severity" else str(f.type)
        found[f.name] = (shown, f.nullable)
    return found


@pytest.mark.parametrize(("spec", "expected"), [
    ({"type": "integer"}, ("int", False)),
    ({"type": "number"}, ("decimal", False)),
    ({"type": ["integer", "number"]}, ("decimal", False)),
    ({"type": "boolean"}, ("bool", False)),
    ({"type": "string"}, ("string", False)),
    ({"type": ["string", "null"]}, ("string", True)),
    ({"type": "string", "format": "date-time"}, ("instant", False)),
    ({"type": "string", "format": "date"}, ("date", False)),
    ({"type": "string", "format": "duration"}, ("string", False)),
    ({"type": "string", "enum": ["up", "down", "up"]}, ("up down", False)),
    ({"type": ["string", "null"], "enum": ["up", None]}, ("up", True)),
    ({"type": "string", "enum": ["all good", "bad"]}, ("string", False)),
    ({"type": "number", "x-type": "percent"}, ("percent", False)),
    ({"type": "string", "x-type": "percent"}, ("percent", False)),
    ({"type": "string", "x-type": "duration"}, ("duration", False)),
    ({"type": "string", "x-type": "severity"}, ("severity", False)),
    ({"type": "string", "x-type": "path"}, ("path", False)),
    ({"type": "string", "x-type": "person"}, ("person", False)),
    ({"type": "string", "x-type": "decimal"}, ("decimal", False)),
    ({"type": "array", "items": {"type": "string"}}, ("list of string", False)),
    ({"type": "array", "items": {"type": "number", "x-type": "percent"}}, ("list of percent", False)),
    ({"$ref": "#/$defs/count"}, ("int", False)),
    ({"$ref": "#/$defs/count", "type": ["integer", "null"]}, ("int", True)),
])  # fmt: skip
def test_a_property_has_the_type_that_its_schema_fixes(spec: dict[str, Any], expected: tuple[str, bool]) -> None:
    definitions = {"count": {"type": "integer"}}
    assert named({"required": ["x"], "properties": {"x": spec}, "$defs": definitions}) == {"x": expected}
    assert named({"properties": {"x": spec}, "$defs": definitions}) == {"x": (expected[0], True)}


@pytest.mark.parametrize("spec", [
    True, {}, {"type": ["string", "integer"]}, {"anyOf": [{"type": "string"}]}, {"const": 3}, {"enum": [1, 2]},
    {"type": "object"}, {"type": "object", "additionalProperties": {"type": "integer"}}, {"type": "array"},
    {"type": "array", "items": {"type": ["string", "null"]}}, {"type": "array", "items": {"type": "object"}},
    {"type": "array", "items": {"type": "array", "items": {"type": "string"}}},
    {"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "string"}}, {"type": "null"},
    {"$ref": "#/$defs/tree"},
])  # fmt: skip
def test_what_a_schema_leaves_open_has_no_name(spec: Any) -> None:
    tree = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}}
    assert named({"required": ["x"], "properties": {"x": spec}, "$defs": {"tree": tree}}) == {}


def test_objects_in_objects_have_dotted_names_which_are_absent_with_them() -> None:
    count = {"type": "integer"}
    times = {"type": "object", "required": ["p95"], "properties": {"p95": count, "p99": count}}
    row = {"type": "object", "required": ["at"], "properties": {"at": times, "two words": {"type": "string"}}}
    assert named({
        "required": ["sure", "rows"],
        "properties": {"sure": times, "maybe": times, "rows": {"type": "array", "items": row}, "a.b": count},
    }) == {
        "sure.p95": ("int", False), "sure.p99": ("int", True), "maybe.p95": ("int", True), "maybe.p99": ("int", True),
        "rows[].at.p95": ("int", False), "rows[].at.p99": ("int", True), "rows": ("list of records", False),
    }  # fmt: skip


def test_a_default_does_not_stand_in_for_what_is_missing() -> None:
    assert named({"properties": {"x": {"type": "integer", "default": 0}}}) == {"x": ("int", True)}


SCHEMA = json.dumps({"type": "object", "required": ["x"], "properties": {"x": {"type": "integer"}}}).encode()
RULES = b"""environment dev
evidence own from "below/own.schema.json"
gate size from own { pass when x < 10 }
gate again from own { pass when x < 20 }
gate unit from junit { pass when failures == 0 }
rule r for dev { require size, again, unit approve automatically }
"""


def test_schemas_belong_to_the_pack_and_to_what_names_it() -> None:
    files = {"a.gate": RULES, "below/own.schema.json": SCHEMA}
    pack, found, sources = examine(files)
    assert render(found, sources) == ""
    assert pack is not None
    assert [path for path, _ in pack.files] == ["a.gate", "below/own.schema.json"]
    assert pack.digest == pack_digest(digests(files)) != pack_digest(digests({"a.gate": RULES}))
    own = pack.kinds["own"]
    assert (own.path, own.schema, str(own.span)) == ("below/own.schema.json", SCHEMA.decode(), "a.gate:2:1")
    meta = compile_pack(pack).meta
    assert meta["kinds"] == {"size": ("own", own.schema), "again": ("own", own.schema)}


def test_schemas_are_not_read_as_rules() -> None:
    pack, found, _ = examine({"a.schema.json": b"not even JSON", "b.gate": b""})
    assert pack is None
    assert [(d.code, str(d.span)) for d in found] == [("GC212", "b.gate:1:1")]
