"""What `evaluate` leaves behind: keys, entries, promotion through them, and a ledger that stock tools accept."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from cli_world import DENIED, DEV, PRODUCTION, STAGING, Done, World

GOOD = ": records, chain and signatures are good"


def make_key(world: World, name: str) -> Path:
    path = world.here / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ci", "-f", str(path)], check=True)
    return path


def fingerprint(key: Path) -> str:
    shown = subprocess.run(["ssh-keygen", "-l", "-f", f"{key}.pub"], check=True, capture_output=True, text=True)
    return shown.stdout.split()[1]


def signed_by(done: Done) -> str:
    return done.out.splitlines()[-1].partition("signed by ")[2]


def refs(world: World, under: str = "refs") -> str:
    return world.git("for-each-ref", "--format=%(refname) %(objectname)", under)


def decided_twice(world: World, *asked: str, env: Mapping[str, str] | None = None) -> Done:
    """Decide twice and return the one answer."""
    first = world.evaluate(*asked, env=env)
    before = refs(world)
    again = world.evaluate(*asked, env=env)
    assert (again.code, again.out, again.err, refs(world)) == (first.code, first.out, "", before)
    return first


# -- keys


def test_a_key_is_made_once_and_told_once(world: World) -> None:
    first = world.evaluate(*DEV)
    made = fingerprint(world.key)
    assert first.err == f"made a signing key in {world.key} ({made}); keep it, and give CI its own\n"
    assert stat.S_IMODE(world.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(world.key.parent.stat().st_mode) == 0o700
    assert signed_by(first) == made
    assert world.evaluate(*STAGING).err == ""
    assert world.verified() == f"verified 2 entries{GOOD}"


def test_a_relative_configuration_folder_does_not_put_the_key_into_the_repository(world: World) -> None:
    done = world.evaluate(*DEV, env={"XDG_CONFIG_HOME": "config"})
    path = Path(world.env["HOME"], ".config", "gatecheck", "id_ed25519")
    assert done.err.startswith(f"made a signing key in {path} (")
    assert path.exists()
    assert not (world.here / "config").exists()


@pytest.mark.parametrize("change", [lambda text: text, lambda text: text.replace("\n", " "), str.strip])
def test_a_key_from_the_environment(world: World, change: "Callable[[str], str]") -> None:
    key = make_key(world, "ci")
    done = decided_twice(world, *DEV, env={"GATECHECK_KEY": change(key.read_text())})
    assert (done.err, signed_by(done)) == ("", fingerprint(key))
    assert not world.key.exists()


def test_a_named_key_wins_over_the_environment(world: World) -> None:
    one, other = make_key(world, "one"), make_key(world, "other")
    done = decided_twice(world, *DEV, "--key", "other", env={"GATECHECK_KEY": one.read_text()})
    assert signed_by(done) == fingerprint(other)


# -- entries


def test_the_same_decision_is_recorded_once(world: World) -> None:
    assert decided_twice(world, *PRODUCTION).code == 0
    assert world.verified() == f"verified 1 entry{GOOD}"


def test_verdicts_of_all_kinds_are_recorded_in_order(world: World) -> None:
    ledger = ("--ledger", str(world.root / "ledger"))
    codes = [world.evaluate(*asked, *ledger).code for asked in (DEV, STAGING, PRODUCTION)]
    codes.append(world.example("deny").evaluate(*DENIED, *ledger).code)
    assert codes == [0, 0, 0, 3]
    listed = [line.split()[3:] for line in world.run("ledger", "log", *ledger).out.splitlines()[1:]]
    assert listed == [
        ["deny", "payment-service", "production", "medium"],
        ["allow", "payment-service", "production", "high"],
        ["allow", "payment-service", "staging", "high"],
        ["allow", "payment-service", "dev", "high"],
    ]


# -- promotion


@pytest.fixture
def unpromoted(world: World) -> World:
    """A world in which nothing but the ledger says where the artifact has been, and soaking is not asked for."""
    world.write("gatecheck.yaml", "rules: ../..\nchange: change.yaml\nevidence: evidence\napprovals: approvals.yaml\n")
    with (world.here / "gatecheck.yaml").open("a") as file:
        file.write("directory: ../../directory.yaml\n")
    world.replace("../../production.gate", "  require soak(staging) >= 24h\n", "")
    return world


PROMOTE = "  needs    promotion to staging first"


def test_a_ledger_of_ones_own_is_no_part_of_the_repository(world: World) -> None:
    world.git("init", "-q", folder=world.here)
    assert world.evaluate(*DEV).code == 0
    assert (world.here / ".gatecheck" / ".gitignore").read_text() == "*\n"
    assert ".gatecheck" not in world.git("status", "--porcelain", "--untracked-files=all", folder=world.here)


def test_what_was_allowed_in_staging_may_enter_production(unpromoted: World) -> None:
    world = unpromoted
    before = world.evaluate(*PRODUCTION)
    assert before.code == 4
    assert PROMOTE in before.out
    waiting = world.evaluate(*STAGING)
    assert (waiting.code, "promotion to dev first" in waiting.out) == (4, True)
    assert world.evaluate(*PRODUCTION).code == 4  # a staging that waits promotes nothing
    assert [world.evaluate(*asked).code for asked in (DEV, STAGING, PRODUCTION)] == [0, 0, 0]
    assert world.decide(*PRODUCTION).code == 4  # without the ledger nobody knows


def test_another_artifact_is_not_promoted(unpromoted: World) -> None:
    world = unpromoted
    assert [world.evaluate(*asked).code for asked in (DEV, STAGING)] == [0, 0]
    text = (world.here / "change.yaml").read_text()
    world.write("change.yaml", text.replace("sha256:ba78d65d", "sha256:00000000"))
    done = world.evaluate(*PRODUCTION)
    assert done.code == 4
    assert PROMOTE in done.out


def test_an_entry_of_another_key_promotes_only_where_it_is_trusted(unpromoted: World) -> None:
    world = unpromoted
    staging, production = make_key(world, "staging"), make_key(world, "production")
    assert [world.evaluate(*asked, "--key", "staging").code for asked in (DEV, STAGING)] == [0, 0]
    done = world.evaluate(*PRODUCTION, "--key", "production")
    assert done.code == 4
    assert PROMOTE in done.out
    lines = {key: f"ci {Path(f'{key}.pub').read_text()}" for key in (staging, production)}
    for trusted, code in (((production,), 4), ((staging,), 0), ((staging, production), 0)):
        world.write("trust", "".join(lines[key] for key in trusted))
        assert world.evaluate(*PRODUCTION, "--key", "production", "--trust", "trust").code == code
    world.write("trust", lines[staging].replace("ci ", 'ci valid-before="20200101Z" ', 1))
    assert world.evaluate(*PRODUCTION, "--key", "production", "--trust", "trust").code == 4


# -- after failures


def test_a_failure_leaves_the_ledger_as_it_was(world: World) -> None:
    assert world.evaluate(*DEV).code == 0
    before = (refs(world), world.verified())
    world.write("bad.yaml", "a: [")
    failing = [
        ("-e", "nowhere"),
        (*STAGING, "--change", "bad.yaml"),
        (*STAGING, "--evidence", "lint=bad.yaml"),
        (*STAGING, "--rules", "evidence"),
        (*STAGING, "--key", "bad.yaml"),
        (*STAGING, "--trust", "bad.yaml"),
    ]
    assert [world.evaluate(*args).code for args in failing] == [2] * 6
    assert (refs(world), world.verified()) == before


def test_a_rewritten_history_is_not_written_on(world: World) -> None:
    assert [world.evaluate(*asked).code for asked in (DEV, STAGING)] == [0, 0]
    (name, newest) = refs(world, "refs/heads/ledger").split()
    world.git("update-ref", name, f"{newest}~1")
    before = refs(world)
    entry = world.git("log", "-1", "--format=%(trailers:key=Gatecheck-Id,valueonly)", newest)
    done = world.evaluate(*PRODUCTION)
    assert (done.code, done.out) == (6, "")
    (memory,) = (world.root / "state" / "gatecheck" / "ledgers").iterdir()
    ref = name.removeprefix("refs/heads/")
    assert done.err == (
        f"error[GC714]: the history was rewritten: entry {entry[:12]} (#2 of {ref}), "
        "which this machine has seen, is no longer in it\n"
        "  --> .gatecheck/ledger\n"
        f"   = hint: find out who changed the ledger; if you began it anew yourself, remove {memory}\n"
    )
    assert refs(world) == before
    assert world.run("ledger", "verify").code == 6


def test_a_ledger_that_was_thrown_away_is_missed(world: World) -> None:
    assert world.evaluate(*DEV).code == 0
    shutil.rmtree(world.ledger)
    done = world.evaluate(*DEV)
    assert (done.code, done.out) == (6, "")
    assert done.err.startswith("error[GC714]: the history was rewritten: entry ")


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that others may reach; git looks there without the capabilities of who asks."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    shutil.rmtree(folder)


def as_reader(*folders: Path) -> list[str]:
    """Return what makes a command one of a user who may read everything and write nothing in these folders."""
    if os.geteuid() != 0:
        for path in (path for folder in folders for path in (folder, *folder.rglob("*"))):
            path.chmod(0o555 if path.is_dir() else 0o444)
        return []
    if not (setpriv := shutil.which("setpriv")):
        pytest.skip("root ignores modes, and there is no setpriv")
    capability = "+dac_read_search"
    return [
        *(setpriv, "--reuid=12345", "--regid=12345", "--clear-groups"),
        *(f"--inh-caps={capability}", f"--ambient-caps={capability}"),
    ]


def test_a_ledger_that_may_be_read_but_not_written(world: World, public: Path) -> None:
    ledger = ("--ledger", str(public / "shared" / "ledger"))
    assert world.evaluate(*DEV, *ledger).code == 0
    key = make_key(world, "other").read_text()
    home = public / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[safe]\n\tdirectory = *\n")
    home.chmod(0o777)
    env = {"GATECHECK_KEY": key, "XDG_STATE_HOME": str(home), "XDG_CACHE_HOME": str(home), "HOME": str(home)}
    before = sorted(public.joinpath("shared").rglob("*"))
    prefix = as_reader(public / "shared")

    def ask(*args: str) -> Done:
        command = [*prefix, sys.executable, "-m", "gatecheck", *args]
        done = subprocess.run(command, cwd=world.here, env={**world.env, **env}, capture_output=True, text=True)
        return Done(done.returncode, done.stdout, done.stderr)

    hint = "   = hint: nothing was recorded\n"
    message = f"error[GC712]: the ledger can't be written: permission denied\n  --> {ledger[1]}\n{hint}"
    assert ask("evaluate", *STAGING, *ledger) == Done(6, "", message)
    beside = str(public / "shared" / "new")
    made = ask("evaluate", *STAGING, "--ledger", beside)
    assert (made.code, made.out) == (6, "")
    assert made.err.startswith("error[GC711]: a ledger can't be made here: ")
    assert made.err.endswith(f"ermission denied\n  --> {beside}\n")
    assert ask("ledger", "verify", *ledger).out.startswith(f"verified 1 entry{GOOD}\n")
    assert ask("replay", *ledger).out == "replayed 1 decision: all the same bytes\n"
    assert sorted(public.joinpath("shared").rglob("*")) == before


# -- several at once, and stock tools


def test_six_processes_make_one_ledger(world: World) -> None:
    changes = []
    for number in range(6):
        text = (world.here / "change.yaml").read_text().replace("id: PR-1412", f"id: PR-{number}")
        changes.append(world.write(f"change-{number}.yaml", text).name)
    started = [world.start("evaluate", *DEV, "--change", name) for name in changes]
    ended = []
    for process in started:
        with process:
            out, err = process.communicate(timeout=150)
            ended.append((process.returncode, out.decode(), err.decode()))
    assert [(code, err) for code, _, err in ended if code] == []
    made = fingerprint(world.key)
    told = f"made a signing key in {world.key} ({made}); keep it, and give CI its own\n"
    assert sorted(err for _, _, err in ended) == [""] * 5 + [told]
    assert {out.rpartition("signed by ")[2] for _, out, _ in ended} == {made + "\n"}
    named = {out.splitlines()[-1].split()[1] for _, out, _ in ended}
    listed = world.run("ledger", "log").out.splitlines()[1:]
    assert {line.split()[1] for line in listed} == named
    assert sorted(int(line.split()[0]) for line in listed) == [1, 2, 3, 4, 5, 6]
    assert world.verified() == f"verified 6 entries{GOOD}"
    assert world.run("replay").out == "replayed 6 decisions: all the same bytes\n"


def test_stock_git_and_ssh_accept_the_entries(world: World) -> None:
    assert [world.evaluate(*asked).code for asked in (DEV, STAGING, PRODUCTION)] == [0, 0, 0]
    public = Path(f"{world.key}.pub").read_text()
    signers = world.write("allowed_signers", f'ci@example.com namespaces="git" {public}')
    commits = world.git("rev-list", "--all").split()
    assert len(commits) == 5  # the writer's first, three decisions, and a checkpoint
    config = ("-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={signers}")
    for commit in commits:
        world.git(*config, "verify-commit", commit)
    stranger = make_key(world, "stranger")
    signers.write_text(f'ci@example.com namespaces="git" {Path(f"{stranger}.pub").read_text()}')
    with pytest.raises(subprocess.CalledProcessError):
        world.git(*config, "verify-commit", commits[0])
    assert world.git("fsck", "--strict", "--no-dangling", "--no-progress") == ""
    verified = world.run("ledger", "verify", "--trust", str(signers))
    assert (verified.code, verified.out) == (6, "")
    signers.write_text(f"ci@example.com {public}")
    assert world.run("ledger", "verify", "--trust", str(signers)).out == (
        f"verified 3 entries{GOOD}\n"
        f"  {refs(world, 'refs/heads/ledger').split()[0].removeprefix('refs/heads/')}  3 entries, "
        f"signed by {fingerprint(world.key)}\n"
        "    1 checkpoint up to #1\n"
        f"keys were taken from {signers}\n"
    )


def test_the_recorded_parts_are_what_their_digests_say(world: World) -> None:
    from hashlib import sha256
    from json import loads

    assert world.evaluate(*PRODUCTION).code == 0
    statement = world.git("cat-file", "blob", "HEAD:statement.json")
    request = world.git("cat-file", "blob", "HEAD:request.json")
    predicate = loads(statement)["predicate"]
    assert predicate["request"]["digest"] == "sha256:" + sha256(request.encode()).hexdigest()
    assert predicate["request"]["sources"]["change"] == (
        "sha256:" + sha256((world.here / "change.yaml").read_bytes()).hexdigest()
    )
    for file in predicate["pack"]["files"]:
        raw = (world.folder / file["path"]).read_bytes()
        assert file["digest"] == "sha256:" + sha256(raw).hexdigest()
        assert world.git("rev-parse", f"HEAD:pack/{file['path']}") == world.git("hash-object", "--stdin", stdin=raw)
