"""The form in which a decision leaves gatecheck: an in-toto Statement v1, as ``schemas/decision.schema.json`` says.

These classes check what is about to be written: a decision that does not fit its own form is a bug, and is refused.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, convert

from gatecheck.model.decision import Status, Verdict
from gatecheck.model.instant import is_instant
from gatecheck.model.request import Commit, Count, Digest, Name

STATEMENT = "https://in-toto.io/Statement/v1"
DECISION = "urn:gatecheck:decision:v1"
Stamp = Annotated[str, Meta(min_length=20, max_length=32)]


class _Closed(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    pass


class Compared(_Closed, frozen=True):
    """A comparison as the rules have it, and the value found."""

    asked: str
    found: str


class Missing(_Closed, frozen=True):
    """One action that would bring the decision closer to `allow`."""

    action: Literal["approve", "evidence", "wait", "promote", "deploy", "state", "settle", "mend"]
    subject: str = ""
    reason: str = ""
    remedy: str = ""
    until: Stamp | UnsetType = UNSET
    groups: list[str] = []
    after: list[str] = []


class Counted(_Closed, frozen=True, rename={"for_": "for"}):
    """An approval that counted, and for whom it was given where that one was away."""

    approver: str
    at: Stamp
    for_: str = ""


class RefusedApproval(_Closed, frozen=True):
    """An approval that did not count, and why."""

    approver: str
    at: Stamp
    stance: Literal["approve", "reject", "withdraw"]
    reason: str


class FindingRecord(_Closed, frozen=True):
    """What one statement in scope came to."""

    id: str
    rule: str
    kind: Literal["require", "forbid", "approve", "automatic", "deploy", "notify", "after", "approval"]
    status: Status
    statement: str
    file: str = ""
    line: Count = 0
    title: str = ""
    because: str = ""
    gate: str = ""
    unbound: bool = False
    compared: list[Compared] = []
    counted: list[Counted] = []
    refused: list[RefusedApproval] = []
    missing: list[Missing] = []
    note: str = ""
    advisory: bool = False


class Reason(_Closed, frozen=True):
    """What decided the risk."""

    condition: str
    file: str = ""
    line: Count = 0


class RiskRecord(_Closed, frozen=True):
    """The risk level and why; ``stated`` is the level that the change itself names."""

    level: str
    reasons: list[Reason]
    stated: str | UnsetType = UNSET


class Obligation(_Closed, frozen=True):
    """What the caller owes if the verdict is to hold."""

    kind: Literal["deploy", "notify"]
    value: str


class NextChange(_Closed, frozen=True):
    """An instant at which something that the decision rests on changes by itself."""

    at: Stamp
    cause: str
    subject: str


class EvidenceRecord(_Closed, frozen=True):
    """Which bytes stood for a gate, and whose signatures vouched for them."""

    kind: str
    digest: Digest
    file: str = ""
    producer: str = ""
    produced_at: Stamp | UnsetType = UNSET
    signers: list[str] = []


class ChangeRecord(_Closed, frozen=True):
    """Which change was asked about."""

    id: str
    service: str
    type: str
    author: str
    title: str = ""
    commit: Commit | UnsetType = UNSET


class RequestRecord(_Closed, frozen=True):
    """The digest of the recorded request, and of the raw bytes of what it was made of."""

    digest: Digest
    sources: dict[str, Digest] = {}


class PackFile(_Closed, frozen=True):
    """One file of the pack."""

    path: str
    digest: Digest


class PackRecord(_Closed, frozen=True):
    """Which rules decided."""

    digest: Digest
    files: list[PackFile]


class Engine(_Closed, frozen=True):
    """What decided, by its versions."""

    gatecheck: str
    language: Count
    tzdata: str


class OverrideRecord(_Closed, frozen=True):
    """An override that applies: what it asks, the approvals that counted for it, those that did not, what it lacks."""

    name: str
    title: str = ""
    because: str = ""
    file: str = ""
    line: Count = 0
    asked: list[str] = []
    counted: list[Counted] = []
    refused: list[RefusedApproval] = []
    missing: list[Missing] = []


class Review(_Closed, frozen=True):
    """Who owes a review of an overridden decision, and before when."""

    groups: list[str]
    due: Stamp


class WaiverRecord(_Closed, frozen=True):
    """A waiver that was used: whose it is, when it ends, and the ids of the findings that it covered."""

    targets: list[str]
    until: Stamp
    owner: str
    because: str
    findings: list[str]
    file: str = ""
    line: Count = 0


class Predicate(_Closed, frozen=True):
    """The decision itself."""

    verdict: Verdict
    environment: Name
    risk: RiskRecord
    as_of: Stamp
    change: ChangeRecord
    findings: list[FindingRecord]
    missing: list[Missing]
    next: list[NextChange]
    obligations: list[Obligation]
    evidence: dict[Name, EvidenceRecord]
    request: RequestRecord
    pack: PackRecord
    engine: Engine
    overridden: bool = False
    override: OverrideRecord | UnsetType = UNSET
    review: Review | UnsetType = UNSET
    available: list[OverrideRecord] = []
    waivers: list[WaiverRecord] = []


class SubjectRecord(_Closed, frozen=True):
    """The artifact."""

    name: str
    digest: dict[str, str]


class Statement(_Closed, frozen=True, rename={"type_": "_type", "predicate_type": "predicateType"}):
    """An in-toto statement about one artifact."""

    type_: Literal["https://in-toto.io/Statement/v1"]
    subject: Annotated[list[SubjectRecord], Meta(min_length=1, max_length=1)]
    predicate_type: Literal["urn:gatecheck:decision:v1"]
    predicate: Predicate


def check_statement(plain: dict[str, Any]) -> dict[str, Any]:
    """Return a statement's plain data as it was given; ``ValueError`` if it is not of the form."""
    for stamp in _stamps(convert(plain, Statement).predicate):
        if not is_instant(stamp):
            raise ValueError(f"`{stamp}` is not an instant")
    return plain


def _stamps(predicate: Predicate) -> Iterator[str]:
    yield predicate.as_of
    yield from (change.at for change in predicate.next)
    yield from (waiver.until for waiver in predicate.waivers)
    used = [] if isinstance(predicate.override, UnsetType) else [predicate.override]
    asking: list[FindingRecord | OverrideRecord] = [*predicate.findings, *predicate.available, *used]
    for each in asking:
        yield from (approval.at for approval in each.counted)
        yield from (approval.at for approval in each.refused)
    for action in (*predicate.missing, *(action for each in asking for action in each.missing)):
        if isinstance(action.until, str):
            yield action.until
    if isinstance(predicate.review, Review):
        yield predicate.review.due
    for evidence in predicate.evidence.values():
        if isinstance(evidence.produced_at, str):
            yield evidence.produced_at
