"""The one composition: a request is put together, decided, signed and entered in the ledger, in this order, here only.

Every way of asking (`evaluate`, `replay`, tests and integrations) comes through ``decide``, so that none can answer
otherwise.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from gatecheck.engine.program import Program, evaluate
from gatecheck.engine.record import record
from gatecheck.model.decision import Decision
from gatecheck.model.identity import identify, names_of, normalize
from gatecheck.model.request import Approval, Change, Deployment, Directory, Evidence, Promotion, Request

if TYPE_CHECKING:
    from gatecheck.ledger.entry import Entry
    from gatecheck.ledger.ledger import Ledger
    from gatecheck.trust.key import SigningKey
    from gatecheck.trust.signers import AllowedSigners


class Outcome(Struct, frozen=True):
    """A decision, and the canonical bytes of its statement and of the request that it answers."""

    decision: Decision
    statement: bytes
    request: bytes


def assemble(
    change: Change,
    environment: str,
    as_of: str,
    *,
    evidence: Mapping[str, Evidence],
    approvals: list[Approval],
    directory: Directory,
    deployments: list[Deployment],
    sources: Mapping[str, str],
) -> Request:
    """Return the normalized request; ``sources`` are the digests of the raw documents, by part."""
    normal = normalize(change, approvals, directory, deployments)
    return Request(
        change=normal.change,
        environment=environment,
        as_of=as_of,
        evidence=dict(evidence),
        approvals=normal.approvals,
        directory=normal.directory,
        deployments=normal.deployments,
        sources=dict(sources),
    )


def with_promotions(program: Program, request: Request, ledger: "Ledger", trust: "AllowedSigners") -> Request:
    """Return the request with what the ledger says of its artifact: where it was allowed, where rules ask for that.

    They ask for the environments that come before, and for those whose approvers they exclude. Only entries whose
    signer is in ``trust`` count: whoever may write to the ledger may not promote by that alone.
    """
    from msgspec.structs import replace

    asked = {*program.environments.get(request.environment, ()), *program.excluded.get(request.environment, ())}
    if request.change.type == "rollback":
        asked.add(request.environment)
    found = [
        _promotion(entry, ledger.statement(entry), request)
        for environment in sorted(asked)
        for entry in ledger.allowed(request.change.artifact.digest, environment, trust)
    ]
    return replace(request, promotions=sorted(found, key=lambda p: (p.environment, p.at, p.entry)))


def _promotion(entry: "Entry", statement: bytes, request: Request) -> Promotion:
    """Return what a recorded `allow` says, as of the instant that it decided; when it was recorded means nothing."""
    import json
    from datetime import UTC

    predicate = json.loads(statement)["predicate"]
    counting = [*predicate["findings"], *([predicate["override"]] if "override" in predicate else [])]
    names = names_of(request.directory)
    approvers = {identify(c["approver"], names) for each in counting for c in each.get("counted", ())}
    at = datetime.fromisoformat(predicate["as_of"]).astimezone(UTC)
    digest, environment = request.change.artifact.digest, predicate["environment"]
    return Promotion(digest, environment, at, f"sha256:{entry.id}", sorted(approvers))


def with_signers(request: Request, trust: "AllowedSigners | None") -> Request:
    """Return the request with whose signature each signed approval carries, or why it is nobody's.

    ``trust`` says whose key is whose; without it no signature counts.
    """
    from msgspec.structs import replace

    people = request.directory.people

    def verified(a: Approval) -> Approval:
        if not a.signature:
            return a
        if trust is None:
            return replace(a, signer="", unsigned="there is no trust file to tell whose signature it is")
        from gatecheck.trust.approval import signer

        names = [a.approver, *(people[a.approver].logins if a.approver in people else ())]
        found, why = signer(a, names, trust)
        return replace(a, signer=found, unsigned=why[:300])

    return replace(request, approvals=[verified(a) for a in request.approvals])


def decide(program: Program, request: Request) -> Outcome:
    """Decide a request; ``InputError`` where it names what the rules do not know."""
    decision = evaluate(program, request)
    statement, raw = record(program, request, decision)
    return Outcome(decision, statement, raw)


def enter(
    outcome: Outcome, request: Request, files: Mapping[str, bytes], program: Program, ledger: "Ledger",
    key: "SigningKey", recorded_at: datetime,
) -> "Entry":  # fmt: skip
    """Sign a decision and append it to the ledger with all that is needed to repeat it."""
    from gatecheck.ledger.record import Record

    decision, change = outcome.decision, request.change
    words = (decision.verdict.upper(), change.service, decision.environment, decision.risk)
    trailers = {"Gatecheck-Service": change.service}
    made = Record(words, outcome.statement, outcome.request, files, program.digest, trailers)
    return ledger.append(made, key, recorded_at)
