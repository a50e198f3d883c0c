"""A request: everything that can matter to a decision, as data, and nothing else.

The JSON form is the one that ``schemas/*.schema.json`` describe; these classes are its fast reader. A test holds the
two together on generated documents. Instants are kept in UTC, apart from ``as_of``, whose offset is recorded.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

Instant = Annotated[datetime, Meta(tz=True)]
Digest = Annotated[str, Meta(pattern=r"^(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$(?!\n)")]
Commit = Annotated[str, Meta(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$(?!\n)")]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(-[A-Za-z0-9_]+)*$(?!\n)")]
Text = Annotated[str, Meta(min_length=1, max_length=1000)]
Person = Annotated[str, Meta(min_length=1, max_length=320)]
Count = Annotated[int, Meta(ge=0, le=9007199254740991)]
ChangeType = Literal[
    "breaking-api", "bugfix", "chore", "configuration", "database-migration", "dependency-update", "docs", "experiment",
    "feature", "hotfix", "infrastructure", "internal-tool", "performance", "refactor", "rollback", "security-fix",
]  # fmt: skip
Stance = Literal["approve", "reject", "withdraw"]


class _Frozen(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    pass


class Artifact(_Frozen):
    """What is promoted: a name and the digest of its bytes."""

    name: Text
    digest: Digest


class TouchedFile(_Frozen):
    """One file of a change; line counts are ``None`` for a binary file."""

    path: Annotated[str, Meta(min_length=1, max_length=4096)]
    added: Count | None = None
    deleted: Count | None = None


class Change(_Frozen):
    """What is proposed."""

    id: Text
    service: Text
    type: ChangeType
    author: Person
    artifact: Artifact
    committers: list[Person] = field(default_factory=list)
    requester: Person | None = None
    requested_at: Instant | None = None
    commit: Commit | None = None
    files: list[TouchedFile] = field(default_factory=list)
    labels: list[Text] = field(default_factory=list)
    title: Annotated[str, Meta(max_length=1000)] = ""
    risk: Name | None = None
    attributes: dict[Name, Any] = field(default_factory=dict)


class Approval(_Frozen):
    """One person's statement, at an instant, about one artifact and one environment."""

    approver: Person
    stance: Stance
    at: Instant
    artifact: Digest
    environment: Name
    source: Annotated[str, Meta(max_length=1000)] = ""
    comment: Annotated[str, Meta(max_length=4000)] = ""


class DirectoryPerson(_Frozen):
    """The other names under which one person acts: forge logins, mail addresses."""

    logins: list[Person] = field(default_factory=list)


class Directory(_Frozen):
    """Who is in which group, and who is who."""

    groups: dict[Name, list[Person]] = field(default_factory=dict)
    people: dict[Person, DirectoryPerson] = field(default_factory=dict)


class Deployment(_Frozen, rename={"from_": "from"}):
    """One stay of one artifact in one environment; it soaks from ``verified_at`` on."""

    artifact: Digest
    environment: Name
    from_: Instant
    to: Instant | None = None
    verified_at: Instant | None = None


class Promotion(_Frozen):
    """A recorded ``allow``: this artifact was let into this environment."""

    artifact: Digest
    environment: Name
    at: Instant
    entry: Digest


class Subject(_Frozen):
    """What a piece of evidence is about, as far as it says."""

    digest: Digest | None = None
    commit: Commit | None = None


class Evidence(_Frozen):
    """What one tool wrote for one gate, normalized; ``flaw`` says why nothing in it counts as measured."""

    kind: Name
    fields: dict[str, Any]
    raw: Digest
    file: str = ""
    producer: str = ""
    produced_at: Instant | None = None
    subject: Subject | None = None
    flaw: str = ""


class Request(_Frozen):
    """One question: may this change enter this environment, as of this instant?"""

    change: Change
    environment: Name
    as_of: Annotated[str, Meta(max_length=40)]
    evidence: dict[Name, Evidence] = field(default_factory=dict)
    approvals: list[Approval] = field(default_factory=list)
    directory: Directory = field(default_factory=Directory)
    deployments: list[Deployment] = field(default_factory=list)
    promotions: list[Promotion] = field(default_factory=list)
    sources: dict[str, Digest] = field(default_factory=dict)
