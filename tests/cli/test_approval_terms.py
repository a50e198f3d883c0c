"""Approvals on terms, from the command line: signatures by ssh-keygen, recorded approvers, delegates."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cli_world import Done, World

from gatecheck.model.schema import load
from gatecheck.trust.approval import payload

DIGEST = "sha256:" + "9f" * 32
RULES = """
environment staging
environment production
group lead = alice, bob
rule staged for staging { approve by lead }
rule released for production { approve by lead TERMS }
"""


@pytest.fixture
def place(world: World, tmp_path: Path) -> World:
    world.here = tmp_path / "own"
    world.write("change.json", json.dumps(
        {"id": "1", "service": "s", "type": "feature", "author": "frank", "artifact": {"name": "s", "digest": DIGEST}}
    ))  # fmt: skip
    return world


def rules(world: World, terms: str) -> None:
    world.write("rules/r.gate", RULES.replace("TERMS", terms))


def approval(person: str, environment: str = "production", **more: Any) -> dict[str, Any]:
    said = {"approver": person, "stance": "approve", "at": "2026-11-23T09:00:00+01:00"}
    return {**said, "artifact": DIGEST, "environment": environment, **more}


def ask(world: World, environment: str, approvals: list[dict[str, Any]], *more: str, record: bool = False) -> Done:
    world.write("approvals.json", json.dumps(approvals))
    given = ["--rules", "rules", "--change", "change.json", "--approvals", "approvals.json", "-e", environment]
    run = world.evaluate if record else world.decide
    return run(*given, "--as-of", "2026-11-23T10:00:00+01:00", "--format", "json", *more)


def predicate(done: Done) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.out)["predicate"]
    return found


def refused(done: Done) -> list[tuple[str, str]]:
    return [(r["approver"], r["reason"]) for f in predicate(done)["findings"] for r in f.get("refused", ())]


def sign(
    world: World, stated: dict[str, Any], key: str = "key", namespace: str = "gatecheck-approval"
) -> dict[str, Any]:
    """Sign as a person would, and return the approval with its signature."""
    if not (world.here / key).exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], cwd=world.here, check=True)
    (read,) = load(json.dumps([stated]).encode(), "approvals", "approvals")
    world.write("payload.json", payload(read))
    command = ["ssh-keygen", "-Y", "sign", "-q", "-n", namespace, "-f", key]
    made = subprocess.run(command, cwd=world.here, input=payload(read), check=True, capture_output=True)
    return {**stated, "signature": made.stdout.decode()}


def trust(world: World, *lines: str) -> tuple[str, str]:
    named = (line.replace("KEY", (world.here / "key.pub").read_text().strip()) for line in lines)
    world.write("signers", "\n".join(named) + "\n")
    return "--trust", "signers"


# -- signatures


def test_an_approval_that_ssh_keygen_signed_counts(place: World) -> None:
    rules(place, "signed")
    given = [sign(place, approval("alice", comment="seen"))]
    trusted = trust(place, 'alice namespaces="gatecheck-approval" KEY')
    done = ask(place, "production", given, *trusted)
    assert (done.code, refused(done)) == (0, [])
    assert "trust" in predicate(done)["request"]["sources"]
    moved = {**approval("alice"), "artifact": DIGEST.replace("9f", "0b")}
    assert ask(place, "production", [sign(place, moved)], *trusted).code == 4


def test_who_is_not_trusted_signs_nothing(place: World) -> None:
    rules(place, "signed")
    stated = approval("alice")
    given = sign(place, stated)
    of_git = sign(place, stated, namespace="git")
    for approvals, line, why in (
        ([stated], "alice KEY", "is not signed"),
        ([given], "", "there is no trust file to tell whose signature it is"),
        ([given], "bob KEY", "it is signed by bob"),
        ([given], 'alice valid-before="20261122Z" KEY', "its key was trusted only before 2026-11-22T00:00:00Z"),
        ([{**given, "comment": "and more"}], "alice KEY", "the signature is of another approval"),
        ([of_git], "alice KEY", "the signature is for `git`, not for `gatecheck-approval`"),
    ):
        done = ask(place, "production", approvals, *(trust(place, line) if line else ()))
        assert (done.code, refused(done)) == (4, [("alice", why)])


def test_where_no_signature_is_asked_for_a_bad_one_does_no_harm(place: World) -> None:
    rules(place, "")
    assert ask(place, "production", [{**approval("alice"), "signature": "nonsense"}]).code == 0


@pytest.mark.parametrize("word", ["signer", "unsigned"])
def test_no_document_says_who_signed(place: World, word: str) -> None:
    rules(place, "signed")
    done = ask(place, "production", [{**approval("alice"), word: "alice"}])
    assert done.code == 2
    assert f"error[GC511]: `[0]` has no key `{word}`" in done.err


def test_a_recorded_decision_about_signed_approvals_replays(place: World) -> None:
    rules(place, "signed")
    given = [sign(place, approval("alice"))]
    assert ask(place, "production", given, *trust(place, "alice KEY"), record=True).code == 0
    assert place.run("replay").code == 0
    assert "1 entry" in place.verified()


# -- who approved elsewhere


def test_who_approved_is_read_off_the_ledger(place: World) -> None:
    rules(place, "excluding approvers of staging")
    unknown = ask(place, "production", [approval("alice")], record=True)
    assert [m["reason"] for m in predicate(unknown)["missing"]] == ["who approved it for staging is not known"]
    assert ask(place, "staging", [approval("alice", "staging")], record=True).code == 0
    done = ask(place, "production", [approval("alice")], record=True)
    assert (done.code, refused(done)) == (4, [("alice", "approved it for staging")])
    assert ask(place, "production", [approval("bob")], record=True).code == 0
    assert place.run("replay").code == 0


def test_who_approved_an_override_is_read_off_the_ledger(place: World) -> None:
    rules(place, "excluding approvers of staging")
    place.replace("rules/r.gate", "staging { approve by lead }", "staging { approve by other }")
    place.write("rules/o.gate", "group other = olga group boss = bob override now for staging { approve by boss }")
    overridden = ask(place, "staging", [approval("bob", "staging")], record=True)
    assert (overridden.code, predicate(overridden)["overridden"]) == (0, True)
    message = place.git("log", "-1", "--format=%B", "--branches=ledger/*", folder=place.ledger)
    assert message.startswith("ALLOW OVERRIDDEN ")
    assert "\nGatecheck-Override: now\n" in message
    assert ("bob", "approved it for staging") in refused(ask(place, "production", [approval("bob")], record=True))


# -- delegates


def test_a_delegate_stands_in_the_record_with_the_one_he_acts_for(place: World) -> None:
    rules(place, "")
    away = {"from": "2026-11-20T00:00:00Z", "to": "2026-11-30T00:00:00Z", "delegate": "dora-gh"}
    people = {"alice": {"away": [away]}, "dora": {"logins": ["dora-gh"]}}
    place.write("directory.json", json.dumps({"people": people}))
    done = ask(place, "production", [approval("Dora-GH")], "--directory", "directory.json")
    (finding,) = predicate(done)["findings"]
    assert finding["counted"] == [{"approver": "dora", "at": "2026-11-23T08:00:00Z", "for": "alice"}]
    text = ask(
        place, "production", [approval("dora")], "--directory", "directory.json", "--format", "text", "--explain"
    )
    assert "dora for alice" in text.out


def test_absences_that_overlap_are_refused(place: World) -> None:
    rules(place, "")
    spans = [
        {"from": "2026-11-20T00:00:00Z", "to": "2026-11-30T00:00:00Z", "delegate": "dora"},
        {"from": "2026-11-29T00:00:00Z", "to": "2026-12-01T00:00:00+01:00", "delegate": "bob"},
    ]
    place.write("directory.json", json.dumps({"people": {"alice": {"away": spans}}}))
    done = ask(place, "production", [], "--directory", "directory.json")
    assert (done.code, done.err) == (
        2,
        "error[GC522]: `alice` is away twice at once: 2026-11-20T00:00:00Z to 2026-11-30T00:00:00Z (`dora`), and "
        "2026-11-29T00:00:00Z to 2026-11-30T23:00:00Z (`bob`)\n"
        "   = hint: end one absence as the next begins, so that one person acts for her at a time\n",
    )
