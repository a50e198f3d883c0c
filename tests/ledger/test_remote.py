"""Push and pull between machines, through real git servers: nothing is lost or overwritten, and failures are told."""

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from ledger_world import World
from remote_world import (
    git_daemon,
    http_server,
    ids,
    machine,
    make_bare,
    pull,
    push,
    pushing,
    refs,
    set_ref,
)

from gatecheck.cli.ledger import command
from gatecheck.ledger.entry import format_message, signed_commit, writer_of
from gatecheck.ledger.transport import Git
from gatecheck.text.diagnostic import Diagnostic, InputError, LedgerError


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return make_bare(tmp_path / "server.git")


@pytest.fixture
def one(tmp_path: Path) -> World:
    return machine(tmp_path / "one")


@pytest.fixture
def two(tmp_path: Path) -> World:
    return machine(tmp_path / "two")


def run(world: World, *arguments: str) -> Result:
    arguments = (arguments[0], "--ledger", str(world.path), *arguments[1:])
    return CliRunner().invoke(
        command,
        arguments,
        env={"XDG_STATE_HOME": str(world.folder / "xdg"), "XDG_CONFIG_HOME": str(world.folder / "xdg")},
    )


def told(result: Result) -> tuple[Diagnostic, ...]:
    assert isinstance(result.exception, LedgerError | InputError)
    return result.exception.diagnostics


def writer(world: World) -> str:
    return writer_of(world.key.public)


def known_at(world: World, ref: str) -> str:
    """Return when the log of a ref's notes was last written, as messages give it."""
    (name,) = world.git("for-each-ref", "--format=%(refname)", f"refs/gatecheck/*/{ref}").split()
    found = world.git("reflog", "show", "-1", "--format=%gd", "--date=format:%Y-%m-%dT%H:%M:%SZ", name)
    return found.partition("@{")[2].rstrip("}")


# Machines converge


@pytest.mark.parametrize("kind", ["path", "http", "daemon"])
def test_two_machines_that_both_recorded_offline_converge(
    tmp_path: Path, bare: Path, one: World, two: World, kind: str
) -> None:
    first, second = one.append(1, 2), two.append(3, 4, 5)
    with http_server(tmp_path) as http, git_daemon(tmp_path) as daemon:
        url = {"path": str(bare), "http": f"{http}/server.git", "daemon": f"{daemon}/server.git"}[kind]
        assert [tuple(p) for p in push(one, url).pushed] == [(writer(one), 1, 2)]
        assert pull(two, url).taken[0].is_new
        assert [tuple(p) for p in push(two, url).pushed] == [(writer(two), 1, 3)]
        assert [tuple(t.entries) for t in pull(one, url).taken] == [(writer(two), 1, 3)]
        assert pull(one, url).taken == ()
        assert push(one, url).pushed == ()
    everything = {entry.id for entry in first + second}
    assert ids(one) == ids(two) == everything
    assert one.verify().problems == two.verify().problems == ()
    assert one.git("for-each-ref", "refs/heads/") == two.git("for-each-ref", "refs/heads/")
    assert refs(bare).keys() == {f"refs/heads/{k}/{writer(w)}" for k in ("ledger", "checkpoints") for w in (one, two)}
    assert one.fsck() == two.fsck() == ""


def test_the_commands_say_what_went_where(bare: Path, one: World, two: World) -> None:
    one.append(1, 2)
    one.git("remote", "add", "origin", str(bare))
    two.open()
    two.git("remote", "add", "backup", str(bare))
    assert run(one, "push").stdout == f"pushed 2 entries of ledger/{writer(one)} to origin: #1 to #2\n"
    assert run(one, "push").stdout == "origin has every entry that is here\n"
    assert run(two, "pull").stdout == (
        f"pulled 2 entries of ledger/{writer(one)} from backup: #1 to #2, "
        f"signed by {one.key.fingerprint}, a new writer\n"
    )
    assert run(two, "pull", "backup").stdout == "backup has nothing new\n"
    one.append(3)
    assert run(one, "push").stdout == f"pushed 1 entry of ledger/{writer(one)} to origin: #3\n"
    assert run(two, "push").stderr == "backup has entries that are not here; `gatecheck ledger pull` takes them\n"
    assert run(two, "pull").stdout == (
        f"pulled 1 entry of ledger/{writer(one)} from backup: #3, signed by {one.key.fingerprint}\n"
    )


