"""What is wrong with what was given: the whole message, the exit code, and nothing decided or recorded."""

import subprocess
from pathlib import Path

import pytest
from cli_world import DEV, Done, World

ARTIFACT = "sha256:ba78d65dd55c2fbfcc13f30483dcd57c2d6852f746ab3e4112dbe64eb73b8e84"
MAKE = "   = hint: make one with `ssh-keygen -t ed25519 -N '' -f FILE`\n"
ELSEWHERE = "   = hint: a ledger is a bare repository of its own; name another folder with `--ledger`\n"


def refused(err: str, code: int = 2) -> Done:
    return Done(code, "", err)


def make_key(world: World, name: str, *options: str) -> str:
    subprocess.run(["ssh-keygen", "-q", "-f", str(world.here / name), "-C", "", *options], check=True)
    return name


# -- names


def test_an_unknown_environment(world: World) -> None:
    assert world.decide("-e", "prodction") == refused(
        "error[GC520]: the rules know no environment `prodction`\n   = hint: did you mean `production`?\n"
    )


def test_an_unknown_gate(world: World) -> None:
    assert world.decide(*DEV, "--evidence", "unit-test=evidence/unit-tests.xml") == refused(
        "error[GC520]: the rules know no gate `unit-test`\n  --> evidence/unit-tests.xml\n"
        "   = hint: did you mean `unit-tests`?\n"
    )


def test_an_unknown_key_of_the_change(world: World) -> None:
    world.replace("change.yaml", "service:", "servce:")
    assert world.decide(*DEV) == refused(
        "error[GC511]: the document has no key `servce`\n"
        "  --> change.yaml:2:1\n"
        "  |\n"
        "2 | servce: payment-service\n"
        "  | ^^^^^^\n"
        "   = hint: did you mean `service`?\n"
    )


def test_an_unknown_field_in_the_rules(world: World) -> None:
    world.replace("../../gates.gate", "line_rate >= 80%", "line_rat >= 80%")
    assert world.decide(*DEV) == refused(
        "error[GC201]: unknown name `line_rat`\n"
        "  --> gates.gate:12:13\n"
        "   |\n"
        "12 |   pass when line_rat >= 80%\n"
        "   |             ^^^^^^^^\n"
        "   = hint: did you mean `line_rate`?\n",
        5,
    )


def test_a_syntax_error_in_the_rules(world: World) -> None:
    world.replace("../../dev.gate", "approve automatically", "aprove automatically")
    assert world.decide(*DEV) == refused(
        "error[GC101]: unexpected `aprove`\n"
        "  --> dev.gate:5:3\n"
        "  |\n"
        "5 |   aprove automatically\n"
        "  |   ^^^^^^ expected a statement such as `require` or `approve`, or `}`\n"
        "   = hint: did you mean `approve`?\n",
        5,
    )


@pytest.mark.parametrize("option", ["change", "approvals", "directory", "deployments", "evidence"])
def test_a_missing_file(world: World, option: str) -> None:
    assert world.decide(*DEV, f"--{option}", "none") == refused("error[GC501]: there is no such file\n  --> none\n")


def test_a_missing_rule_pack_key_and_trust_file(world: World) -> None:
    assert world.decide(*DEV, "--rules", "none") == refused(
        "error[GC501]: there is no such rule pack\n  --> none\n   = hint: name a folder of `.gate` files\n"
    )
    assert world.evaluate(*DEV, "--key", "none") == refused(
        "error[GC701]: there is no such key file\n  --> none\n" + MAKE
    )
    make_key(world, "key", "-t", "ed25519", "-N", "")
    assert world.evaluate(*DEV, "--key", "key", "--trust", "none") == refused(
        "error[GC501]: there is no such file\n  --> none\n"
    )


def test_a_missing_option(world: World) -> None:
    assert world.decide() == refused(
        "error[GC801]: `--environment` is missing\n"
        "   = hint: say where to, as `-e production`, or set `environment` in gatecheck.yaml\n"
    )
    assert world.run("evaluate", cwd=world.root) == refused(
        "error[GC801]: `--rules` is missing\n"
        "   = hint: name the folder of `.gate` files, or set `rules` in gatecheck.yaml\n"
    )


@pytest.mark.parametrize(
    ("text", "problem", "hint"),
    [
        (
            "tomorrow",
            "this is not an instant",
            "write it as `2026-11-23T09:00:00+01:00` or `2026-11-23T08:00:00Z`",
        ),
        (
            "2026-11-24T09:05:00",
            "an instant needs its offset",
            "write `2026-11-24T09:05:00+01:00` or `2026-11-24T09:05:00Z`",
        ),
        ("2026-02-30T09:05:00Z", "there is no such day in the calendar", "check the day"),
    ],
)
def test_an_instant_that_is_none(world: World, text: str, problem: str, hint: str) -> None:
    assert world.decide("-e", "dev", "--as-of", text) == refused(
        f"error[GC517]: {problem}: `{text}`\n  --> --as-of\n   = hint: {hint}\n"
    )


