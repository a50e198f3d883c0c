"""Facts from the command line to later decisions: recorded, shown, counted once, corrected, and replayed."""

import json
import subprocess
from typing import Any

import pytest
from cli_world import Done, World

DIGEST = "sha256:" + "9f" * 32
CHANGE = {
    "id": "PR-1", "service": "pay", "type": "feature", "author": "frank", "labels": ["incident"],
    "artifact": {"name": "pay 1.0", "digest": DIGEST},
}  # fmt: skip
RULES = """
environment staging
environment production after staging
group lead = alice, bob
gate unit from junit { pass when failures == 0 }
risk low {
  otherwise low
}
rule staged for staging { approve automatically }
rule released for production {
  approve by lead
  require soak(staging) >= 24h
}
override emergency "Break the glass" for production {
  when "incident" in change.labels
  approve by 2 lead
  review by lead within 24h
  because "outages cost more"
}
"""
NOW = ("--as-of", "2026-11-23T10:00:00Z")
ARTIFACT = ("--artifact", f"pay 1.0@{DIGEST}")


@pytest.fixture
def place(world: World) -> World:
    world.here = world.root / "own"
    world.write("change.json", json.dumps(CHANGE))
    world.write("rules/r.gate", RULES)
    world.write("gatecheck.yaml", "rules: rules\nchange: change.json\nenvironment: production\n")
    return world


def ask(world: World, *more: str) -> tuple[int, dict[str, Any]]:
    done = world.evaluate(*NOW, "--format", "json", *more)
    assert done.err == "" or done.err.startswith("made a signing key in ")
    return done.code, json.loads(done.out)["predicate"]


def recorded(done: Done) -> str:
    """Return the short id that a command told."""
    assert done.code == 0, done.err
    word, name, rest = done.out.split(maxsplit=2)
    assert (word, rest.partition(", signed by SHA256:")[0]) == ("recorded", "in .gatecheck/ledger")
    return name


def fact(world: World, kind: str, *more: str, by: str = "ci") -> str:
    return recorded(world.run("record", kind, "--by", by, *more))


def stay(world: World, *more: str) -> str:
    start = ("--from", "2026-11-22T06:00:00Z", "--verified-at", "2026-11-22T06:05:00Z")
    return fact(world, "deployment", "-e", "staging", *start, *more)


def verdicts(world: World) -> dict[str, str]:
    return {f["id"]: f["status"] for f in ask(world)[1]["findings"]}


def test_recorded_facts_decide_without_any_file(place: World) -> None:
    code, before = ask(place)
    assert (code, before["request"]["sources"].keys()) == (4, {"change"})
    deployed = stay(place)
    approved = fact(place, "approval", "--at", "2026-11-23T09:00:00Z", by="alice")
    code, after = ask(place)
    assert (code, after["verdict"]) == (0, "allow")
    sources = after["request"]["sources"]
    assert sources.keys() == {"change", f"deployment-{deployed}", f"approval-{approved}"}
    for name in (deployed, approved):
        entry = json.loads(place.run("ledger", "log", "--format", "json").out)
        assert f"sha256:{next(e['id'] for e in entry if e['id'].startswith(name))}" in sources.values()
    assert place.decide(*NOW).code == 4  # without the ledger there is nothing
    assert place.run("replay").out.startswith("replayed 2 decisions: all the same bytes\n")
    assert place.run("ledger", "verify").code == 0
    assert place.run("explain", *NOW).code == 0


def test_what_a_file_says_too_is_counted_once_and_leaves_the_request_as_it_was(place: World) -> None:
    said = {"approver": "alice", "stance": "approve", "at": "2026-11-23T10:00:00+01:00", "environment": "production"}
    place.write("approvals.json", json.dumps([{**said, "artifact": DIGEST}]))
    _, alone = ask(place, "--approvals", "approvals.json")
    fact(place, "approval", "--at", "2026-11-23T09:00:00Z", by="alice")
    _, both = ask(place, "--approvals", "approvals.json")
    assert both == alone
    assert [c["approver"] for f in both["findings"] for c in f.get("counted", ())] == ["alice"]


