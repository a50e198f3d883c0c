"""Judge documents by a JSON Schema that somebody else wrote: draft 2020-12, whole in itself, nothing fetched.

Numbers are exact here, as ``model.document`` reads them: `2.0` is a whole number, and `multipleOf` never rounds.
Judging ends soon whatever the document says: a schema is finite with its references written out, patterns are followed
in one pass, and so are the items of a list that must be unique.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, DecimalException
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from gatecheck.model.explain import Refusal, shown_value, subject_of, value_problem
from gatecheck.model.pattern import PatternError, pattern
from gatecheck.model.yaml import Place
from gatecheck.text.nearest import did_you_mean

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

DRAFT = "https://json-schema.org/draft/2020-12/schema"
MAX_SIZE = 10_000
_MOST = 20
_REFERRED = re.compile(r"[A-Za-z0-9_.-]+")  # what no reader of references decodes to anything else
_UNBOUNDED = ("unevaluatedItems", "unevaluatedProperties")
_VALUES = ("const", "enum", "default", "examples")  # what stands below is data, not schema
_NAMED = ("properties", "$defs", "patternProperties", "dependentSchemas", "definitions")  # keys below are names


class Misfit(NamedTuple):
    """Where a document does not fit, why, and the mend; ``at_key`` says that the place is the key itself."""

    place: Place
    message: str
    hint: str = ""
    at_key: bool = False


@cache
def _class() -> "type[Draft202012Validator]":
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    def number(_: Any, value: Any) -> bool:
        return value.__class__ in (int, Decimal)

    def integer(_: Any, value: Any) -> bool:
        return value.__class__ is int or (value.__class__ is Decimal and value == value.to_integral_value())

    checker = Draft202012Validator.TYPE_CHECKER.redefine_many({"number": number, "integer": integer})
    made: type[Draft202012Validator] = extend(  # type: ignore[no-untyped-call]
        Draft202012Validator, validators=_RULES, type_checker=checker
    )
    return made


def schema_problem(schema: Any) -> str:
    """Return why data is no schema that documents can be judged by, or an empty text."""
    from jsonschema import SchemaError

    if not isinstance(schema, dict):
        return "it is not a mapping"
    if schema.get("$schema", DRAFT) not in (DRAFT, f"{DRAFT}#"):
        return f"its draft is {shown_value(schema['$schema'])}, and draft 2020-12 is read"
    if not isinstance(schema.get("$defs", {}), dict):
        return "`$defs` is not a mapping"
    try:
        problem = next(_problems(schema), "") or _spread_problem(schema)
        if problem:
            return problem
        _class().check_schema(schema)
        next(_validator(schema).iter_errors({}), None)
    except SchemaError as error:
        where = subject_of(tuple(error.absolute_path))
        return f"{where} is {shown_value(error.instance)}, which does not fit draft 2020-12"
    except RecursionError:
        return "its nesting is too deep"
    return ""


def misfits(schema: dict[str, Any], data: Any) -> list[Misfit]:
    """Return where data does not fit a schema that ``schema_problem`` finds usable: the first few places."""
    try:
        return [_misfit(error) for error in islice(_validator(schema).iter_errors(data), _MOST)]
    except (RecursionError, DecimalException):
        return [Misfit((), "the document is beyond judging: its nesting or its numbers are too large")]


def _validator(schema: dict[str, Any]) -> "Draft202012Validator":
    from referencing import Registry

    return _class()(schema, registry=Registry())


def _problems(schema: dict[str, Any]) -> Iterator[str]:
    """Yield what single mappings in a schema say that can't be judged by."""
    for place, below in schemas_in((), schema):
        for word in ("$ref", "$dynamicRef", "$id", "$schema"):
            if word in below and (place or word[1:] not in ("id", "schema")):
                yield from _reference_problem(dotted((*place, word)), word, below[word], schema.get("$defs", {}))
        for word in _UNBOUNDED:
            if word in below:
                yield f"`{dotted((*place, word))}` can't be judged in bounded time"
        named = below.get("patternProperties")
        yield from _pattern_problems(place, [below.get("pattern")])
        yield from _pattern_problems((*place, "patternProperties"), named if isinstance(named, dict) else ())


def _reference_problem(where: str, word: str, target: Any, definitions: Mapping[str, Any]) -> Iterator[str]:
    start, _, name = str(target).partition("#/$defs/")
    if word == "$schema":
        yield f"`{where}` can't stand below the top"
    elif word != "$ref" or start or name not in definitions:
        yield f"`{where}` is {shown_value(target)}; references lead to `#/$defs/…` of the same file only"
    elif not _REFERRED.fullmatch(name):
        yield f"`{where}` is {shown_value(target)}; the names of definitions are letters, digits, `_`, `-` and `.`"


def _pattern_problems(place: Place, sources: Any) -> Iterator[str]:
    for source in sources:
        try:
            if isinstance(source, str):
                pattern(source)
        except re.error:  # the draft itself refuses it, with its place
            continue
        except (PatternError, OverflowError) as error:
            why = error if isinstance(error, PatternError) else "its counts are too large"
            yield f"the pattern {shown_value(source)} at {subject_of(place)} can't be followed: {why}"


