"""The tables of an index, and the documented views over them, which are what is asked in SQL.

The tables may change with every version of gatecheck and nobody but the index reads them; the views stay.
"""

from typing import NamedTuple

VERSION = 1
"""Of the tables: an index of another version is made anew."""

TABLES = """
CREATE TABLE x_tip(writer TEXT PRIMARY KEY, oid TEXT NOT NULL, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE x_entry(
  n INTEGER PRIMARY KEY, writer TEXT, seq INTEGER, id TEXT, kind TEXT, at INTEGER, verdict TEXT, environment TEXT,
  service TEXT, artifact TEXT, name TEXT, subject TEXT, person TEXT, about TEXT, pack TEXT, chain TEXT, oid TEXT,
  problem TEXT, predicate TEXT, place INTEGER);
CREATE TABLE x_decision(
  n INTEGER PRIMARY KEY, as_of TEXT, change TEXT, type TEXT, author TEXT, title TEXT, risk TEXT, override TEXT,
  due TEXT, request TEXT, engine TEXT);
CREATE TABLE x_said(
  n INTEGER PRIMARY KEY, finding TEXT, rule TEXT, kind TEXT, gate TEXT, statement TEXT, file TEXT, line INTEGER,
  UNIQUE(finding, rule, kind, gate, statement, file, line));
CREATE TABLE x_finding(
  entry INTEGER, place INTEGER, said INTEGER, status TEXT, advisory INTEGER, note TEXT, PRIMARY KEY(entry, place)
  ) WITHOUT ROWID;
CREATE TABLE x_approval(
  entry INTEGER, rule TEXT, part TEXT, status TEXT, approver TEXT, at TEXT, stance TEXT, reason TEXT, acting_for TEXT);
CREATE TABLE x_person(entry INTEGER, person TEXT, role TEXT, PRIMARY KEY(entry, person, role)) WITHOUT ROWID;
"""

# Made after the first entries, which is faster than keeping them up meanwhile.
INDEXES = """
CREATE INDEX IF NOT EXISTS entry_place ON x_entry(place DESC, writer, seq DESC);
CREATE INDEX IF NOT EXISTS entry_service ON x_entry(service, place DESC, writer, seq DESC, at);
CREATE INDEX IF NOT EXISTS entry_environment ON x_entry(environment, place DESC, writer, seq DESC, at);
CREATE INDEX IF NOT EXISTS entry_verdict ON x_entry(verdict, place DESC, writer, seq DESC, at);
CREATE INDEX IF NOT EXISTS entry_pack ON x_entry(pack);
CREATE INDEX IF NOT EXISTS entry_id ON x_entry(id);
CREATE INDEX IF NOT EXISTS entry_artifact ON x_entry(artifact);
CREATE INDEX IF NOT EXISTS entry_about ON x_entry(about) WHERE about <> '';
CREATE INDEX IF NOT EXISTS entry_kind ON x_entry(kind, at) WHERE kind <> 'decision';
CREATE INDEX IF NOT EXISTS decision_request ON x_decision(request);
CREATE INDEX IF NOT EXISTS decision_due ON x_decision(due) WHERE due <> '';
CREATE INDEX IF NOT EXISTS said_rule ON x_said(rule);
CREATE INDEX IF NOT EXISTS finding_said ON x_finding(said, status);
CREATE INDEX IF NOT EXISTS approval_entry ON x_approval(entry);
CREATE INDEX IF NOT EXISTS approval_approver ON x_approval(approver);
CREATE INDEX IF NOT EXISTS person_person ON x_person(person);
"""

_AT = "strftime('%Y-%m-%dT%H:%M:%SZ', e.at, 'unixepoch')"


class View(NamedTuple):
    """A documented view: what a row is, each column's expression and meaning, and where the rows come from."""

    row: str
    columns: dict[str, tuple[str, str]]
    source: str

    def sql(self, name: str) -> str:
        """Return the statement that makes the view."""
        columns = ", ".join(f"{expression} AS {column}" for column, (expression, _) in self.columns.items())
        return f"CREATE VIEW {name} AS SELECT {columns} FROM {self.source};"


