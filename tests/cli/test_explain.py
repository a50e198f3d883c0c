"""`gatecheck explain`: the tree of a decision, of one that was recorded, and of one that would be."""

import json
from pathlib import Path

import pytest
from cli_world import DENIED, DEV, PENDING, PRODUCTION, STAGING, Done, World

from gatecheck.assets import shipped
from gatecheck.model.explain import validator

RULE = """\
PENDING       payment-service 3.0.0 -> production, as of Wed 25 Nov 2026 17:30 +01:00
needs         1 approval from on-call, after carol's                                production-approval
waits         until Thu 26 Nov 2026 09:00 +01:00: business-hours opens              production-timing

critical      risk
true            critical when breaking (found breaking-api)                         promotion.gate:10

waiting       rule production-approval "Rigor follows risk"                         production.gate
                because SOX-17: nobody ships alone
-               when risk == low: approve automatically (risk is critical)          production.gate:10
-               when risk == medium: approve by tech-lead or pm (risk is critical)  production.gate:11
-               when risk == high: approve by tech-lead then pm (risk is critical)  production.gate:12
true            when risk == critical (found critical)
waiting           approve by tech-lead then pm then on-call valid for 72h           production.gate:13
filled              tech-lead: alice, Wed 25 Nov 2026 16:40 +01:00
filled              pm: carol, Wed 25 Nov 2026 17:05 +01:00
open                on-call: dave, erin
refused             approval of alice: is for the environment staging, Tue 24 Nov 2026 10:50 +01:00
"""
WISHED = """\
what if       approval by dave; now 2026-11-26 10:00 Europe/Berlin

PENDING       payment-service 3.0.0 -> production
as of         Thu 26 Nov 2026 10:00 +01:00 (was Wed 25 Nov 2026 17:30 +01:00)
risk          critical (breaking)
needs         evidence of error-rate (it is stale)                                            production-quality

waiting       require error-rate                                                              production.gate:6
                evidence of error-rate (it is stale)
                was passed: value <= 1% (found 0%)
passed        when risk == critical: approve by tech-lead then pm then on-call valid for 72h  production.gate:13
                counted alice (Wed 25 Nov 2026 16:40 +01:00), carol (Wed 25 Nov 2026 17:05 +01:00), dave (Thu 26 Nov
                  2026 09:59 +01:00)
                was waiting: counted alice (Wed 25 Nov 2026 16:40 +01:00), carol (Wed 25 Nov 2026 17:05 +01:00); 1
                  approval from on-call, after carol's
passed        when breaking: require during business-hours                                    production.gate:19
                during business-hours (found open)
                was waiting: during business-hours (found closed); until Thu 26 Nov 2026 09:00 +01:00: business-hours
                  opens
"""


def explain(world: World, *args: str, cwd: Path | None = None) -> Done:
    return world.run("explain", *args, cwd=cwd)


def test_one_rule_is_explained(world: World) -> None:
    world.example("pending")
    assert explain(world, *PENDING, "--rule", "production-approval") == Done(4, RULE, "")


@pytest.mark.parametrize(
    ("example", "asked"), [("allow", DEV), ("allow", PRODUCTION), ("deny", DENIED), ("pending", PENDING)]
)
def test_it_comes_to_what_evaluate_comes_to(world: World, example: str, asked: tuple[str, ...]) -> None:
    world.example(example)
    decided = world.decide(*asked)
    done = explain(world, *asked)
    assert done.code == decided.code
    assert done.out.split()[0] == decided.out.split()[0]
    made = json.loads(explain(world, *asked, "--format", "json").out)
    validator("explanation").validate(made)
    assert made["verdict"].upper() == decided.out.split()[0]


def test_a_what_if_says_what_would_be_and_ends_with_its_code(world: World) -> None:
    world.example("pending")
    wish = "approval by dave; now 2026-11-26 10:00 Europe/Berlin"
    assert explain(world, *PENDING, "--what-if", wish) == Done(4, WISHED, "")
    more = explain(world, *PENDING, "--what-if", wish, "--what-if", "error-rate passes;")
    assert (more.code, more.out.split("\n")[2]) == (
        0,
        "ALLOW         payment-service 3.0.0 -> production (was PENDING)",
    )
    assert explain(world, *PENDING, "--what-if", "rejection by alice").code == 3


def test_a_what_if_for_programs(world: World) -> None:
    world.example("pending")
    wish = ("--what-if", "change.type docs", "--what-if", "approval by bob")
    made = json.loads(explain(world, *PENDING, *wish, "--format", "json").out)
    validator("explanation").validate(made)
    assert (made["before"]["verdict"], made["after"]["verdict"], made["verdict"]) == ("pending", "allow", "allow")
    assert made["what_if"] == ["change.type docs", "approval by bob"]
    assert [(c["statement"], c["before"]["status"]) for c in made["changes"] if "after" not in c] == [
        ("when risk == critical: approve by tech-lead then pm then on-call valid for 72h", "waiting"),
        ("when breaking: require during business-hours", "waiting"),
    ]


def test_a_rule_beneath_a_what_if_is_the_changed_one(world: World) -> None:
    world.example("pending")
    done = explain(world, *PENDING, "--what-if", "rejection by alice", "--rule", "production-approval")
    assert "failed            approve by tech-lead then pm then on-call valid for 72h" in done.out
    assert done.out.startswith("what if       rejection by alice\n\nDENY ")


