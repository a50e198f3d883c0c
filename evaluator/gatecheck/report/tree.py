"""An explanation as a tree in a terminal: what each line came to in a column of its own, the rules indented beside it.

The column is what one reads first; the rules keep the order in which they were written. All in ASCII, and nothing
depends on the terminal, so that the log of a build server shows the same.
"""

from typing import Any, NamedTuple

from gatecheck.report import words
from gatecheck.report.explanation import Tree
from gatecheck.report.text import wrapped
from gatecheck.report.words import PLAIN, Record, plain, windowed

_MARK = 14  # columns of the marks
_LIMIT = 120
_MOST = 84  # columns of a line's text, its place not counted
_SHOWN = 5
_ITEM = 110
_FIRST = ("rule", "severity", "path", "line", "name", "suite", "message")  # what tells items apart, before the rest
_OPS = {"and": "all of", "or": "any of", "not": "not"}
_COLOURS = {
    **dict.fromkeys(("passed", "true", "filled"), "32"),
    **dict.fromkeys(("failed", "refused", "fails", "stopped"), "31"),
    **dict.fromkeys(("false", "waiting", "undetermined", "open", "needs", "waits", "used"), "33"),
    **dict.fromkeys(("waived", "advises", "available", "owed", "or"), "36"), "-": "2",
    "allow": "1;32", "pending": "1;33", "deny": "1;31",
}  # fmt: skip


class Line(NamedTuple):
    """One line: what it came to, how deep it stands, what it says, and where that is written."""

    mark: str
    depth: int
    text: str
    place: str = ""


BLANK = Line("", 0, "")


def tree(explanation: Tree, statement: Record | None = None, *, colour: bool = False) -> str:
    """Return an explanation as text, ending in a newline, below what the decision asks for.

    ``statement`` is the record, left out where that is said already; ``colour`` marks what each line came to.
    """
    lines = [] if statement is None else head(statement)
    return columns([*lines, *_Tree(explanation).lines()], colour=colour)


def head(statement: Record) -> list[Line]:
    """Return the verdict, and what would turn it to `allow`."""
    predicate = statement["predicate"]
    _, artifact, environment, _ = words.heading(statement, PLAIN)
    as_of = words.moment(predicate["as_of"], predicate["as_of"])
    overridden = ", overridden" if predicate.get("overridden") else ""
    first = Line(predicate["verdict"].upper(), 0, f"{artifact} -> {environment}{overridden}, as of {as_of}")
    return [first, *to_do(predicate), BLANK]


def to_do(predicate: Record) -> list[Line]:
    """Return what matters of a decision, one thing a line."""
    items, left = words.to_do(predicate, PLAIN)
    lines = [Line(item.label, 0, item.text, plain(item.rule, 32)) for item in items]
    return [*lines, *([Line("", 0, f"and {left} more")] if left else [])]


def columns(lines: list[Line], *, colour: bool) -> str:
    """Return lines as text in columns, wrapped."""
    width = max((len(line.text) + 2 * line.depth for line in lines if line.place), default=0)
    width = min(width, _MOST)
    out = []
    for line in lines:
        indent = 2 * line.depth
        first, *rest = wrapped(line.text, max(20, (_MOST if line.place else _LIMIT - _MARK) - indent))
        mark = f"{line.mark:<{_MARK}}"
        if colour and line.mark.lower() in _COLOURS:
            mark = f"\x1b[{_COLOURS[line.mark.lower()]}m{line.mark}\x1b[0m{mark[len(line.mark) :]}"
        text = " " * indent + first
        if line.place:
            text = f"{text:<{width}}  {line.place}"
        out.append((mark + text).rstrip())
        out += [" " * (_MARK + indent + 2) + more for more in rest]
    return "\n".join(out) + "\n"


