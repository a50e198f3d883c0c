"""Can a condition ever be true? Decided from what it says of each field alone, and in doubt the answer is yes.

A condition is taken apart into sets of tests that hold together (a tableau). It can be true if in one of the sets, for
each subject, some value passes all of its tests. A subject is a field, a count, a soak, or two fields compared; what
can't be looked into is a subject that is true or false. What is not measured makes a condition undetermined, never true
or false, so it needs no case of its own.
"""

from collections.abc import Hashable, Iterable
from datetime import timedelta
from decimal import Decimal
from math import ceil, floor
from operator import eq, ge, gt, le, lt, ne
from re import DOTALL, fullmatch
from typing import Any, NamedTuple

from gatecheck.lang import core
from gatecheck.lang.types import BOOL, INT, Type
from gatecheck.lang.vocabulary import change_type, evidence_kinds

_HOLDS = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "in": "not in", "matches": "differs"}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_MOST_STEPS = 2_000  # of one question, which is then left open
_DEEPEST = 100
_MOST_LISTED = 1_000  # whole numbers between two bounds, tried one by one

Test = tuple[str, Any]


class Domain(NamedTuple):
    """The values that a subject can have: those listed, else any between the bounds, which are included."""

    values: tuple[Any, ...] | None = None
    least: Any = None
    most: Any = None
    is_whole: bool = False


class Subject(NamedTuple):
    """What is tested: two subjects are one if their keys are equal."""

    key: Hashable
    domain: Domain


class Satisfy:
    """Answers for the conditions of one pack; ``item`` is the type of the items that a `where` looks at."""

    def __init__(self, pack: core.Pack, item: Type | None = None) -> None:
        self.pack = pack
        self.item = item

    def possible(self, *wanted: tuple[core.Core, bool]) -> bool:
        """Tell whether expressions may all be what is wanted of each, true or false, at once."""
        self.steps = 0
        return self.search(list(wanted), {}, 0)

    def search(self, pending: list[tuple[core.Core, bool]], known: dict[Subject, tuple[Test, ...]], depth: int) -> bool:
        known = dict(known)
        splits: list[tuple[tuple[core.Core, ...], bool]] = []
        while pending:
            self.steps += 1
            node, wanted = pending.pop()
            if isinstance(node, core.Not):
                pending.append((node.operand, not wanted))
            elif isinstance(node, core.And | core.Or):
                if isinstance(node, core.And) is wanted:
                    pending += [(o, wanted) for o in node.operands]
                else:
                    splits.append((node.operands, wanted))
            elif isinstance(node, core.Const):
                if node.value is not wanted:
                    return False
            else:
                subject, test = self.atom(node)
                tests = (*known.get(subject, ()), test if wanted else (_OPPOSITE[test[0]], test[1]))
                if not is_possible(subject.domain, tests):
                    return False
                known[subject] = tests
        if not splits or depth > _DEEPEST:
            return True
        (operands, wanted), *rest = splits
        left = [(core.And(BOOL, "", each) if w is False else core.Or(BOOL, "", each), w) for each, w in rest]
        return any(
            self.steps > _MOST_STEPS or self.search([*left, (each, wanted)], known, depth + 1) for each in operands
        )

    # -- subjects and tests

    def atom(self, node: core.Core) -> tuple[Subject, Test]:
        """Return what an expression without `and`, `or` and `not` is about, and the test that it makes."""
        match node:
            case core.Compare(left=core.Const(value=value)):
                return self.subject(node.right), (_MIRRORED[node.operator], value)
            case core.Compare(right=core.Const(value=value)):
                return self.subject(node.left), (node.operator, value)
            case core.Compare():
                return self.pair(node)
            case core.Contains(items=core.Const(value=values)):
                return self.subject(node.item), ("in", tuple(values))
            case core.Matches():
                return self.subject(node.subject), ("matches", node.regex)
            case core.Soak():
                return Subject(("soak", node.environment), Domain(least=timedelta(0))), (node.operator, node.duration)
            case core.Quantified(quantifier="any"):
                counted = core.Quantified(INT, "", "count", node.items, node.where)
                return self.subject(counted), (">", 0)
        return self.subject(node), ("==", True)

    def pair(self, node: core.Compare) -> tuple[Subject, Test]:
        """Return two fields as one subject: -1 where the first is less, 0 where they are equal, 1 where it is more."""
        left, right = key(node.left), key(node.right)
        if left == right:
            return Subject((left, right), Domain((0,))), (node.operator, 0)
        if repr(left) > repr(right):
            return Subject((right, left), Domain((-1, 0, 1))), (_MIRRORED[node.operator], 0)
        return Subject((left, right), Domain((-1, 0, 1))), (node.operator, 0)

    def subject(self, node: core.Core) -> Subject:
        return Subject(key(node), self.domain(node))

    def domain(self, node: core.Core) -> Domain:
        """Return the values that a field, a count or a condition can have."""
        type_ = node.type
        if type_ == BOOL:
            return Domain((False, True))
        if type_.is_enumeration:
            return Domain(tuple(range(len(type_.members))) if type_.ordered else type_.members)
        if isinstance(node, core.Quantified | core.OfDecision):  # a count of items, or of people
            return Domain(least=0, is_whole=True)
        least, most = self.bounds(node)
        return Domain(None, least, most, type_ == INT)

    def bounds(self, node: core.Core) -> tuple[Decimal | None, Decimal | None]:
        """Return what the schemas say of a field's values."""
        record: Type | None = None
        name = ""
        match node:
            case core.ChangeField(path=(*above, name)):
                record = change_type()
                for part in above:
                    field = record.field(part)
                    record = field.type if field is not None else Type("")
            case core.EvidenceField(declared=False, name=name):
                kind = self.pack.gates[node.gate].kind
                own = self.pack.kinds.get(kind)
                record = own.type if own is not None else evidence_kinds().get(kind)
            case core.ItemField(name=name):
                record = self.item
        found = record.field(name) if record is not None else None
        return (found.least, found.most) if found is not None else (None, None)


