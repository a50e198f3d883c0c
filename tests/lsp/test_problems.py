"""What is wrong with a pack, as an editor shows it while the pack is typed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lsp_editor import Editor
from lsp_rules import FILES, GATES, MAIN, RULES, span

from gatecheck.lang.pack import examine

EMPTY = "environment production\nrule r for production { approve automatically }\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    with Editor.quiet(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def editor(server: Editor) -> Iterator[Editor]:
    with server.on(FILES) as editor:
        yield editor


def said(problems: list[Any]) -> list[tuple[str, str]]:
    return [(p["code"], p["message"]) for p in problems]


def test_one_file_is_typed_and_another_becomes_wrong(editor: Editor) -> None:
    assert editor.open("main.gate", MAIN) == []
    assert editor.problems == {"main.gate": []}
    renamed = MAIN.replace("group pm\n", "group product\n")
    assert editor.change("main.gate", renamed) == []
    wrong = [
        {
            "range": place,
            "message": "there is no group `pm`\nhint: known: product, tech-lead",
            "severity": 1,
            "code": "GC204",
            "source": "gatecheck",
        }
        for place in (
            span(RULES, "tech-lead then |pm| escalate"),
            span(RULES, "then pm |escalate to pm after 2h|"),
            span(RULES, "approve by |pm|\n"),
            span(RULES, "|given group pm = carol|"),
        )
    ]
    found = editor.problems["rules.gate"]
    assert [p["message"] for p in found if p["code"] == "GC204"] == [w["message"] for w in wrong]
    assert [p for p in found if p["code"] == "GC204"] == wrong
    assert editor.change("main.gate", MAIN) == []
    assert editor.problems == {"main.gate": [], "rules.gate": []}


BRAKING = MAIN.replace("let breaking", "let braking")


def test_the_text_of_the_editor_counts_and_not_the_one_on_disk(editor: Editor) -> None:
    assert editor.open("rules.gate", RULES) == []
    assert editor.open("main.gate", BRAKING) == []
    assert said(editor.problems["rules.gate"]) == [("GC201", "unknown name `breaking`\nhint: did you mean `braking`?")]
    editor.close_document("main.gate")
    assert editor.problems == {"main.gate": [], "rules.gate": []}


def test_nothing_stays_behind_when_the_last_document_is_closed(editor: Editor) -> None:
    (editor.folder / "main.gate").write_text(BRAKING)
    editor.open("main.gate", BRAKING)
    assert len(editor.problems["rules.gate"]) == 1
    editor.close_document("main.gate")
    assert editor.problems == {"main.gate": [], "rules.gate": []}


def test_files_that_change_on_disk_are_read_again(editor: Editor) -> None:
    editor.open("rules.gate", RULES)
    (editor.folder / "gates.gate").write_text(GATES.replace("gate load", "gate latency"))
    changed = {"changes": [{"uri": editor.uri("gates.gate"), "type": 2}]}
    editor.version = 1
    editor.versions.clear()
    editor.tell("workspace/didChangeWatchedFiles", changed)
    assert said(editor.settled("rules.gate")) == [
        ("GC201", "unknown name `load.p95`\nhint: known: breaking, latency, risk, sast")
    ]
    (editor.folder / "gates.gate").write_text(GATES)
    saved = {"textDocument": {"uri": editor.uri("rules.gate")}}
    assert editor.reread("rules.gate", "textDocument/didSave", saved) == []
    assert editor.asked == []  # the client did not say that it takes registrations


def test_a_file_that_is_gone_has_no_problems(editor: Editor) -> None:
    (editor.folder / "extra.gate").write_text("let wrong = nobody\n")
    editor.open("main.gate", MAIN)
    assert [p["code"] for p in editor.problems["extra.gate"]] == ["GC201"]
    (editor.folder / "extra.gate").unlink()
    changed = {"changes": [{"uri": editor.uri("extra.gate"), "type": 3}]}
    editor.reread("main.gate", "workspace/didChangeWatchedFiles", changed)
    assert editor.problems == {"main.gate": [], "extra.gate": []}


def test_a_watch_is_asked_for_where_the_editor_can(tmp_path: Path) -> None:
    capabilities = {"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True}}}
    (tmp_path / "w").mkdir()
    editor = Editor(tmp_path / "w", capabilities)
    editor.receive()
    assert editor.close() == 0
    (asked,) = editor.asked
    assert (asked["method"], asked["params"]) == (
        "client/registerCapability",
        {"registrations": [{
            "id": "files",
            "method": "workspace/didChangeWatchedFiles",
            "registerOptions": {"watchers": [{"globPattern": "**/*.gate"}, {"globPattern": "**/*.schema.json"}]},
        }]},
    )  # fmt: skip


def test_a_name_declared_twice_points_to_the_first(editor: Editor) -> None:
    (found,) = editor.open("other.gate", "group pm\n")
    assert found == {
        "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 8}},
        "message": "the group `pm` is declared twice\nhint: the first is at main.gate:13:1",
        "severity": 1,
        "code": "GC203",
        "source": "gatecheck",
        "relatedInformation": [{
            "location": {"uri": editor.uri("main.gate"), "range": {
                "start": {"line": 12, "character": 0}, "end": {"line": 12, "character": 0}
            }},
            "message": "the first is here",
        }],
    }  # fmt: skip


def test_a_warning_is_one_and_a_label_stands_in_the_message(editor: Editor) -> None:
    text = MAIN + "environment canary after staging\nrule x for canary {\n  require change.type == \n}\n"
    (syntax,) = editor.open("main.gate", text)
    assert (syntax["severity"], syntax["message"]) == (
        1,
        "the line ends too early\nexpected a value or a name after this",
    )
    (warning,) = editor.change("main.gate", MAIN + "environment canary after staging\n")
    assert (warning["severity"], warning["code"]) == (2, "GC301")


def test_columns_are_utf_16_units_unless_agreed_otherwise(tmp_path: Path) -> None:
    text = EMPTY + 'rule "🚀é" \n' + 'rule s for production { require change.title matches "🚀é" or tests }\n'
    wanted = {"utf-8": 65, "utf-16": 62, "utf-32": 61}
    offered: list[list[str] | None] = [None, ["utf-8"], ["utf-32", "utf-16"]]
    for number, encodings in enumerate(offered):
        folder = tmp_path / str(number)
        folder.mkdir()
        editor = Editor(folder, {"general": {"positionEncodings": encodings}} if encodings else None)
        agreed = encodings[0] if encodings else "utf-16"
        assert editor.server["capabilities"]["positionEncoding"] == agreed
        with editor.on({}):
            found = editor.open("a.gate", text)
            unknown = next(p for p in found if "unknown name" in p["message"])
            assert unknown["range"]["start"] == {"line": 3, "character": wanted[agreed]}
            assert unknown["range"]["end"] == {"line": 3, "character": wanted[agreed] + 5}
            hover = editor.ask("textDocument/hover", editor.at("a.gate", 3, wanted[agreed] - 2))
            assert hover["contents"]["value"].startswith("`or`: ")
        assert editor.close() == 0


def test_the_same_problems_as_check_finds_after_every_change(editor: Editor) -> None:
    files = {name: text.encode() for name, text in FILES.items()}
    editor.open("rules.gate", RULES)
    for changed in (
        RULES[:200], RULES.replace("{", "(", 1), "", "\n\n" + RULES, RULES.replace("\n", "\r\n"),
        RULES + "group pm = \u200bx\n", "let x =\nrisk == high\n" + RULES, RULES.replace('"', "'"),
        RULES.replace("rule production", "rule"), 'let \ud800 = "\ud83d"', "rule", "}\n" * 30,
    ):  # fmt: skip
        found = editor.change("rules.gate", changed)
        text = changed.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        _, wanted, _ = examine({**files, "rules.gate": text.encode()})
        assert [(p["code"], p["message"].split("\n")[0], p["range"]["start"]["line"] + 1) for p in found] == [
            (d.code, d.message, d.span.line) for d in wanted if d.span is not None and d.span.file == "rules.gate"
        ]


def test_a_pack_that_can_t_be_read_says_so_in_open_documents(editor: Editor) -> None:
    (editor.folder / "other.GATE").write_text("")
    (found,) = editor.open("main.gate", MAIN)
    assert found == {
        "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}},
        "message": f"{editor.folder}/other.GATE: is no ordinary `.gate` file, and rules must not be passed over\n"
        "hint: name it in lower case, or move it away",
        "severity": 1,
        "code": "GC509",
        "source": "gatecheck",
    }
    assert editor.ask("textDocument/hover", editor.at("main.gate", 0, 14)) is None
    assert editor.ask("textDocument/documentSymbol", {"textDocument": {"uri": editor.uri("main.gate")}}) == []
    (editor.folder / "other.GATE").unlink()
    saved = {"textDocument": {"uri": editor.uri("main.gate")}}
    assert editor.reread("main.gate", "textDocument/didSave", saved) == []


# -- which files are one pack


@pytest.mark.parametrize(
    ("others", "opened", "pack"),
    [
        (["a.gate", "sub/b.gate"], "sub/b.gate", ["a.gate", "sub/b.gate"]),
        (["one/a.gate", "two/b.gate"], "two/b.gate", ["two/b.gate"]),
        (["rules/a.gate", "rules/x/y/b.gate"], "rules/x/y/b.gate", ["rules/a.gate", "rules/x/y/b.gate"]),
        (["gatecheck.yaml:rules: rules", "z.gate", "rules/a.gate", "rules/x/b.gate"], "rules/x/b.gate",
         ["rules/a.gate", "rules/x/b.gate"]),
        (["gatecheck.yaml:rules: main:rules", "a.gate", "x/b.gate"], "x/b.gate", ["a.gate", "x/b.gate"]),
        (["gatecheck.yaml:rules: [", "a.gate", "x/b.gate"], "x/b.gate", ["a.gate", "x/b.gate"]),
    ],
)  # fmt: skip
def test_the_pack_of_a_document(server: Editor, others: list[str], opened: str, pack: list[str]) -> None:
    files = {}
    for number, each in enumerate(others):
        name, _, text = each.partition(":")
        files[name] = text or f"group g{number}\nlet bad = nobody\n"
    with server.on(files) as editor:
        editor.open(opened, files[opened])
        assert sorted(editor.problems) == pack


def test_documents_outside_of_any_folder_are_packs_of_their_own(editor: Editor, tmp_path: Path) -> None:
    (tmp_path / "a.gate").write_text("group pm\n")
    outside = (tmp_path / "b.gate").as_uri()
    assert [p["message"] for p in editor.open(outside, EMPTY + "group pm\n")] == [
        "the group `pm` is declared twice\nhint: the first is at a.gate:1:1"
    ]
    for name in ("untitled:Untitled-1", (tmp_path / "notes.txt").as_uri()):
        assert editor.open(name, EMPTY + "group pm\n") == []
        assert said(editor.change(name, EMPTY + "group\n")) == [
            ("GC101", "the file ends too early\nexpected a name after this")
        ]
