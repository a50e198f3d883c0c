"""What the checker accepts, and what it makes of it: types, names, patterns, persons, and the independence of order."""

from itertools import permutations
from pathlib import Path

import pytest

from gatecheck.lang import core, types
from gatecheck.lang.core import Pack
from gatecheck.lang.pack import examine
from gatecheck.text.glob import translate, translate_text

PRELUDE = (Path(__file__).parent / "broken" / "prelude.txt").read_text("utf-8")
MORE = """
attribute size: int
attribute share: percent default 5%
attribute ratio: decimal default 1
attribute wait: duration default 1h
attribute day: date default 2026-01-01
attribute since: instant default 2026-01-01T00:00:00Z
attribute urgent: bool default false
gate coverage from coverage { pass when line_rate >= 80% }
gate load from check "k6" {
  field p95: duration
  field errors: percent
  field ok: bool
  field day: date
  field at: instant
  field note: string
  field rate: decimal
  field n: int
  pass when status == passed and p95 < 300ms and errors <= 0.5% and ok and n > 1 and rate >= 0.5
  pass when day >= 2026-01-01 and at < 2027-01-01T00:00:00+01:00 and note matches "*fine*"
}
let breaking = change.type in [database-migration, breaking-api]
let risky = risk >= high
let level = change.type
"""

CONDITIONS = [
    "true",
    "not false",
    "unit-tests",
    "breaking and not risky",
    "level == docs",
    "docs == level",
    "risk == low",
    "high > risk",
    "risk in [low, medium]",
    "risk not in [critical]",
    "change.urgent",
    "change.urgent == true",
    'change.ticket == "PAY-1"',
    '"PAY-1" != change.ticket',
    'change.ticket matches "PAY-*"',
    'change.ticket in ["a", "b"]',
    "change.size > 3",
    "change.size > 3.5",
    "change.ratio >= 2",
    "change.share < 10%",
    "change.wait >= 90m",
    "change.day < 2027-01-01",
    "change.since < change.requested_at",
    "change.size == count(change.files)",
    "change.author == change.requester",
    'change.author != "Alice"',
    'change.author in ["Alice", "bob"]',
    "change.author in change.committers",
    '"Alice" in change.committers',
    'change.author matches "*@Example.com"',
    '"incident" in change.labels',
    "change.ticket in change.labels",
    'change.artifact.name == "app"',
    "count(change.labels) == 0",
    "any(change.labels)",
    'any(change.labels where it == "a" or it matches "b*")',
    'all(change.files where path matches "docs/**" and added < 100)',
    "count(change.files where deleted > added) <= change.size",
    "any(change.files where risk >= high and change.urgent)",
    "coverage.line_rate >= coverage.branch_rate",
    "coverage.line_rate >= 99.5%",
    "load.p95 < 1s and load.status != error",
    "count(sast.findings where severity >= high and not suppressed) < 3",
    "any(sast.findings where level == error and baseline == new)",
    'any(sast.findings where path matches "src/**")',
    "during business-hours",
    "not during business-hours",
    "soak(staging) >= 24h",
    "24h <= soak(staging)",
    "soak(staging) > 1h or change.type == hotfix",
]


def pack_of(*texts: str) -> Pack:
    files = {f"{n}.gate": text.encode() for n, text in enumerate((PRELUDE, MORE, *texts))}
    pack, found, _ = examine(files)
    assert [d for d in found if d.severity == "error"] == []
    assert pack is not None
    return pack


def condition_of(text: str) -> core.Core:
    pack = pack_of(f"rule checked for dev {{ require {text} }}")
    (statement,) = (s for s in pack.statements if s.rule == "checked")
    assert statement.condition is not None
    return statement.condition


@pytest.mark.parametrize("text", CONDITIONS)
def test_a_sound_condition_is_accepted_and_is_a_condition(text: str) -> None:
    condition = condition_of(text)
    assert condition.type == types.BOOL
    assert not any(n.type == types.UNKNOWN for n in core.walk(condition))


def only_match(text: str) -> core.Matches:
    (found,) = (n for n in core.walk(condition_of(text)) if isinstance(n, core.Matches))
    return found


@pytest.mark.parametrize(
    "text", ["any(change.files where path matches {})", "any(sast.findings where path matches {})"]
)
def test_a_pattern_for_a_path_is_read_as_gitignore_reads_it(text: str) -> None:
    assert only_match(text.format('"docs/*"')).regex == translate("docs/*")


@pytest.mark.parametrize("text", ["change.ticket matches {}", "any(change.labels where it matches {})"])
def test_a_pattern_for_text_spans_slashes(text: str) -> None:
    assert only_match(text.format('"docs/*"')).regex == translate_text("docs/*")