def test_a_wrong_what_if_is_underlined(world: World) -> None:
    world.example("pending")
    assert explain(world, *PENDING, "--what-if", "approval by dave", "--what-if", "sast2 passes; risk hi") == Done(
        2,
        "",
        "error[GC201]: there is no gate `sast2`\n"
        "  --> --what-if:1:19\n"
        "  |\n"
        "1 | approval by dave; sast2 passes; risk hi\n"
        "  |                   ^^^^^^^^^^^^\n"
        "   = hint: did you mean `sast`?\n\n"
        "error[GC215]: there is no risk level `hi`\n"
        "  --> --what-if:1:33\n"
        "  |\n"
        "1 | approval by dave; sast2 passes; risk hi\n"
        "  |                                 ^^^^^^^\n"
        "   = hint: did you mean `high`?\n",
    )
    assert explain(world, *PENDING, "--what-if", "approval bye dave") == Done(
        2,
        "",
        "error[GC101]: unexpected `bye`\n"
        "  --> --what-if:1:10\n"
        "  |\n"
        "1 | approval bye dave\n"
        "  |          ^^^ expected `by`\n"
        "   = hint: did you mean `by`?\n",
    )
    assert explain(world, *PENDING, "--what-if", "lint is stale") == Done(
        2,
        "",
        "error[GC230]: evidence of `lint` never goes stale\n"
        "  --> --what-if:1:1\n"
        "  |\n"
        "1 | lint is stale\n"
        "  | ^^^^^^^^^^^^^\n"
        "   = hint: give `lint` a `fresh for`, or drop this\n",
    )


def test_a_recorded_decision_is_explained_by_its_own_rules(world: World) -> None:
    world.example("pending")
    world.evaluate("-e", "dev", "--as-of", "2026-11-24T09:20:00+01:00")
    world.evaluate("-e", "staging", "--as-of", "2026-11-24T11:00:00+01:00")
    world.evaluate(*PENDING)
    now = explain(world, *PENDING).out
    entry = json.loads(world.run("ledger", "log", "--format", "json").out)[0]["id"]
    heads = world.git("for-each-ref")
    for name in ("production.gate", "promotion.gate", "staging.gate", "dev.gate", "gates.gate"):
        (world.folder / name).unlink()
    (world.here / "change.yaml").unlink()
    assert explain(world, "--entry", entry[:10]) == Done(4, now, "")
    assert "environment production after staging: allowed by " in now
    wished = explain(world, "--entry", "3", "--what-if", "change.type docs")
    assert (wished.code, wished.out.split("\n")[2]) == (
        0,
        "ALLOW         payment-service 3.0.0 -> production (was PENDING)",
    )
    assert world.git("for-each-ref") == heads


def test_nothing_is_made_or_recorded(world: World) -> None:
    before = {path: path.read_bytes() for path in world.root.rglob("*") if path.is_file()}
    assert explain(world, *STAGING).code == 4
    assert explain(world, *STAGING, "--no-ledger").code == 4
    after = {path: path.read_bytes() for path in world.root.rglob("*") if path.is_file()}
    assert after == before


def test_what_the_ledger_allowed_counts_if_it_is_trusted(world: World) -> None:
    assert explain(world, *STAGING).code == 4
    world.evaluate(*DEV)
    assert explain(world, *STAGING).code == 0
    assert explain(world, *STAGING, "--no-ledger").code == 4
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJxq3Zp0sJ2zj0Jb8xT0iC0uXb1nqkZ0b8k8C4R1f9aB"
    world.write("signers", f"other@example.com {other}\n")
    assert explain(world, *STAGING, "--trust", "signers").code == 4
    world.key.unlink()
    assert explain(world, *STAGING).code == 4
    assert not world.key.exists()


def test_an_entry_takes_no_request(world: World) -> None:
    done = explain(world, "--entry", "1", "--change", "change.yaml")
    assert done == Done(
        2,
        "",
        "error[GC801]: `--entry` takes its request from the ledger, and not `--change`\n"
        "   = hint: drop `--change`, or say what would be otherwise with `--what-if`\n",
    )


def test_an_unknown_rule_is_named(world: World) -> None:
    assert explain(world, *PRODUCTION, "--rule", "production-aproval") == Done(
        2,
        "",
        "error[GC801]: there is no rule `production-aproval`\n   = hint: did you mean `production-approval`?\n",
    )


def test_rules_with_errors_are_refused_as_anywhere(world: World) -> None:
    (world.folder / "more.gate").write_text("rule broken for nowhere { require lint }\n")
    done, decided = explain(world, *PRODUCTION), world.decide(*PRODUCTION)
    assert done == decided
    assert (done.code, done.out) == (5, "")


def test_a_damaged_entry_is_not_explained(world: World) -> None:
    world.evaluate(*DEV)
    objects = [path for path in (world.ledger / "objects").rglob("*") if path.is_file()]
    commit = world.git("for-each-ref", "--format=%(objectname)", "refs/heads/ledger").split()[0]
    blob = world.git("rev-parse", f"{commit}:request.json")
    damaged = next(path for path in objects if path.parent.name + path.name == blob)
    damaged.chmod(0o644)
    damaged.write_bytes(b"x")
    done = explain(world, "--entry", "1")
    assert (done.code, done.out) == (6, "")


def test_no_colour_where_nobody_looks(world: World) -> None:
    assert "\x1b" not in explain(world, *PRODUCTION).out


def test_the_schema_is_shipped() -> None:
    schema = json.loads(shipped("schemas", "explanation.schema.json").read_text("utf-8"))
    assert schema["title"] == "Explanation"