def test_a_withdrawal_and_a_rejection_count_as_well(place: World) -> None:
    stay(place)
    fact(place, "approval", "--at", "2026-11-23T08:00:00Z", by="alice")
    assert ask(place)[0] == 0
    fact(place, "approval", "--stance", "withdraw", "--at", "2026-11-23T08:30:00Z", by="alice")
    assert ask(place)[0] == 4
    fact(place, "approval", "--at", "2026-11-23T08:00:00Z", *ARTIFACT, by="bob")
    assert ask(place)[0] == 0


def test_a_later_deployment_entry_corrects_an_earlier_one(place: World) -> None:
    fact(place, "approval", "--at", "2026-11-23T09:00:00Z", by="alice")
    stay(place)
    assert ask(place)[0] == 0
    stay(place, "--to", "2026-11-22T07:00:00Z")  # it was taken back after an hour
    assert ask(place)[0] == 4
    stay(place)
    assert ask(place)[0] == 0
    other = ("--artifact", f"pay 1.0@{DIGEST.replace('9f', '0b')}")
    stay(place, "--to", "2026-11-22T07:00:00Z", *other)  # another artifact's stay
    assert ask(place)[0] == 0


def test_only_entries_of_trusted_signers_count(place: World) -> None:
    ask(place)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "bot"], cwd=place.here, check=True)
    stay(place, "--key", "bot")
    fact(place, "approval", "--at", "2026-11-23T09:00:00Z", "--key", "bot", by="alice")
    assert ask(place)[0] == 4
    own, bot = (file.read_text() for file in (place.key.with_suffix(".pub"), place.here / "bot.pub"))
    place.write("signers", f'ci namespaces="git" {own}bot namespaces="git" {bot}')
    assert ask(place, "--trust", "signers")[0] == 0
    place.write("signers", f'ci namespaces="git" {own}bot namespaces="gatecheck-approval" {bot}')
    assert ask(place, "--trust", "signers")[0] == 4


def test_who_approved_for_another_environment_by_the_ledger_may_be_excluded(place: World) -> None:
    place.write("rules/r.gate", RULES.replace("approve by lead\n", "approve by lead excluding approvers of staging\n"))
    place.write("change.json", json.dumps({**CHANGE, "labels": []}))
    ask(place)
    stay(place)
    fact(place, "approval", "-e", "staging", "--at", "2026-11-22T05:00:00Z", by="alice")
    fact(place, "approval", "--at", "2026-11-23T09:00:00Z", by="alice")
    code, said = ask(place)
    refused = [(r["approver"], r["reason"]) for f in said["findings"] for r in f.get("refused", ())]
    assert (code, refused[-1]) == (4, ("alice", "approved it for staging"))
    fact(place, "approval", "--at", "2026-11-23T09:00:00Z", by="bob")
    assert ask(place)[0] == 0


def test_reviews_and_annotations_change_no_decision(place: World) -> None:
    stay(place)
    fact(place, "approval", "--at", "2026-11-23T09:00:00Z", by="alice")
    before = ask(place)
    name = place.run("ledger", "log", "-n", "1").out.split()[6]
    noted = recorded(place.run("record", "annotation", name, "artifact: allow production", "--by", "frank"))
    place.run("record", "annotation", noted, "and a note on a note", "--by", "frank")
    assert ask(place) == before
    shown = place.run("ledger", "show", name).out.splitlines()[-1]
    assert shown.startswith(f"  noted        {noted}  20")
    assert shown.endswith(f"Z  ANNOTATION of {name} by frank")


# -- signed approvals


def payload(at: str, person: str = "alice") -> bytes:
    said = {"type": "urn:gatecheck:approval:v1", "approver": person, "stance": "approve", "at": at}
    said |= {"artifact": DIGEST, "environment": "production"}
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def sign(world: World, raw: bytes) -> None:
    if not (world.here / "hers").exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "hers"], cwd=world.here, check=True)
    command = ["ssh-keygen", "-Y", "sign", "-q", "-n", "gatecheck-approval", "-f", "hers"]
    made = subprocess.run(command, cwd=world.here, input=raw, check=True, capture_output=True)
    world.write("alice.sig", made.stdout)


