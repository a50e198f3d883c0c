"""What an editor asks about a text: what may stand at the caret, its layout, and mends of what is wrong with it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from lsp_editor import Editor
from lsp_rules import FILES, MAIN, RULES, span, taken

from gatecheck.assets import shipped
from gatecheck.lang.format import formatted
from gatecheck.lang.vocabulary import change_type, evidence_kinds
from gatecheck.lsp.keywords import KEYWORDS
from gatecheck.text.source import Source
from gatecheck.text.zones import zone_names

DECLARATIONS = [
    "attribute", "environment", "evidence", "gate", "group", "invariant", "let", "override", "risk", "rule", "test",
    "waive", "window",
]  # fmt: skip
STATEMENTS = ["advisory", "approve", "because", "deploy", "effective", "forbid", "notify", "require", "when"]
ENVIRONMENTS = ["staging", "production"]
GROUPS = ["tech-lead", "pm"]
CHANGE = ["ticket", *(f.name for f in change_type().fields)]
(CHANGE_TYPES,) = (list(f.type.members) for f in change_type().fields if f.name == "type")
SARIF = [f.name for f in evidence_kinds()["sarif"].fields]
FINDING = ["rule", "tool", "level", "severity", "kind", "suppressed", "baseline", "path", "line"]
SEVERITIES = ["none", "low", "medium", "high", "critical"]
NAMES = ["change", "risk", "breaking", "sast", "load"]
FUNCTIONS = ["all", "any", "count", "soak", "during", "false", "not", "true"]
OWN = "gate own from sarif {\n  "
RULE = "rule own for production {\n  "
TEST = "test own {\n  "

# What stands before the caret, in a file of the pack, and what may follow.
COMPLETIONS: list[tuple[str, list[str]]] = [
    ("", DECLARATIONS),
    ("ga", DECLARATIONS),
    ("environment ", []),
    ("environment own after ", [*ENVIRONMENTS, "own"]),
    ("environment own after staging, ", [*ENVIRONMENTS, "own"]),
    ("group ", []),
    ("group own = ", ["alice", "bob"]),
    ("attribute own: ", ["bool", "date", "decimal", "duration", "instant", "int", "percent", "string"]),
    ("window own = ", ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]),
    ("window own = Mon-Fri 09:00-16:00 in ", sorted(zone_names())),
    ("window own = Mon-Fri 09:00-16:00 in Europe/Be", sorted(zone_names())),
    ("let own = change.", CHANGE),
    ("gate own from ", sorted(evidence_kinds())),
    (OWN, ["bound", "field", "fresh", "pass", "remedy", "signed"]),
    (OWN + "pass when ", [*SARIF, "change", "risk", "breaking", "all", "any", "count", "false", "not", "true"]),
    (OWN + "pass when count(findings where severity >= ", SEVERITIES),
    (OWN + "pass when count(findings where ",
     [*FINDING, *(f for f in SARIF if f not in FINDING), "change", "risk", "breaking", "false", "not", "true"]),
    ("gate own from check {\n  field p50: int\n  pass when stat",
     ["status", "p50", "change", "risk", "breaking", "all", "any", "count", "false", "not", "true"]),
    (OWN + "signed by ", ["alice", "bob"]),
    ("rule own ", ["for"]),
    ("rule own for ", ENVIRONMENTS),
    ("rule own for staging, ", ENVIRONMENTS),
    (RULE, STATEMENTS),
    (RULE + "require ", [*NAMES, *FUNCTIONS]),
    (RULE + "require !!!\n  forbid ", [*NAMES, *FUNCTIONS]),
    (RULE + "if x {\n  }\n  when \"{\" in change.labels {\n    nothing }\n    # {\n  forbid ", [*NAMES, *FUNCTIONS]),
    (TEST + "given nothing\n  given sast { findings: [{\n    severity: ", SEVERITIES),
    (RULE + "require change.", CHANGE),
    (RULE + "require change.ti", CHANGE),
    (RULE + "require change.type == ", CHANGE_TYPES),
    (RULE + "require change.type not in [docs, ", CHANGE_TYPES),
    (RULE + "require sast.", SARIF),
    (RULE + "require load.", [*(f.name for f in evidence_kinds()["check"].fields), "p95"]),
    (RULE + "when risk >= ", ["low", "high"]),
    (RULE + "when risk == low:\n    ", STATEMENTS),
    (RULE + "require during ", ["office"]),
    (RULE + "require soak(", ENVIRONMENTS),
    (RULE + "approve ", ["automatically", "by"]),
    (RULE + "approve by ", GROUPS),
    (RULE + "approve by 2 of (pm, ", GROUPS),
    (RULE + "approve by pm then ", GROUPS),
    (RULE + "approve by pm excluding approvers of ", ENVIRONMENTS),
    (RULE + "approve by pm escalate to ", GROUPS),
    ("waive ", ["sast", "load", "staging-approval", "production", "own"]),
    ("waive sast for ", ENVIRONMENTS),
    ("override own for production {\n  review by ", GROUPS),
    ("invariant own for production {\n  require overr", [*NAMES, "approvers", "overridden", *FUNCTIONS]),
    (TEST + "given change { type: docs } to ", ENVIRONMENTS),
    (TEST + "given change { type: ", CHANGE_TYPES),
    (TEST + "given change { ", CHANGE),
    (TEST + "given sast { findings: [{ ", FINDING),
    (TEST + "given sast { findings: [{ severity: ", SEVERITIES),
    (TEST + "given approval by ", ["alice", "bob"]),
    (TEST + "given soak 3h in ", ENVIRONMENTS),
    (TEST + "expect production/", ["sast", "load"]),
    (TEST + "expect production waiting for ", [*GROUPS, "sast", "load", *ENVIRONMENTS]),
    (TEST + "each environment in [", ENVIRONMENTS),
    (TEST + "each change.type in [", CHANGE_TYPES),
    (RULE + 'because "not for ', []),
    ("# rule ", []),
]  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    with Editor.quiet(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def editor(server: Editor) -> Iterator[Editor]:
    with server.on(FILES) as editor:
        yield editor


def offered(editor: Editor, text: str) -> list[str]:
    """Return what may stand at the end of a text of `own.gate`."""
    lines = text.split("\n")
    found = editor.ask("textDocument/completion", editor.at("own.gate", len(lines) - 1, len(lines[-1])))
    assert found["isIncomplete"] is False
    return [item["label"] for item in found["items"]]


def test_completion(editor: Editor) -> None:
    editor.open("own.gate", "")
    for before, wanted in COMPLETIONS:
        for text in (before, f"group above\n\n{before}", f"rule broken for {{\n}}\n{before}"):
            editor.change("own.gate", text)
            found = offered(editor, text)
            extra = {"above", "broken", "own"}
            assert (text, [f for f in found if f not in extra]) == (text, [w for w in wanted if w not in extra])


def test_a_name_is_offered_before_its_declaration_parses(editor: Editor) -> None:
    text = "environment canary after\nrule own for "
    editor.open("own.gate", text)
    assert offered(editor, text) == [*ENVIRONMENTS, "canary"]


def test_every_word_of_the_grammar_has_its_sentence() -> None:
    grammar = re.sub(r"//.*", "", shipped("grammar", "gatecheck.lark").read_text())
    assert sorted(KEYWORDS) == sorted({*re.findall(r'"([a-z]+)"', grammar), "any", "at", "count"})


def test_completion_in_the_middle_of_a_file(editor: Editor) -> None:
    broken = RULES.replace("require sast, load.p95 <= 200ms", "require sast, load.")
    editor.open("rules.gate", broken)
    line = next(n for n, each in enumerate(broken.split("\n")) if each.endswith("load."))
    found = editor.ask("textDocument/completion", editor.at("rules.gate", line, len("  require sast, load.")))
    assert [item["label"] for item in found["items"]] == ["status", "p95"]


def test_what_a_completion_tells(editor: Editor) -> None:
    editor.open("own.gate", RULE + "require change.artifact.")
    found = editor.ask("textDocument/completion", editor.at("own.gate", 1, len("  require change.artifact.")))
    assert found["items"] == [
        {
            "label": "name",
            "kind": 5,
            "detail": "string",
            "documentation": {
                "kind": "markdown",
                "value": "What the artifact is called, for people; decisions go by the digest.",
            },
            "sortText": "0000",
        },
        {
            "label": "digest",
            "kind": 5,
            "detail": "string",
            "documentation": {
                "kind": "markdown",
                "value": "The digest of the artifact's bytes, with its algorithm. A tag is refused: it can be moved.",
            },
            "sortText": "0001",
        },
    ]


# -- layout


def layout(editor: Editor, name: str) -> Any:
    options = {"tabSize": 2, "insertSpaces": True}
    return editor.ask("textDocument/formatting", {"textDocument": {"uri": editor.uri(name)}, "options": options})


def test_layout(editor: Editor) -> None:
    untidy = MAIN.replace(" = ", "=").replace("\n", "\r\n")
    editor.open("main.gate", untidy)
    assert layout(editor, "main.gate") == [{
        "range": {"start": {"line": 0, "character": 0}, "end": {"line": MAIN.count("\n"), "character": 0}},
        "newText": formatted(Source("main.gate", untidy)),
    }]  # fmt: skip
    editor.change("main.gate", formatted(Source("main.gate", untidy)))
    assert layout(editor, "main.gate") == []
    editor.change("main.gate", "group")
    assert layout(editor, "main.gate") is None


# -- mends


def mends(editor: Editor, name: str, text: str, first: int = 0, last: int = 99) -> list[tuple[str, str, str]]:
    """Return the title of each mend in some lines, the text that it replaces, and the new one."""
    where = {"start": {"line": first, "character": 0}, "end": {"line": last, "character": 0}}
    context = {"diagnostics": editor.problems[name]}
    asked = {"textDocument": {"uri": editor.uri(name)}, "range": where, "context": context}
    found = []
    for action in editor.ask("textDocument/codeAction", asked):
        assert action["kind"] == "quickfix"
        (edits,) = action["edit"]["changes"].values()
        found += [(action["title"], taken(text, e["range"]), e["newText"]) for e in edits]
    return found


def test_a_mend_as_the_protocol_gives_it(editor: Editor) -> None:
    text = RULES.replace("require sast,", "require sasst,")
    (problem, *others) = editor.open("rules.gate", text)
    assert [other["code"] for other in others] == ["GC230"]  # whose mend is the same
    where = span(text, "require |sasst|")
    asked = {"textDocument": {"uri": editor.uri("rules.gate")}, "range": where, "context": {"diagnostics": [problem]}}
    assert editor.ask("textDocument/codeAction", asked) == [
        {
            "title": "Write `sast`",
            "kind": "quickfix",
            "diagnostics": [problem],
            "isPreferred": True,
            "edit": {"changes": {editor.uri("rules.gate"): [{"range": where, "newText": "sast"}]}},
        }
    ]
    elsewhere = {**asked, "range": span(text, "rule |staging|-approval")}
    assert editor.ask("textDocument/codeAction", elsewhere) == []


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("require change.typ == docs", [("Write `type`", "typ", "type")]),
        ("require change.type == dcos", [("Write `docs`", "dcos", "docs")]),
        ("when risk >= hihg: require sast", [("Write `high`", "hihg", "high")]),
        ("approve by 2 of (pmm, tech-lead)", [("Write `pm`", "pmm", "pm")]),
        ("require during ofice", [("Write `office`", "ofice", "office")]),
        ("require soak(stagin) >= 24h", [("Write `staging`", "stagin", "staging")]),
        ("require load.p95 <= 300", [("Write `300h`", "300", "300h")]),
        ('require change.type == "docs"', [("Write `docs`", '"docs"', "docs")]),
        ("require change.service == 7", [('Write `"7"`', "7", '"7"')]),
        ("require sast && load", [("Write `and`", "&&", "and")]),
        ("require !sast", [("Write `not`", "!", "not ")]),
        ("requires sast", [("Write `require`", "requires", "require")]),
        ("when risk == low approve by pm", [("Put a `:`", "", ":")]),
        ("require sast;", [("Delete it", ";", "")]),
        ("require sast\u200b", [("Delete it", "\u200b", "")]),
        ("require change.size > 3", []),  # the hint lists what there is
        ("approve pm", []),  # where the hint, `approve by pm`, would stand behind another `approve`
        ("if sast", []),
        ("require sast", []),
    ],
)
def test_mends(editor: Editor, written: str, wanted: list[tuple[str, str, str]]) -> None:
    text = f"{RULE}{written}\n}}\n"
    editor.open("own.gate", text)
    assert mends(editor, "own.gate", text) == wanted


def test_a_choice_of_mends(editor: Editor) -> None:
    text = "gate own from coverage {\n  pass when line_rate >= 1\n}\n"
    editor.open("own.gate", text)
    assert mends(editor, "own.gate", text) == [("Write `100%`", "1", "100%"), ("Write `1%`", "1", "1%")]