class _Tree:
    def __init__(self, explanation: Tree) -> None:
        self.explanation = explanation
        self.texts = {s["id"]: s["text"] for rule in explanation["rules"] for s in _statements(rule["body"])}
        self.as_of = explanation["as_of"]

    def lines(self) -> list[Line]:
        e = self.explanation
        lines = self.risk(e["risk"])
        if e.get("order"):
            lines.append(BLANK)
        for finding in e.get("order", ()):
            lines += self.finding(finding)
        for rule in e["rules"]:
            lines += [BLANK, *self.rule(rule)]
        for waiver in e.get("waivers", ()):
            lines += [BLANK, *self.waiver(waiver)]
        for override in e.get("overrides", ()):
            lines += [BLANK, *self.override(override)]
        return lines

    def finding(self, finding: Tree) -> list[Line]:
        return [Line(finding["status"], 0, _joined(plain(finding["text"]), plain(finding.get("note", ""))))] + [
            Line("", 1, text) for text in self.missing(finding)
        ]

    # -- risk

    def risk(self, risk: Tree) -> list[Line]:
        lines = [Line(plain(risk["level"], _MARK - 2), 0, "risk")]
        for level in risk["levels"]:
            for case in level["cases"]:
                lines += self.condition(case, 1, f"{level['level']} when ", _place(case))
            truths = {case["truth"] for case in level["cases"]}
            if level["level"] == risk["level"] and "true" not in truths and "undetermined" in truths:
                lines.append(Line("", 1, "what can't be told counts as the higher risk"))
            if level["level"] == risk["level"] or "true" in truths:
                break
        if "otherwise" in risk["reasons"]:
            lines.append(Line("", 1, f"otherwise {risk['otherwise']}"))
        if risk.get("stated"):
            lower = "" if risk["stated"] == risk["level"] else ", and can't lower it"
            lines.append(Line("", 1, f"the change states {risk['stated']}{lower}"))
        return lines

    # -- rules

    def rule(self, rule: Tree) -> list[Line]:
        title = f' "{plain(rule["title"])}"' if rule.get("title") else ""
        lines = [Line(_worst(rule["body"]), 0, f"rule {rule['rule']}{title}", plain(rule["file"]))]
        if rule.get("advisory"):
            lines.append(Line("", 1, "advisory"))
        if rule.get("effective_from"):
            lines.append(Line("", 1, f"effective from {self.moment(rule['effective_from'])}"))
        if rule.get("because"):
            lines.append(Line("", 1, f"because {plain(rule['because'])}"))
        return lines + self.body(rule["body"], 1)

    def body(self, body: list[Tree], depth: int) -> list[Line]:
        lines: list[Line] = []
        for item in body:
            if "when" not in item:
                lines += self.statement(item, depth)
            elif item["when"]["truth"] in ("false", "unseen"):
                lines += self.passed_over(item, depth)
            else:
                lines += self.condition(item["when"], depth, "when ")
                lines += self.body(item["body"], depth + 1)
        return lines

    def passed_over(self, item: Tree, depth: int) -> list[Line]:
        """Return one line for what does not apply, and why."""
        statements = list(_statements([item]))
        why = "; ".join(_deciding(item["when"])) or plain(statements[0].get("note", ""))
        what = plain(statements[0]["text"]) if len(statements) == 1 else f"{len(statements)} statements"
        text = f"when {plain(item['when']['text'])}: {what}"
        return [Line("-", depth, f"{text} ({why})" if why else text, _place(statements[0]))]

    def statement(self, s: Tree, depth: int) -> list[Line]:
        mark = _mark(s)
        condition = s.get("condition", {})
        is_leaf = not condition.get("parts")
        found = self.values(condition)
        text = plain(s["text"])
        lines = [Line(mark, depth, f"{text} ({found})" if is_leaf and found else text, _place(s))]
        if s.get("note"):
            lines.append(Line("", depth + 1, plain(s["note"])))
        if "gate" in s:
            lines += self.gate(s["gate"], depth + 1, s)
        elif condition:
            lines += self.below(condition, depth + 1) if is_leaf else self.conditions(condition, depth + 1)
            if condition["truth"] != "undetermined" and "until" not in condition:  # of which nothing says what it lacks
                lines += [Line("", depth + 1, text) for text in self.missing(s)]
        elif "approval" in s:
            lines += self.approval(s["approval"], depth + 1, s)
        elif s["applies"] == "true":  # else its guard says what is missing
            lines += [Line("", depth + 1, text) for text in self.missing(s)]
        return [*lines, *([Line("", depth + 1, f"remedy: {plain(s['remedy'])}")] if s.get("remedy") else [])]

    # -- conditions

    def conditions(self, node: Tree, depth: int) -> list[Line]:
        """Return a whole condition: of several that must all hold, each by itself."""
        if node.get("op") == "and":
            return [line for part in node["parts"] for line in self.condition(part, depth)]
        return self.condition(node, depth)

    def condition(self, node: Tree, depth: int, before: str = "", place: str = "") -> list[Line]:
        """Return a condition and, below it, those that it is made of; ``before`` is what it stands behind."""
        op, parts = node.get("op"), node.get("parts", [])
        text = before + plain(node["text"])
        if op is None:
            return self.leaf(node, node, depth, text, place)
        if op == "not" and not parts[0].get("parts"):  # whose own truth is plain from its negation's
            return self.leaf(node, parts[0], depth, text, place)
        lines = [Line(node["truth"], depth, text if before else _OPS[op], place)]
        for part in parts:
            lines += self.condition(part, depth + 1)
        return lines

    def leaf(self, node: Tree, compared: Tree, depth: int, text: str, place: str) -> list[Line]:
        found = self.values(compared)
        if found:
            text += f" ({found})"
        return [Line(node["truth"], depth, text, place), *self.below(compared, depth + 1)]

    def below(self, node: Tree, depth: int) -> list[Line]:
        """Return what a comparison looked at, beside the values: items of a list, a gate, what is missing."""
        lines = []
        for picked in node.get("picked", ()):
            where = f" where {plain(picked['where'])}" if len(node["picked"]) > 1 else ""
            head = f"{picked['count']} of {picked['among']} {plain(picked['of']).rpartition('.')[2]}{where}"
            lines.append(Line("", depth, head))
            shown = [_item(i) for i in picked["items"]]
            lines += [Line("", depth + 1, text) for text in windowed(shown, _SHOWN)]
        if "gate" in node:
            return [*lines, *self.gate(node["gate"], depth, node)]
        return lines + [Line("", depth, text) for text in self.missing(node)]

    def values(self, node: Tree) -> str:
        """Return what was compared."""
        found = node.get("found", ())
        if "until" in node:
            return f"{plain(found[0]['value'])} until {self.moment(node['until'])}"
        if len(found) == 1:
            value = plain(found[0]["value"])
            return "" if value == node["truth"] == "undetermined" else f"found {value}"
        return ", ".join(f"{plain(f['of'])} is {plain(f['value'])}" for f in found)

    def missing(self, item: Tree) -> list[str]:
        """Return what would settle an undetermined value, or a finding, apart from approvals."""
        out = []
        for action in item.get("missing", ()):
            if action["action"] == "mend":
                out.append(plain(action.get("reason", "")))
            elif action["action"] != "approve":
                out.append(words.phrase(1, action, [], self.as_of, PLAIN))
        return [text for text in out if text]

    # -- gates and approvals

    def gate(self, gate: Tree, depth: int, s: Tree) -> list[Line]:
        evidence = gate.get("evidence")
        lines = []
        if evidence is not None:
            lines.append(Line("", depth, self.evidence(evidence, gate)))
        if gate["condition"]["truth"] != "unseen":
            return lines + self.conditions(gate["condition"], depth)
        return lines + [Line("", depth, text) for text in self.missing(s)]

    def evidence(self, e: Tree, gate: Tree) -> str:
        parts = [plain(e.get("file", "")) or "its evidence"]
        if e.get("producer"):
            parts.append(f"by {plain(e['producer'])}")
        if e.get("age"):
            fresh = f", fresh for {gate['fresh_for']}" if gate.get("fresh_for") else ""
            parts.append(f"{e['age']} old{fresh}")
        if e.get("signers"):
            parts.append(f"signed by {', '.join(map(plain, e['signers']))}")
        if "about" not in e:
            parts.append("unbound")
        return "; ".join(parts)

    def present(self, person: str, away: Tree) -> str:
        """Return a person's name, and who acts for somebody who is away."""
        if person not in away:
            return plain(person)
        absence = away[person]
        return f"{plain(person)} (away until {self.moment(absence['until'])}; {plain(absence['delegate'])} acts)"

    def approval(self, approval: Tree, depth: int, s: Tree) -> list[Line]:
        lines = []
        free = approval.get("may_approve", {})
        for slot in approval.get("slots", ()):
            groups = " or ".join(map(plain, slot["groups"]))
            if "by" in slot:
                whose = f" for {plain(slot['for'])}" if "for" in slot else ""
                lines.append(Line("filled", depth, f"{groups}: {plain(slot['by'])}{whose}, {self.moment(slot['at'])}"))
            else:
                people = sorted({p for g in slot["groups"] for p in free.get(g, ())})
                names = [self.present(p, approval.get("away", {})) for p in people]
                who = f": {', '.join(windowed(names, 8, word=''))}" if people else ""
                lines.append(Line("open", depth, f"{groups}{who}"))
        for refused in approval.get("refused", ()):
            lines.append(Line("refused", depth, f"{words.refusal(refused, PLAIN)}, {self.moment(refused['at'])}"))
        lines += [Line("", depth, text) for text in self.missing(s)]
        return lines

    # -- what stands beside the rules

    def waiver(self, w: Tree) -> list[Line]:
        mark = "waived" if w["findings"] else "-"
        until = f"until {self.moment(w['until'])}"
        lines = [Line(mark, 0, f"waive {', '.join(map(plain, w['targets']))} {until}", _place(w))]
        lines.append(Line("", 1, f"owner {plain(w['owner'])}, because {plain(w['because'])}"))
        if w["is_over"]:
            return [*lines, Line("", 1, "it is over")]
        if "when" in w:
            lines += self.condition(w["when"], 1, "when ")
        return lines + [Line("", 1, f"lets off: {plain(self.texts.get(name, name))}") for name in w["findings"]]

    def override(self, o: Tree) -> list[Line]:
        lines = [
            Line(o["state"] if o["state"] != "not used" else "-", 0, f"override {plain(o['override'])}", _place(o))
        ]
        if "when" in o and o["when"]["truth"] != "unseen":
            lines += self.condition(o["when"], 1, "when ")
        for s in o.get("body", ()):
            filled = all("by" in slot for slot in s["approval"].get("slots", [{}]))
            lines.append(Line("passed" if filled else "waiting", 1, plain(s["text"])))
            lines += self.approval(s["approval"], 2, {})
        refused = {"refused": o.get("refused", ())}
        return [*lines, *self.approval(refused, 1, o)]

    def moment(self, text: str) -> str:
        return words.moment(text, self.as_of)


