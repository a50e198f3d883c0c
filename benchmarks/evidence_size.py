"""Measure how long large evidence takes to read, and how much memory: 20 MB each of SARIF, JUnit and Cobertura.

The files are made by a fixed recipe in a temporary directory. Each is read in a process of its own, whose seconds by
the clock, seconds of CPU and peak resident memory, imports included, are printed.
Run: ``python benchmarks/evidence_size.py``.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

SIZE = 20 * 1000 * 1000
EVALUATOR = Path(__file__).resolve().parents[1] / "evaluator"
READ = """
import resource, sys, time
from pathlib import Path
started = time.perf_counter()
from gatecheck.evidence.read import read_evidence_file
evidence = read_evidence_file(Path(sys.argv[1]), sys.argv[1])
seconds = time.perf_counter() - started
usage = resource.getrusage(resource.RUSAGE_SELF)
cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
counts = {k: v for k, v in evidence.fields.items() if isinstance(v, int) and v}
print(f"{seconds:.2f} s, CPU {cpu:.2f} s, peak {peak:.0f} MiB, {counts} {evidence.flaw}")
"""


def sarif(size: int) -> str:
    rules = [
        {
            "id": f"R{n:03}",
            "shortDescription": {"text": f"rule {n}"},
            "help": {"text": "Explanation. " * 20},
            "defaultConfiguration": {"level": "warning"},
            "properties": {"security-severity": f"{n % 10}.5"},
        }
        for n in range(200)
    ]
    results: list[str] = []
    held = 0
    while held < size:
        n = len(results)
        result = {
            "ruleId": f"R{n % 200:03}",
            "ruleIndex": n % 200,
            "level": ("error", "warning", "note")[n % 3],
            "message": {"text": f"finding {n} of the benchmark"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": f"src/package{n % 37}/module{n % 991}.py", "uriBaseId": "ROOT"},
                        "region": {
                            "startLine": n % 3000 + 1,
                            "startColumn": 5,
                            "endLine": n % 3000 + 1,
                            "endColumn": 20,
                        },
                    }
                }
            ],
            "partialFingerprints": {"primaryLocationLineHash": f"{n:016x}:1"},
        }
        results.append(json.dumps(result))
        held += len(results[-1]) + 1
    driver = json.dumps({"name": "bench", "version": "1.0", "rules": rules})
    return f'{{"version":"2.1.0","runs":[{{"tool":{{"driver":{driver}}},"results":[{",".join(results)}]}}]}}'


def junit(size: int) -> str:
    cases: list[str] = []
    held = failures = 0
    while held < size:
        n = len(cases)
        body = "/>"
        if n % 50 == 0:
            failures += 1
            body = f'><failure message="assert {n} == 0">{"trace line &lt;module&gt;" * 40}</failure></testcase>'
        cases.append(
            f'<testcase classname="tests.test_module_{n % 500}" name="test_case_number_{n}" time="0.013"{body}'
        )
        held += len(cases[-1])
    head = f'<testsuite name="bench" tests="{len(cases)}" failures="{failures}" errors="0" skipped="0" time="900.1">'
    return f'<?xml version="1.0" encoding="utf-8"?><testsuites>{head}{"".join(cases)}</testsuite></testsuites>'


def cobertura(size: int) -> str:
    classes: list[str] = []
    held = 0
    while held < size:
        n = len(classes)
        lines = "".join(f'<line number="{i}" hits="{(i * n) % 7}"/>' for i in range(1, 400))
        name = f"src/module{n}.py"
        classes.append(f'<class name="module{n}" filename="{name}" line-rate="0.8"><lines>{lines}</lines></class>')
        held += len(classes[-1])
    return (
        '<?xml version="1.0"?><coverage line-rate="0.99"><packages><package name="p"><classes>'
        + "".join(classes)
        + "</classes></package></packages></coverage>"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, make in (("bench.sarif", sarif), ("junit.xml", junit), ("cobertura.xml", cobertura)):
            path = Path(folder, name)
            path.write_text(make(SIZE), "utf-8")
            size = path.stat().st_size / 1e6
            command = [sys.executable, "-c", READ, str(path)]
            done = subprocess.run(
                command, capture_output=True, text=True, env={"PYTHONPATH": str(EVALUATOR)}, check=True
            )
            print(f"{name} {size:.1f} MB: {done.stdout.strip().replace(str(path), name)}")


if __name__ == "__main__":
    main()
