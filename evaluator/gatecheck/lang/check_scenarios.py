"""Check a pack's own tests against the pack: what they name must be there, and what they say must be able to be.

A test that could never mean what it says is found here and not when it runs: no typing error may let one pass.
"""

from collections.abc import Callable, Collection, Iterable
from math import prod
from typing import TypeVar

from gatecheck.lang import ast, core, meant, scenario, types, unparse, vocabulary
from gatecheck.lang.types import BOOL, PERSON, STRING, UNKNOWN, Type, is_text, list_of
from gatecheck.text.diagnostic import Diagnostic
from gatecheck.text.nearest import did_you_mean
from gatecheck.text.source import Span
from gatecheck.text.zones import zone_names

PROMOTION = "promotion"  # the rule of the findings that no rule states: the order of environments, and "nobody decides"
_MOST_CASES = 1_000
_SHORT = ("waiting", "failed", "waived")
_Kind = TypeVar("_Kind", bound=ast.Node)


def check_scenarios(
    pack: core.Pack, rules: Collection[str], broken: frozenset[str], report: Callable[[Diagnostic], None]
) -> None:
    """Report what is wrong with the tests of a pack; names in ``broken`` are of declarations that did not parse."""
    for each in pack.scenarios:
        _Scenario(pack, rules, broken, report).check(each)


def check_wishes(
    pack: core.Pack, wishes: Iterable[scenario.Given | scenario.Now], report: Callable[[Diagnostic], None]
) -> None:
    """Report what is wrong with a what-if that is asked of a checked pack."""
    checking = _Scenario(pack, (), frozenset(), report)
    for wish in wishes:
        if isinstance(wish, scenario.GivenRecorded):
            hint = "name the recorded decision that is to be explained: `--entry ID`"
            report(Diagnostic("GC230", "a recorded request can't be wished", wish.span, "", hint))
        checking.item(wish)


