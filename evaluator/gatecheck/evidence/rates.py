"""What every coverage format comes down to: parts of wholes, and the rates that can be trusted of them.

A rate is never above what any part of the file supports: where a tool's declared rate is lower than what its listed
lines show by more than its own rounding, the declared one stands (Scala tools declare statements and list lines).
"""

from decimal import Decimal
from typing import Any, NamedTuple

from gatecheck.evidence.values import plain_decimal, rate, ratio


class Part(NamedTuple):
    """So many of so many; ``whole`` 0 means that nothing was measured."""

    covered: int
    valid: int


class Parts(NamedTuple):
    """What a report measured, of its files or of one."""

    lines: Part
    branches: Part = Part(0, 0)
    functions: Part = Part(0, 0)


def coverage_fields(parts: Parts, files: int) -> dict[str, Any]:
    """Return the fields of the kind ``coverage``; a rate of nothing is null."""
    return {
        "line_rate": ratio(*parts.lines),
        "lines_covered": parts.lines.covered,
        "lines_valid": parts.lines.valid,
        "branch_rate": ratio(*parts.branches),
        "branches_covered": parts.branches.covered,
        "branches_valid": parts.branches.valid,
        "function_rate": ratio(*parts.functions),
        "functions_covered": parts.functions.covered,
        "functions_valid": parts.functions.valid,
        "files": files,
    }


def parts_flaw(parts: Parts) -> str:
    """Say which part can't be, more covered than there is; or that no line was measured."""
    for noun, part in parts._asdict().items():
        if part.covered > part.valid:
            return f"the report says that {part.covered} of {part.valid} {noun} are covered"
    return "" if parts.lines.valid else "the report lists no lines"


def totals_flaw(totals: Parts, files: list[Parts]) -> str:
    """Say what is wrong with totals, or where they differ from the sums of the files that stand beside them."""
    for noun, total in totals._asdict().items():
        parts = [getattr(file, noun) for file in files]
        listed = Part(sum(part.covered for part in parts), sum(part.valid for part in parts))
        if total != listed:
            sums = f"the files {listed.covered} of {listed.valid}"
            return f"the totals say that {total.covered} of {total.valid} {noun} are covered, {sums}"
    return parts_flaw(totals)


def lower(measured: str | None, declared: str | None) -> str | None:
    """Return the measured rate, or the declared one where that is lower by more than its own rounding.

    Tools round to 2 to 4 digits; more than that is a binary float, fewer have lost their zeros.
    """
    stated = plain_decimal(declared)
    if measured is None or stated is None or declared is None:
        return measured
    rounding = Decimal(1).scaleb(-min(max(len(declared.partition(".")[2]), 2), 4))
    return rate(stated) if stated + rounding < Decimal(measured) else measured
