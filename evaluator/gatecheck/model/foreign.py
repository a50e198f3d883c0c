"""Judge documents by a JSON Schema that somebody else wrote: draft 2020-12, whole in itself, nothing fetched.

Numbers are exact here, as ``model.document`` reads them: `2.0` is a whole number, and `multipleOf` never rounds.
"""

from collections.abc import Iterator
from decimal import Decimal, DecimalException
from functools import cache
from itertools import islice
from re import search
from typing import TYPE_CHECKING, Any, NamedTuple

from gatecheck.model.explain import Refusal, shown_value, subject_of, value_problem
from gatecheck.model.yaml import Place
from gatecheck.text.nearest import did_you_mean

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_MOST = 20
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
        Draft202012Validator, type_checker=checker
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
    for place, below in _schemas((), schema):
        for word in ("$ref", "$dynamicRef", "$id"):
            if word in below and not (word == "$id" and not place) and not _is_local(word, below[word], schema):
                where = ".".join(map(str, (*place, word)))
                return f"`{where}` is {shown_value(below[word])}; references lead to `#/$defs/…` of the same file only"
    try:
        _class().check_schema(schema)
        next(_validator(schema).iter_errors({}), None)
    except SchemaError as error:
        where = subject_of(tuple(error.absolute_path))
        return f"{where} is {shown_value(error.instance)}, which does not fit draft 2020-12"
    except RecursionError:
        return "a reference in it leads to itself"
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


def _is_local(word: str, target: Any, schema: dict[str, Any]) -> bool:
    start, _, name = str(target).partition("#/$defs/")
    return word == "$ref" and not start and name in schema.get("$defs", {})


def _schemas(place: Place, node: Any) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Yield every mapping in a schema that is one itself."""
    if isinstance(node, list):
        for number, item in enumerate(node):
            yield from _schemas((*place, number), item)
    elif isinstance(node, dict):
        yield place, node
        for key, below in node.items():
            if key in _NAMED and isinstance(below, dict):
                for name, item in below.items():
                    yield from _schemas((*place, key, name), item)
            elif key not in _VALUES:
                yield from _schemas((*place, key), below)


def _misfit(error: Any) -> Misfit:
    place: Place = tuple(error.absolute_path)
    rule, bound, found = error.validator, error.validator_value, error.instance
    if rule == "required":
        absent = next(key for key in bound if key not in found)
        return Misfit(place, f"{subject_of(place)} needs the key `{absent}`")
    if rule == "additionalProperties" and bound is False:
        known = [*error.schema.get("properties", ())]
        patterns = error.schema.get("patternProperties", ())
        key = next(key for key in found if key not in known and not any(search(p, key) for p in patterns))
        message = f"{subject_of(place)} has no key {shown_value(key)}"
        return Misfit((*place, key), message, did_you_mean(key, known), at_key=True)
    if (
        rule in ("minimum", "maximum", "maxLength")
        or (rule == "type" and bound not in ("null", ["null"]))
        or (rule == "enum" and all(isinstance(value, str | None) for value in bound))
    ):
        return Misfit(place, *value_problem(Refusal(place, rule, bound, found, {}, is_key=False))[1:])
    asked = f"`{rule}: {bound}`" if isinstance(bound, str | int | Decimal) else f"`{rule or 'false'}`"
    return Misfit(place, f"{subject_of(place)} does not satisfy {asked}; found {shown_value(found)}")
