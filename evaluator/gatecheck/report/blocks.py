"""A small document of headings, paragraphs, lists and tables, and its three forms: text, Markdown and HTML.

What rules say stands in ``Code``: code spans in Markdown and HTML, bare in text. Everything is escaped for its form.
"""

from collections.abc import Iterable, Sequence
from html import escape as escape_html
from typing import NamedTuple

from gatecheck.report.markdown import code as code_in_markdown
from gatecheck.report.markdown import escape as escape_markdown

_WIDTH = 120
_NARROW, _WIDE = 12, 40  # columns of a table are wrapped at widths between these


class Code(str):
    """Text of the rules' own language."""

    __slots__ = ()


Inline = Sequence[str]  # pieces of one line, in order; `Code` among them
Cell = Sequence[Inline]  # lines of one cell


class Heading(NamedTuple):
    """A heading; the document's own is of level 1."""

    level: int
    text: str


class Paragraph(NamedTuple):
    """A paragraph."""

    pieces: Inline


class Listing(NamedTuple):
    """A list of lines."""

    items: Sequence[Inline]


class Table(NamedTuple):
    """A table; every row has a cell for each header."""

    headers: Sequence[str]
    rows: Sequence[Sequence[Cell]]


Block = Heading | Paragraph | Listing | Table


def line(*pieces: str) -> Cell:
    """Return a cell of one line; of none where all its pieces are empty."""
    return (pieces,) if any(pieces) else ()


def written(blocks: Sequence[Block], form: str, title: str) -> str:
    """Return a document as `table` or `text`, `markdown` or `html`; ``title`` is that of the HTML page."""
    if form == "html":
        return html(blocks, title)
    return markdown(blocks) if form == "markdown" else text(blocks)


# -- text


def text(blocks: Iterable[Block]) -> str:
    """Return a document as plain text, tables drawn with lines that any terminal shows."""
    return "\n\n".join(_block_text(b) for b in blocks) + "\n"


def _block_text(block: Block) -> str:
    match block:
        case Heading():
            return f"{block.text}\n{'=-'[block.level > 1] * len(block.text)}"
        case Paragraph():
            return _wrapped("".join(block.pieces), _WIDTH)
        case Listing():
            return "\n".join("- " + _wrapped("".join(i), _WIDTH - 2).replace("\n", "\n  ") for i in block.items)
    return _table_text(block)


def _wrapped(content: str, width: int) -> str:
    from textwrap import wrap

    return "\n".join(wrap(content, width, break_long_words=False, break_on_hyphens=False)) or ""


def _table_text(table: Table) -> str:
    from tabulate import tabulate

    plain = [["\n".join("".join(pieces) for pieces in cell) for cell in row] for row in table.rows]
    widths = _widths([list(table.headers), *plain])
    rows = [
        ["\n".join(_wrapped(part, width) for part in cell.split("\n")) for cell, width in zip(row, widths, strict=True)]
        for row in plain
    ]
    drawn = tabulate(rows, headers=table.headers, tablefmt="simple", disable_numparse=True)
    return "\n".join(row.rstrip() for row in drawn.split("\n"))


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """Return how wide each column may be: as wide as it is, but the widest give way until the table fits."""
    widths = [max(len(part) for cell in column for part in cell.split("\n")) for column in zip(*rows, strict=True)]
    widths = [min(width, _WIDE) for width in widths]
    while sum(widths) + 2 * (len(widths) - 1) > _WIDTH and max(widths) > _NARROW:
        widths[widths.index(max(widths))] -= 1
    return widths


# -- Markdown


def markdown(blocks: Iterable[Block]) -> str:
    """Return a document as GitHub's Markdown."""
    return "\n\n".join(_block_markdown(b) for b in blocks) + "\n"


def _block_markdown(block: Block) -> str:
    match block:
        case Heading():
            return f"{'#' * block.level} {escape_markdown(block.text)}"
        case Paragraph():
            return _pieces_markdown(block.pieces)
        case Listing():
            return "\n".join(f"- {_pieces_markdown(item)}" for item in block.items)
    rows = [[escape_markdown(h) for h in block.headers], ["---"] * len(block.headers)]
    rows += [["<br>".join(map(_pieces_markdown, cell)) for cell in row] for row in block.rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _pieces_markdown(pieces: Inline) -> str:
    return "".join(code_in_markdown(p) if isinstance(p, Code) else _sentence_markdown(p) for p in pieces)


def _sentence_markdown(piece: str) -> str:
    """Return a piece of a sentence escaped, the blanks at its ends kept."""
    inner = piece.strip()
    return piece.replace(inner, escape_markdown(inner)) if inner else piece


# -- HTML

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; margin: 2rem 0 .5rem; }
code { font: .9em ui-monospace, monospace; background: color-mix(in srgb, currentColor 8%, transparent);
  padding: .1em .3em; border-radius: .25em; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent); padding: .35rem .75rem .35rem 0;
  text-align: left; vertical-align: top; }
"""


def html(blocks: Sequence[Block], title: str) -> str:
    """Return a document as one HTML page that loads nothing."""
    body = "\n".join(_block_html(b) for b in blocks)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape_html(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _block_html(block: Block) -> str:
    match block:
        case Heading():
            return f"<h{block.level}>{escape_html(block.text)}</h{block.level}>"
        case Paragraph():
            return f"<p>{_pieces_html(block.pieces)}</p>"
        case Listing():
            return "<ul>\n" + "\n".join(f"<li>{_pieces_html(i)}</li>" for i in block.items) + "\n</ul>"
    head = "".join(f'<th scope="col">{escape_html(h)}</th>' for h in block.headers)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{'<br>'.join(map(_pieces_html, cell))}</td>" for cell in row) + "</tr>"
        for row in block.rows
    )
    return (
        '<div class="scroll"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table></div>"
    )  # fmt: skip


def _pieces_html(pieces: Inline) -> str:
    return "".join(f"<code>{escape_html(p)}</code>" if isinstance(p, Code) else escape_html(p) for p in pieces)
