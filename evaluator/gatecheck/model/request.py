"""A request: everything that can matter to a decision, as data, and nothing else.

The JSON form is the one that ``schemas/*.schema.json`` describe; these classes are its fast reader. A test holds the
two together on generated documents. Instants are kept in UTC, apart from ``as_of``, whose offset is recorded.
"""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta, Struct, field

# Left out of every line of text: control characters, line separators, marks that turn the direction of writing. Sets of
# at most two ranges beyond Latin-1 take `re` a quarter of the time to compile as one set of all of them would.
_LINE = r"^(?!\s)(?=[^\u2028-\u202e\u2066-\u2069]*$)(?=[^\ufeff]*$)[^\x00-\x1f\x7f-\x9f]*(?<!\s)$(?!\n)"
# Persons are compared, so what can't be seen is left out as well, and blanks are single.
_WORD = r"[^\x00-\x1f\x7f-\x9f\u00ad\s]+"
_PERSON = rf"^(?=[^\u200b-\u200f\u2028-\u202e]*$)(?=[^\u2060-\u2069\ufeff]*$){_WORD}( {_WORD})*$(?!\n)"
# A path has one spelling, as git writes it: no part of it is empty, `.` or `..`.
_PATH = r"^(?!([\s\S]*/)?\.{0,2}(/|$(?!\n)))"

Instant = Annotated[datetime, Meta(tz=True)]
Digest = Annotated[str, Meta(pattern=r"^(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$(?!\n)")]
Commit = Annotated[str, Meta(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$(?!\n)")]
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[A-Za-z_][A-Za-z0-9_]*(-[A-Za-z0-9_]+)*$(?!\n)")]
Text = Annotated[str, Meta(min_length=1, max_length=1000, pattern=_LINE)]
Title = Annotated[str, Meta(max_length=1000, pattern=_LINE)]
Person = Annotated[str, Meta(min_length=1, max_length=320, pattern=_PERSON)]
PersonId = Annotated[str, Meta(min_length=1, max_length=320, pattern=r"^[!-~]+( [!-~]+)*$(?!\n)")]
FieldName = Annotated[str, Meta(min_length=1, pattern=r"^[!-#%-~]([ -~]*[!-~])?$(?!\n)")]
Count = Annotated[int, Meta(ge=0, le=9007199254740991)]
if TYPE_CHECKING:
    Scalar = str | int | bool | Decimal
else:
    Scalar = Any  # msgspec has no union of text and exact decimals; ``model.schema`` checks these
ChangeType = Literal[
    "breaking-api", "bugfix", "chore", "configuration", "database-migration", "dependency-update", "docs", "experiment",
    "feature", "hotfix", "infrastructure", "internal-tool", "performance", "refactor", "rollback", "security-fix",
]  # fmt: skip
Stance = Literal["approve", "reject", "withdraw"]


class Frozen(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The base of every part: immutable, unknown keys refused, defaults left out when written."""


class Artifact(Frozen, frozen=True):
    """What is promoted: a name and the digest of its bytes."""

    name: Text
    digest: Digest


class TouchedFile(Frozen, frozen=True):
    """One file of a change; line counts are ``None`` for a binary file."""

    path: Annotated[str, Meta(min_length=1, max_length=4096, pattern=_PATH)]
    added: Count | None = None
    deleted: Count | None = None


class Change(Frozen, frozen=True):
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
    title: Title = ""
    risk: Name | None = None
    attributes: dict[Name, Scalar] = field(default_factory=dict)


class Approval(Frozen, frozen=True):
    """One person's statement, at an instant, about one artifact and one environment.

    ``signature`` is an armoured SSHSIG over what is stated (``trust.approval``). Whose it is stands in ``signer``, or
    in ``unsigned`` why it is nobody's; whoever verified it puts them into a request, and no document can state them.
    """

    approver: Person
    stance: Stance
    at: Instant
    artifact: Digest
    environment: Name
    source: Title = ""
    comment: Annotated[str, Meta(max_length=4000)] = ""
    signature: Annotated[str, Meta(max_length=4000)] = ""
    signer: Annotated[str, Meta(max_length=320)] = ""
    unsigned: Title = ""


class Absence(Frozen, frozen=True, rename={"from_": "from"}):
    """When a person is away, ``to`` exclusive, and who acts for her meanwhile."""

    from_: Instant
    to: Instant
    delegate: Person


class DirectoryPerson(Frozen, frozen=True):
    """The other names under which one person acts (forge logins, mail addresses), and who acts for her when."""

    logins: list[Person] = field(default_factory=list)
    away: list[Absence] = field(default_factory=list)


class Directory(Frozen, frozen=True):
    """Who is in which group, and who is who."""

    groups: dict[Name, list[Person]] = field(default_factory=dict)
    people: dict[PersonId, DirectoryPerson] = field(default_factory=dict)


class Deployment(Frozen, frozen=True, rename={"from_": "from"}):
    """One stay of one artifact in one environment; it soaks from ``verified_at`` on."""

    artifact: Digest
    environment: Name
    from_: Instant
    to: Instant | None = None
    verified_at: Instant | None = None


class Promotion(Frozen, frozen=True):
    """A recorded ``allow``: this artifact was let into this environment.

    ``approvers`` are the people whose approvals counted; ``None`` where that is not known.
    """

    artifact: Digest
    environment: Name
    at: Instant
    entry: Digest
    approvers: list[Person] | None = None


class Subject(Frozen, frozen=True):
    """What a piece of evidence is about, as far as it says."""

    digest: Digest | None = None
    commit: Commit | None = None


class Evidence(Frozen, frozen=True):
    """What one tool wrote for one gate, normalized; ``flaw`` says why nothing in it counts as measured.

    ``signers`` are those of whom the gate asks a signature and who signed the file, as whoever verified it found;
    ``unsigned`` says why a signature that lay beside the file is none of them.
    """

    kind: Name
    fields: dict[FieldName, Any]
    raw: Digest
    file: str = ""
    producer: str = ""
    produced_at: Instant | None = None
    subject: Subject | None = None
    flaw: str = ""
    signers: list[Text] = field(default_factory=list)
    unsigned: Title = ""


class Request(Frozen, frozen=True):
    """One question: may this change enter this environment, as of this instant?"""

    change: Change
    environment: Name
    as_of: Annotated[str, Meta(max_length=40)]
    evidence: dict[Name, Evidence] = field(default_factory=dict)
    approvals: list[Approval] = field(default_factory=list)
    directory: Directory = field(default_factory=Directory)
    deployments: list[Deployment] = field(default_factory=list)
    promotions: list[Promotion] = field(default_factory=list)
    sources: dict[FieldName, Digest] = field(default_factory=dict)