# -- documents


def test_a_folder_where_a_file_is_meant(world: World) -> None:
    assert world.decide(*DEV, "--change", "evidence") == refused(
        "error[GC501]: this is a directory, not a file\n  --> evidence\n"
    )
    assert world.decide(*DEV, "--evidence", "lint=evidence") == refused(
        "error[GC811]: a gate takes one file, and this is a folder\n  --> evidence\n"
    )


@pytest.mark.parametrize("option", ["change", "approvals", "directory", "deployments", "rules", "evidence", "output"])
def test_a_name_longer_than_names_can_be(world: World, option: str) -> None:
    name = "a" * 300
    done = world.decide(*DEV, f"--{option}", name)
    code, _, reason = done.err.partition(": ")
    assert (done.code, done.out) == (2, "")
    assert code in ("error[GC501]", "error[GC802]", "error[GC871]")
    assert reason.endswith(f"file name too long\n  --> {name}\n")


def test_a_key_that_stands_twice(world: World) -> None:
    world.replace("change.yaml", "type: feature", "type: feature\ntype: bugfix")
    assert world.decide(*DEV) == refused(
        "error[GC505]: the key `type` stands twice in one mapping\n"
        "  --> change.yaml:4:1\n"
        "  |\n"
        "4 | type: bugfix\n"
        "  | ^^^^\n"
        "   = hint: keep one\n"
    )


