"""What a ledger records besides decisions: approvals, deployments, reviews, annotations, and changes of trust.

Each is an in-toto Statement v1, as ``schemas/entry.schema.json`` says; these classes are its fast reader and writer.
An approval and a deployment are about an artifact; a review and an annotation about another entry, by its statement's
digest; a change of trust about a trust file.
"""

import re
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from gatecheck.model.canonical import canonical
from gatecheck.model.instant import is_instant, write_instant
from gatecheck.model.record import STATEMENT
from gatecheck.model.request import (
    Approval,
    Artifact,
    Count,
    Deployment,
    Frozen,
    Instant,
    Name,
    Person,
    Stance,
    Text,
    Title,
)

ENTRY, TRUST = "entry", "trust"
_TYPE = "urn:gatecheck:{}:v1"
_INSTANTS = ("at", "from", "to", "verified_at")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")
Sha256 = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$(?!\n)")]
Comment = Annotated[str, Meta(max_length=4000)]


class ApprovalFact(Frozen, frozen=True):
    """Somebody stated something about an artifact and an environment; ``principal`` is whose signature was seen."""

    approver: Person
    stance: Stance
    at: Instant
    environment: Name
    change: Title = ""
    comment: Comment = ""
    source: Title = ""
    signature: Comment = ""
    principal: Annotated[str, Meta(max_length=320)] = ""

    def approval(self, artifact: str) -> Approval:
        """Return the approval of an artifact's digest, as a document could have held it."""
        return Approval(
            self.approver, self.stance, self.at, artifact, self.environment, self.source, self.comment, self.signature
        )


class DeploymentFact(Frozen, frozen=True, rename={"from_": "from"}):
    """An artifact came to an environment. The newest about the same artifact, environment and ``from`` counts."""

    environment: Name
    from_: Instant
    by: Person
    at: Instant
    to: Instant | None = None
    verified_at: Instant | None = None
    service: Title = ""

    def deployment(self, artifact: str) -> Deployment:
        """Return the stay of an artifact's digest, as a document could have held it."""
        return Deployment(artifact, self.environment, self.from_, self.to, self.verified_at)


class ReviewFact(Frozen, frozen=True):
    """Somebody looked at a decision that broke the glass."""

    reviewer: Person
    at: Instant
    outcome: Literal["accepted", "rejected"]
    comment: Comment = ""


class AnnotationFact(Frozen, frozen=True):
    """Somebody says something about an entry; it decides nothing."""

    by: Person
    at: Instant
    text: Annotated[str, Meta(min_length=1, max_length=4000)]


class Seen(Frozen, frozen=True):
    """The newest entry of a writer that was there when the trust was changed."""

    writer: Annotated[str, Meta(pattern=r"^[0-9a-f]{16}$(?!\n)")]
    seq: Count
    id: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]


class KeyFact(Frozen, frozen=True):
    """From here on other keys are trusted: those of the trust file with this digest.

    ``seen`` are the other writers' newest entries: what stands up to them stands before the change.
    """

    trust: Sha256
    by: Person
    at: Instant
    because: Text
    seen: list[Seen] = msgspec.field(default_factory=list)


Predicate = ApprovalFact | DeploymentFact | ReviewFact | AnnotationFact | KeyFact
KINDS: dict[str, type[Predicate]] = {
    "approval": ApprovalFact,
    "deployment": DeploymentFact,
    "review": ReviewFact,
    "annotation": AnnotationFact,
    "key": KeyFact,
}


class Fact(NamedTuple):
    """What one entry states, and what about: an artifact; or an ``entry`` or the ``trust`` file by its digest."""

    subject: Artifact
    predicate: Predicate

    @property
    def kind(self) -> str:
        """The entry's kind."""
        return next(kind for kind, form in KINDS.items() if type(self.predicate) is form)

    @property
    def entry(self) -> str:
        """The id of the entry that this is about; empty for what is about something else."""
        return self.subject.digest[7:] if isinstance(self.predicate, ReviewFact | AnnotationFact) else ""

    def statement(self) -> bytes:
        """Return the in-toto statement as canonical JSON."""
        algorithm, _, value = self.subject.digest.partition(":")
        plain = msgspec.to_builtins(self.predicate, builtin_types=(datetime,))
        return canonical(
            {
                "_type": STATEMENT,
                "predicate": {name: write_instant(v) if type(v) is datetime else v for name, v in plain.items()},
                "predicateType": _TYPE.format(self.kind),
                "subject": [{"digest": {algorithm: value}, "name": self.subject.name}],
            }
        )


def about_entry(entry: str, predicate: ReviewFact | AnnotationFact) -> Fact:
    """Return what is stated about the entry with this id."""
    return Fact(Artifact(ENTRY, f"sha256:{entry}"), predicate)


def about_trust(predicate: KeyFact) -> Fact:
    """Return what is stated about a trust file."""
    return Fact(Artifact(TRUST, predicate.trust), predicate)


def read_fact(data: Any, kind: str) -> Fact:
    """Return what a statement's data state; ``ValueError`` where they are no statement of this kind."""
    if not isinstance(data, dict) or data.keys() != {"_type", "predicate", "predicateType", "subject"}:
        raise ValueError("it is not an in-toto statement")
    if data["_type"] != STATEMENT or data["predicateType"] != _TYPE.format(kind):
        raise ValueError(f"it is not a statement of type `{_TYPE.format(kind)}`")
    predicate = msgspec.convert(data["predicate"], KINDS[kind])
    for name in _INSTANTS:
        text = data["predicate"].get(name)
        if text is not None and not is_instant(text):
            raise ValueError(f"`{name}` is not an instant")
    fact = Fact(_subject(data["subject"]), predicate)
    wanted = {"key": TRUST, "review": ENTRY, "annotation": ENTRY}.get(kind)
    if wanted is not None and (fact.subject.name != wanted or not fact.subject.digest.startswith("sha256:")):
        raise ValueError(f"its subject is not the `{wanted}` of a SHA-256")
    if isinstance(predicate, KeyFact) and predicate.trust != fact.subject.digest:
        raise ValueError("its subject is another trust file than the one that it names")
    return fact


def _subject(data: Any) -> Artifact:
    try:
        (one,) = data
        ((algorithm, value),) = one["digest"].items()
        if one.keys() == {"name", "digest"} and _DIGEST.fullmatch(f"{algorithm}:{value}"):
            return msgspec.convert({"name": one["name"], "digest": f"{algorithm}:{value}"}, Artifact)
    except (TypeError, KeyError, ValueError, AttributeError):
        pass
    raise ValueError("its subject is not one name with one digest")
