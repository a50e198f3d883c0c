"""An explanation says all that a decision says, in the shape of the rules, and nothing else."""

import json
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any

from decision_records import action, asks, finding, statement
from generate import random_pack, random_request
from msgspec.structs import replace

from gatecheck.engine.trace import Trace, TracedProgram, traced_program
from gatecheck.gate import decide
from gatecheck.lang import core
from gatecheck.model.canonical import canonical
from gatecheck.model.explain import validator
from gatecheck.model.request import Request
from gatecheck.model.schema import load
from gatecheck.report.changed import changed, changes
from gatecheck.report.explanation import Tree, explanation
from gatecheck.report.tree import tree

PACKS, REQUESTS = 50, 4

RULES = """\
environment staging
environment production after staging
risk low < high {
  high when change.type == breaking-api or any(change.files where path matches "payments/**")
  otherwise low
}
attribute ticket: string default ""
group lead = alice, bob
group pm = carol
group commander = zoe
window hours = Mon-Fri 09:00-16:00 in Europe/Berlin
gate sast from sarif {
  pass when count(findings where severity >= high and not suppressed) == 0
}
gate probe from check {
  field value: percent
  field p95: duration
  pass when (value <= 1% or p95 < 300ms) and status == passed
}
rule nested "All sorts" for production {
  when risk == high {
    require sast
    when "incident" not in change.labels {
      require during hours or change.ticket matches "PAY-*"
      notify "slack:#x"
    }
    when change.service == "search": require probe
  }
  when change.service in ["billing", "checkout"] and risk == low: require probe
  require not (change.type == docs and "x" in change.labels)
  approve by 2 of (lead, pm) or pm then lead
  because "nobody ships alone"
}
rule soon for production {
  require change.ticket matches "PAY-*" remedy "Name the ticket"
  effective from 2027-01-01
}
rule hints for production { require probe advisory }
waive sast for production until 2026-12-31 { when change.service == "billing" owner sec because "SEC-1" }
waive probe for production until 2026-01-31 { owner sec because "SEC-2" }
override elsewhere for staging { approve by commander }
override emergency for production { when "incident" in change.labels approve by commander }
"""
ARTIFACT = f"sha256:{'a' * 64}"
REQUEST = f"""\
change:
  id: PR-1
  service: billing
  type: feature
  author: frank
  artifact: {{name: billing 1.0, digest: "{ARTIFACT}"}}
  files: [{{path: payments/a.py}}, {{path: payments/b.py}}, {{path: docs/x.md}}]
  labels: [incident]
environment: production
as_of: 2026-11-24T10:00:00+01:00
evidence:
  probe: {{kind: check, raw: "{ARTIFACT}", file: probe.json, fields: {{status: passed, fields: {{value: 2%}}}}}}
approvals:
- {{approver: bob, stance: approve, at: "2026-11-24T08:50:00Z", environment: production, artifact: "{ARTIFACT}"}}
- {{approver: frank, stance: approve, at: "2026-11-24T08:51:00Z", environment: production, artifact: "{ARTIFACT}"}}
"""
SHOWN = """\
high          risk
true            high when change.type == breaking-api or any(change.files where path matches        a.gate:4
                  "payments/**")
false             change.type == breaking-api (found feature)
true              any(change.files where path matches "payments/**")
                    2 of 3 files
                      payments/a.py
                      payments/b.py

waiting       environment production after staging
                promotion to staging first (this artifact was not allowed there)

waiting       rule nested "All sorts"                                                               a.gate
                because nobody ships alone
true            when risk == high (found high)
waived            require sast                                                                      a.gate:22
                    waived until 2026-12-31T00:00:00Z by sec: SEC-1
-                 when "incident" not in change.labels: 2 statements (change.labels is              a.gate:24
                    ["incident"])
-                 when change.service == "search": require probe (it is about another service)      a.gate:27
-               when change.service in ["billing", "checkout"] and risk == low: require probe       a.gate:29
                  (risk is high)
passed          require not (change.type == docs and "x" in change.labels)                          a.gate:30
true              not
false               all of
false                 change.type == docs (found feature)
false                 "x" in change.labels (found ["incident"])
waiting         approve by 2 of (lead, pm) or pm then lead                                          a.gate:31
filled            lead or pm: bob, Tue 24 Nov 2026 09:50 +01:00
open              lead or pm: alice, carol
open              lead: alice
refused           approval of frank: is the author, Tue 24 Nov 2026 09:51 +01:00

advises       rule soon                                                                             a.gate
                effective from Fri 1 Jan 2027 01:00 +01:00
advises         require change.ticket matches "PAY-*" (found "")                                    a.gate:35

advises       rule hints                                                                            a.gate
                advisory
advises         require probe                                                                       a.gate:38
                  probe.json; unbound
undetermined      any of
false               value <= 1% (found 2%)
undetermined        p95 < 300ms
                      evidence of probe (its evidence does not measure p95)
true              status == passed (found passed)

waived        waive sast until Thu 31 Dec 2026 01:00 +01:00                                         a.gate:39
                owner sec, because SEC-1
true            when change.service == "billing" (found "billing")
                lets off: require sast

-             waive probe until Sat 31 Jan 2026 01:00 +01:00                                        a.gate:40
                owner sec, because SEC-2
                it is over

available     override emergency                                                                    a.gate:42
true            when "incident" in change.labels (found ["incident"])
waiting         approve by commander
open              commander: zoe
refused         approval of bob: is in no group that is asked, Tue 24 Nov 2026 09:50 +01:00
refused         approval of frank: is the author, Tue 24 Nov 2026 09:51 +01:00
"""
UNDECIDED = """\
environment production
risk low < high {
  high when change.requested_at < 2020-01-01T00:00:00Z
  otherwise low
}
group lead = alice, bob
gate tests from junit { pass when failures == 0 }
window weekends = Sat-Sun in UTC
rule r for production {
  when tests.failures > 5 or change.type == docs: approve by lead
  require tests or during weekends
  require soak(production) >= 2h
  forbid during weekends or change.type == docs
  require during weekends
  approve by lead
}
"""
UNDECIDED_SHOWN = """\
high          risk
undetermined    high when change.requested_at < 2020-01-01T00:00:00Z                 a.gate:3
                  change.requested_at to be stated (the change does not state it)
                what can't be told counts as the higher risk

failed        rule r                                                                 a.gate
undetermined    when tests.failures > 5 or change.type == docs
undetermined      tests.failures > 5
                    evidence of tests (there is none)
false             change.type == docs (found feature)
waiting           approve by lead                                                    a.gate:10
                    it is undetermined whether this applies
waiting         require tests or during weekends                                     a.gate:11
undetermined      any of
undetermined        tests
                      evidence of tests (there is none)
false               during weekends (closed until Sat 28 Nov 2026 01:00 +01:00)
waiting         require soak(production) >= 2h (found 0s)                            a.gate:12
                  a verified deployment to production (it has not run there, verified)
passed          forbid during weekends or change.type == docs                        a.gate:13
false             any of
false               during weekends (closed until Sat 28 Nov 2026 01:00 +01:00)
false               change.type == docs (found feature)
waiting         require during weekends (closed until Sat 28 Nov 2026 01:00 +01:00)  a.gate:14
failed          approve by lead                                                      a.gate:15
                  rejected by alice
refused           approval of bob: is the author, Tue 24 Nov 2026 09:50 +01:00
                  by a rejection of alice (only an approval by the same person lifts a rejection)
"""


