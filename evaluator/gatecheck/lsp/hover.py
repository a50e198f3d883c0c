"""What is shown where the pointer rests: what a name stands for, what a word says, why something is wrong."""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from gatecheck.lang import ast, unparse
from gatecheck.lang.types import FieldType, Type
from gatecheck.lsp.keywords import KEYWORDS
from gatecheck.lsp.meanings import Meanings, Place
from gatecheck.lsp.names import Name
from gatecheck.lsp.packs import Analysis
from gatecheck.lsp.places import word_at
from gatecheck.report.pages import Page, pages
from gatecheck.text.source import Source, Span

_LONGEST = 16  # lines of a declaration that are shown


class Shown(NamedTuple):
    """Markdown, and what it is about."""

    markdown: str
    span: Span


def hover(analysis: Analysis, file: str, line: int, column: int) -> Shown | None:
    """Return what is to be said about a place in a file, or ``None``."""
    if file not in analysis.sources:
        return None
    source = analysis.sources[file]
    name = analysis.name_at(file, line, column)
    word = word_at(source, line, column)
    said: list[str] = []
    span = word
    if name is not None and name.kind and (text := _of_name(name, analysis)):
        said.append(text)
        span = name.span
    elif word is not None and (sentence := KEYWORDS.get(_text(source, word))):
        said.append(f"`{_text(source, word)}`: {sentence}")
    for problem in analysis.diagnostics:
        at = problem.span
        if (
            at is not None
            and at.file == file
            and (at.line, at.column) <= (line, column) <= (at.end_line, at.end_column)
        ):
            page = _pages().get(problem.code)
            said += [_of_page(page)] if page is not None else []
            span = span or at
    return Shown("\n\n---\n\n".join(dict.fromkeys(said)), span) if said and span is not None else None


def _text(source: Source, span: Span) -> str:
    return source.line(span.line)[span.column - 1 : span.end_column - 1]


@cache
def _pages() -> dict[str, Page]:
    return pages()


def _of_page(page: Page) -> str:
    parts = [f"**{page.code}: {page.title}**", page.what, page.why, page.mend]
    return "\n\n".join(part for part in parts if part)


# -- names


def _of_name(name: Name, analysis: Analysis) -> str:
    meanings = analysis.meanings
    match name.kind:
        case "field" | "change field" | "attribute" | "change" | "risk":
            return _of_field(name, meanings)
        case "risk level":
            return "\n\n".join(_of_level(name.name, meanings))
        case "symbol":
            return f"`{name.name}` is a value of `{name.owner}`"
        case "kind of evidence" if name.name in (kinds := meanings.kinds()) and kinds[name.name].fields:
            return _of_kind(kinds[name.name])
        case "function":
            return f"`{name.name}`: {KEYWORDS[name.name]}" if name.name in KEYWORDS else ""
        case "person":
            return "\n\n".join(_of_person(name.name, meanings))
    declaration = meanings.declared.get(name.kind, {}).get(name.name)
    if declaration is None:
        return ""
    parts = [f"**{name.kind} `{name.name}`**", *_facts(declaration, analysis)]
    return "\n\n".join([*parts, *_as_written(declaration.span, analysis.sources)])


def _facts(node: ast.Declaration, analysis: Analysis) -> Iterator[str]:
    """Yield what the text of a declaration does not show at once."""
    meanings = analysis.meanings
    match node:
        case ast.Group(members=None):
            yield "The directory names its members."
        case ast.Group():
            count = len(set(node.members or ()))
            yield f"{count} {'person' if count == 1 else 'people'}: {', '.join(sorted(set(node.members or ())))}"
        case ast.Environment():
            yield f"Comes after {', '.join(node.after)}." if node.after else "Comes first."
        case ast.Window():
            yield f"Times are those of {node.zone}."
        case ast.Let():
            type_ = meanings.type_of(node.value, Place())
            yield f"Type: {_type(type_)}" if type_ is not None else ""
        case ast.Gate():
            fresh = [unparse.duration(i.duration) for i in node.items if isinstance(i, ast.FreshFor)]
            by = f' by "{node.producer}"' if node.producer else ""
            age = f", not older than {fresh[0]}" if fresh else ", of any age"
            yield f"Reads {node.kind} evidence{by}{age}."
        case ast.Rule() | ast.Override() | ast.Invariant() | ast.Scenario() if node.title:
            yield node.title


