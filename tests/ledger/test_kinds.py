"""Entries that are no decisions: what is recorded of them, how stock tools read it, and each way in which they lie."""

import json
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ledger_world import ARTIFACT, AT, World, record

from gatecheck.ledger.entry import Entry, chained, format_message, identity, signature_trailer, signed_commit
from gatecheck.ledger.kinds import Stated, read_said, stated
from gatecheck.ledger.owed import owed
from gatecheck.ledger.record import ClaimError
from gatecheck.ledger.verify import verify_entry
from gatecheck.model.canonical import canonical, digest
from gatecheck.model.fact import (
    AnnotationFact,
    ApprovalFact,
    DeploymentFact,
    Fact,
    KeyFact,
    ReviewFact,
    about_entry,
    about_trust,
)
from gatecheck.model.request import Artifact
from gatecheck.text.diagnostic import Diagnostic, LedgerError
from gatecheck.trust import dsse
from gatecheck.trust.dsse import open_envelope

PAY = Artifact("payment-service 2.14.0", ARTIFACT)
APPROVED = Fact(PAY, ApprovalFact("Alice", "approve", AT, "production", comment="fine\nby me"))
DEPLOYED = Fact(PAY, DeploymentFact("staging", AT, "ci", AT, to=AT + timedelta(hours=2), service="payment-service"))


def reviewed(entry: str, outcome: str = "accepted", at: int = 0) -> Fact:
    return about_entry(entry, ReviewFact("dora", AT + timedelta(hours=at), outcome))  # type: ignore[arg-type]


def noted(entry: str, text: str = "it was PR-7") -> Fact:
    return about_entry(entry, AnnotationFact("bob", AT, text))


def trusting(trust: bytes) -> Fact:
    return about_trust(KeyFact(digest(trust), "carol", AT, "we name who signs"))


def enter(world: World, *facts: Fact, trust: bytes = b"") -> list[Entry]:
    return world.open().append_batch([stated(fact, trust) for fact in facts], world.key, AT)


def found(world: World) -> list[tuple[str, int, str]]:
    return [(p.code, p.seq, p.what) for p in world.verify().problems]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_every_kind_is_entered_verified_and_read_back(world: World) -> None:
    (decision,) = world.append(1)
    trust = f'ci namespaces="git" {world.key.public_line}\n'.encode()
    facts = [APPROVED, DEPLOYED, reviewed(decision.id), noted(decision.id)]
    entries = [*enter(world, *facts), *enter(world, trusting(trust), trust=trust)]
    assert [(e.kind, e.seq, e.subject) for e in entries] == [
        ("approval", 2, "APPROVAL payment-service 2.14.0 production: Alice approves"),
        (
            "deployment", 3,
            "DEPLOYMENT payment-service 2.14.0 staging from 2026-11-23T10:00:00Z to 2026-11-23T12:00:00Z",
        ),
        ("review", 4, f"REVIEW of {decision.id[:12]}: dora accepts"),
        ("annotation", 5, f"ANNOTATION of {decision.id[:12]} by bob"),
        ("key", 6, "KEY trust changed by carol: we name who signs"),
    ]  # fmt: skip
    search = ("Artifact", "Environment", "Service", "Person", "Entry")
    assert [{n: e.trailers[f"Gatecheck-{n}"] for n in search if f"Gatecheck-{n}" in e.trailers} for e in entries] == [
        {"Artifact": ARTIFACT, "Environment": "production", "Person": "Alice"},
        {"Artifact": ARTIFACT, "Environment": "staging", "Service": "payment-service", "Person": "ci"},
        {"Entry": decision.id, "Person": "dora"},
        {"Entry": decision.id, "Person": "bob"},
        {"Person": "carol"},
    ]
    ledger = world.open()
    for entry, fact in zip(entries, [*facts, trusting(trust)], strict=True):
        assert read_said(ledger.statement(entry), entry.kind).fact == fact
        assert open_envelope(ledger.envelope(entry), world.key.public) == fact.statement()
        assert verify_entry(ledger, entry) == ()
    assert ledger.file(entries[4], "trust") == trust
    assert found(world) == []
    assert world.fsck() == ""