def explained(program: TracedProgram, request: Request) -> tuple[Tree, Tree, Trace]:
    record = json.loads(decide(program, request).statement)
    trace = program.trace(request.environment)
    return explanation(trace, request, record), record, trace


@cache
def generated() -> list[tuple[Tree, Tree, Trace]]:
    made = []
    for seed in range(PACKS):
        random = Random(seed)
        _, pack = random_pack(random)
        program = TracedProgram(pack)
        made += [explained(program, random_request(random, pack)) for _ in range(REQUESTS)]
    return made


def below(body: list[Tree]) -> Iterator[Tree]:
    for each in body:
        yield from below(each["body"]) if "when" in each else [each]


def test_a_pack_of_all_sorts_is_shown() -> None:
    request: Request = load(REQUEST.encode(), "request.yaml", "request")
    made, _, _ = explained(traced_program({"a.gate": RULES.encode()}), request)
    assert tree(made) == SHOWN
    validator("explanation").validate(made)


def test_what_is_undetermined_says_why() -> None:
    text = REQUEST.replace("author: frank", "author: bob")
    text = text.replace("approver: frank, stance: approve", "approver: alice, stance: reject")
    request: Request = load(text.encode(), "request.yaml", "request")
    request = replace(request, evidence={})
    made, _, _ = explained(traced_program({"a.gate": UNDECIDED.encode()}), request)
    assert tree(made) == UNDECIDED_SHOWN
    validator("explanation").validate(made)


