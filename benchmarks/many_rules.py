"""Time decisions by 10,000 rules against decisions by 25: a service pays for its own rules, not for everybody's.

The large pack holds 10 rules for each of 1,000 services, one file a service, with gates of its own, and a common file
of environments, risk, groups, shared gates and 15 rules for all; the small one the common file and one service. The
same change is decided by both, so the same 25 rules are in scope. Asked is that a decision in a running process costs
at most 2 times as much by the large pack, and a whole cold process, its caches warm, at most 1.3 times as much.
Run: ``python benchmarks/many_rules.py [ROUNDS]``, with gatecheck's dependencies installed.
"""

import gc
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from cold import GATECHECK, ROOT, clean_environment, compare, run

sys.path.insert(0, str(ROOT / "evaluator"))

from gatecheck.engine.load import program_for
from gatecheck.engine.program import Program, evaluate
from gatecheck.lang.pack import read_folder
from gatecheck.model.canonical import canonical
from gatecheck.model.request import Request
from gatecheck.model.schema import decode_request

SERVICES = 1000
RULES = 10  # of each service
DIGEST = "sha256:" + "ab" * 32
AS_OF = "2026-11-25T11:00:00+01:00"
SHARED = ("unit-tests", "integration-tests", "lint", "type-check", "review")
COMMON = """
environment dev
environment staging    after dev
environment production after staging
risk low < medium < high {
  high when any(change.files where path matches "payments/**")
  low  when change.type in [docs, bugfix]
  otherwise medium
}
attribute ticket: string default ""
group tech-lead = alice, bob
group pm = carol, dave
window business-hours = Mon-Fri 09:00-16:00 in Europe/Berlin
rule approval-low    for production { when risk == low: approve automatically }
rule approval-medium for production { when risk == medium: approve by tech-lead or pm }
rule approval-high   for production { when risk == high: approve by tech-lead then pm }
rule approval-dev    for dev, staging { approve automatically }
rule soaked          for production { require soak(staging) >= 24h }
rule hours           for production { when risk == high: require during business-hours }
rule tickets         for production { require change.ticket matches "PAY-*" }
rule canary          for production { when risk >= medium: deploy with canary }
rule release-notes   for production { when risk >= high: notify "slack:#releases" }
rule small           for production { when change.type == bugfix: require count(change.files) < 50 }
"""


def write_pack(folder: Path, services: int) -> None:
    """Write the common file, and one for each of the first so many services."""
    folder.mkdir()
    gates = [f"gate {gate} from check {{ pass when status == passed }}" for gate in SHARED]
    rules = [f"rule {gate} for staging, production {{ require {gate} }}" for gate in SHARED]
    (folder / "common.gate").write_text("\n".join([COMMON, *gates, *rules, ""]))
    for number in range(services):
        (folder / f"svc-{number}.gate").write_text(service_file(f"svc-{number}"))


def service_file(name: str) -> str:
    """Return a service's gates and rules, every other rule guarded as a whole, the others by their statements."""
    mine = f'change.service == "{name}"'
    requirements = [f"require {name}-contract", f"require {name}-load, lint"]
    requirements += [f'forbid any(change.files where path matches "{name}/{n}/**")' for n in range(RULES - 2)]
    lines = [
        f"gate {name}-contract from check {{ pass when status == passed }}",
        f"gate {name}-load from check {{ field p99: duration pass when p99 <= 300ms }}",
    ]
    for n, requirement in enumerate(requirements):
        whole, each = ("", f"when {mine}: ") if n % 2 else (f" when {mine}", "")
        lines.append(f"rule {name}-{n} for production{whole} {{ {each}{requirement} }}")
    return "\n".join([*lines, ""])


