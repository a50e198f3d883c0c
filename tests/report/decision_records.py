"""Decisions as records, written by hand and checked against their form."""

from typing import Any

from gatecheck.model.record import DECISION, STATEMENT, check_statement
from gatecheck.report.decision import Recorded

DIGEST = "sha256:" + "a" * 64
RECORDED = Recorded("9f2c41d0" * 8, ".gatecheck/ledger", "SHA256:Qm9i")
AS_OF = "2026-11-23T10:00:00+01:00"


def finding(name: str, status: str = "passed", **fields: Any) -> dict[str, Any]:
    """Return a finding; ``name`` is its id, of which the part before the slash is its rule."""
    made = {
        "id": name,
        "rule": name.partition("/")[0],
        "kind": "require",
        "status": status,
        "statement": f"require {name.partition('/')[2]}",
        "file": "payment.gate",
        "line": 46,
    }
    return made | fields


def action(kind: str, subject: str = "", **fields: Any) -> dict[str, Any]:
    return {"action": kind, "subject": subject, **fields}


def asks(*actions: dict[str, Any], name: str = "quality/tests", **fields: Any) -> dict[str, Any]:
    """Return a finding that waits for actions, or fails where one is to mend or settle."""
    is_failed = any(a["action"] in ("mend", "settle") for a in actions)
    return finding(name, "failed" if is_failed else "waiting", missing=list(actions), **fields)


