"""A file that is being edited: parsed again after each change, at the cost of what changed.

A file is a sequence of declarations, and where each begins shows in its text. So each is parsed by itself and kept by
its text; one that only moved up or down is moved. What comes out is what ``parser.parse`` says of the whole file.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from gatecheck.lang import ast
from gatecheck.lang.parser import Parsed, as_file, chunks, parse_chunk, without_forbidden
from gatecheck.text.diagnostic import Diagnostic
from gatecheck.text.source import Source, Span

if TYPE_CHECKING:
    from gatecheck.lang.check import CheckedRule

_Any = TypeVar("_Any")
_STATES = 4  # of what a pack declares beside rules


class Kept(Generic[_Any]):
    """What ``read`` gives for each stretch of a file, kept by its text until a round that does not ask for it."""

    def __init__(self, read: Callable[[Source], _Any]) -> None:
        self._read = read
        self._kept: dict[tuple[str, str], tuple[int, _Any]] = {}  # by file and text: the line, and what is there
        self._used: dict[tuple[str, str], tuple[int, _Any]] = {}

    def start_round(self) -> None:
        """Forget what was not asked for since the last call."""
        self._kept, self._used = self._used, {}

    def read(self, chunk: Source) -> _Any:
        """Return what ``read`` gives for text that stands behind as many empty lines as lines are above it."""
        text = chunk.text.lstrip("\n")
        line = len(chunk.text) - len(text)
        key = chunk.name, text
        before, found = self._used.get(key) or self._kept.get(key) or (line, self._read(chunk))
        if before != line:
            found = moved(found, line - before)
        self._used[key] = line, found
        return found


class Draft:
    """Keeps what the declarations of one file's last text said."""

    def __init__(self) -> None:
        self._chunks = Kept(parse_chunk)

    def parse(self, source: Source) -> tuple[ast.File, list[Diagnostic]]:
        """Return what ``parser.parse`` returns."""
        source, problems = without_forbidden(source)
        self._chunks.start_round()
        written = list(chunks(source))
        parsed = [self._chunks.read(chunk) for chunk in written]
        if any(each.problem is not None for each in parsed):
            parsed = self._joined(written, parsed) or parsed
        return as_file(source, parsed), [*problems, *(p.problem for p in parsed if p.problem is not None)]

    def _joined(self, written: Sequence[Source], parsed: Sequence[Parsed]) -> list[Parsed] | None:
        """Return the parts of a file that parses as a whole, or ``None``.

        A line may begin with a declaring word and declare nothing: `let a =` may go on with `risk == high` there.
        """
        whole: list[Parsed] = []
        at = 0
        while at < len(written):
            part, text = parsed[at], written[at].text
            at += 1
            while part.is_open and at < len(written):
                text += "\n" + written[at].text.lstrip("\n")
                part = self._chunks.read(Source(written[at].name, text))
                at += 1
            if part.problem is not None:
                return None
            whole.append(part)
        return whole


class KeptRules:
    """What checking the rules of a pack gave, kept while nothing else that the pack declares says anything else.

    A declaration that parses and does not in turns, as while it is typed, changes what is declared; so what was kept
    before some changes is kept beside.
    """

    def __init__(self) -> None:
        self._states: list[tuple[tuple[object, ...], dict[int, tuple[ast.Rule, CheckedRule]]]] = []
        self._kept: dict[int, tuple[ast.Rule, CheckedRule]] = {}
        self._used: dict[int, tuple[ast.Rule, CheckedRule]] = {}

    def start_round(self, declarations: Sequence[ast.Declaration], schemas: Mapping[str, bytes]) -> None:
        """Take all that a pack declares; what was kept of its rules counts only if the rest is as it was."""
        names = tuple(sorted(d.name for d in declarations if isinstance(d, ast.Rule)))
        others = (names, dict(schemas), *(d for d in declarations if not isinstance(d, ast.Rule)))
        before = next((state for state in self._states if _are_same(state[0], others)), None)
        self._states = [state for state in self._states if state is not before][: _STATES - 1]
        self._kept, self._used = (before[1] if before is not None else {}), {}
        self._states.insert(0, (others, self._used))

    def get(self, rule: ast.Rule) -> "CheckedRule | None":
        """Return what checking a rule gave, ``None`` where that must be done again."""
        found = self._kept.get(id(rule))
        return found[1] if found is not None else None

    def keep(self, rule: ast.Rule, checked: "CheckedRule") -> None:
        """Keep what checking a rule gave."""
        self._used[id(rule)] = rule, checked  # the rule with it, so that no other gets its identity


def _are_same(some: Sequence[object], others: Sequence[object]) -> bool:
    return len(some) == len(others) and all(a is b or a == b for a, b in zip(some, others, strict=True))


def moved(value: _Any, lines: int) -> _Any:
    """Return syntax, a problem, or a tuple of such, as it were that many lines further down."""
    if isinstance(value, Span):
        return value._replace(line=value.line + lines, end_line=value.end_line + lines)
    if isinstance(value, ast.Node):
        return type(value)(*[moved(getattr(value, name), lines) for name in value.__struct_fields__])
    if isinstance(value, tuple):
        each = [moved(item, lines) for item in value]
        return type(value)(*each) if hasattr(value, "_fields") else type(value)(each)
    return value
