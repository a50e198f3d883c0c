"""Write Python for expressions. What can't be undetermined becomes plain Python; the rest goes through ``kleene``.

Every comparison's value is computed first, on a line of its own, so that a finding can show what was compared with
what; then the truths are combined. In the emitted code ``c`` is the change, ``a`` its attributes, ``r`` the rank of
its risk, ``f`` the fields of the evidence at hand, ``i`` an item, ``x`` the evaluation, ``d`` what an invariant asks of
the decision.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from gatecheck.lang import core
from gatecheck.lang.types import Type

_NAMES = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
Code = tuple[str, bool]  # an expression's text, and whether it is always determined


class Module:
    """The lines of one compiled module: constants at its top, each once, then functions."""

    def __init__(self) -> None:
        self.constants: dict[str, str] = {}
        self.functions: list[str] = []

    def constant(self, prefix: str, code: str) -> str:
        """Return the name of a constant made by ``code``."""
        if code not in self.constants:
            self.constants[code] = f"{prefix}{len(self.constants)}"
        return self.constants[code]

    def text(self) -> str:
        """Return the module's source."""
        return "\n".join([*(f"{name} = {code}" for code, name in self.constants.items()), *self.functions, ""])

    def literal(self, value: Any) -> str:
        """Return code for a fixed value."""
        if isinstance(value, bool | int | str) or value is None:
            return repr(value)
        if isinstance(value, Decimal):
            return self.constant("K", f"Decimal({str(value)!r})")
        if isinstance(value, timedelta):
            return self.constant("K", f"timedelta({value.days}, {value.seconds}, {value.microseconds})")
        if isinstance(value, datetime):
            return self.constant("K", f"datetime.fromisoformat({value.isoformat()!r})")
        if isinstance(value, tuple):
            return f"({''.join(self.literal(v) + ',' for v in value)})"
        raise TypeError(f"no literal for {type(value).__name__}")

    def undetermined(self, kind: str, subject: str, reason: str) -> str:
        """Return code for an undetermined value that asks for one action."""
        return self.constant("N", f"Undetermined((Action({kind!r}, {subject!r}, {reason!r}),))")