def test_each_statement_stands_there_once_and_says_what_its_finding_says() -> None:
    for made, record, trace in generated():
        shown = {s["id"]: s for rule in made["rules"] for s in below(rule["body"])}
        assert sorted(shown) == sorted(s.id for s in trace.statements())
        assert sum(len(list(below(rule["body"]))) for rule in made["rules"]) == len(shown)
        found = {f["id"]: f for f in record["predicate"]["findings"]}
        assert {i: s["status"] for i, s in shown.items() if "status" in s} | {
            f["id"]: f["status"] for f in made.get("order", ())
        } == {i: f["status"] for i, f in found.items()}
        for name, s in shown.items():
            assert s.get("missing") == found.get(name, {}).get("missing")
            if s["kind"] not in ("deploy", "notify"):
                assert (s["applies"] == "false") == (name not in found)


def test_who_fills_a_place_is_who_counts() -> None:
    seen = 0
    for made, record, _ in generated():
        found = {f["id"]: f for f in record["predicate"]["findings"]}
        for s in (s for rule in made["rules"] for s in below(rule["body"]) if s.get("approval")):
            finding_ = found[s["id"]]
            filled = [{"approver": p["by"], "at": p["at"]} for p in s["approval"].get("slots", ()) if "by" in p]
            assert filled == finding_.get("counted", [])
            asked = [p["groups"] for p in s["approval"].get("slots", ()) if "by" not in p]
            if {a["action"] for a in finding_.get("missing", ())} == {"approve"}:
                assert asked == [a["groups"] for a in finding_["missing"]]
            if "including author" not in s["text"]:
                own = record["predicate"]["change"]["author"]
                assert all(own not in people for people in s["approval"].get("may_approve", {}).values())
            seen += len(filled)
    assert seen > 10


def truth(node: Tree) -> str:
    """What a condition comes to, by its parts."""
    if "op" not in node:
        return str(node["truth"])
    parts = [truth(part) for part in node["parts"]]
    if node["op"] == "not":
        return {"true": "false", "false": "true"}.get(parts[0], parts[0])
    decisive, other = ("false", "true") if node["op"] == "and" else ("true", "false")
    return decisive if decisive in parts else "undetermined" if "undetermined" in parts else other


def conditions(node: Any) -> Iterator[Tree]:
    if isinstance(node, dict):
        if "truth" in node:
            yield node
        for child in node.values():
            yield from conditions(child)
    elif isinstance(node, list):
        for child in node:
            yield from conditions(child)


def test_a_condition_follows_from_its_parts() -> None:
    seen = 0
    for made, _, _ in generated():
        for node in conditions(made["rules"]):
            if node["truth"] != "unseen" and "op" in node:
                assert truth(node) == node["truth"]
                seen += 1
    assert seen > 100


def test_it_fits_its_schema_and_can_be_shown() -> None:
    valid = validator("explanation")
    valid.check_schema(valid.schema)
    for number, (made, record, _) in enumerate(generated()):
        assert canonical(made)
        if number % 10 == 0:
            valid.validate(made)
        shown = tree(made, record)
        assert all(line.isprintable() and line == line.rstrip() for line in shown.split("\n"))
        for rule in made["rules"]:
            assert f"rule {rule['rule']}" in shown


def test_colour_adds_nothing_but_colour() -> None:
    import re

    for made, record, _ in generated():
        assert re.sub("\x1b\\[[0-9;]*m", "", tree(made, record, colour=True)) == tree(made, record)


