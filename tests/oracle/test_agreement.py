"""The compiled engine and the naive evaluator agree on every statement, the verdict, and all that goes with it."""

from collections import Counter
from random import Random

from generate import compiled, random_pack, random_request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from naive import Answer, judge

from gatecheck.engine.program import Program, evaluate
from gatecheck.model.decision import Decision
from gatecheck.model.request import Request

PACKS, REQUESTS = 550, 12


def answer(decision: Decision) -> Answer:
    """A decision in the terms of the naive evaluator."""
    findings = {f.asked.id: f for f in decision.findings}
    assert len(findings) == len(decision.findings)
    missing = {
        i: len(f.actions)
        for i, f in findings.items()
        if f.status == "waiting" and f.asked.kind == "approve" and not f.note
    }
    statuses = {i: str(f.status) for i, f in findings.items()}
    causes = {i: frozenset(a.subject.removeprefix("evidence of ") for a in f.actions) for i, f in findings.items()}
    return Answer(decision.verdict, decision.risk, statuses, decision.obligations, missing, causes)


def disagreement(program: Program, request: Request, expected: Answer) -> str:
    """What the two differ in; nothing where they agree."""
    decision = evaluate(program, request)
    found = answer(decision)
    if found[:5] == expected[:5]:
        for name, causes in expected.causes.items():
            if not found.causes[name] or not found.causes[name] <= causes:
                return f"{name} misses {sorted(found.causes[name])} because of {sorted(causes)}"
        return ""
    return "\n".join(
        f"{f}: engine {a}, naive {b}"
        for f, a, b in zip(Answer._fields, found[:5], expected[:5], strict=False)
        if a != b
    )


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
            differs = disagreement(program, request, expected)
            assert not differs, f"seed {seed}, request {number}: " + shown(differs, request, files)
            seen.update([expected.verdict, *expected.statuses.values()])
    # All kinds of answers are compared, not only refusals.
    assert min(seen[k] for k in ("allow", "pending", "deny", "passed", "waiting", "failed")) > PACKS * REQUESTS // 50, (
        seen
    )


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_any_pack_and_request(random: Random) -> None:
    files, pack = random_pack(random)
    request = random_request(random, pack)
    differs = disagreement(compiled(pack), request, judge(pack, request))
    assert not differs, shown(differs, request, files)
