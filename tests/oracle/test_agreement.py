"""The compiled engine and the naive evaluator agree on every statement, the verdict, and all that goes with it."""

from collections import Counter
from random import Random

from generate import compiled, quorum_pack, quorum_request, random_pack, random_request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from naive import Answer, broken, judge

from gatecheck.engine.approve import IMPOSSIBLE
from gatecheck.engine.invariants import approvers, violated
from gatecheck.engine.program import Program, evaluate
from gatecheck.lang import core
from gatecheck.model.decision import Decision
from gatecheck.model.request import Request

PACKS, REQUESTS = 550, 12
QUORUMS = 120


def answer(decision: Decision) -> Answer:
    """A decision in the terms of the naive evaluator."""
    findings = {f.asked.id: f for f in decision.findings}
    assert len(findings) == len(decision.findings)
    missing = {
        i: [a.kind for a in f.actions].count("approve")
        for i, f in findings.items()
        if f.status == "waiting" and f.asked.kind == "approve"
        if f.actions[0].kind == "approve" or f.note.startswith(IMPOSSIBLE)
    }
    statuses = {i: str(f.status) for i, f in findings.items()}
    causes = {i: frozenset(a.subject.removeprefix("evidence of ") for a in f.actions) for i, f in findings.items()}
    advisory = frozenset(i for i, f in findings.items() if f.advisory)
    waived = {i: w.until for w in decision.waivers for i in w.findings}
    override = "" if decision.override is None else decision.override.name
    available = tuple(o.name for o in decision.available)
    return Answer(
        decision.verdict, decision.risk, statuses, decision.obligations, missing, advisory, waived, override, available,
        causes,
    )  # fmt: skip


def disagreement(program: Program, pack: core.Pack, request: Request, expected: Answer) -> str:
    """What the two differ in; nothing where they agree."""
    decision = evaluate(program, request)
    found = answer(decision)
    if found[:-1] != expected[:-1]:
        pairs = zip(Answer._fields, found[:-1], expected, strict=False)
        return "\n".join(f"{f}: engine {a}, naive {b}" for f, a, b in pairs if a != b)
    for name, causes in expected.causes.items():
        if not found.causes[name] or not found.causes[name] <= causes:
            return f"{name} misses {sorted(found.causes[name])} because of {sorted(causes)}"
    if decision.verdict == "allow":
        claims = [(v.name, v.text, v.is_undetermined) for v in violated(program, request, decision)]
        broke = broken(pack, request, len(approvers(decision)), expected.override)
        if claims != broke or decision.missing:
            return f"the engine breaks {claims}, the naive {broke}; missing is {decision.missing}"
    return ""


def shown(differs: str, request: Request, files: dict[str, bytes]) -> str:
    return "\n".join([differs, str(request), *(text.decode() for text in files.values())])


def test_many_packs_and_requests() -> None:
    seen: Counter[str] = Counter()
    for seed in range(PACKS):
        random = Random(seed)
        files, pack = random_pack(random)
        program = compiled(pack)
        for number in range(REQUESTS):
            request = random_request(random, pack)
            expected = judge(pack, request)
            differs = disagreement(program, pack, request, expected)
            assert not differs, f"seed {seed}, request {number}: " + shown(differs, request, files)
            seen.update([expected.verdict, *expected.statuses.values()])
            seen.update(["advisory"] * bool(expected.advisory) + ["overridden"] * bool(expected.override))
    # All kinds of answers are compared, not only refusals.
    often = ("allow", "pending", "deny", "passed", "waiting", "failed", "waived", "advisory")
    assert min(seen[k] for k in often) > PACKS * REQUESTS // 50, seen
    assert seen["overridden"] > PACKS * REQUESTS // 200, seen


def test_many_quorums_on_all_terms() -> None:
    """Packs of one `approve by`, where all people may approve: so that terms meet, and quorums are filled."""
    seen: Counter[str] = Counter()
    for seed in range(QUORUMS):
        random = Random(f"quorum {seed}")
        pack = quorum_pack(random)
        program = compiled(pack)
        for number in range(REQUESTS):
            request = quorum_request(random, pack)
            differs = disagreement(program, pack, request, judge(pack, request))
            assert not differs, f"quorum {seed}, request {number}: {differs}\n{request}\n{pack.statements[0].text}"
            (finding,) = evaluate(program, request).findings
            seen.update([finding.status, finding.note, *["acting"] * bool(finding.acting)])
            seen.update(r.reason.partition(",")[0].rpartition(" ")[0] for r in finding.refused)
    assert min(seen[k] for k in ("passed", "waiting", "failed", "acting", "is not", "approved it for")) > 10, seen


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_any_pack_and_request(random: Random) -> None:
    files, pack = random_pack(random)
    request = random_request(random, pack)
    differs = disagreement(compiled(pack), pack, request, judge(pack, request))
    assert not differs, shown(differs, request, files)
