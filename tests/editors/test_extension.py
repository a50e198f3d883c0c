"""The extension packs with the ordinary tool and holds what it needs, and tells VS Code what is so."""

import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from node_packages import EXTENSION, ROOT, node, packages

from gatecheck.lang.format import formatted
from gatecheck.lang.parser import parse_tokens
from gatecheck.text.source import Source
from gatecheck.version import GATECHECK

GRAMMAR = ROOT / "grammar" / "gatecheck.tmLanguage.json"
ABOUT: dict[str, Any] = json.loads((EXTENSION / "package.json").read_text("utf-8"))
LOCK: dict[str, Any] = json.loads((EXTENSION / "package-lock.json").read_text("utf-8"))
TOLD: dict[str, Any] = json.loads((EXTENSION / "language-configuration.json").read_text("utf-8"))
RULES = sorted((ROOT / "rules").rglob("*.gate"))


@pytest.fixture(scope="module")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the extension's folder, where it stands in a checkout, with the packages that it runs on."""
    root = tmp_path_factory.mktemp("extension")
    folder = root / "grammar" / "vscode"
    ignored = shutil.ignore_patterns("node_modules", "*.vsix", GRAMMAR.name, "LICENSE")
    shutil.copytree(EXTENSION, folder, ignore=ignored)
    for place, part in LOCK["packages"].items():
        if place and not part.get("dev"):
            shutil.copytree(packages().parent / place, folder / place)
    shutil.copy(GRAMMAR, root / "grammar")
    shutil.copy(ROOT / "LICENSE", root)
    return folder


def test_the_ordinary_tool_packs_it(extension: Path) -> None:
    node("npm", "run", "package", "--", "--out", "made.vsix", folder=extension)
    with zipfile.ZipFile(extension / "made.vsix") as archive:
        held = set(archive.namelist())
        own = {name.removeprefix("extension/") for name in held if not name.startswith("extension/node_modules/")}
        assert own == {
            "[Content_Types].xml", "LICENSE.txt", "extension.js", "extension.vsixmanifest",
            "gatecheck.tmLanguage.json", "language-configuration.json", "package.json", "readme.md",
        }  # fmt: skip
        assert archive.read("extension/gatecheck.tmLanguage.json") == GRAMMAR.read_bytes()
        assert archive.read("extension/LICENSE.txt") == (ROOT / "LICENSE").read_bytes()
    borrowed = {name.split("/")[2] for name in held if name.startswith("extension/node_modules/")}
    assert borrowed == {
        "balanced-match", "brace-expansion", "minimatch", "semver", "vscode-jsonrpc", "vscode-languageclient",
        "vscode-languageserver-protocol", "vscode-languageserver-textdocument", "vscode-languageserver-types",
    }  # fmt: skip
    assert [name for name in held if name.endswith((".ts", ".mts", ".cts", ".map", ".vsix"))] == []
    for part in borrowed:  # each keeps its licence
        assert [n for n in held if n.startswith(f"extension/node_modules/{part}/") and "license" in n.lower()], part


def test_its_code_is_javascript(extension: Path) -> None:
    node("node", "--check", "extension.js", folder=extension)


def test_its_version_is_that_of_gatecheck() -> None:
    assert (ABOUT["version"], LOCK["version"], LOCK["packages"][""]["version"]) == (GATECHECK, GATECHECK, GATECHECK)


def test_the_packages_come_from_whatever_registry_is_configured() -> None:
    parts = [part for place, part in LOCK["packages"].items() if place]
    assert all(part["integrity"].startswith("sha512-") for part in parts)
    assert [part for part in parts if "resolved" in part] == []


def test_a_word_is_a_name() -> None:
    word = re.compile(TOLD["wordPattern"])
    for path in RULES:
        for token in parse_tokens(Source(path.name, path.read_text("utf-8")))[1]:
            if token.type in ("NAME", "INT", "PERCENT", "DURATION", "DATE", "INSTANT", "TIME"):
                assert word.findall(token) == [str(token)]
    assert word.findall("risk-report<high, -7 x-") == ["risk-report", "high", "7", "x"]


def test_indents_as_the_formatter_does() -> None:
    more, less = (re.compile(TOLD["indentationRules"][f"{way}IndentPattern"]) for way in ("increase", "decrease"))
    text = "".join(f"{path.read_text('utf-8')}\n" for path in RULES)
    text += 'rule x for dev { # a { in a comment\n require "a {"\n when risk == high {\n forbid x # }\n }\n}\n'
    depth = 0
    depths = set()
    is_first = True
    for line in formatted(Source("x.gate", text)).splitlines():
        closes, opens = bool(less.search(line)), bool(more.search(line))
        depth -= closes
        indent = len(line) - len(line.lstrip())
        # What continues a statement stands deeper, as its author may choose.
        assert not line or (indent == 2 * depth if is_first or closes else indent >= 2 * depth), line
        depth += opens
        depths.add(depth)
        is_first = opens
    assert depth == 0
    assert depths == {0, 1, 2}


def test_what_it_names_is_there() -> None:
    (language,) = ABOUT["contributes"]["languages"]
    (grammar,) = ABOUT["contributes"]["grammars"]
    assert language["extensions"] == [".gate"]
    assert (EXTENSION / language["configuration"]).is_file()
    assert (EXTENSION / ABOUT["main"]).is_file()
    assert Path(grammar["path"]).name == GRAMMAR.name
    assert grammar["scopeName"] == json.loads(GRAMMAR.read_text("utf-8"))["scopeName"]
