"""Example files, cut, doubled, swapped and garbled: never a stack trace, and nothing taken away ever allows more."""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_world import DENIED, DEV, PENDING, PRODUCTION, STAGING, World

ASKED = {"allow": PRODUCTION, "deny": DENIED, "pending": PENDING}
WRONG = {2, 3, 4, 5, 6}
RUNS = 200
SCRAPS = [
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n", b"\t", b"\xe2\x80\xae", b"\x1b[2J", b"'", b'"', b"{",
    b"}", b"[", b"]", b"<", b">", b"&x;", b"<!DOCTYPE a>", b"*x", b"&x ", b"<<: ", b"!!python/object:os.system ",
    b"---\n", b"null", b"-1",
    b"1e999", b"NaN", b"99999999999999999999", b"0x10", b"\\ud800", b"sha256:", b"2026-13-45T99:99:99Z", b": ", b",",
]  # fmt: skip


def cut(raw: bytes, chance: random.Random) -> bytes:
    return raw[: chance.randrange(len(raw) + 1)]


def drop(raw: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(raw) + 1)
    return raw[:start] + raw[start + chance.randrange(1, 40) :]


def insert(raw: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(raw) + 1)
    return raw[:at] + chance.choice(SCRAPS) * chance.choice((1, 1, 1, 200)) + raw[at:]


def garble(raw: bytes, chance: random.Random) -> bytes:
    made = bytearray(raw)
    for _ in range(chance.randrange(1, 5)):
        if made:
            made[chance.randrange(len(made))] = chance.randrange(256)
    return bytes(made)


def double_line(raw: bytes, chance: random.Random) -> bytes:
    lines = raw.splitlines(keepends=True)
    at = chance.randrange(len(lines)) if lines else 0
    return b"".join(lines[: at + 1] + lines[at:])


def swap_lines(raw: bytes, chance: random.Random) -> bytes:
    lines = raw.splitlines(keepends=True)
    chance.shuffle(lines)
    return b"".join(lines)


def indent(raw: bytes, chance: random.Random) -> bytes:
    lines = raw.splitlines(keepends=True)
    if lines:
        at = chance.randrange(len(lines))
        lines[at] = b" " * chance.randrange(1, 5) + lines[at]
    return b"".join(lines)


MUTATIONS: list[Callable[[bytes, random.Random], bytes]] = [
    cut, drop, insert, garble, double_line, swap_lines, indent,
]  # fmt: skip


def inputs(world: World) -> list[Path]:
    """Return every file that a decision on the example reads."""
    return sorted(
        path
        for folder in (world.folder.glob("*.gate"), world.folder.glob("*.yaml"), world.here.rglob("*"))
        for path in folder
        if path.is_file() and ".gatecheck" not in path.parts
    )


@pytest.mark.parametrize("seed", range(4))
def test_no_mutation_ends_in_a_stack_trace(world: World, seed: int) -> None:
    chance = random.Random(seed)
    world.env["GATECHECK_CACHE"] = "off" if seed == 0 else str(world.root / "cache")
    codes = set()
    for number in range(RUNS // 4):
        example = chance.choice(sorted(ASKED))
        world.example(example)
        path = chance.choice(inputs(world))
        raw = path.read_bytes()
        path.write_bytes(chance.choice(MUTATIONS)(raw, chance))
        done = world.decide(*ASKED[example], "--format", chance.choice(["text", "json", "markdown", "github"]))
        told = f"seed {seed}, run {number}: {path.name}: {done.err}"
        assert done.code in WRONG | {0}, told
        assert "Traceback" not in done.err, told
        assert re.search(r"[\x00-\x08\x0b-\x1f\x7f]", done.err + done.out) is None, told
        assert (done.out == "") == (done.code in (2, 5, 6)), told
        codes.add(done.code)
        path.write_bytes(raw)
    assert {0, 2, 5} <= codes  # what is mutated matters, and not always


@pytest.mark.parametrize("example", ["deny", "pending"])
def test_nothing_taken_away_allows(world: World, example: str) -> None:
    """Less evidence, fewer approvals and deployments: what was not allowed with more is not allowed with less."""
    chance = random.Random(7)
    world.example(example)
    lists = {name: (world.here / f"{name}.yaml").read_text() for name in ("approvals", "deployments")}
    evidence = {path: path.read_bytes() for path in sorted((world.here / "evidence").iterdir())}
    digest = re.search(r"&artifact (\S+)", lists["approvals"])
    assert digest is not None
    lists["approvals"] = lists["approvals"].replace("&artifact ", "").replace("*artifact", digest[1])
    for _ in range(25):
        for name, text in lists.items():
            kept = [f"- {item}" for item in re.split(r"^- ", text, flags=re.M)[1:] if chance.random() < 0.6]
            world.write(f"{name}.yaml", "".join(kept) or "[]\n")
        for path, raw in evidence.items():
            path.unlink(missing_ok=True)
            if chance.random() < 0.7:
                path.write_bytes(raw)
        assert world.decide(*ASKED[example]).code in (3, 4)


def test_every_single_thing_that_an_allowed_change_shows_is_needed(world: World) -> None:
    """Each required file, taken away, turns `allow` into `pending`; nothing that is absent is taken for good."""
    assert world.decide(*PRODUCTION).code == 0
    for path in sorted((world.here / "evidence").iterdir()):
        raw = path.read_bytes()
        path.unlink()
        assert world.decide(*PRODUCTION).code == 4, path.name
        path.write_bytes(b"")
        assert world.decide(*PRODUCTION).code in (2, 4), path.name
        path.write_bytes(raw)
    for name in ("approvals", "deployments", "directory"):
        text = (world.here / "gatecheck.yaml").read_text()
        world.write("gatecheck.yaml", re.sub(rf"^{name}: .*\n", "", text, flags=re.M))
        assert world.decide(*PRODUCTION).code == 4, name
        world.write("gatecheck.yaml", text)
    assert world.decide(*PRODUCTION).code == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("approver: alice", "approver: frank"),  # the author
        ("approver: alice", "approver: FRANK@example.com"),
        ("approver: alice", "approver: carol"),  # one person for two
        ("approver: alice", "approver: mallory"),
        ("at: 2026-11-25T10:20:00+01:00", "at: 2026-11-25T11:20:00+01:00"),  # of the future
        ("at: 2026-11-25T10:20:00+01:00", "at: 2026-11-25T10:50:00+01:00"),  # after the stage that follows
        ("  comment: Read", "  x: Read"),
    ],
)
def test_an_approval_that_does_not_count_does_not_allow(world: World, old: str, new: str) -> None:
    world.replace("approvals.yaml", old, new)
    assert world.decide(*PRODUCTION).code in (2, 4)


def test_an_approval_of_another_artifact_or_environment_does_not_allow(world: World) -> None:
    text = (world.here / "approvals.yaml").read_text()
    first, alice, carol = text.split("- approver: ")[1:]
    for changed in (
        alice.replace("environment: production", "environment: staging"),
        alice.replace("*artifact", "sha256:" + "0" * 64),
        alice.replace("stance: approve", "stance: reject"),
        alice.replace("stance: approve", "stance: withdraw"),
    ):
        world.write("approvals.yaml", "".join(f"- approver: {item}" for item in (first, changed, carol)))
        assert world.decide(*PRODUCTION).code in (3, 4)


def test_a_rejection_outweighs_an_earlier_approval_whatever_the_order_in_the_file(world: World) -> None:
    text = (world.here / "approvals.yaml").read_text()
    digest = text.partition("&artifact ")[2].split()[0]
    late = (
        "- {approver: carol, stance: reject, at: 2026-11-25T10:55:00+01:00, environment: production, "
        f'artifact: "{digest}"}}\n'
    )
    for made in (text + late, late + text):
        world.write("approvals.yaml", made)
        assert world.decide(*PRODUCTION).code == 3


def test_recording_mutated_requests_never_breaks_the_ledger(world: World) -> None:
    chance = random.Random(11)
    recorded = set()
    for _ in range(25):
        path = chance.choice([p for p in inputs(world) if p.parent == world.here])
        raw = path.read_bytes()
        path.write_bytes(chance.choice(MUTATIONS)(raw, chance))
        done = world.evaluate(*chance.choice((DEV, STAGING)), "--format", "json")
        if done.code in (0, 3, 4):
            recorded.add(json.dumps(json.loads(done.out)))
        path.write_bytes(raw)
    assert len(recorded) > 3
    noun = "entries"
    assert world.verified() == f"verified {len(recorded)} {noun}: records, chain and signatures are good"
    assert world.run("replay").out == f"replayed {len(recorded)} decisions: all the same bytes\n"
