"""Signatures of evidence: made and verified by stock ssh-keygen, and refused with the reason where anything is off."""

import os
import socket
import subprocess
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatecheck.evidence.signed import NAMESPACE, Asked, signed
from gatecheck.model.canonical import digest
from gatecheck.model.request import Evidence
from gatecheck.trust.openssh import disarm
from gatecheck.trust.signers import parse_signers

AS_OF = datetime(2026, 11, 23, 10, tzinfo=UTC)
PRODUCED = datetime(2026, 11, 20, 10, tzinfo=UTC)
CONTENT = b'{"availability": 0.9995}\n'


class Desk:
    """A file of evidence, keys, and what signs and verifies with them."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "slo.json"
        self.file.write_bytes(CONTENT)
        self.folder = folder
        for name in ("ci", "mallory"):
            self.keygen("-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name))

    def keygen(self, *args: str, stdin: bytes = b"") -> int:
        return subprocess.run(["ssh-keygen", *args], input=stdin, capture_output=True, cwd=self.folder).returncode

    def sign(self, key: str = "ci", namespace: str = NAMESPACE) -> Path:
        beside = self.file.with_name("slo.json.sig")
        beside.unlink(missing_ok=True)
        assert self.keygen("-Y", "sign", "-q", "-n", namespace, "-f", key, str(self.file)) == 0
        return beside

    def line(self, who: str = "ci", options: str = "", key: str = "ci") -> str:
        return f"{who} {options} {(self.folder / f'{key}.pub').read_text()}"

    def stock_verifies(self, trust: str, who: str = "ci", at: datetime = AS_OF) -> bool:
        (self.folder / "trust").write_text(trust)
        command = ("-Y", "verify", "-n", NAMESPACE, "-I", who, "-f", "trust", "-s", "slo.json.sig")
        return self.keygen(*command, "-O", f"verify-time={at:%Y%m%d%H%M%SZ}", stdin=self.file.read_bytes()) == 0

    def verified(self, trust: str | None, *names: str, produced_at: datetime | None = None) -> tuple[list[str], str]:
        raw = self.file.read_bytes()
        evidence = Evidence(kind="slo", fields={}, raw=digest(raw), produced_at=produced_at)
        asked = Asked({}, None if trust is None else parse_signers(trust, "trust"), AS_OF)
        made = signed(evidence, raw, str(self.file), names or ("ci",), asked)
        return made.signers, made.unsigned


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk with a good signature, for tests that change nothing of it for good."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.sign()
    return desk


@pytest.mark.parametrize(("who", "asked"), [
    ("ci", "ci"), ("release,ci", "ci"), ("*@example.com", "ci@example.com"), ('"ci bot"', "ci bot"), ("c?", "ci"),
])  # fmt: skip
def test_a_signature_of_ssh_keygen_counts_for_whom_the_trust_file_names(kept: Desk, who: str, asked: str) -> None:
    trust = kept.line(who, f'namespaces="{NAMESPACE}"')
    assert kept.stock_verifies(trust, asked)
    assert kept.verified(trust, asked, "somebody") == ([asked], "")


@pytest.mark.parametrize(("who", "asked", "shown"), [
    ("bob", "ci", "bob"), ("CI", "ci", "CI"), ("*,!ci", "ci", "!ci or *"), ("[c]i", "ci", "[c]i"),
])  # fmt: skip
def test_a_signature_of_somebody_else_does_not_count(kept: Desk, who: str, asked: str, shown: str) -> None:
    trust = kept.line(who)
    assert not kept.stock_verifies(trust, asked)
    assert kept.verified(trust, asked) == ([], f"it is signed by {shown}")


def test_without_a_signature_or_a_trust_file_nothing_is_signed(desk: Desk) -> None:
    assert desk.verified(desk.line()) == ([], "")
    desk.sign()
    assert desk.verified(None) == ([], "there is no trust file to tell whose signature it is")


def test_a_key_that_the_trust_file_does_not_name(desk: Desk) -> None:
    desk.sign("mallory")
    fingerprint = parse_signers(desk.line(key="mallory"), "").signers[0].key.fingerprint
    assert not desk.stock_verifies(desk.line())
    assert desk.verified(desk.line()) == ([], f"the trust file does not name the key {fingerprint}")


def test_a_signature_for_another_purpose(desk: Desk) -> None:
    desk.sign(namespace="git")
    assert not desk.stock_verifies(desk.line())
    assert desk.verified(desk.line()) == ([], "the signature is for `git`, not for `gatecheck-evidence`")


def test_a_key_that_is_trusted_for_another_purpose(kept: Desk) -> None:
    trust = kept.line(options='namespaces="git"')
    assert not kept.stock_verifies(trust)
    assert kept.verified(trust) == ([], "its key is trusted for `git`, not for `gatecheck-evidence`")


@pytest.mark.parametrize(("options", "produced_at", "why"), [
    ('valid-before="20261122Z"', None, "its key was trusted only before 2026-11-22T00:00:00Z"),
    ('valid-before="20261122Z"', PRODUCED, ""),
    ('valid-after="20261122Z"', None, ""),
    ('valid-after="20261122Z"', PRODUCED, "its key is trusted only after 2026-11-22T00:00:00Z"),
])  # fmt: skip
def test_a_key_must_be_trusted_when_the_evidence_was_produced_else_as_of_the_decision(
    kept: Desk, options: str, produced_at: datetime | None, why: str
) -> None:
    trust = kept.line(options=options)
    assert kept.stock_verifies(trust, at=produced_at or AS_OF) == (not why)
    assert kept.verified(trust, produced_at=produced_at) == ([] if why else ["ci"], why)


def test_two_lines_of_one_key_each_speak_for_their_own(kept: Desk) -> None:
    trust = kept.line("ci", 'valid-before="20250101Z"') + kept.line("release")
    assert kept.verified(trust, "ci", "release") == (["release"], "")
    assert kept.verified(trust, "ci") == ([], "its key was trusted only before 2025-01-01T00:00:00Z")


@pytest.mark.parametrize(("content", "why"), [
    (b"", "the signature can't be read: it has no `-----BEGIN SSH SIGNATURE-----` and `-----END SSH SIGNATURE-----` "
          "around it"),
    (b"-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n",
     "the signature can't be read: it is cut short"),
    (b"\xff" * 65_537, "the signature can't be read"),
])  # fmt: skip
def test_what_is_no_signature(desk: Desk, content: bytes, why: str) -> None:
    desk.file.with_name("slo.json.sig").write_bytes(content)
    found, said = desk.verified(desk.line())
    assert (found, said) == ([], why)


def test_a_dead_link_in_the_place_of_a_signature(desk: Desk) -> None:
    desk.file.with_name("slo.json.sig").symlink_to("nowhere")
    assert desk.verified(desk.line()) == ([], "the signature can't be read")


@pytest.mark.parametrize("kind", ["folder", "pipe", "link to a pipe", "socket", "device"])
def test_what_is_no_file_is_not_read_as_a_signature(desk: Desk, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.folder)  # the name of a socket must be short
    beside = Path("slo.json.sig")
    if kind == "folder":
        beside.mkdir()
    elif kind == "pipe":
        os.mkfifo(beside)
    elif kind == "link to a pipe":
        os.mkfifo("pipe")
        beside.symlink_to("pipe")
    elif kind == "device":
        beside.symlink_to("/dev/zero")
    else:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(beside))
    assert desk.verified(desk.line()) == ([], "`slo.json.sig` is not a file that a signature could stand in")


def test_a_link_to_a_signature_is_one(desk: Desk) -> None:
    beside = desk.sign()
    beside.rename(desk.folder / "elsewhere")
    beside.symlink_to("elsewhere")
    assert desk.verified(desk.line()) == (["ci"], "")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_flipped_bit_of_the_evidence_is_signed(kept: Desk, data: st.DataObject) -> None:
    bit = data.draw(st.integers(0, len(CONTENT) * 8 - 1))
    changed = bytearray(CONTENT)
    changed[bit // 8] ^= 1 << bit % 8
    kept.file.write_bytes(changed)
    try:
        assert kept.verified(kept.line()) == ([], "the signature is of another file")
    finally:
        kept.file.write_bytes(CONTENT)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_flipped_bit_of_a_signature_counts(kept: Desk, data: st.DataObject) -> None:
    beside = kept.file.with_name("slo.json.sig")
    armoured = beside.read_bytes()
    if data.draw(st.booleans()):  # of the text, which may still say the same
        changed = bytearray(armoured)
        changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    else:  # of what it says
        body = bytearray(disarm("SSH SIGNATURE", armoured.decode()))
        body[data.draw(st.integers(0, len(body) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        begin, end = (f"-----{word} SSH SIGNATURE-----" for word in ("BEGIN", "END"))
        changed = bytearray(f"{begin}\n{b64encode(body).decode()}\n{end}\n".encode())
    beside.write_bytes(changed)
    try:
        found, why = kept.verified(kept.line())
        assert (found == []) == bool(why)
        if found:
            assert _said(bytes(changed)) == _said(armoured)
    finally:
        beside.write_bytes(armoured)


def _said(armoured: bytes) -> bytes:
    return b64decode(b"".join(armoured.strip()[29:-27].split()))
