"""The tests that the documents show do what they say: those of the reference pass, and the one that fails so fails."""

import re
from pathlib import Path

import pytest

from gatecheck.lang.pack import load
from gatecheck.testing.run import run_tests
from gatecheck.testing.show import as_text, failure

ROOT = Path(__file__).resolve().parents[2]
LANGUAGE = (ROOT / "docs" / "language.md").read_text("utf-8")
TESTING = (ROOT / "docs" / "testing.md").read_text("utf-8")
BLOCK = re.compile(r"^```gate\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)
PACK = next(BLOCK.finditer(LANGUAGE))[1]
EXAMPLES = [text for text, _ in BLOCK.findall(LANGUAGE) if re.search("^test ", text, re.MULTILINE)]


def shown(tests: str) -> str:
    pack, _, sources = load({"payment.gate": PACK.encode(), "tests.gate": tests.encode()})
    ran = run_tests(pack, (), {})
    failures = [failure(r, ran.traced, sources) for r in ran.results if not r.is_passed]
    return as_text(failures, ran.results, None)


@pytest.mark.parametrize("tests", EXAMPLES)
def test_the_tests_of_the_reference_pass(tests: str) -> None:
    assert re.fullmatch(r"ok: \d+ cases? of \d+ tests? passed\n", shown(tests))


def test_the_one_that_fails_fails_as_shown() -> None:
    ((tests, said),) = BLOCK.findall(TESTING)
    assert shown(tests) == said


def test_every_given_and_every_expectation_has_its_row() -> None:
    section = LANGUAGE[LANGUAGE.index("### Tests\n") :].split("\n##")[0]
    rows = re.findall(r"^\| (.*?) \| ", section, re.MULTILINE)
    assert len([row for row in rows if row.startswith("`")]) == 12 + 10


def test_every_link_leads_somewhere() -> None:
    heads = {
        re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in re.findall(r"^#+ (.*)$", TESTING, re.MULTILINE)
    }
    for file, head in re.findall(r"\]\(([^#)]*)#?([^)]*)\)", TESTING):
        if file:
            assert (ROOT / "docs" / file).is_file()
        else:
            assert head in heads
