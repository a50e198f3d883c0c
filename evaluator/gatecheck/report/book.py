"""A pack as a document for those who did not write it: what it declares, each rule with its reason and its lines.

Every sentence is made from the checked pack, so that the document says what is decided, not what was meant.
"""

from collections.abc import Iterator, Sequence

from gatecheck.lang import core, unparse
from gatecheck.model.instant import write_instant
from gatecheck.report import matrix_page
from gatecheck.report.blocks import Block, Cell, Code, Heading, Inline, Listing, Paragraph, Table, line
from gatecheck.report.matrix import in_order
from gatecheck.text.source import Span

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def blocks(pack: core.Pack, name: str) -> list[Block]:
    """Return the whole document; ``name`` is what the pack is called."""
    return [
        Heading(1, f"Rules: {name}"),
        Paragraph((f"{_count(pack.files, 'file')}, {_count(pack.statements, 'statement')}, ", Code(pack.digest), ".")),
        *_environments(pack),
        *_risk(pack),
        *_lets(pack),
        *_people(pack),
        *_windows(pack),
        *_gates(pack),
        *_rules(pack),
        *_besides(pack),
        Heading(2, "By environment and risk"),
        *matrix_page.blocks(pack, level=3),
    ]


def _count(things: Sequence[object], noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def _place(span: Span) -> str:
    return f"{span.file}:{span.line}"


def _table(title: str, headers: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Iterator[Block]:
    if rows:
        yield Heading(2, title)
        yield Table(headers, rows)


# -- what is declared


def _environments(pack: core.Pack) -> Iterator[Block]:
    rows = []
    for name in in_order(pack.environments):
        rules = sorted({s.rule for s in pack.statements if name in s.environments})
        after = ", ".join(pack.environments[name]) or "nothing: changes enter here first"
        rows.append([line(Code(name)), line(after), line(", ".join(rules) or "none: every change is denied")])
    yield from _table("Environments", ("environment", "after", "rules"), rows)


def _risk(pack: core.Pack) -> Iterator[Block]:
    if not pack.cases and len(pack.levels) == 1:
        return
    rows = []
    for rank, level in reversed(list(enumerate(pack.levels))):
        found = [(Code(c.condition.text), f" ({_place(c.span)})") for c in pack.cases if c.rank == rank]
        other: list[Inline] = [("otherwise",)] if rank == pack.otherwise else []
        rows.append([line(Code(level)), (*found, *other) or line("only where the change states it")])
    yield from _table("Risk", ("level", "when"), rows)
    yield Paragraph(("The highest level whose condition holds. A change may state a higher one, never a lower one.",))


def _lets(pack: core.Pack) -> Iterator[Block]:
    rows = [[line(Code(d.name)), line(Code(d.text)), line(_place(d.span))] for d in pack.lets]
    yield from _table("Definitions", ("name", "stands for", "said at"), rows)


def _people(pack: core.Pack) -> Iterator[Block]:
    rows = [
        [line(Code(group)), line("the directory says who" if members is None else ", ".join(sorted(members)))]
        for group, members in sorted(pack.groups.items())
    ]
    yield from _table("Groups", ("group", "members"), rows)
    rows = []
    for a in sorted(pack.attributes.values(), key=lambda a: a.name):
        default = f"unless stated: {_value(a.default)}" if a.has_default else "every change must state it"
        rows.append([line(Code(f"change.{a.name}")), line(str(a.type)), line(default)])
    yield from _table("Attributes", ("attribute", "type", "default"), rows)


def _value(value: object) -> str:
    return unparse.quoted(value) if isinstance(value, str) else str(value)


def _windows(pack: core.Pack) -> Iterator[Block]:
    rows = [
        [line(Code(w.name)), (*((span,) for span in _spans(w)),), line(w.zone)]
        for _, w in sorted(pack.windows.items())
    ]  # fmt: skip
    yield from _table("Windows", ("window", "open", "zone"), rows)


def _spans(w: core.WindowSpec) -> Iterator[str]:
    for days, start, end in w.weekly:
        yield f"{', '.join(_DAYS[d] for d in days)} {_clock(start)}-{_clock(end)}"
    for first, last in w.dated:
        yield f"{first.replace('T', ' ')} to before {last.replace('T', ' ')}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _gates(pack: core.Pack) -> Iterator[Block]:
    rows = []
    for g in sorted(pack.gates.values(), key=lambda g: g.name):
        asked: list[Inline] = [("passes when ", Code(g.condition.text))]
        if g.fresh_for is not None:
            asked.append((f"evidence at most {unparse.duration(g.fresh_for)} old",))
        if g.bound:
            asked.append(("evidence names the artifact or the commit",))
        if g.signed_by:
            asked.append((f"evidence is signed by {' or '.join(g.signed_by)}",))
        if g.remedy:
            asked.append((f"remedy: {g.remedy}",))
        kind = f"{g.kind} by {g.producer}" if g.producer else g.kind
        rows.append([line(Code(g.name)), line(kind), tuple(asked), line(_place(g.span))])
    yield from _table("Gates", ("gate", "evidence", "what is asked", "said at"), rows)


# -- rules and what stands beside them


def _rules(pack: core.Pack) -> Iterator[Block]:
    yield Heading(2, "Rules")
    by_rule: dict[str, list[core.Statement]] = {}
    for s in sorted(pack.statements, key=lambda s: (s.span.file, s.span.line, s.span.column, s.id)):
        by_rule.setdefault(s.rule, []).append(s)
    for name, statements in by_rule.items():
        first = statements[0]
        yield Heading(3, f"{name}: {first.title}" if first.title else name)
        told = f"For {', '.join(first.environments)}. "
        yield Paragraph((told, f"Reason: {first.because}" if first.because else "No reason is given.", _duty(first)))
        yield Listing([(Code(s.text), *_remedy(s), f" ({_place(s.span)})") for s in statements])


def _duty(s: core.Statement) -> str:
    if s.advisory:
        return " This rule only advises: it never decides."
    return (
        "" if s.effective_from is None else f" It binds from {write_instant(s.effective_from)} on, and advises before."
    )


def _remedy(s: core.Statement) -> Inline:
    return (f"; remedy: {s.remedy}",) if s.remedy else ()


def _besides(pack: core.Pack) -> Iterator[Block]:
    if pack.invariants:
        yield Heading(2, "Invariants")
        yield Paragraph(("What is claimed of every decision that allows.",))
        yield Listing([_invariant(i) for i in pack.invariants])


def _invariant(i: core.Invariant) -> Inline:
    guard: Inline = (" when ", Code(i.guard.text)) if i.guard is not None else ()
    claims = [p for c in i.conditions for p in (" and ", Code(c.text))][1:]
    reason = f": {i.because}" if i.because else ""
    return (
        Code(i.name),
        f"{f' ({i.title})' if i.title else ''} for {', '.join(i.environments)}",
        *guard,
        " claims ",
        *claims,
        f"{reason} ({_place(i.span)})",
    )