def key(node: core.Core) -> Hashable:
    """Return what makes two expressions one and the same: all but their text."""
    said = [getattr(node, name) for name in node.__struct_fields__ if name not in ("type", "text")]
    return (type(node).__name__, *(key(v) if isinstance(v, core.Core) else _plain(v) for v in said))


def _plain(value: Any) -> Hashable:
    return tuple(key(v) if isinstance(v, core.Core) else v for v in value) if isinstance(value, tuple) else value


def is_possible(domain: Domain, tests: Iterable[Test]) -> bool:
    """Tell whether some value passes all tests; of patterns alone that is left open."""
    tests = tuple(tests)
    values = domain.values
    for operator, value in tests:
        if operator == "==" and values is None:
            values = (value,)
        elif operator == "in" and values is None:
            values = value
    if values is not None:
        return any(_between(domain, value) and all(_passes(value, t) for t in tests) for value in values)
    if any(o == "matches" and ("differs", pattern) in tests for o, pattern in tests):
        return False
    return _interval(domain, tests)


def _interval(domain: Domain, tests: tuple[Test, ...]) -> bool:
    lows = [v for o, v in tests if o in (">", ">=")] + ([] if domain.least is None else [domain.least])
    highs = [v for o, v in tests if o in ("<", "<=")] + ([] if domain.most is None else [domain.most])
    if not lows or not highs:
        return True
    low, high = max(lows), min(highs)
    if domain.is_whole:
        first, last = ceil(low), floor(high)
        if last - first > _MOST_LISTED:
            return True
        return any(all(_passes(value, t) for t in tests) for value in range(first, last + 1))
    return bool(low < high) or (low == high and all(_passes(low, t) for t in tests))


def _between(domain: Domain, value: Any) -> bool:
    is_low = domain.least is not None and value < domain.least
    return not is_low and not (domain.most is not None and value > domain.most) and not _is_part(domain, value)


def _is_part(domain: Domain, value: Any) -> bool:
    """Tell whether a value is a fraction where only whole numbers are."""
    return domain.is_whole and value != floor(value)


def _passes(value: Any, test: Test) -> bool:
    operator, other = test
    if operator in _HOLDS:
        return bool(_HOLDS[operator](value, other))
    if operator in ("in", "not in"):
        return (value in other) is (operator == "in")
    return (fullmatch(other, value, DOTALL) is not None) is (operator == "matches")