def _as_written(span: Span, sources: dict[str, Source]) -> Iterator[str]:
    """Yield the comment above a declaration, and its text."""
    lines = sources[span.file].text.split("\n")
    first = span.line - 1
    while first > 0 and lines[first - 1].startswith("#"):
        first -= 1
    if first < span.line - 1:
        yield "\n".join(line.strip("# \r") for line in lines[first : span.line - 1])
    shown = lines[span.line - 1 : span.end_line]
    if len(shown) > _LONGEST:
        shown = [*shown[: _LONGEST - 1], "  …"]
    body = "\n".join(line.rstrip() for line in shown)
    yield f"```gate\n{body}\n```"


def _of_level(level: str, meanings: Meanings) -> Iterator[str]:
    if meanings.risk is None:
        return
    yield f"**risk level `{level}`**"
    yield " < ".join(f"**{each}**" if each == level else each for each in meanings.levels)
    for case in meanings.risk.cases:
        if case.level == level:
            yield (
                "Where nothing else holds."
                if case.condition is None
                else f"When `{unparse.expression(case.condition)}`"
            )


def _of_person(person: str, meanings: Meanings) -> Iterator[str]:
    yield f"**person `{person}`**"
    groups = [g for g in meanings.declared["group"].values() if isinstance(g, ast.Group)]
    member = [g.name for g in groups if person in (g.members or ())]
    if member:
        yield f"Member of {', '.join(member)}."


# -- fields


def _of_field(name: Name, meanings: Meanings) -> str:
    if name.kind == "change":
        return f"`change`: {KEYWORDS['change']}"
    if name.kind == "risk":
        return f"**risk**\n\n{' < '.join(meanings.levels)}"
    if name.kind == "attribute":
        declared = meanings.declared["attribute"].get(name.name)
        default = declared.default if isinstance(declared, ast.Attribute) else None
        said = "The change must carry it." if default is None else f"Default: `{unparse.literal(default)}`"
        return "\n\n".join([f"**attribute `{name.name}`**: {_type(meanings.change_fields()[name.name].type)}", said])
    field = _field(name, meanings)
    if field is None:
        return ""
    nullable = ["May be unknown, which makes what uses it undetermined."] if field.nullable else []
    doc = [field.doc] if field.doc else []
    return "\n\n".join([f"**field `{name.name}`**: {_type(field.type)}", *doc, *nullable])


def _field(name: Name, meanings: Meanings) -> FieldType | None:
    if name.kind == "change field" and not name.owner:
        return meanings.change_fields().get(name.name)
    if name.owner.startswith("change."):
        part = meanings.change_fields().get(name.owner.removeprefix("change."))
        if part is not None and part.type.fields:
            return part.type.field(name.name)
    if name.owner in meanings.declared["gate"]:
        return meanings.gate_fields(name.owner).get(name.name)
    kinds = [field.type for kind in meanings.kinds().values() for field in kind.fields]
    lists = [t.item for t in [*kinds, *(f.type for f in meanings.change_fields().values())] if t.item is not None]
    return next((item.field(name.name) for item in lists if item.name == name.owner), None)


def _type(type_: Type) -> str:
    if type_.is_enumeration:
        return (" < " if type_.ordered else " ").join(f"`{member}`" for member in type_.members)
    return str(type_)


def _of_kind(kind: Type) -> str:
    rows = "\n".join(f"- `{f.name}`: {f.type}{' (may be unknown)' if f.nullable else ''}" for f in kind.fields)
    return f"**{kind.name} evidence**\n\n{rows}"
