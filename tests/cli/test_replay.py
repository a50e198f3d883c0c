"""Replay: the same bytes on every machine and every day, and what was tampered with is named."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_world import DENIED, DEV, PENDING, PRODUCTION, STAGING, Done, World


@pytest.fixture
def recorded(world: World) -> World:
    """A world whose ledger holds decisions 1 to 5, of all verdicts."""
    ledger = ("--ledger", str(world.root / "ledger"))
    asked = [("allow", DEV), ("allow", STAGING), ("allow", PRODUCTION), ("deny", DENIED), ("pending", PENDING)]
    assert [world.example(name).evaluate(*args, *ledger).code for name, args in asked] == [0, 0, 0, 3, 4]
    world.example("allow")
    world.write("gatecheck.yaml", f"ledger: {world.root / 'ledger'}\n")
    return world


def git(world: World, *args: str, stdin: bytes = b"") -> str:
    return world.git(*args, stdin=stdin, folder=world.root / "ledger")


def ids(world: World) -> list[str]:
    entries = json.loads(world.run("ledger", "log", "-n", "0", "--format", "json").out)
    return [entry["id"] for entry in reversed(entries)]


def test_everything_is_the_same(recorded: World) -> None:
    assert recorded.run("replay") == Done(0, "replayed 5 decisions: all the same bytes\n", "")


@pytest.mark.parametrize(
    ("span", "count"), [("2..4", 3), ("..2", 2), ("5..", 1), ("3", 1), ("#3", 1), ("3..3", 1), ("..", 5)]
)
def test_a_range_and_one(recorded: World, span: str, count: int) -> None:
    noun = "decision" if count == 1 else "decisions"
    assert recorded.run("replay", span) == Done(0, f"replayed {count} {noun}: all the same bytes\n", "")


def test_by_id(recorded: World) -> None:
    _, second, third, *_ = ids(recorded)
    assert recorded.run("replay", second[:8]).out == "replayed 1 decision: all the same bytes\n"
    assert recorded.run("replay", f"{second}..{third[:12]}").out == "replayed 2 decisions: all the same bytes\n"
    (made,) = json.loads(recorded.run("replay", second, "--format", "json").out)
    assert (made["entry"], made["seq"], made["verdict"], made["differences"]) == (second, 2, "allow", [])


@pytest.mark.parametrize(
    ("span", "message"),
    [
        ("9", "error[GC715]: there is no entry `9`\n"),
        ("x", "error[GC715]: `x` does not name an entry\n"),
        ("4..2", "error[GC716]: the range `4..2` ends before it begins\n"),
        ("1..9", "error[GC715]: there is no entry `9`\n"),
    ],
)
def test_what_is_not_there(recorded: World, span: str, message: str) -> None:
    done = recorded.run("replay", span)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(message)


def test_no_ledger_and_an_empty_one(world: World) -> None:
    assert world.run("replay") == Done(
        6,
        "",
        "error[GC711]: there is no ledger here\n"
        "  --> .gatecheck/ledger\n"
        "   = hint: the first recorded decision makes it; or name another with `--ledger`\n",
    )
    assert not world.ledger.exists()


MACHINES = {
    "elsewhere": {"TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "1"},
    "plain": {"TZ": "America/St_Johns", "LC_ALL": "C", "LANG": "C", "PYTHONHASHSEED": "4242", "PYTHONUTF8": "0"},
}


@pytest.mark.parametrize("machine", sorted(MACHINES))
@pytest.mark.parametrize("cache", ["off", "cold"])
def test_on_another_machine(recorded: World, machine: str, cache: str) -> None:
    env = MACHINES[machine] | {"GATECHECK_CACHE": cache if cache == "off" else str(recorded.root / "cold")}
    shown = recorded.run("replay", "--format", "json").out
    again = recorded.spawn("replay", "--format", "json", env=env)
    assert (again.code, again.out) == (0, shown)  # on a slow machine the other output tells of progress
    assert recorded.spawn("ledger", "show", "5", "--format", "json", env=env).out == (
        recorded.run("ledger", "show", "5", "--format", "json").out
    )


@pytest.mark.parametrize("machine", sorted(MACHINES))
def test_a_decision_made_on_another_machine_has_the_same_bytes(world: World, machine: str) -> None:
    wanted = world.decide(*PRODUCTION, "--format", "json")
    assert world.spawn("evaluate", "--no-ledger", *PRODUCTION, "--format", "json", env=MACHINES[machine]) == wanted


CLOCK = """
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *at) {
  int failed = syscall(SYS_clock_gettime, id, at);
  if (!failed && id == CLOCK_REALTIME) at->tv_sec += 2000000000;
  return failed;
}
time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler to make another clock with")
def test_another_day_decides_nothing(recorded: World) -> None:
    """The command's clock is sixty-three years off; only what is recorded without an instant of its own follows it."""
    library = recorded.root / "clock.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, "-x", "c", "-"], input=CLOCK.encode(), check=True)
    env = {"LD_PRELOAD": str(library)}
    assert recorded.spawn("replay", env=env) == Done(0, "replayed 5 decisions: all the same bytes\n", "")
    assert recorded.spawn("ledger", "verify", env=env).code == 0
    recorded.write("gatecheck.yaml", (recorded.folder / "examples" / "deny" / "gatecheck.yaml").read_text())
    shown = recorded.decide(*PRODUCTION, "--format", "json")
    assert recorded.spawn("evaluate", "--no-ledger", *PRODUCTION, "--format", "json", env=env) == shown
    late = recorded.spawn("evaluate", "--no-ledger", "-e", "production", "--format", "json", env=env)
    assert json.loads(late.out)["predicate"]["as_of"] > "2085"