def test_what_stock_tools_see(world: World) -> None:
    (entry,) = enter(world, APPROVED)
    raw = world.git_bytes("cat-file", "blob", f"{entry.commit}:statement.json")
    assert subprocess.run(["sha256sum"], input=raw, capture_output=True, check=True).stdout[:64].decode() == entry.id
    assert json.loads(raw) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "payment-service 2.14.0", "digest": {"sha256": "a" * 64}}],
        "predicateType": "urn:gatecheck:approval:v1",
        "predicate": {
            "approver": "Alice", "stance": "approve", "at": "2026-11-23T10:00:00Z", "environment": "production",
            "comment": "fine\nby me",
        },
    }  # fmt: skip
    signers = world.folder / "signers"
    signers.write_text(f"ci {world.key.public_line}\n")
    config = ("-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={signers}")
    world.git(*config, "verify-commit", entry.commit)
    listed = world.git("ls-tree", "--name-only", entry.commit)
    assert listed == "statement.json"


def test_the_same_statement_is_entered_once_and_batches_whole_or_not_at_all(world: World) -> None:
    (first,) = enter(world, APPROVED)
    again, other = enter(world, APPROVED, DEPLOYED)
    assert (again, other.seq) == (first, 2)
    with pytest.raises(LedgerError):
        world.open().append_batch([stated(noted(first.id)), stated(noted("9" * 64))], world.key, AT)
    assert [e.seq for e in world.open().entries()] == [2, 1]


def test_decisions_and_their_commits_are_as_they_were(world: World) -> None:
    (decision,) = world.append(1)
    assert list(decision.trailers) == [
        *("Gatecheck-Kind", "Gatecheck-Artifact", "Gatecheck-Environment", "Gatecheck-Verdict", "Gatecheck-Pack"),
        *("Gatecheck-Seq", "Gatecheck-Id", "Gatecheck-Statement", "Gatecheck-Chain", "Gatecheck-Sig"),
    ]


# What can't be entered


def refused(world: World, given: Stated) -> str:
    with pytest.raises(LedgerError) as raised:
        world.open().append(given, world.key, AT)
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.code == "GC717"
    assert [entry.seq for entry in world.open().entries() if entry.kind != "decision"] == []
    return diagnostic.message.removeprefix("this record can't be entered: ")


def test_a_statement_about_an_entry_that_is_not_there(world: World) -> None:
    world.append(1)
    missing = f"it is about the entry {'9' * 12}, which the ledger does not hold"
    assert refused(world, stated(noted("9" * 64))) == missing
    assert refused(world, stated(reviewed("9" * 64))) == missing


def test_a_change_of_trust_holds_the_file_that_it_names_and_nothing_else_holds_one(world: World) -> None:
    assert refused(world, stated(trusting(b"x"), b"y")) == (
        "the trust file does not have the digest that the statement gives"
    )
    assert refused(world, stated(APPROVED, b"y")) == "only a change of trust comes with a trust file"


def changed(fact: Fact, **parts: object) -> bytes:
    return canonical(json.loads(fact.statement()) | parts)


@pytest.mark.parametrize(
    ("kind", "statement", "why"),
    [
        ("deployment", APPROVED.statement(), "it is not a statement of type `urn:gatecheck:deployment:v1`"),
        ("approval", changed(APPROVED, subject=[]), "its subject is not one name with one digest"),
        ("approval", changed(APPROVED, subject=[{"name": "x", "digest": {"md5": "0" * 32}}]),
         "its subject is not one name with one digest"),
        ("approval", changed(APPROVED, more=1), "it is not an in-toto statement"),
        ("approval", changed(APPROVED, predicate={}), "Object missing required field `approver`"),
        ("annotation", changed(noted("9" * 64), subject=[{"name": "x", "digest": {"sha256": "9" * 64}}]),
         "its subject is not the `entry` of a SHA-256"),
        ("key", changed(trusting(b"x"), subject=[{"name": "trust", "digest": {"sha256": "9" * 64}}]),
         "its subject is another trust file than the one that it names"),
    ],
)  # fmt: skip
def test_a_statement_of_another_form(world: World, kind: str, statement: bytes, why: str) -> None:
    assert refused(world, Stated(kind, statement)) == f"the statement does not fit its form: {why}"


