"""``gatecheck check``: all that is noticed about a pack, in one run, for people and for programs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cli_world import Done, World

from gatecheck.evidence.read import read_evidence
from gatecheck.model.canonical import canonical
from gatecheck.model.explain import validator
from gatecheck.report.diagnostics import Checked, as_github, as_json, as_sarif
from gatecheck.text.diagnostic import Diagnostic
from gatecheck.text.source import Span

GOOD = "environment dev\nrule a for dev { approve automatically }\n"
WRONG = """\
environment dev
rule a for dev {
  when change.type == hotfx: approve automatically
  require sast
"""
WARNED = """\
environment dev
risk low < high { high when change.type == hotfix otherwise low }
rule a for dev { when risk >= low: approve automatically }
"""


@pytest.fixture
def here(world: World) -> World:
    world.here = world.root / "own"
    world.here.mkdir()
    return world


def broken(world: World) -> World:
    world.write("rules/a.gate", "environment dev\nrule a for dev {\n  approve automatically\n")
    world.write("rules/team/b.gate", "rule b for dev { require change.type == hotfx }\n")
    return world


def document(done: Done) -> Any:
    assert done.err == ""
    made = json.loads(done.out)
    assert done.out.encode() == canonical(made) + b"\n"
    return made


def checked(done: Done) -> Any:
    made = document(done)
    validator("diagnostics").validate(made)
    return made


UNCLOSED = {
    "code": "GC101", "severity": "error", "message": "this `{` is never closed", "label": "expected a `}`", "hint": "",
    "file": "rules/a.gate", "line": 2, "column": 16, "end_line": 2, "end_column": 17,
}  # fmt: skip
MISSPELT = {
    "code": "GC201", "severity": "error", "message": "`hotfx` is not a value of `change.type`", "label": "",
    "hint": "did you mean `hotfix`?", "file": "rules/team/b.gate", "line": 1, "column": 41, "end_line": 1,
    "end_column": 46,
}  # fmt: skip


def test_text_names_every_problem_and_where_to_read_more(here: World) -> None:
    assert broken(here).run("check", "rules") == Done(
        5, "",
        "error[GC101]: this `{` is never closed\n"
        "  --> a.gate:2:16\n"
        "  |\n"
        "2 | rule a for dev {\n"
        "  |                ^ expected a `}`\n"
        "\n"
        "error[GC201]: `hotfx` is not a value of `change.type`\n"
        "  --> team/b.gate:1:41\n"
        "  |\n"
        "1 | rule b for dev { require change.type == hotfx }\n"
        "  |                                         ^^^^^\n"
        "   = hint: did you mean `hotfix`?\n"
        "\n"
        "2 errors\n"
        "`gatecheck explain-code GC101` tells more\n",
    )  # fmt: skip


def test_json_is_one_document(here: World) -> None:
    done = broken(here).run("check", "rules", "--format", "json")
    assert done.code == 5
    assert checked(done) == {
        "ok": False,
        "counts": {"files": 2, "errors": 2, "warnings": 0, "notes": 0},
        "diagnostics": [UNCLOSED, MISSPELT],
    }


def test_github_gets_annotations(here: World) -> None:
    assert broken(here).run("check", "rules", "--format", "github") == Done(
        5,
        "::error file=rules/a.gate,line=2,endLine=2,col=16,endColumn=17,title=gatecheck%3A GC101"
        "::this `{` is never closed%0Aexpected a `}`\n"
        "::error file=rules/team/b.gate,line=1,endLine=1,col=41,endColumn=46,title=gatecheck%3A GC201"
        "::`hotfx` is not a value of `change.type`%0Ahint: did you mean `hotfix`?\n",
        "",
    )


def test_sarif_is_a_log_that_gatecheck_reads_itself(here: World) -> None:
    done = broken(here).run("check", "rules", "--format", "sarif")
    assert done.code == 5
    log = document(done)
    assert (log["version"], sorted(log)) == ("2.1.0", ["$schema", "runs", "version"])
    (run,) = log["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["invocations"] == [{"executionSuccessful": True}]
    first, second = run["results"]
    assert first == {
        "ruleId": "GC101",
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": "this `{{` is never closed\nexpected a `}}`"},  # braces twice, as the standard asks
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "rules/a.gate"},
                    "region": {"startLine": 2, "startColumn": 16, "endLine": 2, "endColumn": 17},
                }
            }
        ],
    }
    assert second["message"] == {"text": "`hotfx` is not a value of `change.type`\nhint: did you mean `hotfix`?"}

    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["GC101", "GC201"]
    assert rules[1]["shortDescription"] == {"text": "a name that is unknown, or not allowed where it stands"}
    said = "Every name comes from the vocabulary, so that a slip of the pen can't switch a rule off."
    assert rules[1]["fullDescription"] == {"text": said}
    assert rules[1]["help"]["text"].startswith(said + " Take the nearest name")
    assert "\n\n**Wrong**\n\n```gate\nrule quality" in rules[1]["help"]["markdown"]

    evidence = read_evidence(done.out.encode(), "gatecheck.sarif")
    assert (evidence.kind, evidence.producer, evidence.flaw) == ("sarif", "gatecheck 0.1.0", "")
    assert {name: evidence.fields[name] for name in ("results", "errors", "warnings", "notes", "tool_errors")} == {
        "results": 2, "errors": 2, "warnings": 0, "notes": 0, "tool_errors": 0,
    }  # fmt: skip
    findings = [(f["rule"], f["level"], f["path"], f["line"]) for f in evidence.fields["findings"]]
    assert findings == [("GC101", "error", "rules/a.gate", 2), ("GC201", "error", "rules/team/b.gate", 1)]


def test_a_good_pack(here: World) -> None:
    here.write("rules/a.gate", GOOD)
    ok = "ok: 1 file, 1 environment, 0 gates, 1 rule (1 statement)\n"
    for form in ("text", "github"):
        assert here.run("check", "rules", "--format", form, "--strict") == Done(0, ok, "")
    done = here.run("check", "rules", "--format", "json")
    assert (done.code, checked(done)) == (
        0,
        {"ok": True, "counts": {"files": 1, "errors": 0, "warnings": 0, "notes": 0}, "diagnostics": []},
    )
    done = here.run("check", "rules", "--format", "sarif")
    assert (done.code, document(done)["runs"][0]["results"]) == (0, [])
    assert read_evidence(done.out.encode(), "gatecheck.sarif").flaw == ""


def test_warnings_fail_a_strict_check_only(here: World) -> None:
    here.write("rules/a.gate", WARNED)
    warning = (
        "warning[GC305]: `risk >= low` always holds\n"
        "  --> a.gate:3:23\n"
        "  |\n"
        "3 | rule a for dev { when risk >= low: approve automatically }\n"
        "  |                       ^^^^^^^^^^^\n"
        "   = hint: drop the `when`\n"
    )
    ok = "ok: 1 file, 1 environment, 0 gates, 1 rule (1 statement)\n"
    annotation = (
        "::warning file=rules/a.gate,line=3,endLine=3,col=23,endColumn=34,title=gatecheck%3A GC305"
        "::`risk >= low` always holds%0Ahint: drop the `when`\n"
    )
    assert here.run("check", "rules") == Done(0, ok, warning)
    assert here.run("check", "rules", "--strict") == Done(
        5, "", warning + "\n1 warning, which `--strict` does not allow\n"
    )
    assert here.run("check", "rules", "--format", "github") == Done(0, annotation + ok, "")
    assert here.run("check", "rules", "--format", "github", "--strict") == Done(5, annotation, "")
    for strict in (False, True):
        done = here.run("check", "rules", "--format", "json", *(["--strict"] if strict else []))
        made = checked(done)
        assert (done.code, made["ok"], made["counts"]["warnings"]) == (5 if strict else 0, not strict, 1)
        assert here.run("check", "rules", "--format", "sarif", *(["--strict"] if strict else [])).code == done.code


@pytest.mark.parametrize(
    ("named", "cwd", "file"),
    [
        ("rules", ".", "rules/a.gate"),
        ("rules/", ".", "rules/a.gate"),
        ("./rules", ".", "rules/a.gate"),
        ("rules/a.gate", ".", "rules/a.gate"),
        ("./rules/a.gate", ".", "rules/a.gate"),
        (".", "rules", "a.gate"),
        ("a.gate", "rules", "a.gate"),
        ("../rules", "other", "../rules/a.gate"),
    ],
)
def test_files_are_named_from_here(here: World, named: str, cwd: str, file: str) -> None:
    here.write("rules/a.gate", WRONG)
    here.write("other/x", "")
    folder = here.here / cwd
    assert (folder / file).is_file()
    made = checked(here.run("check", named, "--format", "json", cwd=folder))
    assert {d["file"] for d in made["diagnostics"]} == {file}
    (run,) = document(here.run("check", named, "--format", "sarif", cwd=folder))["runs"]
    assert {place(result)["artifactLocation"]["uri"] for result in run["results"]} == {file}
    assert f"::error file={file},line=2," in here.run("check", named, "--format", "github", cwd=folder).out


def place(result: Any) -> Any:
    return result["locations"][0]["physicalLocation"]


def test_an_absolute_folder_is_a_uri(here: World) -> None:
    here.write("my rules/a.gate", WRONG)
    folder = here.here / "my rules"
    (run,) = document(here.run("check", str(folder), "--format", "sarif"))["runs"]
    assert place(run["results"][0])["artifactLocation"]["uri"] == (folder / "a.gate").as_uri()


def test_rules_of_a_revision_keep_its_name(here: World) -> None:
    here.write("rules/a.gate", WRONG)
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "One"]):
        here.git("-c", "user.name=a", "-c", "user.email=a@example.com", *command, folder=here.here)
    made = checked(here.run("check", "main:rules", "--format", "json"))
    assert {d["file"] for d in made["diagnostics"]} == {"main:rules/a.gate"}
    (run,) = document(here.run("check", "main:rules", "--format", "sarif"))["runs"]
    # A colon in the first segment would be a scheme.
    assert {place(result)["artifactLocation"]["uri"] for result in run["results"]} == {"main%3Arules/a.gate"}


@pytest.mark.parametrize(
    ("named", "problem"),
    [
        ("nowhere", ("GC501", "there is no such rule pack", "name a folder of `.gate` files", "nowhere")),
        ("./bad", ("GC503", "is not text in UTF-8 (byte 11)", "save the file as UTF-8", "bad/a.gate")),
        ("bad/a.gate", ("GC503", "is not text in UTF-8 (byte 11)", "save the file as UTF-8", "bad/a.gate")),
    ],
)
def test_a_pack_that_can_not_be_read_is_told_in_the_same_form(
    here: World, named: str, problem: tuple[str, str, str, str]
) -> None:
    here.write("bad/a.gate", b'group a = "\xff"\n')
    code, message, hint, file = problem
    done = here.run("check", named, "--format", "json")
    assert (done.code, checked(done)) == (
        2,
        {
            "ok": False,
            "counts": {"files": 0, "errors": 1, "warnings": 0, "notes": 0},
            "diagnostics": [
                {
                    "code": code, "severity": "error", "message": message, "label": "", "hint": hint, "file": file,
                    "line": None, "column": None, "end_line": None, "end_column": None,
                }
            ],
        },
    )  # fmt: skip
    assert here.run("check", named, "--format", "github") == Done(
        2, f"::error file={file},title=gatecheck%3A {code}::{message}%0Ahint: {hint}\n", ""
    )
    done = here.run("check", named, "--format", "sarif")
    assert done.code == 2
    (run,) = document(done)["runs"]
    assert place(run["results"][0]) == {"artifactLocation": {"uri": file}}
    evidence = read_evidence(done.out.encode(), "gatecheck.sarif")
    assert evidence.fields["errors"] == 1
    assert evidence.flaw != ""  # a run that did not succeed measured nothing
    assert here.run("check", named).out == ""


HOSTILE = Diagnostic(
    "GC201",
    "100% `x`,\r\n::error::y ##[group] {0} [here](javascript:z) \x1b[2J",
    Span("a,b:c%\n\u202e.gate", 1, 2, 3, 4),
    label="::warning::z",
    hint="\n::set-output name=a::b",
)


def test_an_annotation_holds_nothing_that_ends_it() -> None:
    made = as_github(Checked([HOSTILE], is_ok=False, files=1, prefix="r,s:\u2028/"))
    assert made == (
        "::error file=r%2Cs%3A /a%2Cb%3Ac%25 \ufffd.gate,line=1,endLine=3,title=gatecheck%3A GC201"
        "::100%25 `x`,%0A: :error::y # #[group] {0} [here](javascript:z) \ufffd[2J"
        "%0A: :warning::z%0Ahint:%0A: :set-output name=a::b\n"
    )
    assert re.fullmatch(r"::error [^:\n]*::[^\n\r]*\n", made)


def test_a_message_of_sarif_holds_no_link_and_no_argument() -> None:
    (run,) = json.loads(as_sarif(Checked([HOSTILE], is_ok=False, files=1)))["runs"]
    assert "{{0}} [here] (javascript:z)" in run["results"][0]["message"]["text"]
    assert place(run["results"][0])["artifactLocation"]["uri"] == "a%2Cb%3Ac%25%0A%E2%80%AE.gate"


def test_a_folder_whose_name_is_not_utf_8(here: World) -> None:
    folder = here.here / "r\udcff"
    folder.mkdir()
    (folder / "a.gate").write_text(WRONG)
    for form in ("json", "sarif", "github"):
        done = here.run("check", "r\udcff", "--format", form)
        assert (done.code, done.err) == (5, "")
        assert ("r%EF%BF%BD/a.gate" if form == "sarif" else "r\ufffd/a.gate") in done.out


def test_notes_are_notes_everywhere() -> None:
    note = Diagnostic("GC519", "3 more problems are not shown", severity="note")
    found = Checked([note], is_ok=False, files=0)
    assert as_github(found) == "::notice title=gatecheck%3A GC519::3 more problems are not shown\n"
    made = json.loads(as_json(found))
    assert made["counts"] == {"errors": 0, "files": 0, "notes": 1, "warnings": 0}
    assert made["diagnostics"][0]["file"] is None
    (run,) = json.loads(as_sarif(found))["runs"]
    assert run["results"] == [
        {"ruleId": "GC519", "ruleIndex": 0, "level": "note", "message": {"text": "3 more problems are not shown"}}
    ]


CORPUS = Path(__file__).parents[1] / "lang" / "broken"


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.gate")), ids=lambda path: path.name)
def test_every_mistake_can_be_told_in_every_form(path: Path, here: World) -> None:
    for number, case in enumerate(path.read_text("utf-8").split("\n---\n")):
        here.write(f"rules/case{number}.gate", case)
    done = here.run("check", "rules", "--format", "json")
    made = checked(done)
    (run,) = document(here.run("check", "rules", "--format", "sarif"))["runs"]
    lines = here.run("check", "rules", "--format", "github").out.splitlines()
    errors = here.run("check", "rules").err.count("error[")
    assert len(made["diagnostics"]) == len(run["results"]) == len(lines) > 0
    assert made["counts"]["errors"] == errors
    for d, result, line in zip(made["diagnostics"], run["results"], lines, strict=True):
        region = place(result)["region"]
        assert (d["file"], d["line"], d["column"]) == (
            place(result)["artifactLocation"]["uri"], region["startLine"], region["startColumn"],
        )  # fmt: skip
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == d["code"]
        assert line.startswith(f"::{d['severity']} file={d['file']},line={d['line']},")
        assert result["message"]["text"].replace("{{", "{").replace("}}", "}").startswith(d["message"])