def test_text_by_others_drives_no_terminal() -> None:
    request: Request = load(REQUEST.encode(), "request.yaml", "request")
    program = traced_program({"a.gate": RULES.encode()})
    made, record, _ = explained(program, request)
    made["rules"][0]["because"] = "so\x1b[31m\n::error::"
    assert "because so\N{REPLACEMENT CHARACTER}[31m : :error::" in tree(made, record)


def test_statements_below_one_guard_stay_below_it() -> None:
    program = traced_program({"a.gate": RULES.encode()})
    made, _, _ = explained(program, load(REQUEST.encode(), "request.yaml", "request"))
    first = made["rules"][0]["body"][0]
    assert [first["when"]["text"], *("when" in each for each in first["body"])] == ["risk == high", False, True, True]
    assert [s["text"] for s in first["body"][1]["body"]] == [
        'require during hours or change.ticket matches "PAY-*"',
        'notify "slack:#x"',
    ]
    assert all(isinstance(s, core.Statement) for s in program.pack.statements)


def test_one_guard_of_two_conditions_stays_one() -> None:
    rules = """\
        environment production
        rule r for production {
          when change.type == docs and change.title == "x" { deploy with canary notify "slack:#x" }
          approve automatically
        }
        """
    made, _, _ = explained(
        traced_program({"a.gate": rules.encode()}),
        replace(load(REQUEST.encode(), "request.yaml", "request"), evidence={}),
    )
    guarded, automatic = made["rules"][0]["body"]
    assert guarded["when"]["text"] == 'change.type == docs and change.title == "x"'
    assert [s["text"] for s in guarded["body"]] == ["deploy with canary", 'notify "slack:#x"']
    assert automatic["text"] == "approve automatically"


def test_two_records_that_agree_differ_in_nothing() -> None:
    record = statement([asks(action("evidence", "tests", reason="there is none"))])
    assert changes(record, record)["changes"] == []
    assert changed(("risk low",), record, record) == (
        "what if       risk low\n\n"
        "PENDING       payment-service 2.14.0 -> production\n"
        "as of         Mon 23 Nov 2026 10:00 +01:00\n"
        "risk          medium (otherwise)\n"
        "needs         evidence of tests (there is none)  quality\n\n"
        "              no finding differs\n"
    )


def test_each_finding_that_differs_is_told_as_it_was_and_would_be() -> None:
    before = statement([asks(action("evidence", "tests", reason="there is none")), finding("quality/lint")])
    after = statement([finding("quality/tests"), asks(action("mend", "scan"), name="quality/scan", note="so it is")])
    assert changes(before, after) == {
        "before": {"verdict": "pending", "environment": "production", "as_of": "2026-11-23T10:00:00+01:00",
                   "risk": "medium"},
        "after": {"verdict": "deny", "environment": "production", "as_of": "2026-11-23T10:00:00+01:00",
                  "risk": "medium"},
        "changes": [
            {"id": "quality/lint", "rule": "quality", "statement": "require lint", "file": "payment.gate", "line": 46,
             "before": {"status": "passed"}},
            {"id": "quality/scan", "rule": "quality", "statement": "require scan", "file": "payment.gate", "line": 46,
             "after": {"status": "failed", "note": "so it is", "missing": [{"action": "mend", "subject": "scan"}]}},
            {"id": "quality/tests", "rule": "quality", "statement": "require tests", "file": "payment.gate", "line": 46,
             "before": {"status": "waiting", "missing": [
                 {"action": "evidence", "subject": "tests", "reason": "there is none"}]},
             "after": {"status": "passed"}},
        ],
    }  # fmt: skip
    assert changed(("tests passes", "lint is missing"), before, after) == (
        "what if       tests passes; lint is missing\n\n"
        "DENY          payment-service 2.14.0 -> production (was PENDING)\n"
        "as of         Mon 23 Nov 2026 10:00 +01:00\n"
        "risk          medium (otherwise)\n"
        "fails         scan: so it is  quality\n\n"
        "-             require lint    payment.gate:46\n"
        "                it no longer applies\n"
        "                was passed\n"
        "failed        require scan    payment.gate:46\n"
        "                note: so it is\n"
        "                did not apply\n"
        "passed        require tests   payment.gate:46\n"
        "                was waiting: evidence of tests (there is none)\n"
    )
