"""Find the regular expressions of a JSON Schema in texts: each character is looked at once, whatever the expression.

The standard library tries one way after another, and takes longer than anybody waits for `(a+)+$` against the wrong
text. Here all ways are followed at once, which decides the same for whatever is described by characters, choices and
counts. What needs a look back or ahead can't be followed so, and is refused. Parsing is the standard library's.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

# No stub describes these; type checkers differ on whether they are there.
c: Any = import_module("re._constants")
_parser: Any = import_module("re._parser")

MAX_STEPS = 2_000
_MAX_KEPT = 10_000
_BEGIN, _END, _LAST, _EDGE = 1, 2, 4, 8  # where a place is: at the start, the end, the last line's end, a word's edge
_PLACES = {
    c.AT_BEGINNING: _BEGIN, c.AT_BEGINNING_STRING: _BEGIN, c.AT_END: _LAST, c.AT_END_STRING: _END, c.AT_BOUNDARY: _EDGE,
}  # fmt: skip


class PatternError(ValueError):
    """An expression that can't be followed in one pass; the message says why."""


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


_CATEGORIES: dict[Any, Callable[[str], bool]] = {
    c.CATEGORY_DIGIT: str.isdecimal, c.CATEGORY_NOT_DIGIT: lambda char: not char.isdecimal(),
    c.CATEGORY_SPACE: str.isspace, c.CATEGORY_NOT_SPACE: lambda char: not char.isspace(),
    c.CATEGORY_WORD: _is_word, c.CATEGORY_NOT_WORD: lambda char: not _is_word(char),
}  # fmt: skip


class _Step(NamedTuple):
    """One step of a way: over a character that it ``takes``, or at once, at a place such as it ``asks`` for."""

    next: tuple[int, ...]
    takes: Callable[[str], bool] | None = None
    asks: int = 0


class Pattern:
    """An expression as steps, and what was found out about it so far."""

    def __init__(self, source: str) -> None:
        """Take an expression that ``re`` compiles; ``PatternError`` where it can't be followed in one pass."""
        parsed = _parser.parse(source)
        if parsed.state.flags != c.SRE_FLAG_UNICODE:
            raise PatternError("it sets flags")
        self._steps: list[_Step] = [_Step(())]  # the first is the end of the way
        self._start = frozenset({self._sequence(parsed, 0)})
        self._has_edges = any(step.asks == _EDGE for step in self._steps)
        self._kept: dict[tuple[frozenset[int], int, str], frozenset[int] | None] = {}

    def found_in(self, text: str) -> bool:
        """Return whether the expression matches anywhere in a text, as ``re.search`` would find it."""
        ways, size = self._start, len(text)
        for at in range(size + 1):
            char = text[at : at + 1]
            place = 0
            if at == 0:
                place |= _BEGIN
            if at == size:
                place |= _END | _LAST
            elif at == size - 1 and char == "\n":
                place |= _LAST
            if self._has_edges and (at > 0 and _is_word(text[at - 1])) != (char != "" and _is_word(char)):
                place |= _EDGE
            key = (ways, place, char)
            if key not in self._kept:
                if len(self._kept) >= _MAX_KEPT:
                    self._kept.clear()
                self._kept[key] = self._onward(*key)
            onward = self._kept[key]
            if onward is None:
                return True
            ways = onward
        return False

    def _onward(self, ways: frozenset[int], place: int, char: str) -> frozenset[int] | None:
        """Return the ways that are open after a character, or ``None`` where one has come to its end before it."""
        seen: set[int] = set()
        waiting, onward = list(ways), set(self._start)
        while waiting:
            number = waiting.pop()
            if number == 0:
                return None
            if number in seen:
                continue
            seen.add(number)
            step = self._steps[number]
            if step.takes is not None:
                if char and step.takes(char):
                    onward.update(step.next)
            elif step.asks & place == step.asks:
                waiting += step.next
        return frozenset(onward)

    def _add(self, step: _Step) -> int:
        if len(self._steps) >= MAX_STEPS:
            raise PatternError("it is too long, with its counts written out")
        self._steps.append(step)
        return len(self._steps) - 1

    def _sequence(self, items: Any, after: int) -> int:
        for op, given in reversed(list(items)):
            after = self._item(op, given, after)
        return after

    def _item(self, op: Any, given: Any, after: int) -> int:
        """Add the steps of one item before the step ``after``; return the first of them."""
        if op is c.BRANCH:
            return self._add(_Step(tuple(self._sequence(way, after) for way in given[1])))
        if op is c.SUBPATTERN:
            _, added, removed, inner = given
            if added or removed:
                raise PatternError("it sets flags")
            return self._sequence(inner, after)
        if op in (c.MAX_REPEAT, c.MIN_REPEAT):
            least, most, inner = given
            return self._repeat(least, most, inner, after)
        if op is c.AT and given in _PLACES:
            return self._add(_Step((after,), asks=_PLACES[given]))
        takes = _takes(op, given)
        if takes is None:
            raise PatternError("it looks ahead or back, or holds on to what it found")
        return self._add(_Step((after,), takes))

    def _repeat(self, least: int, most: Any, inner: Any, after: int) -> int:
        if most is c.MAXREPEAT:
            around = self._add(_Step(()))
            self._steps[around] = _Step((self._sequence(inner, around), after))
            first = around
        else:
            first = after
            for _ in range(most - least):
                first = self._add(_Step((self._sequence(inner, first), after)))
        for _ in range(least):
            before = len(self._steps)
            first = self._sequence(inner, first)
            if len(self._steps) == before:  # an empty group, however often
                break
        return first


def _takes(op: Any, given: Any) -> Callable[[str], bool] | None:
    """Return what tells whether a character fits an item; ``None`` for items that are about more than one."""
    if op is c.LITERAL:
        return lambda char: ord(char) == given
    if op is c.NOT_LITERAL:
        return lambda char: ord(char) != given
    if op is c.ANY:
        return lambda char: char != "\n"
    if op is c.RANGE:
        return lambda char: given[0] <= ord(char) <= given[1]
    if op is c.CATEGORY:
        return _CATEGORIES[given]
    if op is c.IN:
        tests = [_takes(*item) for item in given if item[0] is not c.NEGATE]
        is_negated = given[0][0] is c.NEGATE
        return lambda char: is_negated != any(test(char) for test in tests if test is not None)
    return None


@cache
def pattern(source: str) -> Pattern:
    """Return an expression, made once."""
    return Pattern(source)
