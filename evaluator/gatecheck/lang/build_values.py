"""Read the values that the grammar matched: places, texts, numbers, durations, dates and instants."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from lark import Token, Transformer

from gatecheck.lang import ast
from gatecheck.text.diagnostic import Diagnostic
from gatecheck.text.source import Span

_UNITS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_MOST_DAYS = 365_250  # of a duration: a thousand years, so that no sum with an instant leaves the calendar
_YEARS = ("1971", "2998")
_ESCAPES = {'\\"': '"', "\\\\": "\\", "\\n": "\n", "\\t": "\t"}
LONGEST = 20  # characters of a number


class BadValueError(Exception):
    """A token of the right shape with an impossible value, such as a month 13."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


Children = list[Any]


def names_in(children: Sequence[Any]) -> list[Token]:
    """Return the tokens that are names."""
    return [c for c in children if isinstance(c, Token) and c.type == "NAME"]


def nodes_in(children: Sequence[Any]) -> tuple[Any, ...]:
    """Return the children that are nodes already."""
    return tuple(c for c in children if isinstance(c, ast.Node))


class BuildValues(Transformer[Token, ast.Node]):
    """What all of building shares."""

    file = ""

    # -- places and values

    def span(self, children: Sequence[Any]) -> Span:
        """Return the span from the first child to the last."""
        return self.place(children[0]).to(self.place(children[-1]))

    def place(self, child: Any) -> Span:
        if isinstance(child, Token):
            return Span(self.file, child.line or 1, child.column or 1, child.end_line or 1, child.end_column or 1)
        if isinstance(child, list):
            return self.span(child)
        span: Span = child.span
        return span

    def bad(self, token: Any, message: str, label: str = "", hint: str = "") -> BadValueError:
        return BadValueError(Diagnostic("GC103", message, self.place(token), label, hint))

    def string(self, token: Token) -> str:
        body = str(token)[1:-1]
        if "\\" in body:
            out, index = [], 0
            while index < len(body):
                pair = body[index : index + 2]
                out.append(_ESCAPES.get(pair, body[index]))
                index += 2 if pair in _ESCAPES else 1
            body = "".join(out)
        return body

    def duration(self, token: Token) -> timedelta:
        if len(token) > LONGEST:
            raise self.bad(token, "this duration is too long")
        total, digits, unit = timedelta(), "", ""
        for char in str(token) + "0":
            if char.isdigit() and unit:
                try:
                    total += int(digits) * _UNITS[unit]
                except OverflowError:
                    raise self.bad(token, f"the duration `{token}` is too long") from None
                digits, unit = "", ""
            if char.isdigit():
                digits += char
            else:
                unit += char
        if total.days >= _MOST_DAYS:
            raise self.bad(token, f"the duration `{token}` is too long", "", "at most a thousand years are meant")
        return total

    def minutes(self, text: str, token: Any) -> int:
        hours, minutes = int(text[:2]), int(text[3:])
        if minutes > 59 or hours * 60 + minutes > 24 * 60:
            raise self.bad(token, f"`{text}` is not a time of day", "from 00:00 to 24:00")
        return hours * 60 + minutes

    def date(self, token: Token) -> str:
        try:
            datetime.strptime(str(token), "%Y-%m-%d")  # noqa: DTZ007  # a wall-clock date has no zone
        except ValueError:
            raise self.bad(token, f"`{token}` is not a date", "there is no such day in the calendar") from None
        return str(token)

    def names(self, children: Children) -> Children:
        return children

    def literal(self, children: Children) -> ast.Literal:
        token: Token = children[0]
        kind: Any = token.type.lower()
        value: Any = str(token)
        if kind in ("int", "decimal", "percent") and len(value) > LONGEST:
            raise self.bad(token, "this number is too long", "", f"numbers have at most {LONGEST} characters")
        if kind in ("true", "false"):
            kind, value = "bool", kind == "true"
        elif kind == "int":
            value = int(token)
            if abs(value) >= 2**53:
                raise self.bad(token, f"the number `{token}` is too large", "whole numbers go up to 2^53 - 1")
        elif kind == "decimal":
            value = Decimal(str(token))
        elif kind == "percent":
            value = Decimal(f"{value[:-1]}E-2")
        elif kind == "duration":
            value = self.duration(token)
        elif kind == "date":
            value = self.date(token)
        elif kind == "instant":
            value = datetime.fromisoformat(self.instant(token))
        else:
            value = self.string(token)
        return ast.Literal(self.place(token), kind, value)

    # -- instants and people

    def moment(self, children: Children) -> Children:
        return children

    def point(self, children: Children) -> ast.Point:
        first = children[0]
        token = first if isinstance(first, Token) else first[0]
        if not _YEARS[0] <= str(token)[:4] <= _YEARS[1]:  # a day less than records hold, whatever the offset
            raise self.bad(token, f"`{token}` lies outside of the years {' to '.join(_YEARS)}")
        if isinstance(first, Token):
            return ast.Point(self.place(first), self.instant(first))
        zone = str(children[-1]) if len(children) > 1 else ""
        return ast.Point(self.span(children), self.wall_clock(first), zone)

    def instant(self, token: Token) -> str:
        try:
            datetime.fromisoformat(str(token))
        except ValueError:
            raise self.bad(token, f"`{token}` is not an instant", "such as 2026-11-23T09:00:00Z") from None
        return str(token)

    def wall_clock(self, tokens: Children) -> str:
        minutes = self.minutes(str(tokens[1]), tokens[1]) if len(tokens) > 1 else 0
        moment = datetime.fromisoformat(self.date(tokens[0])) + timedelta(minutes=minutes)
        return moment.isoformat(timespec="minutes")

    def person(self, children: Children) -> Token:
        token: Token = children[0]
        return token

    def people(self, children: Children) -> Children:
        return children

    def person_names(self, tokens: Children) -> tuple[str, ...]:
        """Return the names in what ``people`` matched."""
        return tuple(self.person_name(t) for t in tokens if t.type in ("NAME", "STRING"))

    def person_name(self, token: Token) -> str:
        return self.string(token) if token.type == "STRING" else str(token)
