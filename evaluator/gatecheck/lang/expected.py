"""Say in words what the parser expected where it stopped, and what a writer of another language most likely meant."""

import re

from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from gatecheck.text.diagnostic import Diagnostic
from gatecheck.text.nearest import nearest
from gatecheck.text.source import Source, Span

DECLARATIONS = (
    "attribute", "environment", "evidence", "gate", "group", "invariant", "let", "override", "risk", "rule", "test",
    "waive", "window",
)  # fmt: skip
STATEMENTS = ("advisory", "approve", "because", "deploy", "effective", "forbid", "notify", "require", "when")
_INSIDE = {
    *STATEMENTS,
    "and",
    "at",
    "bound",
    "field",
    "fresh",
    "given",
    "in",
    "including",
    "not",
    "or",
    "otherwise",
    "pass",
    "remedy",
}

_QUOTES = 'text stands in straight double quotes: `"…"`'
_DASH = "this is a dash; write a hyphen `-`"
_RULE = "a rule is written `rule name for environment { … }`"
_DURATION = "a duration is one word with its unit, such as `24h`"

_UNITS = "the units of a duration are `w`, `d`, `h`, `m`, `s` and `ms`, such as `1h30m`"

# Signs that another language writes here, each with the mend.
_SIGNS = {
    "===": "a comparison is written `==`",
    ":=": "a name is given with `let name = …`, a comparison is written `==`",
    "&&": "write `and`",
    "&": "write `and`",
    "||": "write `or`",
    "|": "write `or`",
    "!": "write `not`",
    "<>": "write `!=`",
    "=<": "write `<=`",
    "=>": "write `>=`",
    "=~": 'text is compared with a glob: `matches "PAY-*"`',
    "~": 'text is compared with a glob: `matches "PAY-*"`',
    "'": _QUOTES,
    "\u201c": _QUOTES,
    "\u201d": _QUOTES,
    "\u201e": _QUOTES,
    "\u2018": _QUOTES,
    "\u2019": _QUOTES,
    "\u00ab": _QUOTES,
    "\u00bb": _QUOTES,
    "\u00a0": "this is a non-breaking space; write an ordinary one",
    "\u202f": "this is a non-breaking space; write an ordinary one",
    "\u2010": _DASH,
    "\u2011": _DASH,
    "\u2012": _DASH,
    "\u2013": _DASH,
    "\u2014": _DASH,
    "\u2212": _DASH,
    "\u2265": "write `>=`",
    "\u2264": "write `<=`",
    "\u2260": "write `!=`",
    "\u2026": "write `..` between two dates",
    ";": "nothing separates statements: drop it",
    "//": "a comment starts with `#`",
    "/*": "a comment starts with `#`",
    "--": "a comment starts with `#`",
    "/": 'a pattern is a glob in quotes, such as `"payments/**"`',
    "*": 'a pattern is a glob in quotes, such as `"payments/**"`',
    "`": "names are written bare",
    "$": "names are written bare",
    "@": 'a person with such a name stands in quotes, in a group: `group name = "alice@example.com"`',
    "(": "the functions are `all`, `any`, `count` and `soak`",
}

# Words that another language, or plain English, writes here.
_WORDS_MEANT = {
    "if": "a condition is written `when`",
    "unless": "write `when not …`",
    "else": "there is no `else`: write a second `when` with the opposite condition",
    "elif": "there is no `elif`: write a second `when`",
    "is": "a comparison is written `==`",
    "equals": "a comparison is written `==`",
    "like": 'text is compared with a glob: `matches "PAY-*"`',
    "match": 'text is compared with a glob: `matches "PAY-*"`',
    "contains": 'write `"x" in list`, or `matches "*x*"` to look into text',
    "expires": "the end stands in front of the brace: `until 2027-01-31 {`",
    "reason": 'a reason is written `because "…"`',
    "tomorrow": "write the date: rules mean the same on every day",
    "today": "write the date: rules mean the same on every day",
    "now": "write the date: rules mean the same on every day",
    "approval": "write `given approval by …`",
    "where": "`where` stands inside the parentheses: `count(findings where …)`",
    "second": _DURATION,
    "seconds": _DURATION,
    "minute": _DURATION,
    "minutes": _DURATION,
    "hour": _DURATION,
    "hours": _DURATION,
    "day": _DURATION,
    "days": _DURATION,
    "sec": _UNITS,
    "min": _UNITS,
    "mins": _UNITS,
    "hr": _UNITS,
    "hrs": _UNITS,
    "month": _UNITS,
    "months": _UNITS,
    "year": _UNITS,
    "years": _UNITS,
    "week": _DURATION,
    "weeks": _DURATION,
    "h": _DURATION,
    "d": _DURATION,
    "allow": _RULE,
    "default": _RULE,
    "deny": _RULE,
    "import": "every `.gate` file of the folder belongs to the pack: nothing is imported",
    "include": "every `.gate` file of the folder belongs to the pack: nothing is imported",
    "package": "a pack needs no package: its folder names it",
    "permit": _RULE,
    "policy": _RULE,
    "forbid": _RULE,
    "require": _RULE,
    "approve": _RULE,
    "when": _RULE,
}