class Emitter:
    """Emit one expression: ``lines`` holds the values computed first, ``leaves`` what they are."""

    def __init__(self, module: Module, pack: core.Pack, gates: dict[str, str], own: str = "") -> None:
        self.module = module
        self.pack = pack
        self.gates = gates
        self.own = own
        self.lines: list[str] = []
        self.leaves: list[tuple[str, str]] = []
        self.variables: list[str] = []
        self.known: dict[str, str] = {}

    def truth(self, node: core.Core) -> Code:
        """Emit a condition as of now."""
        match node:
            case core.Not():
                code, sure = self.truth(node.operand)
                return (f"(not {code})", True) if sure else (f"negate({code})", False)
            case core.And() | core.Or():
                return self.combine(node, [self.truth(o) for o in node.operands])
        return self.leaf(node)

    def combine(self, node: core.And | core.Or, made: list[Code]) -> Code:
        word, function = ("and", "both") if isinstance(node, core.And) else ("or", "either")
        if all(sure for _, sure in made):
            return f"({f' {word} '.join(code for code, _ in made)})", True
        return f"{function}({', '.join(code for code, _ in made)})", False

    def settle(self, node: core.Core, toward: bool) -> Code:
        """Emit what a condition could still become by time alone: a window or a soak that is against ``toward``
        now, but will not stay so, is undetermined until then. Follows ``truth``, whose values it uses again."""
        match node:
            case core.Not():
                code, sure = self.settle(node.operand, not toward)
                return (f"(not {code})", True) if sure else (f"negate({code})", False)
            case core.And() | core.Or():
                return self.combine(node, [self.settle(o, toward) for o in node.operands])
            case core.During():
                return f"x.turns_to({self.window(node.window)}, {toward})", False
            case core.Soak():
                rises = node.operator in (">=", ">")
                return f"x.soaks_to({node.environment!r}, {rises}, {self.soak_limit(node)}, {toward})", False
        return self.leaf(node)

    # -- leaves

    def soak_limit(self, node: core.Soak) -> str:
        """Return code for the first stay at which the comparison is another: one tick more, to exceed a duration."""
        exceeds = node.operator in (">", "<=")
        return self.module.literal(node.duration + timedelta.resolution if exceeds else node.duration)

    def leaf(self, node: core.Core) -> Code:
        """Emit a condition that is not made of others; its value gets a line and a place among the leaves."""
        match node:
            case core.Compare():
                left, sure = self.hold(node.left, node.text)
                right, right_sure = self.value(node.right)
                return self.compared(left, sure, node.operator, right, right_sure)
            case core.Contains():
                item, sure = self.hold(node.item, node.text)
                items, items_sure = self.items(node.items)
                if not items_sure or not sure:
                    return f"apply(contains, {item}, {items})", False
                return f"({item} in {items})", True
            case core.Matches():
                subject, sure = self.hold(node.subject, node.text)
                match_ = self.module.constant("M", f"compile_glob({node.regex!r}).fullmatch")
                code = f"({match_}({subject}) is not None)"
                return (
                    (code, True)
                    if sure
                    else (f"({code} if {subject}.__class__ is not Undetermined else {subject})", False)
                )
            case core.Soak():
                held = self.hold_code(f"x.stay({node.environment!r}, {self.soak_limit(node)})", "duration", node.text)
                return f"({held} {node.operator} {self.module.literal(node.duration)})", True
            case core.During():
                return self.open_now(node), True
            case core.Const():
                return self.module.literal(node.value), True
        code, sure = self.value(node)
        return self.hold_code(code, "bool", node.text), sure

    def open_now(self, node: core.During) -> str:
        """Hold whether a window is open, and note when that changes."""
        window = self.window(node.window)
        key = f"{node.text}\0{window}"
        if key not in self.known:
            name = f"v{len(self.leaves)}"
            words = "'window closes' if " + name + " else 'window opens'"
            self.lines.append(f"{name}, u = {window}.state(now)")
            self.lines.append(f"if u is not None: turn(Turn(u, {words}, {node.window!r}))")
            self.leaves.append((node.text, "open"))
            self.variables.append(name)
            self.known[key] = name
        return self.known[key]

    def compared(self, left: str, sure: bool, operator: str, right: str, right_sure: bool) -> Code:
        if sure and right_sure:
            return f"({left} {operator} {right})", True
        if right_sure and left.isidentifier():
            return f"({left} {operator} {right} if {left}.__class__ is not Undetermined else {left})", False
        return f"apply({_NAMES[operator]}, {left}, {right})", False

    def hold(self, node: core.Core, text: str) -> Code:
        code, sure = self.value(node)
        return self.hold_code(
            code, node.type.name if not node.type.is_enumeration else _enumeration(node.type), text
        ), sure

    def hold_code(self, code: str, kind: str, text: str) -> str:
        """Give a value its own line, once for each text, and return its variable."""
        key = f"{text}\0{code}"
        if key not in self.known:
            name = f"v{len(self.leaves)}"
            self.lines.append(f"{name} = {code}")
            self.leaves.append((text, kind))
            self.variables.append(name)
            self.known[key] = name
        return self.known[key]

    def values(self) -> str:
        """Return code for the tuple of all values held."""
        return f"({''.join(v + ',' for v in self.variables)})"

    # -- values

    def value(self, node: core.Core) -> Code:
        match node:
            case core.Const():
                return self.module.literal(node.value), True
            case core.RiskLevel():
                return "r", True
            case core.AttributeField():
                return f"a[{node.name!r}]", True
            case core.ChangeField():
                code = f"c.{'.'.join(node.path)}"
                if not node.nullable:
                    return code, True
                absent = self.module.undetermined("state", node.text, "the change does not state it")
                return f"known({code}, {absent})", False
            case core.EvidenceField():
                return self.evidence_field(node)
            case core.GateResult():
                return f"{self.result(node.gate)}.ok", False
            case core.Quantified():
                return self.quantified(node)
            case core.OfDecision():
                return f"d.{node.name}", True
        return self.truth(node)

    def result(self, gate: str) -> str:
        """Return code for a gate's result, computed at most once a decision."""
        return f"(G.get({gate!r}) or {self.gates[gate]}(x))"

    def evidence_field(self, node: core.EvidenceField) -> Code:
        reader = self.reader(node.type)
        absent = self.module.undetermined("evidence", node.gate, f"its evidence does not measure {node.name}")
        if node.declared:
            if node.gate != self.own:
                read = f"lambda d: {reader}(entry(d, {node.name!r}))"
                return f"field({self.result(node.gate)}, 'fields', {read}, {absent})", False
            return f"known({reader}(f['fields'].get({node.name!r})), {absent})", False
        if node.gate != self.own:
            return f"field({self.result(node.gate)}, {node.name!r}, {reader}, {absent})", False
        if reader in _TRUSTED and not node.nullable:
            return _TRUSTED[reader].format(f"f[{node.name!r}]"), True
        return f"known({reader}(f.get({node.name!r})), {absent})", False

    def reader(self, type_: Type) -> str:
        """Return the name of the reader of a field that nothing has checked before."""
        if type_.item is None or type_.item.fields or _reader(type_.item) == "text":
            return _reader(type_)
        return self.module.constant("L", f"each({_reader(type_.item)})")

    def items(self, node: core.Core) -> Code:
        if isinstance(node, core.Const):
            return self.module.constant("K", f"frozenset({self.module.literal(node.value)})"), True
        return self.value(node)

    def quantified(self, node: core.Quantified) -> Code:
        items, sure = self.value(node.items)
        test, test_sure = self.where(node)
        reason = (
            "the change lists no files"
            if node.items.text == "change.files"
            else "it is empty, and of nothing all says nothing"
        )
        gate = node.items.gate if isinstance(node.items, core.EvidenceField) else ""
        empty = self.module.undetermined("evidence" if gate else "state", gate or node.items.text, reason)
        if sure and test_sure:
            code = {
                "count": f"sum([1 for i in {items} if {test}])" if node.where is not None else f"len({items})",
                "any": f"any([{test} for i in {items}])",
                "all": f"all([{test} for i in {items}])",
            }[node.quantifier]
            if node.quantifier == "all" or node.items.text == "change.files":
                return f"({code} if {items} else {empty})", False
            return code, True
        test = f"lambda i: {test}"
        last = f", {empty}" if node.quantifier == "all" else ""
        whole = f"{node.quantifier}_of({{}}, {test}{last})"
        if sure:
            code = whole.format(items)
            return (f"({code} if {items} else {empty})" if node.items.text == "change.files" else code), False
        vacuous = f" if l else {empty}" if node.items.text == "change.files" else ""
        return f"through({items}, lambda l: {whole.format('l')}{vacuous})", False

    def where(self, node: core.Quantified) -> Code:
        """Emit whether an item ``i`` is one that a quantifier asks for."""
        if node.where is None:
            return "True", True
        own = isinstance(node.items, core.EvidenceField)
        return _Item(self, struct=not own, trusted=own and bool(self.own)).truth(node.where)

    def window(self, name: str) -> str:
        spec = self.pack.windows[name]
        return self.module.constant("W", f"window({spec.name!r}, {spec.zone!r}, {spec.weekly!r}, {spec.dated!r})")