@pytest.mark.parametrize("is_named", [True, False])
def test_a_checkpoint_is_signed_before_the_push(bare: Path, one: World, is_named: bool) -> None:
    one.append(1, 2)
    if is_named:
        result = run(one, "push", str(bare), "--key", str(one.folder / "key"))
    else:
        (one.folder / "xdg" / "gatecheck").mkdir(parents=True)
        (one.folder / "key").rename(one.folder / "xdg" / "gatecheck" / "id_ed25519")
        result = run(one, "push", str(bare))
    assert result.exception is None
    marks = f"refs/heads/checkpoints/{writer(one)}"
    assert one.git("log", "-1", "--format=%s", marks) == f"CHECKPOINT ledger/{writer(one)} up to #2"
    assert refs(bare)[marks] == one.git("rev-parse", marks)


def test_a_mirror_of_a_ledger_never_has_its_refs_forced_by_its_own_configuration(bare: Path, one: World) -> None:
    """``git clone --mirror`` configures a fetch that overwrites every ref."""
    one.append(1, 2)
    push(one, str(bare))
    one.git("remote", "add", "--mirror=fetch", "origin", str(bare))
    one.git("config", "remote.origin.mirror", "true")
    ahead = one.append(3)
    assert pull(one, "origin").taken == ()
    assert ids(one) >= {ahead[0].id}
    assert [tuple(p) for p in push(one, "origin").pushed] == [(writer(one), 3, 3)]


def test_what_another_pushed_of_a_third_is_relayed(tmp_path: Path, bare: Path, one: World, two: World) -> None:
    one.append(1)
    push(one, str(bare))
    pull(two, str(bare))
    other = make_bare(tmp_path / "other.git")
    assert [tuple(p) for p in push(two, str(other)).pushed] == [(writer(one), 1, 1)]


def test_a_ref_that_another_moved_forward_in_the_meantime_is_no_failure(bare: Path, one: World, two: World) -> None:
    one.append(1)
    ref = f"refs/heads/ledger/{writer(one)}"
    first = make_bare(two.folder / "first.git")
    push(one, str(first))
    pull(two, str(first))
    one.append(2)
    hook = two.path / "hooks" / "pre-push"  # git runs it once it knows what the remote has
    hook.parent.mkdir(exist_ok=True)
    late = f"env -u GIT_DIR git --git-dir={one.path} push -q {bare} {ref}"
    hook.write_text(f"#!/bin/sh\ntest -e {two.folder}/done && exit\ntouch {two.folder}/done\n{late}\n")
    hook.chmod(0o755)
    outcome = push(two, str(bare))
    assert (two.folder / "done").exists()
    assert outcome.problems == ()
    assert refs(bare)[ref] == one.git("rev-parse", ref)


@pytest.mark.parametrize(("clones", "pushes"), [(3, 3), pytest.param(4, 200, marks=pytest.mark.soak)])
def test_clones_that_push_at_once_lose_nothing(tmp_path: Path, bare: Path, clones: int, pushes: int) -> None:
    with http_server(tmp_path) as http:
        url = f"{http}/server.git"
        worlds = [machine(tmp_path / f"clone{number}") for number in range(clones)]
        running = [pushing(world.folder, url, pushes) for world in worlds]
        acknowledged = [line for child in running for line in child.communicate()[0].split()]
        assert [child.returncode for child in running] == [0] * clones
        reader = machine(tmp_path / "reader")
        assert pull(reader, url).problems == ()
    assert len(set(acknowledged)) == len(acknowledged) == clones * pushes
    assert ids(reader) == set(acknowledged)
    assert reader.verify().problems == ()


