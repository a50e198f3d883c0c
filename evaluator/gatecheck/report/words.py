"""What a recorded decision says, in words: the phrases that all formats for people share.

A record holds text by others: names of services, people, files, reasons. A ``Voice`` says how a format shows such text
harmlessly; every string of a record goes through one.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from msgspec import Struct

WINDOW = 12  # entries of one list that are shown where not everything is asked for
_COMPARED = 6
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_STANCES = {"approve": "approval", "reject": "rejection", "withdraw": "withdrawal"}
_LABELS = {"mend": "fails", "settle": "stopped", "wait": "waits"}
_VERBS = {"mend": "fails", "settle": "is stopped", "wait": "waits"}
STATUSES = ("failed", "waiting", "waived", "passed")

Record = dict[str, Any]


class Recorded(NamedTuple):
    """Where a decision was recorded: the entry's id, the ledger's path, and the fingerprint of the key."""

    entry: str
    ledger: str
    key: str


class Voice(Struct, frozen=True):
    """How a format shows text by others: ``name`` for names and code, ``prose`` for sentences."""

    name: Callable[[str], str]
    prose: Callable[[str], str]


class Item(Struct, frozen=True):
    """One thing to do, or to know: ``label`` says of which sort; ``rule`` and ``place`` say who asks for it."""

    label: str
    text: str
    rule: str = ""
    file: str = ""
    line: int = 0
    remedy: str = ""
    others: int = 0

    @property
    def place(self) -> str:
        """Return the file and line, and how many more statements ask for the same."""
        at = f"{self.file}:{self.line}" if self.file else ""
        return f"{at} +{self.others}".strip() if self.others else at


def plain(text: str, most: int = 300) -> str:
    """Return text on one line, bounded, without anything that drives a terminal or a build server's log.

    Build servers obey `##[…]` and `##vso[…]` anywhere in a line, and `::…::` where a line begins.
    """
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)
    while "##" in text:
        text = text.replace("##", "# #")
    text = " " + text.strip()
    while " ::" in text:
        text = text.replace(" ::", " : :")
    text = text[1:]
    return text if len(text) <= most else text[: most - 3].rstrip() + "..."


def tail(text: str, most: int) -> str:
    """Return text bounded by leaving out its start, as suits a path."""
    text = plain(text, 10_000)
    return text if len(text) <= most else "..." + text[3 - most :]


PLAIN = Voice(plain, plain)


def windowed(items: Sequence[str], most: int = WINDOW, word: str = "and ") -> list[str]:
    """Return the first items, and how many more there are."""
    return list(items) if len(items) <= most else [*items[:most], f"{word}{len(items) - most} more"]


# -- time


def moment(text: str, as_of: str) -> str:
    """Return an instant as a person reads it, in the offset of ``as_of``: `Tue 24 Nov 2026 09:00 +01:00`.

    What is less than a second is left out; the record has it.
    """
    at = datetime.fromisoformat(text).astimezone(datetime.fromisoformat(as_of).tzinfo)
    clock = at.time().isoformat("seconds").removesuffix(":00")
    offset = at.isoformat()[-6:] if at.utcoffset() != UTC.utcoffset(None) else "UTC"
    return f"{_DAYS[at.weekday()]} {at.day} {_MONTHS[at.month - 1]} {at.year} {clock} {offset}"


# -- what is to do


def to_do(predicate: Record, voice: Voice, most: int | None = WINDOW) -> tuple[list[Item], int]:
    """Return what matters of a decision, one thing an item; and how many more there are, beyond ``most``.

    First that it was overridden; then what would turn it to `allow`, and how else it could be; then what an override
    passed over or a waiver covers; last what only advises.
    """
    items = _overriding(predicate, voice)
    wanted = counted(predicate["missing"])
    found = by_status(predicate)
    binding = [f for f in found if not f.get("advisory")]
    is_overridden = predicate.get("overridden", False)
    untold = [f for f in binding if _is_waived(f) or (_is_short(f) and (is_overridden or not f.get("missing")))]
    rest = [_available(o, predicate["as_of"], voice) for o in predicate.get("available", ())]
    rest += [_item(f["status"], _remark(f, predicate, voice), [f]) for f in untold]
    rest += [_advice(f, predicate, voice) for f in found if f.get("advisory") and f["status"] != "passed"]
    shown = wanted if most is None else wanted[:most]
    by_id = {f["id"]: f for f in predicate["findings"]}
    before = ""
    for count, action in shown:
        askers = _askers(action, [f for f in predicate["findings"] if not f.get("advisory")], by_id)
        subject = action.get("subject", "")
        is_next = action["action"] == "approve" and subject == before and _in_turn(askers)
        text = ("then " if is_next else "") + phrase(count, action, askers, predicate["as_of"], voice)
        remedy = voice.prose(action.get("remedy", ""))
        items.append(_item(_LABELS.get(action["action"], "needs"), text, askers, remedy))
        before = subject if action["action"] == "approve" else ""
    fitting = rest if most is None else rest[: max(0, most - len(items))]
    return items + fitting, len(wanted) - len(shown) + len(rest) - len(fitting)


def _overriding(predicate: Record, voice: Voice) -> list[Item]:
    """Return that a decision was overridden and by whom, and who owes a review of it."""
    used, review, as_of = predicate.get("override"), predicate.get("review"), predicate["as_of"]
    if used is None:
        return []
    names = _listed(list(dict.fromkeys(approver(c, voice) for c in used.get("counted", ()))))
    text = _joined(f"{voice.name(used['name'])}, approved by {names}", [voice.prose(used.get("because", ""))])
    items = [Item("override", text, used["name"], used.get("file", ""), used.get("line", 0))]
    if review is not None:
        groups = " or ".join(windowed([voice.name(g) for g in review["groups"]], word=""))
        items.append(Item("review", f"owed by {groups} before {moment(review['due'], as_of)}"))
    return items


def _available(override: Record, as_of: str, voice: Voice) -> Item:
    """Return what it takes to break the glass."""
    lacking = _lacking(override.get("missing", []), override.get("asked", []), as_of, voice)
    text = f"override {voice.name(override['name'])}, which {lacking}"
    return Item("or", text, override["name"], override.get("file", ""), override.get("line", 0))


def _lacking(missing: list[Record], statements: list[str], as_of: str, voice: Voice) -> str:
    """Return what statements lack, as one sentence: `needs 1 approval from pm, then 1 approval from on-call`."""
    parts: list[str] = []
    for count, action in counted(missing):
        is_next = parts and action["action"] == "approve" and any(" then " in text for text in statements)
        label = "then" if is_next else _VERBS.get(action["action"], "needs")
        parts.append(f"{label} {phrase(count, action, [], as_of, voice)}")
    return ", ".join(parts)


def _remark(finding: Record, predicate: Record, voice: Voice) -> str:
    """Return a statement and what is to be said of it: until when it is waived, else what it found, or its note."""
    statement = voice.name(finding["statement"])
    if _is_waived(finding):
        for w in predicate.get("waivers", ()):
            if finding["id"] in w["findings"]:
                until = moment(w["until"], predicate["as_of"])
                return f"{statement} until {until}, by {voice.name(w['owner'])}: {voice.prose(w['because'])}"
        return _joined(statement, [voice.prose(finding.get("note", ""))])
    if finding["status"] == "waiting" and finding.get("missing"):
        return f"{statement}: {_lacking(finding['missing'], [finding['statement']], predicate['as_of'], voice)}"
    return _failed(finding["statement"], "", [finding], voice)


def _advice(finding: Record, predicate: Record, voice: Voice) -> Item:
    text = _remark(finding, predicate, voice)
    binds = [n["at"] for n in predicate["next"] if (n["cause"], n["subject"]) == ("rule takes effect", finding["rule"])]
    binding = f"; it binds from {moment(binds[0], predicate['as_of'])}" if binds else ""
    return _item("waived" if _is_waived(finding) else "advises", text + binding, [finding])


def _is_waived(finding: Record) -> bool:
    return bool(finding["status"] == "waived")


def _is_short(finding: Record) -> bool:
    return finding["status"] in ("failed", "waiting")


def counted(missing: list[Record]) -> list[tuple[int, Record]]:
    """Return actions with how often each is asked for in a row.

    ``after`` stands on the first missing approval of its stage and holds for those that follow it.
    """
    out: list[tuple[int, Record]] = []
    for action in missing:
        count, last = out[-1] if out else (0, {})
        is_same = {**action, "after": []} == {**last, "after": []}
        if is_same and action.get("after", []) in ([], last.get("after", [])):
            out[-1] = (count + 1, last)
            continue
        out.append((1, action))
    return out


def _askers(action: Record, findings: list[Record], by_id: dict[str, Record]) -> list[Record]:
    """Return the findings that ask for an action; an approval names them, for it may serve several."""
    if action["action"] == "approve":
        return [by_id[i] for i in action.get("subject", "").split(", ") if i in by_id]
    return [f for f in findings if action in f.get("missing", ())]


def _in_turn(askers: list[Record]) -> bool:
    return any(" then " in f["statement"] for f in askers)


def _item(label: str, text: str, askers: list[Record], remedy: str = "") -> Item:
    if not askers:
        return Item(label, text, remedy=remedy)
    first = askers[0]
    return Item(label, text, first["rule"], first.get("file", ""), first.get("line", 0), remedy, len(askers) - 1)


def phrase(count: int, action: Record, askers: list[Record], as_of: str, voice: Voice) -> str:
    """Return an action without its label; ``askers`` are the findings that ask for it."""
    kind, subject, reason = action["action"], action.get("subject", ""), voice.prose(action.get("reason", ""))
    why = f" ({reason})" if reason else ""
    name = voice.name(subject)
    if kind == "approve":
        groups = " or ".join(windowed([voice.name(g) for g in action.get("groups", ())], word=""))
        after = _listed([f"{voice.name(p)}'s" for p in action.get("after", ())])
        whose = f" from {groups}" if groups else ""
        return f"{count} approval{'s' if count > 1 else ''}{whose}{why}{f', after {after}' if after else ''}"
    if kind == "wait":
        until = action.get("until")
        return f"until {moment(until, as_of) if until else 'it is so'}: {voice.prose(subject)}{why}"
    if kind == "mend":
        return _failed(subject, reason, askers, voice)
    return {
        "evidence": f"evidence of {name}{why}",
        "promote": f"promotion to {name} first{why}",
        "deploy": f"a verified deployment to {name}{why}",
        "state": f"{name} to be stated{why}",
        "settle": f"by a rejection of {name}{why}",
    }[kind]  # fmt: skip


def _failed(subject: str, reason: str, askers: list[Record], voice: Voice) -> str:
    finding = askers[0] if askers else {}
    compared = finding.get("compared", [])
    if len(compared) == 1 and compared[0]["asked"] in subject and not reason:
        return f"{voice.name(subject)} (found {voice.name(compared[0]['found'])})"
    details = [reason, ", ".join(comparisons(finding, voice))]
    return _joined(voice.name(subject), details if any(details) else [voice.prose(finding.get("note", ""))])


def _joined(head: str, details: list[str]) -> str:
    rest = "; ".join(d for d in details if d)
    return f"{head}: {rest}" if rest else head


def _listed(names: list[str]) -> str:
    if len(names) > 4:
        names = [*names[:3], f"{len(names) - 3} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


# -- the rest


def heading(statement: Record, voice: Voice) -> tuple[str, str, str, str]:
    """Return the verdict in capitals, artifact, environment, and the risk with what decided it."""
    predicate = statement["predicate"]
    verdict = predicate["verdict"].upper() + (" (overridden)" if predicate.get("overridden") else "")
    reasons = "; ".join(windowed([voice.name(r["condition"]) for r in predicate["risk"]["reasons"]], 3))
    risk = voice.name(predicate["risk"]["level"]) + (f" ({reasons})" if reasons else "")
    return verdict, voice.name(statement["subject"][0]["name"]), voice.name(predicate["environment"]), risk


def tally(predicate: Record) -> str:
    """Return how many statements passed, what became of the others, and how many only advise."""
    statuses = [f["status"] for f in predicate["findings"] if not f.get("advisory")]
    others = ", ".join(f"{statuses.count(s)} {s}" for s in STATUSES[:3] if s in statuses)
    count, advising = len(statuses), len(predicate["findings"]) - len(statuses)
    noun = "statement" if count == 1 else "statements"
    told = f"{statuses.count('passed')} of {count} {noun}" + (f" ({others})" if others else "")
    return told + (f"; {advising} more only {'advises' if advising == 1 else 'advise'}" if advising else "")


def comparisons(finding: Record, voice: Voice) -> list[str]:
    """Return what a finding compared with what."""
    found = [f"{voice.name(c['asked'])} (found {voice.name(c['found'])})" for c in finding.get("compared", ())]
    return windowed(found, _COMPARED)


def details(finding: Record, as_of: str, voice: Voice) -> list[str]:
    """Return all that a finding rests on, one thing a line."""
    counted = [f"{approver(c, voice)} ({moment(c['at'], as_of)})" for c in finding.get("counted", ())]
    out = [", ".join(comparisons(finding, voice)), f"counted {', '.join(counted)}" if counted else ""]
    out += [f"refused {refusal(r, voice)}" for r in finding.get("refused", ())]
    out.append("its evidence names no artifact or commit" if finding.get("unbound") else "")
    out.append("it only advises" if finding.get("advisory") else "")
    out += [f"{key}: {voice.prose(finding[key])}" for key in ("note", "because") if finding.get(key)]
    return [line for line in out if line]


def approver(counted: Record, voice: Voice) -> str:
    """Return who approved, and for whom who was away."""
    whom = f" for {voice.name(counted['for'])}" if counted.get("for") else ""
    return voice.name(counted["approver"]) + whom


def by_status(predicate: Record) -> list[Record]:
    """Return all findings, the worst first, and what only advises last."""
    return sorted(predicate["findings"], key=lambda f: (f.get("advisory", False), STATUSES.index(f["status"])))


def item(finding: Record) -> Item:
    """Return a finding as a line of a table."""
    label = "advises" if finding.get("advisory") and _is_short(finding) else finding["status"]
    return Item(label, plain(finding["statement"]), finding["rule"], finding.get("file", ""), finding.get("line", 0))


def refused(predicate: Record, voice: Voice, *, explain: bool = False) -> list[str]:
    """Return the approvals that did not count, each once with its reason.

    One that a statement passed or advised without, and that counted for another, is not worth a word, nor one that
    speaks for or against an override; nor is one for another environment, unless ``explain`` asks for all.
    """
    counted = {(c["approver"], c["at"]) for f in predicate["findings"] for c in f.get("counted", ())}
    available = predicate.get("available", [])
    for_overrides = {(c["approver"], c["at"]) for o in available for c in o.get("counted", ())}
    against = {a.get("subject", "") for o in available for a in o.get("missing", ()) if a["action"] == "settle"}
    out: dict[str, None] = {}
    for f in (*predicate["findings"], *available):
        is_asked = f.get("status", "passed") != "passed" and not f.get("advisory")
        for r in f.get("refused", ()):
            given = (r["approver"], r["at"])
            elsewhere = r["reason"].startswith("is for the environment ")
            speaks = given in for_overrides or (r["stance"] == "reject" and r["approver"] in against)
            if (explain or not (elsewhere or speaks)) and (is_asked or given not in counted):
                out[refusal(r, voice)] = None
    return list(out)


def refusal(refused: Record, voice: Voice) -> str:
    """Return one approval that did not count, and why."""
    return f"{_STANCES[refused['stance']]} of {voice.name(refused['approver'])}: {voice.prose(refused['reason'])}"


def unbound(predicate: Record, voice: Voice) -> str:
    """Return which gates' evidence does not say what it is about, or an empty text."""
    gates = sorted({f["gate"] for f in predicate["findings"] if f.get("unbound") and f.get("gate")})
    names = ", ".join(windowed([voice.name(g) for g in gates]))
    return f"evidence of {names} names no artifact or commit" if gates else ""


def obligations(predicate: Record, voice: Voice) -> list[str]:
    """Return what the caller owes if an `allow` is to hold; for nothing else is anything owed."""
    if predicate["verdict"] != "allow":
        return []
    words = {"deploy": "deploy with", "notify": "notify"}
    return [f"{words[o['kind']]} {voice.name(o['value'])}" for o in predicate["obligations"]]


def changes(predicate: Record, voice: Voice) -> list[str]:
    """Return when the decision may change by itself, the next first."""
    as_of = predicate["as_of"]
    return [
        f"{moment(n['at'], as_of)}: {voice.prose(n['cause'])} ({voice.name(n['subject'])})" for n in predicate["next"]
    ]


def entry_name(recorded: Recorded) -> str:
    """Return the start of an entry's id, enough to find it by."""
    return plain(recorded.entry).removeprefix("sha256:")[:12]
