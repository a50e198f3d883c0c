"""The pack that the tests of the language server open, and where in a text a marked place is."""

from typing import Any

MAIN = """\
environment staging
environment production after staging

risk low < high {
  high when change.type in [database-migration, breaking-api]
  otherwise low
}

attribute ticket: string default ""

# Who answers for a service.
group tech-lead = alice, bob
group pm

window office = Mon-Fri 09:00-16:00 in Europe/Berlin

let breaking = change.type in [database-migration, breaking-api]
"""
GATES = """\
# Known holes.
gate sast from sarif "trivy" {
  pass when count(findings where severity >= high and not suppressed) == 0
  fresh for 24h
}

gate load from check {
  field p95: duration
  pass when status == passed and p95 <= 300ms
}
"""
RULES = """\
rule staging-approval for staging {
  approve automatically
}

rule production "Rigor follows risk" for production {
  require sast, load.p95 <= 200ms
  require change.ticket matches "PAY-*"
  when risk == low:  approve by tech-lead
  when risk == high: approve by tech-lead then pm escalate to pm after 2h excluding approvers of staging
  when breaking: require during office
}

waive sast, production for production until 2027-01-31 {
  owner alice
  because "SEC-1: false positives"
}

override emergency for production {
  approve by pm
  review by tech-lead within 24h
}

test critical {
  given change { type: breaking-api, author: "frank", ticket: "PAY-1" } to production
  given sast { findings: [{ severity: high, suppressed: false }] }
  given group pm = carol
  given approval by alice
  at 2026-11-24 10:00
  expect pending
  expect production/sast failed
  expect missing sast, pm
}
"""
FILES = {"main.gate": MAIN, "gates.gate": GATES, "rules.gate": RULES}


def place(text: str, marked: str) -> tuple[int, int]:
    """Return line and character, from 0, of the `|` in a piece of text that stands once without it."""
    before, _, after = marked.partition("|")
    assert text.count(before + after) == 1, marked
    start = text.index(before + after) + len(before)
    return text.count("\n", 0, start), start - (text.rfind("\n", 0, start) + 1)


def span(text: str, marked: str) -> dict[str, Any]:
    """Return the range of what stands between the two `|` of a piece of text that stands once without them."""
    before, inner, after = marked.split("|")
    line, character = place(text, f"{before}|{inner}{after}")
    return {
        "start": {"line": line, "character": character},
        "end": {"line": line, "character": character + len(inner)},
    }


def taken(text: str, span: dict[str, Any]) -> str:
    """Return the text of a range within one line."""
    assert span["start"]["line"] == span["end"]["line"]
    line: str = text.split("\n")[span["start"]["line"]]
    return line[span["start"]["character"] : span["end"]["character"]]
