"""Every code that gatecheck can give has one page, which is whole, and whose examples come out as it says."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from gatecheck.lang.pack import examine
from gatecheck.lint.checklist import checklist
from gatecheck.lint.findings import findings
from gatecheck.model.identity import names_of, normal_directory
from gatecheck.model.request import Directory
from gatecheck.model.schema import Part, load
from gatecheck.report.pages import Example, pages
from gatecheck.text.diagnostic import InputError

_ROOT = Path(__file__).parents[2]
_TEXT = (_ROOT / "docs" / "diagnostics.md").read_text("utf-8")
_PAGES = pages()
_EXAMPLES = [(page.code, example) for page in _PAGES.values() for example in page.examples]
AS_OF = datetime(2026, 11, 23, tzinfo=UTC)
LINTS = {code for code in _PAGES if code in ("GC302",) or "GC306" <= code < "GC400"}
_SCHEMAS = dict(re.findall(r"`([\w.-]+\.schema\.json)`\n\n```json\n(.*?)^```$", _TEXT, re.DOTALL | re.MULTILINE))
_AROUND = re.findall(r"^```gate\n(.*?)^```$", _TEXT.partition("\n### ")[0], re.MULTILINE | re.DOTALL)


def codes_in_source() -> set[str]:
    files = (_ROOT / "evaluator").rglob("*.py")
    return {code for file in files for code in re.findall(r"\bGC\d{3}\b", file.read_text("utf-8"))}


def examples(language: str, family: str = "GC[^4]") -> list[object]:
    return [
        pytest.param(code, example, id=f"{code}-{example.label.lower()}")
        for code, example in _EXAMPLES
        if example.language == language and re.match(family, code)
    ]


def test_every_code_is_explained_and_no_other() -> None:
    assert set(_PAGES) == codes_in_source()
    assert list(_PAGES) == sorted(_PAGES)
    assert re.findall(r"^### (.*)", _TEXT, re.MULTILINE) == [f"{page.code}: {page.title}" for page in _PAGES.values()]


def test_a_code_stands_under_its_family() -> None:
    for part in re.split(r"^## ", _TEXT, flags=re.MULTILINE)[1:]:
        family = part[:3]
        assert {code[:3] for code in re.findall(r"^### (GC\d{3})", part, re.MULTILINE)} == {family}


@pytest.mark.parametrize("code", _PAGES)
def test_a_page_is_whole(code: str) -> None:
    page = _PAGES[code]
    parts = re.findall(r"^\*\*(\w+)\*\*", page.markdown, re.MULTILINE)
    labels = [example.label for example in page.examples]
    assert parts == [*(["What"] if page.what else []), "Why", "Mend", *labels]  # in this order, and each is read
    assert all(text.endswith(".") for text in (page.what, page.why, page.mend) if text)
    assert not re.search(
        r"[{}]", f"{page.title} {page.what} {page.why} {page.mend}"
    )  # which SARIF would take for its own
    assert labels in ([], ["Wrong", "Right"], ["Example"])
    if code < "GC400":
        assert labels == ["Wrong", "Right"]


@pytest.mark.parametrize(("code", "example"), examples("gate", "GC4"))
def test_an_example_of_the_review_list_comes_out_as_it_says(code: str, example: Example) -> None:
    pack, _, _ = examine({"example.gate": example.text.encode()})
    assert pack is not None
    (item,) = (i for i in checklist(pack, AS_OF) if i.code == code)
    assert (item.title, item.verdict) == (_PAGES[code].title, "attention" if example.label == "Wrong" else "ok")


@pytest.mark.parametrize(("code", "example"), examples("gate"))
def test_an_example_of_rules_comes_out_as_it_says(code: str, example: Example) -> None:
    text = example.text.replace("U+200B", "\u200b")
    files = {"example.gate": text.encode(), **{name: schema.encode() for name, schema in _SCHEMAS.items()}}
    if not re.search(r"^environment ", text, re.MULTILINE):
        (around,) = _AROUND
        files["around.gate"] = around.encode()
    pack, found, _ = examine(files)
    if pack is not None and code in LINTS:
        said = findings(pack, AS_OF)
        found += tuple(d for d in said if d.span is not None and d.span.file == "example.gate")
    assert {d.code for d in found} == ({code} if example.label == "Wrong" else set())
    assert all(("(a warning)" in _PAGES[code].what) == (d.severity == "warning") for d in found)


@pytest.mark.parametrize(("code", "example"), examples("yaml"))
def test_an_example_of_a_document_comes_out_as_it_says(code: str, example: Example) -> None:
    first = example.text.partition("\n")[0]
    part = "approvals" if first.startswith("- ") else "change" if first.startswith("id: ") else "directory"
    try:
        read = load(example.text.encode(), "example.yaml", cast("Part", part))
        if isinstance(read, Directory):
            normal_directory(read, names_of(read))
        found = set()
    except InputError as error:
        found = {d.code for d in error.diagnostics}
    assert found == ({code} if example.label == "Wrong" else set())
