"""Read a JSON or YAML document that somebody else wrote: bounded, exact, and never guessed at.

JSON is read by the standard library. YAML is built from PyYAML's events, one at a time, because its composer recurses
on the C stack and a few kilobytes of brackets overflow that; events also let aliases be counted before they multiply.
Plain scalars are resolved as in YAML's core schema, so ``no`` is a string, ``1:30`` is not ninety, ``010`` is not
eight and a date stays text. Numbers with a fraction become exact ``Decimal``. Refused with a sentence: duplicate keys,
NaN and Infinity, documents too large or too deep, aliases that multiply, tags, merge keys, half surrogate pairs, text
that is neither UTF-8 nor UTF-16 with a mark.
"""

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from gatecheck.text.diagnostic import Diagnostic, InputError, input_error
from gatecheck.text.source import Source, Span

if TYPE_CHECKING:
    import yaml

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 100
MAX_NODES = 500_000
_MAX_DIGITS = 400
_MAX_EXPONENT = 999

Place = tuple[str | int, ...]
"""The way from a document's root to one value in it: keys and list indexes."""


class Places(NamedTuple):
    """Where a document's keys and values stand in its text, by their way from the root."""

    keys: dict[Place, Span]
    values: dict[Place, Span]


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
        raise input_error("GC501", f"can't be read: {(error.strerror or str(error)).lower()}", file=str(path)) from None
    except ValueError:  # a NUL in the name
        raise input_error("GC501", "is not a file name", file=repr(str(path))) from None
    if size > limit or len(raw) > limit:
        raise input_error("GC502", f"is larger than {_amount(limit)}, the most that is read", file=str(path))
    return raw


def _amount(size: int) -> str:
    return f"{size // 1024**2} MiB" if size >= 1024**2 else f"{size:,} bytes"


def decode_text(raw: bytes, name: str) -> str:
    """Return bytes as text: UTF-8, with or without a mark, or UTF-16 with one; ``InputError`` otherwise."""
    encoding = "utf-8-sig"
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        kind = "UTF-8" if encoding == "utf-8-sig" else "UTF-16, which its first bytes promise"
        hint = "save the file as UTF-8"
        raise input_error("GC503", f"is not text in {kind} (byte {error.start})", file=name, hint=hint) from None
    if "\x00" in text:
        raise input_error("GC503", "holds a NUL character; it is not text", file=name, hint="save the file as UTF-8")
    return text


def parse_document(raw: bytes, name: str) -> Any:
    """Return the data of a JSON or YAML document; which of the two is told by its first character.

    Raises ``InputError`` naming ``name``, the place and the mend.
    """
    text = decode_text(raw, name)
    if text.lstrip()[:1] in ("{", "["):
        try:
            return parse_json(text, name)
        except InputError:
            if not name.endswith((".yaml", ".yml")):
                raise  # a flow-style YAML file may also start with a bracket
    return parse_yaml(text, name)


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
        raise input_error("GC506", f"holds `{word}`, which is not a JSON number", file=name)

    def fraction(digits: str) -> Decimal:
        made = _decimal(digits)
        if made is None:
            raise input_error("GC506", f"holds a number that is beyond reading: `{digits[:40]}`", file=name)
        return made

    try:
        data = json.loads(text, object_pairs_hook=pairs, parse_float=fraction, parse_constant=constant)
    except json.JSONDecodeError as error:
        span = Span(name, error.lineno, error.colno, error.lineno, error.colno + 1)
        message = f"is not JSON: {error.msg[0].lower()}{error.msg[1:]}"
        raise InputError(Diagnostic("GC504", message, span), sources={name: Source(name, text)}) from None
    except RecursionError:
        raise _too_deep(name) from None
    except ValueError:  # an integer of more digits than Python converts
        raise input_error("GC506", "holds a number that is beyond reading", file=name) from None
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(data, name)
    if "\\ud" in text or "\\uD" in text:
        _check_surrogates(data, name)
    return data


