"""SQL on the views of a ledger: what they say, that nothing but reading is possible, and how it is shown."""

import csv
import io
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from ledger_world import ARTIFACT, AT, World, record

from gatecheck.cli.ledger import command
from gatecheck.ledger.kinds import stated
from gatecheck.ledger.views import VIEWS, document
from gatecheck.model.fact import AnnotationFact, ApprovalFact, DeploymentFact, Fact, ReviewFact, about_entry
from gatecheck.model.request import Artifact
from gatecheck.text.diagnostic import Diagnostic, InputError

READ = "it is read as SQLite's"
PAGE = Path(__file__).parents[2] / "docs" / "ledger.md"
AGAIN = {"approver": "alice", "at": "2026-11-23T09:00:00Z"}
REFUSED = {"approver": "frank", "at": "2026-11-23T09:01:00Z", "stance": "approve", "reason": "is the author"}
FINDINGS = [
    {
        "id": "ship/approve-1", "rule": "ship", "kind": "approve", "status": "passed", "statement": "approve by pm",
        "file": "a.gate", "line": 3, "counted": [{**AGAIN, "for": "carol"}], "refused": [REFUSED],
    },
    {
        "id": "ship/tests", "rule": "ship", "kind": "require", "status": "failed", "statement": "require tests",
        "gate": "tests", "advisory": True, "note": "late",
    },
]  # fmt: skip
CHANGE = {"author": "frank", "id": "PR-1", "service": "pay", "title": "=1+1\x1b[2J", "type": "feature"}
OVERRIDE = {"name": "fire", "counted": [{"approver": "dora", "at": "2026-11-23T09:02:00Z"}]}


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    ledger = made.open()
    review = {"groups": ["pm"], "due": "2026-11-30T00:00:00Z"}
    first = record(1, change=CHANGE, findings=FINDINGS, override=OVERRIDE, review=review, waivers=[{"owner": "erin"}])
    trailers = {"Gatecheck-Service": "pay"}
    (one, _) = ledger.append_batch(
        [first._replace(trailers=trailers), record(2, "deny", "staging")._replace(trailers=trailers)], made.key, AT
    )
    artifact = Artifact("payment-service", ARTIFACT)
    facts = [
        Fact(artifact, ApprovalFact("Alice", "reject", AT, "production", comment="not\nyet")),
        Fact(artifact, DeploymentFact("staging", AT, "ci", AT, service="pay")),
        Fact(artifact, DeploymentFact("staging", AT, "ci", AT, to=AT + timedelta(hours=2), service="pay")),
        Fact(artifact, DeploymentFact("staging", AT + timedelta(hours=3), "ci", AT, service="pay")),
        about_entry(one.id, ReviewFact("dora", AT, "rejected")),
        about_entry(one.id, ReviewFact("dora", AT, "accepted", "after all")),
        about_entry(one.id, AnnotationFact("bob", AT, "it was PR-7")),
    ]
    ledger.append_batch([stated(fact) for fact in facts], made.key, AT + timedelta(hours=1))
    return made


def run(world: World, *arguments: str, stdin: str = "") -> Result:
    environment = {"XDG_STATE_HOME": str(world.folder / "xdg"), "GATECHECK_CACHE": str(world.folder / "cache")}
    arguments = ("query", *arguments, "--ledger", str(world.path))
    return CliRunner().invoke(command, arguments, env=environment, input=stdin)


def asked(world: World, sql: str) -> list[list[object]]:
    result = run(world, "--format", "json", sql)
    if result.exception is not None:
        raise result.exception
    return [list(row.values()) for row in json.loads(result.stdout)]


def refusal(world: World, *arguments: str) -> Diagnostic:
    result = run(world, *arguments)
    assert isinstance(result.exception, InputError), result.output
    assert result.stdout == ""
    (diagnostic,) = result.exception.diagnostics
    return diagnostic


# What the views say