# What was moved back, rewritten, or written twice


def test_a_remote_that_was_rewound_is_reported_and_left_alone(bare: Path, one: World, two: World) -> None:
    one.append(1, 2, 3)
    push(one, str(bare))
    pull(two, str(bare))
    ref = f"ledger/{writer(one)}"
    tip, back = one.git("rev-parse", ref), one.git("rev-parse", f"{ref}~2")
    set_ref(bare, f"refs/heads/{ref}", back)
    held = refs(bare)
    for world in (one, two):
        message = (
            f"`{bare}` was rewound: it had {ref} up to #3 at {known_at(world, ref)}, signed by {one.key.fingerprint}, "
            "and ends with #1 now; #2 to #3 are missing there"
        )
        again = f"git -C {world.path} push {bare} {tip}:refs/heads/{ref}"
        hint = f"what it had is still here; find out who moved it back, then `{again}` restores it"
        expected = (Diagnostic("GC755", message, file=str(bare), hint=hint),)
        assert told(run(world, "pull", str(bare))) == expected
        assert told(run(world, "push", str(bare))) == expected
        assert refs(bare) == held
    one.git("push", "-q", str(bare), f"{tip}:refs/heads/{ref}")  # the mend that the hint names
    assert run(one, "push", str(bare)).exception is None


def test_a_remote_that_lost_a_writer_is_reported(bare: Path, one: World) -> None:
    one.append(1)
    push(one, str(bare))
    pull(one, str(bare))
    ref = f"ledger/{writer(one)}"
    set_ref(bare, f"refs/heads/{ref}", "")
    message = f"`{bare}` was rewound: it had {ref} up to #1 at {known_at(one, ref)}, and has nothing of it now"
    found = told(run(one, "push", str(bare)))
    assert [(d.code, d.message) for d in found] == [("GC755", message)]
    assert f"refs/heads/{ref}" not in refs(bare)


def test_a_remote_that_was_rewritten_is_reported(tmp_path: Path, bare: Path, one: World, two: World) -> None:
    one.append(1, 2, 3)
    push(one, str(bare))
    pull(two, str(bare))
    forger = machine(tmp_path / "forger")
    one.git("clone", "-q", "--mirror", str(one.path), str(forger.path))
    ref = f"ledger/{writer(one)}"
    forger.git("update-ref", f"refs/heads/{ref}", one.git("rev-parse", f"{ref}~2"))
    forger.git("update-ref", "-d", f"refs/heads/checkpoints/{writer(one)}")
    forger.append(7, 8, 9, key=one.key)
    forger.git("--git-dir", str(bare), "config", "receive.denyNonFastForwards", "false")
    forger.git("push", "-q", "--force", str(bare), f"refs/heads/{ref}:refs/heads/{ref}")
    message = (
        f"`{bare}` was rewritten: it had {ref} up to #3 at {known_at(two, ref)}, signed by {one.key.fingerprint}; "
        f"they are the same up to #1, and it has #2 to #4 now, signed by {one.key.fingerprint}, in place of #2 to #3"
    )
    before = ids(two)
    assert [(d.code, d.message) for d in told(run(two, "pull", str(bare)))] == [("GC756", message)]
    assert ids(two) == before


