"""Stream an XML report through expat, with everything refused by which a document could reach out or blow up.

Refused: entity declarations of every sort and references to undeclared ones, nesting beyond 100 elements, encodings
outside the usual few. A plain ``<!DOCTYPE coverage SYSTEM "...">`` is passed over: nothing is ever fetched. The names
of elements come without their namespace prefix; attributes that only a DTD supplies are left out.
"""

from typing import NoReturn, Protocol

from gatecheck.model.document import MAX_DEPTH
from gatecheck.text.diagnostic import Diagnostic, InputError, input_error
from gatecheck.text.source import Span

_READABLE = r"(?ai:utf-?(?:8|16(?:le|be)?)|(?:us-)?ascii|iso-8859-\d+|latin-?1|(?:windows-|cp)125\d)"
_PROLOG_STEP = 4096


class Visitor(Protocol):
    """What a reader does with the elements of a document, in document order."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Enter an element."""

    def end(self, tag: str) -> None:
        """Leave an element."""

    def text(self, text: str) -> None:
        """Take a stretch of character data; one element's text may come in several."""


class Root(Exception):  # noqa: N818 - not an error: it ends the look at the prolog
    """The first element of a document, thrown to stop there."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        super().__init__(tag)
        self.tag = tag
        self.attributes = attributes


class _RootOnly:
    def start(self, tag: str, attributes: dict[str, str]) -> None:
        raise Root(tag, attributes)

    def end(self, tag: str) -> None:
        """See nothing: the root stops the parse."""

    def text(self, text: str) -> None:
        """See nothing: there is no text before the root."""


def read_root(raw: bytes, name: str) -> Root:
    """Return the root element of a document, reading no further; ``InputError`` where there is none."""
    try:
        _parse(raw, name, _RootOnly(), _PROLOG_STEP)
    except Root as root:
        return root
    raise input_error("GC604", "is not XML: no element found", file=name)


def read_xml(raw: bytes, name: str, visitor: Visitor) -> None:
    """Lead ``visitor`` through the whole document; ``InputError`` where it is not well-formed XML that may be read."""
    _parse(raw, name, visitor, len(raw) or 1)


def _parse(raw: bytes, name: str, visitor: Visitor, step: int) -> None:
    from pyexpat import ErrorString, ExpatError, ParserCreate

    parser = ParserCreate()
    depth = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise input_error("GC606", f"is nested deeper than {MAX_DEPTH} levels", file=name)
        visitor.start(tag if ":" not in tag else tag.rpartition(":")[2], attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        visitor.end(tag if ":" not in tag else tag.rpartition(":")[2])

    def declaration(_version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() != "utf-8" and not _is_readable(encoding):
            message = f"its encoding `{encoding[:60]}` is not read"
            raise input_error("GC604", message, file=name, hint="write the report as UTF-8")

    def entity(*_: object) -> NoReturn:
        message = "declares or refers to its own entities, which are never expanded"
        raise input_error("GC605", message, file=name, hint="have the tool write plain XML, without a DTD")

    parser.buffer_text = True
    parser.specified_attributes = True
    parser.XmlDeclHandler = declaration
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = visitor.text
    parser.EntityDeclHandler = entity
    parser.UnparsedEntityDeclHandler = entity
    parser.ExternalEntityRefHandler = entity
    parser.SkippedEntityHandler = entity
    try:
        at = 0
        while at < len(raw):
            parser.Parse(raw[at : at + step], False)
            # Growing steps, because expat looks through an unfinished token again with every step.
            at, step = at + step, 2 * step
        parser.Parse(b"", True)
    except ExpatError as error:
        span = Span(name, error.lineno, error.offset + 1, error.lineno, error.offset + 2)
        raise InputError(Diagnostic("GC604", f"is not XML: {ErrorString(error.code)}", span)) from None
    except (LookupError, ValueError):
        raise input_error("GC604", "its encoding can't be read", file=name, hint="write the report as UTF-8") from None


def _is_readable(encoding: str) -> bool:
    import re

    return re.fullmatch(_READABLE, encoding) is not None
