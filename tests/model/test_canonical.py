import hashlib
import sys
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gatecheck.model.canonical import canonical, digest
from gatecheck.sha256 import sha256, sha256_of

NAMES = st.text(st.characters(max_codepoint=127))
TEXT = st.text(st.characters(codec="utf-8"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(1 - 2**53, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
)


@given(VALUES)
def test_it_writes_what_rfc_8785_asks(data: Any) -> None:
    assert canonical(data) == rfc8785.dumps(data)


def test_every_character_is_written_as_rfc_8785_asks() -> None:
    data = ["".join(chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000)]
    assert canonical(data) == rfc8785.dumps(data)


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (0.5, "no canonical form for float"),
        ({"a": [b"x"]}, "no canonical form for bytes"),
        ((1, {2}), "no canonical form for set"),
        ({"é": 1}, "object name 'é' is not ASCII text"),
        ([{1: 2}], "object name 1 is not ASCII text"),
        ({"a": 2**53}, "integer 9007199254740992 is beyond 2^53 - 1"),
        ([-(2**53)], "integer -9007199254740992 is beyond 2^53 - 1"),
    ],
)
def test_what_has_no_exact_form_is_refused(data: Any, refusal: str) -> None:
    with pytest.raises((TypeError, ValueError)) as raised:
        canonical(data)
    assert str(raised.value) == refusal


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        canonical({"a": "\ud800"})


@pytest.mark.parametrize("size", [0, 1, 55, 56, 63, 64, 65, 100_000, 256 * 1024, 256 * 1024 + 1])
def test_a_digest_is_the_same_whoever_hashes(size: int) -> None:
    raw = bytes(n % 251 for n in range(size))
    expected = hashlib.sha256(raw).hexdigest()
    assert digest(raw) == f"sha256:{expected}"
    assert sha256(raw).hexdigest() == sha256_of(10**9)(raw).hexdigest() == expected