_VERDICTS = ("allow", "deny", "pending")
_NUMBERS = ("one", "two", "three", "four", "five", "six")

_KINDS = {
    "NAME": "a name",
    "STRING": 'text in `"…"`',
    "INT": "a whole number",
    "DURATION": "a duration such as `24h`",
    "PERCENT": "a percentage",
    "DATE": "a date such as `2026-12-18`",
    "TIMES": "times such as `09:00-16:00`",
    "TIME": "a time such as `09:00`",
    "DAYS": "days such as `Mon-Fri`",
    "ZONE": "a time zone such as `Europe/Berlin`",
    "COMPARE": "a comparison such as `==`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "COLON": "`:`",
    "COMMA": "`,`",
    "EQUAL": "`=`",
    "LESSTHAN": "`<`",
    "DOT": "`.`",
    "SAID_AT": "`at`",
    "SLASH": "`/`",
    "SEMICOLON": "`;`",
    "INSTANT": "an instant such as `2026-11-23T09:00:00Z`",
    "__ANON_0": "`..`",
}
_VALUE = {"NAME", "STRING", "INT", "DECIMAL", "PERCENT", "DURATION", "DATE", "INSTANT", "TRUE", "FALSE", "LPAR", "LSQB"}
_DECLARING = {d.upper() for d in DECLARATIONS}
_STATING = {s.upper() for s in STATEMENTS}
_LONGEST = 60  # characters of the text that is shown as unexpected
_CLOSERS = {"{": "}", "(": ")", "[": "]"}
_PIECE = re.compile(r'"(?:[^"\\\n]|\\.)*"|#[^\n]*|[{}()\[\]]|[^\s"#{}()\[\]]+|"')


def starts_declaration(line: str) -> bool:
    """Tell whether a line of text starts a declaration: a declaring word, or nearly one, in the first column."""
    word = line.split(maxsplit=1)[0] if line[:1].isalpha() else ""
    return word in DECLARATIONS or (word != "" and word not in _INSIDE and nearest(word, DECLARATIONS) is not None)


def describe(
    error: UnexpectedToken | UnexpectedCharacters, source: Source, whole: str = "the file"
) -> Diagnostic:  # fmt: skip
    """Return the diagnostic for a place where the parser could not go on; ``whole`` names the text."""
    wanted = set(error.interactive_parser.accepts())  # type: ignore[no-untyped-call]
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return _too_early(source, len(source.text), wanted, f"{whole} ends too early")
    place: int = error.pos_in_stream  # type: ignore[assignment]  # lark sets it on both
    rest = source.line(error.line)[error.column - 1 :]
    if rest.startswith('"') and not re.match(r'"(?:[^"\\]|\\.)*"', rest):
        end = error.column + len(rest)
        span = Span(source.name, error.line, error.column, error.line, end)
        return Diagnostic("GC102", "this text has no closing quote", span, 'expected `"` on the same line')
    if rest.startswith('"') and not isinstance(error, UnexpectedToken):
        span = Span(source.name, error.line, error.column, error.line, error.column + len(rest))
        return Diagnostic("GC102", "this text holds an unknown escape", span, "", r"known: `\"`, `\\`, `\n`, `\t`")
    before = source.text[:place]
    is_first = not before[before.rfind("\n") + 1 :].strip()
    is_short = not wanted & {"RBRACE", "AND", "COMMA"} and not wanted >= _DECLARING and before.strip() != ""
    if is_first and (is_short or wanted & {"RPAR", "RSQB"}):
        return _too_early(source, place, wanted, "the line ends too early")
    text = _offending(error, rest)
    span = Span(source.name, error.line, error.column, error.line, error.column + max(1, len(text)))
    shown = text if text.isprintable() else f"U+{ord(text[0]):04X}"
    shown = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
    hint = _hint(text, rest, wanted, before)
    return Diagnostic("GC101", f"unexpected `{shown}`", span, f"expected {_in_words(wanted)}", hint)