def test_anchors_that_multiply(world: World) -> None:
    rows = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    rows += [
        f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    world.write("bomb.yaml", "\n".join(rows))
    assert world.decide(*DEV, "--change", "bomb.yaml") == refused(
        "error[GC508]: holds more than 500,000 values, aliases counted\n"
        "  --> bomb.yaml\n"
        "   = hint: split the document, or write aliases out\n"
    )


def test_a_number_that_is_none(world: World) -> None:
    world.write("change.json", '{"id": NaN}')
    assert world.decide(*DEV, "--change", "change.json") == refused(
        "error[GC506]: holds `NaN`, which is not a JSON number\n  --> change.json\n"
    )


@pytest.mark.parametrize("option", ["change", "approvals", "directory", "deployments"])
def test_a_gigabyte(world: World, option: str) -> None:
    with world.write("big", b"").open("wb") as file:
        file.truncate(2**30)
    assert world.decide(*DEV, f"--{option}", "big") == refused(
        "error[GC502]: is larger than 8 MiB, the most that is read\n  --> big\n"
    )


def test_a_gigabyte_of_evidence(world: World) -> None:
    with world.write("big", b"").open("wb") as file:
        file.truncate(2**30)
    assert world.decide(*DEV, "--evidence", "lint=big") == refused(
        "error[GC502]: is larger than 64 MiB, the most that is read\n  --> big\n"
    )


@pytest.mark.parametrize(("name", "before"), [("deep.json", ""), ("deep.yaml", "a: ")])
def test_ten_thousand_brackets(world: World, name: str, before: str) -> None:
    world.write(name, before + "[" * 10_000 + "]" * 10_000)
    assert world.decide(*DEV, "--change", name) == refused(
        f"error[GC507]: is nested deeper than 100 levels\n  --> {name}\n"
    )


def test_a_billion_laughs(world: World) -> None:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    world.write(
        "laughs.xml",
        f'<?xml version="1.0"?><!DOCTYPE t [<!ENTITY l0 "ha">{entities}]><testsuites name="&l9;"></testsuites>',
    )
    assert world.decide(*DEV, "--evidence", "unit-tests=laughs.xml") == refused(
        "error[GC605]: declares or refers to its own entities, which are never expanded\n"
        "  --> laughs.xml\n"
        "   = hint: have the tool write plain XML, without a DTD\n"
    )


def test_evidence_of_no_known_kind(world: World) -> None:
    world.write("lint.txt", "all is well")
    assert world.decide(*DEV, "--evidence", "lint.txt") == refused(
        "error[GC601]: is not of a known kind of evidence: it is neither XML nor a JSON or YAML object\n"
        "  --> lint.txt\n"
        "   = hint: known kinds: check, coverage, junit, sarif\n"
    )


def test_evidence_whose_name_cannot_be_recorded(world: World) -> None:
    path = Path(str(world.here), "evidence", "lint.\udcff.sarif")
    path.write_bytes((world.here / "evidence" / "lint.sarif").read_bytes())
    assert world.decide(*DEV, "--evidence", "lint=evidence/lint.\udcff.sarif") == refused(
        "error[GC813]: the file's name is not UTF-8\n  --> evidence/lint.\ufffd.sarif\n   = hint: rename the file\n"
    )


def test_an_approval_without_an_offset(world: World) -> None:
    world.replace("approvals.yaml", "at: 2026-11-24T10:20:00+01:00", "at: 2026-11-24T10:20:00")
    assert world.decide(*DEV) == refused(
        "error[GC517]: `[0].at`: an instant needs its offset: `2026-11-24T10:20:00`\n"
        "  --> approvals.yaml:3:7\n"
        "  |\n"
        "3 |   at: 2026-11-24T10:20:00\n"
        "  |       ^^^^^^^^^^^^^^^^^^^\n"
        "   = hint: write `2026-11-24T10:20:00+01:00` or `2026-11-24T10:20:00Z`\n"
    )


def test_one_name_of_two_people(world: World) -> None:
    world.replace("../../directory.yaml", "[bob@example.com]", "[bob@example.com, carol-pm]")
    assert world.decide(*DEV) == refused(
        "error[GC520]: the name `carol-pm` belongs to both `bob` and `carol` in `people`\n"
        "   = hint: a name is one person's: remove it from the other\n"
    )


# -- keys


@pytest.mark.parametrize(("kind", "name"), [("rsa", "ssh-rsa"), ("ecdsa", "ecdsa-sha2-nistp256")])
def test_a_key_of_another_type(world: World, kind: str, name: str) -> None:
    make_key(world, "key", "-t", kind, "-N", "", *(["-b", "1024"] if kind == "rsa" else []))
    assert world.evaluate(*DEV, "--key", "key") == refused(
        f"error[GC704]: this is a `{name}` key, not ed25519\n  --> key\n" + MAKE
    )


def test_an_encrypted_a_public_and_an_open_key(world: World) -> None:
    make_key(world, "key", "-t", "ed25519", "-N", "secret", "-a", "1")
    assert world.evaluate(*DEV, "--key", "key") == refused(
        "error[GC703]: this private key is encrypted\n"
        "  --> key\n"
        "   = hint: remove its passphrase with `ssh-keygen -p`, or use a key without one\n"
    )
    assert world.evaluate(*DEV, "--key", "key.pub") == refused(
        "error[GC702]: this is a public key; signing needs the private one\n"
        "  --> key.pub\n"
        "   = hint: name the file without `.pub`\n"
    )
    make_key(world, "open", "-t", "ed25519", "-N", "")
    (world.here / "open").chmod(0o644)
    assert world.evaluate(*DEV, "--key", "open") == refused(
        "error[GC705]: the key file is open to other users (mode 0644)\n"
        "  --> open\n"
        "   = hint: `chmod 600 open`; if others could read it, make a new key\n"
    )
    assert not world.ledger.exists()


def test_a_key_in_the_environment_that_is_none(world: World) -> None:
    done = world.evaluate(*DEV, env={"GATECHECK_KEY": "c2VjcmV0"})
    assert done == refused(
        "error[GC706]: this is not an OpenSSH private key: it has no `-----BEGIN OPENSSH PRIVATE KEY-----` and "
        "`-----END OPENSSH PRIVATE KEY-----` around it\n  --> $GATECHECK_KEY\n" + MAKE
    )
    assert "c2VjcmV0" not in done.err


def test_a_place_where_no_key_can_be_made(world: World) -> None:
    world.write("../../config", "a file where a folder should be")
    done = world.evaluate(*DEV, env={"XDG_CONFIG_HOME": str(world.folder / "config")})
    path = world.folder / "config" / "gatecheck" / "id_ed25519"
    assert done == refused(f"error[GC707]: a signing key can't be made here: not a directory\n  --> {path}\n")
    assert not world.ledger.exists()


# -- ledgers


def test_a_ledger_that_is_a_file(world: World) -> None:
    assert world.evaluate(*DEV, "--ledger", "change.yaml").err.endswith(
        "error[GC710]: this is a file, not a ledger\n  --> change.yaml\n   = hint: name a folder with `--ledger`\n"
    )
    assert world.evaluate(*DEV, "--ledger", "change.yaml/ledger") == refused(
        "error[GC711]: a ledger can't be made here: file exists\n  --> change.yaml/ledger\n", 6
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("evidence", "error[GC710]: this folder is not a ledger\n  --> evidence\n" + ELSEWHERE),
        ("bare", "error[GC710]: this git repository is not a ledger\n  --> bare\n" + ELSEWHERE),
        (
            "repo",
            "error[GC710]: this is a git working copy, not a ledger\n"
            "  --> repo\n"
            "   = hint: a ledger is a bare repository of its own; `git clone --mirror` copies one\n",
        ),
    ],
)
def test_a_folder_that_is_no_ledger(world: World, name: str, message: str) -> None:
    world.git("init", "-q", "--bare", "bare", folder=world.here)
    world.git("init", "-q", "repo", folder=world.here)
    before = sorted(world.here.rglob("*"))
    done = world.evaluate(*DEV, "--ledger", name)
    made, _, rest = done.err.partition("\n")
    assert made.startswith("made a signing key in ")
    assert (done.code, done.out, rest) == (6, "", message)
    assert sorted(world.here.rglob("*")) == before


