"""Say what is wrong with a document that does not fit its schema: all of it at once, each at its line, in words.

The schema finds the problems; this module gives each its path as a person writes it (``files[2].path``), what was
expected, what was found, and the mend: the nearest key, the nearest allowed value, an instant with its offset.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from gatecheck.assets import shipped
from gatecheck.model.document import decode_text
from gatecheck.model.instant import describe_instant, is_instant
from gatecheck.model.locate import locate
from gatecheck.model.yaml import Place
from gatecheck.text.diagnostic import Diagnostic, InputError
from gatecheck.text.nearest import did_you_mean, nearest
from gatecheck.text.source import Source, Span

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

_MOST_SHOWN = 20
_MOST_JUDGED = 500


class Refusal(NamedTuple):
    """What the schema refuses: ``rule`` with its ``bound`` does not hold for what is ``found`` at ``place``."""

    place: Place
    rule: str
    bound: Any
    found: Any
    schema: dict[str, Any]
    is_key: bool

    @property
    def expected(self) -> str:
        """What the schema says of the place, as the middle of a sentence."""
        sentence = str(self.schema.get("description", ""))
        return sentence[:1].lower() + sentence[1:].rstrip(".")


class _Problem(NamedTuple):
    """``rank`` 0 is shown first; ``at_key`` says that the key, not the value, is the place."""

    rank: int
    place: Place
    code: str
    message: str
    hint: str = ""
    at_key: bool = False


@cache
def validator(part: str) -> "Draft202012Validator":
    """Return the validator of one shipped schema, its references resolved among the shipped files only."""
    import json

    from jsonschema import Draft202012Validator, FormatChecker
    from referencing import Registry, Resource

    def retrieve(name: str) -> "Resource[Any]":
        return Resource.from_contents(json.loads(shipped("schemas", name).read_bytes()))

    checker = FormatChecker(formats=())
    checker.checks("date-time")(lambda text: not isinstance(text, str) or is_instant(text))
    registry: Registry[Any] = Registry(retrieve=retrieve)  # type: ignore[call-arg]
    schema = json.loads(shipped("schemas", f"{part}.schema.json").read_bytes())
    return Draft202012Validator(schema, registry=registry, format_checker=checker)


def explain(data: Any, raw: bytes, name: str, part: str, refusal: str) -> InputError:
    """Return the error that says why ``data``, read from ``raw``, is not a ``part``.

    ``refusal`` is the fast reader's reason, used where the schema finds nothing wrong.
    """
    problems = _problems(_refusals(islice(validator(part).iter_errors(data), _MOST_JUDGED)))
    if not problems:
        return InputError(Diagnostic("GC519", f"is not a usable {part} document: {refusal.lower()}", file=name))
    text = decode_text(raw, name)
    places = locate(text, name)

    def span(problem: _Problem) -> Span | None:
        spans = places.keys if problem.at_key else places.values
        return spans.get(problem.place) or places.values.get(problem.place[:-1])

    found = sorted(((p, span(p)) for p in problems), key=lambda pair: (pair[0].rank, (pair[1] or _NOWHERE)[1:3]))
    shown = [Diagnostic(p.code, p.message, s, hint=p.hint, file=name) for p, s in found[:_MOST_SHOWN]]
    if len(found) > _MOST_SHOWN:
        more = f"{len(found) - _MOST_SHOWN} more problems are not shown"
        shown.append(Diagnostic("GC519", more, file=name, severity="note"))
    return InputError(*shown, sources={name: Source(name, text)})


_NOWHERE = Span("", 0, 0, 0, 0)


def _refusals(errors: Iterator[Any]) -> Iterator[Refusal]:
    for error in errors:
        is_key = "propertyNames" in error.absolute_schema_path
        place = tuple(error.absolute_path)
        yield Refusal(place, error.validator, error.validator_value, error.instance, error.schema, is_key)


def _problems(refusals: Iterator[Refusal]) -> list[_Problem]:
    unknown: list[_Problem] = []
    missing: list[tuple[Place, str]] = []
    values: dict[Place, _Problem] = {}
    meant: set[tuple[Place, str]] = set()
    for refused in refusals:
        place = refused.place
        if refused.is_key:
            message = f"{subject_of(place)} can't have a key {shown_value(refused.found)}"
            place = (*place, refused.found)
            values.setdefault(place, _Problem(2, place, "GC515", message, refused.expected, at_key=True))
        elif refused.rule == "additionalProperties":
            known = list(refused.schema["properties"])
            for key in sorted(k for k in refused.found if k not in known):
                message = f"{subject_of(place)} has no key {shown_value(key)}"
                unknown.append(_Problem(0, (*place, key), "GC511", message, did_you_mean(key, known), at_key=True))
                meant.add((place, nearest(key, known) or ""))
        elif refused.rule == "required":
            missing += [(place, key) for key in refused.bound if key not in refused.found]
        else:
            values.setdefault(place, _Problem(2, place, *value_problem(refused)))
    absent = [
        _Problem(1, place, "GC512", f"{subject_of(place)} needs the key `{key}`")
        for place, key in dict.fromkeys(missing)
        if (place, key) not in meant  # told as the misspelt key already
    ]
    return [*unknown, *absent, *values.values()]


def value_problem(refused: Refusal) -> tuple[str, str, str]:
    """Return code, message and hint for a value that does not fit."""
    subject, rule, found = subject_of(refused.place), refused.rule, refused.found
    shown = shown_value(found)
    if rule == "type":
        return "GC513", *_type_problem(subject, refused)
    if rule == "enum":
        known = [v for v in refused.bound if v is not None]
        near = nearest(found, known) if isinstance(found, str) else None
        listed = "it is one of " + ", ".join(f"`{v}`" for v in known)
        return "GC514", f"{subject} can't be {shown}", f"did you mean `{near}`? {listed}" if near else listed
    if rule in ("minimum", "maximum"):
        bound = "at least" if rule == "minimum" else "at most"
        return "GC516", f"{subject} must be {bound} {refused.bound}; found {shown}", ""
    if rule == "minLength":
        return "GC515", f"{subject} is empty", refused.expected
    if rule == "maxLength":
        return "GC515", f"{subject} has {len(found):,} characters; at most {refused.bound:,} are read", ""
    title = str(refused.schema.get("title", "value")).lower()
    if title == "instant":
        problem, hint = describe_instant(found)
        return "GC517", f"{subject}: {problem}: {shown}", hint
    if title == "digest":
        problem, hint = describe_digest(found)
        return "GC518", f"{subject}: {problem}: {shown}", hint
    return "GC515", f"{subject} is not a usable {title}: {shown}", refused.expected


_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}


def _type_problem(subject: str, refused: Refusal) -> tuple[str, str]:
    wanted: list[str] = refused.bound if isinstance(refused.bound, list) else [refused.bound]
    words = [_WORDS[w] for w in wanted if w != "null"]
    expected = words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]
    found = refused.found
    hint = ""
    if "string" in wanted and isinstance(found, (int, Decimal)):
        hint = "put it in quotes to make it text"
    elif isinstance(found, str) and re.fullmatch(r"-?[0-9]+", found) and "integer" in wanted:
        hint = "take it out of its quotes"
    elif isinstance(found, str) and found.lower() in ("yes", "no", "on", "off") and "boolean" in wanted:
        hint = "write `true` or `false`"
    elif wanted == ["array"] and isinstance(found, (str, dict)):
        hint = "write it as a list, even of one"
    return f"{subject} must be {expected}; found {shown_value(found)}", hint


def describe_digest(text: str) -> tuple[str, str]:
    """Return what is wrong with a text that is no digest, and the mend."""
    name, _, digest = text.rpartition("@")
    algorithm, colon, digits = digest.partition(":")
    lengths = {"sha256": 64, "sha384": 96, "sha512": 128}
    by_length = {n: a for a, n in lengths.items()}
    if re.fullmatch(r"[0-9a-fA-F]+", digest) and len(digest) in by_length:
        return "a digest names its algorithm", f"write `{by_length[len(digest)]}:{digest.lower()}`"
    if colon and algorithm.lower() in lengths and re.fullmatch(r"[0-9a-fA-F]*", digits):
        algorithm = algorithm.lower()
        if len(digits) != lengths[algorithm]:
            wanted = lengths[algorithm]
            return f"a {algorithm} digest has {wanted} digits, not {len(digits)}", "copy the whole digest"
        if name:
            return "a digest stands without the artifact's name", f"write `{algorithm}:{digits.lower()}`"
        return "a digest is written in lower case", f"write `{algorithm}:{digits.lower()}`"
    if colon and algorithm.lower() in ("md5", "sha1", "blake2b", "blake3"):
        return f"`{algorithm}` is not an algorithm that counts", "use a `sha256:`, `sha384:` or `sha512:` digest"
    if re.fullmatch(r"[0-9a-f]{40}", digest):
        return "this looks like a commit, not a digest", "write the artifact's own digest: `sha256:` and 64 digits"
    return (
        "a tag can be moved, so it names no artifact",
        "write the digest that it stands for: `sha256:` and 64 hexadecimal digits, as your registry shows it",
    )


def _path(place: Place) -> str:
    out = ""
    for step in place:
        if isinstance(step, int):
            out += f"[{step}]"
        elif re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", step):
            out += f".{step}" if out else step
        else:
            out += f"[{_short(step)!r}]"
    return out


def subject_of(place: Place) -> str:
    """Return a place as the subject of a sentence."""
    return f"`{_path(place)}`" if place else "the document"


def shown_value(value: Any) -> str:
    """Return what was found, as messages show it."""
    if isinstance(value, str):
        return f"`{_short(value)}`" if value else "empty text"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return f"the number `{_short(str(value))}`"


def _short(text: str) -> str:
    """Return text fit for a message: on one line, nothing that a terminal would obey, not endless."""
    clean = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:61])
    return clean if len(text) <= 60 else clean[:60] + "…"
