"""Read a JSON or YAML document that somebody else wrote: bounded, exact, and never guessed at.

JSON is read by the standard library, YAML by PyYAML's composer with scalars resolved as in YAML's core schema, so
``no`` is a string, ``1:30`` is not ninety and a date stays text. Numbers with a fraction become exact ``Decimal``.
Refused with a sentence: duplicate keys, NaN and Infinity, documents too large or too deep, aliases that multiply,
text that is neither UTF-8 nor UTF-16 with a mark.
"""

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from gatecheck.text.diagnostic import Diagnostic, InputError, input_error
from gatecheck.text.source import Span

if TYPE_CHECKING:
    import yaml

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 100
_MAX_NODES = 500_000


def read_bytes(path: Path, limit: int = MAX_BYTES) -> bytes:
    """Return a file's bytes; ``InputError`` if it is missing, unreadable or larger than ``limit`` bytes."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            raw = file.read(limit + 1) if size <= limit else b""
    except FileNotFoundError:
        raise input_error("GC501", "there is no such file", file=str(path)) from None
    except IsADirectoryError:
        raise input_error("GC501", "this is a directory, not a file", file=str(path)) from None
    except OSError as error:
        raise input_error("GC501", f"can't be read: {error.strerror}", file=str(path)) from None
    if size > limit or len(raw) > limit:
        raise input_error("GC502", f"is larger than {limit // (1024 * 1024)} MiB, the most that is read", file=str(path))
    return raw


def decode_text(raw: bytes, name: str) -> str:
    """Return bytes as text: UTF-8, with or without a mark, or UTF-16 with one; ``InputError`` otherwise."""
    encoding = "utf-8-sig"
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        hint = "save the file as UTF-8"
        raise input_error("GC503", f"is not UTF-8 text (byte {error.start})", file=name, hint=hint) from None
    if "\x00" in text:
        raise input_error("GC503", "holds a NUL character; it is not text", file=name, hint="save the file as UTF-8")
    return text


def parse_document(raw: bytes, name: str) -> Any:
    """Return the data of a JSON or YAML document; which of the two is told by its first character.

    Raises ``InputError`` naming ``name``, the place and the mend.
    """
    text = decode_text(raw, name)
    start = text.lstrip()[:1]
    if start in ("{", "["):
        try:
            return parse_json(text, name)
        except InputError:
            if not name.endswith((".yaml", ".yml")):
                raise  # a flow-style YAML file may also start with a bracket
    return _parse_yaml(text, name)


def parse_json(text: str, name: str) -> Any:
    """Return the data of a JSON text, refusing duplicate keys, NaN, and nesting beyond what is safe."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(items)
        if len(made) != len(items):
            seen: set[str] = set()
            twice = next(k for k, _ in items if k in seen or seen.add(k))  # type: ignore[func-returns-value]
            raise input_error("GC505", f"the key `{twice}` stands twice in one object", file=name, hint="keep one")
        return made

    def constant(word: str) -> NoReturn:
        raise input_error("GC506", f"holds {word}, which is not a JSON number", file=name)

    try:
        data = json.loads(text, object_pairs_hook=pairs, parse_float=Decimal, parse_constant=constant)
    except json.JSONDecodeError as error:
        span = Span(name, error.lineno, error.colno, error.lineno, error.colno + 1)
        message = f"is not JSON: {error.msg[0].lower()}{error.msg[1:]}"
        raise InputError(Diagnostic("GC504", message, span)) from None
    except RecursionError:
        raise _too_deep(name) from None
    except ValueError as error:
        raise input_error("GC504", f"is not usable JSON: {error}", file=name) from None
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(data, name)
    return data


def _too_deep(name: str) -> InputError:
    return input_error("GC507", f"is nested deeper than {MAX_DEPTH} levels", file=name)


def _check_depth(data: Any, name: str) -> None:
    level = [data]
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for item in level:
            if type(item) is dict:
                below.extend(item.values())
            elif type(item) is list:
                below.extend(item)
        if not below:
            return
        level = below
    raise _too_deep(name)