# -- tampering, with the tools that git has


def forge(world: World, seq: int, edit: Callable[[str], str]) -> None:
    """Put another tree under an entry, and every later commit upon the forged one, as who holds the disk could."""
    ref = git(world, "for-each-ref", "--format=%(refname)", "refs/heads/ledger")
    commits = git(world, "rev-list", "--reverse", ref).split()
    parent = ""
    for number, commit in enumerate(commits):
        raw = git(world, "cat-file", "commit", commit) + "\n"
        if parent:
            old = next(line for line in raw.splitlines() if line.startswith("parent "))
            raw = raw.replace(old, f"parent {parent}", 1)
        if number == seq:
            tree = raw.split()[1]
            raw = raw.replace(tree, edit(tree), 1)
        parent = git(world, "hash-object", "-t", "commit", "-w", "--stdin", stdin=raw.encode())
    git(world, "update-ref", ref, parent)


def replaced(world: World, path: str, old: str, new: str) -> Callable[[str], str]:
    """Return an edit that replaces what stands once in a file of a tree."""

    def edit(tree: str) -> str:
        text = git(world, "cat-file", "blob", f"{tree}:{path}")
        assert text.count(old) >= 1
        end = "\n" if path.endswith(".gate") else ""
        blob = git(world, "hash-object", "-w", "--stdin", stdin=(text.replace(old, new, 1) + end).encode())
        folder, _, name = path.rpartition("/")
        if folder:
            return put(tree, folder, "040000 tree", put(f"{tree}:{folder}", name, "100644 blob", blob))
        return put(tree, name, "100644 blob", blob)

    def put(tree: str, name: str, kind: str, oid: str) -> str:
        lines = [line for line in git(world, "ls-tree", tree).splitlines() if not line.endswith(f"\t{name}")]
        return git(world, "mktree", stdin="".join(f"{line}\n" for line in [*lines, f"{kind} {oid}\t{name}"]).encode())

    return edit


def names_the_entry(world: World, seq: int, where: str, name: str) -> bool:
    """Tell whether `ledger verify` names an entry and the file in it."""
    done = world.run("ledger", "verify")
    return done.code == 6 and f"  --> entry {name[:12]} (#{seq} of ledger/" in done.err and f"), {where}\n" in done.err


def test_a_tampered_request_is_named(recorded: World) -> None:
    name = ids(recorded)[3]
    forge(recorded, 4, replaced(recorded, "request.json", '"type":"performance"', '"type":"breaking-api"'))
    done = recorded.run("replay")
    assert (done.code, done.err) == (6, "")
    first, *lines = done.out.splitlines()
    assert first == f"{name[:12]}  #4 was deny, and is decided otherwise now:"
    assert '  change.type: recorded "performance", replayed "breaking-api"' not in lines
    assert '  predicate.change.type: recorded "performance", replayed "breaking-api"' in lines
    assert any(line.startswith('  predicate.request.digest: recorded "sha256:') for line in lines)
    assert lines[-1] == "replayed 5 decisions: 1 differs"
    assert names_the_entry(recorded, 4, "request.json", name)


def test_a_request_that_is_no_request_is_named(recorded: World) -> None:
    name = ids(recorded)[1]
    forge(recorded, 2, replaced(recorded, "request.json", '"as_of"', '"is_of"'))
    done = recorded.run("replay", "2")
    assert (done.code, done.err) == (6, "")
    first, second, last = done.out.splitlines()
    assert first == f"{name[:12]}  #2 was allow, and is decided otherwise now:"
    assert second.startswith('  decision: recorded "allow", replayed "')
    assert last == "replayed 1 decision: 1 differs"


