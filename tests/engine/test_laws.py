"""Laws that hold for every pack and every request, each with the sentence of the language that it proves.

Packs and requests are random but seeded; ``tests/oracle/generate.py`` writes them. Where a sentence is about one
construct, a pack written out here asks for just that.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import permutations, product
from pathlib import Path
from random import Random
from typing import Any

import pytest
from generate import ARTIFACT, BASES, LEVELS, PEOPLE, PackText, RequestText, compiled, random_pack, random_request
from msgspec.structs import replace

from gatecheck.engine.program import Program, evaluate
from gatecheck.engine.record import record
from gatecheck.lang import ast, core
from gatecheck.lang.check import check
from gatecheck.lang.pack import load
from gatecheck.lang.parser import parse
from gatecheck.model.decision import Decision
from gatecheck.model.instant import write_instant
from gatecheck.model.request import Approval, Request
from gatecheck.model.schema import read
from gatecheck.text.diagnostic import InputError
from gatecheck.text.source import Source

PACKS = 120
TICK = timedelta(microseconds=1)
Made = tuple[dict[str, bytes], core.Pack, Program]


@cache
def packs() -> list[Made]:
    found = []
    for seed in range(PACKS):
        files, pack = random_pack(Random(f"law {seed}"))
        found.append((files, pack, compiled(pack)))
    return found


def cases(law: str, each: int = 6) -> Iterator[tuple[Program, core.Pack, Request, Random]]:
    """Random requests for random packs; ``law`` is their seed."""
    for number, (_, pack, program) in enumerate(packs()):
        random = Random(f"{law} {number}")
        for _ in range(each):
            yield program, pack, random_request(random, pack), random


def statuses(decision: Decision) -> dict[str, str]:
    return {f.asked.id: f.status for f in decision.findings}


def now(request: Request) -> datetime:
    return datetime.fromisoformat(request.as_of).astimezone(UTC)


def at(request: Request, instant: datetime) -> Request:
    return replace(request, as_of=write_instant(instant))


def approval(request: Request, person: str) -> Approval:
    digest, environment = request.change.artifact.digest, request.environment
    return Approval(person, "approve", now(request), digest, environment, signer=person)


def with_approvals(request: Request, people: tuple[str, ...]) -> Request:
    return replace(request, approvals=[*request.approvals, *(approval(request, p) for p in people)])


def eligible(request: Request) -> list[str]:
    change = request.change
    return [p for p in PEOPLE if p not in (change.author, change.requester, *change.committers)]


def program_of(rules: str) -> Program:
    return compiled(load({"rules.gate": rules.encode()})[0])


def asked(environment: str = "production", **parts: Any) -> Request:
    change = {
        "id": "1",
        "service": "s",
        "type": "feature",
        "author": "frank",
        "artifact": {"name": "s", "digest": ARTIFACT},
    }
    data = {"change": change, "environment": environment, "as_of": "2026-11-23T09:00:00Z", **parts}
    request: Request = read(data, "request")
    return request


def approves(person: str, when: str = "2026-11-23T08:00:00Z", stance: str = "approve") -> dict[str, str]:
    return {"approver": person, "stance": stance, "at": when, "artifact": ARTIFACT, "environment": "production"}


# -- order and repetition


def rearranged(files: dict[str, bytes], arrange: Any) -> Program:
    """The pack with all its declarations, cases, items and statements rearranged."""

    def body(statements: tuple[Any, ...]) -> tuple[Any, ...]:
        inner = [replace(s, body=body(s.body)) if isinstance(s, ast.When) else s for s in statements]
        return tuple(arrange(inner))

    def declaration(d: Any) -> Any:
        if isinstance(d, ast.Rule):
            return replace(d, statements=body(d.statements))
        if isinstance(d, ast.Risk):
            return replace(d, cases=tuple(sorted(arrange(list(d.cases)), key=lambda _: 0)))
        return d

    rules = {path: text for path, text in files.items() if path.endswith(".gate")}
    parsed = [parse(Source(path, text.decode()))[0] for path, text in rules.items()]
    declarations = arrange([declaration(d) for f in parsed for d in f.declarations])
    schemas = {path: text for path, text in files.items() if path not in rules}
    checked = check([replace(parsed[0], declarations=tuple(declarations))], "sha256:" + "0" * 64, (), schemas)
    assert checked.pack is not None, checked.diagnostics
    return compiled(checked.pack)


def test_order_never_matters() -> None:
    """The order of files, rules and statements never matters."""
    for number, (files, pack, program) in enumerate(packs()[:60]):
        random = Random(number)
        shuffled = rearranged(files, lambda items, random=random: random.sample(items, len(items)))
        for _ in range(4):
            request = random_request(random, pack)
            one, other = evaluate(program, request), evaluate(shuffled, request)
            assert statuses(one) == statuses(other)
            assert (one.verdict, one.risk, one.obligations) == (other.verdict, other.risk, other.obligations)
            assert set(one.missing) == set(other.missing)
            assert (one.override, one.available) == (other.override, other.available)
            assert set(one.waivers) == set(other.waivers)


def test_saying_a_thing_twice_changes_nothing() -> None:
    """What is said twice in a rule is said once."""

    def twice(items: list[Any]) -> list[Any]:
        again = ast.Require | ast.Approve | ast.When | ast.Waiver | ast.Advisory | ast.Effective
        return [*items, *(item for item in items if isinstance(item, again))]

    for number, (files, pack, program) in enumerate(packs()[:60]):
        random = Random(number)
        doubled = rearranged(files, twice)
        for _ in range(4):
            request = random_request(random, pack)
            assert statuses(evaluate(program, request)) == statuses(evaluate(doubled, request))


# -- what is missing never helps


def test_taking_evidence_away_only_makes_statements_wait() -> None:
    """Missing evidence never allows: without it, what asked for it waits.

    Evidence that comes in never turns `allow` into `deny`, nor into `pending`.
    """
    for program, _, request, random in cases("evidence"):
        if not request.evidence:
            continue
        gone = random.choice(sorted(request.evidence))
        before = evaluate(program, request)
        after = evaluate(program, replace(request, evidence={k: e for k, e in request.evidence.items() if k != gone}))
        was, is_now = statuses(before), statuses(after)
        for name, status in is_now.items():  # a waiver may now be needed, or be gone with its condition
            assert status in ("waiting", "waived", was.get(name)) or was.get(name) == "waived"
        assert set(was) - set(is_now) <= {"promotion/approval"}  # a rule may now be what says how approval happens
        assert after.verdict != "allow" or before.verdict == "allow"


GATE = "environment production gate unit from junit { pass when failures == 0 } group lead = alice "


@pytest.mark.parametrize(
    "statement",
    ["require unit", "forbid unit", "forbid during w", "approve automatically", "approve by lead", "deploy with canary",
     'notify "slack:#ops"'],
)  # fmt: skip
def test_a_guard_that_can_not_be_decided_makes_its_statement_wait(statement: str) -> None:
    """A guard that can't be decided makes its statement wait, and never makes it vanish."""
    window = "window w = Mon 10:00-11:00 in UTC "
    rules = (
        GATE
        + window
        + f"rule r for production {{ when unit: {statement} }} rule a for production {{ approve automatically }}"
    )
    decision = evaluate(program_of(rules), asked(approvals=[approves("alice")]))
    assert decision.verdict == "pending"
    assert sorted(f.status for f in decision.findings) == ["passed", "waiting"]
    assert [(a.kind, a.subject) for a in decision.missing] == [("evidence", "unit")]


