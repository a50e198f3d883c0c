"""Check and resolve expressions against the vocabulary: AST in, core out, every problem collected on the way.

What does not check becomes a constant of the type `unknown`, which silences what would only follow from it.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from typing import Any

from msgspec.structs import replace

from gatecheck.lang import ast, core, meant, types, unparse
from gatecheck.lang.types import BOOL, INT, PERSON, UNKNOWN, Type
from gatecheck.model.identity import fold
from gatecheck.text.diagnostic import Diagnostic
from gatecheck.text.glob import translate, translate_text
from gatecheck.text.nearest import did_you_mean, nearest
from gatecheck.text.source import Span

_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
_PLAIN = (core.Const, core.ChangeField, core.AttributeField, core.EvidenceField, core.ItemField, core.Item)
_RULES_ONLY = (core.GateResult, core.EvidenceField, core.During, core.Soak)
_LARGEST = 20_000  # expressions in one condition, with every `let` written out
_DEEPEST = 60  # levels
OF_DECISION = {"approvers": INT, "overridden": BOOL}  # what an invariant may ask of a decision
FUNCTIONS = ("all", "any", "count", "soak")
_ALIASES = {
    "len": "count",
    "size": "count",
    "length": "count",
    "exists": "any",
    "some": "any",
    "every": "all",
    "forall": "all",
}


class Names:
    """What names mean in a pack: declarations by name, and the types that the vocabulary gives them."""

    def __init__(
        self,
        change: Type,
        risk: Type | None,
        attributes: Mapping[str, Type],
        gates: Mapping[str, tuple[Type, Mapping[str, Type]]],
        lets: Mapping[str, ast.Let],
        windows: Iterable[str],
        environments: Iterable[str],
        broken: frozenset[str],
        report: Callable[[Diagnostic], None],
    ) -> None:
        self.change = change
        self.risk = risk
        self.attributes = attributes
        self.gates = gates
        self.lets = lets
        self.windows = frozenset(windows)
        self.environments = frozenset(environments)
        self.broken = broken  # names whose declarations did not parse: what is said of them is not judged
        self.report = report
        self.resolved_lets: dict[str, core.Core] = {}
        self.open_lets: list[str] = []
        self.sizes: dict[str, tuple[int, int]] = {}  # of each `let`: expressions written out, and how deep they nest


class Resolver:
    """Resolve expressions in one place: a rule, a gate's own condition, or a `where` over some items."""

    def __init__(
        self, names: Names, gate: str = "", item: Type | None = None, within_risk: bool = False,
        of_decision: bool = False,
    ) -> None:  # fmt: skip
        self.names = names
        self.gate = gate
        self.item = item
        self.within_risk = within_risk
        self.of_decision = of_decision
        self.size = 0
        self.level = 0
        self.deepest = 0

    # -- entry points

    def condition(self, node: ast.Expression) -> core.Core:
        """Resolve an expression that must be true or false."""
        made = self.resolve(node, BOOL)
        if made.type not in (BOOL, UNKNOWN):
            label = f"this is {meant.a(made.type)}"
            hint = meant.as_condition(made, self.known_heads())
            self.problem("GC202", f"`{made.text}` is neither true nor false", node.span, label, hint)
            return self.unknown(node)
        return made

    def resolve(self, node: ast.Expression, expected: Type | None = None) -> core.Core:
        """Resolve any expression; ``expected`` lets a bare name be read as a symbol of that type."""
        self.size += 1
        self.level += 1
        self.deepest = max(self.deepest, self.level)
        made = self.resolve_any(node, expected)
        self.level -= 1
        return made

    def resolve_any(self, node: ast.Expression, expected: Type | None) -> core.Core:
        match node:
            case ast.Literal():
                return self.literal(node, expected)
            case ast.Reference():
                return self.reference(node, expected)
            case ast.ListOf():
                return self.list_of(node, expected)
            case ast.Call():
                return self.call(node)
            case ast.During():
                return self.during(node)
            case ast.Compare():
                return self.compare(node)
            case ast.Contains():
                return self.contains(node)
            case ast.Matches():
                return self.matches(node)
            case ast.Not():
                return core.Not(BOOL, unparse.expression(node), self.condition(node.operand))
            case ast.And():
                return core.And(BOOL, unparse.expression(node), tuple(self.condition(o) for o in node.operands))
            case ast.Or():
                return core.Or(BOOL, unparse.expression(node), tuple(self.condition(o) for o in node.operands))

    # -- leaves

    def literal(self, node: ast.Literal, expected: Type | None) -> core.Core:
        value: Any = node.value
        if expected == PERSON and node.kind == "string":
            return core.Const(PERSON, unparse.literal(node), fold(value))
        if node.kind == "instant":
            value = value.astimezone(UTC)
        type_ = BOOL if node.kind == "bool" else types.SCALARS[node.kind]
        return core.Const(type_, unparse.literal(node), value)

    def reference(self, node: ast.Reference, expected: Type | None) -> core.Core:
        text = ".".join(node.parts)
        head, rest = node.parts[0], node.parts[1:]
        if not rest and expected is not None and head in expected.members:
            return self.symbol(head, expected)
        found = self.head(node, head, rest, text)
        if found is not None:
            return found
        if head in self.names.broken or expected == UNKNOWN:
            return self.unknown(node)
        if not rest and expected is not None and expected.is_enumeration:
            word = {"risk": "a risk level", "severity": "a severity"}.get(expected.name, f"a value of `{expected}`")
            self.problem("GC201", f"`{head}` is not {word}", node.span, "", did_you_mean(head, expected.members))
        else:
            self.problem("GC201", f"unknown name `{text}`", node.span, "", self.likely(text, head, expected))
        return self.unknown(node)

    def likely(self, text: str, head: str, expected: Type | None) -> str:
        """Return what an unknown name most likely stands for."""
        if text.lower() in ("true", "false"):
            return f"write `{text.lower()}`"
        if text.lower() in ("null", "none", "nil"):
            return "there is no such value: what the evidence or the change leaves out is undetermined by itself"
        if text in self.names.windows:
            return f"write `during {text}`"
        if text == "change":
            return "name a field of the change, such as `change.type`"
        if head == "approvers":
            return "who approves is said by `approve by …`"
        known = [*self.known_heads(), *self.dotted(head)]
        near = nearest(text, known)
        if near is not None:
            return f"did you mean `{near}`?"
        if expected is not None and types.is_text(expected):
            return f'write text in quotes: `"{text}"`'
        return did_you_mean(text, known)

    def head(self, node: ast.Reference, head: str, rest: tuple[str, ...], text: str) -> core.Core | None:
        """Resolve a dotted name by its first word; ``None`` when nothing has that name here."""
        if self.item is not None:
            field = self.item.field(text)
            if field is not None:
                return core.ItemField(field.type, text, text, field.nullable)
            if head == "it" and not rest and not self.item.fields:
                return core.Item(self.item, text)
        if self.gate and (own := self.gate_field(self.gate, text, text)) is not None:
            return own
        if head == "change" and rest:
            return self.change_field(node, rest, text)
        if head == "risk" and not rest and self.names.risk is not None:
            if self.within_risk:
                self.problem("GC201", "risk can't depend on itself", node.span, "", "ask about the change instead")
                return self.unknown(node)
            return core.RiskLevel(self.names.risk, text)
        if self.of_decision and not rest and head in OF_DECISION:
            return core.OfDecision(OF_DECISION[head], text, head)
        if head in self.names.lets and not rest:
            return self.let(node, head)
        if head in self.names.gates:
            return self.gate_reference(node, head, rest, text)
        return None

    def symbol(self, name: str, type_: Type) -> core.Const:
        return core.Const(type_, name, type_.members.index(name) if type_.ordered else name)

    def change_field(self, node: ast.Reference, rest: tuple[str, ...], text: str) -> core.Core:
        if rest[0] in self.names.broken:
            return self.unknown(node)
        if len(rest) == 1 and rest[0] in self.names.attributes and self.names.change.field(rest[0]) is None:
            return core.AttributeField(self.names.attributes[rest[0]], text, rest[0])
        record, nullable, field = self.names.change, False, None
        for depth, name in enumerate(rest):
            field = record.field(name)
            if field is None:
                known = [f.name for f in record.fields] + (list(self.names.attributes) if depth == 0 else [])
                where = ".".join(node.parts[: depth + 1])
                near = did_you_mean(name, known)
                self.problem("GC201", f"`{where}` has no field `{name}`", node.span, "", near)
                return self.unknown(node)
            record, nullable = field.type, nullable or field.nullable
        return core.ChangeField(record, text, rest, nullable)

    def let(self, node: ast.Reference, name: str) -> core.Core:
        names = self.names
        if name in names.open_lets:
            circle = " -> ".join([*names.open_lets[names.open_lets.index(name) :], name])
            self.problem("GC209", f"`let {name}` is defined by itself", node.span, circle)
            return self.unknown(node)
        if self.level > _DEEPEST:
            self.problem("GC216", f"`let {name}` is named through too many others", node.span, "", "name fewer in turn")
            return self.unknown(node)
        if name not in names.resolved_lets:
            names.open_lets.append(name)
            inner = Resolver(names)
            inner.level = inner.deepest = self.level
            made = inner.resolve(names.lets[name].value)
            if inner.size > _LARGEST or inner.deepest > _DEEPEST:
                message = f"`let {name}` grows too large, with the other `let`s that it names written out"
                self.problem("GC216", message, names.lets[name].value.span, "", "say it in several statements")
                made, inner.size, inner.deepest = inner.unknown(names.lets[name].value), 1, self.level
            names.sizes[name] = inner.size, inner.deepest - self.level
            names.resolved_lets[name] = made
            names.open_lets.pop()
        self.size += names.sizes[name][0]
        self.deepest = max(self.deepest, self.level + names.sizes[name][1])
        made = names.resolved_lets[name]
        banned = (*_RULES_ONLY, core.RiskLevel) if self.within_risk else _RULES_ONLY
        if self.place and (found := next((n for n in core.walk(made) if isinstance(n, banned)), None)):
            self.problem("GC201", f"{self.place} can't depend on `{found.text}`", node.span, f"`{name}` does")
            return self.unknown(node)
        return replace(made, text=name)

    @property
    def place(self) -> str:
        """Where this is, if less may stand there than in a rule."""
        inner = "a `where`" if self.item is not None else ""
        return "a gate's own condition" if self.gate else "risk" if self.within_risk else inner

    def gate_reference(self, node: ast.Reference, gate: str, rest: tuple[str, ...], text: str) -> core.Core:
        if self.place:
            self.problem("GC201", f"{self.place} can't depend on the gate `{gate}`", node.span)
            return self.unknown(node)
        if not rest:
            return core.GateResult(BOOL, text, gate)
        record, declared = self.names.gates[gate]
        field = self.gate_field(gate, ".".join(rest), text)
        if field is None and record == UNKNOWN:
            return self.unknown(node)
        if field is None:
            near = did_you_mean(".".join(rest), [*(f.name for f in record.fields), *declared])
            self.problem("GC201", f"the evidence of `{gate}` has no field `{'.'.join(rest)}`", node.span, "", near)
            return self.unknown(node)
        return field

    def gate_field(self, gate: str, name: str, text: str) -> core.Core | None:
        record, declared = self.names.gates[gate]
        if name in declared:
            return core.EvidenceField(declared[name], text, gate, name, nullable=True, declared=True)
        field = record.field(name)
        if field is None:
            return None
        return core.EvidenceField(field.type, text, gate, name, field.nullable, declared=False)

    def known_heads(self) -> list[str]:
        names = [*self.names.lets, *self.names.gates, *(["risk"] if self.names.risk else [])]
        if self.of_decision:
            names += OF_DECISION
        if self.gate:
            record, declared = self.names.gates[self.gate]
            names = [*(f.name for f in record.fields), *declared, *(["risk"] if self.names.risk else [])]
        if self.item is not None:
            names += [f.name for f in self.item.fields]
        return names

    def dotted(self, head: str) -> list[str]:
        fields = [*(f.name for f in self.names.change.fields), *self.names.attributes]
        return [f"change.{f}" for f in fields] if not self.gate and (head in fields or head.startswith("chan")) else []

    # -- compounds

    def list_of(self, node: ast.ListOf, expected: Type | None) -> core.Core:
        if not node.items:
            self.problem("GC202", "an empty list holds nothing", node.span, "", "name at least one value")
            return self.unknown(node)
        wanted = expected.item if expected is not None else None
        items = [self.resolve(i, wanted) for i in node.items]
        for made, written in zip(items, node.items, strict=True):
            if not isinstance(made, core.Const):
                hint = "conditions are listed without brackets: `require a, b`" if made.type == BOOL else ""
                label = "a list is of fixed values"
                self.problem("GC202", f"`{made.text}` is not a fixed value", written.span, label, hint)
                return self.unknown(node)
            if not types.comparable(made.type, wanted or items[0].type):
                self.mismatch(written.span, made, items[0] if wanted is None else replace(made, type=wanted, text=""))
                return self.unknown(node)
        values = tuple(i.value for i in items if isinstance(i, core.Const))
        return core.Const(types.list_of(wanted or items[0].type), unparse.expression(node), values)

    def call(self, node: ast.Call) -> core.Core:
        if node.function == "soak":
            self.problem(
                "GC214", "`soak` must be compared with a duration", node.span, "", "such as `soak(staging) >= 24h`"
            )
            return self.unknown(node)
        if node.function not in FUNCTIONS:
            at = node.span
            name = Span(at.file, at.line, at.column, at.line, at.column + len(node.function))
            near = did_you_mean(_ALIASES.get(node.function.lower(), node.function), FUNCTIONS)
            self.problem("GC214", f"there is no function `{node.function}`", name, "", near)
            return self.unknown(node)
        items = self.resolve(node.argument)
        if items.type == UNKNOWN:
            return items
        if items.type.item is None or isinstance(items, core.Const):
            label = f"this is {meant.a(items.type)}"
            hint = meant.as_list(items, self.names.gates)
            self.problem("GC202", f"`{node.function}` takes a list", node.argument.span, label, hint)
            return self.unknown(node)
        if self.item is not None:
            self.problem("GC214", f"`{node.function}` can't stand inside a `where`", node.span)
            return self.unknown(node)
        where = None
        if node.where is not None:
            where = Resolver(self.names, self.gate, items.type.item, self.within_risk).condition(node.where)
        if where is None and node.function == "all":
            self.problem("GC214", "`all` needs a `where`", node.span, "", "such as `all(change.files where …)`")
            return self.unknown(node)
        type_ = INT if node.function == "count" else BOOL
        return core.Quantified(type_, unparse.expression(node), node.function, items, where)

    def during(self, node: ast.During) -> core.Core:
        if node.window not in self.names.windows:
            near = did_you_mean(node.window, self.names.windows)
            at = node.span
            name = Span(at.file, at.end_line, at.end_column - len(node.window), at.end_line, at.end_column)
            self.problem("GC205", f"there is no window `{node.window}`", name, "", near)
            return self.unknown(node)
        if self.gate or self.within_risk or self.item is not None:
            self.problem("GC201", "`during` can stand in rules only", node.span)
            return self.unknown(node)
        return core.During(BOOL, unparse.expression(node), node.window)

    def compare(self, node: ast.Compare) -> core.Core:
        if soak := self.soak(node):
            return soak
        left, right = self.pair(node.left, node.right)
        if UNKNOWN in (left.type, right.type):
            return self.unknown(node)
        if not types.comparable(left.type, right.type):
            if isinstance(left, core.Const) and not isinstance(right, core.Const):
                self.mismatch(node.left.span, left, right)
            else:
                self.mismatch(node.right.span, right, left)
            return self.unknown(node)
        if left.type.item is not None or left.type.fields:
            self.problem(
                "GC202", f"{meant.a(left.type)} can't be compared", node.span, "", meant.as_condition(left, ())
            )
            return self.unknown(node)
        if node.operator not in ("==", "!=") and not left.type.is_ordered:
            message = f"values of `{left.type}` have no order"
            self.problem("GC202", message, node.span, "", "compare with `==`, `!=` or `in`")
            return self.unknown(node)
        if left.type == BOOL and not all(isinstance(s, _PLAIN) for s in (left, right)):
            bare = next((s.text for s in (left, right) if not isinstance(s, core.Const)), left.text)
            hint = f"write `{bare}` or `not {bare}`"
            self.problem("GC202", "a condition needs no comparison", node.span, "", hint)
            return self.unknown(node)
        if isinstance(left, core.Const) and isinstance(right, core.Const):
            return self.fixed(node)
        return core.Compare(BOOL, unparse.expression(node), left, node.operator, right)

    def pair(self, left: ast.Expression, right: ast.Expression) -> tuple[core.Core, core.Core]:
        """Resolve two sides, the one that is not a bare symbol or a literal first: its type explains the other."""
        if (self.is_symbol(left) or isinstance(left, ast.Literal)) and not self.is_symbol(right):
            second = self.resolve(right)
            return self.resolve(left, second.type), second
        first = self.resolve(left)
        if isinstance(first, core.GateResult) and self.is_symbol(right):
            self.problem("GC202", "a condition needs no comparison", right.span, "", f"write `{first.text}` alone")
            return first, self.unknown(right)
        return first, self.resolve(right, first.type)

    def is_symbol(self, node: ast.Expression) -> bool:
        if not isinstance(node, ast.Reference) or len(node.parts) > 1:
            return False
        return node.parts[0] not in self.known_heads() and node.parts[0] != "it"

    def soak(self, node: ast.Compare) -> core.Core | None:
        left, operator, right = node.left, node.operator, node.right
        if isinstance(right, ast.Call) and right.function == "soak":
            left, operator, right = right, _FLIPPED[operator], left
        if not isinstance(left, ast.Call) or left.function != "soak":
            return None
        given = left.argument
        name = (
            given.parts[0] if isinstance(given, ast.Reference) and len(given.parts) == 1 else unparse.expression(given)
        )
        if name in self.names.broken:
            return self.unknown(node)
        if left.where is not None or name not in self.names.environments:
            near = did_you_mean(name.strip('"'), self.names.environments)
            if name.strip('"') in self.names.environments:
                near = f"write it without quotes: `{name.strip(chr(34))}`"
            self.problem("GC206", f"there is no environment `{name}`", given.span, "`soak` takes an environment", near)
            return self.unknown(node)
        if self.gate or self.within_risk or self.item is not None:
            self.problem("GC201", "`soak` can stand in rules only", left.span)
            return self.unknown(node)
        if not isinstance(right, ast.Literal) or right.kind != "duration" or operator in ("==", "!="):
            hint = f"such as `soak({name}) >= 24h`"
            self.problem("GC202", "`soak` is compared with a fixed duration by `>=`", node.span, "", hint)
            return self.unknown(node)
        return core.Soak(BOOL, unparse.expression(node), name, operator, right.value)  # type: ignore[arg-type]

    def contains(self, node: ast.Contains) -> core.Core:
        text = unparse.expression(node)
        if isinstance(node.items, ast.ListOf):
            item = self.resolve(node.item)
            if item.type == UNKNOWN:
                return item
            items = self.resolve(node.items, types.list_of(item.type))
        elif self.is_symbol(node.items) and (item := self.resolve(node.item)).type.is_enumeration:
            hint = f"write a list: `[{unparse.expression(node.items)}]`"
            self.problem("GC202", "`in` looks into a list", node.items.span, "this is a single name", hint)
            return self.unknown(node)
        else:
            items = self.resolve(node.items)
            item = self.resolve(node.item, UNKNOWN if items.type == UNKNOWN else items.type.item)
        if UNKNOWN in (item.type, items.type):
            return self.unknown(node)
        if items.type.item is None:
            hint = meant.as_items(item, items)
            self.problem("GC202", "`in` looks into a list", node.items.span, f"this is {meant.a(items.type)}", hint)
            return self.unknown(node)
        if isinstance(item, core.Const) and isinstance(items, core.Const):
            return self.fixed(node)
        if not types.comparable(item.type, items.type.item):
            self.mismatch(node.item.span, item, replace(items, type=items.type.item))
            return self.unknown(node)
        return core.Contains(BOOL, text, item, items)

    def matches(self, node: ast.Matches) -> core.Core:
        subject = self.resolve(node.text)
        if subject.type == UNKNOWN:
            return subject
        if not types.is_text(subject.type):
            message = f"`matches` looks at text, and `{subject.text}` is {meant.a(subject.type)}"
            self.problem("GC202", message, node.text.span, "", meant.as_text(subject))
            return self.unknown(node)
        if isinstance(subject, core.Const):
            return self.fixed(node)
        pattern = node.pattern
        if not isinstance(pattern, ast.Literal) or pattern.kind != "string":
            self.problem("GC213", "a pattern is a text", pattern.span, "", 'such as `"payments/**"`')
            return self.unknown(node)
        try:
            glob = str(pattern.value) if subject.type != PERSON else fold(str(pattern.value))
            regex = (translate if subject.type.name == "path" else translate_text)(glob)
        except ValueError as error:
            self.problem("GC213", f"the pattern can't be read: {error}", pattern.span)
            return self.unknown(node)
        return core.Matches(BOOL, unparse.expression(node), subject, regex)

    # -- reports

    def mismatch(self, span: Span, found: core.Core, other: core.Core) -> None:
        against = f"`{other.text}`, {meant.a(other.type)}" if other.text else meant.a(other.type)
        message = f"`{found.text}` is {meant.a(found.type)}, and can't be compared with {against}"
        self.problem("GC202", message, span, "", meant.as_other(found, other))

    def problem(self, code: str, message: str, span: Span, label: str = "", hint: str = "") -> None:
        self.names.report(Diagnostic(code, message, span, label, hint))

    def fixed(self, node: ast.Expression) -> core.Core:
        self.problem("GC303", "this comparison never changes", node.span, "both sides are fixed values")
        return self.unknown(node)

    def unknown(self, node: ast.Expression) -> core.Core:
        return core.Const(UNKNOWN, unparse.expression(node), None)
