"""Build the nodes of a pack's tests, and of a what-if, from what the grammar matched."""

from typing import Any, Literal

from lark import Token
from msgspec.structs import replace

from gatecheck.lang import ast, scenario
from gatecheck.lang.build_values import BuildValues, Children, names_in, nodes_in

_STANCES: dict[str, scenario.Stance] = {"approval": "approve", "rejection": "reject", "withdrawal": "withdraw"}


def _word(children: Children) -> Any:
    return str(children[-1])


class BuildScenario(BuildValues):
    """One method a grammar rule of tests and what-ifs."""

    def test(self, children: Children) -> ast.Scenario:
        title = self.string(children[2]) if children[2].type == "STRING" else ""
        return ast.Scenario(self.span(children), str(children[1]), title, nodes_in(children))

    # -- values

    def pair(self, children: Children) -> scenario.Pair:
        return scenario.Pair(self.span(children), str(children[0]), children[2])

    def record(self, children: Children) -> scenario.Fields:
        return scenario.Fields(self.span(children), nodes_in(children))

    def values(self, children: Children) -> scenario.Values:
        return scenario.Values(self.span(children), nodes_in(children))

    # -- given

    def given_item(self, children: Children) -> ast.Node:
        given: ast.Node = children[1]
        return replace(given, span=self.span(children))

    def given_change(self, children: Children) -> scenario.GivenChange:
        return scenario.GivenChange(self.span(children), children[1], str(children[3]))

    def given_gates(self, children: Children) -> scenario.GivenGates:
        return scenario.GivenGates(self.span(children))

    def gate_outcome(self, children: Children) -> Children:
        return children

    def given_gate(self, children: Children) -> scenario.GivenGate:
        return scenario.GivenGate(self.span(children), str(children[0]), _word(children[1]))

    def given_evidence(self, children: Children) -> scenario.GivenEvidence:
        return scenario.GivenEvidence(self.span(children), str(children[0]), children[1])

    def given_signature(self, children: Children) -> scenario.GivenSignature:
        return scenario.GivenSignature(self.span(children), str(children[0]), self.person_names(children[3]))

    stance = verdict = status = gate_outcome

    def said(self, children: Children) -> scenario.Said:
        at = children[3] if len(children) > 2 else None
        return scenario.Said(self.span(children), self.person_name(children[1]), at)

    def given_stances(self, children: Children) -> scenario.GivenStances:
        rest = [c for c in children[1:] if isinstance(c, Token)]
        environment = next((str(n) for n in names_in(rest)), "")
        is_signed = any(t.type == "SIGNED" for t in rest)
        stance = _STANCES[_word(children[0])]
        return scenario.GivenStances(self.span(children), stance, nodes_in(children), is_signed, environment)

    def given_group(self, children: Children) -> scenario.GivenGroup:
        return scenario.GivenGroup(self.span(children), str(children[1]), self.person_names(children[3]))

    def given_delegate(self, children: Children) -> scenario.GivenDelegate:
        delegate, person = self.person_name(children[0]), self.person_name(children[3])
        return scenario.GivenDelegate(self.span(children), delegate, person, next(iter(nodes_in(children)), None))

    def given_soak(self, children: Children) -> scenario.GivenSoak:
        return scenario.GivenSoak(self.span(children), self.duration(children[1]), str(children[3]))

    def given_allowed(self, children: Children) -> scenario.GivenAllowed:
        people = self.person_names(children[4]) if len(children) > 3 else ()
        return scenario.GivenAllowed(self.span(children), str(children[2]), people)

    def given_risk(self, children: Children) -> scenario.GivenRisk:
        return scenario.GivenRisk(self.span(children), str(children[1]))

    def given_recorded(self, children: Children) -> scenario.GivenRecorded:
        return scenario.GivenRecorded(self.span(children), self.string(children[1]))

    def each(self, children: Children) -> scenario.Each:
        return scenario.Each(self.span(children), children[1], children[3])

    def at(self, children: Children) -> scenario.At:
        return scenario.At(self.span(children), children[1])

    # -- expected

    def expect_verdict(self, children: Children) -> scenario.ExpectVerdict:
        return scenario.ExpectVerdict(self.span(children), _word(children[1]))

    def expect_finding(self, children: Children) -> scenario.ExpectFinding:
        names = names_in(children)
        lists = [c for c in children if isinstance(c, list)]
        missing = tuple(str(n) for n in names_in(lists[1])) if len(lists) > 1 else None
        gate = str(names[1]) if len(names) > 1 else ""
        is_advisory = any(isinstance(c, Token) and c.type == "ADVISORY" for c in children)
        kind: Literal["", "rule", "gate"] = "" if children[1] is names[0] else children[1].value
        return scenario.ExpectFinding(
            self.span(children), kind, str(names[0]), gate, is_advisory, _word(lists[0]), missing
        )  # fmt: skip

    def expect_risk(self, children: Children) -> scenario.ExpectRisk:
        return scenario.ExpectRisk(self.span(children), str(children[2]))

    def expect_overridden(self, children: Children) -> scenario.ExpectOverridden:
        return scenario.ExpectOverridden(self.span(children), len(children) == 2)

    def expect_deploy(self, children: Children) -> scenario.ExpectObligation:
        return scenario.ExpectObligation(self.span(children), "deploy", str(children[3]))

    def expect_notify(self, children: Children) -> scenario.ExpectObligation:
        return scenario.ExpectObligation(self.span(children), "notify", self.string(children[2]))

    def expect_missing(self, children: Children) -> scenario.ExpectMissing:
        return scenario.ExpectMissing(self.span(children), tuple(str(n) for n in names_in(children[2])))

    # -- what if

    def what_if(self, children: Children) -> scenario.WhatIf:
        return scenario.WhatIf(self.span(children), nodes_in(children))

    def now(self, children: Children) -> scenario.Now:
        return scenario.Now(self.span(children), self.point([c for c in children[1:] if not _is_in(c)]))

    def wished_change(self, children: Children) -> scenario.GivenChange:
        return scenario.GivenChange(self.span(children), children[1])

    def wished_field(self, children: Children) -> scenario.GivenChange:
        pair = scenario.Pair(self.span(children), str(children[2]), children[3])
        return scenario.GivenChange(pair.span, scenario.Fields(pair.span, (pair,)))


def _is_in(child: Any) -> bool:
    return isinstance(child, Token) and child.type == "IN"
