"""The report for a pull request: whole outputs, and nothing in a record that could be Markdown."""

from typing import Any

import pytest
from decision_records import RECORDED, action, allowed, asks, denied, finding, overridden, pending, statement

from gatecheck.report.decision import render
from gatecheck.report.markdown import code, escape


def test_an_allowed_promotion_is_said_in_few_lines() -> None:
    assert render(allowed(), "markdown") == ALLOWED


def test_a_denied_promotion_says_what_to_do() -> None:
    assert render(denied(), "markdown") == DENIED


def test_explain_folds_every_finding_into_a_table() -> None:
    assert render(pending(), "markdown", explain=True, recorded=RECORDED) == PENDING


@pytest.mark.parametrize(
    ("hostile", "sentence", "name"),
    [
        ("a | b", "a &#124; b", "a &#124; b"),
        ("a \\| b", "a \\\\&#124; b", "a \\\\&#124; b"),
        ("`rm`", "\\`rm\\`", "\\`rm\\`"),
        ("a\\", "a\\\\", "`a\\`"),
        ("<img src=x>", "&lt;img src=x&gt;", "`<img src=x>`"),
        ("&lt;b&gt;", "&amp;lt;b&amp;gt;", "`&lt;b&gt;`"),
        ("ping @org/team", "ping @\u200borg/team", "`ping @org/team`"),
        ("fixes #12", "fixes #\u200b12", "`fixes #12`"),
        ("[a](https://b.example)", "\\[a\\](https:\u200b//b.example)", "`[a](https://b.example)`"),
        ("www.b.example", "www\u200b.b.example", "`www.b.example`"),
        ("**b** _i_ ~~s~~ $x$", "\\*\\*b\\*\\* \\_i\\_ \\~\\~s\\~\\~ \\$x\\$", "`**b** _i_ ~~s~~ $x$`"),
        ("a\n\n# b\r\n- c", "a  #\u200b b  - c", "`a  # b  - c`"),
        ("\x1b[31ma\u202eb\x00", "\ufffd\\[31ma\ufffdb\ufffd", "`\ufffd[31ma\ufffdb\ufffd`"),
        ("", "", ""),
    ],
)
def test_text_by_others_is_shown_and_not_obeyed(hostile: str, sentence: str, name: str) -> None:
    assert escape(hostile) == sentence
    assert code(hostile) == name


def test_a_hostile_record_keeps_its_shape() -> None:
    bad = "x |`@all`\n\n<details>[l](http://e.example)"
    record = statement(
        [
            asks(
                action("mend", bad, remedy=bad, reason=bad),
                name="a/x",
                rule=bad,
                file=bad,
                statement=bad,
                because=bad,
                compared=[{"asked": bad, "found": bad}],
            )
        ],
        name=bad,
        risk={"level": bad, "reasons": [{"condition": bad}]},
    )
    safe = "x &#124;\\`@\u200ball\\`  &lt;details&gt;\\[l\\](http:\u200b//e.example)"
    assert render(record, "markdown", explain=True) == (
        f"### DENY: {safe} to `production`\n"
        "\n"
        f"Risk {safe} ({safe}).\n"
        "\n"
        f"- **fails** {safe}: {safe}; {safe} (found {safe}) ({safe}, {safe}:46)\\\n"
        f"  Remedy: {safe}\n"
        "\n"
        "Passed 0 of 1 statement (1 failed), as of Mon 23 Nov 2026 10:00 +01:00.\n"
        "\n"
        "<details><summary>All findings</summary>\n"
        "\n"
        "| status | statement | rule | what |\n"
        "|---|---|---|---|\n"
        f"| failed | {safe} | {safe}, {safe}:46 | {safe} (found {safe})<br>because: {safe} |\n"
        "\n"
        "</details>\n"
    )


def test_a_huge_record_stays_within_what_forges_accept() -> None:
    long = "|<&" * 400
    compared = [{"asked": long, "found": long}] * 20
    findings: list[dict[str, Any]] = [
        asks(
            action("mend", f"{n}{long}", reason=long, remedy=long),
            name=f"{long}/{n}",
            compared=compared,
            gate=f"{n}{long}",
            unbound=True,
            refused=[{"approver": f"{n}{long}", "at": "2026-11-23T07:00:00Z", "stance": "reject", "reason": long}],
        )
        for n in range(50)
    ]
    owed = [{"kind": "notify", "value": f"{n}{long}"} for n in range(50)]
    record = statement(
        findings, obligations=owed, name=long, risk={"level": long, "reasons": [{"condition": long}] * 50}
    )
    made = render(record, "markdown", explain=True, recorded=RECORDED)
    assert len(made) <= 65_536
    assert [line for line in made.splitlines() if line.startswith("- and ")] == ["- and 49 more"]
    many = statement([finding(f"a/{n}") for n in range(2000)])
    table = render(many, "markdown", explain=True)
    assert len(table) <= 65_536
    rows = [line for line in table.splitlines() if line.startswith("| passed")]
    assert table.splitlines()[-3] == f"| | and {2000 - len(rows)} more | | |"
    assert len(rows) > 1000