def test_decisions(world: World) -> None:
    first, second = world.open().find("1"), world.open().find("2")
    made = record(1)
    (row, _) = json.loads(run(world, "--format", "json", "SELECT * FROM decisions ORDER BY verdict").stdout)
    assert row.pop("request") != row["pack"]
    assert row == {
        "entry": first.id, "recorded_at": "2026-11-23T10:00:00Z", "as_of": "2026-11-23T10:00:00+01:00",
        "verdict": "allow", "service": "pay", "environment": "production", "artifact": ARTIFACT,
        "artifact_name": "payment-service", "change": "PR-1", "change_type": "feature", "author": "frank",
        "title": "=1+1\x1b[2J", "risk": "critical", "override": "fire", "review_due": "2026-11-30T00:00:00Z",
        "review": "accepted", "pack": made.pack_digest, "engine": "",
    }  # fmt: skip
    assert asked(world, "SELECT entry, override, review_due, review FROM decisions WHERE author = ''") == [
        [second.id, "", "", ""]
    ]


def test_findings_and_approvals(world: World) -> None:
    columns = "rule, finding, kind, status, advisory, gate, statement, file, line, note"
    assert asked(world, f"SELECT {columns} FROM findings ORDER BY finding") == [
        ["ship", "ship/approve-1", "approve", "passed", 0, "", "approve by pm", "a.gate", 3, ""],
        ["ship", "ship/tests", "require", "failed", 1, "tests", "require tests", "", 0, "late"],
    ]
    columns = "status, approver, at, stance, rule, part, reason, acting_for, comment, service"
    assert asked(world, f"SELECT {columns} FROM approvals ORDER BY 1, 2") == [
        ["counted", "alice", "2026-11-23T09:00:00Z", "approve", "ship", "rule", "", "carol", "", "pay"],
        ["counted", "dora", "2026-11-23T09:02:00Z", "approve", "fire", "override", "", "", "", "pay"],
        ["recorded", "Alice", "2026-11-23T10:00:00Z", "reject", "", "", "", "", "not\nyet", ""],
        ["refused", "frank", "2026-11-23T09:01:00Z", "approve", "ship", "rule", "is the author", "", "", "pay"],
    ]


def test_what_is_recorded_besides_decisions(world: World) -> None:
    one = world.open().find("1").id
    columns = "deployed_from, deployed_to, verified_at, person, counts"
    assert asked(world, f"SELECT {columns} FROM deployments ORDER BY 1, counts") == [
        ["2026-11-23T10:00:00Z", "", "", "ci", 0],
        ["2026-11-23T10:00:00Z", "2026-11-23T12:00:00Z", "", "ci", 1],
        ["2026-11-23T13:00:00Z", "", "", "ci", 1],
    ]
    assert asked(world, "SELECT decision, reviewer, at, outcome, comment FROM reviews ORDER BY outcome") == [
        [one, "dora", "2026-11-23T10:00:00Z", "accepted", "after all"],
        [one, "dora", "2026-11-23T10:00:00Z", "rejected", ""],
    ]
    assert asked(world, "SELECT about, person, at, text FROM annotations") == [
        [one, "bob", "2026-11-23T10:00:00Z", "it was PR-7"]
    ]
    assert asked(world, "SELECT kind, person, role FROM people ORDER BY 1, 2, 3") == [
        ["annotation", "bob", "by"], ["approval", "Alice", "approver"], ["decision", "alice", "counted"],
        ["decision", "carol", "acted for"], ["decision", "dora", "counted"], ["decision", "erin", "waiver owner"],
        ["decision", "frank", "author"], ["decision", "frank", "refused"], *[["deployment", "ci", "by"]] * 3,
        *[["review", "dora", "reviewer"]] * 2,
    ]  # fmt: skip


def test_entries(world: World) -> None:
    entry = world.open().find("4")
    (row,) = json.loads(run(world, "--format", "json", "SELECT * FROM entries WHERE seq = 4").stdout)
    assert json.loads(row.pop("predicate")) == {
        "at": "2026-11-23T10:00:00Z", "by": "ci", "environment": "staging", "from": "2026-11-23T10:00:00Z",
        "service": "pay",
    }  # fmt: skip
    assert row == {
        "entry": entry.id, "seq": 4, "writer": entry.writer, "kind": "deployment",
        "recorded_at": "2026-11-23T11:00:00Z", "verdict": "", "service": "pay", "environment": "staging",
        "artifact": ARTIFACT, "subject": entry.subject, "person": "ci", "about": "", "chain": entry.chain,
        "git_commit": entry.commit, "problem": "",
    }  # fmt: skip
    assert asked(world, "SELECT seq, kind FROM entries WHERE about <> '' ORDER BY seq") == [
        [7, "review"], [8, "review"], [9, "annotation"],
    ]  # fmt: skip


