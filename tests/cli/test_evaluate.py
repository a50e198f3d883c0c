"""Decisions as a pipeline asks for them: verdicts and exit codes, options and where they come from, formats."""

import json
import shutil

import pytest
from cli_world import DENIED, DEV, PENDING, PRODUCTION, STAGING, Done, World

ALLOWED = (
    'ALLOW  payment-service 2.14.0 -> dev    risk high (any(change.files where path matches "payments/**"))\n'
    "  passed   4 of 4 statements  --explain shows all\n"
    "  unbound  evidence of lint, unit-tests names no artifact or commit\n"
    "as of      Tue 24 Nov 2026 09:05 +01:00\n"
)
REFUSED = """\
DENY  payment-service 2.14.1 -> production       risk medium (otherwise)
  fails    error-rate: value <= 1% (found 2.5%)  production-quality  production.gate:6
           remedy: Take the artifact out of staging, and mend what fails
  passed   11 of 12 statements (1 failed)        --explain shows all
  refused  approval of frank: is the author
  unbound  evidence of coverage, integration-tests, lint, sast, unit-tests names no artifact or commit
next       Wed 25 Nov 2026 12:40 +01:00: evidence goes stale (error-rate); 2 later
as of      Wed 25 Nov 2026 12:00 +01:00
"""
WAITING = """\
PENDING  payment-service 3.0.0 -> production                         risk critical (breaking)
  needs    1 approval from on-call, after carol's                    production-approval  production.gate:13
  waits    until Thu 26 Nov 2026 09:00 +01:00: business-hours opens  production-timing    production.gate:19
  passed   11 of 13 statements (2 waiting)                           --explain shows all
  unbound  evidence of coverage, integration-tests, lint, sast, unit-tests names no artifact or commit
next       Wed 25 Nov 2026 18:00 +01:00: evidence goes stale (error-rate); 5 later
as of      Wed 25 Nov 2026 17:30 +01:00
"""
LAX = "environment production\nrisk low {\n  otherwise low\n}\nrule free for production { approve automatically }\n"
NO_ENVIRONMENT = (
    "error[GC801]: `--environment` is missing\n"
    "   = hint: say where to, as `-e production`, or set `environment` in gatecheck.yaml\n"
)


def record(done: Done) -> dict[str, object]:
    """Return what was decided, from the output of `--format json`."""
    assert done.err == ""
    predicate: dict[str, object] = json.loads(done.out)["predicate"]
    return predicate


def verdict(done: Done) -> object:
    return record(done)["verdict"]


# -- verdicts


@pytest.mark.parametrize(
    ("example", "asked", "code", "text"),
    [("allow", DEV, 0, ALLOWED), ("deny", DENIED, 3, REFUSED), ("pending", PENDING, 4, WAITING)],
)
def test_each_verdict_with_its_code(world: World, example: str, asked: tuple[str, ...], code: int, text: str) -> None:
    world.example(example)
    assert world.decide(*asked) == Done(code, text, "")
    assert world.decide(*asked, "--exit-zero") == Done(0, text, "")


def test_a_file_that_the_change_brings_cannot_make_its_verdict_harmless(world: World) -> None:
    said = world.here / "gatecheck.yaml"
    said.write_text(said.read_text() + "exit_zero: true\n")
    done = world.decide(*DENIED)
    assert done.code == 2
    assert "error[GC511]: the document has no key `exit_zero`" in done.err


def test_without_configuration_only_the_command_line_counts(world: World) -> None:
    done = world.decide("--environment", "dev", "--no-config")
    assert done.code == 2
    assert "`--rules` is missing" in done.err


def test_exit_zero_hides_no_error(world: World) -> None:
    assert world.decide("--exit-zero") == Done(2, "", NO_ENVIRONMENT)
    world.write("../../dev.gate", "rule {")
    assert world.decide(*DEV, "--exit-zero").code == 5
    assert world.run("evaluate", *DEV, "--exit-zero", "--rules", "../../staging.gate").code == 5


def test_nothing_recorded_means_nothing_written(world: World) -> None:
    before = sorted(world.root.rglob("*"))
    assert world.decide(*PRODUCTION).code == 0
    assert sorted(world.root.rglob("*")) == before


# -- where options come from


def test_the_configuration_is_found_from_a_subfolder_of_a_repository_and_its_paths_are_its_own(world: World) -> None:
    deep = world.here / "a" / "b"
    deep.mkdir(parents=True)
    world.git("init", "-q", folder=world.here)
    assert world.run("evaluate", "--no-ledger", *DEV, cwd=deep) == Done(0, ALLOWED, "")
    assert world.run("evaluate", *DEV, cwd=deep).code == 0
    assert world.ledger.is_dir()
    assert world.run("ledger", "log", cwd=deep).out.count("allow") == 1
    assert world.run("replay", cwd=deep).out == "replayed 1 decision: all the same bytes\n"