def test_a_gate_in_a_guard_is_judged_beside_the_gate_that_is_required() -> None:
    rules = GATE + "gate lint from junit { pass when errors == 0 } "
    rules += "rule r for production { approve automatically when unit: require lint }"
    fields = {"failures": 0, "errors": 1}
    evidence = {name: {"kind": "junit", "fields": fields, "raw": ARTIFACT} for name in ("unit", "lint")}
    assert evaluate(program_of(rules), asked(evidence=evidence)).verdict == "deny"
    assert evaluate(program_of(rules), asked(evidence={"lint": evidence["lint"]})).verdict == "pending"


def test_nothing_undetermined_allows() -> None:
    """Nothing undetermined ever allows."""
    for program, pack, request, _ in cases("nothing", 3):
        change = replace(
            request.change, commit=None, requester=None, requested_at=None, files=[], labels=[], committers=[]
        )
        bare = replace(request, change=change, evidence={}, approvals=[], deployments=[], promotions=[])
        decision = evaluate(program, bare)
        asks = {f.asked.kind for f in decision.findings if f.status == "passed"}
        assert "approve" not in asks
        assert not asks & {"after"}
        gates = {f.asked.gate for f in decision.findings if f.status == "passed"}
        assert not gates & set(pack.gates)


def test_an_environment_without_a_way_to_approve_is_denied() -> None:
    """Where no rule says how approval happens, every change is denied."""
    rules = GATE + "risk low < high { high when change.type == hotfix otherwise low }"
    rules += " rule r for production { when risk == high: approve automatically }"
    decision = evaluate(program_of(rules), asked())
    assert decision.verdict == "deny"
    assert statuses(decision) == {"promotion/approval": "failed"}
    change = {"id": "1", "service": "s", "type": "hotfix", "author": "f", "artifact": {"name": "s", "digest": ARTIFACT}}
    assert evaluate(program_of(rules), asked(change=change)).verdict == "allow"


