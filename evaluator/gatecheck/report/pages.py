"""The page of each diagnostic code: what it is, why it is so, how to mend it, and an example.

`docs/diagnostics.md` is their only source and ships with the package. Its form is narrow, so that a page can be shown
as text without reading Markdown at large: under `### CODE: title` stand paragraphs that begin with `**What**`,
`**Why**` or `**Mend**`, then fenced examples under `**Wrong**`, `**Right**` or `**Example**`.
"""

import re
from typing import NamedTuple

from gatecheck.assets import shipped

_WIDTH = 88
_PAGE = re.compile(r"^### (GC\d{3}): (.+)\n\n((?:(?!^##).*\n)*)", re.MULTILINE)
_PARAGRAPH = re.compile(r"^\*\*(What|Why|Mend)\*\* ((?:.+\n)+)", re.MULTILINE)
_EXAMPLE = re.compile(r"^\*\*(Wrong|Right|Example)\*\*\n\n```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


class Example(NamedTuple):
    """Lines of a language, such as ``gate``; ``label`` is ``Wrong``, ``Right`` or ``Example``."""

    label: str
    language: str
    text: str


class Page(NamedTuple):
    """What is told of one code. ``title`` says in one line what it is, ``what`` more where that needs more words."""

    code: str
    title: str
    what: str
    why: str
    mend: str
    examples: tuple[Example, ...]
    markdown: str


def pages() -> dict[str, Page]:
    """Return the page of every code, in the order of the codes."""
    text = shipped("docs", "diagnostics.md").read_text("utf-8")
    return {code: _page(code, title, body) for code, title, body in _PAGE.findall(text)}


def shown(page: Page) -> str:
    """Return a page as plain text of at most 88 columns; lines of examples are not broken."""
    from textwrap import fill, indent

    out = [f"{page.code}: {page.title}"]
    said = [("What", page.what), ("Why", page.why), ("Mend", page.mend)]
    out += [
        fill(text, _WIDTH, initial_indent=f"  {label:<6}", subsequent_indent=" " * 8, break_on_hyphens=False)
        for label, text in said
        if text
    ]
    out += [f"  {example.label}\n\n{indent(example.text.rstrip(), ' ' * 6)}" for example in page.examples]
    return "\n\n".join(out) + "\n"


def _page(code: str, title: str, body: str) -> Page:
    said = {label: _LINK.sub(r"\1", " ".join(text.split())) for label, text in _PARAGRAPH.findall(body)}
    examples = tuple(Example(*found) for found in _EXAMPLE.findall(body))
    return Page(code, title, said.get("What", ""), said.get("Why", ""), said.get("Mend", ""), examples, body.strip())