def test_one_key_on_two_machines_is_told_and_nothing_is_overwritten(
    tmp_path: Path, bare: Path, one: World, two: World
) -> None:
    one.append(1)
    push(one, str(bare))
    pull(two, str(bare))
    there = one.append(2, 3)
    push(one, str(bare))
    here = two.append(4, key=one.key)
    ref = f"ledger/{writer(one)}"
    message = (
        f"two copies of this ledger wrote {ref} with one key: they are the same up to #1; then come #2 here, and "
        f"#2 to #3 at `{bare}`, signed by {one.key.fingerprint}"
    )
    hint = "a key belongs to one copy of a ledger; nothing was overwritten, and docs/ledger.md says how to mend it"
    held = refs(bare)
    for name in ("pull", "push"):
        assert told(run(two, name, str(bare))) == (Diagnostic("GC757", message, file=str(bare), hint=hint),)
    assert refs(bare) == held
    assert ids(two) == {here[0].id, *(e.id for e in two.open().entries("..1"))}
    # The mend of docs/ledger.md: what this copy wrote is kept at the remote under another name, and a new copy begins.
    two.git("push", "-q", str(bare), f"{ref}:refs/heads/forked/laptop")
    two.path.rename(tmp_path / "two" / "forked")
    two.forget()
    pull(two, str(bare))
    two.append(4)
    push(two, str(bare))
    pull(one, str(bare))
    assert ids(one) == ids(two)
    assert {entry.id for entry in there} | {here[0].id} <= ids(one)


def test_a_copy_that_was_cut_is_mended_by_a_pull(bare: Path, one: World, two: World) -> None:
    one.append(1, 2)
    push(one, str(bare))
    pull(two, str(bare))
    two.git("update-ref", f"refs/heads/ledger/{writer(one)}", f"ledger/{writer(one)}~1")
    assert [tuple(t.entries) for t in pull(two, str(bare)).taken] == [(writer(one), 2, 2)]
    assert two.verify().problems == ()


def test_another_history_than_was_seen_is_not_taken_even_into_an_empty_copy(
    tmp_path: Path, bare: Path, one: World, two: World
) -> None:
    seen = one.append(1, 2)[1]
    push(one, str(bare))
    pull(two, str(bare))
    two.path.rename(tmp_path / "two" / "aside")  # so that only this machine's memory is left of it
    forger = machine(tmp_path / "forger")
    forger.append(7, 8, 9, key=one.key)
    other = make_bare(tmp_path / "other.git")
    push(forger, str(other))
    (problem,) = [d for d in pull(two, str(other)).problems if d.code == "GC714"]
    assert problem.message == (
        f"the history was rewritten: entry {seen.id[:12]} (#2 of ledger/{writer(one)}), "
        "which this machine has seen, is no longer in it"
    )
    assert ids(two) == set()


# What arrives is verified


def test_entries_that_are_not_good_are_not_taken_and_the_others_are(bare: Path, one: World, two: World) -> None:
    first = one.append(1)
    push(one, str(bare))
    pull(two, str(bare))
    one.append(2)
    ref = f"refs/heads/ledger/{writer(one)}"
    forged = one.git(
        "-c",
        "user.name=x",
        "-c",
        "user.email=x@example.com",
        "commit-tree",
        "-p",
        ref,
        "-m",
        "ALLOW all",
        f"{ref}^{{tree}}",
    )
    one.git("update-ref", ref, forged)
    other = one.append(5, key=one.make_key("other"))
    one.git("push", "-q", str(bare), "refs/heads/*:refs/heads/*")
    result = run(two, "pull", str(bare))
    where = f"what `{bare}` has of the writer {writer(one)} is not good, and nothing of it was taken"
    hint = "find out who pushed it; what is here is as it was"
    assert told(result)[0] == Diagnostic("GC758", where, file=str(bare), hint=hint)
    assert [d.code for d in told(result)[1:]] == ["GC730"]
    assert ids(two) == {first[0].id, other[0].id}
    assert two.verify().problems == ()


def test_an_entry_that_was_dropped_on_the_way_is_missed(bare: Path, one: World, two: World) -> None:
    """Every entry that arrives is good, and signed by its writer: only its place is not."""
    first = one.append(1)[0]
    push(one, str(bare))
    pull(two, str(bare))
    last = one.append(2, 3)[1]
    message = format_message(last.subject, last.trailers)
    skipping = one.open().store.write_commit(signed_commit(last.tree, first.commit, last.at, message, one.key))
    one.git("push", "-q", str(bare), f"{skipping}:refs/heads/ledger/{writer(one)}")
    found = told(run(two, "pull", str(bare)))
    place = f"entry {last.id[:12]} (#3 of ledger/{writer(one)})"
    assert found[1:] == (
        Diagnostic("GC723", "its number is 3, but 2 comes next", file=place),
        Diagnostic("GC724", f"its chain value does not follow from entry {first.id[:12]} before it", file=place),
    )
    assert ids(two) == {first.id}


