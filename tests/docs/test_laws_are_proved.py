"""Each law of the language reference is quoted by a test that proves it, word for word."""

import ast
import re
from pathlib import Path

import pytest
import vocabulary_tables

TESTS = Path(__file__).resolve().parents[1]
SECTION = vocabulary_tables.REFERENCE.read_text("utf-8").partition("\n## Laws\n")[2].partition("\n## ")[0]
LAWS = [re.sub(r"\s+", " ", law).strip() for law in re.findall(r"^- (.+(?:\n  .+)*)$", SECTION, re.MULTILINE)]


def quoted() -> list[str]:
    """Return the docstrings of all tests."""
    found = []
    for room in ("engine", "oracle", "trust"):
        for path in sorted((TESTS / room).glob("test_*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                    found.append(re.sub(r"\s+", " ", ast.get_docstring(node) or ""))
    return found


def test_there_are_laws() -> None:
    assert len(LAWS) > 12


@pytest.mark.parametrize("law", LAWS)
def test_a_test_quotes_the_law(law: str) -> None:
    assert any(law in said for said in quoted())
