"""The entries that are no decisions: what each says in its commit's first line, in its trailers, and of other entries.

Everything is read from the signed statement, by the writer as by the verifier, so that no commit's message can say more
than what was signed.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from gatecheck.ledger.entry import one_line
from gatecheck.ledger.record import STATEMENT, ClaimError
from gatecheck.model.canonical import digest
from gatecheck.text.diagnostic import InputError, LedgerError, ledger_error

if TYPE_CHECKING:
    from gatecheck.model.fact import Fact

APPROVAL, DEPLOYMENT, REVIEW, ANNOTATION, KEY = "approval", "deployment", "review", "annotation", "key"
KINDS = (APPROVAL, DEPLOYMENT, REVIEW, ANNOTATION, KEY)
NOTED = "Gatecheck-Entry"
_SAID = {"approve": "approves", "reject": "rejects", "withdraw": "withdraws", "accepted": "accepts"}


class Stated(NamedTuple):
    """Something other than a decision, to be entered; ``trust`` is the new trust file of a change of trust."""

    kind: str
    statement: bytes
    trust: bytes = b""


class Said(NamedTuple):
    """What a statement says of its entry: the commit's first line and search terms, and the fact itself."""

    words: str
    trailers: Mapping[str, str]
    fact: "Fact"


def stated(fact: "Fact", trust: bytes = b"") -> Stated:
    """Return a fact as it is entered; for a change of trust with the new trust file."""
    return Stated(fact.kind, fact.statement(), trust)


def read_said(statement: bytes, kind: str) -> Said:
    """Return what a statement of one of the ``KINDS`` says; ``ClaimError`` where it is none."""
    from gatecheck.model.document import decode_text, parse_json
    from gatecheck.model.fact import read_fact

    try:
        fact = read_fact(parse_json(decode_text(statement, STATEMENT), STATEMENT), kind)
    except InputError as error:
        raise ClaimError(f"the statement {error.diagnostics[0].message}") from None
    except ValueError as error:
        raise ClaimError(f"the statement does not fit its form: {error}") from None
    words, trailers = _words(fact)
    return Said(one_line(f"{kind.upper()} {words}"), {n: one_line(text) for n, text in trailers if text}, fact)


def _words(fact: "Fact") -> "tuple[str, Iterator[tuple[str, str]]]":
    from gatecheck.model.fact import AnnotationFact, ApprovalFact, DeploymentFact, ReviewFact
    from gatecheck.model.instant import write_instant

    p, subject = fact.predicate, fact.subject
    if isinstance(p, ApprovalFact):
        terms = _about(subject.digest, p.environment, "", p.approver)
        return f"{subject.name} {p.environment}: {p.approver} {_SAID[p.stance]}", terms
    if isinstance(p, DeploymentFact):
        end = f" to {write_instant(p.to)}" if p.to is not None else ""
        terms = _about(subject.digest, p.environment, p.service, p.by)
        return f"{subject.name} {p.environment} from {write_instant(p.from_)}{end}", terms
    if isinstance(p, ReviewFact):
        said = _SAID.get(p.outcome, "rejects")
        return f"of {fact.entry[:12]}: {p.reviewer} {said}", iter(
            [(NOTED, fact.entry), ("Gatecheck-Person", p.reviewer)]
        )
    if isinstance(p, AnnotationFact):
        return f"of {fact.entry[:12]} by {p.by}", iter([(NOTED, fact.entry), ("Gatecheck-Person", p.by)])
    return f"trust changed by {p.by}: {p.because}", iter([("Gatecheck-Person", p.by)])


def _about(artifact: str, environment: str, service: str, person: str) -> Iterator[tuple[str, str]]:
    yield "Gatecheck-Artifact", artifact
    yield "Gatecheck-Environment", environment
    yield "Gatecheck-Service", service
    yield "Gatecheck-Person", person


def check_stated(given: Stated) -> Said:
    """Return what a statement to be entered says; ``LedgerError`` GC717 where it can't be entered."""
    try:
        said = read_said(given.statement, given.kind)
        check_trust(given.trust, said)
    except ClaimError as error:
        raise _refused(error) from None
    return said


def check_trust(trust: bytes, said: Said) -> None:
    """Require the trust file of a change of trust, and none of anything else; ``ClaimError`` otherwise."""
    if said.fact.kind != KEY:
        if trust:
            raise ClaimError("only a change of trust comes with a trust file")
    elif digest(trust) != said.fact.subject.digest:
        raise ClaimError("the trust file does not have the digest that the statement gives")


def unknown_entry(entry: str) -> LedgerError:
    """Return the error for a statement about an entry that is not there."""
    return _refused(f"it is about the entry {entry[:12]}, which the ledger does not hold")


def _refused(why: object) -> LedgerError:
    return ledger_error("GC717", f"this record can't be entered: {why}")