def test_a_person_is_compared_as_the_request_holds_it() -> None:
    values = {
        n.value
        for text in ('change.author == "ÄNNE"', '"Alice" in change.committers', 'change.requester in ["Bob"]')
        for n in core.walk(condition_of(text))
        if isinstance(n, core.Const)
    }
    assert values == {"änne", "alice", ("bob",)}
    assert only_match('change.author matches "*@Example.com"').regex == translate_text("*@example.com")


def test_neither_files_nor_their_order_decide_anything() -> None:
    texts = (
        PRELUDE,
        "rule a for dev { require x, sast when risk >= high: require unit-tests }",
        "let x = y and unit-tests\nrule b for dev { forbid y }",
        "let y = change.type == docs",
    )
    packs = []
    for order in permutations(texts):
        pack, found, _ = examine({f"{n}.gate": text.encode() for n, text in enumerate(order)})
        assert pack is not None, found
        packs.append([(s.id, s.text, s.condition, s.guard) for s in pack.statements])
    assert all(p == packs[0] for p in packs)


def test_a_statement_is_named_by_what_it_says() -> None:
    names = [s.id for s in pack_of("rule r for dev { require sast }").statements if s.rule == "r"]
    assert names == ["r/sast"]
    spread = pack_of("rule r for dev {\n  require   change.size>3 # so\n}").statements
    close = pack_of("rule r for dev { require change.size > 3 }").statements
    assert [s.id for s in spread] == [s.id for s in close]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("let g = during business-hours\ngate x from junit { pass when g }", "a gate's own condition can't depend on"),
        ("let g = sast\ngate x from junit { pass when g }", "a gate's own condition can't depend on `sast`"),
        ("let g = soak(dev) > 1h\nrule r for dev { require any(change.files where g) }", "a `where` can't depend on"),
    ],
)
def test_a_let_must_be_allowed_where_it_is_used(body: str, message: str) -> None:
    pack, found, _ = examine({"a.gate": PRELUDE.encode(), "b.gate": body.encode()})
    assert pack is None
    assert [d.code for d in found] == ["GC201"]
    assert found[0].message.startswith(message)


def test_a_let_that_asks_for_risk_cant_decide_it() -> None:
    text = "environment e\nrisk low < high { high when x otherwise low }\nlet x = risk == low\n"
    _, found, _ = examine({"a.gate": (text + "rule r for e { approve automatically }").encode()})
    assert [(d.code, d.message) for d in found] == [("GC201", "risk can't depend on `risk`")]


@pytest.mark.parametrize(
    "broken",
    [
        "gate missing from junit { pass when }",
        "let missing = ==",
        "group missing = =",
        "environment missing after",
        "window missing = Mon in",
        "attribute missing int",
    ],
)
def test_who_uses_what_did_not_parse_is_not_blamed(broken: str) -> None:
    uses = {
        "gate": "require missing and missing.tests > 0",
        "let": "require missing == 3",
        "group": "approve by missing",
        "environment": "require soak(missing) >= 1h",
        "window": "require during missing",
        "attribute": "require change.missing > 3",
    }
    text = f"{PRELUDE}\nrule r for dev {{ {uses[broken.split()[0]]} }}\n{broken}\n"
    _, found, _ = examine({"a.gate": text.encode()})
    assert [d.code for d in found] == ["GC101"]


def test_who_uses_a_risk_that_did_not_parse_is_not_blamed() -> None:
    text = "environment e\nrisk low < high { high whn change.type == docs }\n"
    rules = "rule r for e { when risk >= high: approve automatically when risk < huge: approve automatically }"
    _, found, _ = examine({"a.gate": (text + rules).encode()})
    assert [d.message for d in found] == ["unexpected `whn`"]


def test_two_statements_with_one_id_are_told() -> None:
    body = "rule r for dev {{ require change.ticket == {} {} }}"
    (lonely,) = (s for s in pack_of(body.format('"x"', "")).statements if s.rule == "r")
    name = lonely.id.partition("/")[2]  # which a gate can bear, too
    gate = f"gate {name} from junit {{ pass when tests > 0 }}\n"
    text = gate + body.format('"x"', f", {name}")
    pack, found, _ = examine({"a.gate": PRELUDE.encode(), "b.gate": text.encode()})
    assert pack is None
    message = f'`require {name}` and `require change.ticket == "x"` get the same id'
    assert [(d.code, d.message) for d in found] == [("GC203", message)]


def test_the_remedy_of_a_statement_said_twice_is_one_whatever_the_order() -> None:
    said = ['require sast remedy "a"', 'require sast remedy "b"']
    for order in permutations(said):
        statements = [s for s in pack_of(f"rule r for dev {{ {' '.join(order)} }}").statements if s.rule == "r"]
        assert [(s.id, s.remedy) for s in statements] == [("r/sast", "b")]
