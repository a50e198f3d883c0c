"""One canonical layout: golden cases, and that over anything that parses nothing is lost and nothing moves again."""

import re
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from generate import PackText
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecheck.assets import shipped
from gatecheck.lang.format import formatted, refuse_changed
from gatecheck.lang.parser import parse, parse_tokens
from gatecheck.lang.words import comments
from gatecheck.text.diagnostic import InputError, RulesError, render
from gatecheck.text.source import Source

WHOLE = Path(__file__).parent / "whole.gate"

# What is written, and what comes of it; a text alone is as it should be. Cases are held apart by `---`.
GOLDEN = """\
environment dev
environment staging after dev
environment a-longer-one    after dev,staging
=>
environment dev
environment staging      after dev
environment a-longer-one after dev, staging
---
risk low<high { high when change.type in [docs,bugfix,] and not (a)
  low when x otherwise low }
=>
risk low < high {
  high when change.type in [docs, bugfix] and not (a)
  low  when x
  otherwise low
}
---
attribute team_size: int default 0
attribute ticket   : string   default ""
attribute downtime : duration
attribute is-new : bool default true
=>
attribute team_size: int    default 0
attribute ticket:    string default ""
attribute downtime:  duration
attribute is-new:    bool   default true
---
group tech-lead=alice,"bob@example.com"
group pm
group ops   =carol
let a=b
let longer=c.d . e in []
window w=Mon-Fri 22:00 -\t06:00,Sun in UTC


window freeze = 2026-12-18 12:00..2027-01-04 in Europe/Berlin
=>
group tech-lead = alice, "bob@example.com"
group pm
group ops       = carol

let a      = b
let longer = c.d.e in []

window w = Mon-Fri 22:00-06:00, Sun in UTC

window freeze = 2026-12-18 12:00 .. 2027-01-04 in Europe/Berlin
---
gate a from junit { pass when x==1.50 fresh for 1d bound remedy "r" } gate b from check "k6"{field p95:duration
  pass when ((count(x where ((y))) >= 3)) }
=>
gate a from junit {
  pass when x == 1.50
  fresh for 1d
  bound
  remedy "r"
}

gate b from check "k6" {
  field p95: duration
  pass when (count(x where (y)) >= 3)
}
---
rule a "title" for dev,prod when b { }
rule r for e {

  when risk < high : approve automatically
  when risk >=  high: approve by 2 of(a,b)then(c or d)


  when risk in [low]: when x: deploy with canary
  when breaking: require during business-hours
  when not risk == low: notify "x"
  when a {require b


    forbid c remedy "d" }
}
=>
rule a "title" for dev, prod when b {
}

rule r for e {
  when risk <  high: approve automatically
  when risk >= high: approve by 2 of (a, b) then (c or d)

  when risk in [low]: when x: deploy with canary
  when breaking: require during business-hours
  when not risk == low: notify "x"
  when a {
    require b

    forbid c remedy "d"
  }
}
---
# the file

# about dev
environment dev # where it starts
# after dev
environment staging after dev # later
environment production # last

# apart


group a
# at the very end
=>
# the file

# about dev
environment dev  # where it starts
# after dev
environment staging after dev  # later
environment production         # last

# apart

group a
# at the very end
---
   #only this
=>
#only this
---


=>
---
rule r # one
  for e # two
{ # three
  # four

  require a, # five
    # six
    b # seven
    , c
  # eight

  # nine

} # ten

# eleven
=>
rule r  # one
  for e
{  # two
  # three
  # four

  require a,  # five
    # six
    b,  # seven
    c
  # eight

  # nine
}  # ten

# eleven
---
let a = b and # why b
  # why c
  c in [ # which
    d, # this
    e # that
    # no other
  ]
=>
let a = b  # why b
  # why c
  and c in [  # which
    d,  # this
    e,  # that
    # no other
  ]
---
rule r for e {
  require unit-tests, integration-tests, coverage-of-the-whole, lint, type-check remedy "a text that takes room"
  approve by tech-lead and (product-management or on-call-engineers) then incident-commanders
    valid for 72h including author
  when change.type in [database-migration, breaking-api, configuration] and risk >= high: approve by tech-lead
  when change.type in [database-migration, breaking-api, configuration] and risk >= high and change.service == "a" {
    notify "x"
  }
  when change.author == "a-person-with-a-long-name" and change.service == "a-service-with-a-long-name":
  deploy with canary
}
=>
rule r for e {
  require unit-tests, integration-tests, coverage-of-the-whole, lint, type-check
    remedy "a text that takes room"
  approve by tech-lead and (product-management or on-call-engineers) then incident-commanders
    valid for 72h
    including author
  when change.type in [database-migration, breaking-api, configuration] and risk >= high:
    approve by tech-lead
  when change.type in [database-migration, breaking-api, configuration]
    and risk >= high
    and change.service == "a"
  {
    notify "x"
  }
  when change.author == "a-person-with-a-long-name"
      and change.service == "a-service-with-a-long-name":
    deploy with canary
}
---
let types = change.type in [database-migration, breaking-api, configuration, infrastructure, experiments]
let all-of-them = change.type in [database-migration, breaking-api, configuration, infrastructure,
  experiment, refactor, feature, performance]
let worst = count(findings where severity >= high and not suppressed and tool == "the-one-that-we-trust" and x) > 0
rule a-rule-with-a-long-name "and a long title, too" for development, staging, production when breaking {
  approve by a-long-name-of-a-group and another-long-name-of-a-group and yet-another-long-name-of-one
}
=>
let types = change.type in [
  database-migration, breaking-api, configuration, infrastructure, experiments
]
let all-of-them = change.type in [
  database-migration,
  breaking-api,
  configuration,
  infrastructure,
  experiment,
  refactor,
  feature,
  performance,
]
let worst = count(
  findings where severity >= high and not suppressed and tool == "the-one-that-we-trust" and x
) > 0

rule a-rule-with-a-long-name "and a long title, too"
  for development, staging, production
  when breaking
{
  approve by a-long-name-of-a-group
    and another-long-name-of-a-group
    and yet-another-long-name-of-one
}
"""


