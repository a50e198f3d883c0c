"""Each finding of the lints stands beneath the line that it is about, and no other: the cases are written out so.

A case is a whole pack; cases of a file are separated by `---`. Beneath a line stand its findings as `# CODE: message`,
each with `# label:` and `# hint:` where it has them. Time is noon of 23 November 2026 in UTC.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatecheck.lang.pack import load
from gatecheck.lint.findings import findings
from gatecheck.report.pages import pages
from gatecheck.text.diagnostic import Diagnostic

CASES = Path(__file__).parent / "cases"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
_SAID = re.compile(r"^# (GC\d{3}|hint|label): .*\n", re.MULTILINE)


def cases() -> Iterator[tuple[str, str]]:
    for path in sorted(CASES.glob("*.gate")):
        line = 1
        for text in path.read_text("utf-8").split("\n---\n"):
            yield f"{path.name}:{line}", text.rstrip("\n") + "\n"
            line += text.count("\n") + 2


def found_in(text: str) -> list[Diagnostic]:
    pack, warnings, _ = load({"a.gate": text.encode()})
    assert warnings == ()
    return list(findings(pack, NOON))


def annotated(text: str, found: list[Diagnostic]) -> str:
    lines = text.splitlines()
    out = []
    for number, line in enumerate(lines, 1):
        out.append(line)
        for d in found:
            assert d.span is not None
            if d.span.line == number:
                assert 1 <= d.span.column <= len(line)  # the mark stands under some text
                assert d.span.end_line > number or d.span.column < d.span.end_column <= len(line) + 1
                assert d.severity == "warning"
                out.append(f"# {d.code}: {d.message}")
                out += [f"# {word}: {said}" for word, said in (("label", d.label), ("hint", d.hint)) if said]
    return "\n".join(out) + "\n"


ALL = list(cases())


@pytest.mark.parametrize("case", [text for _, text in ALL], ids=[place for place, _ in ALL])
def test_findings_stand_beneath_their_lines(case: str) -> None:
    bare = _SAID.sub("", case)
    assert annotated(bare, found_in(bare)) == case


def test_every_lint_finds_something_and_leaves_something_be() -> None:
    codes = {code for code in pages() if code == "GC302" or "GC306" <= code < "GC400"}
    told = {said for _, text in ALL for said in re.findall(r"^# (GC\d{3}): ", text, re.MULTILINE)}
    assert told == codes
    assert sum(_SAID.search(text) is None for _, text in ALL) >= 4


def test_what_the_checker_told_of_a_guard_is_not_told_again() -> None:
    rules = (
        "environment dev\nrisk low < high { otherwise low }\nrule a for dev { when risk >= low: approve automatically }"
    )
    pack, warnings, _ = load({"a.gate": rules.encode()})
    assert [d.code for d in warnings] == ["GC305"]
    assert findings(pack, NOON) == ()


def test_the_order_of_files_and_rules_decides_nothing() -> None:
    parts = re.split(r"^(?=\w)", _SAID.sub("", ALL[0][1]), flags=re.MULTILINE)
    forwards = found_in("".join(parts))
    backwards = found_in("".join(reversed(parts)))
    assert {d[:2] for d in forwards} == {d[:2] for d in backwards} != set()


@pytest.mark.parametrize("instant", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_any_instant_will_do(instant: datetime) -> None:
    text = (
        "environment dev\nrule a for dev { approve automatically require 1d <= soak(dev) }\n"
        'waive a for dev until 2027-01-01 { owner a because "b" }\nwindow w = 2026-01-01 .. 2026-01-02 in Asia/Tokyo\n'
    )
    pack, _, _ = load({"a.gate": text.encode()})
    over = {d.code for d in findings(pack, instant)} & {"GC311", "GC314", "GC315"}
    assert over == ({"GC311", "GC314"} if instant.year > 2027 else set())


def test_kinds_of_the_packs_own_have_ranges_too() -> None:
    schema = b"""{
      "type": "object", "required": ["burn", "left", "share", "open"], "properties": {
        "burn": {"type": "number", "minimum": 0.5, "maximum": 4},
        "left": {"type": "string", "x-type": "percent", "x-minimum": 0, "x-maximum": 1},
        "share": {"type": "number", "x-type": "percent", "minimum": 0, "maximum": 1},
        "open": {"type": "integer", "minimum": 1}
      }
    }"""
    rules = (
        "environment dev\n"
        'evidence slo from "slo.schema.json"\n'
        "gate slo from slo {\n  pass when burn < 0.5 or left > 100% or share < 0% or open == 0\n}\n"
        "rule a for dev { approve automatically require slo, slo.burn <= 3.5, slo.burn <= 4 }\n"
    )
    pack, _, _ = load({"a.gate": rules.encode(), "slo.schema.json": schema})
    assert [(d.code, d.message, d.hint) for d in findings(pack, NOON)] == [
        ("GC302", "`burn < 0.5` can never hold", "`burn` goes from 0.5 to 4"),
        ("GC302", "`left > 100%` can never hold", "`left` goes from 0% to 100%"),
        ("GC302", "`open == 0` can never hold", "`open` is never less than 1"),
        ("GC302", "`share < 0%` can never hold", "`share` goes from 0% to 100%"),
        ("GC302", "`slo.burn <= 4` always holds", "`slo.burn` goes from 0.5 to 4"),
    ]


def test_a_condition_that_would_take_for_ever_to_decide_is_left_open() -> None:
    numbers = range(45)
    attributes = "".join(f"attribute q{n}: bool\nattribute r{n}: bool\n" for n in numbers)
    either = " and ".join(f"(change.q{n} or change.r{n})" for n in numbers)
    never = " and ".join(f"({no}change.one or {not_}change.other)" for no in ("", "not ") for not_ in ("", "not "))
    known = "attribute one: bool\nattribute other: bool\n"

    def codes(condition: str) -> list[str]:
        rule = f"rule a for dev {{ approve automatically require {condition} }}\n"
        return [d.code for d in found_in(f"environment dev\n{attributes}{known}{rule}")]

    assert codes(never) == ["GC306"]
    assert codes(f"{never} and {either}") == []