def _decimal(digits: str) -> Decimal | None:
    """Return the exact number, or ``None`` for one so long or large that arithmetic with it would never end."""
    number = Decimal(digits) if len(digits) <= _MAX_DIGITS else None
    if number is None or (number and not -_MAX_EXPONENT <= number.adjusted() <= _MAX_EXPONENT):
        return None
    return number


def _too_deep(name: str) -> InputError:
    return input_error("GC507", f"is nested deeper than {MAX_DEPTH} levels", file=name)


def _check_depth(data: Any, name: str) -> None:
    level = [data]
    for _ in range(MAX_DEPTH + 1):
        level = [item for item in level if type(item) is dict or type(item) is list]
        if not level:
            return
        level = [below for item in level for below in (item.values() if type(item) is dict else item)]
    raise _too_deep(name)


def _check_surrogates(data: Any, name: str) -> None:
    pending = [data]
    while pending:
        item = pending.pop()
        if type(item) is dict:
            pending.extend(item)
            pending.extend(item.values())
        elif type(item) is list:
            pending.extend(item)
        elif type(item) is str:
            try:
                item.encode()
            except UnicodeEncodeError:
                shown = item.encode("ascii", "backslashreplace").decode()[:60]
                raise input_error("GC503", f"holds half a surrogate pair in `{shown}`", file=name) from None


def parse_yaml(text: str, name: str, places: Places | None = None) -> Any:
    """Return the data of a YAML text of one document (``None`` if it holds nothing).

    ``places``, where given, is filled with the spans of keys and values as they are met.
    """
    import yaml

    sources = {name: Source(name, text)}
    builder = _Builder(name, places)
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        span = Span(name, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2) if mark else None
        message = f"is not YAML: {error.problem or error.context}"
        raise InputError(Diagnostic("GC504", message, span, file=name), sources=sources) from None
    except yaml.YAMLError as error:
        raise input_error("GC504", f"is not YAML: {str(error).splitlines()[0]}", file=name) from None
    except InputError as error:
        error.sources = sources
        raise
    if "\\u" in text or "\\U" in text:
        _check_surrogates(builder.root, name)
    return builder.root


class _Open:
    """A list or mapping whose end has not been met yet; ``nodes`` counts what it holds, aliases written out."""

    def __init__(self, made: dict[str, Any] | list[Any], anchor: str | None) -> None:
        self.made = made
        self.anchor = anchor
        self.key: str | None = None
        self.nodes = 1
        self.height = 0


class _Anchored(NamedTuple):
    value: Any
    nodes: int
    height: int


