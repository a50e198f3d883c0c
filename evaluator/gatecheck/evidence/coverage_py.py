"""The JSON report of coverage.py (``coverage json``): its totals, held against the sums of its files.

``percent_covered`` mixes lines and branches and is rounded; the counts are exact, so the rates come from them.
"""

from typing import Any

from gatecheck.evidence.documents import count_in, member, object_in
from gatecheck.evidence.rates import Part, Parts, coverage_fields, totals_flaw
from gatecheck.evidence.values import Reading, short


def read_coverage_py(data: dict[str, Any], name: str) -> Reading:
    """Read a coverage.py report; fields as in ``schemas/evidence/coverage.schema.json``."""
    totals = _parts(object_in(data, "totals", name), name)
    stated = object_in(data, "files", name)
    files = [_parts(object_in(member(stated, file, name), "summary", name), name) for file in stated]
    version = object_in(data, "meta", name).get("version")
    producer = short(f"coverage.py {version}", 100) if isinstance(version, str) else "coverage.py"
    # meta.timestamp has no offset, so when the report was made is unknown.
    return Reading(coverage_fields(totals, len(files)), totals_flaw(totals, files), producer)


def _parts(summary: dict[str, Any], name: str) -> Parts:
    lines = Part(count_in(summary, "covered_lines", name), count_in(summary, "num_statements", name))
    if "num_branches" not in summary:  # measured without branches
        return Parts(lines)
    return Parts(lines, Part(count_in(summary, "covered_branches", name), count_in(summary, "num_branches", name)))