def test_an_empty_folder_becomes_a_ledger(world: World) -> None:
    (world.here / "empty").mkdir()
    assert world.evaluate(*DEV, "--ledger", "empty").code == 0
    assert world.run("ledger", "verify", "--ledger", "empty").out.startswith("verified 1 entry: ")


# -- commands and options


def test_an_unknown_command(world: World) -> None:
    assert world.run("evalute") == refused(
        "Usage: gatecheck [OPTIONS] COMMAND [ARGS]...\n"
        "Try 'gatecheck --help' for help.\n\n"
        "Error: there is no command `evalute`; did you mean `evaluate`?\n"
    )


@pytest.mark.parametrize("args", [("evaluate", "--frmt", "text"), ("evaluate", "--format", "txt"), ("evaluate", "x")])
def test_an_unknown_option_is_told_by_click(world: World, args: tuple[str, ...]) -> None:
    done = world.run(*args)
    usage, *_, error = done.err.splitlines()
    assert (done.code, done.out) == (2, "")
    assert usage == "Usage: gatecheck evaluate [OPTIONS]"
    assert error.startswith("Error: ")


def test_an_unknown_key_in_the_configuration(world: World) -> None:
    world.write("gatecheck.yaml", "rulez: ../..\n")
    assert world.decide(*DEV) == refused(
        "error[GC511]: the document has no key `rulez`\n"
        "  --> gatecheck.yaml:1:1\n"
        "  |\n"
        "1 | rulez: ../..\n"
        "  | ^^^^^\n"
        "   = hint: did you mean `rules`?\n"
    )


def test_a_configured_format_that_nothing_writes_is_refused_before_anything_is_decided(world: World) -> None:
    world.replace("gatecheck.yaml", "rules: ../..", "rules: ../..\nformat: pdf")
    assert world.evaluate(*DEV) == refused(
        "error[GC514]: `format` can't be `pdf`\n"
        "  --> gatecheck.yaml:2:9\n"
        "  |\n"
        "2 | format: pdf\n"
        "  |         ^^^\n"
        "   = hint: it is one of `text`, `json`, `markdown`, `github`\n"
    )
    assert not world.ledger.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[]", "Expected `object`, got `array`"),
        ("{}", "Object missing required field `_type`"),
    ],
)
def test_what_render_cannot_show(world: World, content: str, reason: str) -> None:
    world.write("decision.json", content)
    assert world.run("render", "decision.json") == refused(
        f"error[GC820]: is not a recorded decision: {reason}\n"
        "  --> decision.json\n"
        "   = hint: it is written by `gatecheck evaluate --format json`\n"
    )


@pytest.mark.parametrize("option", ["rules", "change", "evidence", "ledger", "key", "trust", "output", "directory"])
def test_a_configured_path_that_no_path_can_be(world: World, option: str) -> None:
    world.write("gatecheck.yaml", f'{option}: "a\\0b"\n')
    assert world.decide(*DEV) == refused("error[GC814]: holds a NUL, which no path can\n  --> gatecheck.yaml\n")


def test_a_number_in_a_decision_that_no_canonical_json_holds(world: World) -> None:
    made = world.decide(*DEV, "--format", "json").out
    assert '"line":4' in made
    world.write("decision.json", made.replace('"line":4', f'"line":{2**53}', 1))
    for form in ("text", "json"):
        done = world.run("render", "decision.json", "--format", form)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("error[GC820]: is not a recorded decision: Expected `int` <= 9007199254740991")


def test_a_name_of_a_file_drives_no_terminal_and_no_build_server(world: World) -> None:
    name = "x\n::error::all is lost\x1b[2J"
    told = "x\ufffd::error::all is lost\ufffd[2J"
    assert world.decide(*DEV, "--change", name) == refused(f"error[GC501]: there is no such file\n  --> {told}\n")
    world.write(f"evidence/{name}.sarif", (world.here / "evidence" / "lint.sarif").read_bytes())
    assert world.decide(*DEV) == refused(
        f"error[GC520]: the rules know no gate `{told}`\n  --> evidence/{told}.sarif\n"
        "   = hint: known: coverage, error-rate, integration-tests, lint, sast, type-check, unit-tests\n"
    )
