"""What the ledger holds of an artifact counts exactly as the same in files, on random packs and requests.

And what is said about entries, in reviews and annotations, changes no decision.
"""

from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from generate import ARTIFACT, compiled, random_pack, random_request
from msgspec.structs import replace

from gatecheck.engine.program import Program
from gatecheck.gate import assemble, decide, with_recorded
from gatecheck.ledger.kinds import stated
from gatecheck.ledger.ledger import Ledger, open_ledger
from gatecheck.model.fact import AnnotationFact, ApprovalFact, DeploymentFact, Fact, about_entry
from gatecheck.model.request import Approval, Artifact, Deployment, Request
from gatecheck.trust.key import SigningKey, load_or_make_key
from gatecheck.trust.signers import only

FEW, MANY = 30, 1000


def given(request: Request, approvals: list[Approval], deployments: list[Deployment]) -> Request:
    """The request with these approvals and deployments, as `evaluate` would put it together."""
    return assemble(
        request.change, request.environment, request.as_of, evidence=request.evidence, approvals=approvals,
        directory=request.directory, deployments=deployments, sources={},
    )  # fmt: skip


def facts(request: Request) -> list[Fact]:
    """What the request says of any artifact, as it would be recorded; each stay once."""
    made: dict[object, Fact] = {}
    for a in request.approvals:
        said = ApprovalFact(a.approver, a.stance, a.at, a.environment, comment=a.comment, source=a.source)
        made["approval", a.artifact, a.approver, a.stance, a.at, a.environment] = Fact(Artifact("x", a.artifact), said)
    for d in request.deployments:
        stay = DeploymentFact(d.environment, d.from_, "ci", d.from_, d.to, d.verified_at)
        made["stay", d.artifact, d.environment, d.from_] = Fact(Artifact("x", d.artifact), stay)
    return list(made.values())


def in_files(request: Request, program: Program, said: list[Fact]) -> Request:
    """The request whose files hold of these facts what is about its artifact and the environments asked about."""
    asked = {request.environment, *program.excluded.get(request.environment, ())}
    approvals, deployments = [], []
    for subject, p in said:
        if subject.digest != ARTIFACT:
            continue
        if isinstance(p, ApprovalFact) and p.environment in asked:
            approvals.append(p.approval(ARTIFACT))
        elif isinstance(p, DeploymentFact):
            deployments.append(p.deployment(ARTIFACT))
    return given(request, approvals, deployments)


def recorded(said: list[Fact], folder: Path, key: SigningKey) -> Ledger:
    ledger = open_ledger(folder / "ledger", memory=folder / "state", create=True)
    at = max([p.at for _, p in said])
    entries = ledger.append_batch([stated(fact) for fact in said], key, at)
    remark = about_entry(entries[0].id, AnnotationFact("bob", at, "this decides nothing"))
    ledger.append(stated(remark), key, at + timedelta(seconds=1))
    return ledger


def compare(seeds: int) -> int:
    """Compare so many requests, and return how many of them the facts made a difference for."""
    mattered = 0
    for seed in range(seeds):
        random = Random(seed)
        _, pack = random_pack(random)
        program = compiled(pack)
        request = random_request(random, pack)
        said = facts(request)
        if not said:
            continue
        with TemporaryDirectory() as folder:
            key = load_or_make_key(Path(folder) / "key")[0]
            trust = only(key.public, "own key")
            ledger = recorded(said, Path(folder), key)
            from_files = in_files(request, program, said)
            nothing = given(request, [], [])
            from_ledger = with_recorded(program, nothing, ledger, trust)
            assert replace(from_ledger, sources={}) == from_files, seed
            made, expected = (decide(program, r) for r in (replace(from_ledger, sources={}), from_files))
            assert (made.statement, made.request) == (expected.statement, expected.request), seed
            assert set(from_ledger.sources.values()) <= {entry.statement for entry in ledger.entries()}
            # From both it is counted once; a stranger's ledger says nothing.
            assert with_recorded(program, from_files, ledger, trust) == from_files, seed
            stranger = load_or_make_key(Path(folder) / "stranger")[0]
            assert with_recorded(program, nothing, ledger, only(stranger.public, "theirs")) == nothing
            mattered += decide(program, nothing).decision.verdict != expected.decision.verdict
    return mattered


def test_recorded_facts_count_as_those_of_files() -> None:
    assert compare(FEW) > 0


@pytest.mark.soak
def test_many_recorded_facts_count_as_those_of_files() -> None:
    assert compare(MANY) > MANY / 100