def cases() -> list[tuple[str, str]]:
    pairs = []
    for case in GOLDEN.split("---\n"):
        before, _, after = case.partition("=>\n")
        pairs.append((before, after))
    return pairs


@pytest.mark.parametrize(("before", "after"), cases())
def test_a_file_is_laid_out(before: str, after: str) -> None:
    assert formatted(Source("x.gate", before)) == after
    assert formatted(Source("x.gate", after)) == after


@pytest.mark.parametrize("path", sorted(Path(str(shipped("rules"))).rglob("*.gate")), ids=lambda path: path.name)
def test_a_shipped_pack_is_formatted(path: Path) -> None:
    text = path.read_text("utf-8")
    assert formatted(Source(path.name, text)) == text


def test_every_declaration_has_a_layout() -> None:
    text = WHOLE.read_text("utf-8")
    assert formatted(Source("whole.gate", text)) == text
    loose = re.sub(r"^(\W*\w+) |\{ | \}", lambda m: f"{m[1]}   " if m[1] else m[0].strip(), text, flags=re.MULTILINE)
    assert formatted(Source("whole.gate", loose)) == text
    joined = re.sub(r",\n +", ", ", text)  # a record on one line, which is too long for it
    assert formatted(Source("whole.gate", joined)) == text


def test_line_ends_are_those_of_the_first_line() -> None:
    assert formatted(Source("x.gate", "group a\r\n# b \r\n\r\ngroup  c\n")) == "group a\r\n# b\r\n\r\ngroup c\r\n"
    assert formatted(Source("x.gate", "group a # b\ngroup  c\r\n")) == "group a  # b\ngroup c\n"
    assert formatted(Source("x.gate", "\r\n")) == ""


