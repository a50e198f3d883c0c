"""Keys change: what an old key signed before stays good, what it signs after counts for nothing, whatever it claims."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_world import ARTIFACT, AT, World, record

from gatecheck.gate import state
from gatecheck.ledger.entry import Entry, format_message, signed_commit, writer_of
from gatecheck.ledger.kinds import stated
from gatecheck.ledger.verify import verify
from gatecheck.model.canonical import digest
from gatecheck.model.fact import KeyFact, Seen, about_trust
from gatecheck.text.diagnostic import Diagnostic, LedgerError
from gatecheck.trust.key import SigningKey
from gatecheck.trust.signers import AllowedSigners, parse_signers

LATER = AT + timedelta(hours=1)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def lines(*keys: SigningKey, options: str = "") -> bytes:
    return "".join(f"ci {options}{' ' if options else ''}{key.public_line}\n" for key in keys).encode()


def rotate(world: World, by: SigningKey, trust: bytes, at: datetime = LATER) -> Entry:
    ledger = world.open()
    seen = [Seen(e.writer, e.seq, e.id) for e in ledger.newest() if e.writer != writer_of(by.public)]
    return ledger.append(stated(about_trust(KeyFact(digest(trust), "carol", at, "a new key", seen)), trust), by, at)


def enter(world: World, number: int, key: SigningKey, at: datetime = LATER) -> Entry:
    return world.open().append(record(number), key, at)


def told(world: World, trust: AllowedSigners | None = None) -> list[tuple[str, int, str]]:
    """What is wrong with entries; a checkpoint is by the signer of the newest entry that it covers, and as good."""
    return [(p.code, p.seq, p.what) for p in verify(world.open(), trust).problems if p.refs == "ledger"]


def counting(world: World, trust: AllowedSigners | None = None) -> list[str]:
    return [entry.id for entry in world.open().allowed(ARTIFACT, "production", trust)]


def test_the_old_key_counts_up_to_the_change_and_not_after_it(world: World) -> None:
    old, new = world.key, world.make_key("new")
    before = enter(world, 1, old, AT)
    change = rotate(world, old, lines(new))
    after = enter(world, 2, new)
    assert told(world) == []
    assert counting(world) == [before.id, after.id]
    # It signs on, and dates it back.
    late = enter(world, 3, old, AT - timedelta(days=1))
    why = f"its signer {old.fingerprint} is not in the trust file in entry {change.id[:12]}"
    assert told(world) == [("GC727", late.seq, why)]
    assert counting(world) == [before.id, after.id]


def test_another_key_may_retire_one_that_was_lost(world: World) -> None:
    lost, admin = world.key, world.make_key("admin")
    before = enter(world, 1, lost, AT)
    enter(world, 2, admin, AT)
    change = rotate(world, admin, lines(admin))
    late = enter(world, 3, lost, AT)
    why = f"its signer {lost.fingerprint} is not in the trust file in entry {change.id[:12]}"
    assert told(world) == [("GC727", late.seq, why)]
    assert before.id in counting(world)
    assert late.id not in counting(world)


def test_a_trust_of_ones_own_is_narrowed_too(world: World) -> None:
    old, new = world.key, world.make_key("new")
    before = enter(world, 1, old, AT)
    change = rotate(world, old, lines(new))
    enter(world, 2, new)
    mine = parse_signers(lines(old, new).decode(), "signers")
    assert told(world, mine) == []
    late = enter(world, 3, old, AT)
    why = f"its signer {old.fingerprint} is not in the trust file in entry {change.id[:12]}"
    assert told(world, mine) == [("GC727", late.seq, why)]
    # And it alone says who counts: what the ledger adds is not enough.
    only_old = parse_signers(lines(old).decode(), "signers")
    assert counting(world, only_old) == [before.id]


def test_dates_in_the_file_bind_whatever_an_entry_claims(world: World) -> None:
    old, new = world.key, world.make_key("new")
    trust = lines(old, options='valid-before="202611231030Z"') + lines(new)
    before = enter(world, 1, old, AT)
    change = rotate(world, new, trust, at=AT + timedelta(minutes=10))
    inside = enter(world, 2, old, AT + timedelta(minutes=20))
    assert told(world) == []
    over = enter(world, 3, old, AT + timedelta(minutes=40))
    why = f"its signer {old.fingerprint} was trusted only before 2026-11-23T10:30:00Z"
    assert told(world) == [("GC727", over.seq, why)]
    assert counting(world) == [before.id, inside.id]
    again = rotate(world, new, trust, at=AT + timedelta(minutes=50))
    back = enter(world, 4, old, AT + timedelta(minutes=20))
    assert [(code, seq) for code, seq, _ in told(world)] == [("GC727", over.seq), ("GC727", back.seq)]
    assert again.id != change.id


def test_dates_in_a_file_of_ones_own_bind_whatever_an_entry_claims(world: World) -> None:
    old, new = world.key, world.make_key("new")
    before = enter(world, 1, old, AT)
    rotate(world, new, lines(old, new), at=AT + timedelta(hours=2))
    dated = lines(old, options='valid-before="202611231100Z"') + lines(new)
    mine = parse_signers(dated.decode(), "signers")
    assert told(world, mine) == []
    back = enter(world, 2, old, AT)
    why = f"its signer {old.fingerprint} was trusted only before 2026-11-23T11:00:00Z"
    assert told(world, mine) == [("GC727", back.seq, why)]
    assert counting(world, mine) == [before.id]


def test_a_key_that_is_over_cannot_enter_by_a_clock_that_is_slow(world: World) -> None:
    old, new = world.key, world.make_key("new")
    enter(world, 1, old, AT)
    dated = lines(old, options='valid-before="202611231100Z"') + lines(new)
    rotate(world, new, dated, at=AT + timedelta(minutes=30))
    world.open().check_key(old, AT)
    with pytest.raises(LedgerError):
        world.open().check_key(old, AT + timedelta(hours=2))
    rotate(world, new, dated, at=AT + timedelta(hours=3))
    with pytest.raises(LedgerError):
        world.open().check_key(old, AT)


def test_another_trust_file_in_the_place_of_the_one_that_was_signed(world: World) -> None:
    enter(world, 1, world.key, AT)
    change = rotate(world, world.key, lines(world.key))
    other = lines(world.key, world.make_key("thief"))
    tree = world.open().store.write_record({"statement.json": world.open().statement(change), "trust": other}, {})
    raw = signed_commit(tree, change.parent, LATER, format_message(change.subject, change.trailers), world.key)
    oid = world.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw)
    world.git("update-ref", f"refs/heads/ledger/{change.writer}", oid)
    world.forget()
    what = "the trust file does not have the digest that the statement gives"
    assert told(world) == [("GC722", change.seq, what)]
    assert world.open().trust().newest() == []


def test_whoever_is_not_trusted_changes_nothing(world: World) -> None:
    admin, old, thief = world.key, world.make_key("old"), world.make_key("thief")
    enter(world, 1, old, AT)
    rotate(world, admin, lines(admin, old))
    rotate(world, thief, lines(thief))
    assert {code for code, _, _ in told(world)} == {"GC727"}
    kept = enter(world, 2, old)
    assert kept.id in counting(world)
    assert world.open().trust().newest()[0].entry.writer == writer_of(admin.public)


def test_a_retired_key_cannot_bring_itself_back(world: World) -> None:
    old, new = world.key, world.make_key("new")
    enter(world, 1, old, AT)
    rotate(world, new, lines(new))
    rotate(world, old, lines(old), at=AT)
    late = enter(world, 2, old, AT)
    assert late.id not in counting(world)
    good = enter(world, 3, new)
    assert good.id in counting(world)


def test_changes_that_did_not_know_of_each_other_both_bind(world: World) -> None:
    one, two, three = world.key, world.make_key("two"), world.make_key("three")
    for number, key in enumerate((one, two, three)):
        enter(world, number, key, AT)
    ledger = world.open()
    trusts = (lines(one, two), lines(two, three))
    for key, trust in zip((one, two), trusts, strict=True):
        seen = [Seen(e.writer, 1, e.id) for e in ledger.newest() if e.writer != writer_of(key.public) and e.seq == 1]
        seen += [
            Seen(e.writer, 1, older.id)
            for e in ledger.newest()
            if e.writer != writer_of(key.public) and e.seq != 1
            for older in ledger.history(e.writer, e.commit)
            if older.seq == 1
        ]
        fact = about_trust(KeyFact(digest(trust), "carol", LATER, "at once", seen))
        ledger.append(stated(fact, trust), key, LATER)
    assert len(ledger.trust().newest()) == 2
    made = {key.fingerprint: enter(world, 7 + n, key).id for n, key in enumerate((one, two, three))}
    assert [made[key.fingerprint] in counting(world) for key in (one, two, three)] == [False, True, False]
    rotate(world, two, lines(one, two, three))
    assert len(world.open().trust().newest()) == 1
    assert enter(world, 20, three).id in counting(world)


def test_what_a_change_saw_must_still_be_there(world: World) -> None:
    other = world.make_key("other")
    entries = [enter(world, number, world.key, AT) for number in (1, 2, 3)]
    change = rotate(world, other, lines(other, world.key))
    assert told(world) == []
    world.git("update-ref", f"refs/heads/ledger/{entries[0].writer}", entries[1].commit)
    for name in world.git("for-each-ref", "--format=%(refname)", "refs/heads/checkpoints").split():
        world.git("update-ref", "-d", name)
    world.forget()
    place = f"(#3 of ledger/{entries[0].writer})"
    what = f"the history was rewritten: entry {entries[2].id[:12]} {place}, which it saw, is gone"
    assert ("GC790", change.seq, what) in told(world)
    enter(world, 9, world.key, AT)  # another in its place
    assert ("GC790", change.seq, what) in told(world)


def test_a_retired_key_is_told_before_it_enters_anything(world: World) -> None:
    new = world.make_key("new")
    enter(world, 1, world.key, AT)
    change = rotate(world, new, lines(new))
    trust = lines(world.key)
    with pytest.raises(LedgerError) as raised:
        state(about_trust(KeyFact(digest(trust), "eve", AT, "mine")), world.open(), world.key, AT, trust)
    why = f"is not in the trust file in entry {change.id[:12]}, so nothing that it enters would count"
    assert raised.value.diagnostics == (
        Diagnostic(
            "GC791", f"the key {world.key.fingerprint} {why}; nothing was recorded", file=str(world.path),
            hint="use a key that `gatecheck ledger trust` shows, or change the trust with one",
        ),
    )  # fmt: skip
    assert told(world) == []


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_an_entry_counts_if_and_only_if_its_key_was_trusted_where_it_stands(data: st.DataObject) -> None:
    """A random life of a ledger on one machine, and a model that only knows the order in which things happened."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        world = World(Path(folder))
        keys = [world.key, world.make_key("b"), world.make_key("c")]
        trusted: set[str] | None = None
        expected: set[str] = set()
        for number in range(data.draw(st.integers(3, 8))):
            key = data.draw(st.sampled_from(keys))
            at = AT + timedelta(hours=data.draw(st.integers(-5, 5)))  # what it claims makes no difference
            if data.draw(st.booleans()):
                kept = data.draw(st.lists(st.sampled_from(keys), min_size=1, unique=True))
                rotate(world, key, lines(*kept), at)
                if trusted is None or key.fingerprint in trusted:
                    trusted = {one.fingerprint for one in kept}
            else:
                entry = enter(world, number, key, at)
                if trusted is None or key.fingerprint in trusted:
                    expected.add(entry.id)
        assert set(counting(world)) == expected
