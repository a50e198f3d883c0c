"""Write an AST back as text in the one canonical layout: what a finding quotes, and what names a statement."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from gatecheck.lang import ast

_UNITS = (("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))


def expression(node: ast.Expression) -> str:
    """Return an expression on one line."""
    match node:
        case ast.Literal():
            return literal(node)
        case ast.Reference():
            return ".".join(node.parts)
        case ast.ListOf():
            return f"[{', '.join(_operand(i) for i in node.items)}]"
        case ast.Call():
            where = f" where {expression(node.where)}" if node.where is not None else ""
            return f"{node.function}({expression(node.argument)}{where})"
        case ast.During():
            return f"during {node.window}"
        case ast.Compare():
            return f"{_operand(node.left)} {node.operator} {_operand(node.right)}"
        case ast.Contains():
            return f"{_operand(node.item)} in {_operand(node.items)}"
        case ast.Matches():
            return f"{_operand(node.text)} matches {_operand(node.pattern)}"
        case ast.Not(operand=ast.Contains() as inner):
            return f"{_operand(inner.item)} not in {_operand(inner.items)}"
        case ast.Not():
            return f"not {_grouped(node.operand, ast.And, ast.Or)}"
        case ast.And():
            return " and ".join(_grouped(o, ast.Or, ast.And) for o in node.operands)
        case ast.Or():
            return " or ".join(_grouped(o, ast.Or) for o in node.operands)


def _operand(node: ast.Expression) -> str:
    return _grouped(node, ast.Compare, ast.Contains, ast.Matches, ast.Not, ast.And, ast.Or)


def _grouped(node: ast.Expression, *looser: type) -> str:
    text = expression(node)
    return f"({text})" if isinstance(node, looser) else text


def literal(node: ast.Literal) -> str:
    """Return a literal as it is written."""
    value = node.value
    if node.kind == "percent" and isinstance(value, Decimal):
        return f"{plain(value * 100)}%"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return duration(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if node.kind == "string":
        return quoted(str(value))
    return plain(value) if isinstance(value, Decimal) else str(value)


def plain(value: Decimal) -> str:
    """Return a decimal without exponent and without trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def quoted(text: str) -> str:
    """Return text in double quotes, escaped."""
    body = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{body}"'


def duration(value: timedelta) -> str:
    """Return a duration in the largest single unit that holds it whole, or in several: `24h`, `1h30m`."""
    left = value // timedelta(milliseconds=1)
    if left == 0:
        return "0s"
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1_000)):
        if left % size == 0 and left // size <= 72:
            return f"{left // size}{unit}"
    out = ""
    for unit, size in _UNITS[1:]:
        count, left = divmod(left, size)
        out += f"{count}{unit}" if count else ""
    return out


def quorum(node: ast.Quorum) -> str:
    """Return who must approve, on one line."""
    match node:
        case ast.Some(count=1, groups=(only,)):
            return only
        case ast.Some(groups=(only,)) if only != "of":
            return f"{node.count} {only}"
        case ast.Some():
            return f"{node.count} of ({', '.join(node.groups)})"
        case ast.InTurn():
            return " then ".join(_nested(p, ast.InTurn) for p in node.parts)
        case ast.AllOf():
            return " and ".join(_nested(p, ast.InTurn, ast.AllOf, ast.AnyOf) for p in node.parts)
        case ast.AnyOf():
            return " or ".join(_nested(p, ast.InTurn, ast.AllOf, ast.AnyOf) for p in node.parts)


def _nested(node: ast.Quorum, *looser: type) -> str:
    text = quorum(node)
    return f"({text})" if isinstance(node, looser) else text


def statement(node: ast.Statement) -> str:
    """Return a statement on one line, without its remedy."""
    match node:
        case ast.Require():
            return "require " + ", ".join(expression(c) for c in node.conditions)
        case ast.Forbid():
            return f"forbid {expression(node.condition)}"
        case ast.Automatic():
            return "approve automatically"
        case ast.Approve():
            return f"approve by {quorum(node.quorum)}{''.join(_options(node))}"
        case ast.Deploy():
            return f"deploy with {node.strategy}"
        case ast.Notify():
            return f"notify {quoted(node.target)}"
        case ast.Because():
            return f"because {quoted(node.reason)}"
        case ast.Advisory():
            return "advisory"
        case ast.Effective():
            return f"effective from {point(node.point)}"
        case ast.When():
            body = [statement(s) for s in node.body]
            inner = f": {body[0]}" if len(body) == 1 else " { " + " ".join(body) + " }"
            return f"when {expression(node.guard)}{inner}"


def _options(node: ast.Approve) -> Iterator[str]:
    if node.valid_for is not None:
        yield f" valid for {duration(node.valid_for)}"
    if node.including_author:
        yield " including author"
    if excluded := sorted({e for each in node.excluding for e in each.environments}):
        yield f" excluding approvers of {', '.join(excluded)}"
    if node.signed:
        yield " signed"
    for e in node.escalations:
        yield f" escalate to {', '.join(e.groups)} after {duration(e.after)}"


def point(node: ast.Point) -> str:
    """Return an instant as it is written."""
    if node.text[10:] == "T00:00":
        text = node.text[:10]
    else:
        text = node.text if node.text[16:] else node.text.replace("T", " ")
    return f"{text} in {node.zone}" if node.zone else text