def _offending(error: UnexpectedToken | UnexpectedCharacters, rest: str) -> str:
    """Return the text to show as unexpected: a sign of another language whole, else the token, else one character."""
    for length in (3, 2):
        if len(rest) >= length and rest[:length] in _SIGNS:
            return rest[:length]
    return str(error.token) if isinstance(error, UnexpectedToken) else rest[:1] or " "


def _too_early(source: Source, end: int, wanted: set[str], message: str) -> Diagnostic:
    """Return the diagnostic for text that stops before something is whole."""
    pieces = [p for p in _PIECE.finditer(source.text, 0, end) if not p[0].startswith("#")]
    open_ones: list[re.Match[str]] = []
    for piece in pieces:
        if piece[0] in _CLOSERS:
            open_ones.append(piece)
        elif piece[0] in _CLOSERS.values() and open_ones:
            open_ones.pop()
    closing = {"{": "RBRACE", "(": "RPAR", "[": "RSQB"}
    if open_ones and closing[open_ones[-1][0]] in wanted:
        opener = open_ones[-1]
        span = _span_of(source, opener)
        return Diagnostic("GC101", f"this `{opener[0]}` is never closed", span, f"expected a `{_CLOSERS[opener[0]]}`")
    label = f"expected {_in_words(wanted)} after this"
    hint = "name the time zone of the window: `in Europe/Berlin`" if {"IN", "COMMA"} <= wanted else ""
    if wanted == {"NAME", "OF"}:
        hint = "name a group: `2 tech-lead`, or `2 of (tech-lead, pm)`"
    span = _span_of(source, pieces[-1]) if pieces else Span(source.name, 1, 1, 1, 1)
    if "WAIVED" in wanted and pieces and (near := nearest(pieces[-1][0], _VERDICTS)):
        hint = f"did you mean `{near}`?"
    return Diagnostic("GC101", message, span, label, hint)


def _span_of(source: Source, piece: re.Match[str]) -> Span:
    line = source.text.count("\n", 0, piece.start()) + 1
    column = piece.start() - source.text.rfind("\n", 0, piece.start())
    return Span(source.name, line, column, line, column + len(piece[0]))


def _hint(text: str, rest: str, wanted: set[str], before: str) -> str:
    """Return the mend that most likely serves, or an empty text."""
    if text in ("and", "or") and wanted & {"AND", "OR"}:
        return "group `and` and `or` with parentheses"
    if text in ("==", "!=", "<", "<=", ">", ">=") and "AND" in wanted:
        return "a comparison has two sides: join several with `and`"
    if text == "=":
        typed = "write `attribute name: type default value`" if wanted == {"COLON"} else ""
        if typed and "{" in before[before.rfind("\n") + 1 :]:
            typed = "a value stands behind a colon: `name: value`"
        return "a comparison is written `==`" if "COMPARE" in wanted else typed
    if text == ",":
        return _hint_on_comma(wanted, before)
    if text == "{":
        return _hint_on_brace(wanted, before)
    if text == ":" and "LBRACE" in wanted:
        return "a body stands in braces: `{ … }`"
    if text == "-" and "__ANON_0" in wanted:
        return "write `..` between two dates"
    if re.search(r"matches\s+\S*$", before) and text in ("-", "*", "/", "."):
        return _SIGNS["*"]
    if text == "-" and wanted & (_STATING | {"PASS"}):
        return "statements need no dash: drop it"
    if text == "[" and "STRING" in wanted and "INT" not in wanted:
        return "names are listed without brackets: `alice, bob`"
    if text == "(" and "LPAR" in wanted:
        return ""
    if text in _SIGNS and not (text in "/*" and "STRING" not in wanted):
        return _SIGNS[text]
    if "DAYS" in wanted or "TIMES" in wanted:
        return _hint_on_times(text, wanted)
    if wanted == {"DURATION"}:
        return _DURATION
    return _hint_on_word(text, rest, wanted, before)


def _hint_on_comma(wanted: set[str], before: str) -> str:
    if "RPAR" in wanted:
        return "a list stands in brackets: `[a, b]`"
    if "LESSTHAN" in wanted:
        return "levels rise from left to right: `risk low < high`"
    said = before[before.rfind("\n") + 1 :].split(":")[-1].split()
    meant = {
        "approve": "join groups with `and`, `or` or `then`",
        "environment": "declare each environment by itself",
        "forbid": "`forbid` takes one condition: join several with `or`",
    }
    return meant.get(said[0], "") if said else ""


