"""What an editor asks about a name: what it stands for, where it is declared and used, and another name for it."""

from collections.abc import Iterator
from typing import Any

import pytest
from lsp_editor import Editor
from lsp_rules import FILES, GATES, MAIN, RULES, place, span

SCOPES = """\
environment dev
environment dev2 after dev
risk low < high { high when change.type == hotfix
  otherwise low }
group hotfix = alice
gate hotfix from check {
  field low: int
  pass when low > 1 and status == passed
}
let high = change.type == hotfix
rule urgent for dev, dev2 {
  require hotfix, high, hotfix.low > 2, soak(dev) >= 1h
  when risk >= high and change.type in [hotfix, docs]: approve by hotfix
  require any(change.files where path matches "x") approve automatically
}
waive hotfix for dev until 2027-01-01 {
  owner alice
  because "x"
}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    with Editor.quiet(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def editor(server: Editor) -> Iterator[Editor]:
    with server.on(FILES) as editor:
        for name, text in FILES.items():
            assert editor.open(name, text) == []
        yield editor


@pytest.fixture
def scopes(server: Editor) -> Iterator[Editor]:
    with server.on({}) as editor:
        assert editor.open("scopes.gate", SCOPES) == []
        yield editor


def shown(editor: Editor, name: str, text: str, marked: str) -> str | None:
    found = editor.ask("textDocument/hover", editor.at(name, *place(text, marked)))
    return found["contents"]["value"] if found is not None else None


def told(editor: Editor, locations: list[Any]) -> list[tuple[str, Any]]:
    return [(editor.name(each["uri"]), each["range"]) for each in locations]


def same(editor: Editor, marked: str) -> list[tuple[int, str]]:
    """Return the lines, from 1, on which a name of `SCOPES` stands, with the text around it."""
    found = editor.ask("textDocument/documentHighlight", editor.at("scopes.gate", *place(SCOPES, marked)))
    lines = SCOPES.split("\n")
    return [
        (r["range"]["start"]["line"] + 1, lines[r["range"]["start"]["line"]][: r["range"]["start"]["character"]][-6:])
        for r in found
    ]


# -- hover


def test_hover_tells_who_is_in_a_group_and_what_stands_above_it(editor: Editor) -> None:
    at = editor.at("rules.gate", *place(RULES, "tech-l|ead then"))
    assert editor.ask("textDocument/hover", at) == {
        "contents": {
            "kind": "markdown",
            "value": "**group `tech-lead`**\n\n2 people: alice, bob\n\nWho answers for a service.\n\n"
            "```gate\ngroup tech-lead = alice, bob\n```",
        },
        "range": span(RULES, "|tech-lead| then"),
    }


HOVERS: dict[str, list[tuple[str, str | None]]] = {
    "main.gate": [
        ("alic|e, bob", "**person `alice`**\n\nMember of tech-lead."),
        ("after stag|ing", "**environment `staging`**\n\nComes first.\n\n```gate\nenvironment staging\n```"),
        ("environment prod|uction",
         "**environment `production`**\n\nComes after staging.\n\n```gate\nenvironment production after staging\n```"),
    ],
    "gates.gate": [
        ("suppre|ssed",
         "**field `suppressed`**: bool\n\n"
         "Whether it has suppressions, and all of them are accepted (one without a status is)."),
        ("from che|ck",
         "**check evidence**\n\n- `status`: check.status"),
        ("cou|nt(", "`count`: How many items of a list there are, or satisfy the `where`."),
        ("fre|sh for", "`fresh`: How old evidence may be: older evidence is stale, and counts as missing."),
        ("# Known ho|les", None),
        ("<|= 300ms", None),
    ],
    "rules.gate": [
        ("then p|m esc", "**group `pm`**\n\nThe directory names its members.\n\n```gate\ngroup pm\n```"),
        ("require s|ast",
         '**gate `sast`**\n\nReads sarif evidence by "trivy", not older than 24h.\n\nKnown holes.\n\n```gate\n'
         + GATES[GATES.index("gate sast") : GATES.index("}\n") + 1] + "\n```"),
        ("load.|p95", "**field `p95`**: duration\n\nMay be unknown, which makes what uses it undetermined."),
        ("change.tick|et", '**attribute `ticket`**: string\n\nDefault: `""`'),
        ("risk == hi|gh",
         "**risk level `high`**\n\nlow < **high**\n\nWhen `change.type in [database-migration, breaking-api]`"),
        ("risk == |low", "**risk level `low`**\n\n**low** < high\n\nWhere nothing else holds."),
        ("when ris|k == low", "**risk**\n\nlow < high"),
        ("breaking-ap|i", "`breaking-api` is a value of `change.type`"),
        ("when break|ing:",
         "**let `breaking`**\n\nType: bool\n\n```gate\n"
         "let breaking = change.type in [database-migration, breaking-api]\n```"),
        ("during off|ice",
         "**window `office`**\n\nTimes are those of Europe/Berlin.\n\n```gate\n"
         "window office = Mon-Fri 09:00-16:00 in Europe/Berlin\n```"),
        ("override emer|gency",
         "**override `emergency`**\n\n```gate\noverride emergency for production {\n"
         "  approve by pm\n  review by tech-lead within 24h\n}\n```"),
        ('"Rigor fol|lows', None),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_hover(editor: Editor, name: str) -> None:
    for marked, wanted in HOVERS[name]:
        assert (marked, shown(editor, name, FILES[name], marked)) == (marked, wanted)


def test_kinds_of_evidence_of_the_pack_s_own(server: Editor) -> None:
    schema = '{"type": "object", "properties": {"burn": {"type": "integer", "description": "How fast."}}}'
    text = 'environment dev\nevidence slo from "slo.schema.json"\ngate budget from slo { pass when burn < 3 }\n'
    with server.on({"slo.schema.json": schema, "a.gate": text}) as editor:
        found = editor.open("a.gate", text)
        assert [p["code"] for p in found if p["severity"] == 1] == []
        assert shown(editor, "a.gate", text, "when bu|rn") == (
            "**field `burn`**: int\n\nHow fast.\n\nMay be unknown, which makes what uses it undetermined."
        )
        asked = editor.at("a.gate", *place(text, "from sl|o {"))
        assert told(editor, editor.ask("textDocument/definition", asked)) == [("a.gate", span(text, "evidence |slo|"))]
        before = text.replace("burn < 3 }\n", "")
        editor.change("a.gate", before)
        asked = editor.at("a.gate", 2, len(before.split("\n")[2]))
        found = editor.ask("textDocument/completion", asked)["items"]
        assert [item["label"] for item in found][:2] == ["burn", "change"]
        (editor.folder / "slo.schema.json").write_text(schema.replace("burn", "rate"))
        changed = {"changes": [{"uri": editor.uri("slo.schema.json"), "type": 2}]}
        editor.change("a.gate", text)
        found = editor.reread("a.gate", "workspace/didChangeWatchedFiles", changed)
        assert "unknown name `burn`" in found[0]["message"]


def test_hover_over_a_problem_tells_why_it_is_one(editor: Editor) -> None:
    text = GATES.replace("severity >= high", "severity >= hgh")
    editor.change("gates.gate", text)
    said = shown(editor, "gates.gate", text, "severity >= h|gh")
    assert said is not None
    assert said.startswith("**GC201: a name that is unknown, or not allowed where it stands**\n\n")


# -- where a name is declared and used


def test_a_definition_in_another_file(editor: Editor) -> None:
    asked = editor.at("rules.gate", *place(RULES, "approve by |pm\n"))
    found = editor.ask("textDocument/definition", asked)
    assert told(editor, found) == [("main.gate", span(MAIN, "group |pm|"))]
    asked = editor.at("rules.gate", *place(RULES, "waive sast, prod|uction for"))
    assert told(editor, editor.ask("textDocument/definition", asked)) == [
        ("rules.gate", span(RULES, 'rule |production| "Rigor'))
    ]
    asked = editor.at("rules.gate", *place(RULES, "owner al|ice"))
    assert editor.ask("textDocument/definition", asked) == []


def test_references_in_every_kind_of_place(editor: Editor) -> None:
    used = [
        ("rules.gate", span(RULES, "require |sast|")),
        ("rules.gate", span(RULES, "waive |sast|")),
        ("rules.gate", span(RULES, "given |sast| {")),
        ("rules.gate", span(RULES, "production/|sast|")),
        ("rules.gate", span(RULES, "missing |sast|")),
    ]
    asked = editor.at("gates.gate", *place(GATES, "gate sa|st"), context={"includeDeclaration": True})
    declared = ("gates.gate", span(GATES, "gate |sast|"))
    assert told(editor, editor.ask("textDocument/references", asked)) == [declared, *used]
    asked["context"]["includeDeclaration"] = False
    assert told(editor, editor.ask("textDocument/references", asked)) == used


def test_names_alike_are_told_apart_by_what_they_name(scopes: Editor) -> None:
    gate = [(6, "gate "), (12, "quire "), (12, "high, "), (16, "waive ")]
    assert same(scopes, "gate hot|fix") == gate
    assert same(scopes, "group hot|fix") == [(5, "group "), (13, "ve by ")]
    assert same(scopes, "change.type == hot|fix\n  other") == [(3, "pe == "), (10, "pe == "), (13, "e in [")]
    assert same(scopes, "field l|ow") == [(7, "field "), (8, " when "), (12, "otfix.")]
    assert same(scopes, "otherwise lo|w") == [(3, "risk "), (4, "rwise ")]
    assert same(scopes, "let hi|gh") == [(10, "let "), (12, "tfix, ")]
    assert same(scopes, "risk >= hi|gh") == [(3, "low < "), (3, "igh { "), (13, "sk >= ")]
    assert same(scopes, "soak(de|v)") == [(1, "nment "), (2, "after "), (11, "t for "), (12, " soak("), (16, "x for ")]


def test_what_does_not_parse_still_shows_its_names(editor: Editor) -> None:
    broken = RULES.replace("rule production", "rule production !").replace("test critical", "test critical {")
    editor.change("rules.gate", broken)
    asked = editor.at("rules.gate", *place(broken, "then p|m esc"))
    assert told(editor, editor.ask("textDocument/definition", asked)) == [("main.gate", span(MAIN, "group |pm|"))]
    asked = editor.at("rules.gate", *place(broken, "waive sast, produc|tion"))
    assert told(editor, editor.ask("textDocument/definition", asked)) == [
        ("rules.gate", span(broken, "rule |production| !"))
    ]


def test_symbols_of_a_document(editor: Editor) -> None:
    found = editor.ask("textDocument/documentSymbol", {"textDocument": {"uri": editor.uri("rules.gate")}})
    assert [(s["name"], s.get("detail"), s["kind"]) for s in found] == [
        ("staging-approval", "rule", 12),
        ("production", "rule", 12),
        ("waive sast, production", None, 10),
        ("emergency", "override", 12),
        ("critical", "test", 6),
    ]
    assert found[0]["range"] == {"start": {"line": 0, "character": 0}, "end": {"line": 2, "character": 1}}
    assert found[0]["selectionRange"] == span(RULES, "rule |staging-approval|")


# -- another name


def renamed(editor: Editor, name: str, marked: str, new: str) -> Any:
    return editor.ask("textDocument/rename", editor.at(name, *place(FILES[name], marked), newName=new))


def test_rename_everywhere(editor: Editor) -> None:
    assert editor.ask("textDocument/prepareRename", editor.at("rules.gate", *place(RULES, "load.p|95"))) == {
        "range": span(RULES, "load.|p95|"),
        "placeholder": "p95",
    }
    assert renamed(editor, "rules.gate", "load.p|95", "p99") == {
        "changes": {
            editor.uri("gates.gate"): [
                {"range": span(GATES, "field |p95|"), "newText": "p99"},
                {"range": span(GATES, "and |p95|"), "newText": "p99"},
            ],
            editor.uri("rules.gate"): [{"range": span(RULES, "load.|p95|"), "newText": "p99"}],
        }
    }
    made = renamed(editor, "main.gate", "group tech-|lead", "lead")["changes"]
    assert {editor.name(uri): [e["range"] for e in each] for uri, each in made.items()} == {
        "main.gate": [span(MAIN, "group |tech-lead|")],
        "rules.gate": [
            span(RULES, "low:  approve by |tech-lead|"),
            span(RULES, "|tech-lead| then"),
            span(RULES, "review by |tech-lead|"),
        ],
    }


def test_a_new_name_is_taken_into_texts_of_the_editor(editor: Editor) -> None:
    for kind, (name, marked) in {
        "environment": ("main.gate", "environment produc|tion"),
        "level": ("main.gate", "risk low < hi|gh"),
        "window": ("main.gate", "window offi|ce"),
        "let": ("main.gate", "let break|ing"),
        "attribute": ("main.gate", "attribute tick|et"),
        "gate": ("gates.gate", "gate lo|ad"),
        "rule": ("rules.gate", "rule produc|tion"),
        "override": ("rules.gate", "override emer|gency"),
        "test": ("rules.gate", "test criti|cal"),
    }.items():
        texts = dict(FILES)
        for uri, changes in renamed(editor, name, marked, f"new-{kind}")["changes"].items():
            lines = texts[editor.name(uri)].split("\n")
            for change in reversed(changes):
                start, end = change["range"]["start"], change["range"]["end"]
                line = lines[start["line"]]
                lines[start["line"]] = line[: start["character"]] + change["newText"] + line[end["character"] :]
            texts[editor.name(uri)] = "\n".join(lines)
        assert texts != FILES
        for each, text in texts.items():
            editor.change(each, text)
        assert set(map(len, editor.problems.values())) == {0}, kind
        for each, text in FILES.items():
            editor.change(each, text)


@pytest.mark.parametrize(
    ("name", "marked", "new", "why"),
    [
        ("main.gate", "group p|m", "tech-lead", "with the name `tech-lead`, the group `tech-lead` is declared twice"),
        ("main.gate", "group p|m", "p m", "`p m` is not a name: letters, digits and `_`, with single hyphens between"),
        ("main.gate", "group p|m", "", "`` is not a name: letters, digits and `_`, with single hyphens between"),
        ("main.gate", "let brea|king", "sast", "with the name `sast`, `sast` names both a `let` and a gate"),
        ("main.gate", "let brea|king", "risk", "with the name `risk`, `risk` is neither true nor false"),
        ("gates.gate", "field p9|5", "status", "with the name `status`, unknown name `passed`"),
        ("main.gate", "al|ice, bob", "eve", "`alice` is not declared in this pack"),
        ("rules.gate", "change.t|icket", "type", "with the name `type`, `type` is already a field of every change"),
        ("gates.gate", "supp|ressed", "hidden", "`suppressed` is not declared in this pack"),
        ("gates.gate", "|# Known", "x", "there is no name here that the pack declares"),
    ],
)
def test_a_name_that_can_t_be_given(server: Editor, name: str, marked: str, new: str, why: str) -> None:
    with server.on(FILES) as editor:
        editor.open(name, FILES[name])
        assert renamed(editor, name, marked, new) == {"error": why}


def test_a_name_that_would_come_to_mean_something_else(scopes: Editor) -> None:
    text = SCOPES + "gate unit from junit { pass when tests > limit }\nlet limit = 5\n"
    assert scopes.change("scopes.gate", text) == []
    asked = scopes.at("scopes.gate", *place(text, "let lim|it"), newName="failures")  # which is a field there
    why = "with the name `failures`, `failures` would mean something else in scopes.gate:20"
    assert scopes.ask("textDocument/rename", asked) == {"error": why}
    asked = scopes.at("scopes.gate", *place(text, "let hi|gh"), newName="low")  # a level stays one where it is asked
    assert len(scopes.ask("textDocument/rename", asked)["changes"][scopes.uri("scopes.gate")]) == 2


def test_no_name_changes_while_something_does_not_parse(editor: Editor) -> None:
    editor.change("gates.gate", GATES + "gate\n")
    assert renamed(editor, "main.gate", "group p|m", "product") == {
        "error": "gates.gate:11 does not parse, and may hold the name: mend it"
    }
    asked = editor.at("main.gate", *place(MAIN, "group p|m"))
    assert editor.ask("textDocument/prepareRename", asked) == {
        "error": "gates.gate:11 does not parse, and may hold the name: mend it"
    }