def _worst(body: list[Tree]) -> str:
    """Return what a rule came to: the worst of its statements."""
    found = {_mark(s) for s in _statements(body)}
    return next((mark for mark in (*words.STATUSES[:3], "advises", "passed", "owed") if mark in found), "-")


def _mark(s: Tree) -> str:
    if s.get("advisory") and s["status"] in ("failed", "waiting"):
        return "advises"
    return str(s.get("status", "owed" if s.get("owed") else "-"))


def _statements(body: list[Tree]) -> Any:
    for item in body:
        if "when" in item:
            yield from _statements(item["body"])
        else:
            yield item


def _deciding(node: Tree) -> list[str]:
    """Return the values that make a condition what it is."""
    parts = node.get("parts")
    if parts:
        same = [part for part in parts if part["truth"] == node["truth"]]
        return [text for part in (same[:1] if node["op"] == "and" else parts) for text in _deciding(part)]
    return [f"{plain(f['of'])} is {plain(f['value'])}" for f in node.get("found", ())]


def _item(item: Any) -> str:
    if not isinstance(item, dict):
        return plain(str(item), _ITEM)
    known = [(k, v) for k, v in item.items() if not isinstance(v, dict | list) and v is not None and v != ""]
    known.sort(key=lambda pair: _FIRST.index(pair[0]) if pair[0] in _FIRST else len(_FIRST))
    said = [(k, str(v).lower() if isinstance(v, bool) else str(v)) for k, v in known]
    return plain(", ".join(v if len(said) == 1 else f"{k}: {v}" for k, v in said), _ITEM)


def _joined(head: str, rest: str) -> str:
    return f"{head}: {rest}" if rest else head


def _place(item: Tree) -> str:
    return words.tail(f"{item['file']}:{item['line']}", 32) if item.get("file") else ""