def _hint_on_brace(wanted: set[str], before: str) -> str:
    if wanted == {"FROM"}:
        return "say which kind of evidence the gate reads, such as `from junit`"
    if "FOR" in wanted:
        return "name the environments, such as `for production`"
    if before.rstrip().endswith(":"):
        return "a `:` takes one statement, braces take several: drop the `:`"
    return "name the levels, from the lowest up: `risk low < high { … }`" if before.split()[-1:] == ["risk"] else ""


def _hint_on_times(text: str, wanted: set[str]) -> str:
    if re.match(r"[0-9]{2}:", text) and "TIMES" not in wanted:
        return f"name the days: `Mon-Fri {text}`"
    if re.match(r"[0-9]", text):
        return "times are written with two digits each: `09:00-16:00`"
    if re.match(r"(?i)(mon|tue|wed|thu|fri|sat|sun)", text):
        return "days are written `Mon`, `Tue`, `Wed`, `Thu`, `Fri`, `Sat`, `Sun`, and several as `Mon-Fri`"
    return ""


def _hint_on_word(text: str, rest: str, wanted: set[str], before: str) -> str:
    if text.startswith('"'):
        return "a name is written without quotes" if "NAME" in wanted else ""
    if not text.replace("-", "_").isidentifier():
        return ""
    if text == "for" and "VALID" in wanted:
        return "write `valid for`"
    if text.lower() in ("and", "or", "not", "in") and text.lower() != text:
        return f"write `{text.lower()}`"
    if before.rstrip().lower().endswith(tuple(f"by {word}" for word in _NUMBERS)):
        number = _NUMBERS.index(before.split()[-1].lower()) + 1
        return f"write the number in digits: `{number} {text}`"
    if wanted == {"STRING"}:
        return f'write it in quotes: `"{text}"`'
    if re.fullmatch(r"T[0-9]{2}", text):
        return "an instant says its offset: `2026-11-23T09:00:00Z`, or `+01:00` for `Z`"
    if {"COLON", "LBRACE"} <= wanted and text in STATEMENTS:
        return "put a `:` before the statement"
    if (
        wanted == {"AUTOMATICALLY", "BY"}
        and text not in ("automatic", "auto")
        and nearest(text, ["automatically"]) is None
    ):
        return f"write `approve by {text}`"
    if text in ("and", "or") and "COMMA" in wanted:
        return "put a `,` between two names"
    line = before[before.rfind("\n") + 1 :].split(":")[-1].split()
    words = [w.lower() for w in wanted if w.isalpha() and w not in _KINDS and w not in ("TRUE", "FALSE", "INSTANT")]
    near = nearest(text, words)
    if near and near != text and not rest[len(text) :].startswith(":"):
        return f"did you mean `{near}`?"
    if "COMMA" in wanted and wanted >= _DECLARING and line:
        return "put a `,` between two names"
    if line[:1] == ["require"] and text not in _WORDS_MEANT and text not in STATEMENTS:
        return "put a `,` between two conditions, or `and`"
    if "PASS" in wanted and re.match(r"[\w.-]+(\s*[=!<>(]|\s+(in|matches)\b)", rest):
        return "a condition is written `pass when …`"
    if wanted >= _DECLARING and rest[len(text) :].startswith(":"):
        return _RULE
    if wanted >= _STATING and text in ("change", "risk", "not", "count", "any", "all", "soak", "during"):
        return "a condition is written `require …`, or `when …:` before a statement"
    if wanted >= _DECLARING or text not in STATEMENTS:
        return _WORDS_MEANT.get(text.lower(), "")
    return ""


def _in_words(wanted: set[str]) -> str:
    wanted = wanted - {"COMMENT", "WHITESPACE"}
    if wanted >= _STATING:
        return "a statement such as `require` or `approve`" + (", or `}`" if "RBRACE" in wanted else "")
    if wanted >= _DECLARING:
        return "a declaration such as `rule` or `gate`"
    words: list[str] = []
    if len(wanted & _VALUE) >= 8:
        words.append("a value or a name")
        wanted -= _VALUE | {"NOT", "DURING"}
    if {"AND", "OR", "COMPARE"} & wanted and len(wanted) > 5:
        words += sorted(_KINDS[w] for w in wanted & {"LBRACE", "COLON", "RPAR", "RBRACE"})
        words.append("an operator such as `==`, `and` or `in`" if "COMPARE" in wanted else "`and` or `or`")
        wanted = set()
    words += sorted(_KINDS.get(w, f"`{w.lower()}`") for w in wanted if w != "$END")
    if not words:
        return "the end of the file"
    shown = words[:5]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"
