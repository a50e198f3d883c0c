"""Random ledgers of all kinds of entries, and a look at every entry that an index must agree with."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st
from ledger_world import AT, World, record

from gatecheck.ledger.entry import Entry
from gatecheck.ledger.kinds import Stated, stated
from gatecheck.ledger.ledger import Ledger
from gatecheck.ledger.record import Record
from gatecheck.ledger.search import Filter
from gatecheck.model.fact import AnnotationFact, ApprovalFact, DeploymentFact, Fact, ReviewFact, about_entry
from gatecheck.model.request import Artifact

PEOPLE, RULES, SERVICES = ("alice", "bob", "carol"), ("r1", "r2"), ("pay", "shop")
ENVIRONMENTS, VERDICTS = ("staging", "production"), ("allow", "deny", "pending")
STATUSES = ("passed", "failed", "waiting", "waived")
ARTIFACTS = tuple("sha256:" + digit * 64 for digit in "ab")

_people, _when = st.sampled_from(PEOPLE), st.integers(0, 4)
_counted = st.lists(st.fixed_dictionaries({"approver": _people, "at": st.just("2026-11-23T09:00:00Z")}), max_size=2)
_refused = st.lists(
    st.fixed_dictionaries(
        {
            "approver": _people, "at": st.just("2026-11-23T09:00:00Z"), "stance": st.just("approve"),
            "reason": st.just("is the author"),
        }
    ),
    max_size=1,
)  # fmt: skip
_finding = st.fixed_dictionaries(
    {
        "rule": st.sampled_from(RULES), "status": st.sampled_from(STATUSES), "kind": st.just("require"),
        "statement": st.just("require x"), "counted": _counted, "refused": _refused,
    }
)  # fmt: skip


class Step(NamedTuple):
    """A few entries of one writer, so many hours after the first moment."""

    writer: str
    hours: int
    entries: list[dict[str, Any]]

    def enter(self, world: World) -> None:
        """Append the entries."""
        ledger = world.open()
        key = world.key if self.writer == "key" else world.make_key(self.writer)
        for number, given in enumerate(self.entries):
            known = [entry.id for entry in ledger.entries()]
            at = AT + timedelta(hours=self.hours, seconds=number)
            ledger.append(_made(given, known), key, at)

    def filters(self) -> "st.SearchStrategy[Filter]":
        """Return what may be asked of a ledger."""

        def some(*values: str) -> "st.SearchStrategy[tuple[str, ...]]":
            return st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)

        seconds = st.none() | st.integers(-1, 5).map(lambda hours: int(AT.timestamp()) + hours * 3600)
        return st.builds(
            Filter, services=some(*SERVICES), environments=some(*ENVIRONMENTS), verdicts=some(*VERDICTS),
            people=some(*PEOPLE), rules=some(*RULES, "r9"), statuses=some(*STATUSES),
            kinds=some("decision", "approval", "deployment", "review", "annotation"),
            digests=some(*ARTIFACTS, "aaaa", "sha256:bbb0"), since=seconds, until=seconds,
        )  # fmt: skip


def ledgers() -> "st.SearchStrategy[list[Step]]":
    """Return the steps in which a random ledger grows: clocks may stand, run apart, and go back."""
    some = st.sampled_from
    decision = st.fixed_dictionaries(
        {
            "kind": st.just("decision"), "number": st.integers(1, 10**6), "service": some(SERVICES),
            "environment": some(ENVIRONMENTS), "verdict": some(VERDICTS), "artifact": some(ARTIFACTS),
            "author": _people, "findings": st.lists(_finding, max_size=3),
            "override": st.none() | st.fixed_dictionaries({"name": st.just("fire"), "counted": _counted}),
        }
    )  # fmt: skip
    fact = st.fixed_dictionaries(
        {
            "kind": some(("approval", "deployment", "review", "annotation")), "person": _people,
            "service": some(SERVICES), "environment": some(ENVIRONMENTS), "artifact": some(ARTIFACTS), "hours": _when,
        }
    )  # fmt: skip
    step = st.builds(Step, some(("key", "other")), _when, st.lists(decision | decision | fact, min_size=1, max_size=3))
    return st.lists(step, min_size=1, max_size=3)


def _made(given: Mapping[str, Any], known: list[str]) -> Record | Stated:
    if given["kind"] == "decision":
        findings = [{**f, "id": f"{f['rule']}/{n}"} for n, f in enumerate(given["findings"])]
        changed: dict[str, Any] = {"findings": findings, "change": {"author": given["author"], "id": "PR-1"}}
        if given["override"] is not None:
            changed["override"] = given["override"]
        made = record(given["number"], given["verdict"], given["environment"], given["artifact"], **changed)
        return made._replace(trailers={"Gatecheck-Service": given["service"]})
    at, person = AT + timedelta(hours=given["hours"]), given["person"]
    artifact = Artifact("thing", given["artifact"])
    if given["kind"] == "approval" or (given["kind"] != "deployment" and not known):
        return stated(Fact(artifact, ApprovalFact(person, "approve", at, given["environment"])))
    if given["kind"] == "deployment":
        return stated(Fact(artifact, DeploymentFact(given["environment"], at, person, at, service=given["service"])))
    if given["kind"] == "review":
        return stated(about_entry(known[0], ReviewFact(person, at, "accepted")))
    return stated(about_entry(known[0], AnnotationFact(person, at, "well")))


def naive(ledger: Ledger, entry: Entry, wanted: Filter) -> bool:
    """Tell whether an entry is looked for, by reading the entry."""
    statement = json.loads(ledger.statement(entry))
    predicate, trailers = statement["predicate"], entry.trailers
    findings = predicate.get("findings", [])
    approving = [*findings, predicate.get("override", {})]
    people = {c["approver"] for f in approving for part in ("counted", "refused") for c in f.get(part, ())}
    people |= {predicate.get("change", {}).get("author", "")}
    people |= {str(predicate.get(role, "")) for role in ("approver", "by", "reviewer")}
    digests = [
        trailers.get("Gatecheck-Artifact", ""), trailers.get("Gatecheck-Pack", ""), f"sha256:{entry.id}",
        predicate.get("request", {}).get("digest", ""),
    ]  # fmt: skip
    begins = tuple(text if ":" in text else f"sha256:{text}" for text in wanted.digests)
    at = entry.at.timestamp()
    return (
        (not wanted.services or trailers.get("Gatecheck-Service", "") in wanted.services)
        and (not wanted.environments or trailers.get("Gatecheck-Environment", "") in wanted.environments)
        and (not wanted.verdicts or trailers.get("Gatecheck-Verdict", "") in wanted.verdicts)
        and (not wanted.kinds or entry.kind in wanted.kinds)
        and (not wanted.people or bool(people & {*wanted.people}))
        and (
            not (wanted.rules or wanted.statuses)
            or any(
                (not wanted.rules or f["rule"] in wanted.rules)
                and (not wanted.statuses or f["status"] in wanted.statuses)
                for f in findings
            )
        )
        and (not begins or any(text.startswith(begins) for text in digests))
        and (wanted.since is None or at >= wanted.since)
        and (wanted.until is None or at <= wanted.until)
    )