# -- approvals


def test_one_more_approval_never_takes_an_allow_away() -> None:
    """One more approval never turns `allow` into `deny`, nor into `pending`, where nobody acts for somebody else."""
    for program, _, request, random in cases("approval"):
        if request.directory.people:
            continue
        for person in eligible(request):
            given = replace(approval(request, person), at=now(request) - timedelta(minutes=30 * random.randint(0, 9)))
            before = evaluate(program, request)
            after = evaluate(program, replace(request, approvals=[*request.approvals, given]))
            passed = {name for name, status in statuses(before).items() if status == "passed"}
            assert passed <= {name for name, status in statuses(after).items() if status == "passed"}
            assert before.verdict != "allow" or after.verdict == "allow"


@pytest.mark.parametrize("quorum", ["empty", "2 empty", "1 of (empty, nobody)", "lead then empty", "empty and lead"])
def test_an_empty_group_never_passes(quorum: str) -> None:
    """An empty group and an impossible quorum never pass."""
    rules = "environment production group lead = alice group empty group nobody "
    rules += f"rule r for production {{ approve by {quorum} }}"
    request = asked(
        approvals=[approves(p) for p in PEOPLE], directory={"groups": {"empty": [], "nobody": [], "pm": list(PEOPLE)}}
    )
    decision = evaluate(program_of(rules), request)
    assert decision.verdict == "deny"
    assert [f.note for f in decision.findings] == ["this quorum is impossible"]


def test_then_asks_for_all_that_and_asks_for() -> None:
    """What passes as `a then b` passes as `a and b`."""
    units = ("lead", "pm", "on-call", "2 lead", "2 of (pm, on-call)")
    seen = 0
    for number, (first, second) in enumerate(product(units, units)):
        groups = "environment production group lead = alice, bob, carol, dan group pm = bob, carol, eve "
        groups += "group on-call = alice, dan, eve "
        rules = f"rule a for production {{ approve by {first} then {second} }} "
        rules += f"rule b for production {{ approve by {first} and {second} }}"
        program = program_of(groups + rules)
        random = Random(number)
        for _ in range(20):
            given = [approves(random.choice(PEOPLE), f"2026-11-23T08:0{random.randint(0, 5)}:00Z") for _ in range(6)]
            in_turn, together = evaluate(program, asked(approvals=given)).findings
            assert in_turn.asked.rule == "a"
            if in_turn.status == "passed":
                seen += 1
                assert together.status == "passed"
    assert seen > 50


def test_one_person_fills_one_slot() -> None:
    """The same person never fills two places of one statement."""
    seen = 0
    for program, _, request, _ in cases("slots", 12):
        for f in evaluate(program, request).findings:
            people = [person for person, _ in f.counted]
            assert len(people) == len(set(people))
            seen += len(people) > 1
    assert seen > 5


def test_a_later_commit_unlocks_nothing() -> None:
    """An approval counts for the artifact that it was given for, and for no other."""
    for program, _, request, _ in cases("commit", 3):
        artifact = replace(request.change.artifact, digest="sha256:" + "77" * 32)
        later = replace(request, change=replace(request.change, artifact=artifact, commit="77" * 20))
        for f in evaluate(program, later).findings:
            assert f.counted == ()
            assert f.status != "passed" or f.asked.kind not in ("approve", "after")


# -- risk