def test_an_instant_without_an_offset_or_a_stranger_of_a_key() -> None:
    data = json.loads(APPROVED.statement())
    for name, value in (("at", "2026-11-23T10:00:00"), ("at", "2026-11-23 10:00:00Z"), ("when", "now")):
        data["predicate"] = json.loads(APPROVED.statement())["predicate"] | {name: value}
        with pytest.raises(ClaimError):
            read_said(canonical(data), "approval")


# What verifying finds


def forged(world: World, fact: Fact, *, words: str = "", signs: bytes = b"", **more: str) -> None:
    """Let the key's own holder enter a commit whose message says more than was signed."""
    tip = world.open().newest()[0]
    raw = fact.statement()
    said = read_said(raw, fact.kind)
    statement = digest(raw)
    trailers = {"Gatecheck-Kind": fact.kind, **said.trailers, **{f"Gatecheck-{n}": text for n, text in more.items()}}
    trailers |= identity(tip.seq + 1, statement, chained(tip.chain, statement))
    trailers |= signature_trailer(world.key, dsse.sign(world.key, signs or raw))
    tree = world.open().store.write_record({"statement.json": raw}, {})
    commit = signed_commit(tree, tip.commit, AT, format_message(words or said.words, trailers), world.key)
    oid = world.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=commit)
    world.git("update-ref", f"refs/heads/ledger/{tip.writer}", oid)


def test_a_message_can_say_nothing_that_was_not_signed(world: World) -> None:
    (first,) = world.append(1)
    forged(world, noted(first.id))
    assert found(world) == []
    forged(world, noted(first.id, "and"), Artifact=ARTIFACT, Verdict="allow", Environment="production")
    names = ("Artifact", "Environment", "Verdict")
    assert found(world) == [
        ("GC730", 3, f"the trailer `Gatecheck-{name}` is not what the statement says") for name in names
    ]
    assert [e.seq for e in world.open().allowed(ARTIFACT, "production")] == [1]
    assert world.open().about(ARTIFACT, None, lambda entry: entry.kind == "annotation") == []


def test_a_first_line_that_was_not_signed(world: World) -> None:
    world.append(1)
    forged(world, APPROVED, words="APPROVAL payment-service: bob approves")
    assert found(world) == [("GC730", 2, "the commit's first line is not what the statement says")]


def test_an_approval_whose_person_was_changed_in_the_message(world: World) -> None:
    world.append(1)
    forged(world, APPROVED, Person="bob")
    assert found(world) == [("GC730", 2, "the trailer `Gatecheck-Person` is not what the statement says")]


def test_a_statement_that_its_key_did_not_sign(world: World) -> None:
    world.append(1)
    forged(world, APPROVED, signs=DEPLOYED.statement())
    assert found(world) == [("GC725", 2, f"the statement's signature is not by {world.key.fingerprint}")]


def test_a_note_on_an_entry_that_the_ledger_does_not_hold(world: World) -> None:
    world.append(1)
    forged(world, noted("9" * 64))
    assert found(world) == [("GC732", 2, f"it is about the entry {'9' * 12}, which the ledger does not hold")]


def test_a_review_of_what_is_no_decision(world: World) -> None:
    (approval,) = enter(world, APPROVED)
    enter(world, reviewed(approval.id))
    assert found(world) == [("GC732", 2, f"it reviews the entry {approval.id[:12]}, which is no decision")]


def test_a_note_may_be_by_another_writer_than_what_it_is_about(world: World) -> None:
    (entry,) = world.append(1)
    world.open().append(stated(noted(entry.id)), world.make_key("other"), AT)
    assert found(world) == []


