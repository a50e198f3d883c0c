"""What may stand where the caret is: words that the grammar accepts there, and the names that fit.

The declaration is parsed up to the caret, and the parser itself says what it would accept next. Where that is a name,
the words before it tell of what kind. An error further up in the declaration is stepped over: then only the lines that
open the blocks around the caret are parsed, and the caret's own line.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gatecheck.lang import ast
from gatecheck.lang.expected import starts_declaration
from gatecheck.lang.expressions import FUNCTIONS
from gatecheck.lang.parser import parse_start
from gatecheck.lang.types import SCALARS, Type
from gatecheck.lsp.keywords import KEYWORDS
from gatecheck.lsp.meanings import Meanings, Place
from gatecheck.text.source import Span
from gatecheck.text.zones import zone_names

_PARTIAL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*$")
_PARTIAL_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]*$")
_CLOSED = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_COMMENT = re.compile(r'("(?:[^"\\\n]|\\.)*")|#[^\n]*')
_OPERATORS = {"COMPARE", "IN"}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WRITTEN_TYPES = ("bool", "date", "decimal", "duration", "instant", "int", "percent", "string")


class Choice(NamedTuple):
    """Something that may stand at the caret. ``kind`` is that of a name, `keyword`, `function` or `value`."""

    label: str
    kind: str
    detail: str = ""
    doc: str = ""


class _Token(NamedTuple):
    kind: str
    text: str


def choices(before: str, meanings: Meanings) -> list[Choice]:
    """Return what may stand after a file's text up to the caret, names first; nothing in a text or a comment."""
    line = before[before.rfind("\n") + 1 :]
    rest = _CLOSED.sub("", line)
    if '"' in rest or "#" in rest:
        return []
    found: dict[str, Choice] = {}
    for partial in (_PARTIAL, _PARTIAL_ZONE):
        typed = partial.search(before)
        for choice in _at(before[: typed.start()] if typed else before, meanings, typed[0] if typed else ""):
            found.setdefault(choice.label, choice)
        if found:
            break
    return list(found.values())


def _at(before: str, meanings: Meanings, typed: str) -> Iterator[Choice]:
    declaration = _declaration(before)
    for text in (declaration, _essence(declaration)):
        parsed = parse_start(text)
        if parsed is None:
            continue
        tokens, accepted = [_Token(t.type, str(t)) for t in parsed[0]], parsed[1]
        if [t.kind for t in tokens[:4]] == ["GATE", "NAME", "FROM", "NAME"]:
            meanings = meanings.with_gate(_gate(tokens))
        if "NAME" in accepted:
            yield from _names(tokens, meanings)
        if "ZONE" in accepted and (typed or tokens[-1].kind == "IN"):
            yield from (Choice(zone, "value", "time zone") for zone in sorted(zone_names()))
        if "DAYS" in accepted:
            yield from (Choice(day, "value", "day of the week") for day in _DAYS)
        is_condition = "NOT" in accepted and not _is_soak(tokens)
        if not is_condition or _is_narrow(tokens, _place(tokens, meanings)):
            accepted.discard("DURING")
        yield from _keywords(accepted, is_condition=is_condition)
        return


def _gate(tokens: Sequence[_Token]) -> ast.Gate:
    """Return what is written of a gate that may not be whole yet: its kind of evidence, and its fields."""
    at = Span("", 1, 1, 1, 1)
    fields = tuple(
        ast.Field(at, name.text, ast.TypeName(at, type_.text))
        for word, name, _, type_ in zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False)
        if word.kind == "FIELD"
    )
    return ast.Gate(at, tokens[1].text, tokens[3].text, at, "", fields)


def _keywords(accepted: set[str], *, is_condition: bool) -> Iterator[Choice]:
    for kind in sorted(accepted):
        word = "at" if kind == "SAID_AT" else kind.lower()
        if word in ("true", "false", "not"):
            if is_condition or (word == "not" and "NAME" not in accepted) or "OVERRIDDEN" in accepted:
                yield Choice(word, "keyword", doc=KEYWORDS[word])
        elif word in KEYWORDS:
            yield Choice(word, "keyword", doc=KEYWORDS[word])