class _Builder:
    """Turn YAML events into data without recursion, counting what aliases multiply before anyone walks it."""

    def __init__(self, name: str, places: Places | None) -> None:
        self.name = name
        self.places = places
        self.root: Any = None
        self.documents = 0
        self.open: list[_Open] = []
        self.anchors: dict[str, _Anchored | None] = {}  # None: not finished yet

    def take(self, event: "yaml.Event") -> None:
        import yaml

        if isinstance(event, yaml.ScalarEvent):
            if self._expects_key():
                self._open_key(event)
            else:
                self._place(_Anchored(self._scalar(event), 1, 0), event.anchor, event)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._start(event, {} if isinstance(event, yaml.MappingStartEvent) else [])
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            done = self.open.pop()
            self._place(_Anchored(done.made, done.nodes, done.height + 1), done.anchor, event)
        elif isinstance(event, yaml.AliasEvent):
            self._place(self._anchored(event), None, event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise self._problem("GC504", "holds more than one YAML document; one is expected", event)

    def _start(self, event: Any, made: dict[str, Any] | list[Any]) -> None:
        if self._expects_key():
            raise self._problem("GC504", "a key must be a plain word", event)
        self._check_tag(event)
        if len(self.open) >= MAX_DEPTH:
            raise _too_deep(self.name)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        if self.places is not None:
            start = self._span(event)
            self.places.values[self._way()] = start._replace(end_line=start.line, end_column=start.column + 1)
        self.open.append(_Open(made, event.anchor))

    def _expects_key(self) -> bool:
        return bool(self.open) and self.open[-1].key is None and type(self.open[-1].made) is dict

    def _open_key(self, event: "yaml.ScalarEvent") -> None:
        self._check_tag(event)
        frame = self.open[-1]
        word: str = event.value
        if word == "<<":
            raise self._problem("GC504", "merge keys (`<<`) are not read", event, "write the values out")
        if word in frame.made:
            raise self._problem("GC505", f"the key `{word}` stands twice in one mapping", event, "keep one")
        frame.key = word
        if self.places is not None:
            self.places.keys[self._way()] = self._span(event)

    def _place(self, item: _Anchored, anchor: str | None, event: "yaml.Event") -> None:
        """Put a finished value where it belongs."""
        if anchor is not None:
            self.anchors[anchor] = item
        if not self.open:
            self.root = item.value
        else:
            frame = self.open[-1]
            frame.nodes += item.nodes
            frame.height = max(frame.height, item.height)
            if frame.nodes > MAX_NODES:
                message = f"holds more than {MAX_NODES:,} values, aliases counted"
                raise input_error("GC508", message, file=self.name, hint="split the document, or write aliases out")
            if len(self.open) + item.height > MAX_DEPTH:
                raise _too_deep(self.name)
            self._record(event)
            if isinstance(frame.made, list):
                frame.made.append(item.value)
            elif frame.key is not None:
                frame.made[frame.key] = item.value
                frame.key = None

    def _record(self, event: "yaml.Event") -> None:
        if self.places is not None:
            self.places.values.setdefault(self._way(), self._span(event))

    def _way(self) -> Place:
        return tuple(len(f.made) if isinstance(f.made, list) else f.key or "" for f in self.open)

    def _anchored(self, event: "yaml.AliasEvent") -> _Anchored:
        if self._expects_key():
            raise self._problem("GC504", "a key must be a plain word", event)
        if event.anchor not in self.anchors:
            raise self._problem("GC504", f"the alias `*{event.anchor}` names no anchor before it", event)
        found = self.anchors[event.anchor]
        if found is None:
            raise self._problem("GC508", f"the alias `*{event.anchor}` stands inside what it repeats", event)
        return found

    def _check_tag(self, event: Any) -> None:
        if event.tag is not None:
            hint = "drop the tag; quote the value if it is text"
            raise self._problem("GC504", f"tags such as `{event.tag}` are not read", event, hint)

    def _scalar(self, event: "yaml.ScalarEvent") -> Any:
        """Resolve as YAML's core schema does: null, booleans, integers, decimals; everything else is text."""
        self._check_tag(event)
        text: str = event.value
        if event.style:  # quoted, or a block: text by intent
            return text
        if text in ("", "~", "null", "Null", "NULL"):
            return None
        if text in ("true", "True", "TRUE"):
            return True
        if text in ("false", "False", "FALSE"):
            return False
        body = text[1:] if text[0] in "+-" else text
        whole, point, fraction = body.partition(".")
        if whole.isascii() and whole.isdigit() and (whole == "0" or whole[0] != "0"):
            if not point and len(body) < 20:
                return int(text)
            if fraction.isascii() and fraction.isdigit() and len(body) < 40:
                return Decimal(text)
        if text.lower() in (".nan", ".inf", "-.inf", "+.inf"):
            raise self._problem("GC506", f"`{text}` is not a number that can be compared", event)
        return text

    def _span(self, event: "yaml.Event") -> Span:
        start, end = event.start_mark, event.end_mark
        if start is None or end is None:
            return Span(self.name, 1, 1, 1, 2)
        return Span(self.name, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def _problem(self, code: str, message: str, event: "yaml.Event", hint: str = "") -> InputError:
        return InputError(Diagnostic(code, message, self._span(event), hint=hint))