def _parse_yaml(text: str, name: str) -> Any:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if _indent_depth(text) > MAX_DEPTH:
        raise _too_deep(name)
    try:
        nodes = list(yaml.compose_all(text, loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        span = Span(name, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2) if mark else None
        raise InputError(Diagnostic("GC504", f"is not YAML: {error.problem or error.context}", span, file=name)) from None
    except yaml.YAMLError as error:
        raise input_error("GC504", f"is not YAML: {error}", file=name) from None
    except RecursionError:
        raise _too_deep(name) from None
    if len(nodes) > 1:
        raise input_error("GC504", f"holds {len(nodes)} YAML documents; one is expected", file=name)
    return _Builder(name).build(nodes[0], 0) if nodes and nodes[0] is not None else None


def _indent_depth(text: str) -> int:
    """Bound the nesting before PyYAML recurses into it: flow brackets open at once, or dashes and indents of one line."""
    depth = deepest = 0
    for char in text:
        if char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth = max(0, depth - 1)
    if deepest > MAX_DEPTH:
        return deepest
    return max((_line_depth(line) for line in text.splitlines()), default=0)


def _line_depth(line: str) -> int:
    body = line.lstrip(" ")
    dashes = 0
    while body.startswith(("- ", "? ", ": ")):
        dashes += 1
        body = body[2:].lstrip(" ")
    # A mapping indented by one column a level is the cheapest way to go deep without brackets.
    return dashes + (len(line) - len(line.lstrip(" "))) if dashes or len(line) - len(body) > MAX_DEPTH else dashes


class _Builder:
    """Turn composed YAML nodes into data, counting what aliases multiply."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.left = _MAX_NODES

    def build(self, node: "yaml.Node", depth: int) -> Any:
        import yaml

        self.left -= 1
        if self.left < 0:
            message = f"its aliases multiply to more than {_MAX_NODES:,} values"
            raise input_error("GC508", message, file=self.name, hint="write the values out")
        if depth > MAX_DEPTH:
            raise _too_deep(self.name)
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, depth + 1) for item in node.value]
        made: dict[str, Any] = {}
        for key, value in node.value:
            word = key.value if isinstance(key, yaml.ScalarNode) else None
            if word is None:
                raise self.problem("GC504", "a key must be a plain word", key)
            if word == "<<":
                raise self.problem("GC504", "merge keys (`<<`) are not read", key, "write the values out")
            if word in made:
                raise self.problem("GC505", f"the key `{word}` stands twice in one mapping", key, "keep one")
            made[word] = self.build(value, depth + 1)
        return made

    def scalar(self, node: "yaml.ScalarNode") -> Any:
        """Resolve as YAML's core schema does: null, booleans, integers, decimals; everything else is text."""
        text: str = node.value
        if node.tag.startswith("!") or (node.tag.startswith("tag:") and not node.tag.startswith("tag:yaml.org,2002:")):
            raise self.problem("GC504", f"the tag `{node.tag}` is not read", node)
        if node.style is not None:  # quoted, or a block: text by intent
            return text
        if text in ("", "~", "null", "Null", "NULL"):
            return None
        if text in ("true", "True", "TRUE"):
            return True
        if text in ("false", "False", "FALSE"):
            return False
        body = text[1:] if text[0] in "+-" else text
        if body.isascii() and body.isdigit() and (body == "0" or body[0] != "0") and len(body) < 20:
            return int(text)
        whole, point, fraction = body.partition(".")
        if point and (whole + fraction).isascii() and whole.isdigit() and fraction.isdigit() and len(body) < 40:
            return Decimal(text)
        if text.lower() in (".nan", ".inf", "-.inf", "+.inf"):
            raise self.problem("GC506", f"`{text}` is not a number that can be compared", node)
        return text

    def problem(self, code: str, message: str, node: "yaml.Node", hint: str = "") -> InputError:
        start, end = node.start_mark, node.end_mark
        span = Span(self.name, start.line + 1, start.column + 1, end.line + 1, end.column + 1)
        return InputError(Diagnostic(code, message, span, hint=hint))
