"""The review list of a pack, for people as text and Markdown and for programs as JSON; and lint findings in Markdown.

Places are named from the caller's folder: ``prefix`` stands before the names of files that a span holds.
"""

from collections.abc import Sequence
from typing import Any

from gatecheck.lint.review import Item
from gatecheck.report.blocks import Code, Heading, Inline, Listing, Paragraph, Table, line, markdown
from gatecheck.report.words import plain
from gatecheck.text.diagnostic import Diagnostic

VERDICTS = ("ok", "attention", "does not apply")
_INDENT = " " * 16


def summary(items: Sequence[Item]) -> str:
    """Return how many items got which verdict: `6 ok, 2 attention, 1 does not apply`."""
    counts = [(sum(i.verdict == verdict for i in items), verdict) for verdict in VERDICTS]
    return ", ".join(f"{count} {verdict}" for count, verdict in counts if count)


def as_text(items: Sequence[Item], prefix: str = "") -> str:
    """Return the list as plain text, each item with its reason, its places and how to mend it."""
    out: list[str] = []
    for item in items:
        out += [f"{item.verdict:<{len(_INDENT)}}{item.code}  {item.title}", *_wrapped(item.reason)]
        out += [_INDENT + plain(f"{prefix}{p.span.file}:{p.span.line}  {p.what}") for p in item.places]
        out += [*(_wrapped(f"mend: {item.mend}") if item.mend else []), ""]
    return "\n".join([*out, f"{summary(items)}\n"])


def _wrapped(sentence: str) -> list[str]:
    from textwrap import wrap

    return wrap(plain(sentence, 1000), 120, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False)


def as_markdown(items: Sequence[Item], prefix: str = "") -> str:
    """Return the list as a table in Markdown, and below it what needs attention."""
    rows = [[line(Code(i.code)), line(i.title), line(i.verdict), (_pieces(i.reason),)] for i in items]
    blocks: list[Heading | Paragraph | Listing | Table] = [
        Heading(1, "Review list"),
        Paragraph([f"{summary(items)}."]),
        Table(["Code", "Item", "Verdict", "Why"], rows),
    ]
    for item in items:
        if item.verdict == "attention":
            blocks += [Heading(2, f"{item.code}: {item.title}"), Paragraph(_pieces(item.mend))]
            places = [[Code(f"{prefix}{p.span.file}:{p.span.line}"), " ", Code(p.what)] for p in item.places]
            blocks.append(Listing(places))
    return markdown(blocks)


def findings_markdown(found: Sequence[Diagnostic], prefix: str = "") -> str:
    """Return lint findings as a table in Markdown."""
    if not found:
        return markdown([Heading(1, "Lint"), Paragraph(["Nothing found."])])
    rows = [
        [line(Code(d.code)), line(Code(f"{prefix}{d.span.file}:{d.span.line}") if d.span else ""),
         (_pieces(d.message),), (_pieces(d.hint),) if d.hint else ()]
        for d in found
    ]  # fmt: skip
    return markdown([Heading(1, "Lint"), Table(["Code", "Place", "Found", "Mend"], rows)])


def _pieces(sentence: str) -> Inline:
    """Return a sentence with what stands in backticks as code."""
    parts = sentence.split("`")
    return [Code(part) if n % 2 else part for n, part in enumerate(parts) if part]


def as_json(items: Sequence[Item], prefix: str = "") -> str:
    """Return one line of canonical JSON, as ``schemas/checklist.schema.json`` describes it."""
    from gatecheck.model.canonical import canonical

    return canonical({"items": [_plain(item, prefix) for item in items]}).decode() + "\n"


def _plain(item: Item, prefix: str) -> dict[str, Any]:
    return {
        "code": item.code,
        "title": item.title,
        "verdict": item.verdict,
        "reason": item.reason,
        "mend": item.mend,
        "places": [
            {"what": p.what, "file": f"{prefix}{p.span.file}", "line": p.span.line, "column": p.span.column}
            for p in item.places
        ],
    }
