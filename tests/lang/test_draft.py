"""A file that is parsed piece by piece while it is edited says what it says when it is parsed at once."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gatecheck.lang import ast
from gatecheck.lang.draft import Draft, Kept
from gatecheck.lang.parser import parse
from gatecheck.text.source import Source, Span

TEXT = """\
environment dev
# the next line declares, the one after does not
let breaking =
risk == high
risk low < high {
  high when change.type == docs
  otherwise low
}
group pm = alice,
  bob
rule r for dev {
  when breaking: approve by pm
  require change.title matches "x"
}
test t {
  given change { type: docs } to dev
}
"""
PIECES = [
    "", "\n", "\n\n", "\r", "\r\n", "}", "{", "(", '"', "#", "rule ", "group", "let x =\nrisk == high\n", "\u200b",
    "rule a for b {\n", "  ", "not ", "x", "group pm = alice,\n  bob\n",
]  # fmt: skip
edits = st.lists(st.tuples(st.integers(0, len(TEXT)), st.integers(0, 9), st.sampled_from(PIECES)), max_size=6)


def spans(node: ast.Node) -> list[Span]:
    return [node.span, *(span for child in node.children() for span in spans(child))]


@given(edits)
def test_a_draft_says_what_the_parser_says_after_each_change(changes: list[tuple[int, int, str]]) -> None:
    draft, text = Draft(), TEXT
    for place, length, piece in [(0, 0, ""), *changes]:
        text = text[:place] + piece + text[place + length :]
        source = Source("a.gate", text)
        (file, problems), (whole, wanted) = draft.parse(source), parse(source)
        assert (file.declarations, problems) == (whole.declarations, wanted)
        assert [spans(d) for d in file.declarations] == [spans(d) for d in whole.declarations]


def test_only_what_changed_is_read_again() -> None:
    read: list[str] = []

    def note(chunk: Source) -> tuple[Span, ...]:
        read.append(chunk.text.strip("\n"))
        line = chunk.text.count("\n") - len(chunk.text.lstrip("\n").rstrip("\n").split("\n")) + 2
        return (Span(chunk.name, line, 1, line, 2),)

    kept = Kept(note)
    rounds = [["a", "b", "c"], ["a", "x", "c"], ["", "a", "x", "x", "c"], ["a", "b"]]
    for lines in rounds:
        kept.start_round()
        for number, line in enumerate(lines):
            if line:
                assert kept.read(Source("f", "\n" * number + line))[0].line == number + 1
    assert read == ["a", "b", "c", "x", "b"]
    assert list(pairwise(read))
