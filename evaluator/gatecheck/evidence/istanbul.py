"""The ``json-summary`` report of istanbul (nyc, c8, jest, vitest): its totals, held against the sums of its files.

``pct`` is rounded, and 100 where nothing was measured; the counts are exact, so the rates come from them.
"""

from typing import Any

from gatecheck.evidence.documents import count_in, member, object_in
from gatecheck.evidence.rates import Part, Parts, coverage_fields, parts_flaw, totals_flaw
from gatecheck.evidence.values import Reading


def read_istanbul(data: dict[str, Any], name: str) -> Reading:
    """Read a coverage summary; fields as in ``schemas/evidence/coverage.schema.json``."""
    totals = _parts(object_in(data, "total", name), name)
    files = [_parts(member(data, file, name), name) for file in data if file != "total"]
    flaw = totals_flaw(totals, files) if files else parts_flaw(totals)
    return Reading(coverage_fields(totals, len(files)), flaw)


def _parts(summary: dict[str, Any], name: str) -> Parts:
    return Parts(*(_part(object_in(summary, noun, name), name) for noun in Parts._fields))


def _part(counts: dict[str, Any], name: str) -> Part:
    return Part(count_in(counts, "covered", name), count_in(counts, "total", name))
