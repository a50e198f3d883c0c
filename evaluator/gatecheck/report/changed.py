"""What a decision would be if something were otherwise: the two records beside each other, finding by finding."""

from collections.abc import Iterator
from typing import Any

from gatecheck.report import words
from gatecheck.report.tree import Line, columns
from gatecheck.report.words import PLAIN, Record, plain

_TOLD = ("status", "note", "counted", "refused", "missing", "advisory")


def changes(before: Record, after: Record) -> dict[str, Any]:
    """Return what a what-if changes, as data: the verdicts, and each finding that differs, as it was and would be.

    Both are records of decisions. A finding that only one of them has is absent from the other.
    """
    was, now = before["predicate"], after["predicate"]
    return {"before": _summary(was), "after": _summary(now), "changes": list(_differing(was, now))}


def _summary(predicate: Record) -> dict[str, Any]:
    kept = ("verdict", "environment", "as_of", "overridden")
    return {"risk": predicate["risk"]["level"]} | {key: predicate[key] for key in kept if key in predicate}


def _differing(was: Record, now: Record) -> Iterator[dict[str, Any]]:
    old, new = ({f["id"]: f for f in predicate["findings"]} for predicate in (was, now))
    found = {**old, **new}
    for name in sorted(found, key=lambda i: (found[i].get("file", ""), found[i].get("line", 0), i)):
        if _told(old.get(name)) != _told(new.get(name)):
            f = found[name]
            made = {"id": name, "rule": f["rule"], "statement": f["statement"]}
            made |= {key: f[key] for key in ("file", "line") if key in f}
            sides = {"before": old.get(name), "after": new.get(name)}
            yield made | {side: _told(f, "compared") for side, f in sides.items() if f is not None}


def _told(finding: Record | None, *more: str) -> dict[str, Any]:
    return {} if finding is None else {key: finding[key] for key in (*_TOLD, *more) if key in finding}


def changed(texts: tuple[str, ...], before: Record, after: Record, *, colour: bool = False) -> str:
    """Return a what-if's answer as text: the verdicts, what differs, and what would still be missing."""
    was, now = before["predicate"], after["predicate"]
    verdicts = [words.heading(record, PLAIN)[0] for record in (before, after)]
    _, artifact, environment, risk = words.heading(after, PLAIN)
    moments = [words.moment(predicate["as_of"], predicate["as_of"]) for predicate in (was, now)]
    lines = [Line("what if", 0, plain("; ".join(texts), 1000)), Line("", 0, "")]
    lines.append(Line(verdicts[1], 0, f"{artifact} -> {environment}" + _was(verdicts[0], verdicts[1])))
    lines.append(Line("as of", 0, moments[1] + _was(*moments)))
    stated = now["risk"].get("stated", now["risk"]["level"])
    only = "" if stated == now["risk"]["level"] else f"; {stated} is stated, and can't lower it"
    lines.append(Line("risk", 0, risk + _was(was["risk"]["level"], now["risk"]["level"]) + only))
    items, left = words.to_do(now, PLAIN)
    lines += [Line(item.label, 0, item.text, plain(item.rule, 32)) for item in items]
    lines += [Line("", 0, f"and {left} more")] if left else []
    lines += [Line("owed", 0, owed) for owed in words.obligations(now, PLAIN)]
    lines.append(Line("", 0, ""))
    for change in _differing(was, now):
        lines += _lines(change, was["as_of"], now["as_of"])
    if lines[-1] == Line("", 0, ""):
        lines.append(Line("", 0, "no finding differs"))
    return columns(lines, colour=colour)


def _was(before: str, after: str) -> str:
    return "" if before == after else f" (was {before})"


def _lines(change: dict[str, Any], was_as_of: str, as_of: str) -> list[Line]:
    """Return a finding that differs: what it would come to, and what it comes to now."""
    before, after = change.get("before"), change.get("after")
    place = words.tail(f"{change['file']}:{change['line']}", 32) if change.get("file") else ""
    mark = "-" if after is None else after["status"]
    lines = [Line(mark, 0, plain(change["statement"]), place)]
    new = ["it no longer applies"] if after is None else _rest(after, as_of)
    old = [] if before is None else _rest(before, was_as_of)
    lines += [Line("", 1, text) for text in new if text not in old]
    if before is None:
        return [*lines, Line("", 1, "did not apply")]
    told = [text for text in old if text not in new]
    return [*lines, Line("", 1, f"was {before['status']}{': ' if told else ''}{'; '.join(told)}")]


def _rest(finding: dict[str, Any], as_of: str) -> list[str]:
    """Return what a finding rests on, and what it lacks."""
    actions = [a for a in finding.get("missing", ()) if a["action"] != "mend"]
    lacks = [words.phrase(count, action, [], as_of, PLAIN) for count, action in words.counted(actions)]
    return [*words.details(finding, as_of, PLAIN), *lacks]