def statement(
    findings: list[dict[str, Any]],
    *,
    missing: list[dict[str, Any]] | None = None,
    name: str = "payment-service 2.14.0",
    risk: dict[str, Any] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """Return a record; what is missing is what the findings ask for, each once, where it is not given."""
    statuses = {f["status"] for f in findings}
    if missing is None:
        missing = []
        for a in [a for f in findings for a in f.get("missing", ())]:
            if a not in missing or a["action"] == "approve":
                missing.append(a)
    predicate = {
        "verdict": "deny" if "failed" in statuses else "pending" if "waiting" in statuses else "allow",
        "environment": "production",
        "risk": risk or {"level": "medium", "reasons": [{"condition": "otherwise"}]},
        "as_of": AS_OF,
        "change": {"id": "1", "service": "payment-service", "type": "feature", "author": "frank"},
        "findings": findings,
        "missing": missing,
        "next": [],
        "obligations": [],
        "evidence": {},
        "request": {"digest": DIGEST},
        "pack": {"digest": DIGEST, "files": [{"path": "payment.gate", "digest": DIGEST}]},
        "engine": {"gatecheck": "0.1.0", "language": 1, "tzdata": "2026a"},
    }
    subject = [{"name": name, "digest": {"sha256": "a" * 64}}]
    made = {"_type": STATEMENT, "subject": subject, "predicateType": DECISION, "predicate": predicate | fields}
    return check_statement(made)


def allowed() -> dict[str, Any]:
    """Return a decision of which nothing is missing."""
    return statement(
        [
            finding("quality/tests", gate="tests", unbound=True, compared=[{"asked": "tests > 0", "found": "10"}]),
            finding(
                "approval/approve-1",
                kind="approve",
                statement="approve by tech-lead",
                counted=[{"approver": "alice", "at": "2026-11-23T08:00:00Z"}],
                refused=[_refused("bob", "is not needed")],
            ),
        ],
        obligations=[{"kind": "deploy", "value": "canary"}],
    )


def pending() -> dict[str, Any]:
    """Return a decision that waits for a person and for a window: the one that the design shows."""
    approval = "production-approval/approve-1"
    carol = {"approver": "carol", "at": "2026-11-23T08:30:00Z"}
    return statement(
        [
            asks(
                action("approve", approval, groups=["on-call"], after=["carol"]),
                name=approval,
                kind="approve",
                line=61,
                statement="approve by tech-lead then pm then on-call",
                because="SOX-17: nobody ships alone",
                counted=[{"approver": "alice", "at": "2026-11-23T08:00:00Z"}, carol],
                refused=[_refused("frank", "is the author")],
            ),
            asks(
                action("wait", "business-hours opens", until="2026-11-24T08:00:00Z"),
                name="production-timing/require-2",
                line=70,
                statement="require during business-hours",
                compared=[{"asked": "during business-hours", "found": "closed"}],
            ),
            finding("quality/sast", gate="sast", unbound=True, note="seen"),
            finding("quality/tests", gate="tests", compared=[{"asked": "tests > 0", "found": "10"}]),
        ],
        risk={"level": "critical", "reasons": [{"condition": "breaking-api", "file": "payment.gate", "line": 9}]},
        next=[
            {"at": "2026-11-24T07:12:00Z", "cause": "evidence goes stale", "subject": "sast"},
            {"at": "2026-11-24T08:00:00Z", "cause": "window opens", "subject": "business-hours"},
        ],
        obligations=[{"kind": "deploy", "value": "canary"}, {"kind": "notify", "value": "slack:#payments"}],
    )


def denied() -> dict[str, Any]:
    """Return a decision with each sort of action."""
    return statement(
        [
            asks(
                action("mend", "coverage", remedy="Write tests for what you changed"),
                name="quality/coverage",
                gate="coverage",
                compared=[{"asked": "line_rate >= 80%", "found": "75.2%"}],
            ),
            asks(
                action("mend", 'require change.ticket matches "PAY-*"'),
                name="tickets/require-1",
                line=80,
                statement='require change.ticket matches "PAY-*"',
                compared=[{"asked": 'change.ticket matches "PAY-*"', "found": '""'}],
            ),
            asks(
                action("mend", "approve by 2 owners", reason="nobody who may approve is left in owners"),
                name="approval/approve-2",
                line=62,
                note="this quorum is impossible",
            ),
            asks(
                action("settle", "dave", reason="only an approval by the same person lifts a rejection"),
                name="approval/approve-1",
                line=61,
                note="rejected by dave",
                refused=[{**_refused("erin", "has expired"), "stance": "reject"}, _refused("frank", "is the author")],
            ),
            asks(
                action("mend", "a rule says how approval happens", remedy="add `approve automatically` to the rules"),
                name="promotion/approval",
                file="",
                line=0,
                note="no rule decides approval in production at risk medium",
            ),
            asks(action("promote", "staging", reason="this artifact was not allowed there"), name="promotion/after"),
            asks(action("deploy", "staging", reason="it has not run there, verified"), name="timing/soak"),
            asks(action("evidence", "sast", reason="it is stale"), name="quality/sast"),
            asks(action("state", "change.files", reason="the change lists no files"), name="quality/paths"),
            asks(
                action("wait", "evidence of dast", reason="it is from the future", until="2026-11-23T09:00:30Z"),
                name="quality/dast",
            ),
        ],
    )


EMERGENCY = {"name": "emergency", "title": "Break the glass", "because": "outages cost more", "line": 90}


def falling_short() -> list[dict[str, Any]]:
    """Return findings of which one is waived and one only advises."""
    return [
        asks(
            action("mend", "coverage"),
            name="quality/coverage",
            gate="coverage",
            compared=[{"asked": "line_rate >= 80%", "found": "75.2%"}],
        ),
        asks(
            action("approve", "approval/approve-1", groups=["tech-lead"]),
            name="approval/approve-1",
            kind="approve",
            line=61,
            statement="approve by tech-lead",
            refused=[_refused("erin", "is in no group that is asked")],
        ),
        finding("quality/sast", "waived", gate="sast", note="waived until 2027-01-31T17:00:00Z by security: SEC-1432"),
        asks(
            action("mend", 'require change.ticket matches "PAY-*"'),
            name="tickets/require-1",
            line=80,
            statement='require change.ticket matches "PAY-*"',
            compared=[{"asked": 'change.ticket matches "PAY-*"', "found": '""'}],
            advisory=True,
        ),
    ]


def overridden() -> dict[str, Any]:
    """Return a decision that an override allows, with a waiver and a rule that only advises yet."""
    waiver = {"targets": ["sast"], "until": "2027-01-31T17:00:00Z", "owner": "security"}
    return statement(
        falling_short(),
        verdict="allow",
        missing=[],
        next=[
            {"at": "2027-01-01T00:00:00Z", "cause": "rule takes effect", "subject": "tickets"},
            {"at": "2027-01-31T17:00:00Z", "cause": "waiver ends", "subject": "sast"},
        ],
        overridden=True,
        override=EMERGENCY
        | {
            "file": "payment.gate",
            "asked": ["approve by incident-commander"],
            "counted": [{"approver": "erin", "at": "2026-11-23T08:30:00Z"}],
        },
        review={"groups": ["tech-lead"], "due": "2026-11-24T09:00:00Z"},
        waivers=[waiver | {"because": "SEC-1432: false positives", "findings": ["quality/sast"]}],
    )


def available(*missing: dict[str, Any], asked: str = "approve by incident-commander") -> dict[str, Any]:
    """Return a decision that is denied, and that an override could allow."""
    found = [f for f in falling_short() if f["status"] != "waived" and not f.get("advisory")]
    lacking = missing or (action("approve", "emergency/override-1", groups=["incident-commander"]),)
    return statement(
        found,
        available=[EMERGENCY | {"file": "payment.gate", "asked": [asked], "missing": list(lacking)}],
    )


def _refused(approver: str, reason: str) -> dict[str, Any]:
    return {"approver": approver, "at": "2026-11-23T07:00:00Z", "stance": "approve", "reason": reason}
