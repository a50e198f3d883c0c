"""A decision as a person reads it in a terminal: the verdict, then what to do, then the rest.

One line for one thing, its kind in front, its rule and place behind in columns of their own. Lines stay within
``_LIMIT`` columns by wrapping; nothing depends on the terminal, so that a stored record gives the same text.
"""

from gatecheck.report import words
from gatecheck.report.words import PLAIN, WINDOW, Item, Record, Recorded, plain

_LIMIT = 120
_LEFT = 11  # where the text of a line starts, behind its label
_MOST = 68  # so that what matters stays whole in 80 columns, and only rule and place may be broken
_HINT = "--explain shows all"
_COLOURS = {
    "ALLOW": "1;32", "PENDING": "1;33", "DENY": "1;31", "fails": "31", "stopped": "31", "needs": "33", "waits": "33",
    "failed": "31", "waiting": "33", "waived": "36", "passed": "32", "ALLOW (overridden)": "1;33", "override": "33",
    "review": "33", "or": "36", "advises": "36",
}  # fmt: skip


def text(statement: Record, *, explain: bool = False, colour: bool = False, recorded: Recorded | None = None) -> str:
    """Return the report of one decision, ending in a newline; ``colour`` marks verdict and statuses."""
    predicate = statement["predicate"]
    most = None if explain else WINDOW
    items, left = words.to_do(predicate, PLAIN, most)
    passed = words.tally(predicate)
    sheet = _Sheet(items, colour=colour, least=len(passed))
    sheet.verdict(*words.heading(statement, PLAIN))
    for item in items:
        sheet.item(item)
    if left:
        sheet.line("", f"and {left} more")
    sheet.line("passed", passed if explain else f"{passed:<{sheet.text}}  {_HINT}")
    if predicate["verdict"] != "allow" or explain:
        for refusal in words.windowed(words.refused(predicate, PLAIN, explain=explain), most or 10_000):
            sheet.line("refused", refusal)
    sheet.line("unbound", words.unbound(predicate, PLAIN))
    for obligation in words.windowed(words.obligations(predicate, PLAIN), most or 10_000):
        sheet.line("owed", obligation)
    if explain:
        sheet.findings(predicate)
    sheet.changes(words.changes(predicate, PLAIN), explain=explain)
    sheet.line("as of", words.moment(predicate["as_of"], predicate["as_of"]), indent=0)
    if recorded is not None:
        place = f"{words.entry_name(recorded)} in {plain(recorded.ledger)}, signed by {plain(recorded.key)}"
        sheet.line("record", place, indent=0)
    return "\n".join(sheet.lines) + "\n"


class _Sheet:
    """The lines so far, and the widths of the columns, which fit all items; the text has at least ``least``."""

    def __init__(self, items: list[Item], *, colour: bool, least: int = 0) -> None:
        self.lines: list[str] = []
        self.colour = colour
        self.rule = max((len(_rule(i)) for i in items), default=0)
        place = max((len(_place(i)) for i in items), default=0)
        room = _LIMIT - _LEFT - self.rule - place - 4
        self.text = min(room, _MOST, max([least, *(len(i.text) for i in items)]))

    def verdict(self, verdict: str, artifact: str, environment: str, risk: str) -> None:
        head = f"{verdict}  {artifact} -> {environment}"
        column = max(_LEFT + self.text + 2, len(head) + 4)
        fits = column + len(f"risk {risk}") <= _LIMIT
        if not fits:
            column = len(head) + 4
            fits = column + len(f"risk {risk}") <= _LIMIT
        line = f"{head:<{column}}risk {risk}" if fits else head
        self.lines.append(self.paint(verdict, verdict) + line[len(verdict) :])
        if not fits:
            self.line("risk", risk)

    def item(self, item: Item) -> None:
        first, *rest = wrapped(item.text, self.text) if item.rule or item.file else wrapped(item.text, _LIMIT - _LEFT)
        columns = f"{first:<{self.text}}  {_rule(item):<{self.rule}}  {_place(item)}"
        self.lines.append(self.label(item.label) + columns.rstrip())
        self.lines += [" " * _LEFT + line for line in rest]
        if item.remedy:
            self.line("", f"remedy: {item.remedy}")

    def line(self, label: str, content: str, indent: int = 2) -> None:
        """Add text with a label, wrapped; nothing where there is no text."""
        if content:
            first, *rest = wrapped(content, _LIMIT - _LEFT)
            self.lines.append(self.label(label, indent) + first)
            self.lines += [" " * _LEFT + line for line in rest]

    def changes(self, changes: list[str], *, explain: bool) -> None:
        """Add the next change, and the later ones where everything is asked for."""
        if changes:
            later = "" if explain or len(changes) == 1 else f"; {len(changes) - 1} later"
            self.line("next", changes[0] + later, indent=0)
        for change in changes[1:] if explain else ():
            self.line("", change, indent=0)

    def findings(self, predicate: Record) -> None:
        """Add every finding, the worst first, with all that it rests on."""
        found = words.by_status(predicate)
        rows = [words.item(f) for f in found]
        table = _Sheet(rows, colour=self.colour)
        for finding, row in zip(found, rows, strict=True):
            table.item(row)
            for detail in words.details(finding, predicate["as_of"], PLAIN):
                table.line("", f"- {detail}")
        self.lines += ["", *table.lines, ""]

    def label(self, label: str, indent: int = 2) -> str:
        return " " * indent + self.paint(label, label) + " " * (_LEFT - indent - len(label))

    def paint(self, shown: str, status: str) -> str:
        code = _COLOURS.get(status, "") if self.colour else ""
        return f"\x1b[{code}m{shown}\x1b[0m" if code else shown


def _rule(item: Item) -> str:
    return plain(item.rule, 32)


def _place(item: Item) -> str:
    return words.tail(item.place, 32)


def wrapped(content: str, width: int) -> list[str]:
    """Return text in lines of at most ``width`` columns where its words allow that."""
    out = [""]
    for word in content.split(" "):
        if not out[-1]:
            out[-1] = word
        elif len(out[-1]) + 1 + len(word) <= width:
            out[-1] += " " + word
        else:
            out.append(word)
    return out
