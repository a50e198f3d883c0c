"""One person under many names, one instant under many offsets: the normal form in which a request is judged.

Names are compared without regard to case and to how accents are encoded, then mapped through the directory's logins to
the person's id. Two persons who share a name are refused: whoever decided between them could decide who approved.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple, overload

from msgspec.structs import replace

from gatecheck.model.instant import write_instant
from gatecheck.model.request import Absence, Approval, Change, Deployment, Directory, DirectoryPerson
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

    Normalizing twice gives the same as once. Raises ``InputError`` where two persons share a name, and where it can't
    be told who acts for one who is away.
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
            (_stated(a, names) for a in approvals),
            key=lambda a: (a.at, a.approver, a.environment, a.artifact, a.stance, a.source, a.comment, a.signature),
        ),
        normal_directory(directory, names),
        sorted((_deployment_utc(d) for d in deployments), key=_deployment_order),
    )


def normal_directory(directory: Directory, names: Mapping[str, str]) -> Directory:
    """Return a directory, whose names are these, normalized; ``InputError`` for absences that can't be."""
    away = {fold(key): _absences(entry.away, names) for key, entry in directory.people.items()}
    _check_absences(away)
    return Directory(
        {group: _persons(members, names) for group, members in sorted(directory.groups.items())},
        {
            person: DirectoryPerson(sorted({fold(login) for login in entry.logins} - {person}), away[person])
            for person, entry in sorted((fold(key), entry) for key, entry in directory.people.items())
        },
    )


def _stated(a: Approval, names: Mapping[str, str]) -> Approval:
    signer = identify(a.signer, names) if a.signer else ""
    return replace(a, approver=identify(a.approver, names), at=_utc(a.at), signer=signer)


def _absences(away: list[Absence], names: Mapping[str, str]) -> list[Absence]:
    made = {Absence(_utc(a.from_), _utc(a.to), identify(a.delegate, names)) for a in away}
    return sorted(made, key=lambda a: (a.from_, a.to, a.delegate))


def _check_absences(away: Mapping[str, list[Absence]]) -> None:
    """Raise ``InputError`` naming every absence that ends before it begins, overlaps another, or names no other."""
    found: list[Diagnostic] = []
    for person, absences in sorted(away.items()):
        for n, a in enumerate(absences):
            if a.to <= a.from_:
                found.append(Diagnostic("GC522", f"an absence of `{person}` ends before it begins: {_span(a)}"))
            if a.delegate == person:
                message = f"`{person}` is to act for herself from {_span(a)}"
                found.append(Diagnostic("GC522", message, hint="name somebody else as `delegate`, or drop the absence"))
            for other in absences[n + 1 :]:
                if other.from_ < a.to:
                    message = f"`{person}` is away twice at once: {_span(a)}, and {_span(other)}"
                    hint = "end one absence as the next begins, so that one person acts for her at a time"
                    found.append(Diagnostic("GC522", message, hint=hint))
    if found:
        raise InputError(*found)


def _span(a: Absence) -> str:
    return f"{write_instant(a.from_)} to {write_instant(a.to)} (`{a.delegate}`)"


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
