"""Signatures: SSHSIG byte for byte as ssh-keygen's, verified both ways; DSSE as its specification's example says."""

import json
import subprocess
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecheck.text.diagnostic import Diagnostic, InputError
from gatecheck.text.source import Span
from gatecheck.trust import dsse, sshsig
from gatecheck.trust.key import SigningKey, load_or_make_key
from gatecheck.trust.openssh import FormError
from gatecheck.trust.signers import only, parse_signers


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def key(place: Path) -> SigningKey:
    return load_or_make_key(place / "key")[0]


@pytest.fixture(scope="module")
def other(place: Path) -> SigningKey:
    return load_or_make_key(place / "other")[0]


@pytest.mark.parametrize("message", [b"", b"tree 1\n", bytes(range(256)) * 40])
def test_sshsig_is_byte_identical_to_ssh_keygen(place: Path, key: SigningKey, message: bytes) -> None:
    command = ["ssh-keygen", "-Y", "sign", "-q", "-n", "git", "-f", str(place / "key")]
    theirs = subprocess.run(command, input=message, check=True, capture_output=True).stdout.decode()
    ours = sshsig.sign(key, message)
    assert ours == theirs
    parsed = sshsig.parse(theirs)
    assert parsed.covers(message)
    assert (parsed.key, parsed.namespace, parsed.hash) == (key.public, "git", "sha512")


def test_ssh_keygen_verifies_ours_and_refuses_another_message(place: Path, key: SigningKey) -> None:
    (place / "signers").write_text(f'release namespaces="git" {key.public_line}\n')
    (place / "sig").write_text(sshsig.sign(key, b"message"))
    command = ["ssh-keygen", "-Y", "verify", "-n", "git", "-I", "release", "-f", "signers", "-s", "sig"]
    assert subprocess.run(command, input=b"message", cwd=place, capture_output=True).returncode == 0
    assert subprocess.run(command, input=b"massage", cwd=place, capture_output=True).returncode != 0


def test_a_signature_of_ssh_keygen_with_sha256_verifies(place: Path, key: SigningKey) -> None:
    command = ["ssh-keygen", "-Y", "sign", "-q", "-n", "file", "-O", "hashalg=sha256", "-f", str(place / "key")]
    text = subprocess.run(command, input=b"m", check=True, capture_output=True).stdout.decode()
    assert sshsig.parse(text).covers(b"m")
    assert sshsig.parse(text).namespace == "file"


@settings(max_examples=60)
@given(data=st.data())
def test_no_flipped_bit_of_an_sshsig_verifies(data: st.DataObject, key: SigningKey) -> None:
    from gatecheck.trust.openssh import armour, disarm

    raw = bytearray(disarm("SSH SIGNATURE", sshsig.sign(key, b"message")))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    try:
        parsed = sshsig.parse(armour("SSH SIGNATURE", bytes(raw)))
    except (FormError, ValueError):
        return
    assert not parsed.covers(b"message")


def test_pae_is_as_the_specification_shows() -> None:
    assert dsse.pae(b"hello world") == b"DSSEv1 28 application/vnd.in-toto+json 11 hello world"


def test_an_envelope_is_rebuilt_from_statement_and_signature(key: SigningKey, other: SigningKey) -> None:
    statement = '{"a":"ä"}'.encode()
    raw = dsse.envelope(statement, key.fingerprint, dsse.sign(key, statement))
    data = json.loads(raw)
    assert data["payloadType"] == "application/vnd.in-toto+json"
    assert b64decode(data["payload"]) == statement
    assert [item["keyid"] for item in data["signatures"]] == [key.fingerprint]
    assert dsse.open_envelope(raw, key.public) == statement
    with pytest.raises(FormError, match=f"no signature in it is by {other.fingerprint.replace('+', '.')}"):
        dsse.open_envelope(raw, other.public)
    changed = raw.replace(data["payload"].encode(), b"e30=")
    with pytest.raises(FormError):
        dsse.open_envelope(changed, key.public)


