"""How many cases of a pack's tests run in a second on one core: `python benchmarks/scenarios.py [CASES]`.

The pack is the payment service's, with one test over every change type, several authors and attributes, and all that a
case of a real test gives: evidence of every gate, approvals, a stay in staging. Parsed, checked and compiled is before
the clock starts; the whole command is timed apart, as a process of its own. Both count processor time, so that a busy
machine says the same.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "evaluator"))

from gatecheck.lang.pack import load, read_folder  # noqa: E402
from gatecheck.testing.cases import Runner, cases  # noqa: E402
from gatecheck.testing.samples import program_of  # noqa: E402

RUNS = 5
TYPES = (
    "breaking-api, bugfix, chore, configuration, database-migration, dependency-update, docs, experiment, feature, "
    "hotfix, infrastructure, internal-tool, performance, refactor, rollback, security-fix"
)
TEST = """\
test benchmark-{n} {{
  given change {{ files: ["payments/a.py", "README.md"], ticket: "PAY-{n}" }} to production
  given all gates pass
  given coverage {{ line_rate: 85% }}
  given group pm = carol, dave
  given group on-call = erin
  given approval by alice at 2026-11-24 09:00, by carol at 2026-11-24 10:00, by erin at 2026-11-24 11:00
  given soak 30h in staging
  each change.type in [{types}]
  each change.author in ["frank", "grace"]
  at 2026-11-24 13:00 in Europe/Berlin
  expect allow
  expect production-approval passed
  expect production-quality passed
  expect not overridden
}}
"""


def main(wanted: int) -> None:
    files = {name: raw for name, raw in read_folder(ROOT / "rules" / "payment-service").items() if name != "tests.gate"}
    files["benchmark.gate"] = "".join(TEST.format(n=n, types=TYPES) for n in range(wanted // 32 or 1)).encode()
    pack, _, _ = load(files)
    program = program_of(pack)
    best = 0.0
    for _ in range(RUNS):
        runner = Runner(pack, program, {})
        start = time.process_time()
        results = [runner.run(case) for case in cases(pack)]
        took = time.process_time() - start
        if not all(result.is_passed for result in results):
            raise SystemExit("a case of the benchmark fails")
        best = max(best, len(results) / took)
    print(f"{len(results):,} cases: {best:,.0f} cases a second of one core, best of {RUNS}")
    with tempfile.TemporaryDirectory() as folder:
        for name, raw in files.items():
            Path(folder, name).write_bytes(raw)
        took = min(_command(folder) for _ in range(RUNS))
    print(f"the whole command, from a cold start: {took:.2f} s, {len(results) / took:,.0f} cases a second")


def _command(folder: str) -> float:
    before = os.times()
    command = [sys.executable, "-m", "gatecheck", "test", folder]
    subprocess.run(command, check=True, capture_output=True, env={"PYTHONPATH": str(ROOT / "evaluator")})
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3_200)