def write_request(folder: Path) -> Request:
    """Write the parts of a request about service 0 for the command, and return the whole of it."""
    check = {"status": "passed", "fields": {"p99": "120ms"}, "subject": {"digest": DIGEST}}
    change = {
        "id": "1", "service": "svc-0", "type": "feature", "author": "frank", "attributes": {"ticket": "PAY-1"},
        "artifact": {"name": "svc-0 1.0", "digest": DIGEST}, "files": [{"path": "payments/charge.py", "added": 3}],
    }  # fmt: skip
    deployments = [{"artifact": DIGEST, "environment": "staging", "from": "2026-11-23T10:00:00Z",
                    "verified_at": "2026-11-23T10:00:00Z"}]  # fmt: skip
    approvals = [
        {"approver": person, "stance": "approve", "at": f"2026-11-25T0{hour}:00:00Z", "artifact": DIGEST,
         "environment": "production"}
        for hour, person in ((8, "alice"), (9, "carol"))
    ]  # fmt: skip
    (folder / "evidence").mkdir()
    gates = (*SHARED, "svc-0-contract", "svc-0-load")
    for gate in gates:
        (folder / "evidence" / f"{gate}.json").write_text(json.dumps(check))
    for name, part in (("change", change), ("approvals", approvals), ("deployments", deployments)):
        (folder / f"{name}.json").write_text(json.dumps(part))
    fields = {"status": "passed", "fields": {"p99": "120ms"}}
    evidence = {g: {"kind": "check", "fields": fields, "raw": DIGEST, "subject": {"digest": DIGEST}} for g in gates}
    return decode_request(canonical({
        "change": change, "environment": "production", "as_of": AS_OF, "evidence": evidence, "approvals": approvals,
        "deployments": deployments,
    }))  # fmt: skip


def decide_often(program: Program, request: Request, times: int = 1000) -> float:
    """Return the microseconds that a decision takes in a process that has made it before."""
    started = perf_counter()
    for _ in range(times):
        evaluate(program, request)
    return (perf_counter() - started) / times * 1e6


def compare_warm(packs: dict[str, Path], request: Request, asked: float, rounds: int) -> bool:
    """Decide by each pack in turn; print what a decision costs and tell whether the ratio is at most ``asked``."""
    programs = {name: program_for(read_folder(folder)) for name, folder in packs.items()}
    decisions = {name: evaluate(program, request) for name, program in programs.items()}
    assert {d.verdict for d in decisions.values()} == {"allow"}
    assert len({len(d.findings) for d in decisions.values()}) == 1
    gc.disable()
    taken: dict[str, list[float]] = {name: [] for name in packs}
    for _ in range(rounds):
        for name, program in programs.items():
            taken[name].append(decide_often(program, request))
    gc.enable()
    print("Decide in a running process")
    for name, times in taken.items():
        print(f"  {name:<24} {statistics.median(times):7.1f} us, at least {min(times):7.1f}")
    small, large = (statistics.median(times) for times in taken.values())
    print(f"  ratio {large / small:.2f}; asked: at most {asked}")
    return large / small <= asked


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory() as made:
        place = Path(made).resolve()
        os.environ["GATECHECK_CACHE"] = clean_environment(place)["GATECHECK_CACHE"]
        packs = {"25 rules": place / "small", "10,000 rules": place / "large"}
        for folder, services in zip(packs.values(), (1, SERVICES), strict=True):
            write_pack(folder, services)
        request = write_request(place)

        def command(folder: Path) -> tuple[str, ...]:
            parts = ("--change", "change.json", "--approvals", "approvals.json", "--deployments", "deployments.json")
            rest = ("--evidence", "evidence", "-e", "production", "--as-of", AS_OF, "--no-ledger")
            return ("-c", GATECHECK, "evaluate", "--rules", str(folder), *parts, *rest)

        for name, folder in packs.items():
            clock, _ = run(command(folder), place, clean_environment(place))
            print(f"First decision by {name}, which are compiled and kept: {clock / 1000:.1f} s")
        small, large = (command(folder) for folder in packs.values())
        is_met = [
            compare_warm(packs, request, 2, rounds),
            compare(
                "Decide in a cold process",
                dict(zip(packs, (lambda _: small, lambda _: large), strict=True)),
                1.3, rounds, place, place,
            ),
        ]  # fmt: skip
    return 0 if all(is_met) else 1


if __name__ == "__main__":
    sys.exit(main())
