"""The matrix as people read it: for each environment a table with a column for each risk."""

from collections.abc import Collection, Iterable, Sequence

from gatecheck.lang import core
from gatecheck.model.instant import write_instant
from gatecheck.report.blocks import Block, Cell, Code, Heading, Inline, Listing, Paragraph, Table, line
from gatecheck.report.matrix import ASPECTS, Ask, Aspect, cells, concerning
from gatecheck.report.matrix import Cell as RiskCell

_NOBODY = "nobody decides: denied"
_OTHERWISE = "denied where none of these applies"


def blocks(pack: core.Pack, environments: Collection[str] = (), *, level: int = 2) -> list[Block]:
    """Return the matrix of some environments, or of all, then their waivers and overrides.

    ``level`` is that of its headings.
    """
    found = cells(pack, environments)
    waivers, overrides = concerning(pack.waivers, environments), concerning(pack.overrides, environments)
    out: list[Block] = [
        Paragraph(("What the rules ask of a change, by the environment that it enters and by its risk.",))
    ]
    for environment in dict.fromkeys(c.environment for c in found):
        out += [Heading(level, environment), table([c for c in found if c.environment == environment])]
    if waivers:
        out += [Heading(level, "Waivers"), Listing([waiver(w) for w in waivers])]
    if overrides:
        out += [Heading(level, "Overrides"), Listing([override(o) for o in overrides])]
    return out


def table(row_of_cells: Sequence[RiskCell]) -> Table:
    """Return the table of one environment, whose cells are given in the order of the risks."""
    rows: list[Sequence[Cell]] = []
    for aspect in ASPECTS:
        made = _approvals(row_of_cells) if aspect == "approvals" else _marks(aspect, row_of_cells)
        rows += [(line(aspect if number == 0 else ""), *row) for number, row in enumerate(made)]
    return Table(("", "asked", *(c.risk for c in row_of_cells), "said by"), rows)


def _marks(aspect: Aspect, row_of_cells: Sequence[RiskCell]) -> list[Sequence[Cell]]:
    """Return a row for each thing asked, with a mark for each risk at which it is."""
    asked = [[a for a in c.asks if a.aspect == aspect] for c in row_of_cells]
    texts = list(dict.fromkeys(a.text for cell in asked for a in cell))
    return [
        (
            line(Code(text)),
            *(_joined(_mark(a) for a in cell if a.text == text) for cell in asked),
            _places(a for cell in asked for a in cell if a.text == text),
        )
        for text in texts
    ]


def _mark(a: Ask) -> Inline:
    binding = "advises" if a.advisory else f"from {_day(a)}" if a.binds_from is not None else ""
    if a.when:
        return (f"{binding} " if binding else "", "when ", Code(a.when))
    return (binding or "yes",)


def _day(a: Ask) -> str:
    return "" if a.binds_from is None else write_instant(a.binds_from).replace("T00:00:00Z", "")


def _approvals(row_of_cells: Sequence[RiskCell]) -> list[Sequence[Cell]]:
    """Return one row: who must approve at each risk."""
    columns = []
    for c in row_of_cells:
        said = [_approval(a) for a in c.asks if a.aspect == "approvals"]
        binding = [a for a in c.asks if a.aspect == "approvals" and not a.advisory]
        if not binding:
            said.append((_NOBODY,))
        elif all(a.when for a in binding):
            said.append((_OTHERWISE,))
        columns.append(_joined(said))
    return [
        (line("who approves"), *columns, _places(a for c in row_of_cells for a in c.asks if a.aspect == "approvals"))
    ]


def _approval(a: Ask) -> Inline:
    mark = _mark(a)
    return (Code(a.text), *(() if mark == ("yes",) else (", ", *mark)))


def _places(asks: Iterable[Ask]) -> Cell:
    """Return the rules that ask for something, each with the lines where it does."""
    lines: dict[tuple[str, str], set[int]] = {}
    for a in asks:
        if a.rule:
            lines.setdefault((a.rule, a.file), set()).add(a.line)
    return tuple((f"{rule} {file}:{', '.join(map(str, sorted(at)))}",) for (rule, file), at in lines.items())


def _joined(lines: Iterable[Inline]) -> Cell:
    return tuple(dict.fromkeys(tuple(pieces) for pieces in lines))


def waiver(w: core.Waiver) -> Inline:
    """Return a waiver as a sentence."""
    targets = ", ".join([*w.gates, *w.rules])
    guard = (" when ", Code(w.guard.text)) if w.guard is not None else ()
    until = write_instant(w.until).replace("T00:00:00Z", "")
    told = f" until {until}, owned by {w.owner}: {w.because} ({w.span.file}:{w.span.line})"
    return (Code(targets), " is waived for ", ", ".join(w.environments), *guard, told)


def override(o: core.Override) -> Inline:
    """Return an override as a sentence."""
    guard = (" when ", Code(o.guard.text)) if o.guard is not None else ()
    asked = [p for a in o.approvals for p in (" and ", Code(a.text.removeprefix("approve ")))][1:]
    review = ""
    if o.reviewers and o.within is not None:
        hours = o.within.total_seconds() / 3600
        review = f", and owes a review by {' or '.join(o.reviewers)} within {hours:g}h"
    reason = f": {o.because}" if o.because else ""
    place = f"{review}{reason} ({o.span.file}:{o.span.line})"
    title = f" ({o.title})" if o.title else ""
    return (Code(o.name), f"{title} allows ", ", ".join(o.environments), *guard, " with approval ", *asked, place)
