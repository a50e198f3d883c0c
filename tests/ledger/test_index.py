"""The index of a ledger: it answers as a look at every entry would, keeps up, and is made anew when it is damaged."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from index_world import ledgers, naive
from ledger_world import AT, World, appending, record

from gatecheck.ledger.index import Index, answer, index_file
from gatecheck.ledger.rows import rows
from gatecheck.ledger.search import Between, Filter, Found, search, unknown
from gatecheck.ledger.tips import read_tips
from gatecheck.ledger.views import VERSION
from gatecheck.text.diagnostic import InputError, LedgerError

ALL = Filter()
ODD = "its statement is not of the form that its kind has"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("GATECHECK_CACHE", str(tmp_path / "cache"))
    return World(tmp_path)


class Asked:
    """What was asked of an index, and what it took: which entries were read, and which writers were found rewritten."""

    def __init__(self, world: World) -> None:
        self.world, self.read, self.opened = world, 0, 0
        self.rewritten: tuple[str, ...] = ()
        self.unkept = ""

    def found(self, wanted: Filter = ALL, span: str = "") -> list[Found]:
        between = Between(span, str(self.world.path), self.world.open().find) if span else None

        def ask(index: Index) -> list[Found]:
            self.rewritten, self.unkept = index.rewritten, index.unkept
            return search(index, wanted, between=between)

        return answer(str(self.world.path), self.ledger, ask, self.progress)

    def ledger(self) -> Any:
        self.opened += 1
        return self.world.open(create=False)

    def progress(self, done: int, _total: int) -> None:
        self.read = max(self.read, done)


def found(world: World, wanted: Filter = ALL, span: str = "") -> list[int]:
    return [entry.seq for entry in Asked(world).found(wanted, span)]


def dump(world: World) -> Iterator[str]:
    """Yield all that the index says, in an order that does not depend on how it came about."""

    def ask(index: Index) -> list[str]:
        said = []
        for (view,) in index.connection.execute("SELECT name FROM sqlite_schema WHERE type = 'view'").fetchall():
            said += sorted(f"{view}: {row}" for row in index.connection.execute(f"SELECT * FROM {view}"))
        order = "SELECT id, writer FROM x_entry ORDER BY place DESC, writer, seq DESC"
        return [
            *said,
            *map(str, index.connection.execute(order)),
            *map(str, index.connection.execute("SELECT * FROM x_tip")),
        ]

    yield from answer(str(world.path), lambda: world.open(create=False), ask, lambda done, total: None)


def throw_away(world: World) -> None:
    file = index_file(str(world.path))
    assert file is not None
    for end in ("", "-wal", "-shm", ".lock"):
        Path(file + end).unlink(missing_ok=True)


# It answers as a look at every entry would


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_answers_are_those_of_a_look_at_every_entry(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world = World(tmp_path_factory.mktemp("ledger"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATECHECK_CACHE", str(world.folder / "cache"))
        parts = data.draw(ledgers())
        for part in parts:
            part.enter(world)
            wanted = data.draw(part.filters())
            entries = list(world.open().entries())
            assert [(e.id, e.writer) for e in Asked(world).found(wanted)] == [
                (e.id, e.writer) for e in entries if naive(world.open(), e, wanted)
            ]
            assert [(e.id, e.writer) for e in Asked(world).found()] == [(e.id, e.writer) for e in entries]
        grown = list(dump(world))
        throw_away(world)
        assert list(dump(world)) == grown


@pytest.mark.parametrize(
    "span", ["2..4", "..3", "4..", "..", "#2..#2", "4..2", "2..2", "9..", "1", "x..", "..sha256:12"]
)
def test_spans_are_those_of_the_ledger(world: World, span: str) -> None:
    for number in range(1, 6):
        world.append(number)
    ledger = world.open()
    try:
        expected: Any = [entry.id for entry in ledger.entries(span)]
    except InputError as error:
        expected = error.diagnostics
    try:
        assert [entry.id for entry in Asked(world).found(span=span)] == expected
    except InputError as error:
        assert error.diagnostics == expected


def test_spans_by_id_and_of_what_two_keys_entered(world: World) -> None:
    other = world.make_key("other")
    one, two = world.append(1, 2)
    world.append(3, key=other)
    world.append(1, key=other)
    for span in (f"{two.id[:8]}..", f"..{two.id.upper()[:8]}", f"{one.id[:8]}..", f"..sha256:{one.id}"):
        expected = [(e.id, e.writer) for e in world.open().entries(span)]
        assert [(e.id, e.writer) for e in Asked(world).found(span=span)] == expected


def test_a_clock_that_was_set_back_leaves_the_order_of_a_writer(world: World) -> None:
    ledger, other = world.open(), world.make_key("other")
    for number, (hours, key) in enumerate([(5, world.key), (2, other), (1, world.key), (3, other), (4, world.key)]):
        ledger.append(record(number), key, AT + timedelta(hours=hours))
        expected = [(e.seq, e.writer) for e in ledger.entries()]
        assert [(e.seq, e.writer) for e in Asked(world).found()] == expected


def test_digests_are_found_wherever_they_stand(world: World) -> None:
    made = [record(1), record(2, artifact="sha256:" + "b" * 64), record(3, artifact="sha512:" + "c" * 128)]
    entries = world.open().append_batch(made, world.key, AT)
    assert found(world, Filter(digests=("sha256:" + "b" * 64,))) == [2]
    assert found(world, Filter(digests=("bbbb",))) == [2]
    assert found(world, Filter(digests=("sha512:cccc",))) == [3]
    assert found(world, Filter(digests=("cccccc",))) == []
    assert found(world, Filter(digests=(made[0].pack_digest,))) == [3, 2, 1]
    assert found(world, Filter(digests=(entries[0].id[:10],))) == [1]
    with pytest.raises(InputError) as raised:
        found(world, Filter(digests=("bb",)))
    assert raised.value.diagnostics[0].message == "`--digest` is not a digest: `bb`"


def test_a_name_that_no_entry_holds_is_told_with_the_nearest(world: World) -> None:
    world.open().append(record(1, change={"author": "frank"}), world.key, AT)
    wanted = Filter(people=("frnk", "frank"), environments=("prod",), services=("pay",))

    def ask(index: Index) -> list[str]:
        return list(unknown(index, wanted))

    assert answer(str(world.path), world.open, ask, lambda done, total: None) == [
        "no entry names the service `pay`; there are none",
        "no entry names the environment `prod`; known: production",
        "no entry names the person `frnk`; did you mean `frank`?",
    ]


# It keeps up, and notices what was rewritten


def test_only_what_is_new_is_read_and_what_is_known_opens_nothing(world: World) -> None:
    world.append(1, 2, 3)
    for expected in [(3, 1), (0, 0)]:
        asked = Asked(world)
        assert len(asked.found()) == 3
        assert (asked.read, asked.opened) == expected
    world.append(4)
    asked = Asked(world)
    assert len(asked.found()) == 4
    assert (asked.read, asked.opened, asked.rewritten) == (1, 1, ())


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_rewritten_history_takes_the_place_of_the_old_one(world: World, is_packed: bool) -> None:
    entries = world.append(1, 2, 3)
    other = world.append(1, key=world.make_key("other"))
    assert len(Asked(world).found()) == 4
    world.git("update-ref", f"refs/heads/ledger/{entries[0].writer}", entries[1].commit)
    if is_packed:
        world.git("pack-refs", "--all")
    world.forget()
    world.append(7)
    asked = Asked(world)
    assert [e.id for e in asked.found()] == [e.id for e in world.open().entries()]
    assert asked.rewritten == (entries[0].writer,)
    assert Asked(world).found(Filter(digests=(entries[2].id,))) == []
    world.git("update-ref", "-d", f"refs/heads/ledger/{other[0].writer}")
    asked = Asked(world)
    assert len(asked.found()) == 3
    assert asked.rewritten == (other[0].writer,)
    grown = list(dump(world))
    throw_away(world)
    assert list(dump(world)) == grown


def test_a_ledger_made_anew_in_the_same_place_is_indexed_anew(world: World) -> None:
    world.append(1, 2)
    assert len(Asked(world).found()) == 2
    world.path.rename(world.folder / "old")
    world.forget()
    world.append(5)
    asked = Asked(world)
    assert [e.id for e in asked.found()] == [e.id for e in world.open().entries()]
    assert len(asked.rewritten) == 1
    (world.path / "HEAD").unlink()
    with pytest.raises(LedgerError):
        Asked(world).found()


def test_a_commit_that_is_no_entry_is_refused_and_leaves_the_index_as_it_was(world: World) -> None:
    world.append(1)
    Asked(world).found()
    before = list(dump(world))
    (ref,) = (world.path / "refs/heads/ledger").iterdir()
    tree = world.git("rev-parse", "HEAD^{tree}")
    author = ("-c", "user.name=eve", "-c", "user.email=eve@example.com")
    bad = world.git(*author, "commit-tree", tree, "-p", ref.read_text().strip(), "-m", "hello")
    good = ref.read_text()
    ref.write_text(bad + "\n")
    with pytest.raises(LedgerError) as raised:
        Asked(world).found()
    assert raised.value.diagnostics[0].code == "GC713"
    ref.write_text(good)
    assert list(dump(world)) == before


# Git's own files tell the newest commits, or nothing


def test_tips_are_git_s_own_however_refs_are_kept(world: World) -> None:
    path = str(world.path)
    assert read_tips(path) is None
    world.open()
    assert read_tips(path) == {}
    world.append(1)
    world.append(2, key=world.make_key("other"))
    loose = world.open().writers()
    assert read_tips(path) == loose
    world.git("pack-refs", "--all")
    assert read_tips(path) == loose
    world.append(3)
    assert read_tips(path) == world.open().writers() != loose
    first = next(iter(loose))
    lock = world.path / "refs/heads/ledger" / f"{first}.lock"
    lock.write_text("half")
    assert read_tips(path) == world.open().writers()
    lock.unlink()
    (world.path / "refs/heads/ledger" / first).write_text("ref: refs/heads/ledger/x\n")
    assert read_tips(path) is None


@pytest.mark.parametrize("name", ["reftable", "commondir"])
def test_tips_of_another_kind_of_repository_are_not_told(world: World, name: str) -> None:
    world.append(1)
    (world.path / name).mkdir()
    assert read_tips(str(world.path)) is None
    assert len(Asked(world).found()) == 1


# It is thrown away when it is of no use


def kept(world: World) -> Path:
    file = index_file(str(world.path))
    assert file is not None
    return Path(file)


@pytest.mark.parametrize("damage", ["text", "empty", "middle", "foreign", "half"])
def test_a_damaged_index_is_made_anew(world: World, damage: str) -> None:
    for number in range(1, 40):
        world.open().append(record(number, title="x" * 300), world.key, AT)
    before = list(dump(world))
    file = kept(world)
    raw = file.read_bytes()
    if damage == "foreign":
        file.unlink()
        with sqlite3.connect(file) as made:
            made.execute("CREATE TABLE x_tip(a)")
            made.execute(f"PRAGMA user_version = {VERSION}")
        made.close()
    else:
        middle = raw[:4096] + b"\xff" * (len(raw) - 4096)
        file.write_bytes(
            {"text": b"hello\n" * 2000, "empty": b"", "middle": middle, "half": raw[: len(raw) // 2]}[damage]
        )
    assert list(dump(world)) == before
    asked = Asked(world)
    assert (len(asked.found()), asked.unkept, asked.opened) == (39, "", 0)


def test_an_index_of_an_earlier_version_is_removed(world: World) -> None:
    world.append(1)
    file = kept(world)
    old = file.with_name(file.name.replace(f"ledger-{VERSION}-", "ledger-0-"))
    others = file.with_name("ledger-0-" + "f" * 24 + ".sqlite")
    old.write_text("old")
    others.write_text("another ledger's")
    Asked(world).found()
    assert (old.exists(), others.exists(), file.exists()) == (False, True, True)
    assert file.stat().st_mode & 0o777 == 0o600


def test_where_nothing_can_be_kept_it_is_made_in_memory(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.append(1)
    monkeypatch.setenv("GATECHECK_CACHE", "off")
    asked = Asked(world)
    assert len(asked.found()) == 1
    assert asked.unkept == "there is no cache folder of this user's own"
    monkeypatch.setenv("GATECHECK_CACHE", str(world.folder / "cache"))
    lock = Path(f"{kept(world)}.lock")
    lock.mkdir(parents=True)
    assert len(asked.found()) == 1
    assert asked.unkept == f"it can't be kept in {kept(world)}: is a directory"


def test_two_names_of_a_ledger_have_one_index(world: World) -> None:
    world.append(1)
    (world.folder / "link").symlink_to(world.path)
    assert index_file(str(world.folder / "link")) == index_file(str(world.path))
    assert index_file(str(world.folder / "other")) != index_file(str(world.path))


# Several processes at once


def test_processes_that_come_at_once_all_answer_and_one_index_is_left(world: World) -> None:
    for number in range(1, 30):
        world.append(number)
    code = "from gatecheck.__main__ import main; main()"
    command = [sys.executable, "-c", code, "ledger", "log", "-n", "0", "--ledger", str(world.path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "XDG_STATE_HOME": str(world.memory)}
    for is_damaged in (False, True):
        if is_damaged:
            kept(world).write_bytes(b"nonsense" * 1000)
        running = [
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(5)
        ]
        said = [process.communicate() for process in running]
        assert [(len(out.splitlines()), err) for out, err in said] == [(30, "")] * 5
    with sqlite3.connect(kept(world)) as index:
        assert index.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    index.close()


def dies(world: World, after: int) -> None:
    """Index in a process that is killed once it has read so many entries."""
    code = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from gatecheck.ledger import build\n"
        "from gatecheck.ledger.index import answer\n"
        "from gatecheck.ledger.ledger import open_ledger\n"
        "build._BATCH = 1\n"
        f"die = lambda done, total: done >= {after} and os.kill(os.getpid(), signal.SIGKILL)\n"
        f"path, memory = {str(world.path)!r}, Path({str(world.memory)!r})\n"
        "answer(path, lambda: open_ledger(Path(path), memory=memory), lambda index: None, die)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == -9


def test_a_process_that_died_while_it_indexed_is_no_harm(world: World) -> None:
    world.append(*range(1, 8))
    dies(world, after=5)
    assert kept(world).exists()
    assert found(world) == list(range(7, 0, -1))
    world.append(*range(8, 12))
    dies(world, after=2)
    assert found(world) == list(range(11, 0, -1))


@pytest.mark.soak
def test_processes_that_die_at_any_moment_are_no_harm(world: World) -> None:
    expected: list[int] = []
    for number in range(200):
        world.append(*range(number * 5, number * 5 + 5))
        expected = [*range(number * 5 + 5, number * 5, -1), *expected]
        dies(world, after=number % 5 + 1)
        assert found(world) == expected


def test_entries_that_come_meanwhile_are_there_whole_or_not_yet(world: World) -> None:
    world.append(100)
    with appending(world.folder, "other", 25) as process:
        counts = [len(found(world))]
        while process.poll() is None:
            seqs = found(world)
            assert seqs == list(range(len(seqs), 0, -1))
            counts.append(len(seqs))
    assert counts == sorted(counts)
    assert found(world) == list(range(26, 0, -1))


# What an entry says, however odd


def test_odd_statements_leave_what_the_trailers_say(world: World) -> None:
    (entry,) = world.append(1)
    raw = world.open().statement(entry)
    finding = b'"findings":[{"id":"a","rule":"b","kind":"c","status":"d","line":%b}]'
    for odd in (
        b"", b"[]", b"{", b"\xff", b'{"subject":[],"predicate":{}}', raw.replace(b'"allow"', b"7"),
        raw.replace(b'"findings":[]', b'"findings":[{"id":1}]'), b"[" * 100_000,
        raw.replace(b'"findings":[]', finding % b"1e99"), raw.replace(b'"findings":[]', finding % (b"9" * 30)),
        raw.replace(b'"findings":[]', finding % b"-1"), raw.replace(b'"payment-service"', b'"\\ud800"'),
    ):  # fmt: skip
        made = rows(entry, odd)
        assert made.entry[16] == ODD, odd[:80]
        assert (made.entry[5], made.decision, made.findings) == ("allow", None, ())
    assert rows(entry, raw).entry[16] == ""
    lying = rows(entry, raw.replace(b'"verdict":"allow"', b'"verdict":"deny"'))
    assert lying.entry[16] == "its trailers are not what its statement says"
    other = entry._replace(trailers={**entry.trailers, "Gatecheck-Kind": "novelty"})
    deep = b'{"subject":[{"name":"n","digest":{"sha256":"0"}}],"predicate":{"a":' + b"[" * 60 + b"]" * 60 + b"}}"
    assert rows(other, deep).entry[16] == ODD


def test_a_statement_that_is_missing_is_remarked(world: World) -> None:
    (entry,) = world.append(1)
    oid = world.git("rev-parse", f"{entry.commit}:statement.json")
    (world.path / "objects" / oid[:2] / oid[2:]).unlink()
    (item,) = Asked(world).found()
    assert (item.verdict, item.problem) == ("allow", f"its statement can't be read: git object {oid} is missing")