@pytest.mark.parametrize("span", ["", "3"])
def test_a_tampered_pack_is_named_though_others_share_it(recorded: World, span: str) -> None:
    name = ids(recorded)[2]
    forge(recorded, 3, replaced(recorded, "pack/gates.gate", "line_rate >= 80%", "line_rate >= 8%"))
    done = recorded.run("replay", *([span] if span else []))
    assert (done.code, done.err) == (6, "")
    first, *lines = done.out.splitlines()
    assert first == f"{name[:12]}  #3 was allow, and is decided otherwise now:"
    assert any(line.startswith('  predicate.pack.digest: recorded "sha256:') for line in lines)
    assert lines[-1].endswith(": 1 differs")
    assert names_the_entry(recorded, 3, "pack", name)


def test_rules_that_no_longer_check_are_named(recorded: World) -> None:
    name = ids(recorded)[2]
    forge(recorded, 3, replaced(recorded, "pack/gates.gate", "line_rate >= 80%", "line_rat >= 80%"))
    assert recorded.run("replay", "3") == Done(
        6,
        f"{name[:12]}  #3 was allow, and is decided otherwise now:\n"
        '  decision: recorded "allow", replayed "unknown name `line_rat`"\n'
        "replayed 1 decision: 1 differs\n",
        "",
    )


def test_a_tampered_statement_is_named(recorded: World) -> None:
    name = ids(recorded)[3]
    forge(recorded, 4, replaced(recorded, "statement.json", '"verdict":"deny"', '"verdict":"allow"'))
    assert recorded.run("replay") == Done(
        6,
        "",
        f"error[GC713]: the ledger is broken: entry {name[:12]}: its statement was changed\n"
        f"  --> {recorded.root / 'ledger'}\n"
        "   = hint: `gatecheck ledger verify`\n",
    )
    assert names_the_entry(recorded, 4, "statement.json", name)


def test_a_missing_object_is_named(recorded: World) -> None:
    name = ids(recorded)[0]
    blob = git(recorded, "rev-parse", "HEAD~4:request.json")
    (recorded.root / "ledger" / "objects" / blob[:2] / blob[2:]).unlink()
    done = recorded.run("replay", "1")
    assert (done.code, done.err) == (6, "")
    assert done.out.splitlines()[1] == (
        f'  decision: recorded "allow", replayed "the ledger is broken: entry {name[:12]}: '
        f'git object {blob} is missing"'
    )


def test_a_copy_of_a_ledger_replays_too(recorded: World) -> None:
    copy = recorded.root / "copy"
    shutil.copytree(recorded.root / "ledger", copy)
    assert recorded.run("replay", "--ledger", str(copy)).out == "replayed 5 decisions: all the same bytes\n"
    mirror = recorded.root / "mirror"
    git(recorded, "clone", "-q", "--mirror", ".", str(mirror))
    assert recorded.run("replay", "--ledger", str(mirror)).out == "replayed 5 decisions: all the same bytes\n"


def test_rules_and_evidence_that_changed_since_do_not_matter(recorded: World) -> None:
    for path in (*recorded.folder.glob("*.gate"), *Path(recorded.here, "evidence").iterdir()):
        path.unlink()
    assert recorded.run("replay").out == "replayed 5 decisions: all the same bytes\n"


def test_a_record_that_is_no_decision_is_named_and_the_others_are_replayed(recorded: World) -> None:
    """Whoever has a key may enter what the ledger takes, so that a reader takes nothing for granted."""
    from datetime import UTC, datetime

    from gatecheck.ledger.ledger import open_ledger
    from gatecheck.ledger.record import Record, read_claims
    from gatecheck.model.canonical import canonical
    from gatecheck.trust.key import load_key

    path = recorded.root / "ledger"
    ledger = open_ledger(path, memory=recorded.root / "state" / "gatecheck")
    entry = ledger.find("1")
    statement = json.loads(ledger.statement(entry))
    del statement["predicate"]["engine"]
    raw = canonical(statement)
    made = Record(("ALLOW", "x"), raw, ledger.request(entry), ledger.pack(entry), read_claims(raw).pack)
    other = ledger.append(made, load_key(recorded.key), datetime(2026, 11, 26, tzinfo=UTC))
    assert recorded.run("replay") == Done(
        6,
        f"{other.id[:12]}  #6 was allow, and is decided otherwise now:\n"
        "  statement: recorded nothing, replayed "
        '"it is not a decision: Object missing required field `engine` - at `$.predicate`"\n'
        "replayed 6 decisions: 1 differs\n",
        "",
    )