def test_a_configuration_outside_of_a_repository_holds_for_its_own_folder_only(world: World) -> None:
    (world.here / "below").mkdir()
    done = world.run("evaluate", "--no-ledger", *DEV, cwd=world.here / "below")
    assert done.err.startswith("error[GC801]: `--rules` is missing\n")


def test_a_configuration_above_the_repository_is_not_looked_at(world: World) -> None:
    inner = world.here / "inner"
    world.git("init", "-q", "inner", folder=world.here)
    assert world.run("evaluate", "--no-ledger", *DEV, cwd=inner).err.startswith("error[GC801]: `--rules` is missing\n")


def test_the_command_line_wins_and_its_paths_are_relative_to_where_one_stands(world: World) -> None:
    below = world.here / "below"
    below.mkdir()
    world.git("init", "-q", folder=world.here)
    shutil.copy(world.folder / "examples" / "deny" / "change.yaml", below / "other.yaml")
    said = world.here / "gatecheck.yaml"
    said.write_text(said.read_text() + "environment: production\nformat: json\noutput: out.json\nledger: kept\n")
    done = world.run("evaluate", *DEV, "--change", "other.yaml", "--format", "markdown", "--output", "o.md", cwd=below)
    assert (done.code, done.out) == (4, "")
    assert (below / "o.md").read_text().startswith("### PENDING: `payment-service 2.14.1` to `dev`\n")
    assert (world.here / "kept" / "HEAD").exists()
    assert not (below / "kept").exists()
    assert world.run("evaluate", "--no-ledger", cwd=below) == Done(4, "", "")
    assert json.loads((world.here / "out.json").read_text())["predicate"]["environment"] == "production"


def test_a_flag_may_be_configured(world: World) -> None:
    world.example("deny")
    flagged = world.decide(*DENIED, "--explain")
    assert flagged != world.decide(*DENIED)
    world.write("gatecheck.yaml", (world.here / "gatecheck.yaml").read_text() + "explain: true\n")
    assert world.decide(*DENIED) == flagged


# -- rules


def in_git(world: World) -> None:
    """Make the pack a repository with everything on `main`."""
    world.git("init", "-q", "-b", "main", folder=world.folder)
    world.git("add", "-A", folder=world.folder)
    who = ("-c", "user.name=Frank", "-c", "user.email=frank@example.com")
    world.git(*who, "commit", "-q", "-m", "rules", folder=world.folder)


def test_rules_of_a_revision_cannot_be_changed_by_the_change_under_judgement(world: World) -> None:
    world.example("deny")
    in_git(world)
    wanted = world.decide(*DENIED, "--rules", "main:")
    assert (wanted.code, wanted.out) == (3, REFUSED)
    for name in ("dev", "gates", "production", "promotion", "staging", "tests"):
        (world.folder / f"{name}.gate").unlink()
    world.write("../../all.gate", LAX)
    assert world.run("check", ".", cwd=world.folder).code == 0
    assert world.decide(*DENIED, "--rules", "main:") == wanted


def test_a_folder_with_the_name_of_a_revision_is_not_taken_for_it(world: World) -> None:
    world.example("deny")
    in_git(world)
    wanted = world.decide(*DENIED, "--rules", "main:")
    for folder in ("main:", "main:x"):
        world.write(f"{folder}/all.gate", LAX)
    assert wanted.code == 3
    assert world.decide(*DENIED, "--rules", "main:") == wanted
    assert world.decide(*DENIED, "--rules", "main:x").err.startswith("error[GC852]: ")
    assert world.run("check", "./main:x") == Done(0, "ok: 1 file, 1 environment, 0 gates, 1 rule (1 statement)\n", "")


def test_a_revision_or_folder_that_is_not_there(world: World) -> None:
    in_git(world)
    assert world.decide(*DEV, "--rules", "mian:") == Done(
        2, "", "error[GC851]: there is no revision `mian` in this repository\n   = hint: did you mean `main`?\n"
    )


def test_one_file_is_a_pack(world: World) -> None:
    world.write(
        "one.gate", "environment dev\nrisk low {\n  otherwise low\n}\nrule free for dev { approve automatically }\n"
    )
    world.write("gatecheck.yaml", "rules: one.gate\nchange: change.yaml\n")
    world.replace("change.yaml", "attributes:\n  ticket: PAY-1412\n", "")
    assert world.decide(*DEV) == Done(
        0,
        "ALLOW  payment-service 2.14.0 -> dev    risk low (otherwise)\n"
        "  passed   1 of 1 statement  --explain shows all\n"
        "as of      Tue 24 Nov 2026 09:05 +01:00\n",
        "",
    )


# -- evidence


