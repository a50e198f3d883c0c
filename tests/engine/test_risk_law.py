"""What a higher risk asks for, in packs that only ever ask more of it."""

from itertools import product
from random import Random

from generate import LEVELS, compiled, random_request
from msgspec.structs import replace

from gatecheck.engine.program import evaluate
from gatecheck.lang.pack import load

GUARDS = (
    "", "when risk >= medium: ", "when risk > low: ", "when risk >= high and change.type != docs: ",
    "when risk > high: ",
)  # fmt: skip
ASKED = (
    "approve by lead", "approve by 2 pm", "approve by lead then pm valid for 2h", 'require change.title matches "p*"',
    "require soak(dev) >= 1h", "forbid change.type == hotfix", "approve automatically",
)  # fmt: skip


def test_a_higher_risk_never_needs_less() -> None:
    """Where every `when` that asks of risk asks that it be at least so high, a higher risk never needs less."""
    higher_too = lower_only = 0
    for seed in range(120):
        random = Random(seed)
        chosen = random.sample(list(product(GUARDS, ASKED)), 4)
        rules = "environment dev environment staging environment production after dev "
        rules += "group lead = alice, bob, carol group pm "
        rules += f"risk {' < '.join(LEVELS)} {{ high when change.type == hotfix otherwise low }} "
        rules += (
            "rule all for dev, staging, production { approve automatically } rule r for dev, staging, production { "
        )
        pack, _, _ = load({"rules.gate": (rules + " ".join(guard + asked for guard, asked in chosen) + " }").encode()})
        program = compiled(pack)
        for _ in range(10):
            request = random_request(random, pack)
            verdicts = []
            before: dict[str, str] = {}
            for level in LEVELS:
                decision = evaluate(program, replace(request, change=replace(request.change, risk=level)))
                statuses = {f.asked.id: str(f.status) for f in decision.findings}
                assert before.items() <= statuses.items()  # what a lower risk asked is asked, and is found the same
                before = statuses
                verdicts.append(decision.verdict)
            assert verdicts == sorted(verdicts, key=("allow", "pending", "deny").index)
            higher_too += verdicts[-1] == "allow"
            lower_only += verdicts[0] == "allow" != verdicts[-1]
    assert min(higher_too, lower_only) > 20, (higher_too, lower_only)
