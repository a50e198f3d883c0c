"""Signed notes against published ones, and every way of changing them."""

from base64 import b64decode
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecheck.trust import note
from gatecheck.trust.key import SigningKey
from gatecheck.trust.note import NoteError
from gatecheck.trust.openssh import PublicKey

# The example of the reference implementation (golang.org/x/mod/sumdb/note): two signers, one text.
KEYS = {
    "PeterNeumann": "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "EnochRoot": "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
}
PUBLISHED = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    "\u2014 EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
).encode()
AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def key(seed: int) -> SigningKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return SigningKey(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def public(line: str) -> PublicKey:
    return PublicKey(b64decode(line.split("+", 2)[2])[1:])


@pytest.mark.parametrize("name", KEYS)
def test_a_published_note_verifies(name: str) -> None:
    found = note.parse(PUBLISHED)
    assert found.is_signed_by(name, public(KEYS[name]))
    assert found.bytes() == PUBLISHED
    assert note.verifier_line(name, public(KEYS[name])) == KEYS[name]


def test_a_signature_counts_for_its_name_and_key_alone() -> None:
    found = note.parse(PUBLISHED)
    assert not found.is_signed_by("EnochRoot", public(KEYS["PeterNeumann"]))
    assert not found.is_signed_by("Enoch", public(KEYS["EnochRoot"]))


@given(st.integers(0, 8 * len(PUBLISHED) - 1))
def test_every_bit_of_a_note_matters(bit: int) -> None:
    changed = bytearray(PUBLISHED)
    changed[bit // 8] ^= 1 << bit % 8
    try:
        found = note.parse(bytes(changed))
    except NoteError:
        return
    good = [name for name, line in KEYS.items() if found.is_signed_by(name, public(line))]
    in_text = bit // 8 < PUBLISHED.index(b"\n\n") + 1
    assert good == [] if in_text else len(good) == 1


def test_what_is_signed_is_read_again() -> None:
    made = note.unsigned("example.org/ledger\n7\nAAAA\n").signed("ours", key(1)).cosigned("witness", key(2), AT)
    again = note.parse(made.bytes())
    assert again == made
    assert again.is_signed_by("ours", key(1).public)
    assert again.cosigned_by("witness", key(2).public) == AT
    assert again.cosigned_by("ours", key(1).public) is None
    assert not again.is_signed_by("witness", key(2).public)  # a cosignature is not a signature
    later = made.cosigned("witness", key(2), AT.replace(hour=10))
    assert later.cosigned_by("witness", key(2).public) == AT.replace(hour=10)
    moved = again._replace(text="example.org/ledger\n8\nAAAA\n")
    assert moved.cosigned_by("witness", key(2).public) is None


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "it does not end in signatures behind an empty line"),
        (b"text\n", "it does not end in signatures behind an empty line"),
        (b"text\n\n", "it does not end in signatures behind an empty line"),
        (b"\xff\n\n", "it is not UTF-8 text"),
        ("text\n\n\u2014 a b\n".encode(), "`\u2014 a b` is not a signature"),
        ("text\n\n\u2014 a AAAA\n".encode(), "`\u2014 a AAAA` is not a signature"),
        (b"text\n\n- a AAAAAAAA\n", "`- a AAAAAAAA` is not a signature"),
        ("te\x00xt\n\n\u2014 a AAAAAAAA\n".encode(), "its text does not end in a newline, or holds what no note may"),
    ],
)
def test_what_is_no_note(raw: bytes, why: str) -> None:
    with pytest.raises(NoteError) as caught:
        note.parse(raw)
    assert str(caught.value) == why


def test_a_name_that_no_reader_could_take_is_refused() -> None:
    with pytest.raises(NoteError, match="is no name for a key"):
        note.unsigned("text\n").signed("a b", key(1))
