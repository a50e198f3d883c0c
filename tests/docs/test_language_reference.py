"""The language reference says what is so: its examples check, its mistakes get the message beneath, its tables hold."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import vocabulary_tables

from gatecheck.engine.compile import compile_pack
from gatecheck.lang.pack import examine
from gatecheck.text.diagnostic import render
from gatecheck.text.glob import translate

_TEXT = vocabulary_tables.REFERENCE.read_text("utf-8")
_BLOCK = re.compile(r"^```gate( error)?\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)


# Files of a pack that is not rules: named in the text, and written out beneath.
_SCHEMAS = dict(re.findall(r"`([\w.-]+\.schema\.json)`\n\n```json\n(.*?)^```$", _TEXT, re.DOTALL | re.MULTILINE))


def blocks() -> Iterator[tuple[int, str, str, str]]:
    for found in _BLOCK.finditer(_TEXT):
        yield _TEXT.count("\n", 0, found.start()) + 1, found[2], found[1] or "", found[3] or ""


ALL = list(blocks())
INTRODUCTION = ALL[0][1]
GOOD = {f"line {line}": text for line, text, error, _ in ALL if not error}
BAD = {f"line {line}": (text, said) for line, text, error, said in ALL if error}


def files_of(text: str) -> dict[str, bytes]:
    files = {"example.gate": text.encode(), **{name: schema.encode() for name, schema in _SCHEMAS.items()}}
    if not text.startswith("environment ") and text != INTRODUCTION:
        files["payment.gate"] = INTRODUCTION.encode()
    return files


@pytest.mark.parametrize("place", GOOD)
def test_an_example_checks_without_a_word(place: str) -> None:
    pack, diagnostics, sources = examine(files_of(GOOD[place]))
    assert render(diagnostics, sources) == ""
    assert pack is not None
    for key, source in compile_pack(pack).parts.items():
        compile(source, str(key), "exec")


@pytest.mark.parametrize("place", BAD)
def test_a_mistake_gets_the_message_beneath_it(place: str) -> None:
    text, said = BAD[place]
    _, diagnostics, sources = examine(files_of(text))
    assert render(diagnostics, sources) + "\n" == said


def test_there_are_examples() -> None:
    assert len(GOOD) >= 12
    assert len(BAD) >= 2
    assert _TEXT.count("```gate") == len(ALL)


def test_the_tables_are_those_of_the_schemas() -> None:
    assert vocabulary_tables.written(_TEXT) == _TEXT, "run `python tests/docs/vocabulary_tables.py`"


def test_the_table_of_patterns_is_so() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (`.*`) \| (`[^|]*`) \|$", _TEXT, re.MULTILINE)
    patterns = [row for row in rows if not row[0].startswith("change.") and ("/" in row[0] or row[0] == "*.sql")]
    assert len(patterns) >= 4
    for pattern, yes, no in patterns:
        expression = re.compile(translate(pattern))
        for path in re.findall("`([^`]+)`", yes):
            assert expression.fullmatch(path), f"{pattern} {path}"
        for path in re.findall("`([^`]+)`", no):
            assert not expression.fullmatch(path), f"{pattern} {path}"


def test_every_link_leads_somewhere() -> None:
    heads = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in re.findall(r"^#+ (.*)$", _TEXT, re.MULTILINE)}
    for target in re.findall(r"\]\(#([^)]+)\)", _TEXT):
        assert target in heads
    for file in re.findall(r"\]\(([^#)]+)\)", _TEXT):
        assert (Path(vocabulary_tables.REFERENCE).parent / file).is_file()
