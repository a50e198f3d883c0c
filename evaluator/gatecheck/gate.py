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
    from gatecheck.model.fact import Fact
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


def with_recorded(program: Program, request: Request, ledger: "Ledger", trust: "AllowedSigners") -> Request:
    """Return the request with what the ledger says of its artifact: where it was allowed and deployed, who approved it.

    Promotions and approvals are taken of the environments that the rules ask about: the one to enter, those that come
    before, those whose approvers are excluded. Only entries whose signer is in ``trust`` count: whoever may write to
    the ledger may not promote by that alone. What the request holds already is not added again; of what is added, the
    entry stands among the request's sources. Signatures of added approvals are still to be verified
    (``with_signers``).
    """
    from msgspec.structs import replace

    to, digest = request.environment, request.change.artifact.digest
    excluded = program.excluded.get(to, ())
    asked = {*program.environments.get(to, ()), *excluded}
    if request.change.type == "rollback":
        asked.add(to)

    def is_wanted(entry: "Entry") -> bool:
        environment = entry.trailers.get("Gatecheck-Environment")
        if entry.kind == "decision":
            return environment in asked and entry.verdict == "allow"
        return entry.kind == "deployment" or (entry.kind == "approval" and environment in {to, *excluded})

    found = ledger.about(digest, trust, is_wanted)
    promotions = [_promotion(e, ledger.statement(e), request) for e in found if e.kind == "decision"]
    made = replace(request, promotions=sorted(promotions, key=lambda p: (p.environment, p.at, p.entry)))
    stated = [entry for entry in found if entry.kind != "decision"]
    return _with_stated(made, [(entry, ledger.statement(entry)) for entry in stated]) if stated else made


def _with_stated(request: Request, found: list[tuple["Entry", bytes]]) -> Request:
    """Return the request with recorded approvals and deployments, oldest first, that it does not hold yet."""
    import json

    from msgspec.structs import replace

    from gatecheck.model.fact import ApprovalFact, DeploymentFact, read_fact

    digest = request.change.artifact.digest
    sources, approvals, deployments = dict(request.sources), list(request.approvals), list(request.deployments)
    stays: dict[object, tuple[Entry, Deployment]] = {}
    known = {(*_stance(a), text) for a in approvals for text in ("", a.signature)}
    for entry, statement in found:
        said = read_fact(json.loads(statement), entry.kind).predicate
        if isinstance(said, ApprovalFact):
            (approval,) = normalize(request.change, [said.approval(digest)], request.directory, []).approvals
            if (*_stance(approval), approval.signature) not in known:
                known |= {(*_stance(approval), text) for text in ("", approval.signature)}
                approvals.append(approval)
                sources[f"approval-{entry.id[:12]}"] = entry.statement
        elif isinstance(said, DeploymentFact):
            stays[said.environment, said.from_] = entry, said.deployment(digest)
    for entry, stay in stays.values():
        if stay not in deployments:
            deployments.append(stay)
            sources[f"deployment-{entry.id[:12]}"] = entry.statement
    normal = normalize(request.change, approvals, request.directory, deployments)
    return replace(request, approvals=normal.approvals, deployments=normal.deployments, sources=sources)


def _stance(a: Approval) -> tuple[str, str, datetime, str, str]:
    return a.approver, a.stance, a.at, a.artifact, a.environment


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

    ledger.check_key(key, recorded_at)

    decision, change = outcome.decision, request.change
    broken = () if decision.override is None else ("OVERRIDDEN",)
    words = (decision.verdict.upper(), *broken, change.service, decision.environment, decision.risk)
    trailers = {"Gatecheck-Service": change.service}
    if decision.override is not None:  # so that whoever looks with git alone finds where the glass was broken
        trailers["Gatecheck-Override"] = decision.override.name
    made = Record(words, outcome.statement, outcome.request, files, program.digest, trailers)
    return ledger.append(made, key, recorded_at)


def state(fact: "Fact", ledger: "Ledger", key: "SigningKey", recorded_at: datetime, trust: bytes = b"") -> "Entry":
    """Sign what was stated and append it to the ledger; ``trust`` is the new trust file of a change of trust."""
    from gatecheck.ledger.kinds import stated

    ledger.check_key(key, recorded_at)
    return ledger.append(stated(fact, trust), key, recorded_at)