def test_a_stated_level_only_raises_the_risk() -> None:
    """A level that a change states raises its risk, or does nothing."""
    for program, pack, request, _ in cases("risk", 3):
        unstated = replace(request, change=replace(request.change, risk=None))
        found = pack.levels.index(evaluate(program, unstated).risk)
        for rank, level in enumerate(pack.levels):
            stated = replace(request, change=replace(request.change, risk=level))
            assert evaluate(program, stated).risk == pack.levels[max(rank, found)]


@pytest.mark.parametrize("files", [None, []])
def test_a_doubtful_level_never_lowers_the_risk(files: Any) -> None:
    """ "Nothing undetermined ever allows": not by making a change look harmless either."""
    rules = "environment production risk low < medium < high "
    rules += '{ low when all(change.files where path matches "docs/**") otherwise high }'
    rules += " rule r for production { when risk == low: approve automatically }"
    change = {"id": "1", "service": "s", "type": "docs", "author": "f", "artifact": {"name": "s", "digest": ARTIFACT}}
    request = asked(change=change if files is None else {**change, "files": files})
    decision = evaluate(program_of(rules), request)
    assert (decision.verdict, decision.risk) == ("deny", "high")
    listed = evaluate(program_of(rules), asked(change={**change, "files": [{"path": "docs/a.md"}]}))
    assert (listed.verdict, listed.risk) == ("allow", "low")


# -- time


def test_nothing_changes_before_the_first_turn() -> None:
    """A decision stays as it is until the instant at which it says that it next changes."""
    moved = 0
    for program, _, request, random in cases("turn", 12):
        decision = evaluate(program, request)
        limit = min((t.at for t in decision.turns), default=now(request) + timedelta(days=400))
        span = limit - now(request)
        assert span > timedelta(0)
        for later in (limit - TICK, now(request) + span * random.random()):
            if now(request) < later < limit:
                moved += 1
                found = evaluate(program, at(request, later))
                assert statuses(found) == statuses(decision), (request, later, decision.turns)
                assert (found.verdict, found.risk, found.obligations) == (
                    decision.verdict, decision.risk, decision.obligations,
                )  # fmt: skip
    assert moved > PACKS


# -- what is missing


def test_doing_what_is_missing_allows_and_no_fewer_approvals_do() -> None:
    """Doing what is listed as missing allows, and fewer approvals do so only by an override."""
    done = 0
    for program, pack, given, _ in cases("missing", 40):
        groups = {**{g: list(PEOPLE[:2]) for g in pack.groups}, **given.directory.groups}  # nobody is unknown
        request = replace(given, directory=replace(given.directory, groups=groups))
        decision = evaluate(program, request)
        if decision.verdict != "pending" or {a.kind for a in decision.missing} != {"approve"}:
            continue
        asking = [f for f in decision.findings if f.status == "waiting" and not f.advisory]
        if len(asking) > 1 and (given.directory.people or any("including author" in f.asked.text for f in asking)):
            continue  # asked of several statements, neither the author nor who acts for somebody is counted on
        later = at(request, now(request) + TICK)
        if any(t.at <= now(later) for t in decision.turns):
            continue
        done += 1
        count = len(decision.missing)
        assert any(is_allowed(program, later, people) for people in permutations(PEOPLE, count)), (later, asking)
        assert not any(is_allowed(program, later, people) for people in permutations(PEOPLE, count - 1)), (
            later,
            asking,
        )
    assert done > 100


def is_allowed(program: Program, request: Request, people: tuple[str, ...]) -> bool:
    decision = evaluate(program, with_approvals(request, people))
    return decision.verdict == "allow" and decision.override is None


def test_waiting_until_the_instant_that_is_named_allows() -> None:
    """ "`during W` in a `require` waits for W to open; in a `forbid` it waits for W to close."."""
    asks = ("require during w", "forbid during w", "require soak(staging) >= 2h", "require not (soak(staging) <= 90m)")
    waited = 0
    for number in range(160):
        random = Random(number)
        rules = "environment staging environment production rule r for production { approve automatically "
        program = program_of(f"{PackText(random).window('w')} {rules} {asks[number % 4]} }}")
        for base in BASES:
            instant = datetime.fromisoformat(base + "+00:00") + timedelta(minutes=random.randint(-3000, 3000))
            stay = {"artifact": ARTIFACT, "environment": "staging"}
            stay |= {"from": write_instant(instant - timedelta(hours=1)), "verified_at": write_instant(instant)}
            request = asked(
                as_of=write_instant(instant + timedelta(minutes=random.randint(0, 180))), deployments=[stay]
            )
            decision = evaluate(program, request)
            if decision.verdict != "pending":
                continue
            (action,) = decision.missing
            assert action.kind == "wait"
            assert action.until is not None
            assert evaluate(program, at(request, action.until)).verdict == "allow"
            assert evaluate(program, at(request, action.until - TICK)).verdict == "pending"
            waited += 1
    assert waited > 100