class _Item(Emitter):
    """Emit a `where`: its leaves are looked at item by item, so nothing is held."""

    def __init__(self, outer: Emitter, *, struct: bool, trusted: bool) -> None:
        super().__init__(outer.module, outer.pack, outer.gates, outer.own)
        self.outer = outer
        self.struct = struct
        self.trusted = trusted

    def hold_code(self, code: str, kind: str, text: str) -> str:
        return code

    def value(self, node: core.Core) -> Code:
        if isinstance(node, core.Item):
            return "i", True
        if not isinstance(node, core.ItemField):
            return super().value(node)
        subject = f"its {node.name}"
        absent = self.module.undetermined("state", subject, "not every item states it")
        if self.struct:
            return (f"known(i.{node.name}, {absent})", False) if node.nullable else (f"i.{node.name}", True)
        reader = self.reader(node.type)
        if self.trusted and not node.nullable and reader in _TRUSTED:
            return _TRUSTED[reader].format(f"i[{node.name!r}]"), True
        return f"known({reader}(i.get({node.name!r})), {absent})", False

    def compared(self, left: str, sure: bool, operator: str, right: str, right_sure: bool) -> Code:
        if sure and right_sure:
            return f"({left} {operator} {right})", True
        return f"apply({_NAMES[operator]}, {left}, {right})", False

    def leaf(self, node: core.Core) -> Code:
        if isinstance(node, core.Matches):
            subject, sure = self.value(node.subject)
            match_ = self.module.constant("M", f"compile_glob({node.regex!r}).fullmatch")
            if not sure:
                return f"apply(matched, {match_}, {subject})", False
            return f"({match_}({subject}) is not None)", True
        return super().leaf(node)


def _reader(type_: Type) -> str:
    if type_.item is not None:
        return "rows" if type_.item.fields else "texts"
    if type_.is_enumeration and type_.name != "severity":
        return "text"
    return {"int": "whole", "bool": "flag", "string": "text", "path": "text", "person": "text"}.get(
        type_.name, type_.name
    )


# How a gate reads its own evidence's fields, by their readers: as its kind promises them. Where they are not so it
# raises, or falls on the strict side, and the evidence does not count.
_TRUSTED = {
    "whole": "{}", "text": "{}", "flag": "({} is True)", "rows": "listed({})", "texts": "listed({})",
    "severity": "SEVERITY[{}]",
}  # fmt: skip


def _enumeration(type_: Type) -> str:
    return "risk" if type_.name == "risk" else "severity" if type_.name == "severity" else "symbol"