def test_an_unknown_kind_is_a_problem(world: World) -> None:
    (entry,) = world.append(1)
    trailers = dict(entry.trailers) | {"Gatecheck-Kind": "wish"}
    raw = signed_commit(entry.tree, entry.parent, AT, format_message(entry.subject, trailers), world.key)
    oid = world.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw)
    world.git("update-ref", f"refs/heads/ledger/{entry.writer}", oid)
    world.forget()
    assert found(world) == [("GC730", 1, "its kind `wish` is not known")]


# Reviews that are owed


OVERRIDDEN: dict[str, Any] = {
    "overridden": True,
    "override": {"name": "emergency"},
    "change": {"service": "payment-service", "id": "PR-1"},
    "review": {"groups": ["tech-lead"], "due": "2026-11-24T10:00:00Z"},
}


def test_only_overrides_owe_a_review_and_any_outcome_settles_it(world: World) -> None:
    ledger = world.open()
    plain = ledger.append(record(1), world.key, AT)
    first = ledger.append(record(2, **OVERRIDDEN), world.key, AT)
    second = ledger.append(record(3, **OVERRIDDEN, as_of="2026-11-23T11:00:00+01:00"), world.key, AT)
    later = AT + timedelta(days=9)
    assert [(o.entry, o.review) for o in owed(ledger, later)] == [(first.id, None), (second.id, None)]
    enter(world, noted(first.id), reviewed(plain.id))
    assert [o.review for o in owed(ledger, later)] == [None, None]
    enter(world, reviewed(first.id, "rejected", at=30), reviewed(first.id, "accepted", at=20))
    (one, two) = owed(ledger, later)
    assert one.review is not None
    assert (one.review.outcome, one.review.reviewer, two.review) == ("accepted", "dora", None)
    # As of an instant at which nobody had reviewed it, and before it was decided.
    assert [o.review for o in owed(ledger, AT + timedelta(hours=19))] == [None, None]
    assert owed(ledger, AT - timedelta(hours=2)) == []


def test_a_review_by_a_signer_who_is_not_trusted_settles_nothing(world: World) -> None:
    from gatecheck.trust.signers import only

    ledger = world.open()
    entry = ledger.append(record(2, **OVERRIDDEN), world.key, AT)
    stranger = world.make_key("stranger")
    ledger.append(stated(reviewed(entry.id)), stranger, AT)
    later = AT + timedelta(days=1)
    assert [o.review is None for o in owed(ledger, later)] == [False]
    assert [o.review is None for o in owed(ledger, later, only(world.key.public, "own key"))] == [True]
    assert owed(ledger, later, only(stranger.public, "theirs")) == []


def test_the_error_names_the_entry(world: World) -> None:
    world.append(1)
    forged(world, noted("9" * 64))
    (problem,) = world.verify().problems
    what = f"it is about the entry {'9' * 12}, which the ledger does not hold"
    place = f"entry {problem.id[:12]} (#2 of ledger/{problem.writer})"
    assert problem.diagnostic() == Diagnostic("GC732", what, file=place)


def test_entries_of_a_writer_keep_their_order_when_its_clock_goes_back(world: World) -> None:
    ledger = world.open()
    facts = [Fact(PAY, DeploymentFact("staging", AT, "ci", AT + timedelta(minutes=n))) for n in range(4)]
    hours = (5, 1, 3, 6)
    made = [
        ledger.append(stated(fact), world.key, AT + timedelta(hours=h)) for fact, h in zip(facts, hours, strict=True)
    ]
    other = Fact(PAY, DeploymentFact("staging", AT, "other", AT))
    theirs = ledger.append(stated(other), world.make_key("other"), AT + timedelta(hours=5, minutes=1))
    found = ledger.about(ARTIFACT, None, lambda entry: True)
    assert [entry.id for entry in found] == [e.id for e in (*made[:3], theirs, made[3])]