class _Scenario:
    def __init__(
        self, pack: core.Pack, rules: Collection[str], broken: frozenset[str], report: Callable[[Diagnostic], None]
    ) -> None:
        self.pack = pack
        self.rules = {*rules, PROMOTION}
        self.broken = broken
        self.report = report

    def check(self, s: ast.Scenario) -> None:
        is_recorded = any(isinstance(i, scenario.GivenRecorded) for i in s.items)
        if not is_recorded and not any(isinstance(i, scenario.GivenChange) for i in s.items):
            hint = "add `given change { type: feature } to production`"
            self.problem("GC212", f"the test `{s.name}` does not say what changes, and where it goes", _head(s), hint)
        if not is_recorded and not any(isinstance(i, scenario.At) for i in s.items):
            hint = "add `at 2026-11-23 10:00 in Europe/Berlin`: there is no clock"
            self.problem("GC212", f"the test `{s.name}` does not say at which instant", _head(s), hint)
        if not any(isinstance(i, scenario.Expectation) for i in s.items):
            self.problem("GC212", f"the test `{s.name}` expects nothing", _head(s), "add `expect allow`, for one")
        self.once(s, scenario.At, "a test has one instant")
        self.once(s, scenario.GivenRecorded, "a test has one recorded request")
        self.once(s, scenario.ExpectVerdict, "a test has one verdict")
        self.each_once(s)
        number = prod(len(i.values.items) for i in s.items if isinstance(i, scenario.Each))
        if number > _MOST_CASES:
            hint = f"a test has at most {_MOST_CASES:,}: make several tests of it"
            self.problem("GC230", f"the test `{s.name}` has {number:,} cases", _head(s), hint)
        for item in s.items:
            self.item(item)

    def once(self, s: ast.Scenario, kind: type[_Kind], message: str) -> None:
        for extra in [i for i in s.items if isinstance(i, kind)][1:]:
            self.problem("GC203", message, extra.span, "keep one")

    def each_once(self, s: ast.Scenario) -> None:
        """Report what `each` says twice: cases of one name, of which one would be decided for nothing."""
        fields: set[str] = set()
        for each in [i for i in s.items if isinstance(i, scenario.Each)]:
            field = unparse.expression(each.field)
            if field in fields:
                self.problem("GC230", f"`{field}` is varied twice", each.field.span, "name all its values in one list")
            fields.add(field)
            values: set[str] = set()
            for item in each.values.items:
                value = unparse.expression(item)
                if value in values:
                    self.problem("GC230", f"`{value}` stands in this list already", item.span, "drop it")
                values.add(value)

    def item(self, item: ast.Node) -> None:
        for point in _points(item):
            if point.zone and point.zone not in zone_names():
                near = did_you_mean(point.zone, zone_names())
                self.problem("GC208", f"there is no time zone `{point.zone}`", point.span, near)
        match item:
            case scenario.GivenChange():
                if item.environment:  # a what-if may leave it as it is
                    self.environment(item.environment, item.span)
                self.change(item.fields)
            case scenario.GivenGate() | scenario.GivenSignature():
                self.gate(item.gate, item.span)
                self.can_go_stale(item)
            case scenario.GivenEvidence():
                self.evidence(item)
            case scenario.GivenStances() if item.environment:
                self.environment(item.environment, item.span)
            case scenario.GivenGroup():
                self.group(item)
            case scenario.GivenSoak() | scenario.GivenAllowed():
                self.environment(item.environment, item.span)
            case scenario.GivenRisk() | scenario.ExpectRisk():
                self.level(item.level, item.span)
            case scenario.Each():
                self.each(item)
            case scenario.ExpectFinding():
                self.finding(item)
            case scenario.ExpectMissing():
                self.missing(item.names, item.span)
            case scenario.ExpectOverridden() if item.is_overridden and not self.pack.overrides:
                hint = "declare one, or drop this"
                self.problem("GC230", "the pack has no override that could be used", item.span, hint)
            case scenario.ExpectObligation():
                self.obligation(item)

    # -- names

    def known(self, code: str, what: str, name: str, names: Iterable[str], span: Span) -> bool:
        names = set(names)
        if name in names or name in self.broken:
            return name in names
        self.problem(code, f"there is no {what} `{name}`", span, did_you_mean(name, names))
        return False

    def environment(self, name: str, span: Span) -> None:
        self.known("GC206", "environment", name, self.pack.environments, span)

    def level(self, name: str, span: Span) -> None:
        if "risk" not in self.broken:
            self.known("GC215", "risk level", name, self.pack.levels, span)

    def gate(self, name: str, span: Span) -> bool:
        return self.known("GC201", "gate", name, self.pack.gates, span)

    def group(self, given: scenario.GivenGroup) -> None:
        if not self.known("GC204", "group", given.group, self.pack.groups, given.span):
            return
        members = self.pack.groups[given.group]
        if members is not None:
            hint = f"drop this; its members are {', '.join(members)}"
            self.problem("GC230", f"the pack itself says who is in `{given.group}`", given.span, hint)

    def can_go_stale(self, given: scenario.GivenGate | scenario.GivenSignature) -> None:
        gate = self.pack.gates.get(given.gate)
        if isinstance(given, scenario.GivenGate) and given.outcome == "stale" and gate and gate.fresh_for is None:
            hint = f"give `{gate.name}` a `fresh for`, or drop this"
            self.problem("GC230", f"evidence of `{gate.name}` never goes stale", given.span, hint)

    # -- values

    def change(self, fields: scenario.Fields) -> None:
        known = vocabulary.change_type()
        attributes = {name: a.type for name, a in self.pack.attributes.items()}
        for pair in fields.pairs:
            field = known.field(pair.key)
            if field is not None and pair.key == "files":
                self.files(pair)
            elif field is not None:
                self.fits(pair.value, field.type, f"change.{pair.key}")
            elif pair.key in attributes:
                self.fits(pair.value, attributes[pair.key], f"change.{pair.key}")
            elif pair.key == "risk":
                self.problem("GC201", "the change has no field `risk`", pair.span, "write `given risk …`")
            elif pair.key not in self.broken:
                near = did_you_mean(pair.key, [*(f.name for f in known.fields), *attributes])
                self.problem("GC201", f"the change has no field `{pair.key}`", pair.span, near)

    def files(self, pair: scenario.Pair) -> None:
        """Check `files`, whose items may be bare paths."""
        is_paths = isinstance(pair.value, scenario.Values) and all(
            isinstance(each, ast.Literal) for each in pair.value.items
        )
        record = vocabulary.change_type().field("files")
        type_ = list_of(STRING) if is_paths or record is None else record.type
        self.fits(pair.value, type_, "change.files")

    def evidence(self, given: scenario.GivenEvidence) -> None:
        if not self.gate(given.gate, given.span):
            return
        gate = self.pack.gates[given.gate]
        own = self.pack.kinds.get(gate.kind)
        kind = vocabulary.evidence_kinds().get(gate.kind, UNKNOWN) if own is None else own.type
        if kind == UNKNOWN:
            return
        declared = dict(gate.fields)
        for pair in scenario.pairs_of(given.fields, [f.name for f in kind.fields]):
            field = kind.field(pair.key)
            type_ = declared.get(pair.key) or (field.type if field is not None else None)
            if type_ is None:
                near = did_you_mean(pair.key, [*(f.name for f in kind.fields), *declared])
                message = f"the evidence of `{gate.name}` has no field `{pair.key}`"
                self.problem("GC201", message, pair.span, near)
            else:
                self.fits(pair.value, type_, f"{gate.name}.{pair.key}")

    def fits(self, value: scenario.Value, type_: Type, name: str) -> None:
        """Report a value that is not of its field's type."""
        if type_ == UNKNOWN:
            return
        if isinstance(value, scenario.Values) and type_.item is not None:
            for each in value.items:
                self.fits(each, type_.item, f"an item of {name}")
        elif isinstance(value, scenario.Fields) and type_.fields:
            for pair in scenario.pairs_of(value, [f.name for f in type_.fields]):
                field = type_.field(pair.key)
                if field is None:
                    near = did_you_mean(pair.key, [f.name for f in type_.fields])
                    self.problem("GC201", f"{name} has no field `{pair.key}`", pair.span, near)
                else:
                    self.fits(pair.value, field.type, f"{name}.{pair.key}")
        elif isinstance(value, ast.Reference) and type_.is_enumeration:
            text = unparse.expression(value)
            if text not in type_.members:
                near = did_you_mean(text, type_.members)
                self.problem("GC201", f"`{text}` is not a value of {name}", value.span, near)
        elif not (isinstance(value, ast.Literal) and _is_of(value, type_)):
            self.problem("GC202", f"{name} is {meant.a(type_)}, and this is not", value.span, _mend(value, type_))

    def each(self, each: scenario.Each) -> None:
        head, *rest = each.field.parts
        text = unparse.expression(each.field)
        if head == "change" and len(rest) == 1:
            for item in each.values.items:
                if isinstance(item, ast.Literal | ast.Reference | ast.ListOf):
                    value = _as_value(item)
                    self.change(scenario.Fields(item.span, (scenario.Pair(item.span, rest[0], value),)))
                else:
                    self.problem("GC202", f"`{unparse.expression(item)}` is not a fixed value", item.span, "")
        elif head in ("risk", "environment") and not rest:
            for item in each.values.items:
                if not isinstance(item, ast.Reference):
                    self.problem("GC202", f"`{text}` is a name, and this is not", item.span, "")
                elif head == "risk":
                    self.level(unparse.expression(item), item.span)
                else:
                    self.environment(unparse.expression(item), item.span)
        else:
            hint = "vary `change.FIELD`, `risk` or `environment`"
            self.problem("GC201", f"`{text}` can't be varied", each.field.span, hint)
        if not each.values.items:
            self.problem("GC202", "an empty list holds nothing", each.values.span, "name at least one value")

    # -- expectations

    def finding(self, e: scenario.ExpectFinding) -> None:
        names = {"rule": self.rules, "gate": self.pack.gates}.get(e.kind, self.names())
        if e.gate:
            if not self.known("GC201", "rule", e.name, self.rules, e.span) or not self.gate(e.gate, e.span):
                return
            if not any(s.rule == e.name and _required(s) == e.gate for s in self.pack.statements):
                asked = [_required(s) for s in self.pack.statements if s.rule == e.name and _required(s)]
                message = f"the rule `{e.name}` does not require `{e.gate}`"
                self.problem("GC230", message, e.span, f"it requires {', '.join(asked) or 'no gate'}")
                return
        elif not self.known("GC201", e.kind or "rule and no gate", e.name, names, e.span):
            return
        self.missing(e.missing or (), e.span)
        if e.missing is not None and e.status not in _SHORT:
            message = f"what is {e.status} lacks nothing"
            self.problem("GC230", message, e.span, "drop the `for`")
        of_rule = [s for s in self.pack.statements if s.rule == e.name and e.kind != "gate"]
        if e.is_advisory and of_rule and not any(s.advisory or s.effective_from for s in of_rule):
            self.problem("GC230", f"the rule `{e.name}` always decides", e.span, "drop `advisory`")
        if e.status == "waived" and not self.pack.waivers:
            self.problem("GC230", "the pack waives nothing", e.span, "declare a waiver, or expect `failed`")

    def names(self) -> list[str]:
        return [*self.rules, *self.pack.gates]

    def missing(self, names: Iterable[str], span: Span) -> None:
        known = [*self.pack.groups, *self.pack.gates, *self.pack.environments]
        for name in names:
            self.known("GC201", "group, gate or environment", name, known, span)

    def obligation(self, e: scenario.ExpectObligation) -> None:
        stated = {s.value for s in self.pack.statements if s.kind == e.kind}
        if e.value not in stated:
            said = f"deploys with `{e.value}`" if e.kind == "deploy" else f"notifies `{e.value}`"
            self.problem("GC230", f"no rule {said}", e.span, did_you_mean(e.value, stated))

    def problem(self, code: str, message: str, span: Span, hint: str) -> None:
        self.report(Diagnostic(code, message, span, "", hint))


