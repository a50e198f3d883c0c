"""The page about linting: its example comes out as it says, and its tables list every finding and item."""

import re
from pathlib import Path

import pytest

from gatecheck.cli.app import run
from gatecheck.report.pages import pages

PAGE = Path(__file__).parents[2] / "docs" / "lint.md"
TEXT = PAGE.read_text("utf-8")


def test_the_example_comes_out_as_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (rules,), (said,) = (re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.M | re.S) for language in ("gate", "text"))
    (tmp_path / "rules.gate").write_text(rules)
    monkeypatch.chdir(tmp_path)
    assert run(["lint", "rules.gate", "--as-of", "2026-11-23T12:00:00Z"]) == 0
    assert capsys.readouterr() == (said, "")


def test_the_tables_list_all() -> None:
    listed = dict(re.findall(r"^\| (GC\d{3}) \| (.*?) \|", TEXT, re.MULTILINE))
    warnings = {code for code, page in pages().items() if page.what.startswith("(a warning)")}
    items = {code: page.title for code, page in pages().items() if code.startswith("GC4")}
    assert set(listed) == warnings | items.keys()
    assert {code: listed[code] for code in items} == items


def test_every_link_leads_somewhere() -> None:
    for file in re.findall(r"\]\(([^#)]+)\)", TEXT):
        assert (PAGE.parent / file).is_file()
