"""Read a YAML document that somebody else wrote: bounded, exact, and never guessed at.

Data is built from PyYAML's events, one at a time, because its composer recurses on the C stack and a few kilobytes of
brackets overflow that; events also let aliases be counted before they multiply. Plain scalars are resolved as in YAML's
core schema, so ``no`` is a string, ``1:30`` is not ninety, ``010`` is not eight and a date stays text. Refused with a
sentence, beside what is refused in JSON: aliases that multiply, tags, merge keys.
"""

from decimal import Decimal
from typing import Any, NamedTuple

import yaml

from gatecheck.model.document import MAX_DEPTH, check_surrogates, too_deep
from gatecheck.text.diagnostic import Diagnostic, InputError, input_error
from gatecheck.text.source import Source, Span

MAX_NODES = 500_000

Place = tuple[str | int, ...]
"""The way from a document's root to one value in it: keys and list indexes."""


class Places(NamedTuple):
    """Where a document's keys and values stand in its text, by their way from the root."""

    keys: dict[Place, Span]
    values: dict[Place, Span]


def parse_yaml(text: str, name: str, places: Places | None = None) -> Any:
    """Return the data of a YAML text of one document (``None`` if it holds nothing).

    ``places``, where given, is filled with the spans of keys and values as they are met.
    """
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
        check_surrogates(builder.root, name)
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

    def take(self, event: yaml.Event) -> None:
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
            raise too_deep(self.name)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        if self.places is not None:
            start = self._span(event)
            self.places.values[self._way()] = start._replace(end_line=start.line, end_column=start.column + 1)
        self.open.append(_Open(made, event.anchor))

    def _expects_key(self) -> bool:
        return bool(self.open) and self.open[-1].key is None and type(self.open[-1].made) is dict

    def _open_key(self, event: yaml.ScalarEvent) -> None:
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

    def _place(self, item: _Anchored, anchor: str | None, event: yaml.Event) -> None:
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
                raise too_deep(self.name)
            self._record(event)
            if isinstance(frame.made, list):
                frame.made.append(item.value)
            elif frame.key is not None:
                frame.made[frame.key] = item.value
                frame.key = None

    def _record(self, event: yaml.Event) -> None:
        if self.places is not None:
            self.places.values.setdefault(self._way(), self._span(event))

    def _way(self) -> Place:
        return tuple(len(f.made) if isinstance(f.made, list) else f.key or "" for f in self.open)

    def _anchored(self, event: yaml.AliasEvent) -> _Anchored:
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

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
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

    def _span(self, event: yaml.Event) -> Span:
        start, end = event.start_mark, event.end_mark
        if start is None or end is None:
            return Span(self.name, 1, 1, 1, 2)
        return Span(self.name, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def _problem(self, code: str, message: str, event: yaml.Event, hint: str = "") -> InputError:
        return InputError(Diagnostic(code, message, self._span(event), hint=hint))