def test_views_answer_together_and_by_the_functions_of_sqlite(world: World) -> None:
    sql = "SELECT e.kind, count(*) OVER () FROM entries e JOIN people p ON p.entry = e.entry WHERE p.person = 'frank'"
    assert asked(world, sql) == [["decision", 2]] * 2
    sql = "WITH a AS (SELECT json_extract(predicate, '$.outcome') o FROM entries) SELECT max(o) FROM a"
    assert asked(world, sql) == [["rejected"]]
    assert asked(world, "SELECT value FROM json_each('[1, 2]')") == [[1], [2]]
    assert asked(world, " -- why\n/* because */ values (1, NULL, 2.5, x'00ff', 1e999)") == [
        [1, None, 2.5, "00ff", "inf"]
    ]
    assert asked(world, "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 3) SELECT * FROM c") == [
        [1], [2], [3],
    ]  # fmt: skip


def test_the_page_and_the_help_describe_every_column(world: World) -> None:
    text = PAGE.read_text("utf-8").partition("\n## Asking in SQL\n")[2].partition("\n## ")[0]
    described = {
        name: (row, dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE)))
        for name, row, table in re.findall(r"^### `(\w+)`\n\nA row is (.*?)\.\n\n(.*?)\n(?:\n|$)", text, re.M | re.S)
    }
    assert described == {
        name: (view.row, {column: meaning for column, (_, meaning) in view.columns.items()})
        for name, view in VIEWS.items()
    }
    for name, view in VIEWS.items():
        assert run(world, "--format", "csv", "-n", "1", f"SELECT * FROM {name}").stdout.startswith(
            ",".join(view.columns)
        )
    assert run(world, "--views").stdout == document() + "\n"
    for sql in re.findall(r"^```sql\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        assert run(world, sql).exception is None
    for sql in re.findall(r'ledger query (?:--format csv )?"(.*)"$', text, re.MULTILINE):
        assert run(world, sql).exception is None


# That nothing but reading is possible


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM x_entry", "PRAGMA query_only = 0", "ATTACH 'x' AS x", "", "  ", " -- nothing", "EXPLAIN SELECT 1",
        "VACUUM INTO 'x'", "selec 1", "CREATE TABLE t(a)", "/* SELECT 1",
    ],
)  # fmt: skip
def test_what_is_no_select_is_refused(world: World, sql: str) -> None:
    assert refusal(world, sql) == Diagnostic(
        "GC761", "a query is one SELECT statement", hint="begin with SELECT, or with WITH"
    )


@pytest.mark.parametrize(
    "sql",
    [
        "WITH a AS (SELECT 1) DELETE FROM x_entry", "WITH a AS (SELECT 1) UPDATE x_entry SET verdict = 'allow'",
        "WITH a AS (SELECT 1) INSERT INTO x_tip SELECT 'a', 'b', 1", "SELECT load_extension('x')",
        "SELECT * FROM sqlite_schema", "SELECT * FROM pragma_database_list",
        "SELECT * FROM pragma_table_info('x_entry')",
    ],
)  # fmt: skip
def test_what_would_do_more_than_read_is_refused(world: World, sql: str) -> None:
    hint = "`gatecheck ledger query --views` lists views and columns"
    message = "a query can only read the ledger's views, and this asks for more"
    assert refusal(world, sql) == Diagnostic("GC761", message, hint=hint)