def _spread_problem(schema: dict[str, Any]) -> str:
    """Return whether references lead back to where they stand, or make a schema endless for all that matters."""
    definitions = schema.get("$defs", {})
    sizes: dict[str, int] = {}

    def size(node: Any, above: tuple[str, ...]) -> int:
        total = 0
        for _, below in schemas_in((), node):
            total += 1
            if "$ref" in below:
                name = below["$ref"].removeprefix("#/$defs/")
                if name in above:
                    raise _CircleError(name)
                if name not in sizes:
                    sizes[name] = size(definitions[name], (*above, name))
                total += sizes[name]
        return total

    try:
        for name in sorted(definitions):
            size(definitions[name], (name,))
        whole = size({key: below for key, below in schema.items() if key != "$defs"}, ())
    except _CircleError as error:
        return f"the definition `{error}` leads to itself"
    return f"it says more than {MAX_SIZE:,} things, with its references written out" if whole > MAX_SIZE else ""


class _CircleError(ValueError):
    """A definition, named by the message, that reaches itself."""


def _matches(validator: Any, source: str, found: Any, _: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if validator.is_type(found, "string") and not pattern(source).found_in(found):
        yield ValidationError("no match")


def _matching(validator: Any, patterns: dict[str, Any], found: Any, _: Any) -> Iterator[Any]:
    if validator.is_type(found, "object"):
        for source, below in patterns.items():
            for key, value in found.items():
                if pattern(source).found_in(key):
                    yield from validator.descend(value, below, path=key, schema_path=source)


def _additional(validator: Any, bound: Any, found: Any, schema: dict[str, Any]) -> Iterator[Any]:
    from jsonschema import ValidationError

    if validator.is_type(found, "object"):
        for key in _others(found, schema):
            if bound is False:
                yield ValidationError("additional")
                return
            yield from validator.descend(found[key], bound, path=key)


def _others(found: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    """Yield the keys that a schema names neither by themselves nor by a pattern."""
    known, patterns = schema.get("properties", ()), schema.get("patternProperties", ())
    return (key for key in found if key not in known and not any(pattern(p).found_in(key) for p in patterns))


def _unique(validator: Any, bound: Any, found: Any, _: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if bound and validator.is_type(found, "array") and len({_written(item) for item in found}) < len(found):
        yield ValidationError("not unique")


def _written(value: Any) -> str:
    """Return a text that equal values share, and no others: `1` is `1.0`, and is not `true`."""
    if isinstance(value, dict):
        return "{" + ",".join(sorted(f"{key!r}:{_written(below)}" for key, below in value.items())) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    if value.__class__ not in (int, Decimal):
        return repr(value)
    sign, digits, exponent = Decimal(value).as_tuple()
    written = "".join(map(str, digits))
    short = written.rstrip("0")
    return f"{'-' * sign}{short}e{int(exponent) + len(written) - len(short)}" if short else "0"


_RULES = {
    "pattern": _matches, "patternProperties": _matching, "additionalProperties": _additional, "uniqueItems": _unique,
}  # fmt: skip


def dotted(place: Place) -> str:
    """Return a place in a schema as messages name it."""
    return ".".join(map(str, place))


def schemas_in(place: Place, node: Any) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Yield every mapping in a schema that is one itself."""
    if isinstance(node, list):
        for number, item in enumerate(node):
            yield from schemas_in((*place, number), item)
    elif isinstance(node, dict):
        yield place, node
        for key, below in node.items():
            if key in _NAMED and isinstance(below, dict):
                for name, item in below.items():
                    yield from schemas_in((*place, key, name), item)
            elif key not in _VALUES:
                yield from schemas_in((*place, key), below)


def _misfit(error: Any) -> Misfit:
    place: Place = tuple(error.absolute_path)
    rule, bound, found = error.validator, error.validator_value, error.instance
    if rule == "required":
        absent = next(key for key in bound if key not in found)
        return Misfit(place, f"{subject_of(place)} needs the key `{absent}`")
    if rule == "additionalProperties" and bound is False:
        known = [*error.schema.get("properties", ())]
        key = next(_others(found, error.schema))
        message = f"{subject_of(place)} has no key {shown_value(key)}"
        return Misfit((*place, key), message, did_you_mean(key, known), at_key=True)
    if (
        rule in ("minimum", "maximum", "maxLength")
        or (rule == "type" and bound not in ("null", ["null"]))
        or (rule == "enum" and all(isinstance(value, str | None) for value in bound))
    ):
        return Misfit(place, *value_problem(Refusal(place, rule, bound, found, {}, is_key=False))[1:])
    bound = str(bound).lower() if isinstance(bound, bool) else bound
    asked = f"`{rule}: {bound}`" if isinstance(bound, str | int | Decimal) else f"`{rule or 'false'}`"
    return Misfit(place, f"{subject_of(place)} does not satisfy {asked}; found {shown_value(found)}")
