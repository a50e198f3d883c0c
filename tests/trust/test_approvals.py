"""Signed approvals, with real ssh-keygen: what is signed, whose signature counts, and why others do not."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gatecheck.gate import with_signers
from gatecheck.model.request import Approval, Artifact, Change, Directory, DirectoryPerson, Request
from gatecheck.trust import sshsig
from gatecheck.trust.approval import NAMESPACE, payload, signer
from gatecheck.trust.key import SigningKey, load_or_make_key
from gatecheck.trust.signers import parse_signers

DIGEST, OTHER = "sha256:" + "9f" * 32, "sha256:" + "0b" * 32
APPROVAL = Approval(
    "alice", "approve", datetime(2026, 11, 23, 9, tzinfo=UTC), DIGEST, "production", comment="fïne\nby me"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("approvals")


@pytest.fixture(scope="module")
def key(place: Path) -> SigningKey:
    return load_or_make_key(place / "alice")[0]


@pytest.fixture(scope="module")
def other(place: Path) -> SigningKey:
    return load_or_make_key(place / "bob")[0]


@pytest.fixture(scope="module")
def signed(place: Path, key: SigningKey) -> Approval:
    """The approval with a signature that ssh-keygen made over the payload, as a file."""
    (place / "approval.json").write_bytes(payload(APPROVAL))
    subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-q", "-n", NAMESPACE, "-f", key_file(place), "approval.json"],
        cwd=place,
        check=True,
    )
    return replace(APPROVAL, signature=(place / "approval.json.sig").read_text())


def key_file(place: Path) -> str:
    return str(place / "alice")


def verified(approval: Approval, trust: str, *names: str) -> tuple[str, str]:
    return signer(approval, names or (approval.approver,), parse_signers(trust, "trust"))


def test_what_is_signed_is_the_approval_as_canonical_json() -> None:
    at = datetime.fromisoformat("2026-11-23T10:00:00+01:00")
    assert payload(replace(APPROVAL, approver="Alice", at=at, signature="x", signer="y", unsigned="z")) == (
        b'{"approver":"alice","artifact":"' + DIGEST.encode() + b'","at":"2026-11-23T09:00:00Z",'
        b'"comment":"f\xc3\xafne\\nby me","environment":"production","stance":"approve",'
        b'"type":"urn:gatecheck:approval:v1"}'
    )
    assert b'"source":"https://git.example.com/1"' in payload(replace(APPROVAL, source="https://git.example.com/1"))


def test_ssh_keygen_signs_and_verifies_the_payload(place: Path, key: SigningKey, signed: Approval) -> None:
    (place / "signers").write_text(f'alice namespaces="{NAMESPACE}" {key.public_line}\n')
    assert verified(signed, (place / "signers").read_text()) == ("alice", "")
    command = ["ssh-keygen", "-Y", "verify", "-n", NAMESPACE, "-I", "alice", "-f", "signers", "-s", "approval.json.sig"]
    assert subprocess.run(command, cwd=place, input=payload(signed), capture_output=True).returncode == 0
    changed = payload(replace(signed, environment="staging"))
    assert subprocess.run(command, cwd=place, input=changed, capture_output=True).returncode != 0


@pytest.mark.parametrize(
    "change",
    [
        {"approver": "bob"}, {"stance": "reject"}, {"at": datetime(2026, 11, 23, 9, 0, 0, 1, tzinfo=UTC)},
        {"artifact": OTHER}, {"environment": "staging"}, {"comment": "fine"}, {"source": "https://git.example.com/1"},
    ],
)  # fmt: skip
def test_a_signature_serves_for_nothing_else(signed: Approval, key: SigningKey, change: dict[str, Any]) -> None:
    trust = f"alice {key.public_line}\nbob {key.public_line}\n"
    assert verified(signed, trust) == ("alice", "")
    assert verified(replace(signed, **change), trust) == ("", "the signature is of another approval")


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_no_flipped_bit_of_it_counts(data: st.DataObject, key: SigningKey, signed: Approval) -> None:
    from gatecheck.trust.openssh import armour, disarm

    raw = bytearray(disarm("SSH SIGNATURE", signed.signature))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    found, why = verified(replace(signed, signature=armour("SSH SIGNATURE", bytes(raw))), f"alice {key.public_line}\n")
    assert (found, bool(why)) == ("", True)


@pytest.mark.parametrize(
    "text", ["", "x", "-----BEGIN SSH SIGNATURE-----\n\n-----END SSH SIGNATURE-----", "\x00" * 4000]
)
def test_what_is_no_signature_says_so(key: SigningKey, text: str) -> None:
    found, why = verified(replace(APPROVAL, signature=text), f"alice {key.public_line}\n")
    assert found == ""
    assert why.startswith("the signature can't be read: ")


def test_a_signature_for_another_purpose_does_not_count(key: SigningKey) -> None:
    for namespace in ("git", "file", "gatecheck-evidence"):
        made = replace(APPROVAL, signature=sshsig.sign(key, payload(APPROVAL), namespace))
        why = f"the signature is for `{namespace}`, not for `{NAMESPACE}`"
        assert verified(made, f"alice {key.public_line}\n") == ("", why)


def test_the_trust_file_says_whose_key_it_is_for_what_and_when(
    key: SigningKey, other: SigningKey, signed: Approval
) -> None:
    line = key.public_line
    for trust, why in (
        (f"alice {other.public_line}", f"the trust file does not name the key {key.fingerprint}"),
        (f"bob {line}", "it is signed by bob"),
        (f'alice namespaces="git" {line}', "its key is trusted for `git`, not for `gatecheck-approval`"),
        (f'alice valid-before="20261123085959Z" {line}', "its key was trusted only before 2026-11-23T08:59:59Z"),
        (f'alice valid-after="20261123090001Z" {line}', "its key is trusted only after 2026-11-23T09:00:01Z"),
    ):
        assert verified(signed, f"{trust}\nzoe {other.public_line}\n") == ("", why)
    assert verified(signed, f'alice valid-before="20261123090000Z",namespaces="gatecheck-*" {line}\n') == ("alice", "")


@pytest.mark.parametrize("pattern", ["*", "a*", "alic?", "!bob,*", "!bob,alice", "*,alice"])
def test_a_pattern_names_no_person(key: SigningKey, other: SigningKey, signed: Approval, pattern: str) -> None:
    trust = f"{pattern} {key.public_line}\nzoe {other.public_line}\n"
    assert verified(signed, trust) == ("", f"the trust file does not name the key {key.fingerprint}")


def test_a_person_signs_under_any_name_that_the_directory_knows(key: SigningKey) -> None:
    stated = replace(APPROVAL, approver="Alice-GH")
    made = replace(APPROVAL, signature=sshsig.sign(key, payload(stated), NAMESPACE))
    people = {"alice": DirectoryPerson(["alice-gh", "alice@example.com"])}
    change = Change("1", "s", "feature", "frank", Artifact("s", DIGEST))
    request = Request(change, "production", "2026-11-23T10:00:00Z", approvals=[made], directory=Directory({}, people))
    trust = parse_signers(f"Alice@Example.com {key.public_line}\n", "trust")
    assert [(a.signer, a.unsigned) for a in with_signers(request, trust).approvals] == [("alice", "")]
    unknown = with_signers(replace(request, directory=Directory()), trust)
    assert [(a.signer, a.unsigned) for a in unknown.approvals] == [("", "the signature is of another approval")]
    again = with_signers(with_signers(request, trust), None)
    assert [(a.signer, a.unsigned) for a in again.approvals] == [
        ("", "there is no trust file to tell whose signature it is")
    ]
