"""A decision as Markdown, for a comment on a pull request or a job's summary: the verdict, what to do, the rest.

Text by others stands in code spans, where nothing in it is interpreted and nobody is mentioned; sentences, and what a
code span can't hold, are escaped. The whole stays below what forges accept as a comment (65,536 characters).
"""

from gatecheck.report import words
from gatecheck.report.words import Item, Record, Recorded, Voice, plain

_MOST = 60_000  # characters
_MOST_ITEMS = 20_000
_MOST_NAME = 160
_ESCAPES = str.maketrans(
    {c: f"\\{c}" for c in "\\`*_[]~$"}
    | {"<": "&lt;", ">": "&gt;", "&": "&amp;", "|": "&#124;"}
    # A zero-width space keeps `@name` from calling people, and `#12` from pointing at an issue.
    | {"@": "@\u200b", "#": "#\u200b"}
)


def escape(text: str) -> str:
    """Return text by others as a sentence in Markdown, without links, mentions, markup or cells."""
    return plain(text).translate(_ESCAPES).replace("://", ":\u200b//").replace("www.", "www\u200b.")


def code(text: str) -> str:
    """Return text by others as a code span; escaped where it holds what ends a span or a table's cell."""
    text = plain(text, _MOST_NAME)
    return escape(text) if not text or "`" in text or "|" in text else f"`{text}`"


VOICE = Voice(code, escape)


def markdown(statement: Record, *, explain: bool = False, recorded: Recorded | None = None) -> str:
    """Return the report of one decision, ending in a newline; ``explain`` adds a table of all findings."""
    predicate = statement["predicate"]
    verdict, artifact, environment, risk = words.heading(statement, VOICE)
    as_of = words.moment(predicate["as_of"], predicate["as_of"])
    lines = [f"### {verdict}: {artifact} to {environment}", "", f"Risk {risk}.", ""]
    items = _items(predicate)
    lines += [*items, ""] if items else []
    lines.append(f"Passed {words.tally(predicate)}, as of {as_of}.")
    rest = _rest(predicate, recorded)
    lines += ["", *rest] if rest else []
    if explain:
        lines += _table(predicate, _MOST - sum(len(line) + 1 for line in lines))
    return "\n".join(lines) + "\n"


def _items(predicate: Record) -> list[str]:
    """Return what is to do as far as there is room."""
    items, left = words.to_do(predicate, VOICE)
    bullets: list[str] = []
    room = _MOST_ITEMS
    for item in items:
        where = _where(item)
        remedy = f"\\\n  Remedy: {item.remedy}" if item.remedy else ""
        bullet = f"- **{item.label}** {item.text}{f' ({where})' if where else ''}{remedy}"
        room -= len(bullet)
        if room < 0:
            break
        bullets.append(bullet)
    left += len(items) - len(bullets)
    return [*bullets, f"- and {left} more"] if left else bullets


def _rest(predicate: Record, recorded: Recorded | None) -> list[str]:
    """Return what is good to know, one thing a line."""
    parts = [
        ("Refused", [] if predicate["verdict"] == "allow" else words.windowed(words.refused(predicate, VOICE))),
        ("Unbound", [words.unbound(predicate, VOICE)]),
        ("Owed", words.windowed(words.obligations(predicate, VOICE))),
        ("Next", words.changes(predicate, VOICE)[:1]),
    ]
    if recorded is not None:
        parts.append(("Record", [f"{code(words.entry_name(recorded))}, signed by {code(recorded.key)}"]))
    return [f"- {label}: {'; '.join(entries)}" for label, entries in parts if any(entries)]


def _where(item: Item) -> str:
    return ", ".join(code(text) for text in (item.rule, words.tail(item.place, _MOST_NAME)) if text)


def _table(predicate: Record, room: int) -> list[str]:
    """Return every finding as a folded table, the worst first, as far as there is room, in characters."""
    lines = [
        *("", "<details><summary>All findings</summary>", ""),
        *("| status | statement | rule | what |", "|---|---|---|---|"),
    ]
    found = words.by_status(predicate)
    for number, f in enumerate(found):
        what = "<br>".join(words.details(f, predicate["as_of"], VOICE))
        row = f"| {words.item(f).label} | {code(f['statement'])} | {_where(words.item(f))} | {what} |"
        room -= len(row) + 1
        if room < 0:
            lines.append(f"| | and {len(found) - number} more | | |")
            break
        lines.append(row)
    return [*lines, "", "</details>"]