def test_a_trust_file_says_whose_entries_are_taken(bare: Path, one: World, two: World) -> None:
    one.append(1)
    push(one, str(bare))
    signers = two.folder / "signers"
    signers.write_text(f"release {two.key.public_line}\n")
    two.open()
    result = run(two, "pull", str(bare), "--trust", str(signers))
    assert {d.code for d in told(result)} == {"GC758", "GC727", "GC741"}
    assert ids(two) == set()
    signers.write_text(f"release {one.key.public_line}\n")
    assert run(two, "pull", str(bare), "--trust", str(signers)).exception is None
    assert len(ids(two)) == 1


def test_a_cut_remote_is_told_by_its_checkpoint_to_who_sees_it_first(bare: Path, one: World, two: World) -> None:
    one.append(1, 2)
    run(one, "push", str(bare), "--key", str(one.folder / "key"))
    ref = f"ledger/{writer(one)}"
    set_ref(bare, f"refs/heads/{ref}", one.git("rev-parse", f"{ref}~1"))
    two.open()
    assert [d.code for d in told(run(two, "pull", str(bare)))] == ["GC758", "GC743"]
    assert ids(two) == set()


def test_what_is_pulled_is_remembered(bare: Path, one: World, two: World) -> None:
    one.append(1, 2)
    push(one, str(bare))
    pull(two, str(bare))
    two.git("update-ref", f"refs/heads/ledger/{writer(one)}", f"ledger/{writer(one)}~1")
    assert {p.code for p in two.verify().problems} >= {"GC714"}


# A remote that refuses, hangs, or is not there


def test_a_hook_that_refuses_is_quoted_and_a_later_push_is_whole(bare: Path, one: World) -> None:
    one.append(1)
    hook = bare / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'the audit store is frozen' >&2\nexit 1\n")
    hook.chmod(0o755)
    message = f"`{bare}` refused ledger/{writer(one)} up to #1: (pre-receive hook declined): the audit store is frozen"
    hint = "nothing is lost, and it is safe to push again once the remote takes it"
    assert told(run(one, "push", str(bare))) == (Diagnostic("GC754", message, file=str(bare), hint=hint),)
    assert refs(bare) == {}
    hook.unlink()
    assert run(one, "push", str(bare)).exception is None
    assert len(refs(bare)) == 2