# -- totality and determinism


ODD: tuple[Any, ...] = (
    None, True, -1, 0, 2**53 - 1, "", "1e999999", "NaN", "99999999w", "999999999d", "2026-02-30", "-0", "Infinity%",
    "1e400", {"$decimal": "1E+999"}, {"$decimal": "1E-999"}, [], {}, [None], [1, "a"], {"a": 1},
    "2999-12-31T23:59:59Z",
)  # fmt: skip


def mangled(random: Random, value: Any) -> Any:
    """A value of a document with something else in the place of some of its parts."""
    if random.random() < 0.15:
        return random.choice(ODD)
    if isinstance(value, dict):
        return {k: mangled(random, v) for k, v in value.items() if random.random() > 0.05}
    if isinstance(value, list):
        return [mangled(random, v) for v in value]
    return value


def test_no_request_that_is_read_breaks_an_evaluation() -> None:
    """Every evaluation ends in a decision; no request that could be read breaks one."""
    judged = refused = 0
    for number, (_, pack, program) in enumerate(packs()):
        random = Random(f"mangled {number}")
        for _ in range(25):
            data = RequestText(random, pack).data
            for name in random.sample(sorted(data), 2):
                if name == "evidence":
                    for evidence in data["evidence"].values():
                        evidence["fields"] = mangled(random, evidence["fields"])
                elif name == "change":
                    data["change"]["attributes"] = mangled(random, data["change"]["attributes"])
                elif name == "as_of":
                    data["as_of"] = random.choice(
                        ["1970-01-01T00:00:00Z", "2999-12-31T23:59:59.999999Z", "2026-11-23T09:00:00+23:59"]
                    )
                elif name in ("environment", "risk"):
                    data[name] = random.choice(["elsewhere", *LEVELS])
                elif isinstance(data[name], list) and data[name]:
                    for item in data[name]:
                        for key in ("at", "from", "to", "verified_at"):
                            if key in item and random.random() < 0.5:
                                item[key] = random.choice(["1970-01-01T00:00:00Z", "2999-12-31T23:59:59Z"])
            try:
                request: Request = read(data, "request")
            except ValueError:
                continue
            try:
                decision = evaluate(program, request)
            except InputError:
                refused += 1
                continue
            record(program, request, decision)
            judged += 1
    assert min(judged, refused) > PACKS


WORLDS = """
from hashlib import sha256
from random import Random
from generate import compiled, random_pack, random_request
from gatecheck.engine.program import evaluate
from gatecheck.engine.record import record
for seed in range(12):
    random = Random(seed)
    pack = random_pack(random)[1]
    program = compiled(pack)
    for _ in range(4):
        request = random_request(random, pack)
        for made in record(program, request, evaluate(program, request)):
            print(sha256(made).hexdigest())
"""


def test_the_same_request_gives_the_same_bytes_everywhere() -> None:
    """The same request and the same rules give the same bytes, on every machine."""
    tests = Path(__file__).parent.parent
    path = os.pathsep.join([str(tests.parent / "evaluator"), str(tests / "oracle")])

    def told(**settings: str) -> str:
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path, **settings}
        run = subprocess.run(
            [sys.executable, "-c", WORLDS], env=environment, capture_output=True, text=True, check=True
        )
        return run.stdout

    first = told(PYTHONHASHSEED="0", TZ="UTC", LC_ALL="C")
    assert len(set(first.split())) > 48
    assert first == told(PYTHONHASHSEED="1", TZ="Pacific/Apia", LC_ALL="tr_TR.UTF-8")
    assert first == told(PYTHONHASHSEED="4294967295", TZ="America/St_Johns", LC_ALL="C.UTF-8")
