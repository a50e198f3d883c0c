"""One person under many names, one instant under many offsets: the normal form in which a request is judged.

Names are compared without regard to case and to how accents are encoded, then mapped through the directory's logins to
the person's id. Two persons who share a name are refused: whoever decided between them could decide who approved.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple, overload

from msgspec.structs import replace

from gatecheck.model.request import Approval, Change, Deployment, Directory, DirectoryPerson
from gatecheck.text.diagnostic import Diagnostic, InputError, input_error

_LONGEST = 320


class Normal(NamedTuple):
    """The parts of a request, normalized."""

    change: Change
    approvals: list[Approval]
    directory: Directory
    deployments: list[Deployment]


def fold(name: str) -> str:
    """Return a name in the form that names are compared in: case folded, accents composed (NFC).

    Raises ``InputError`` where that form is longer than a name may be.
    """
    if name.isascii():
        return name.lower()
    from unicodedata import normalize as compose

    folded = compose("NFC", compose("NFD", name).casefold())
    if len(folded) > _LONGEST:
        raise input_error("GC520", f"a name has more than {_LONGEST} characters without its capitals: `{name[:40]}…`")
    return folded


def names_of(directory: Directory) -> dict[str, str]:
    """Return each known name, folded, with the id of its person.

    Raises ``InputError`` naming every name that two persons share.
    """
    names: dict[str, str] = {}
    shared: list[Diagnostic] = []
    for key in directory.people:
        person = fold(key)
        if person in names:
            shared.append(_shared(key, names[person], person))
        names[person] = person
    for key, entry in directory.people.items():
        person = fold(key)
        for login in entry.logins:
            other = names.setdefault(fold(login), person)
            if other != person:
                shared.append(_shared(login, other, person))
    if shared:
        raise InputError(*shared)
    return names


def _shared(name: str, one: str, other: str) -> Diagnostic:
    if one == other:
        return Diagnostic("GC520", f"`people` has the person `{one}` twice, apart from case", hint="merge the two")
    message = f"the name `{name}` belongs to both `{one}` and `{other}` in `people`"
    return Diagnostic("GC520", message, hint="a name is one person's: remove it from the other")


def identify(name: str, names: Mapping[str, str]) -> str:
    """Return the id of the person who goes by ``name``: through the directory, or the name itself, folded."""
    folded = fold(name)
    return names.get(folded, folded)


def normalize(change: Change, approvals: list[Approval], directory: Directory, deployments: list[Deployment]) -> Normal:
    """Return the parts with persons by their ids, instants in UTC, and lists without an order of their own sorted.

    Normalizing twice gives the same as once. Raises ``InputError`` where two persons share a name.
    """
    names = names_of(directory)
    return Normal(
        replace(
            change,
            author=identify(change.author, names),
            committers=_persons(change.committers, names),
            requester=None if change.requester is None else identify(change.requester, names),
            requested_at=_utc(change.requested_at),
        ),
        sorted(
            (replace(a, approver=identify(a.approver, names), at=_utc(a.at)) for a in approvals),
            key=lambda a: (a.at, a.approver, a.environment, a.artifact, a.stance, a.source, a.comment),
        ),
        Directory(
            {group: _persons(members, names) for group, members in sorted(directory.groups.items())},
            {
                person: DirectoryPerson(sorted({fold(login) for login in entry.logins} - {person}))
                for person, entry in sorted((fold(key), entry) for key, entry in directory.people.items())
            },
        ),
        sorted((_deployment_utc(d) for d in deployments), key=_deployment_order),
    )


def _persons(persons: list[str], names: Mapping[str, str]) -> list[str]:
    return sorted({identify(p, names) for p in persons})


@overload
def _utc(instant: datetime) -> datetime: ...
@overload
def _utc(instant: datetime | None) -> datetime | None: ...
def _utc(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.astimezone(UTC)


def _deployment_utc(d: Deployment) -> Deployment:
    return replace(d, from_=_utc(d.from_), to=_utc(d.to), verified_at=_utc(d.verified_at))


def _deployment_order(d: Deployment) -> tuple[datetime, str, str, datetime, datetime]:
    never = datetime.max.replace(tzinfo=UTC)
    return d.from_, d.environment, d.artifact, d.to or never, d.verified_at or never
