"""Coverage counts what the tests reach, goal by goal, and names the rest with its place."""

from pack_world import RULES, ran, shown

RULES_OF_TWO = """\
environment dev
environment live after dev
risk low < high {
  high when change.type == feature
  low when change.type == docs
  otherwise high
}
group ops = erin
gate lint from sarif { pass when errors == 0 }
rule dev for dev { approve automatically }
rule live for live {
  require lint
  when risk == high: approve by ops
  when risk == low: approve automatically
  when change.service == "billing": notify "slack:#x"
}
waive lint for live until 2027-01-01 { owner ops because "x" }
override glass for live { approve by ops }
invariant someone for live when risk == high { require approvers >= 1 }
"""
ONE = "test one {\n  given change { type: docs } to live\n  at 2026-11-23\n  expect pending\n}\n"


def test_what_no_test_reaches_is_named_with_its_place() -> None:
    assert (
        shown(ONE, RULES_OF_TWO, is_covered=True)
        == """\
coverage 46.15%: 2 of 5 statements in scope, 2 of 3 guards false, 1 of 2 cases of risk, 1 of 1 waivers used, \
0 of 1 overrides used, 0 of 1 invariants in scope
  rules.gate:4: never decides: high when change.type == feature
  rules.gate:10: never in scope: approve automatically
  rules.gate:13: never in scope: when risk == high: approve by ops
  rules.gate:14: its `when` is never false: when risk == low: approve automatically
  rules.gate:15: never in scope: when change.service == "billing": notify "slack:#x"
  rules.gate:18: never used: glass
  rules.gate:19: no case that allows is in its scope: someone

ok: 1 case of 1 test passed
"""
    )


def test_a_pack_is_covered_whole_once_all_is_reached() -> None:
    tests = ONE + """\
test two {
  given change { type: feature, service: "billing" } to live
  given soak 1h in dev
  given approval by erin
  at 2026-11-23
  expect allow
}
test three {
  given change { type: docs } to dev
  at 2026-11-23
  expect allow
}
test four {
  given change { type: docs } to live
  given lint fails
  given approval by erin
  at 2027-11-23
  expect overridden
}
"""  # fmt: skip
    made = ran(tests, RULES_OF_TWO, is_covered=True)
    assert made.is_passed
    assert made.coverage is not None
    assert made.coverage.unmet() == []
    assert made.coverage.percent() == 100
    assert made.coverage.counts() == {
        "statement": (5, 5), "guard": (3, 3), "risk": (2, 2), "waiver": (1, 1), "override": (1, 1), "invariant": (1, 1),
    }  # fmt: skip


def test_coverage_does_not_depend_on_the_order_of_tests() -> None:
    tests = [f"test t{n} {{ {items} at 2026-11-23 expect pending }}\n" for n, items in enumerate(
        ["given change { type: docs } to production", "given change { } to staging given sast passes"]
    )]  # fmt: skip
    one, other = ran("".join(tests), is_covered=True), ran("".join(reversed(tests)), is_covered=True)
    assert one.coverage is not None
    assert other.coverage is not None
    assert one.coverage.unmet() == other.coverage.unmet() != []


def test_running_with_coverage_decides_the_same() -> None:
    tests = (
        "test a {\ngiven change { } to production\neach change.type in [docs, feature]\nat 2026-11-23\nexpect deny\n}"
    )
    plain, traced = ran(tests), ran(tests, is_covered=True)
    assert [(r.request, r.decision, r.unmet) for r in plain.results] == [
        (r.request, r.decision, r.unmet) for r in traced.results
    ]
    assert RULES  # the pack of both


def test_what_is_undetermined_was_not_seen_false() -> None:
    rules = RULES + "rule deep for dev when coverage.branch_rate < 50% { require load }\n"
    tests = "test a { given change { } to dev at 2026-11-23 expect pending }"
    made = ran(tests, rules, is_covered=True)
    assert made.coverage is not None
    assert [g.kind for g in made.coverage.unmet() if "branch_rate" in g.text] == ["statement", "guard"]


def test_an_invariant_speaks_about_decisions_that_allow() -> None:
    tests = "test a { given change { type: feature } to live at 2026-11-23 expect pending }"
    made = ran(tests, RULES_OF_TWO, is_covered=True)
    assert made.is_passed
    assert made.coverage is not None
    assert [g.text for g in made.coverage.unmet() if g.kind == "invariant"] == ["someone"]


def test_what_stands_on_one_line_is_reached_one_by_one() -> None:
    waivers = 'waive lint for live until {} {{ owner ops because "x" when change.type == {} }}'
    rules = RULES_OF_TWO.replace('waive lint for live until 2027-01-01 { owner ops because "x" }', "").replace(
        "rule dev for dev { approve automatically }",
        "rule dev for dev { approve automatically } rule ops for live { approve automatically }",
    )
    for ends in (("2027-01-01", "2027-01-01"), ("2027-01-01", "2028-01-01")):
        both = " ".join(waivers.format(end, type_) for end, type_ in zip(ends, ("docs", "bugfix"), strict=True))
        made = ran(ONE, f"{rules}{both}\n", is_covered=True)
        assert made.coverage is not None
        assert made.coverage.counts()["waiver"] == (1, 2)
        assert [(g.kind, g.line) for g in made.coverage.unmet() if g.text.startswith("waive")] == [("waiver", 20)]
        assert [g.text for g in made.coverage.unmet() if g.line == 10] == ["approve automatically"]
        assert made.coverage.counts()["statement"] == (3, 6)


def test_cases_of_risk_on_one_line_are_reached_one_by_one() -> None:
    rules = RULES_OF_TWO.replace("\n  low when change.type == docs", " low when change.type == feature")
    made = ran(ONE.replace("docs", "feature"), rules, is_covered=True)
    assert made.coverage is not None
    assert [g.text for g in made.coverage.unmet() if g.kind == "risk"] == ["low when change.type == feature"]