def _of(field: str) -> str:
    return f"coalesce(json_extract(e.predicate, '$.{field}'), '')"


_ID = {"entry": ("e.id", "the entry's id")}
_WHEN = {"recorded_at": (_AT, "when it was recorded, in UTC")}
_WHERE = {
    "service": ("e.service", "the service"),
    "environment": ("e.environment", "the environment"),
    "artifact": ("e.artifact", "the artifact's digest"),
}
_NEWER = (
    "EXISTS (SELECT 1 FROM x_entry o WHERE o.kind = 'deployment' AND o.artifact = e.artifact AND o.environment ="
    " e.environment AND json_extract(o.predicate, '$.from') IS json_extract(e.predicate, '$.from') AND"
    " (o.place > e.place OR o.place = e.place AND (o.writer < e.writer OR o.writer = e.writer AND o.seq > e.seq)))"
)
_REVIEWED = (
    "coalesce((SELECT json_extract(r.predicate, '$.outcome') FROM x_entry r WHERE r.kind = 'review' AND r.about = e.id"
    " ORDER BY r.place DESC, r.writer, r.seq DESC LIMIT 1), '')"
)

VIEWS = {
    "entries": View(
        "one entry of any kind",
        {
            **_ID,
            "seq": ("e.seq", "its number among those of its writer"),
            "writer": ("e.writer", "whose ref it stands on, `refs/heads/ledger/WRITER`"),
            "kind": ("e.kind", "`decision`, `approval`, `deployment`, `review`, `annotation`, `key`, …"),
            **_WHEN,
            "verdict": ("e.verdict", "`allow`, `pending` or `deny`; empty for what is no decision"),
            **_WHERE,
            "subject": ("e.subject", "the first line of its commit"),
            "person": ("e.person", "whose doing it records; empty for a decision"),
            "about": ("e.about", "the id of the entry that it is about; empty for most"),
            "predicate": ("e.predicate", "what it states, as JSON; NULL for a decision, which has views of its own"),
            "chain": ("e.chain", "the chain value up to and with it"),
            "git_commit": ("e.oid", "its commit"),
            "problem": ("e.problem", "why its statement could not be indexed; empty for nearly all"),
        },
        "x_entry e",
    ),
    "decisions": View(
        "one decision",
        {
            **_ID,
            **_WHEN,
            "as_of": ("d.as_of", "the instant as of which it was decided, as written"),
            "verdict": ("e.verdict", "`allow`, `pending` or `deny`"),
            **_WHERE,
            "artifact_name": ("e.name", "the artifact's name"),
            "change": ("d.change", "the change's id"),
            "change_type": ("d.type", "the kind of change"),
            "author": ("d.author", "the change's author"),
            "title": ("d.title", "the change's title"),
            "risk": ("d.risk", "the risk level"),
            "override": ("d.override", "the override that allowed it; empty for none"),
            "review_due": ("d.due", "by when a review of that is owed; empty for none"),
            "review": (_REVIEWED, "what the newest review of it came to, `accepted` or `rejected`; empty for none"),
            "pack": ("e.pack", "the digest of the rules"),
            "request": ("d.request", "the digest of the request"),
            "engine": ("d.engine", "the version of gatecheck that decided"),
        },
        "x_decision d JOIN x_entry e ON e.n = d.n",
    ),
    "findings": View(
        "what one statement of the rules came to in one decision",
        {
            **_ID,
            **_WHEN,
            "service": _WHERE["service"],
            "environment": _WHERE["environment"],
            "verdict": ("e.verdict", "the decision's verdict"),
            "rule": ("s.rule", "the rule"),
            "finding": ("s.finding", "names the statement by what it says; the same in every run"),
            "kind": ("s.kind", "`require`, `forbid`, `approve`, `after`, …"),
            "status": ("f.status", "`passed`, `failed`, `waiting` or `waived`"),
            "advisory": ("f.advisory", "1 where it only advises"),
            "gate": ("s.gate", "the gate that it asks for; empty for none"),
            "statement": ("s.statement", "the statement as the rules have it"),
            "file": ("s.file", "its file in the pack"),
            "line": ("s.line", "its line"),
            "note": ("f.note", "what else was said of it"),
        },
        "x_finding f JOIN x_said s ON s.n = f.said JOIN x_entry e ON e.n = f.entry",
    ),
    "approvals": View(
        "one approval: as an entry of its own, or as a statement of the rules counted or refused it in a decision",
        {
            **_ID,
            **_WHEN,
            "status": ("e.status", "`recorded` as an entry, `counted` or `refused` in a decision"),
            "approver": ("e.approver", "who"),
            "at": ("e.approved_at", "when it was given"),
            "stance": ("e.stance", "`approve`, `reject` or `withdraw`"),
            **_WHERE,
            "rule": ("e.rule", "the rule or the override that asked for it; empty where it is recorded"),
            "part": ("e.part", "`rule` or `override`; empty where it is recorded"),
            "reason": ("e.reason", "why it was refused"),
            "acting_for": ("e.acting_for", "for whom, where a delegate gave it"),
            "comment": ("e.comment", "what was written with it, where it is recorded"),
        },
        "(SELECT x.id, x.at, x.service, x.environment, x.artifact, a.status, a.approver, a.at AS approved_at,"
        " a.stance, a.rule, a.part, a.reason, a.acting_for, '' AS comment"
        " FROM x_approval a JOIN x_entry x ON x.n = a.entry"
        " UNION ALL SELECT e.id, e.at, e.service, e.environment, e.artifact, 'recorded',"
        f" {_of('approver')}, {_of('at')}, {_of('stance')}, '', '', '', '', {_of('comment')}"
        " FROM x_entry e WHERE e.kind = 'approval') e",
    ),
    "deployments": View(
        "one recorded stay of an artifact in an environment",
        {
            **_ID,
            **_WHEN,
            **_WHERE,
            "deployed_from": (_of("from"), "when the stay began"),
            "deployed_to": (_of("to"), "when it ended; empty while it lasts"),
            "verified_at": (_of("verified_at"), "when it was seen to be well; empty if never"),
            "person": ("e.person", "who recorded it"),
            "counts": (
                f"NOT {_NEWER}",
                "1 for the newest about this artifact, environment and beginning, 0 for one that it corrects",
            ),
        },
        "x_entry e WHERE e.kind = 'deployment'",
    ),
    "reviews": View(
        "one recorded review of a decision",
        {
            **_ID,
            **_WHEN,
            "decision": ("e.about", "the id of the decision"),
            "reviewer": (_of("reviewer"), "who looked at it"),
            "at": (_of("at"), "when"),
            "outcome": (_of("outcome"), "`accepted` or `rejected`"),
            "comment": (_of("comment"), "what was written with it"),
        },
        "x_entry e WHERE e.kind = 'review'",
    ),
    "annotations": View(
        "one recorded remark on an entry",
        {
            **_ID,
            **_WHEN,
            "about": ("e.about", "the id of the entry that it is about"),
            "person": (_of("by"), "who says it"),
            "at": (_of("at"), "when"),
            "text": (_of("text"), "what is said"),
        },
        "x_entry e WHERE e.kind = 'annotation'",
    ),
    "people": View(
        "one person's part in one entry",
        {
            **_ID,
            **_WHEN,
            "kind": ("e.kind", "the entry's kind"),
            "person": ("p.person", "who, as the entry names them"),
            "role": (
                "p.role",
                "in a decision `author`, `counted` or `refused` (an approver), `acted for`, `waiver owner`; elsewhere"
                " the name of the field: `approver`, `by`, `reviewer`, `principal`",
            ),
        },
        "x_person p JOIN x_entry e ON e.n = p.entry",
    ),
}


def schema() -> str:
    """Return the statements that make the tables and views of an empty index."""
    return TABLES + "\n".join(view.sql(name) for name, view in VIEWS.items())


def document() -> str:
    """Return the views as text for people."""
    lines = []
    for name, view in VIEWS.items():
        lines += [f"{name}: {view.row}", *(f"  {c:<14} {meaning}" for c, (_, meaning) in view.columns.items()), ""]
    return "\n".join(lines[:-1])