def _declaration(before: str) -> str:
    """Return the text from the start of the declaration in which the caret stands, nothing between two."""
    lines = before.split("\n")
    at = next((n for n in reversed(range(len(lines))) if starts_declaration(lines[n])), 0)
    is_between = not lines[-1].strip() and not _is_open(lines[at:])
    return "" if is_between else "\n".join(lines[at:])


def _is_open(lines: Sequence[str]) -> bool:
    """Tell whether a block, or a bracket, is open at the end of some lines."""
    said = "\n".join(_CLOSED.sub("", line).partition("#")[0] for line in lines)
    return sum(said.count(sign) for sign in "{([") > sum(said.count(sign) for sign in "})]")


def _essence(text: str) -> str:
    """Return the lines that open the blocks around the end of a text, and its last line."""
    lines = [_COMMENT.sub(lambda m: m[1] or "", line) for line in text.split("\n")]
    opened: list[tuple[int, int]] = []  # line, and where its brace ends
    for number, line in enumerate(lines[:-1]):
        for at, sign in enumerate(_CLOSED.sub(lambda m: " " * len(m[0]), line)):
            if sign == "{":
                opened.append((number, at + 1))
            elif sign == "}" and opened:
                opened.pop()
    return "\n".join([*(lines[number][:end] for number, end in dict(opened).items()), lines[-1]])


# -- names


def _names(tokens: Sequence[_Token], meanings: Meanings) -> Iterator[Choice]:
    """Yield the names that fit behind some tokens."""
    declares = tokens[0].kind if tokens else ""
    start = _list_start(tokens)
    before = tokens[start - 1].kind if start else ""
    said = _statement(tokens)
    if before == "DOT":
        yield from _members(tokens[:start], declares, meanings)
    elif (kinds := _declared_kinds(declares, before, said, tokens)) is not None:
        for kind in kinds:
            yield from _of_kind(kind, meanings)
    elif not _is_new_name(declares, before, tokens):
        yield from _operands(tokens, declares, said, meanings)


def _list_start(tokens: Sequence[_Token]) -> int:
    """Return where a list of names, at whose end another is to stand, begins."""
    at = len(tokens)
    while at >= 2 and tokens[at - 1].kind == "COMMA" and tokens[at - 2].kind in ("NAME", "STRING"):
        at -= 2
    return at


_STATEMENTS = {
    "APPROVE", "REQUIRE", "FORBID", "WHEN", "PASS", "FRESH", "SIGNED", "FIELD", "DEPLOY", "GIVEN", "EXPECT", "EACH",
    "ESCALATE", "EXCLUDING", "OWNER", "REVIEW", "OTHERWISE",
}  # fmt: skip


def _statement(tokens: Sequence[_Token]) -> str:
    """Return the word with which the innermost statement, or part of one, begins."""
    return next((t.kind for t in reversed(tokens) if t.kind in _STATEMENTS), tokens[0].kind if tokens else "")


def _declared_kinds(declares: str, before: str, said: str, tokens: Sequence[_Token]) -> tuple[str, ...] | None:
    """Return the kinds of names that stand there, ``None`` where it is an expression or something new."""
    if before == "FOR":
        return _for(said, tokens)
    if before == "AFTER" and declares == "ENVIRONMENT":
        return ("environment",)
    if before == "FROM" and declares == "GATE":
        return ("kind of evidence",)
    if before == "WAIVE":
        return ("gate", "rule")
    if before == "DURING":
        return ("window",)
    if before == "OTHERWISE" or (declares == "RISK" and before in ("LBRACE", "NAME") and _is_case(tokens)):
        return ("risk level",)
    if before == "COLON" and (declares == "ATTRIBUTE" or said == "FIELD"):
        return ("type",)
    if before in ("BY", "AND", "OR", "THEN", "INT", "LPAR", "TO", "OF") and said in ("APPROVE", "REVIEW", "ESCALATE"):
        return ("group",)
    if before == "OF" and said == "EXCLUDING":
        return ("environment",)
    if before in ("BY", "OWNER") or (declares == "GROUP" and before == "EQUAL"):
        return ("person",)
    return _in_test(before, said, tokens) if declares == "TEST" else None


