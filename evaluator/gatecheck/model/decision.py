"""A decision as it is made: its findings, what is missing, and when it will next change by itself.

These are the in-memory nouns, built on the hot path; ``engine.record`` writes them as the in-toto statement that
``schemas/decision.schema.json`` describes.
"""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

Verdict = Literal["allow", "pending", "deny"]
Status = Literal["passed", "failed", "waiting", "waived"]


class Asked(Struct, frozen=True, gc=False):
    """What one statement asks, fixed when the pack is compiled.

    ``leaves`` pairs each comparison's text with the type of the value that a finding holds for it. ``gate`` is the gate
    that a plain requirement names.
    """

    id: str
    rule: str
    title: str
    kind: str
    text: str
    file: str
    line: int
    because: str = ""
    remedy: str = ""
    gate: str = ""
    leaves: tuple[tuple[str, str], ...] = ()


class Action(Struct, frozen=True, gc=False):
    """One thing that would bring a decision closer to `allow`.

    ``kind``: `approve` (by someone of ``groups``, after ``after`` have), `evidence` (for the gate ``subject``), `wait`
    (``until`` an instant), `promote` or `deploy` (to the environment ``subject``), `state` (a field of the request),
    `settle` (a veto by ``subject``), `mend` (what the statement ``subject`` refuses).
    """

    kind: str
    subject: str = ""
    reason: str = ""
    until: datetime | None = None
    groups: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    remedy: str = ""


class Refused(Struct, frozen=True, gc=False):
    """An approval that did not count, and why."""

    approver: str
    at: datetime
    stance: str
    reason: str


class Finding(Struct, frozen=True, gc=False):
    """What one statement in scope came to. ``values`` go with ``asked.leaves``; ``actions`` would make it pass.

    ``acting`` pairs those whose approval counted for somebody else, who is away, with that one. An ``advisory`` finding
    decides nothing.
    """

    asked: Asked
    status: Status
    values: tuple[Any, ...] = ()
    actions: tuple[Action, ...] = ()
    counted: tuple[tuple[str, datetime], ...] = ()
    refused: tuple[Refused, ...] = ()
    note: str = ""
    advisory: bool = False
    acting: tuple[tuple[str, str], ...] = ()


class Turn(Struct, frozen=True, order=True, gc=False):
    """An instant at which something that the decision rests on changes by itself."""

    at: datetime
    cause: str
    subject: str


class Waiver(Struct, frozen=True, gc=False):
    """A waiver that was used: what it lets off, until when (exclusive), and the ids of the findings that it covered."""

    targets: tuple[str, ...]
    until: datetime
    owner: str
    because: str
    file: str
    line: int
    column: int
    findings: tuple[str, ...] = ()


class Override(Struct, frozen=True, gc=False):
    """A way to break the glass that applies. ``findings`` are those of its own `approve by`.

    ``reviewers`` are the groups that owe a review once it is used, ``due`` (exclusive) by when.
    """

    name: str
    title: str
    because: str
    file: str
    line: int
    findings: tuple[Finding, ...] = ()
    reviewers: tuple[str, ...] = ()
    due: datetime | None = None


class Decision(Struct, frozen=True):
    """The answer to one request. ``risk`` is the level's name, ``reasons`` what decided it.

    ``next`` is the first of the ``turns``, which stand in no order and may repeat. ``override`` is the one that allows
    what the findings do not; ``available`` are those that apply where approvals are all that they lack.
    """

    verdict: Verdict
    environment: str
    risk: str
    reasons: tuple[tuple[str, str, int], ...]
    findings: list[Finding]
    obligations: tuple[tuple[str, str], ...]
    missing: tuple[Action, ...]
    turns: list[Turn]
    next: Turn | None
    waivers: tuple[Waiver, ...] = ()
    override: Override | None = None
    available: tuple[Override, ...] = ()