@pytest.mark.parametrize(("raw", "message"), [
    (b"[]", "it is not a DSSE envelope"),
    (b"{", "it is not a DSSE envelope"),
    (b'{"payloadType":"text/plain","payload":"","signatures":[]}',
     "its payload type is `text/plain`, not `application/vnd.in-toto+json`"),
])  # fmt: skip
def test_what_is_no_envelope_is_refused(raw: bytes, message: str, key: SigningKey) -> None:
    with pytest.raises(FormError) as raised:
        dsse.open_envelope(raw, key.public)
    assert str(raised.value) == message


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_allowed_signers_with_namespaces_and_times(key: SigningKey, other: SigningKey) -> None:
    text = (
        "# who releases\n\n"
        f'a@example.com,b@example.com namespaces="git,file",valid-after="20260101Z",valid-before=202606301200Z '
        f"{key.public_line} a comment\r\n"
    )
    trust = parse_signers(text, "trust")
    assert trust.signers[0].principals == ("a@example.com", "b@example.com")
    assert trust.refusal(key.public, "git", at("2026-03-01")) == ""
    assert trust.refusal(key.public, "mail", at("2026-03-01")) == "is trusted for `git`, `file`, not for `mail`"
    assert trust.refusal(key.public, "git", at("2025-12-31")) == "is trusted only after 2026-01-01T00:00:00Z"
    assert trust.refusal(key.public, "git", at("2026-06-30T12:00:01")) == "was trusted only before 2026-06-30T12:00:00Z"
    assert trust.refusal(other.public, "git", at("2026-03-01")) == "is not in trust"
    assert trust.knows(key.public)
    assert not trust.knows(other.public)


def test_one_line_that_vouches_is_enough(key: SigningKey) -> None:
    text = f'a valid-before="20260101Z" {key.public_line}\na namespaces="g*" {key.public_line}\n'
    assert parse_signers(text, "trust").refusal(key.public, "git", at("2026-03-01")) == ""
    assert only(key.public, "own key").refusal(key.public, "git", at("2026-03-01")) == ""


@pytest.mark.parametrize("moment", [f"202603011200{second:02}Z" for second in range(5)])
def test_times_are_judged_as_ssh_keygen_judges_them(place: Path, key: SigningKey, moment: str) -> None:
    line = f'me valid-after="20260301120001Z",valid-before="20260301120003Z" {key.public_line}\n'
    (place / "signers").write_text(line)
    (place / "sig").write_text(sshsig.sign(key, b"m"))
    command = ["ssh-keygen", "-Y", "verify", "-n", "git", "-I", "me", "-f", "signers", "-s", "sig"]
    command += ["-O", f"verify-time={moment}"]
    theirs = subprocess.run(command, input=b"m", cwd=place, capture_output=True).returncode == 0
    instant = datetime.strptime(moment, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    assert (parse_signers(line, "signers").refusal(key.public, "git", instant) == "") is theirs


def test_every_line_that_cannot_be_used_is_told(key: SigningKey) -> None:
    lines = [
        f"a {key.public_line}",
        f"b cert-authority {key.public_line}",
        f"c no-such-option {key.public_line}",
        f'd valid-after="20260101" {key.public_line}',
        f'e valid-after="20261301Z" {key.public_line}',
        "f ssh-ed25519 AAAA",
        "only-a-name",
        f'g namespaces="git {key.public_line}',
        f'h namespaces="!git" {key.public_line}',
        f'i valid-after="20260101Z",valid-before="20260101Z" {key.public_line}',
    ]
    with pytest.raises(InputError) as raised:
        parse_signers("\n".join(lines), "trust")
    reasons = [
        "`cert-authority` is not supported; name each key itself",
        "the option `no-such-option` is not known; known: namespaces, valid-after, valid-before",
        "`20260101` has no zone, so it differs from machine to machine; write `20260101Z`",
        "`20261301Z` is not a time such as 20261123Z or 202611230930Z",
        "it is cut short",
        "it is not `name [options] ssh-ed25519 AAAA…`",
        "a double quote is not closed",
        "the pattern `!git` is not supported; only `*` and `?` are",
        "it ends before it begins",
    ]
    expected = [
        Diagnostic("GC708", f"this line can't be used: {why}", Span("trust", n, 1, n, len(lines[n - 1]) + 1))
        for n, why in enumerate(reasons, 2)
    ]
    assert list(raised.value.diagnostics) == expected


def test_a_file_without_a_usable_key_trusts_nobody_and_says_so(place: Path) -> None:
    command = ["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", str(place / "ecdsa")]
    subprocess.run(command, check=True)
    for text in ("", "# nobody\n", "me " + (place / "ecdsa.pub").read_text()):
        with pytest.raises(InputError) as raised:
            parse_signers(text, "trust")
        hint = "each line is `name ssh-ed25519 AAAA…`"
        message = "the file names no ed25519 key, so it trusts nobody"
        assert raised.value.diagnostics == (Diagnostic("GC708", message, file="trust", hint=hint),)
