"""How long a pack of 6,000 lines takes to parse, check, compile and format: `python benchmarks/parse_speed.py`.

The pack is made by a fixed recipe, in the manner of a company's: one file of common declarations, then a block of
twelve lines for each service. Nothing is cached; the best of several runs is shown, in seconds.
"""

import sys
import time
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "evaluator"))

LINES = 6_000
RUNS = 5

COMMON = """\
environment dev
environment staging after dev
environment production after staging
risk low < medium < high < critical {
  critical when change.type in [database-migration, breaking-api]
  high when any(change.files where path matches "payments/**")
  low when change.type in [docs, bugfix]
  otherwise medium
}
attribute ticket: string default ""
group tech-lead = alice, bob
group pm
window business-hours = Mon-Fri 09:00-16:00 in Europe/Berlin
gate unit-tests from junit { pass when tests > 0 and failures == 0 }
gate coverage from coverage { pass when line_rate >= 80% }
gate sast from sarif {
  pass when count(findings where severity >= high and not suppressed) == 0
  fresh for 24h
}
rule base for dev, staging, production { approve automatically }
"""

SERVICE = """\
rule service-{n} "Rules of service {n}" for staging, production when change.service == "service-{n}" {{
  require unit-tests, sast remedy "see the pipeline of service {n}"
  require coverage.line_rate >= {percent}%
  require soak(staging) >= {hours}h or change.type == hotfix
  when risk >= high: approve by tech-lead then pm valid for 72h
  when not change.type in [hotfix, rollback] {{
    require during business-hours
    deploy with canary
  }}
  because "agreed with the owners of service {n}"
}}

"""


def pack() -> str:
    """Return the text of the pack, of just over ``LINES`` lines."""
    count = (LINES - COMMON.count("\n")) // SERVICE.count("\n") + 1
    services = (SERVICE.format(n=n, percent=60 + n % 40, hours=1 + n % 48) for n in range(count))
    return COMMON + "".join(services)


def main() -> None:
    from gatecheck.engine.compile import compile_pack
    from gatecheck.lang.check import check
    from gatecheck.lang.format import formatted
    from gatecheck.lang.parser import parse
    from gatecheck.text.source import Source

    source = Source("pack.gate", pack())
    parse(Source("warm.gate", COMMON))  # the tables of the grammar are built once
    best = {"parse": 9e9, "check": 9e9, "compile": 9e9, "format": 9e9, "format what is formatted": 9e9}
    neat = Source("pack.gate", formatted(source))
    for _ in range(RUNS):
        start = time.perf_counter()
        file, problems = parse(source)
        parsed = time.perf_counter()
        checked = check([file], "sha256:0", (("pack.gate", "sha256:0"),))
        done = time.perf_counter()
        assert not problems and checked.pack is not None, (problems, checked.diagnostics)
        compile_pack(checked.pack)
        compiled = time.perf_counter()
        formatted(source)
        laid_out = time.perf_counter()
        assert formatted(neat) == neat.text
        end = time.perf_counter()
        marks = (start, parsed, done, compiled, laid_out, end)
        best = {name: min(best[name], b - a) for name, (a, b) in zip(best, pairwise(marks), strict=True)}
    lines = source.text.count("\n")
    print(f"{lines:,} lines: " + ", ".join(f"{name} {spent:.2f} s" for name, spent in best.items()))
    print(f"parse and check {best['parse'] + best['check']:.2f} s")


if __name__ == "__main__":
    main()