def test_a_recorded_approval_that_ssh_keygen_signed_counts_as_signed(place: World) -> None:
    place.write("rules/r.gate", RULES.replace("approve by lead\n", "approve by lead signed\n"))
    place.write("change.json", json.dumps({**CHANGE, "labels": []}))
    ask(place)
    stay(place)
    at = "2026-11-23T09:00:00Z"
    fact(place, "approval", "--at", at, by="bob")
    sign(place, payload(at))
    hers = (place.here / "hers.pub").read_text()
    own = place.key.with_suffix(".pub").read_text()
    place.write("signers", f'ci namespaces="git" {own}alice namespaces="gatecheck-approval" {hers}')
    given = ("--at", at, "--signature", "alice.sig", "--trust", "signers")
    name = fact(place, "approval", *given, by="alice")
    assert "  principal    alice\n" in place.run("ledger", "show", name).out
    code, said = ask(place, "--trust", "signers")
    assert (code, [c["approver"] for f in said["findings"] for c in f.get("counted", ())]) == (0, ["alice"])
    assert "trust" in said["request"]["sources"]
    code, said = ask(place)  # nobody says whose signature it is
    why = "there is no trust file to tell whose signature it is"
    refused = {r["approver"]: r["reason"] for f in said["findings"] for r in f.get("refused", ())}
    assert (code, refused) == (4, {"alice": why, "bob": "is not signed"})
    assert place.run("replay").out.startswith("replayed 3 decisions: all the same bytes\n")


def test_a_signature_of_something_else_is_not_recorded(place: World) -> None:
    at = "2026-11-23T09:00:00Z"
    sign(place, payload(at, "mallory"))
    hint = f"   = hint: what is signed is, without a final line end: {payload(at).decode()}\n"
    done = place.run("record", "approval", "--by", "alice", "--at", at, "--signature", "alice.sig")
    message = "error[GC735]: the signature is not of this approval\n  --> alice.sig\n"
    assert done == Done(2, "", message + hint)
    place.write("alice.sig", "nonsense")
    assert place.run("record", "approval", "--by", "alice", "--at", at, "--signature", "alice.sig").err.startswith(
        "error[GC735]: the signature can't be read: "
    )
    sign(place, payload(at))
    place.write("signers", "bob " + (place.here / "hers.pub").read_text())
    given = ("--at", at, "--signature", "alice.sig", "--trust", "signers")
    assert place.run("record", "approval", "--by", "alice", *given) == Done(
        2, "", "error[GC735]: the approval is not signed by `alice`: it is signed by bob\n"
        "  --> alice.sig\n   = hint: see `--trust`\n",
    )  # fmt: skip
    assert not place.ledger.exists()


# -- reviews that are owed


def test_an_override_owes_a_review_until_there_is_one(place: World) -> None:
    for person in ("alice", "bob"):
        fact(place, "approval", "--at", "2026-11-23T09:00:00Z", by=person)
    code, said = ask(place)
    assert (code, said["overridden"]) == (0, True)
    name = place.run("ledger", "log", "-n", "1").out.split()[6]
    head = f"{name}  pay -> production  PR-1, by the override emergency\n"
    due = "before 2026-11-24T10:00:00Z"
    assert place.run("ledger", "owed", "--as-of", "2026-11-23T12:30:00Z").out == (
        f"{head}  owed by lead for 2 hours 30 minutes, due in 21 hours 30 minutes: {due}\n1 review owed\n"
    )
    late = ("--as-of", "2026-11-25T11:00:00Z")
    assert place.run("ledger", "owed", *late).out == (
        f"{head}  owed by lead for 2 days 1 hour, overdue by 1 day 1 hour: {due}\n1 review owed, 1 overdue\n"
    )
    (data,) = json.loads(place.run("ledger", "owed", *late, "--format", "json").out)
    assert (data["groups"], data["overdue"], data["age_seconds"]) == (["lead"], True, 49 * 3600)
    given = ("--outcome", "rejected", "--at", "2026-11-24T11:00:00Z", "--comment", "there was no outage")
    review = recorded(place.run("record", "review", name, "--by", "bob", *given))
    assert place.run("ledger", "owed", *late).out == "no reviews owed\n"
    assert place.run("ledger", "owed", "--all", *late).out == (
        f"{head}  rejected by bob on 2026-11-24T11:00:00Z, 1 hour late, in entry {review}\nno reviews owed\n"
    )
    assert place.run("ledger", "verify").code == 0