def _for(said: str, tokens: Sequence[_Token]) -> tuple[str, ...]:
    if said == "EXPECT":
        return ("group", "gate", "environment")
    return ("person",) if any(t.kind == "ACTS" for t in tokens[-3:]) else ("environment",)


def _in_test(before: str, said: str, tokens: Sequence[_Token]) -> tuple[str, ...] | None:
    kinds: dict[tuple[str, str], tuple[str, ...]] = {
        ("GIVEN", "GIVEN"): ("gate",),
        ("GIVEN", "GROUP"): ("group",),
        ("GIVEN", "EQUAL"): ("person",),
        ("GIVEN", "RISK"): ("risk level",),
        ("GIVEN", "TO"): ("environment",),
        ("GIVEN", "IN"): ("environment",),
        ("EXPECT", "EXPECT"): ("rule", "gate"),
        ("EXPECT", "RULE"): ("rule",),
        ("EXPECT", "GATE"): ("gate",),
        ("EXPECT", "SLASH"): ("gate",),
        ("EXPECT", "RISK"): ("risk level",),
        ("EXPECT", "MISSING"): ("group", "gate", "environment"),
    }
    if said == "EACH" and before == "LSQB" and tokens[_list_start(tokens) - 3].text == "environment":
        return ("environment",)
    return kinds.get((said, before))


def _is_case(tokens: Sequence[_Token]) -> bool:
    """Tell whether a case of `risk` begins here, and not an expression."""
    kinds = [t.kind for t in tokens]
    return "LBRACE" in kinds and kinds[-1] in ("LBRACE", "NAME", "RSQB", "STRING", "RPAR")


def _is_new_name(declares: str, before: str, tokens: Sequence[_Token]) -> bool:
    return len(tokens) == 1 or (declares == "RISK" and before == "LESSTHAN") or before in ("FIELD", "WITH")


def _of_kind(kind: str, meanings: Meanings) -> Iterator[Choice]:
    if kind == "type":
        yield from (Choice(name, "type", "type") for name in _WRITTEN_TYPES)
    elif kind == "kind of evidence":
        yield from (Choice(name, kind, "kind of evidence") for name in meanings.kinds())
    elif kind == "person":
        people = {p for g in meanings.declared["group"].values() for p in getattr(g, "members", None) or ()}
        yield from (Choice(name if name.isidentifier() else f'"{name}"', kind, "person") for name in sorted(people))
    else:
        yield from (Choice(name, kind, kind) for name in meanings.names(kind))


# -- expressions


def _is_soak(tokens: Sequence[_Token]) -> bool:
    return [t.text for t in tokens[-2:]] == ["soak", "("]


def _is_narrow(tokens: Sequence[_Token], place: Place) -> bool:
    """Tell whether gates, windows and soaks can't be asked here: in a gate, in `risk`, or about an item."""
    return place.gate != "" or place.item is not None or tokens[0].kind == "RISK"


def _place(tokens: Sequence[_Token], meanings: Meanings) -> Place:
    declares = tokens[0].kind if tokens else ""
    gate = tokens[1].text if declares == "GATE" and len(tokens) > 1 else ""
    place = Place(gate, of_decision=declares == "INVARIANT")
    opened: list[int] = []
    for at, token in enumerate(tokens):
        if token.kind == "LPAR":
            opened.append(at)
        elif token.kind == "RPAR" and opened:
            opened.pop()
    for at in opened:
        inside = tokens[at + 1 :]
        kinds = [t.kind for t in inside]
        if "WHERE" in kinds:
            named = tuple(t.text for t in inside[: kinds.index("WHERE")] if t.kind == "NAME")
            items = meanings.type_named(named, place) if named else None
            place = place._replace(item=items.item if items is not None else None)
    return place