@pytest.mark.parametrize("cache", ["cache", "off"])
def test_the_index_is_as_it_was_afterwards(world: World, cache: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(world, "SELECT 1; DROP VIEW decisions").exception is not None
    environment = {"GATECHECK_CACHE": str(world.folder / "cache") if cache == "cache" else "off"}
    arguments = ["query", "SELECT count(*) AS n FROM decisions", "--ledger", str(world.path)]
    assert CliRunner().invoke(command, arguments, env=environment).stdout == "n\n2\n"
    arguments[1] = "WITH a AS (SELECT 1) DELETE FROM x_entry"
    assert isinstance(CliRunner().invoke(command, arguments, env=environment).exception, InputError)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1; SELECT 2", ("GC761", "a query is one SELECT statement, and this is more", "ask one at a time")),
        ("SELECT * FROM decision", ("GC762", "there is no view `decision`", "did you mean `decisions`?")),
        ("SELECT a FROM nowhere", ("GC762", "there is no view `nowhere`", f"known: {', '.join(sorted(VIEWS))}")),
        (
            "SELECT f.stats FROM findings f",
            ("GC762", "there is no column `f.stats` in `findings`", "did you mean `status`?"),
        ),
        ("SELECT now()", ("GC762", "there is no function `now`", "there are those that SQLite has of its own")),
        (
            "SELECT entry FROM decisions JOIN findings",
            (
                "GC763", "several of the views have a column `entry`",
                "write the view before it, as in `decisions.entry`",
            ),
        ),
        ("SELECT 1 2", ("GC763", "the SQL is wrong near `2`", READ)),
        ("SELECT", ("GC763", "the SQL ends too early", READ)),
        ("SELECT ?", ("GC763", "nothing is given for the `?` in the SQL", "write the value itself")),
        ("SELECT abs(-9223372036854775808)", ("GC763", "the SQL can't be worked out: integer overflow", READ)),
        ("SELECT 'a\0b'", ("GC763", None, READ)),
        ("SELECT zeroblob(1000000000)", ("GC763", "the SQL can't be worked out: string or blob too big", READ)),
        ("SELECT 1 AS a, 2 AS a", ("GC763", "two columns are named `a`", "name one of them otherwise, with AS")),
    ],
)  # fmt: skip
def test_wrong_sql_is_told_in_words(world: World, sql: str, expected: tuple[str, str | None, str]) -> None:
    found = refusal(world, "--format", "json", sql)
    assert (found.code, found.message if expected[1] is not None else None, found.hint) == expected


def test_what_takes_too_long_is_stopped(world: World) -> None:
    endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c"
    hint = "ask for less, as for fewer days; or give it longer with `--timeout`"
    message = "the answer takes longer than 0.1 seconds"
    assert refusal(world, "--timeout", "0.1", endless) == Diagnostic("GC764", message, hint=hint)


# How it is shown


def test_a_table_is_cut_and_drives_no_terminal(world: World) -> None:
    result = run(world, "-n", "1", "SELECT verdict, title AS t, NULL AS n, 1.5 AS f FROM decisions ORDER BY verdict")
    assert result.stdout == "verdict  t         n  f\nallow    =1+1\ufffd[2J     1.5\n"
    assert result.stderr == "rows after the first 1 are left out; `-n 0` shows all\n"
    assert run(world, "-n", "0", "SELECT 1 AS a UNION SELECT 2").output == "a\n1\n2\n"


def test_csv_computes_nothing_and_keeps_lines(world: World) -> None:
    columns = "d.title, a.comment, x'01' AS b, -1 AS n"
    sql = f"SELECT {columns} FROM decisions d, approvals a WHERE d.title <> '' AND a.comment <> ''"
    out = run(world, "--format", "csv", sql).stdout
    assert list(csv.reader(io.StringIO(out))) == [
        ["title", "comment", "b", "n"],
        ["'=1+1\ufffd[2J", "not\nyet", "01", "-1"],
    ]


def test_json_escapes_what_a_terminal_obeys(world: World) -> None:
    sql = "SELECT char(27, 155, 8238, 228, 917505) AS t"
    out = run(world, "--format", "json", sql).stdout
    assert out == '[\n  {"t": "\\u001b\\u009b\\u202eä\\udb40\\udc01"}\n]\n'
    assert json.loads(out) == [{"t": "\x1b\x9b\u202eä\U000e0001"}]
    assert run(world, "--format", "json", "SELECT 1 WHERE 0").stdout == "[]\n"


def test_sql_from_standard_input_and_none_at_all(world: World) -> None:
    assert run(world, "-", stdin="SELECT 1 AS a").stdout == "a\n1\n"
    assert refusal(world) == Diagnostic(
        "GC801", "the SQL is missing", hint="write it in quotes, or `--views` for what there is"
    )