def test_a_review_is_of_what_owes_one(place: World) -> None:
    assert ask(place)[0] == 4
    entry = place.run("ledger", "log", "-n", "1").out.split()[6]
    hint = "`gatecheck ledger owed` lists those that do; `gatecheck record annotation` says something of any entry"
    assert place.run("record", "review", entry, "--by", "bob", "--outcome", "accepted") == Done(
        2, "", f"error[GC733]: the entry {entry} owes no review\n   = hint: {hint}\n"
    )


# -- what can't be said


@pytest.mark.parametrize(
    ("command", "code", "message", "hint"),
    [
        (("approval", "--by", "alice "), "GC734", "`--by` can't be `alice `",
         "who states it: an id, login or mail address that a directory may map to a person"),
        (("approval", "--by", "alice", "-e", "a b"), "GC734", "`--environment` can't be `a b`",
         "the environment that it is about"),
        (("deployment", "--by", "ci", "--service", " x"), "GC734", "`--service` can't be ` x`",
         "what was deployed, by its service's name"),
        (("deployment", "--by", "ci", "--from", "2026-11-22T06:00:00Z", "--to", "2026-11-22T06:00:00Z"), "GC734",
         "`--to` is before the stay begins, 2026-11-22T06:00:00Z", "give `--from` as well"),
        (("deployment", "--by", "ci", "--from", "2026-11-22T06:00:00Z", "--verified-at", "2026-11-22T05:00:00Z"),
         "GC734", "`--verified-at` is before the stay begins, 2026-11-22T06:00:00Z", "give `--from` as well"),
        (("approval", "--by", "alice", "--no-config"), "GC801", "`--change` is missing",
         "name the change document, or the artifact with `--artifact NAME@DIGEST`, or set `change` in gatecheck.yaml"),
        (("approval", "--by", "alice", "--no-config", *ARTIFACT), "GC801", "`--environment` is missing",
         "say where to, as `-e production`, or set `environment` in gatecheck.yaml"),
        (("approval", "--by", "alice", "--artifact", DIGEST), "GC861", f"the artifact `{DIGEST}` has no name",
         f"write `NAME@{DIGEST}`"),
    ],
)  # fmt: skip
def test_what_cannot_be_said(place: World, command: tuple[str, ...], code: str, message: str, hint: str) -> None:
    assert place.run("record", *command) == Done(2, "", f"error[{code}]: {message}\n   = hint: {hint}\n")
    assert not place.ledger.exists()


# -- trust


def test_the_trust_changes_from_here_on(place: World) -> None:
    ask(place)
    nobody = "each writer is trusted by its own first entry; nobody has changed that\n"
    assert place.run("ledger", "trust").out == nobody
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", "new"], cwd=place.here, check=True)
    line = f'ci namespaces="git" {(place.here / "new.pub").read_text().strip()}'
    place.write("signers", line + "\n")
    done = place.run("ledger", "trust", "signers", "--by", "carol", "--because", "a new key for ci")
    name = recorded(done)
    assert done.err.endswith(" is not in signers: it was its last entry\n")
    assert place.run("ledger", "trust").out == f"{name}  KEY trust changed by carol: a new key for ci\n  {line}\n"
    refused = place.evaluate(*NOW)
    assert (refused.code, refused.out, refused.err.startswith("error[GC791]: the key SHA256:")) == (6, "", True)
    assert place.evaluate(*NOW, "--key", "new").code == 4
    assert place.run("ledger", "verify").code == 0
    assert place.run("ledger", "show", name, "--file", "trust").out == line + "\n"
    assert place.run("replay").out.startswith("replayed 2 decisions: all the same bytes\n")


def test_a_trust_file_by_which_nobody_could_enter_anything(place: World) -> None:
    ask(place)
    public = place.key.with_suffix(".pub").read_text()
    change = ("ledger", "trust", "signers", "--by", "carol", "--because", "none")
    for options in ('namespaces="file"', 'valid-before="20200101Z"'):
        place.write("signers", f"ci {options} {public}")
        hint = 'at least one line must allow `namespaces="git"`, and not be over'
        assert place.run(*change) == Done(
            2, "", "error[GC792]: nobody could enter anything any more by this file\n"
            f"  --> signers\n   = hint: {hint}\n",
        )  # fmt: skip
    assert place.run("ledger", "trust", "signers").err.startswith("error[GC801]: `--by` is missing\n")
