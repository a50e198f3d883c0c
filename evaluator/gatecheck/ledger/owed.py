"""Which overrides owe a review: who, since when, until when, and who has given it.

A decision that broke the glass says by whom and before when it is to be reviewed. A review entry about it settles that,
whatever its outcome; only entries whose signer is trusted count, decisions as reviews.
"""

import json
from datetime import UTC, datetime
from typing import Any, NamedTuple

from gatecheck.ledger.check import Checker
from gatecheck.ledger.entry import Entry
from gatecheck.ledger.kinds import NOTED, REVIEW
from gatecheck.ledger.ledger import Ledger
from gatecheck.ledger.record import DECISION
from gatecheck.trust.signers import AllowedSigners

_OVERRIDDEN = b'"overridden":true'


class Review(NamedTuple):
    """A review that was given."""

    entry: str
    reviewer: str
    outcome: str
    at: datetime


class Owed(NamedTuple):
    """An overridden decision of the instant ``at``: ``groups`` owe a review before ``due``; ``review`` is the first."""

    entry: str
    service: str
    environment: str
    change: str
    override: str
    at: datetime
    due: datetime
    groups: tuple[str, ...]
    review: Review | None


def owed(ledger: Ledger, as_of: datetime, trust: AllowedSigners | None = None) -> list[Owed]:
    """Return the overridden decisions up to an instant, oldest first, each with the review that it was given by then.

    ``trust`` says whose signatures count; without it, those that the ledger itself names.
    """
    checker, trusted = Checker(ledger.store), ledger.trust(trust)
    found, _ = ledger.mentioning(("Gatecheck-Verdict", "allow"), ("Gatecheck-Kind", REVIEW))
    reviews: dict[str, list[Review]] = {}
    decisions: list[tuple[Entry, dict[str, Any]]] = []
    for entry in found:
        if entry.kind == REVIEW and not any(checker.problems(entry, trusted)):
            said = json.loads(ledger.statement(entry))["predicate"]
            review = Review(entry.id, said["reviewer"], said["outcome"], _instant(said["at"]))
            if review.at <= as_of:
                reviews.setdefault(entry.trailers[NOTED], []).append(review)
        elif entry.kind == DECISION and _OVERRIDDEN in (raw := ledger.statement(entry)):
            predicate = json.loads(raw)["predicate"]
            if "review" in predicate and not any(checker.problems(entry, trusted)):
                decisions.append((entry, predicate))
    made = [_owed(entry, predicate, reviews.get(entry.id, [])) for entry, predicate in decisions]
    return sorted((one for one in made if one.at <= as_of), key=lambda one: (one.at, one.entry))


def _owed(entry: Entry, predicate: dict[str, Any], reviews: list[Review]) -> Owed:
    change, review = predicate["change"], predicate["review"]
    first = min(reviews, key=lambda r: (r.at, r.entry), default=None)
    return Owed(
        entry.id, change["service"], predicate["environment"], change["id"], predicate["override"]["name"],
        _instant(predicate["as_of"]), _instant(review["due"]), tuple(review["groups"]), first,
    )  # fmt: skip


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
