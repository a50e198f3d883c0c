"""``gatecheck lint``: the warnings about a sound pack, and the review list, in every form; and what `check` adds."""

import json
from typing import Any

import pytest
from cli_world import Done, World

from gatecheck.assets import shipped
from gatecheck.model.canonical import canonical
from gatecheck.model.explain import validator

AT = ("--as-of", "2026-11-24T09:00:00Z")
PACK = """\
environment dev
environment production after dev
group leads = alice, bob, carol
window freeze = 2026-12-18 .. 2027-01-04 in Europe/Berlin
gate scan from sarif { pass when errors == 0 }
rule fast for dev { approve automatically require scan }
rule careful for production {
  approve by leads
  forbid during freeze
}
waive scan for dev until 2026-12-01 { owner leads because "SEC-1" }
"""
ROLLBACK = (
    "warning[GC313]: `forbid during freeze` stops rollbacks, too\n"
    "  --> rules.gate:9:3\n"
    "  |\n"
    "9 |   forbid during freeze\n"
    "  |   ^^^^^^^^^^^^^^^^^^^^\n"
    "   = hint: if the way back is to stay open, add `when change.type != rollback:`\n"
)
WAIVER = (
    "warning[GC315]: the waiver of scan ends 2026-12-01T00:00:00Z\n"
    "  --> rules.gate:11:1\n"
    "   |\n"
    '11 | waive scan for dev until 2026-12-01 { owner leads because "SEC-1" }\n'
    "   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
    "   = hint: leads owns it: mend what it lets off, or agree on a new end\n"
)
SUMMARY = "review list: 3 ok, 6 attention\n"
OK = "ok: 1 file, 2 environments, 1 gate, 2 rules (4 statements)\n"


@pytest.fixture
def here(world: World) -> World:
    world.here = world.root / "own"
    world.here.mkdir()
    world.write("my rules/rules.gate", PACK)
    return world


def lint(here: World, *options: str) -> Done:
    return here.run("lint", "my rules", *AT, *options)


def document(done: Done) -> Any:
    assert done.err == ""
    made = json.loads(done.out)
    assert done.out.encode() == canonical(made) + b"\n"
    return made


def test_findings(here: World) -> None:
    out = f"{ROLLBACK}\n{WAIVER}\n2 warnings; {SUMMARY}"
    assert lint(here) == Done(0, out, "")
    assert lint(here, "--strict") == Done(5, out, "")
    early = here.run("lint", "my rules", "--as-of", "2026-11-01T00:00:00Z")
    assert early == Done(0, f"{ROLLBACK}\n1 warning; {SUMMARY}", "")
    here.write("good/a.gate", PACK.replace("forbid during", "when change.type != rollback: forbid during"))
    good = here.run("lint", "good/a.gate", "--as-of", "2026-11-01T00:00:00Z", "--strict")
    assert good == Done(0, "0 warnings; review list: 4 ok, 5 attention\n", "")


def test_findings_as_json_are_those_of_check(here: World) -> None:
    for strict in ((), ("--strict",)):
        done = lint(here, "--format", "json", *strict)
        made = document(done)
        validator("diagnostics").validate(made)
        assert made["counts"] == {"errors": 0, "files": 1, "notes": 0, "warnings": 2}
        assert [(d["code"], d["file"], d["line"]) for d in made["diagnostics"]] == [
            ("GC313", "my rules/rules.gate", 9), ("GC315", "my rules/rules.gate", 11),
        ]  # fmt: skip
        assert here.run("check", "my rules", *AT, "--format", "json", *strict) == done


def test_findings_as_markdown(here: World) -> None:
    assert lint(here, "--format", "markdown").out == (
        "# Lint\n\n"
        "| Code | Place | Found | Mend |\n"
        "| --- | --- | --- | --- |\n"
        "| `GC313` | `my rules/rules.gate:9` | `forbid during freeze` stops rollbacks, too | if the way back is to stay"
        " open, add `when change.type != rollback:` |\n"
        "| `GC315` | `my rules/rules.gate:11` | the waiver of scan ends 2026-12-01T00:00:00Z | leads owns it: mend what"
        " it lets off, or agree on a new end |\n"
    )
    here.write("good/a.gate", "environment dev\nrule a for dev { approve automatically }\n")
    assert here.run("lint", "good", "--format", "markdown").out == "# Lint\n\nNothing found.\n"


def test_check_shows_findings_too(here: World) -> None:
    assert here.run("check", "my rules", *AT) == Done(0, OK, f"{ROLLBACK}\n{WAIVER}")
    strict = here.run("check", "my rules", *AT, "--strict")
    assert strict == Done(5, "", f"{ROLLBACK}\n{WAIVER}\n2 warnings, which `--strict` does not allow\n")
    log = document(here.run("check", "my rules", *AT, "--format", "sarif"))
    assert [(r["ruleId"], r["level"]) for r in log["runs"][0]["results"]] == [
        ("GC313", "warning"), ("GC315", "warning"),
    ]  # fmt: skip
    lines = here.run("check", "my rules", *AT, "--format", "github").out.splitlines()
    assert [line[:60] for line in lines] == [
        "::warning file=my rules/rules.gate,line=9,endLine=9,col=3,en",
        "::warning file=my rules/rules.gate,line=11,endLine=11,col=1,",
        OK[:-1],
    ]


