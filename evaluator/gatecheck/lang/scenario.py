"""The syntax of a pack's own tests, and of what `explain --what-if` asks: what is given, and what is expected.

As everywhere in the syntax nothing is resolved here: names are as written, instants wall-clock text.
"""

from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Literal as OneOf

from gatecheck.lang.ast import ListOf, Literal, Node, Point, Reference

Outcome = OneOf["passes", "fails", "missing", "stale"]
Stance = OneOf["approve", "reject", "withdraw"]
Verdict = OneOf["allow", "pending", "deny"]
Status = OneOf["passed", "failed", "waiting", "waived", "absent"]


class Pair(Node, frozen=True, eq=False):
    """`type: breaking-api`, in a record."""

    key: str
    value: "Value"


class Fields(Node, frozen=True, eq=False):
    """`{ type: docs, author: "frank" }`."""

    pairs: tuple[Pair, ...]


class Values(Node, frozen=True, eq=False):
    """`[{ severity: high }, { severity: low }]`."""

    items: tuple["Value", ...]


Value = Literal | Reference | Values | Fields


def pairs_of(fields: Fields, known: Collection[str], prefix: str = "") -> Iterator[Pair]:
    """Yield a record's pairs; those of records in it under dotted names (`latency.p95`), where such names are known."""
    for pair in fields.pairs:
        key = prefix + pair.key
        if isinstance(pair.value, Fields) and any(name.startswith(f"{key}.") for name in known):
            yield from pairs_of(pair.value, known, f"{key}.")
        else:
            yield Pair(pair.span, key, pair.value)


# -- what is given


class GivenChange(Node, frozen=True, eq=False):
    """`given change { type: docs } to production`; `change { … }` of a what-if names no environment."""

    fields: Fields
    environment: str = ""


class GivenGates(Node, frozen=True, eq=False):
    """`given all gates pass`."""


class GivenGate(Node, frozen=True, eq=False):
    """`given sast passes`, `fails`, `is missing` or `is stale`."""

    gate: str
    outcome: Outcome


class GivenEvidence(Node, frozen=True, eq=False):
    """`given coverage { line_rate: 79% }`."""

    gate: str
    fields: Fields


class GivenSignature(Node, frozen=True, eq=False):
    """`given sast signed by ci`."""

    gate: str
    signers: tuple[str, ...]


class Said(Node, frozen=True, eq=False):
    """`by alice at 2026-11-23 09:00`."""

    person: str
    at: Point | None = None


class GivenStances(Node, frozen=True, eq=False):
    """`given approval by alice, by carol at … signed for staging`."""

    stance: Stance
    said: tuple[Said, ...]
    is_signed: bool = False
    environment: str = ""


class GivenGroup(Node, frozen=True, eq=False):
    """`given group pm = carol`: as the directory would say it."""

    group: str
    members: tuple[str, ...]


class GivenDelegate(Node, frozen=True, eq=False):
    """`given bob acts for alice until 2026-12-01`."""

    delegate: str
    person: str
    until: Point | None = None


class GivenSoak(Node, frozen=True, eq=False):
    """`given soak 30h in staging`."""

    duration: timedelta
    environment: str


class GivenAllowed(Node, frozen=True, eq=False):
    """`given allowed in staging by alice`: a recorded allow, and who approved it."""

    environment: str
    people: tuple[str, ...] = ()


class GivenRisk(Node, frozen=True, eq=False):
    """`given risk high`: stated on the change."""

    level: str


class GivenRecorded(Node, frozen=True, eq=False):
    """`given recorded "decisions/9f2c41d.json"`: the request of a recorded decision."""

    path: str


class Now(Node, frozen=True, eq=False):
    """`now 2026-11-24 10:00 Europe/Berlin`, of a what-if."""

    at: Point


Given = (
    GivenChange | GivenGates | GivenGate | GivenEvidence | GivenSignature | GivenStances | GivenGroup | GivenDelegate
    | GivenSoak | GivenAllowed | GivenRisk | GivenRecorded
)  # fmt: skip


class Each(Node, frozen=True, eq=False):
    """`each change.type in [docs, bugfix]`: one case for each value."""

    field: Reference
    values: ListOf


class At(Node, frozen=True, eq=False):
    """`at 2026-11-23 10:00 in Europe/Berlin`: the instant of the decision."""

    point: Point


# -- what is expected


class ExpectVerdict(Node, frozen=True, eq=False):
    """`expect pending`."""

    verdict: Verdict


class ExpectFinding(Node, frozen=True, eq=False):
    """`expect production-approval waiting for on-call`: of a rule, a gate, or one gate in a rule (`rule/gate`).

    ``kind`` is stated where the name would be taken for a word of the language: `expect rule allow failed`.
    """

    kind: OneOf["", "rule", "gate"]
    name: str
    gate: str
    is_advisory: bool
    status: Status
    missing: tuple[str, ...] | None


class ExpectRisk(Node, frozen=True, eq=False):
    """`expect risk high`."""

    level: str


class ExpectOverridden(Node, frozen=True, eq=False):
    """`expect overridden`, `expect not overridden`."""

    is_overridden: bool


class ExpectObligation(Node, frozen=True, eq=False):
    """`expect deploy with canary`, `expect notify "slack:#x"`."""

    kind: OneOf["deploy", "notify"]
    value: str


class ExpectMissing(Node, frozen=True, eq=False):
    """`expect missing pm, sast`: exactly what is still missing."""

    names: tuple[str, ...]


Expectation = ExpectVerdict | ExpectFinding | ExpectRisk | ExpectOverridden | ExpectObligation | ExpectMissing
Item = Given | Each | At | Expectation  # what stands in an ``ast.Scenario``


class WhatIf(Node, frozen=True, eq=False):
    """What is to be otherwise, in the order of the text."""

    wishes: tuple[Given | Now, ...]
