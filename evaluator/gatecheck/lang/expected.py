"""Say in words what the parser expected where it stopped, and what a writer of another language most likely meant."""

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from gatecheck.text.diagnostic import Diagnostic
from gatecheck.text.nearest import nearest
from gatecheck.text.source import Source, Span

DECLARATIONS = ("attribute", "environment", "gate", "group", "let", "risk", "rule", "window")
STATEMENTS = ("approve", "because", "deploy", "forbid", "notify", "require", "when")

# Words that another language writes here, each with the mend.
_HABITS = {
    "=": "a comparison is written `==`",
    "===": "a comparison is written `==`",
    ":=": "a name is given with `let name = …`, a comparison is written `==`",
    "&&": "write `and`",
    "&": "write `and`",
    "||": "write `or`",
    "|": "write `or`",
    "!": "write `not`, or `!=` between two values",
    "<>": "write `!=`",
    "=<": "write `<=`",
    "=>": "write `>=`",
    "'": 'text stands in double quotes: `"…"`',
    "\u201c": 'use straight double quotes: `"…"`',
    "\u201d": 'use straight double quotes: `"…"`',
    "\u2018": 'use straight double quotes: `"…"`',
    "\u2019": 'use straight double quotes: `"…"`',
    "\u00a0": "this is a non-breaking space; write an ordinary one",
    "\u2013": "this is a dash; write a hyphen `-`",
    "\u2014": "this is a dash; write a hyphen `-`",
    "\u2265": "write `>=`",
    "\u2264": "write `<=`",
    "\u2260": "write `!=`",
    ";": "statements need no separator: drop it",
    "//": "a comment starts with `#`",
    "/": "a comment starts with `#`",
    "`": "names are written bare",
    "$": "names are written bare",
    "@": 'a person with such a name is written in quotes: `"…"`',
    "(": "a function is called as `count(…)`, `any(…)`, `all(…)` or `soak(…)`",
}

_WORDS = {
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
    "__ANON_0": "`..`",
}
_VALUE = {"NAME", "STRING", "INT", "DECIMAL", "PERCENT", "DURATION", "DATE", "INSTANT", "TRUE", "FALSE", "LPAR", "LSQB"}


def starts_declaration(line: str) -> bool:
    """Tell whether a line of text starts a declaration: a declaring word in the first column."""
    word = line.split(maxsplit=1)[0] if line[:1].isalpha() else ""
    return word in DECLARATIONS


def describe(error: UnexpectedToken | UnexpectedCharacters, source: Source) -> Diagnostic:
    """Return the diagnostic for a place where the parser could not go on."""
    if isinstance(error, UnexpectedToken):
        return _unexpected_token(error.token, set(error.accepts or error.expected), source)
    line = source.line(error.line)
    char = line[error.column - 1 : error.column] or " "
    return _unexpected_text(char, line[error.column - 1 :], error, source)


def _unexpected_text(char: str, rest: str, error: UnexpectedCharacters, source: Source) -> Diagnostic:
    two = rest[:3] if rest.startswith("===") else rest[:2]
    offending = two if two in _HABITS else char
    if char == '"':
        span = Span(source.name, error.line, error.column, error.line, error.column + len(rest))
        return Diagnostic("GC102", "this text has no closing quote", span, 'expected `"` on the same line')
    span = Span(source.name, error.line, error.column, error.line, error.column + len(offending))
    allowed = set(error.allowed or ())
    label = f"expected {_in_words(allowed)}" if allowed else ""
    hint = _HABITS.get(offending, "")
    if offending == "=" and "COMPARE" not in allowed and hint:
        hint = ""
    shown = offending if offending.isprintable() else f"U+{ord(char):04X}"
    return Diagnostic("GC101", f"unexpected `{shown}`", span, label, hint)


def _unexpected_token(token: Token, wanted: set[str], source: Source) -> Diagnostic:
    line, column = token.line or 1, token.column or 1
    if token.type == "$END":
        lines = source.text.rstrip().split("\n")
        end = len(lines[-1].rstrip("\r")) + 1
        span = Span(source.name, len(lines), max(1, end - 1), len(lines), end)
        return Diagnostic("GC101", "the file ends too early", span, f"expected {_in_words(wanted)} after this")
    span = Span(source.name, line, column, token.end_line or line, token.end_column or column + 1)
    text = str(token)
    label = f"expected {_in_words(wanted)}"
    return Diagnostic("GC101", f"unexpected `{text}`", span, label, _hint(token, wanted))


def _hint(token: Token, wanted: set[str]) -> str:
    text = str(token)
    if text in ("and", "or") and wanted & {"AND", "OR"}:
        return "group `and` and `or` with parentheses"
    if text == "=" and "COMPARE" in wanted:
        return _HABITS["="]
    if text == "{" and "COLON" not in wanted and "NAME" in wanted:
        return ""
    if text.replace("-", "_").isidentifier():
        words = [w.lower() for w in wanted if w.isalpha() and w not in _WORDS and w not in ("TRUE", "FALSE", "INSTANT")]
        near = nearest(text, words)
        if near:
            return f"did you mean `{near}`?"
    return _HABITS.get(text, "") if text != "(" or "LPAR" not in wanted else ""


def _in_words(wanted: set[str]) -> str:
    wanted = set(wanted) - {"COMMENT", "WHITESPACE"}
    words: list[str] = []
    if len(wanted & _VALUE) >= 8:
        words.append("a value or a name")
        wanted -= _VALUE | {"NOT", "DURING"}
    declaring = {d.upper() for d in DECLARATIONS}
    if declaring <= wanted:
        words.append("a declaration such as `rule` or `gate`")
        wanted -= declaring
    stating = {s.upper() for s in STATEMENTS}
    if stating <= wanted:
        words.append("a statement such as `require` or `approve`")
        wanted -= stating
    wanted.discard("$END")
    if {"AND", "OR", "COMPARE"} & wanted and len(wanted) > 5:
        rest = wanted & {"LBRACE", "COLON", "RPAR"}
        words += sorted(_WORDS[w] for w in rest)
        words.append("an operator such as `==`, `and` or `in`" if "COMPARE" in wanted else "`and` or `or`")
        wanted = set()
    words += sorted(_WORDS.get(w, f"`{w.lower()}`") for w in wanted)
    if not words:
        return "the end of the file"
    shown = words[:5]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"
