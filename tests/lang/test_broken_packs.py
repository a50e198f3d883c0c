"""Every mistake in ``broken/*.gate`` gets the diagnostic that stands beside it, and no other.

A file holds cases, separated by `---`. A case is a file of a pack, or several, each under `=== name`; unless it starts
with `# alone`, the declarations of ``prelude.txt`` are a further file of it. What is expected stands at the end of the
offending line, or on a line of its own below it:

    when change.type = hotfix: require sast  # ERROR GC101: unexpected `=`
    # hint: a comparison is written `==`
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from gatecheck.lang.pack import examine

_FOLDER = Path(__file__).parent / "broken"
_PRELUDE = (_FOLDER / "prelude.txt").read_bytes()
_EXPECTED = re.compile(r"# (ERROR|WARNING) (GC\d{3}): (.*)")
_DETAIL = re.compile(r"\s*# (hint|label): (.*)")


class Said(NamedTuple):
    file: str
    line: int
    severity: str
    code: str
    message: str
    hint: str
    label: str


def cases() -> Iterator[tuple[str, str]]:
    for path in sorted(_FOLDER.glob("*.gate")):
        line = 1
        for text in path.read_text("utf-8").split("\n---\n"):
            yield f"{path.name}:{line}", text
            line += text.count("\n") + 2


def files_of(case: str) -> dict[str, str]:
    files: dict[str, str] = {}
    for part in re.split(r"^(?==== )", case, flags=re.MULTILINE):
        if part.startswith("=== "):
            name, _, text = part[4:].partition("\n")
            files[name] = text
        elif part:
            files["pack.gate"] = part
    return files


def expected_of(files: dict[str, str]) -> list[Said]:
    found: list[Said] = []
    for name, text in files.items():
        line = 0
        for number, written in enumerate(text.split("\n"), 1):
            detail = _DETAIL.fullmatch(written)
            if detail:
                said = {detail[1]: detail[2]}
                found[-1] = found[-1]._replace(hint=said.get("hint", ""), label=said.get("label", ""))
                continue
            expected = _EXPECTED.search(written)
            if not written.lstrip().startswith("# ") or written.startswith("# alone") or line == 0:
                line = number  # a line that says something; what stands below it in comments is about it
            if expected:
                found.append(Said(name, line, expected[1].lower(), expected[2], expected[3], "", ""))
    return found


CASES = list(cases())


@pytest.mark.parametrize("case", [text for _, text in CASES], ids=[place for place, _ in CASES])
def test_a_mistake_gets_its_diagnostic(case: str) -> None:
    files = files_of(case)
    raw = {name: text.encode() for name, text in files.items()}
    if not case.startswith("# alone"):
        raw["prelude.gate"] = _PRELUDE
    expected = expected_of(files)
    pack, diagnostics, sources = examine(raw)
    found = []
    for d in diagnostics:
        assert d.span is not None
        line = sources[d.span.file].line(d.span.line)
        assert 1 <= d.span.column <= len(line)  # the mark stands under some text
        assert d.span.end_line > d.span.line or d.span.column < d.span.end_column <= len(line) + 1
        found.append(Said(d.span.file, d.span.line, d.severity, d.code, d.message, d.hint, "" if d.hint else d.label))
    assert found == expected
    assert (pack is None) == any(e.severity == "error" for e in expected)


def test_the_prelude_is_sound() -> None:
    pack, diagnostics, _ = examine({"prelude.gate": _PRELUDE})
    assert pack is not None
    assert diagnostics == ()


def test_the_corpus_is_worth_its_name() -> None:
    assert len(CASES) >= 200
    assert all(_EXPECTED.search(text) for _, text in CASES)
