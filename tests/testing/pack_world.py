"""A small pack with all that its tests can ask about, and ways to run tests that stand beside it."""

from collections.abc import Mapping

from gatecheck.engine.program import evaluate
from gatecheck.lang import core
from gatecheck.lang.pack import load
from gatecheck.model.decision import Decision
from gatecheck.model.request import Request
from gatecheck.testing.given import case_of
from gatecheck.testing.run import Ran, run_tests
from gatecheck.testing.samples import Samples, program_of
from gatecheck.testing.show import as_text, failure
from gatecheck.text.source import Source

RULES = """\
environment dev
environment staging after dev
environment production after staging
risk low < high {
  high when change.type in [feature, breaking-api]
  otherwise low
}
attribute ticket: string default ""
attribute team: int
group tech-lead = alice, bob
group pm
group on-call
window office = Mon-Fri 09:00-16:00 in Europe/Berlin
gate unit-tests from junit { pass when tests > 0 and failures == 0 }
gate coverage from coverage { pass when line_rate >= 80% }
gate sast from sarif "trivy" {
  pass when count(findings where severity >= high and not suppressed) == 0
  fresh for 24h
}
gate load from check {
  field p95: duration
  pass when status == passed and p95 < 300ms
  bound
}
rule dev for dev { approve automatically }
rule quality for staging, production { require unit-tests, coverage, sast }
rule people for staging, production {
  when risk == low: approve automatically
  when risk == high: approve by tech-lead then pm
}
rule timing for production {
  when change.type == breaking-api and risk == high: require during office
  require soak(staging) >= 24h
  when "customer-visible" in change.labels: deploy with canary
}
rule style for production {
  advisory
  require change.ticket matches "PAY-*"
}
"""


def pack_of(tests: str, rules: str = RULES) -> core.Pack:
    return load({"rules.gate": rules.encode(), "tests.gate": tests.encode()})[0]


def request_of(items: str, recorded: Mapping[str, Request] | None = None, rules: str = RULES) -> Request:
    """Return the request of a test that holds these items."""
    pack = pack_of(f"test a {{\n{items}\nexpect allow\n}}\n", rules)
    return case_of(pack, pack.scenarios[0].items, (), Samples(pack), recorded)


def decision_of(items: str) -> Decision:
    pack = pack_of(f"test a {{\n{items}\nexpect allow\n}}\n")
    return evaluate(program_of(pack), case_of(pack, pack.scenarios[0].items, (), Samples(pack)))


def ran(
    tests: str, rules: str = RULES, *, is_covered: bool = False, recorded: Mapping[str, Request] | None = None
) -> Ran:
    return run_tests(pack_of(tests, rules), (), recorded or {}, is_covered=is_covered)


def shown(tests: str, rules: str = RULES, *, is_covered: bool = False) -> str:
    """Return the text of a run."""
    made = ran(tests, rules, is_covered=is_covered)
    sources = {"rules.gate": Source("rules.gate", rules), "tests.gate": Source("tests.gate", tests)}
    failures = [failure(r, made.traced, sources) for r in made.results if not r.is_passed]
    return as_text(failures, made.results, made.coverage)