def _operands(tokens: Sequence[_Token], declares: str, said: str, meanings: Meanings) -> Iterator[Choice]:
    """Yield what an operand may be: a value of the type on the other side, or whatever has a value."""
    place = _place(tokens, meanings)
    if declares == "TEST" and said == "GIVEN":
        yield from _record(tokens, meanings)
        return
    if _is_soak(tokens):
        yield from _of_kind("environment", meanings)
        return
    wanted = _wanted(tokens, place, meanings)
    if wanted is not None and wanted.is_enumeration:
        yield from (Choice(member, "value", _named(wanted)) for member in wanted.members)
        return
    if tokens[-1].kind in ("LSQB", "COMMA") and "LSQB" in (t.kind for t in tokens):
        return
    narrow = _is_narrow(tokens, place)
    for name, kind, type_ in meanings.heads(place):
        if (kind == "gate" and narrow) or (kind == "risk" and declares == "RISK"):
            continue
        field = meanings.gate_fields(place.gate).get(name) if kind == "field" and place.item is None else None
        yield Choice(name, kind, str(type_) if type_ is not None else kind, field.doc if field is not None else "")
    functions = [f for f in FUNCTIONS if place.item is None and not (narrow and f == "soak")]
    yield from (Choice(name, "function", "function", KEYWORDS[name]) for name in functions)


def _wanted(tokens: Sequence[_Token], place: Place, meanings: Meanings) -> Type | None:
    """Return the type that a value must have beside the operator before it, if there is one."""
    at = len(tokens) - 1
    in_list = False
    while at >= 0 and tokens[at].kind in ("NAME", "STRING", "INT", "COMMA", "LSQB") and not in_list:
        in_list = tokens[at].kind == "LSQB"
        at -= 1
    if at < 1 or tokens[at].kind not in _OPERATORS or (in_list is (tokens[at].kind == "COMPARE")):
        return None
    end = at = at - 1 if tokens[at - 1].kind == "NOT" else at
    while at > 0 and tokens[at - 1].kind in ("NAME", "DOT"):
        at -= 1
    parts = tuple(t.text for t in tokens[at:end] if t.kind == "NAME")
    return meanings.type_named(parts, place) if parts else None


def _named(type_: Type) -> str:
    return "risk level" if type_.name == "risk" else type_.name


def _members(tokens: Sequence[_Token], declares: str, meanings: Meanings) -> Iterator[Choice]:
    """Yield the fields behind the dot at the end of some tokens."""
    path: list[str] = []
    at = len(tokens) - 1
    while at > 0 and tokens[at].kind == "DOT" and tokens[at - 1].kind == "NAME":
        path.insert(0, tokens[at - 1].text)
        at -= 2
    head, *rest = path or [""]
    fields = meanings.change_fields() if head == "change" else meanings.gate_fields(head)
    for part in rest:
        fields = {f.name: f for f in fields[part].type.fields} if part in fields else {}
    if declares == "GATE" and head != "change":
        return
    for field in fields.values():
        kind = "attribute" if head == "change" and field.name in meanings.declared["attribute"] else "field"
        yield Choice(field.name, kind, str(field.type), field.doc)


def _record(tokens: Sequence[_Token], meanings: Meanings) -> Iterator[Choice]:
    """Yield the keys of a record in a test, or the values of its key."""
    kinds = [t.kind for t in tokens]
    start = len(kinds) - 1 - kinds[::-1].index("GIVEN")
    given = tokens[start + 1 :]
    is_change = bool(given) and given[0].kind == "CHANGE"
    fields = meanings.change_fields() if is_change else meanings.gate_fields(given[0].text if given else "")
    key = ""
    for at, token in enumerate(given):
        if token.kind == "COLON":
            key = given[at - 1].text
        elif token.kind == "LBRACE" and key and key in fields:
            inner = fields[key].type.item or fields[key].type
            fields, key = {f.name: f for f in inner.fields}, ""
    if given and given[-1].kind in ("LBRACE", "COMMA") and not _in_values(given):
        yield from (Choice(f.name, "field", str(f.type), f.doc) for f in fields.values())
    elif key in fields:
        type_ = fields[key].type.item or fields[key].type
        yield from (Choice(member, "value", type_.name) for member in type_.members)
        if type_ == SCALARS["bool"]:
            yield from (Choice(word, "value", "bool") for word in ("true", "false"))


def _in_values(tokens: Sequence[_Token]) -> bool:
    """Tell whether a list, and no record within it, is what is open last."""
    opened: list[str] = []
    for token in tokens:
        if token.kind in ("LBRACE", "LSQB"):
            opened.append(token.kind)
        elif token.kind in ("RBRACE", "RSQB") and opened:
            opened.pop()
    return opened[-1:] == ["LSQB"]
