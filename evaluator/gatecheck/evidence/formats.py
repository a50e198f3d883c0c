"""Which formats are read, in one table: the kind of evidence, how content shows its format, and what reads it.

A row looks only at the surface of a file: the root element and its attributes, the top of the parsed JSON or YAML, or
the first line of text. No file fits two rows; a test holds the table to that.
"""

from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct

from gatecheck.evidence.values import Reading, short
from gatecheck.evidence.xml import Root, read_root
from gatecheck.model.document import decode_text, parse_document, parse_json
from gatecheck.text.diagnostic import InputError, input_error

Form = Literal["xml", "json", "yaml", "text"]
_MAX_YAML = 1024 * 1024


class Content(Struct, frozen=True):
    """A file as far as it must be understood to tell its format.

    ``root`` is set for XML, ``data`` for JSON and YAML, ``line`` (the first that is not empty) for other text.
    """

    raw: bytes
    form: Form
    root: Root | None = None
    data: Any = None
    line: str = ""

    def is_xml(self, *tags: str, having: str = "") -> bool:
        """Tell whether the root is one of ``tags`` and, where asked, carries the attribute ``having``."""
        return self.root is not None and self.root.tag in tags and (not having or having in self.root.attributes)

    def has(self, *keys: str) -> bool:
        """Tell whether the content is an object with all of ``keys`` at its top."""
        return isinstance(self.data, dict) and all(key in self.data for key in keys)

    def top(self, key: str) -> Any:
        """Return what stands under ``key`` at the top of an object, or ``None``."""
        return self.data.get(key) if isinstance(self.data, dict) else None

    def described(self) -> str:
        """Return what the content looks like, for a message."""
        if self.root is not None:
            return f"its root element is `{short(self.root.tag, 60)}`"
        if isinstance(self.data, dict):
            keys = [f"`{short(key, 40)}`" for key in list(self.data)[:6]]
            return f"its top-level keys are {', '.join(keys)}" if keys else "it is an empty object"
        if isinstance(self.data, list):
            return "it is a list"
        return "it is neither XML nor a JSON or YAML object"


class Format(Struct, frozen=True):
    """One row: evidence of ``kind``, in the format called ``title``, if it ``fits``."""

    kind: str
    title: str
    fits: Callable[[Content], bool]
    read: Callable[[Content, str], Reading]


def _junit(content: Content, name: str) -> Reading:
    from gatecheck.evidence.junit import read_junit

    return read_junit(content.raw, name)


def _cobertura(content: Content, name: str) -> Reading:
    from gatecheck.evidence.cobertura import read_cobertura

    return read_cobertura(content.raw, name)


def _coverage_py(content: Content, name: str) -> Reading:
    from gatecheck.evidence.coverage_py import read_coverage_py

    return read_coverage_py(content.data, name)


def _istanbul(content: Content, name: str) -> Reading:
    from gatecheck.evidence.istanbul import read_istanbul

    return read_istanbul(content.data, name)


def _lcov(content: Content, name: str) -> Reading:
    from gatecheck.evidence.lcov import read_lcov

    return read_lcov(content.raw, name)


def _sarif(content: Content, name: str) -> Reading:
    from gatecheck.evidence.sarif import read_sarif

    return read_sarif(content.data, name)


def _check(content: Content, name: str) -> Reading:
    from gatecheck.evidence.check import read_check

    return read_check(content.data, name)


_LCOV_WORDS = ("TN", "SF", "DA", "FN", "FNL", "BRDA", "VER")

FORMATS: tuple[Format, ...] = (
    Format("junit", "JUnit XML", lambda c: c.is_xml("testsuites", "testsuite", "testcase"), _junit),
    Format("coverage", "Cobertura XML", lambda c: c.is_xml("coverage", having="line-rate"), _cobertura),
    Format("coverage", "coverage.py JSON", lambda c: c.has("meta", "files", "totals"), _coverage_py),
    Format("coverage", "LCOV", lambda c: c.line.partition(":")[0] in _LCOV_WORDS and ":" in c.line, _lcov),
    Format(
        "coverage",
        "istanbul's coverage-summary.json",
        lambda c: isinstance(c.top("total"), dict) and "lines" in c.top("total"),
        _istanbul,
    ),
    Format("sarif", "SARIF", lambda c: c.has("runs") and c.form == "json", _sarif),
    Format("check", "a check document", lambda c: isinstance(c.top("status"), str) and not c.has("data"), _check),
)
KINDS = tuple(sorted({row.kind for row in FORMATS}))


def look(raw: bytes, name: str) -> Content:
    """Return what a file's content is made of; ``InputError`` where it is empty, or is broken JSON, YAML or XML."""
    start = raw[:4096].removeprefix(b"\xef\xbb\xbf")
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        start = start.replace(b"\x00", b"")[2:]
    start = start.lstrip()
    if not start:
        raise input_error("GC601", "is empty", file=name, hint="the tool that should have written it may have failed")
    if start.startswith(b"<"):
        return Content(raw, "xml", root=read_root(raw, name))
    text = decode_text(raw, name)
    if start.startswith((b"{", b"[")):
        is_yaml = name.endswith((".yaml", ".yml")) and len(raw) <= _MAX_YAML
        return Content(raw, "json", data=parse_document(raw, name) if is_yaml else parse_json(text, name))
    line = text.lstrip()[:200].partition("\n")[0].rstrip()
    if line.partition(":")[0] in _LCOV_WORDS and not line.partition(":")[2].startswith(" "):
        return Content(raw, "text", line=line)
    if len(raw) > _MAX_YAML:
        return Content(raw, "text", line=line)
    try:
        return Content(raw, "yaml", data=parse_document(raw, name))
    except InputError:
        if name.endswith((".yaml", ".yml")):
            raise
        return Content(raw, "text", line=line)