def test_findings_stand_among_the_warnings_of_the_checker(here: World) -> None:
    here.write("my rules/rules.gate", PACK.replace("approve automatically ", ""))
    made = document(here.run("check", "my rules", *AT, "--format", "json"))
    assert [(d["code"], d["line"]) for d in made["diagnostics"]] == [("GC301", 1), ("GC313", 9), ("GC315", 11)]


def test_a_pack_with_errors_is_not_linted(here: World) -> None:
    here.write("my rules/rules.gate", PACK + "rule b for dev { require scna }\n")
    done = lint(here)
    assert (done.code, done.out, done.err.splitlines()[0]) == (5, "", "error[GC201]: unknown name `scna`")
    assert lint(here, "--checklist").err == done.err
    assert document(here.run("check", "my rules", *AT, "--format", "json"))["counts"]["warnings"] == 0


def test_the_review_list(here: World) -> None:
    wanted = """\
ok              GC401  every environment has promotion criteria
                Each environment has a `require` or `forbid`.

ok              GC402  automated gates are objective
                Each gate is decided by what a tool measured, or by a document that is bound or signed.

attention       GC403  approval by people only for high risk
                Somebody is asked for every change, even at the lowest risk: approvals become a habit.
                my rules/rules.gate:8  approve by leads
                mend: Declare `risk`, and ask people from some level on; approve the rest automatically.

ok              GC404  dev asks nobody
                Nobody is asked in dev.

attention       GC405  production asks two layers for breaking changes
                In production fewer than two people may approve breaking-api and database-migration.
                my rules/rules.gate:2  production
                mend: Ask two for them, such as `when change.type in [breaking-api, database-migration]: approve by
                tech-lead then pm`.

attention       GC406  an approval has an expiry or SLA, and an escalation
                1 of 1 approvals escalate to nobody, and 1 set no time at all: who is away is waited for.
                my rules/rules.gate:8  approve by leads
                mend: Add `escalate to GROUP after 4h`, and `valid for 72h` where an approval should not last.

attention       GC407  an artifact soaks before production
                An artifact may enter production as soon as it was allowed before, without having run anywhere.
                my rules/rules.gate:2  production
                mend: Add `require soak(dev) >= 24h`.

attention       GC408  there is a way back
                A window stops rollbacks, too.
                my rules/rules.gate:9  forbid during freeze
                mend: Write `when change.type != rollback:` before it.

attention       GC409  evidence has freshness
                Evidence of any age, about whatever artifact, is believed for scan.
                my rules/rules.gate:5  scan
                mend: Add `fresh for 24h`, or `bound` where the tool's report names the artifact or commit.

3 ok, 6 attention
"""
    assert lint(here, "--checklist") == Done(0, wanted, "")
    assert lint(here, "--checklist", "--strict") == Done(5, wanted, "")


def test_the_review_list_as_json(here: World) -> None:
    made = document(lint(here, "--checklist", "--format", "json", "--production", "dev"))
    schema = json.loads(shipped("schemas", "checklist.schema.json").read_text("utf-8"))
    validator("diagnostics").evolve(schema=schema).validate(made)
    assert [item["code"] for item in made["items"]] == [f"GC40{n}" for n in range(1, 10)]
    assert made["items"][4] == {
        "code": "GC405", "title": "production asks two layers for breaking changes", "verdict": "attention",
        "reason": "In dev fewer than two people may approve breaking-api and database-migration.",
        "mend": "Ask two for them, such as `when change.type in [breaking-api, database-migration]: approve by"
        " tech-lead then pm`.",
        "places": [{"what": "dev", "file": "my rules/rules.gate", "line": 1, "column": 1}],
    }  # fmt: skip


def test_the_review_list_as_markdown(here: World) -> None:
    out = lint(here, "--checklist", "--format", "markdown").out
    assert out.startswith("# Review list\n\n3 ok, 6 attention.\n\n| Code | Item | Verdict | Why |\n| --- |")
    assert "| `GC404` | dev asks nobody | ok | Nobody is asked in dev. |\n" in out
    assert out.endswith(
        "## GC409: evidence has freshness\n\n"
        "Add `fresh for 24h`, or `bound` where the tool's report names the artifact or commit.\n\n"
        "- `my rules/rules.gate:5` `scan`\n"
    )
    assert out.count("\n## GC4") == 6


def test_environments_are_those_of_the_pack(here: World) -> None:
    assert lint(here, "--checklist", "--dev", "production").out.count("attention       GC404  dev asks nobody\n") == 1
    assert lint(here, "--dev", "devel", "--production", "x") == Done(
        2, "",
        "error[GC520]: the rules know no environment `devel`\n   = hint: did you mean `dev`?\n\n"
        "error[GC520]: the rules know no environment `x`\n   = hint: known: dev, production\n",
    )  # fmt: skip


def test_an_instant_that_is_none_is_refused_before_anything_is_read(here: World) -> None:
    wanted = Done(
        2, "",
        "error[GC517]: an instant needs its offset: `2026-11-24`\n  --> --as-of\n"
        "   = hint: write `2026-11-24T00:00:00+01:00` or `2026-11-24T00:00:00Z`\n",
    )  # fmt: skip
    for command in (("lint", "nowhere"), ("check", "nowhere"), ("check", "nowhere", "--format", "json")):
        assert here.run(*command, "--as-of", "2026-11-24") == wanted


def test_each_item_is_explained(here: World) -> None:
    code, out, err = here.run("explain-code", "gc405")
    assert (code, err) == (0, "")
    assert out.startswith("GC405: production asks two layers for breaking changes\n\n  What  ")