def test_evidence_as_a_folder_as_files_and_by_gate_is_the_same_but_for_its_names(world: World) -> None:
    files = sorted((world.here / "evidence").iterdir())
    listed = [word for file in files for word in ("--evidence", f"evidence/{file.name}")]
    named = [word for file in files for word in ("--evidence", f"{file.name.partition('.')[0]}=evidence/{file.name}")]
    folder = world.decide(*PRODUCTION, "--format", "json", "--evidence", "evidence")
    assert folder.code == 0
    assert world.decide(*PRODUCTION, "--format", "json", *listed) == folder
    assert world.decide(*PRODUCTION, "--format", "json", *named) == folder


def test_hidden_files_and_folders_of_an_evidence_folder_are_passed_over(world: World) -> None:
    wanted = world.decide(*DEV)
    world.write("evidence/.lint.sarif", "{}")
    world.write("evidence/lint/more.sarif", "{}")
    assert world.decide(*DEV) == wanted


def test_two_pieces_for_one_gate_are_refused(world: World) -> None:
    shutil.copy(world.here / "evidence" / "lint.sarif", world.here / "evidence" / "lint.old.sarif")
    hint = "   = hint: give one; merge reports with the tool that wrote them\n"
    assert world.decide(*DEV) == Done(
        2,
        "",
        "error[GC812]: the gate `lint` has two pieces of evidence: "
        f"`evidence/lint.old.sarif` and `evidence/lint.sarif`\n{hint}",
    )
    assert world.decide(
        *DEV, "--evidence", "lint=evidence/lint.sarif", "--evidence", "evidence/lint.old.sarif"
    ) == Done(
        2,
        "",
        "error[GC812]: the gate `lint` has two pieces of evidence: "
        f"`evidence/lint.sarif` and `evidence/lint.old.sarif`\n{hint}",
    )


def test_a_path_that_looks_like_named_evidence_is_not_taken_for_it(world: World) -> None:
    """A change could bring it, and with it evidence of its own."""
    world.replace("evidence/unit-tests.xml", 'failures="0"', 'failures="1"')
    wanted = world.decide(*DEV, "--evidence", "unit-tests=evidence/unit-tests.xml")
    forged = (world.folder / "examples" / "deny" / "evidence" / "unit-tests.xml").read_bytes()
    world.write("unit-tests=evidence/unit-tests.xml", forged)
    assert wanted.code == 4
    assert "evidence of unit-tests (" in wanted.out
    assert world.decide(*DEV, "--evidence", "unit-tests=evidence/unit-tests.xml") == wanted
    assert (
        "evidence of unit-tests (" not in world.decide(*DEV, "--evidence", "./unit-tests=evidence/unit-tests.xml").out
    )


def test_no_evidence_at_all_waits(world: World) -> None:
    (world.here / "none").mkdir()
    assert world.decide(*DEV, "--evidence", "none").code == 4


def test_evidence_of_another_kind_waits_and_says_so(world: World) -> None:
    done = world.decide(*DEV, "--evidence", "lint=evidence/unit-tests.xml")
    assert done.code == 4
    assert "  needs    evidence of lint (it is junit, and the gate reads sarif)  dev-quality  dev.gate:4\n" in done.out


# -- people and deployments


def test_approvals_in_several_files_count_together_and_apart(world: World) -> None:
    _, *given = (world.here / "approvals.yaml").read_text().split("- approver:")
    staging, alice, carol = (f"- approver:{text}" for text in given)
    alice = alice.replace("*artifact", "&artifact " + staging.rpartition("&artifact ")[2].strip())
    carol = carol.replace("*artifact", staging.rpartition("&artifact ")[2].strip())
    world.write("alice.yaml", alice)
    world.write("carol.yaml", carol)
    one, other = ("--approvals", "alice.yaml"), ("--approvals", "carol.yaml")
    assert world.decide(*PRODUCTION, *one, *other).code == 0
    assert world.decide(*PRODUCTION, *other, *one).code == 0
    assert world.decide(*PRODUCTION, *one).code == 4
    assert world.decide(*PRODUCTION, *other).code == 4
    sources = record(world.decide(*PRODUCTION, *one, *other, "--format", "json"))["request"]
    assert isinstance(sources, dict)
    assert list(sources["sources"]) == ["approvals-1", "approvals-2", "change", "deployments", "directory"]


def test_who_is_in_a_group_stands_in_the_directory(world: World) -> None:
    world.replace("../../directory.yaml", "pm: [carol]", "pm: [erin]")
    assert world.decide(*PRODUCTION).code == 4


def test_how_long_it_ran_stands_in_the_deployments(world: World) -> None:
    world.replace("deployments.yaml", "verified_at: 2026-11-24T10:45", "verified_at: 2026-11-25T10:45")
    assert world.decide(*PRODUCTION).code == 4


