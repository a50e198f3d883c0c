"""What lints say of random packs is so: held against the naive evaluator, every assignment of people, and the clock."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

from generate import GROUPS, PEOPLE, PackText, random_pack, random_request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from naive import STEP, Unknown, _Judge, fewest_missing, is_open, judge

from gatecheck.lang import core
from gatecheck.lang.pack import load
from gatecheck.lint.checklist import checklist
from gatecheck.lint.findings import findings
from gatecheck.lint.people import own_approval
from gatecheck.lint.satisfy import Satisfy
from gatecheck.lint.shadowed import shadowed
from gatecheck.lint.windows import closed, overlapping
from gatecheck.text.diagnostic import RulesError

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_any_pack_can_be_linted_and_reviewed(random: Random) -> None:
    _, pack = random_pack(random)
    for d in findings(pack, NOON):
        assert d.span is not None
        assert d.severity == "warning"
    items = checklist(pack, NOON)
    assert [item.code for item in items] == [f"GC40{n}" for n in range(1, 10)]
    assert all(bool(item.mend) == (item.verdict == "attention") for item in items)


def conditions(random: Random) -> core.Pack:
    """A pack whose conditions ask about one or two values only, so that they often contradict each other."""
    while True:
        text = PackText(random)
        atoms = [*text.of_change(), *((name, t) for name, t in text.of_change() if t.name in ("int", "bool"))]
        atoms += [(f"{gate}.{name}", t) for gate, (_, declared) in text.gates.items() for name, t in declared.items()]
        extra = []
        for _ in range(8):
            few = random.sample(atoms, random.randint(1, 2))
            joined = random.choice((" and ", " or "))
            extra.append(f"require {joined.join(f'({text.boolean(few, 2)})' for _ in range(random.randint(1, 3)))}")
        files = {
            **text.files,
            "extra.gate": f"rule extra for dev, staging, production {{ {' '.join(extra)} }}".encode(),
        }
        try:
            return load(files)[0]
        except RulesError as error:
            assert {d.code for d in error.diagnostics if d.severity == "error"} <= {"GC304", "GC210"}


def test_what_never_changes_never_does() -> None:
    seen: Counter[tuple[str, bool]] = Counter()
    for seed in range(120):
        random = Random(seed)
        pack = conditions(random)
        satisfy = Satisfy(pack)
        claims = [
            (node, value)
            for s in pack.statements
            for whole in (s.guard, s.condition)
            if whole is not None
            for node in core.walk(whole)
            if node.type.name == "bool" and not any(isinstance(n, core.ItemField | core.Item) for n in core.walk(node))
            for value in (True, False)
            if not satisfy.possible((node, value))
        ]
        for _ in range(25 if claims else 0):
            evaluator = _Judge(pack, random_request(random, pack))
            evaluator.risk = evaluator.level()
            for node, value in claims:
                found = evaluator.value(node)
                assert found is not value, f"seed {seed}: {node.text}"
                seen[type(node).__name__, isinstance(found, Unknown)] += 1
    assert sum(seen.values()) > 5_000
    assert {"And", "Or", "Not", "Compare"} <= {name for name, _ in seen}


def test_a_rule_that_is_covered_changes_no_decision() -> None:
    told = 0
    for seed in range(250):
        random = Random(seed)
        text = PackText(random)
        rules = re.findall(r"^rule .*$", b"\n".join(text.files.values()).decode(), re.MULTILINE)
        _, head, body = re.fullmatch(r"rule (\S+)(.*?) \{(.*)\}", random.choice(rules)).groups()  # type: ignore[union-attr]
        guard = text.guard() if random.random() < 0.6 else ""
        copied = f"rule copy{head} {{ " + (f"when {guard} {{ {body} }}" if guard else body) + " }"
        try:
            pack, _, _ = load({**text.files, "z.gate": copied.encode()})
        except RulesError:
            continue
        for finding in shadowed(pack):
            (rule,) = re.findall(r"^the rule `(\S+)`", finding.message)
            less = replace(pack, statements=tuple(s for s in pack.statements if s.rule != rule))
            told += 1
            for _ in range(10):
                request = random_request(random, pack)
                whole, part = judge(pack, request), judge(less, request)
                assert whole[:2] == part[:2], f"seed {seed}: {copied}"
                assert whole.obligations == part.obligations
    assert told > 60


def test_who_is_stuck_is_told_and_nobody_else() -> None:
    seen: Counter[bool] = Counter()
    for seed in range(400):
        random = Random(seed)
        text = PackText(random)
        groups = {g: random.sample(PEOPLE, random.randint(1, 4)) if random.random() < 0.9 else [] for g in GROUPS}
        written = [f"group {g}" + (f" = {', '.join(members)}" if members else "") for g, members in groups.items()]
        quorum, escalation = text.quorum(), f" escalate to {random.choice(GROUPS)} after 2h" * (random.random() < 0.2)
        rule = f"rule a for dev {{ approve by {quorum}{escalation} }}"
        try:
            pack, _, _ = load({"a.gate": "\n".join(["environment dev", *written, rule]).encode()})
        except RulesError:
            continue
        (approval,) = (s.approval for s in pack.statements)
        assert approval is not None
        stuck = without_whom_nobody_can(approval, groups)
        told = [d.message for d in own_approval(pack)]
        assert [f" for a change by {', '.join(stuck)}: " in message for message in told] == ([True] if stuck else [])
        seen[bool(stuck)] += 1
    assert min(seen.values()) > 60


def without_whom_nobody_can(approval: core.Approval, groups: dict[str, list[str]]) -> list[str]:
    """Everybody without whom no assignment of people to places satisfies an approval, all others being willing."""
    joining = tuple(g for _, names in approval.escalations for g in names)
    named = {*approval.groups, *joining}
    alternatives = [[[(*slot, *joining) for slot in stage] for stage in a] for a in approval.alternatives]
    able = {p: frozenset(g for g in named if p in groups[g]) for p in PEOPLE}
    able |= {f"stranger{n}": frozenset(g for g in named if not groups[g]) for n in range(4)}
    return [
        p
        for p in PEOPLE
        if able[p] and fewest_missing(alternatives, [], {q: g for q, g in able.items() if q != p}) is None
    ]


def weekly_spans(window: core.WindowSpec) -> list[core.WindowSpec]:
    return [
        core.WindowSpec("one", "UTC", (((day,), start, end),), ())
        for days, start, end in window.weekly
        for day in days
    ]  # fmt: skip


def test_windows_overlap_as_the_clock_says() -> None:
    seen: Counter[bool] = Counter()
    for seed in range(70):
        text = PackText(Random(seed))
        files = {"a.gate": "\n".join(["environment dev", *(text.window(f"w{n}") for n in range(4))]).encode()}
        pack, _, _ = load(files)
        told = {d.span for d in overlapping(pack)}
        for window in pack.windows.values():
            spans = weekly_spans(window)
            steps = (NOON + n * STEP for n in range(7 * 48))
            weekly = any(sum(is_open(span, step) for span in spans) > 1 for step in steps)
            dated = any(later[0] < earlier[1] for earlier, later in pairwise(sorted(window.dated)))
            assert (pack.places[f"window {window.name}"] in told) == (weekly or dated), f"seed {seed}: {window}"
            seen[weekly or dated] += 1
    assert min(seen.values()) > 20


def test_windows_that_clocks_skip_are_told_and_no_others() -> None:
    seen: Counter[bool] = Counter()
    random = Random(3)
    for zone in ("Europe/Berlin", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe", "UTC"):
        for _ in range(150):
            base = datetime.fromisoformat(random.choice(("2026-03-29T00:00", "2026-03-08T00:00", "2011-12-30T00:00",
                                                         "2026-10-04T00:00", "2026-10-25T00:00")))  # fmt: skip
            start = base + STEP * random.randint(0, 8)
            end = start + STEP * random.choice((1, 1, 1, 2, 3, 48, 50))
            written = f"window w = {start:%Y-%m-%d %H:%M} .. {end:%Y-%m-%d %H:%M}, Mon in {zone}"
            pack, _, _ = load({"a.gate": f"environment dev\n{written}".encode()})
            window = replace(pack.windows["w"], weekly=())
            first = start.replace(tzinfo=UTC) - timedelta(days=2)
            never = not any(is_open(window, first + n * STEP) for n in range(6 * 48))
            assert bool(list(closed(pack, LONG_AGO))) == never, written
            seen[never] += 1
    assert min(seen.values()) > 15