ALLOWED = """\
### ALLOW: `payment-service 2.14.0` to `production`

Risk `medium` (`otherwise`).

Passed 2 of 2 statements, as of Mon 23 Nov 2026 10:00 +01:00.

- Unbound: evidence of `tests` names no artifact or commit
- Owed: deploy with `canary`
"""

DENIED = """\
### DENY: `payment-service 2.14.0` to `production`

Risk `medium` (`otherwise`).

- **fails** `coverage`: `line_rate >= 80%` (found `75.2%`) (`quality`, `payment.gate:46`)\\
  Remedy: Write tests for what you changed
- **fails** `require change.ticket matches "PAY-*"` (found `""`) (`tickets`, `payment.gate:80`)
- **fails** `approve by 2 owners`: nobody who may approve is left in owners (`approval`, `payment.gate:62`)
- **stopped** by a rejection of `dave` (only an approval by the same person lifts a rejection) (`approval`, `payment.gate:61`)
- **fails** `a rule says how approval happens`: no rule decides approval in production at risk medium (`promotion`)\\
  Remedy: add \\`approve automatically\\` to the rules
- **needs** promotion to `staging` first (this artifact was not allowed there) (`promotion`, `payment.gate:46`)
- **needs** a verified deployment to `staging` (it has not run there, verified) (`timing`, `payment.gate:46`)
- **needs** evidence of `sast` (it is stale) (`quality`, `payment.gate:46`)
- **needs** `change.files` to be stated (the change lists no files) (`quality`, `payment.gate:46`)
- **waits** until Mon 23 Nov 2026 10:00:30 +01:00: evidence of dast (it is from the future) (`quality`, `payment.gate:46`)

Passed 0 of 10 statements (5 failed, 5 waiting), as of Mon 23 Nov 2026 10:00 +01:00.

- Refused: rejection of `erin`: has expired; approval of `frank`: is the author
"""  # noqa: E501

PENDING = """\
### PENDING: `payment-service 2.14.0` to `production`

Risk `critical` (`breaking-api`).

- **needs** 1 approval from `on-call`, after `carol`'s (`production-approval`, `payment.gate:61`)
- **waits** until Tue 24 Nov 2026 09:00 +01:00: business-hours opens (`production-timing`, `payment.gate:70`)

Passed 2 of 4 statements (2 waiting), as of Mon 23 Nov 2026 10:00 +01:00.

- Refused: approval of `frank`: is the author
- Unbound: evidence of `sast` names no artifact or commit
- Next: Tue 24 Nov 2026 08:12 +01:00: evidence goes stale (`sast`)
- Record: `9f2c41d09f2c`, signed by `SHA256:Qm9i`

<details><summary>All findings</summary>

| status | statement | rule | what |
|---|---|---|---|
| waiting | `approve by tech-lead then pm then on-call` | `production-approval`, `payment.gate:61` | counted `alice` (Mon 23 Nov 2026 09:00 +01:00), `carol` (Mon 23 Nov 2026 09:30 +01:00)<br>refused approval of `frank`: is the author<br>because: SOX-17: nobody ships alone |
| waiting | `require during business-hours` | `production-timing`, `payment.gate:70` | `during business-hours` (found `closed`) |
| passed | `require sast` | `quality`, `payment.gate:46` | its evidence names no artifact or commit<br>note: seen |
| passed | `require tests` | `quality`, `payment.gate:46` | `tests > 0` (found `10`) |

</details>
"""  # noqa: E501


def test_an_overridden_promotion_says_so_in_its_heading() -> None:
    made = render(overridden(), "markdown", explain=True).splitlines()
    assert made[0] == "### ALLOW (overridden): `payment-service 2.14.0` to `production`"
    assert made[4:6] == [
        "- **override** `emergency`, approved by `erin`: outages cost more (`emergency`, `payment.gate:90`)",
        "- **review** owed by `tech-lead` before Tue 24 Nov 2026 10:00 +01:00",
    ]
    assert [row.split(" | ")[0] for row in made if row.startswith("| ")] == [
        "| status", "| failed", "| waiting", "| waived", "| advises",
    ]  # fmt: skip
