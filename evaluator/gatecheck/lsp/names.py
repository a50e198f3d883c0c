"""Where every name of a pack stands, and what it names there.

The syntax tree tells which names a node holds, and its tokens tell where: the names of a node are the tokens of that
kind within its span. So each declaration is parsed with its tokens (once, and kept by its text), and its tree is
walked. What a name in an expression stands for depends on what the pack declares, and is looked up in `lsp.meanings`.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from gatecheck.lang import ast, scenario
from gatecheck.lang.expressions import OF_DECISION
from gatecheck.lang.parser import parse_tokens
from gatecheck.lang.types import FieldType, Type
from gatecheck.lsp.meanings import DECLARED, Meanings, Place, kind_of
from gatecheck.text.diagnostic import RulesError
from gatecheck.text.source import Source, Span

_ROUGH = re.compile(r'"(?:[^"\\]|\\.)*"?|#.*|[0-9][\w:.-]*|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)')


class Word(NamedTuple):
    """A token: its kind in the grammar, its text and its place."""

    kind: str
    text: str
    span: Span


class Name(NamedTuple):
    """A name where it stands. ``owner`` tells fields and symbols of one name apart: a gate, or a type."""

    kind: str
    name: str
    span: Span
    is_definition: bool = False
    owner: str = ""

    def is_same(self, other: "Name") -> bool:
        """Tell whether two names name one thing."""
        return (self.kind, self.name, self.owner) == (other.kind, other.name, other.owner)


class Written(NamedTuple):
    """A stretch of a file with its words; with neither where it does not parse."""

    declarations: tuple[ast.Declaration, ...]
    words: tuple[Word, ...]
    parses: bool = True


def read_words(source: Source) -> Written:
    """Return what a stretch of a file declares, and its words."""
    try:
        file, tokens = parse_tokens(source)
    except RulesError:
        return Written((), (), parses=False)
    words = tuple(
        Word(
            t.type, str(t), Span(source.name, t.line or 1, t.column or 1, t.end_line or 1, t.end_column or 1)
        ) for t in tokens
    )  # fmt: skip
    return Written(file.declarations, words)


def names_in(written: Written, meanings: Meanings) -> list[Name]:
    """Return the names in a stretch of a file, in the order of the text."""
    walk = _Walk(written.words, meanings)
    found = [name for declaration in written.declarations for name in walk.declaration(declaration)]
    return sorted(found, key=lambda name: name.span)


def rough_names(source: Source, meanings: Meanings) -> list[Name]:
    """Return the names in a stretch that does not parse: what it declares, and words that name just one thing."""
    found: list[Name] = []
    for number, line in enumerate(source.text.split("\n"), 1):
        for match in _ROUGH.finditer(line):
            if match["name"] is None:
                continue
            text, span = match["name"], Span(source.name, number, match.start() + 1, number, match.end() + 1)
            before = line[: match.start()].split()
            if len(before) == 1 and (kind := kind_of(before[0])) in meanings.declared:
                found.append(Name(kind, text, span, is_definition=True))
            elif len(kinds := [kind for kind in meanings.declared if text in meanings.names(kind)]) == 1:
                found.append(Name(kinds[0], text, span))
    return found


class _Walk:
    def __init__(self, words: Sequence[Word], meanings: Meanings) -> None:
        self.words = [w for w in words if w.kind in ("NAME", "STRING", "LBRACE", "ZONE")]
        self.starts = [(w.span.line, w.span.column) for w in self.words]
        self.meanings = meanings

    def within(self, span: Span, *kinds: str) -> list[Word]:
        """Return the words of some kinds, names unless said otherwise, within a span."""
        first = bisect_left(self.starts, (span.line, span.column))
        last = bisect_left(self.starts, (span.end_line, span.end_column))
        return [w for w in self.words[first:last] if w.kind in (kinds or ("NAME",))]

    def all_in(self, kind: str, span: Span, names: Iterable[str] | None = None) -> Iterator[Name]:
        """Yield each name within a span as one kind; given ``names``, only those."""
        wanted = None if names is None else set(names)
        yield from (Name(kind, w.text, w.span) for w in self.within(span) if wanted is None or w.text in wanted)

    def people(self, span: Span, people: Iterable[str]) -> Iterator[Name]:
        wanted = set(people)
        for word in self.within(span, "NAME", "STRING"):
            said = word.text[1:-1] if word.kind == "STRING" else word.text
            if said in wanted:
                yield Name("person", said, word.span)

    # -- declarations

    def declaration(self, node: ast.Declaration) -> Iterator[Name]:
        words = self.within(node.span)
        if type(node) in DECLARED and words:
            yield Name(DECLARED[type(node)], words[0].text, words[0].span, is_definition=True)
        match node:
            case ast.Environment():
                yield from _zipped("environment", node.after, node.after_spans)
            case ast.Risk():
                yield from self.risk(node)
            case ast.Attribute():
                yield Name("type", node.type.name, node.type.span)
            case ast.Group(members=members) if members:
                yield from self.people(_after(words[0], node.span), members)
            case ast.Window():
                yield Name("zone", node.zone, node.zone_span)
            case ast.Let():
                yield from self.expression(node.value, Place())
            case ast.Gate():
                yield Name("kind of evidence", node.kind, node.kind_span)
                for item in node.items:
                    yield from self.gate_item(node.name, item)
            case ast.Rule() | ast.Invariant() | ast.Override() | ast.Waiver():
                yield from self.scoped(node)
            case ast.Scenario():
                for each in node.items:
                    yield from self.scenario_item(each)

    def risk(self, node: ast.Risk) -> Iterator[Name]:
        brace = self.within(node.span, "LBRACE")[0].span
        for word in self.within(node.span.to(brace)):
            if word.span < brace:
                yield Name("risk level", word.text, word.span, is_definition=True)
        for case in node.cases:
            level = self.within(case.span)[0]
            yield Name("risk level", level.text, level.span)
            if case.condition is not None:
                yield from self.expression(case.condition, Place())

    def gate_item(self, gate: str, item: ast.GateItem) -> Iterator[Name]:
        if isinstance(item, ast.PassWhen):
            yield from self.expression(item.condition, Place(gate))
        elif isinstance(item, ast.Field):
            yield Name("field", item.name, self.within(item.span)[0].span, is_definition=True, owner=gate)
            yield Name("type", item.type.name, item.type.span)
        elif isinstance(item, ast.SignedBy):
            yield from self.people(item.span, item.signers)

    def scoped(self, node: ast.Rule | ast.Invariant | ast.Override | ast.Waiver) -> Iterator[Name]:
        if isinstance(node, ast.Waiver):
            for target, span in zip(node.targets, node.target_spans, strict=True):
                yield Name("gate" if target in self.meanings.declared["gate"] else "rule", target, span)
        yield from _zipped("environment", node.environments, node.environment_spans)
        place = Place(of_decision=isinstance(node, ast.Invariant))
        if isinstance(node, ast.Rule | ast.Invariant) and node.guard is not None:
            yield from self.expression(node.guard, place)
        for each in node.statements if isinstance(node, ast.Rule) else node.items:
            yield from self.statement(each, place)

    def statement(self, node: ast.Statement | ast.WaiverItem | ast.OverrideItem, place: Place) -> Iterator[Name]:
        match node:
            case ast.Require():
                for condition in node.conditions:
                    yield from self.expression(condition, place)
            case ast.Forbid() | ast.AppliesWhen():
                yield from self.expression(node.condition, place)
            case ast.When():
                yield from self.expression(node.guard, place)
                for each in node.body:
                    yield from self.statement(each, place)
            case ast.Approve():
                yield from self.approve(node)
            case ast.Review():
                yield from self.all_in("group", node.span)
            case ast.Owner():
                yield from self.people(node.span, [node.name])

    def approve(self, node: ast.Approve) -> Iterator[Name]:
        yield from self.all_in("group", node.quorum.span)
        for excluding in node.excluding:
            yield from self.all_in("environment", excluding.span)
        for escalation in node.escalations:
            yield from self.all_in("group", escalation.span)

    # -- tests

    def scenario_item(self, node: ast.Node) -> Iterator[Name]:
        first = self.within(node.span)[:1]
        match node:
            case scenario.GivenChange():
                yield from self.fields(node.fields, self.meanings.change_fields(), "")
                if node.environment:
                    yield Name("environment", node.environment, self.within(node.span)[-1].span)
            case scenario.GivenGate() | scenario.GivenSignature() | scenario.GivenEvidence():
                yield Name("gate", node.gate, first[0].span)
                if isinstance(node, scenario.GivenEvidence):
                    yield from self.fields(node.fields, self.meanings.gate_fields(node.gate), node.gate)
                elif isinstance(node, scenario.GivenSignature):
                    yield from self.people(_after(first[0], node.span), node.signers)
            case scenario.GivenStances():
                for said in node.said:
                    yield from self.people(said.span, [said.person])
                if node.environment:
                    yield Name("environment", node.environment, self.within(node.span)[-1].span)
            case scenario.GivenGroup():
                yield Name("group", node.group, first[0].span)
                yield from self.people(_after(first[0], node.span), node.members)
            case scenario.GivenDelegate():
                yield from self.people(node.span, [node.delegate, node.person])
            case scenario.GivenSoak():
                yield Name("environment", node.environment, self.within(node.span)[-1].span)
            case scenario.GivenAllowed():
                yield Name("environment", node.environment, first[0].span)
                yield from self.people(_after(first[0], node.span), node.people)
            case scenario.GivenRisk() | scenario.ExpectRisk():
                yield from self.all_in("risk level", node.span)
            case scenario.Each():
                yield from self.each(node)
            case scenario.ExpectFinding():
                yield from self.expected(node)
            case scenario.ExpectMissing():
                yield from (self.either(w, "group", "gate", "environment") for w in self.within(node.span))

    def each(self, node: scenario.Each) -> Iterator[Name]:
        if node.field.parts == ("environment",):
            yield from self.all_in("environment", node.values.span)
            return
        yield from self.expression(node.field, Place())
        wanted = self.meanings.type_of(node.field, Place())
        for item in node.values.items:
            yield from self.expression(item, Place(), wanted)

    def expected(self, node: scenario.ExpectFinding) -> Iterator[Name]:
        words = self.within(node.span)
        kinds = (node.kind,) if node.kind else ("rule",) if node.gate else ("rule", "gate")
        yield self.either(words[0], *kinds)
        if node.gate:
            yield Name("gate", words[1].text, words[1].span)
        yield from (self.either(w, "group", "gate", "environment") for w in words[2 if node.gate else 1 :])

    def either(self, word: Word, *kinds: str) -> Name:
        """Return a name as the first of some kinds that declares it, else as the first."""
        kind = next((k for k in kinds if word.text in self.meanings.declared[k]), kinds[0])
        return Name(kind, word.text, word.span)

    def fields(self, node: scenario.Fields, fields: dict[str, FieldType], owner: str) -> Iterator[Name]:
        """Yield the keys and values of a record; without ``owner``, one of a change."""
        for pair in node.pairs:
            key = self.within(pair.span)[0]
            kind = "field" if owner else self.kind_of_change_field(pair.key)
            yield Name(kind, pair.key, key.span, owner=owner)
            field = fields.get(pair.key)
            yield from self.value(pair.value, field.type if field is not None else None, owner)

    def value(self, node: scenario.Value, type_: Type | None, owner: str) -> Iterator[Name]:
        if isinstance(node, scenario.Fields):
            inner = {f.name: f for f in type_.fields} if type_ is not None else {}
            yield from self.fields(node, inner, type_.name if type_ is not None else owner or "change")
        elif isinstance(node, scenario.Values):
            for item in node.items:
                yield from self.value(item, type_.item if type_ is not None else None, owner)
        elif isinstance(node, ast.Reference):
            yield from self.expression(node, Place(), type_)

    # -- expressions

    def expression(self, node: ast.Expression, place: Place, expected: Type | None = None) -> Iterator[Name]:
        match node:
            case ast.Reference():
                yield from self.reference(node, place, expected)
            case ast.ListOf():
                for item in node.items:
                    yield from self.expression(item, place, expected.item if expected is not None else None)
            case ast.Call():
                yield from self.call(node, place)
            case ast.During():
                word = self.within(node.span)[-1]
                yield Name("window", word.text, word.span)
            case ast.Compare():
                yield from self.sides(node.left, node.right, place)
            case ast.Contains():
                listed = self.meanings.type_of(node.items, place)
                yield from self.expression(node.item, place, listed.item if listed is not None else None)
                wanted = self.meanings.type_of(node.item, place)
                yield from self.expression(node.items, place, Type("list", item=wanted))
            case ast.Not():
                yield from self.expression(node.operand, place)
            case ast.And() | ast.Or():
                for operand in node.operands:
                    yield from self.expression(operand, place)
            case ast.Matches():
                yield from self.expression(node.text, place)

    def sides(self, left: ast.Expression, right: ast.Expression, place: Place) -> Iterator[Name]:
        """Yield the names of two sides, each with the type of the other, which tells what a bare name means."""
        yield from self.expression(left, place, self.meanings.type_of(right, place))
        yield from self.expression(right, place, self.meanings.type_of(left, place))

    def call(self, node: ast.Call, place: Place) -> Iterator[Name]:
        word = self.within(node.span)[0]
        yield Name("function", node.function, word.span)
        if node.function == "soak":
            yield from self.all_in("environment", node.argument.span)
            return
        yield from self.expression(node.argument, place)
        if node.where is not None:
            items = self.meanings.type_of(node.argument, place)
            yield from self.expression(node.where, place._replace(item=items.item if items is not None else None))

    def reference(self, node: ast.Reference, place: Place, expected: Type | None) -> Iterator[Name]:
        words = self.within(node.span)
        head = words[0]
        if len(words) == 1 and expected is not None and head.text in expected.members:
            is_level = expected.name == "risk"
            yield Name(
                "risk level" if is_level else "symbol", head.text, head.span, owner="" if is_level else str(expected)
            )
            return
        yield self.head(head, place, alone=len(words) == 1)
        owner = "" if head.text == "change" else head.text
        for before, word in pairwise(words):
            kind = "field" if owner else self.kind_of_change_field(word.text)
            yield Name(kind, word.text, word.span, owner=owner)
            owner = owner or f"change.{before.text}"

    def head(self, word: Word, place: Place, *, alone: bool) -> Name:
        """Return what the first part of a dotted name names; the kind is empty where nobody knows it."""
        text, meanings = word.text, self.meanings
        if alone and place.item is not None and (place.item.field(text) is not None or text == "it"):
            return Name("field", text, word.span, owner=place.item.name)
        if alone and place.gate and text in meanings.gate_fields(place.gate):
            return Name("field", text, word.span, owner=place.gate)
        if text == "change" and not alone:
            return Name("change", text, word.span)
        if text == "risk" and meanings.risk is not None:
            return Name("risk", text, word.span)
        if alone and place.of_decision and text in OF_DECISION:
            return Name("field", text, word.span, owner="decision")
        kind = next((k for k in ("let", "gate") if text in meanings.declared[k]), "")
        return Name(kind, text, word.span)

    def kind_of_change_field(self, name: str) -> str:
        return "attribute" if name in self.meanings.declared["attribute"] else "change field"


def _zipped(kind: str, names: Iterable[str], spans: Iterable[Span]) -> Iterator[Name]:
    return (Name(kind, name, span) for name, span in zip(names, spans, strict=True))


def _after(word: Word, span: Span) -> Span:
    """Return what is left of a span behind a word."""
    return Span(span.file, word.span.end_line, word.span.end_column, span.end_line, span.end_column)
