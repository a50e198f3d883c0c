"""How a session begins and ends, and that nothing an editor sends breaks it."""

import os
import subprocess
import sys
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lsp_editor import ROOT, Editor
from lsp_rules import FILES, RULES

from gatecheck.lang.pack import examine

PIECES = [
    "",
    "\n",
    "\r",
    "}",
    "{",
    "(",
    '"',
    "#",
    "rule ",
    "group",
    "let x =\nrisk",
    "\u2028",
    "🚀",
    " = ",
    "not ",
    "x",
]


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {**os.environ, "PYTHONPATH": str(ROOT / "evaluator"), **environment}
    return subprocess.run(
        [sys.executable, *command], env=kept, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


def test_what_the_server_can(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    editor = Editor(root, {"textDocument": {"rename": {"prepareSupport": True}}})
    assert editor.close() == 0
    assert editor.errors.read_text() == ""
    can = editor.server["capabilities"]
    assert {k: v for k, v in can.items() if k not in ("workspace", "executeCommandProvider")} == {
        "positionEncoding": "utf-16",
        "textDocumentSync": {"openClose": True, "change": 1, "save": True},
        "completionProvider": {"triggerCharacters": [".", "/"]},
        "hoverProvider": True,
        "definitionProvider": True,
        "referencesProvider": True,
        "documentHighlightProvider": True,
        "documentSymbolProvider": True,
        "codeActionProvider": {"codeActionKinds": ["quickfix"]},
        "documentFormattingProvider": True,
        "renameProvider": {"prepareProvider": True},
    }  # fmt: skip
    assert editor.server["serverInfo"]["name"] == "gatecheck"


def test_an_editor_that_goes_away(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    editor = Editor(root)
    assert editor.end() == 1
    assert editor.errors.read_text() == ""


def test_requests_about_what_is_not_open(tmp_path: Path) -> None:
    with Editor.quiet(tmp_path) as editor:
        for method in ("hover", "definition", "documentHighlight", "completion"):
            asked = editor.at("a.gate", 0, 0)
            assert editor.ask(f"textDocument/{method}", asked) == {"error": f"{editor.uri('a.gate')} is not open"}
        assert editor.logged == []


def test_without_the_extra(tmp_path: Path) -> None:
    (tmp_path / "pygls.py").write_text("raise ModuleNotFoundError(\"No module named 'pygls'\", name='pygls')\n")
    done = run("-m", "gatecheck", "lsp", PYTHONPATH=f"{ROOT / 'evaluator'}{os.pathsep}{tmp_path}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error[GC821]: the language server needs `pygls`, which is not installed\n"
        '   = hint: install the extra: pip install "gatecheck[lsp]"\n'
    )


def test_help_shows_how_editors_start_it() -> None:
    done = run("-m", "gatecheck", "lsp", "--help", NO_COLOR="1")
    assert done.returncode == 0
    for said in ("vim.lsp.config(", "[language-server.gatecheck]", "VS Code", "gatecheck[lsp]"):
        assert said in done.stdout


def test_nothing_else_loads_the_library() -> None:
    script = "import sys; from gatecheck.cli.app import run; run(['check', sys.argv[1]]); print('pygls' in sys.modules)"
    done = run("-c", script, str(ROOT / "rules" / "payment-service"))
    assert done.stdout.endswith("False\n")


edits = st.lists(st.tuples(st.integers(0, len(RULES)), st.integers(0, 8), st.sampled_from(PIECES)), max_size=6)


def test_any_text_at_all(tmp_path: Path) -> None:
    """Whatever is typed, each request is answered, and the problems are those that `check` finds."""
    others = {name: text.encode() for name, text in FILES.items() if name != "rules.gate"}

    with Editor.quiet(tmp_path) as server, server.on(FILES) as editor:
        editor.open("rules.gate", RULES)

        @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(edits, st.integers(0, 40), st.integers(0, 60))
        def type_anything(changes: list[tuple[int, int, str]], line: int, character: int) -> None:
            text = RULES
            for place, length, piece in changes:
                text = text[:place] + piece + text[place + length :]
            found = editor.change("rules.gate", text)
            _, wanted, _ = examine({**others, "rules.gate": text.encode()})
            assert [(p["code"], p["message"].split("\n")[0]) for p in found] == [
                (d.code, d.message) for d in wanted if d.span is not None and d.span.file == "rules.gate"
            ]
            at = editor.at("rules.gate", line, character)
            document = {"textDocument": at["textDocument"]}
            where = {"start": at["position"], "end": {"line": 60, "character": 0}}
            for method, params in {
                "hover": at,
                "definition": at,
                "completion": at,
                "references": {**at, "context": {"includeDeclaration": True}},
                "documentHighlight": at,
                "documentSymbol": document,
                "formatting": {**document, "options": {"tabSize": 2, "insertSpaces": True}},
                "codeAction": {**document, "range": where, "context": {"diagnostics": []}},
            }.items():
                answer = editor.ask(f"textDocument/{method}", params)
                assert not isinstance(answer, dict) or "error" not in answer, (method, answer)
            assert editor.logged == []

        type_anything()
