"""A file that is parsed piece by piece while it is edited says what it says when it is parsed at once."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from gatecheck.lang import ast
from gatecheck.lang.core import Statement
from gatecheck.lang.draft import Draft, Kept, KeptRules
from gatecheck.lang.pack import examine
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


@settings(deadline=None)  # the first parse builds the tables of the grammar
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


# Each declaration of a pack, as it may be written in turns.
VARIANTS = [
    ["environment dev", "environment dev\nenvironment live after dev", ""],
    ["risk low < high { high when change.type == docs otherwise low }", "risk high < low { otherwise low }", "risk {"],
    ['attribute ticket: string default ""', "attribute ticket: int", "\n"],
    ["group pm = alice", "group pm", "group pm =", "group lead"],
    ["let a = change.type == docs", "let a = risk == high", "let a = b", "let b = 5"],
    ["gate g from junit { pass when tests > 0 }", "gate g from sarif { pass when errors == 0 }", "gate g", "evidence"],
    ["window w = Mon 09:00-10:00 in UTC", "window w = Mon 09:00-10:00 in Mars", "# window"],
    ["rule r for dev { approve by pm }", "rule r for dev { approve by 2 pm }", "rule r", "\n\n"],
    ["rule s for dev { when a: require g.tests > 1, during w }", 'rule s for live { require change.ticket == "x", a }'],
    ["rule t for dev { when risk == high: forbid g }", "rule t for dev { require g }", "rule r for dev { require g }"],
    ["waive g for dev until 2027-01-01 { owner a because \"x\" }", "waive r for dev until 2027-01-01 { owner b }"],
]  # fmt: skip
states = st.lists(st.tuples(*(st.sampled_from(each) for each in VARIANTS)), min_size=2, max_size=5)


@settings(deadline=None)
@given(states)
def test_what_is_kept_of_rules_changes_nothing(written: list[tuple[str, ...]]) -> None:
    drafts = {name: Draft() for name in ("a.gate", "b.gate")}
    kept = KeptRules()
    for state in [*written, *written]:
        files = {"a.gate": "\n".join(state[::2]).encode(), "b.gate": "\n".join(state[1::2]).encode()}
        pack, found, sources = examine(files, "", lambda source: drafts[source.name].parse(source), kept)
        assert (pack, found, sources) == examine(files)


def test_a_rule_is_checked_again_only_where_it_or_the_rest_changed() -> None:
    kept, draft = KeptRules(), Draft()

    def statements(text: str) -> list[Statement]:
        pack, _, _ = examine({"a.gate": text.encode()}, "", draft.parse, kept)
        assert pack is not None
        return list(pack.statements)

    rest = "environment dev\ngate g from junit { pass when tests > 0 }\n"
    one, two = "rule one for dev { require g }\n", "rule two for dev { approve automatically }\n"
    first, second = statements(rest + one + two)
    assert [s is first or s is second for s in statements(rest + one + two)] == [True, True]
    changed = statements(rest + one + two.replace("auto", "  auto"))
    assert [s is first or s is second for s in changed] == [True, False]
    changed = statements(rest.replace("junit", "sarif").replace("tests", "errors") + one + two)
    assert [s is first or s is second for s in changed] == [False, False]
    back = statements(rest + one + two.replace("auto", "  auto"))
    assert back[0] is first  # as it was a while ago