def test_a_remote_that_hangs_is_given_up_after_the_timeout(one: World) -> None:
    one.append(1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/ledger.git"
        for name in ("push", "pull"):
            result = run(one, name, url, "--timeout", "0.3")
            message = f"`{url}` did not answer within 0.3 seconds"
            hint = "try again, it is safe; `--timeout` allows more"
            assert told(result) == (Diagnostic("GC752", message, file=str(one.path), hint=hint),)


def test_a_push_that_is_given_up_half_way_leaves_the_next_one_whole(bare: Path, one: World) -> None:
    one.append(1)
    hook = bare / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexec sleep 60\n")
    hook.chmod(0o755)
    assert [d.code for d in told(run(one, "push", str(bare), "--timeout", "1"))] == ["GC752"]
    assert refs(bare) == {}
    hook.unlink()
    assert run(one, "push", str(bare)).exception is None
    assert len(refs(bare)) == 2


def test_appends_go_on_while_a_push_waits_for_the_remote(one: World) -> None:
    one.append(1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/ledger.git"
        waiting = pushing(one.folder, url, 1)
        try:
            silent.settimeout(60)
            held, _ = silent.accept()  # git is waiting for an answer now
            with held:
                assert len(one.append(2, 3)) == 2
        finally:
            waiting.kill()
            waiting.communicate()


def test_credentials_are_never_asked_for_and_never_shown(tmp_path: Path, one: World) -> None:
    one.append(1)
    with http_server(tmp_path, 401) as http:
        (found,) = told(run(one, "push", f"{http}/ledger.git"))
        message = f"`{http}/ledger.git` denies access: could not read Username for '{http}': terminal prompts disabled"
        assert (found.code, found.message) == ("GC753", message)
        (found,) = told(run(one, "pull", f"{http.replace('//', '//me:secret@')}/ledger.git"))
        message = f"`{http}/ledger.git` denies access: Authentication failed for '{http}/ledger.git/'"
        assert (found.code, found.message, found.file) == ("GC753", message, f"{http}/ledger.git")


def test_a_remote_that_is_not_there(tmp_path: Path, bare: Path, one: World) -> None:
    one.append(1)
    nowhere = tmp_path / "nowhere.git"
    (found,) = told(run(one, "push", str(nowhere)))
    message = f"there is no repository at `{nowhere}`: '{nowhere}' does not appear to be a git repository; "
    assert found.code == "GC751"
    assert found.message.startswith(message)
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/ledger.git"
    (found,) = told(run(one, "pull", url))
    assert found.code == "GC751"
    assert found.message.startswith(f"`{url}` can't be reached: unable to access '{url}/': Failed to connect to ")
    with http_server(tmp_path) as http:
        (found,) = told(run(one, "pull", f"{http}/none.git"))
        message = f"there is no repository at `{http}/none.git`: repository '{http}/none.git/' not found"
        assert (found.code, found.message) == ("GC751", message)


def test_a_remote_must_be_named_where_none_is_the_only_one(bare: Path, one: World) -> None:
    one.append(1)
    (found,) = told(run(one, "push"))
    hint = f"name one, or `git -C {one.path} remote add origin URL`"
    assert found == Diagnostic("GC750", "the ledger has no remote, and none is named", file=str(one.path), hint=hint)
    one.git("remote", "add", "a", str(bare))
    one.git("remote", "add", "b", str(bare))
    (found,) = told(run(one, "push"))
    assert (found.code, found.message) == ("GC750", "there are 2 remotes, and none is named")
    for name in ("c", "--upload-pack=/bin/x"):
        (found,) = told(run(one, "pull", "--", name))
        expected = Diagnostic(
            "GC750", f"there is no remote `{name}`", file=str(one.path),
            hint="configured are `a`, `b`; or write a URL or a path",
        )  # fmt: skip
        assert found == expected
    one.git("remote", "add", "origin", str(bare))
    assert run(one, "push").exception is None


def test_ssh_never_asks(tmp_path: Path, one: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ssh of our own writes down how git called it, and hangs up."""
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/called\nexit 255\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    one.append(1)
    (found,) = told(run(one, "push", "audit@git.example.com:ledger.git"))
    message = "`audit@git.example.com:ledger.git` can't be reached: Could not read from remote repository"
    assert (found.code, found.message) == ("GC751", message)
    called = (tmp_path / "called").read_text()
    assert "-o BatchMode=yes" in called
    assert "git-upload-pack 'ledger.git'" in called


def test_a_lock_that_a_killed_pull_left_is_no_hindrance(bare: Path, one: World, two: World) -> None:
    one.append(1)
    push(one, str(bare))
    two.open()
    left = two.path / "refs/remotes" / _name(two, bare) / "ledger" / f"{writer(one)}.lock"
    left.parent.mkdir(parents=True)
    left.touch()
    assert len(pull(two, str(bare)).taken) == 1


def _name(world: World, bare: Path) -> str:
    from gatecheck.ledger.transport import find_remote

    return find_remote(Git(world.path, 10), str(bare)).name


def test_every_help_text_has_examples() -> None:
    for name in ("push", "pull"):
        assert f"Examples:\n    gatecheck ledger {name}\n" in CliRunner().invoke(command, [name, "--help"]).stdout