def test_json_documents_decide_like_yaml(world: World) -> None:
    import yaml

    wanted = world.decide(*PRODUCTION)
    for name in ("change", "approvals", "deployments"):
        text = yaml.load((world.here / f"{name}.yaml").read_text(), yaml.BaseLoader)
        if name == "change":
            text["files"] = [{**f, "added": int(f["added"]), "deleted": int(f["deleted"])} for f in text["files"]]
        world.write(f"{name}.json", json.dumps(text))
    files = [word for name in ("change", "approvals", "deployments") for word in (f"--{name}", f"{name}.json")]
    assert world.decide(*PRODUCTION, *files) == wanted


# -- formats


def test_what_is_rendered_later_is_what_was_shown(world: World) -> None:
    for example, asked in (("allow", DEV), ("deny", DENIED), ("pending", PENDING)):
        world.example(example)
        made = world.decide(*asked, "--format", "json")
        world.write("decision.json", made.out)
        for form in ("text", "json", "markdown", "github"):
            for more in ((), ("--explain",)):
                shown = world.decide(*asked, "--format", form, *more)
                assert world.run("render", "decision.json", "--format", form, *more) == Done(0, shown.out, "")


def test_what_the_ledger_holds_is_what_was_shown(world: World) -> None:
    shown = world.evaluate(*DEV, "--format", "json")
    assert shown.code == 0
    assert world.run("ledger", "show", "1", "--format", "json") == Done(0, shown.out, "")
    assert shown.out == world.decide(*DEV, "--format", "json").out


def test_a_github_annotation_and_the_files_of_its_runner(world: World) -> None:
    summary, output = world.root / "summary.md", world.root / "output"
    summary.write_text("before\n")
    files = {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(output)}
    done = world.evaluate(*DEV, "--format", "github", env=files)
    entry = world.git("log", "-1", "--format=%(trailers:key=Gatecheck-Id,valueonly)")
    assert done.out == (
        "::notice title=gatecheck%3A ALLOW::payment-service 2.14.0 -> dev, "
        'risk high (any(change.files where path matches "payments/**")); passed 4 of 4 statements; '
        f"recorded as {entry[:12]}\n"
    )
    assert output.read_text() == f"verdict=allow\noverridden=false\nmissing=[]\nentry={entry}\n"
    assert summary.read_text().startswith("before\n### ALLOW: `payment-service 2.14.0` to `dev`\n")
    world.decide(*DEV, env=files)
    assert output.read_text().count("verdict=") == 1


@pytest.mark.parametrize("variable", ["GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"])
def test_a_file_of_the_runner_that_cannot_be_written(world: World, variable: str) -> None:
    done = world.decide(*DEV, "--format", "github", env={variable: str(world.root / "none" / "file")})
    assert (done.code, done.err) == (
        2,
        f"error[GC871]: the decision can't be written: no such file or directory\n  --> ${variable}\n",
    )


@pytest.mark.parametrize("form", ["text", "json", "markdown", "github"])
def test_an_output_file_holds_the_same_bytes(world: World, form: str) -> None:
    shown = world.decide(*STAGING, "--format", form)
    assert world.decide(*STAGING, "--format", form, "--output", "o") == Done(shown.code, "", "")
    assert (world.here / "o").read_bytes() == shown.out.encode()


def test_an_output_that_cannot_be_written(world: World) -> None:
    assert world.decide(*DEV, "--output", "none/o") == Done(
        2, "", "error[GC871]: the decision can't be written: no such file or directory\n  --> none/o\n"
    )
    assert world.evaluate(*DEV, "--output", "evidence").err.endswith(
        "error[GC871]: the decision can't be written: is a directory\n  --> evidence\n"
    )
    assert world.verified() == "verified 1 entry: records, chain and signatures are good"


def test_a_check_of_the_shipped_pack(world: World) -> None:
    assert world.run("check", ".", "--as-of", "2026-11-24T09:00:00Z", cwd=world.folder) == Done(
        0, "ok: 6 files, 3 environments, 7 gates, 8 rules (29 statements)\n", ""
    )


def test_the_order_of_a_document_decides_nothing(world: World) -> None:
    wanted = record(world.decide(*PRODUCTION, "--format", "json"))
    path = world.here / "approvals.yaml"
    first, second, third = (f"- approver:{t}" for t in path.read_text().split("- approver:")[1:])
    digest = first.rpartition("&artifact ")[2].strip()
    world.write(
        "approvals.yaml",
        "".join(t.replace("&artifact ", "").replace("*artifact", digest) for t in (third, first, second)),
    )
    found = record(world.decide(*PRODUCTION, "--format", "json"))
    for name in ("findings", "missing", "next", "obligations", "risk", "verdict"):
        assert found[name] == wanted[name]
