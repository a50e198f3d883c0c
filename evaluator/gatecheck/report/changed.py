"""What a decision would be if something were otherwise: the two records beside each other, finding by finding."""

from collections.abc import Iterator
from typing import Any

from gatecheck.report import words
from gatecheck.report.tree import BLANK, Line, columns, to_do
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
    differing = [line for change in _differing(was, now) for line in _lines(change, was["as_of"], now["as_of"])]
    lines = [
        Line("what if", 0, plain("; ".join(texts), 1000)), BLANK, *_head(before, after), *to_do(now),
        *(Line("owed", 0, owed) for owed in words.obligations(now, PLAIN)), BLANK,
        *(differing or [Line("", 0, "no finding differs")]),
    ]  # fmt: skip
    return columns(lines, colour=colour)


def _head(before: Record, after: Record) -> list[Line]:
    """Return the verdict, instant and risk that would be, each with what it is instead."""
    was, now = before["predicate"], after["predicate"]
    verdicts = [words.heading(record, PLAIN)[0] for record in (before, after)]
    moments = [words.moment(predicate["as_of"], predicate["as_of"]) for predicate in (was, now)]
    _, artifact, environment, risk = words.heading(after, PLAIN)
    overridden = ", overridden" if now.get("overridden") else ""
    level = now["risk"]["level"]
    stated = now["risk"].get("stated", level)
    return [
        Line(now["verdict"].upper(), 0, f"{artifact} -> {environment}{overridden}{_instead(*verdicts)}"),
        Line("as of", 0, moments[1] + _instead(*moments)),
        Line("risk", 0, risk + _instead(was["risk"]["level"], level)),
        *([] if stated == level else [Line("", 1, f"{stated} is stated, and can't lower it")]),
    ]


def _instead(before: str, after: str) -> str:
    return "" if before == after else f" (was {before})"


def _lines(change: dict[str, Any], was_as_of: str, as_of: str) -> list[Line]:
    """Return a finding that differs: what it would come to, and what it comes to as things are."""
    before, after = change.get("before"), change.get("after")
    place = words.tail(f"{change['file']}:{change['line']}", 32) if change.get("file") else ""
    mark = "-" if after is None else after["status"]
    new = ["it no longer applies"] if after is None else _rest(after, as_of)
    old = ["did not apply"] if before is None else _rest(before, was_as_of)
    status = [before["status"]] if before is not None and before["status"] != mark else []
    was = ": ".join([*status, *filter(None, ["; ".join(text for text in old if text not in new)])])
    return [
        Line(mark, 0, plain(change["statement"]), place),
        *(Line("", 1, text) for text in new if text not in old),
        *([Line("", 1, f"was {was}" if before is not None else was)] if was else []),
    ]


def _rest(finding: dict[str, Any], as_of: str) -> list[str]:
    """Return what a finding rests on, and what it lacks."""
    actions = [a for a in finding.get("missing", ()) if a["action"] != "mend"]
    lacks = [words.phrase(count, action, [], as_of, PLAIN) for count, action in words.counted(actions)]
    return [*words.details(finding, as_of, PLAIN), *lacks]
