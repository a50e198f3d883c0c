"""Every code that gatecheck can give is explained, once, and no other is."""

import re
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_TEXT = (_ROOT / "docs" / "diagnostics.md").read_text("utf-8")
_ROW = re.compile(r"^\| (GC\d{3}) \| (.*?) \| (.*?) ?\| (.*?) ?\|$", re.MULTILINE)


def codes_in_source() -> set[str]:
    files = (_ROOT / "evaluator").rglob("*.py")
    return {code for file in files for code in re.findall(r"\bGC\d{3}\b", file.read_text("utf-8"))}


def test_every_code_is_explained_and_no_other() -> None:
    explained = _ROW.findall(_TEXT)
    assert {row[0] for row in explained} == codes_in_source()
    assert [row[0] for row in explained] == sorted({row[0] for row in explained})
    assert all(row[1] for row in explained)


def test_a_code_stands_under_its_family() -> None:
    for part in re.split(r"^## ", _TEXT, flags=re.MULTILINE)[1:]:
        family = part[:3]
        assert {row[0][:3] for row in _ROW.findall(part)} == {family}


def test_every_code_of_rules_says_how_to_mend_it() -> None:
    rules = [row for row in _ROW.findall(_TEXT) if row[0] < "GC400"]
    assert all(row[3] for row in rules)