def test_what_does_not_parse_is_told_whole() -> None:
    with pytest.raises(RulesError) as caught:
        formatted(Source("x.gate", 'group a b\ngroup c\nlet x = "y\n'))
    assert [(d.code, d.span and d.span.line) for d in caught.value.diagnostics] == [("GC101", 1), ("GC102", 3)]
    with pytest.raises(RulesError) as caught:
        formatted(Source("x.gate", "group a # \u202e\n"))
    assert [d.code for d in caught.value.diagnostics] == ["GC104"]


@pytest.mark.parametrize("depth", [40, 20_000])
def test_brackets_nest_as_deep_as_the_parser_reads(depth: int) -> None:
    text = f"let x = {'(' * depth}a{')' * depth}\n"
    assert formatted(Source("x.gate", text)) == "let x = (a)\n"


@pytest.mark.parametrize("opened", ["not (", "(a and ", "count(x where "])
def test_what_nests_and_does_not_fit_is_broken_at_every_level(opened: str) -> None:
    depth = 19
    text = f"let x = {opened * depth}{'b' * 90}{')' * depth}\n"
    after = formatted(Source("x.gate", text))
    assert after.count("\n") >= depth
    assert parse(Source("x.gate", after))[0] == parse(Source("x.gate", text))[0]
    assert formatted(Source("x.gate", after)) == after


@pytest.mark.parametrize(
    "worse",
    [
        "group a  # one\n# two\n\nlet b = d\n",  # says something else
        "group a  # one\n\nlet b = c\n",  # a comment is lost
        "group a  # two\n# one\n\nlet b = c\n",  # comments change places
        "group a  # one\n# two\n\nlet b =\n",  # does not parse
    ],
)
def test_its_own_mistake_is_refused(worse: str) -> None:
    source = Source("x.gate", "group a # one\n# two\nlet b = c")
    file, tokens = parse_tokens(source)
    kept = comments(source.text, tokens)
    refuse_changed(source, file, kept, formatted(source))
    with pytest.raises(InputError) as caught:
        refuse_changed(source, file, kept, worse)
    assert render(caught.value.diagnostics, {}) == (
        "error[GC803]: this file would say something else once formatted, so it is left as it is\n"
        "  --> x.gate\n"
        "   = hint: this is a bug in gatecheck, not in your rules: please report it, with the file"
    )


# What may stand between two words: blanks, and comments where there is a number.
GAPS = (" ",) * 12 + ("\n", "\n\n\n", "\t \r\n", "  #0\n", "\n# 0 \n", '#0 \t\r\n\n\n  # 0 "\n\n', "\n\n#0\n#0\n")


def disturbed(random: Random) -> tuple[str, list[str]]:
    """A pack with any blanks and comments between its words, and some long names; and what the comments say."""
    pieces = [random.choice(("", "\n", "# 0\n"))]
    for text in (text for path, text in PackText(random).files.items() if path.endswith(".gate")):
        _, tokens = parse_tokens(Source("x.gate", text.decode()))
        for token in tokens:
            longer = "-" + "x" * random.randint(1, 60) if token.type == "NAME" and random.random() < 0.1 else ""
            pieces += [token + longer, random.choice(GAPS)]
    pieces[::2] = [piece.replace("0", str(number)) for number, piece in enumerate(pieces[::2])]
    said = [line.strip() for gap in pieces[::2] for line in re.findall("#.*", gap)]
    return "".join(pieces) + random.choice(("", "\n")), said


def check_laws(text: str, said: list[str]) -> None:
    after = formatted(Source("x.gate", text))
    assert formatted(Source("x.gate", after)) == after
    file, tokens = parse_tokens(Source("x.gate", after))
    assert file == parse_tokens(Source("x.gate", text))[0]
    assert comments(after, tokens) == said
    lines = after.replace("\r\n", "\n").split("\n")
    assert lines.pop() == ""
    assert all(line == line.rstrip() for line in lines)
    assert all(a or b for a, b in pairwise(["", *lines, ""]))


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_nothing_is_lost_and_nothing_moves_twice(random: Random) -> None:
    check_laws(*disturbed(random))


@pytest.mark.parametrize("seed", range(25))
def test_the_same_at_volume(seed: int) -> None:
    check_laws(*disturbed(Random(seed)))