def _points(item: ast.Node) -> Iterable[ast.Point]:
    for child in item.children():
        if isinstance(child, ast.Point):
            yield child
        elif isinstance(child, scenario.Said) and child.at is not None:
            yield child.at


def _required(s: core.Statement) -> str:
    return s.condition.gate if s.kind == "require" and isinstance(s.condition, core.GateResult) else ""


def _is_of(value: ast.Literal, type_: Type) -> bool:
    found = BOOL if value.kind == "bool" else types.SCALARS[value.kind]
    if found == STRING and (is_text(type_) or type_ == PERSON):
        return True
    return found == type_ or (found.name, type_.name) == ("int", "decimal")


def _mend(value: scenario.Value, type_: Type) -> str:
    """Return how a value is most likely meant in another type, or what is written there."""
    if isinstance(value, ast.Literal):
        found = BOOL if value.kind == "bool" else types.SCALARS[value.kind]
        hint = meant.written_as(unparse.literal(value), found, type_)
        if hint:
            return hint
    elif isinstance(value, ast.Reference) and is_text(type_):
        return f'write it in quotes: `"{unparse.expression(value)}"`'
    if type_.item is not None:
        return "write a list: `[…]`"
    return "write a record: `{ … }`" if type_.fields else ""


def _as_value(node: ast.Literal | ast.Reference | ast.ListOf) -> scenario.Value:
    if isinstance(node, ast.ListOf):
        items = [i for i in node.items if isinstance(i, ast.Literal | ast.Reference | ast.ListOf)]
        return scenario.Values(node.span, tuple(_as_value(item) for item in items))
    return node


def _head(s: ast.Scenario) -> Span:
    at = s.span
    return Span(at.file, at.line, at.column, at.line, at.column + len("test ") + len(s.name))
