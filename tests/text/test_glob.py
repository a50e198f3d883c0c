"""Globs for paths against git itself, and globs for text."""

import re
import subprocess
import warnings
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gatecheck.text.glob import MAX_LENGTH, translate, translate_text


class Git:
    """What git ignores for each of many patterns: a folder for each, holding only that line in its ``.gitignore``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.run("init", "--quiet", "--template=")

    def run(self, *arguments: str, stdin: str = "") -> bytes:
        command = ["git", "-C", str(self.root), "-c", "core.excludesFile=", "-c", "core.ignoreCase=false", *arguments]
        clean = {"PATH": "/usr/bin:/bin:/usr/local/bin", "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(self.root)}
        ran = subprocess.run(command, input=stdin.encode(), capture_output=True, env=clean, timeout=60)
        assert ran.stderr == b""
        return ran.stdout

    def ignored(self, patterns: Sequence[str], paths: Sequence[str]) -> set[tuple[str, str]]:
        """Return the pairs of pattern and path that match."""
        for number, pattern in enumerate(patterns):
            folder = self.root / f"case{number}"
            folder.mkdir(exist_ok=True)
            (folder / ".gitignore").write_text(pattern + "\n", encoding="utf-8")
        asked = [f"case{number}/{path}" for number in range(len(patterns)) for path in paths]
        out = self.run("check-ignore", "--no-index", "--stdin", "-v", "-z", stdin="\0".join(asked) + "\0")
        found = [path.decode().split("/", 1) for path in out.split(b"\0")[3::4]]
        return {(patterns[int(folder.removeprefix("case"))], path) for folder, path in found}


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory) -> Git:
    return Git(tmp_path_factory.mktemp("ignoring"))


def matched(patterns: Sequence[str], paths: Sequence[str]) -> set[tuple[str, str]]:
    compiled = [(pattern, re.compile(translate(pattern))) for pattern in patterns]
    return {(pattern, path) for pattern, expression in compiled for path in paths if expression.fullmatch(path)}


PATTERNS = """
a *.py /a a/ /a/ a/b a/b/ /a/b a/* a/*/ a/** a/**/ **/a **/a/ **/a/b a/**/b a/**/**/b /**/a **/ ** *
/* */ /** /**/ */b a/*/b a/*/* **/*.py src/**/*.py src/**.py src/**/test_*.py a?b a/?/b ?/b [ab]
[!a] [^a] [a-c]/b [!a-c]/x a[/]b a[!x]b *a* *a*b* a*b*c foo**/bar foo**bar a/foo**/bar a/?oo**/bar
**foo **/foo** a**/b/** a/b**/c **/**/a a/***/b a/*** ***/a *** \\!a \\#a \\a a\\* a\\?b a\\[b
[\\]]x []]x []-]x [a-]x [--0]x [c-a]x [!c-a]x [a-c-e]x [[:alpha:]]x [[:digit:]-]x
[[:upper:][:digit:]]* [![:alpha:]]x [[:] [[:a]x [a\\-c]x [\\a-c]x [+-9]x a.b a+b (a) a|b a^b a$b
{a,b} aé/x *é café
""".split()  # noqa: SIM905 -- a table
PATTERNS += ["a b", "\\ a", "a\\ ", "a b/c d", "a\tb", "[ ]x"]

PATHS = """
a b x ax a/b a/b/c a/x/b a/x/y/b b/a b/a/c x/y/a x/y/a/b main.py src/main.py src/x/main.py
src/x/y/test_a.py src.py srcx.py src/x.py foo foobar foo/bar foox/bar foox/y/bar a/foo/bar a/foobar
a/foox/y/bar xfoo xfoobar x/foox/y aab/b/c ab/b a/bx/c a/bc a/bx/y/c !a #a a* a?b a[b ]x -x [x c/b
cx bx dx ex 0x 1x Ax -/x .x /x +x :x axb a/xb a.b a+b (a) a|b a^b a$b {a,b} abc aXbYc xxaxxbxx aé/x
xé café a\\b .hidden .github/workflows/x.yml a/.b deep/a/b/c/d/e
""".split()  # noqa: SIM905 -- a table
PATHS = [path for path in PATHS if not path.startswith("/")] + ["a b", " a", "a ", "a b/c d", "a\tb", " x", "a/b c"]


def test_a_table_of_patterns_agrees_with_git(git: Git) -> None:
    ours, theirs = matched(PATTERNS, PATHS), git.ignored(PATTERNS, PATHS)
    assert ours - theirs == set()
    assert theirs - ours == set()


def test_every_short_pattern_agrees_with_git(git: Git) -> None:
    letters = ["a", "*", "**", "/", "?"]
    made = {"".join(parts) for length in range(1, 6) for parts in product(letters, repeat=length)}
    patterns = sorted(pattern for pattern in made if "//" not in pattern and pattern != "/")[::4]
    paths = ["/".join(parts) for length in range(1, 5) for parts in product(["a", "aa", "b"], repeat=length)]
    for start in range(0, len(patterns), 100):
        some = patterns[start : start + 100]
        assert matched(some, paths[:60]) == git.ignored(some, paths[:60])


pieces = st.sampled_from(
    [
        "a",
        "b",
        "ab",
        "/",
        "/",
        "*",
        "*",
        "**",
        "/**/",
        "**/",
        "/**",
        "?",
        "[ab]",
        "[!a]",
        "[a-c]",
        "\\*",
        "[]b]",
        "[b-]",
        ".",
    ]
)
names = st.text(alphabet="ab*.-]", min_size=1, max_size=3).filter(lambda name: name not in (".", ".."))


def is_pattern(text: str) -> bool:
    try:
        translate(text)
    except ValueError:
        return False
    return True


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(pieces, min_size=1, max_size=7).map("".join).filter(is_pattern), min_size=20, max_size=20),
    st.lists(st.lists(names, min_size=1, max_size=4).map("/".join), min_size=20, max_size=20),
)
def test_generated_patterns_agree_with_git(git: Git, patterns: list[str], paths: list[str]) -> None:
    assert matched(patterns, paths) == git.ignored(patterns, paths)


@pytest.mark.parametrize(
    "pattern", ["a//b", "a/**//b", "//a", "a//", "/", "./a", "a/./b", "../a", "a/..", ".", "..", "[[:foo:]]", "[a"]
)
def test_what_is_refused_for_matching_nothing_matches_nothing_in_git_either(git: Git, pattern: str) -> None:
    assert not is_pattern(pattern)
    assert git.ignored([pattern], [*PATHS, ".a", "..a", "[a", "f", ":", "[:foo:]"]) == set()


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("", "a pattern can't be empty"),
        ("a" * (MAX_LENGTH + 1), "a pattern has at most 500 characters; this one has 501"),
        ("!a", "a pattern can't start with `!`; write `\\!` for the character itself"),
        ("#a", "a pattern can't start with `#`; write `\\#` for the character itself"),
        (" a", "a pattern can't start or end with a space; write `\\ ` for the character itself"),
        ("a ", "a pattern can't start or end with a space; write `\\ ` for the character itself"),
        ("a\\\\ ", "a pattern can't start or end with a space; write `\\ ` for the character itself"),
        ("a\\", "a pattern can't end in a backslash; write `\\\\` for the character itself"),
        ("a\\/", "a pattern can't end in a backslash; write `\\\\` for the character itself"),
        ("a\\/b", "a slash takes no backslash; write `/`"),
        ("[a", "a bracket is not closed; write `\\[` for the character itself"),
        ("[]", "a bracket is not closed; write `\\[` for the character itself"),
        ("[!]", "a bracket is not closed; write `\\[` for the character itself"),
        ("[a-", "a bracket is not closed; write `\\[` for the character itself"),
        ("[a\\", "a bracket is not closed; write `\\[` for the character itself"),
        ("[[:word:]]", "there is no class of characters `[:word:]`"),
        ("a//b", "a pattern can't have an empty segment; write single slashes, and a name between them"),
        ("./a", "a pattern can't hold a `.` or `..` segment; paths start at the repository's root"),
        ("a\nb", "a pattern is one line"),
    ],
)
def test_what_is_no_pattern_is_refused_with_a_sentence(pattern: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        translate(pattern)
    assert str(caught.value) == message


def test_a_character_is_a_character() -> None:
    """Where git counts bytes, a name outside ASCII is still one question mark a letter."""
    assert re.fullmatch(translate("caf?"), "café")
    assert re.fullmatch(translate("[é-ü]"), "ö")


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a" * 250, "a" * 4000 + "b"),
        ("x/" + "*a" * 249, "x/" + "a" * 4000 + "b"),
        ("**/a/" * 99 + "b", "a/" * 2000 + "c"),
        ("**/*a/" * 80 + "b", "aa/" * 1300 + "c"),
        ("**/*a*/" * 70 + "b", "aaa/" * 1000 + "c"),
        ("[a-z]*" * 80 + "0", "a" * 4000),
        ("?*a" * 160 + "b", "a" * 4000),
    ],
)
def test_no_pattern_takes_forever(pattern: str, path: str) -> None:
    assert not re.fullmatch(translate(pattern), path)  # ends at all; without atomic groups none of these does
    assert not re.fullmatch(translate_text(pattern), path)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("PAY-*", "PAY-123", True),
        ("PAY-*", "PAY-", True),
        ("PAY-*", "XPAY-1", False),
        ("PAY-*", "PAY-1\nand more", True),
        ("*incident*", "an incident/outage", True),
        ("v?.?", "v1.2", True),
        ("v?.?", "v1x2", False),
        ("a?b", "a/b", True),
        ("[A-Z][!0-9]", "Ax", True),
        ("[A-Z][!0-9]", "A1", False),
        ("[/]", "/", True),
        ("\\*", "*", True),
        ("\\*", "x", False),
        ("a**b", "a/x/b", True),
        ("!a", "!a", True),
        ("#1 ", "#1 ", True),
        ("A", "a", False),
    ],
)
def test_text(pattern: str, text: str, expected: bool) -> None:
    assert (re.fullmatch(translate_text(pattern), text) is not None) is expected


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("", "a pattern can't be empty"),
        ("x" * 501, "a pattern has at most 500 characters; this one has 501"),
        ("[x", "a bracket is not closed; write `\\[` for the character itself"),
        ("x\\", "a pattern can't end in a backslash; write `\\\\` for the character itself"),
    ],
)
def test_text_that_is_no_pattern(pattern: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        translate_text(pattern)
    assert str(caught.value) == message


def is_like(pattern: str, text: str) -> bool:
    """The definition, for stars, question marks and letters."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(is_like(pattern[1:], text[i:]) for i in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and is_like(pattern[1:], text[1:])


@given(st.text(alphabet="ab*?/", min_size=1, max_size=8), st.text(alphabet="ab/\n", max_size=8))
@example("*ab*ab", "aabab")
def test_text_agrees_with_the_definition(pattern: str, text: str) -> None:
    assert (re.fullmatch(translate_text(pattern), text) is not None) is is_like(pattern, text)


@given(st.text(min_size=1, max_size=20))
def test_every_text_is_a_pattern_or_refused(pattern: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for make in (translate, translate_text):
            try:
                expression = make(pattern)
            except ValueError:
                continue
            re.compile(expression)
