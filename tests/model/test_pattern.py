"""Regular expressions of schemas: they decide as ``re.search`` does, and no text takes them long."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecheck.model.pattern import Pattern, PatternError

ATOMS = st.sampled_from([
    "a", "b", "_", "-", ".", "[ab]", "[^a]", "[a-b_]", r"[^\w-]", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", "^", "$",
    r"\A", r"\Z", r"\b", r"\n", "()", "ä",
])  # fmt: skip
COUNTS = st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,}", "*?", "+?", "{0}"])
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: (
        st.tuples(inner, inner).map("".join)
        | st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})")
        | st.tuples(inner, COUNTS).map(lambda two: f"(?:{two[0]}){two[1]}")
    ),
    max_leaves=6,
)


@settings(max_examples=500, deadline=None)
@given(EXPRESSIONS, st.lists(st.text("ab_- 1\nä٣", max_size=8), min_size=1, max_size=8))
def test_it_decides_as_the_standard_library_does(source: str, texts: list[str]) -> None:
    followed = Pattern(source)
    for text in texts:
        assert followed.found_in(text) == (re.search(source, text) is not None), text


@pytest.mark.parametrize("source", ["(a+)+$", "^(a|aa)*$", "^(a?){30}a{30}$", r"^\w*\w*\w*\w*!$", r"(\s+)*x"])
def test_no_text_takes_long(source: str) -> None:
    assert not Pattern(source).found_in("a " * 20_000 + "-")
    assert not Pattern(source).found_in("a" * 29 + "-" * 20_000)


@pytest.mark.parametrize("source", ["(?=a)b", "(?!a)", "(?<=a)b", r"(a)\1", "(?>a)", "a*+", "(a)?(?(1)b|c)", r"\B"])
def test_what_can_not_be_followed_in_one_pass_is_refused(source: str) -> None:
    with pytest.raises(PatternError, match=r"^it looks ahead or back, or holds on to what it found$"):
        Pattern(source)


@pytest.mark.parametrize("source", ["(?i)a", "(?i:a)", "(?s).", "(?x)a", "(?a)a", "(?-i:a)"])
def test_flags_are_refused(source: str) -> None:
    with pytest.raises(PatternError, match=r"^it sets flags$"):
        Pattern(source)


@pytest.mark.parametrize("source", ["a{2001}", "(a{100}){100}", "((a?){0,60}){0,60}", "a{0,4000000000}"])
def test_counts_have_a_bound(source: str) -> None:
    with pytest.raises(PatternError, match=r"^it is too long, with its counts written out$"):
        Pattern(source)


def test_an_empty_group_may_be_counted_as_often_as_one_likes() -> None:
    assert Pattern("^(){4000000000}a").found_in("ab")
