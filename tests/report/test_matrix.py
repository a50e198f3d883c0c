"""The matrix and the document of a pack, as data and as people read them."""

import json

import pytest
from jsonschema import Draft202012Validator

from gatecheck.assets import shipped
from gatecheck.lang import core
from gatecheck.lang.pack import load
from gatecheck.report import blocks
from gatecheck.report.book import blocks as book
from gatecheck.report.matrix import cells, data
from gatecheck.report.matrix_page import blocks as page

PACK = b"""
environment dev
environment production after dev

risk low < medium < high {
  high when change.type == breaking-api
  otherwise medium
}

let breaking = change.type == breaking-api

group lead = alice, bob
group pm

window office = Mon-Fri 09:00-16:00 in Europe/Berlin

gate tests from junit {
  pass when tests > 0 and failures == 0 and errors == 0
}

rule free for dev {
  approve automatically
}
rule quality for dev, production {
  require tests
}
rule people "Rigor" for production {
  when risk == medium: approve by lead or pm
  when risk > low and breaking: approve by lead then pm
  because "nobody ships alone"
}
rule timing for production {
  when risk >= medium and (breaking or change.type == feature): require during office
  require soak(dev) >= 24h
  when not (risk < high or breaking): forbid during office
  when risk == high: notify "slack:#releases"
}
rule later for production {
  effective from 2027-01-01
  require change.title matches "*"
}
waive tests for production until 2027-02-01 {
  when change.service == "billing"
  owner security
  because "the runner is broken"
}
override emergency for production {
  when "incident" in change.labels
  approve by lead
  review by pm within 24h
}
"""


def checked(text: bytes = PACK) -> core.Pack:
    pack, _, _ = load({"pack.gate": text})
    return pack


def test_a_cell_holds_what_is_asked_at_its_risk() -> None:
    found = {(c.environment, c.risk): c for c in cells(checked())}
    assert [(a.aspect, a.text, a.when, a.rule, a.line) for a in found["production", "high"].asks] == [
        ("promotion", "after dev", "", "", 0),
        ("gates", "tests", "", "quality", 25),
        ("requirements", 'change.title matches "*"', "", "later", 40),
        ("soak", "soak(dev) >= 24h", "", "timing", 34),
        ("windows", "during office", "breaking or change.type == feature", "timing", 33),
        ("windows", "forbid during office", "not breaking", "timing", 35),
        ("approvals", "by lead then pm", "breaking", "people", 29),
        ("obligations", 'notify "slack:#releases"', "", "timing", 36),
    ]
    assert [(c.environment, c.risk, c.decides) for c in found.values()] == [
        ("dev", "low", True), ("dev", "medium", True), ("dev", "high", True),
        ("production", "low", False), ("production", "medium", True), ("production", "high", True),
    ]  # fmt: skip


def test_a_guard_with_an_or_shrinks_as_others_do() -> None:
    rules = PACK + b"rule either for production { when risk == low or breaking: require during office }"
    asked = {
        c.risk: [(a.text, a.when) for a in c.asks if a.rule == "either"] for c in cells(checked(rules), ["production"])
    }
    assert asked == {
        "low": [("during office", "")],
        "medium": [("during office", "breaking")],
        "high": [("during office", "breaking")],
    }  # fmt: skip


def test_the_table_is_what_a_terminal_shows() -> None:
    shown = blocks.text(page(checked(), ["production"]))
    assert shown == TABLE


def test_the_document_names_every_rule_with_its_reason_and_lines() -> None:
    shown = blocks.markdown(book(checked(), "shop"))
    assert shown.startswith(BOOK)


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_text_of_rules_is_never_markup(form: str) -> None:
    hostile = PACK.replace(b"slack:#releases", b"<script>|`[x](http://example.com)@all").replace(
        b"the runner is broken", b"<b>bold</b> | @all"
    )
    shown = blocks.written(page(checked(hostile)), form, "<i>")
    assert "<script>" not in shown
    assert "<b>bold" not in shown
    assert "[x](http" not in shown or form == "html"
    assert "<i>" not in shown


def test_the_data_fits_its_schema() -> None:
    schema = json.loads(shipped("schemas", "matrix.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    made = data(checked())
    Draft202012Validator(schema).validate(made)
    assert made["waivers"][0]["until"] == "2027-02-01T00:00:00Z"
    assert made["overrides"][0]["reviewers"] == ["pm"]


TABLE = """\
What the rules ask of a change, by the environment that it enters and by its risk.

production
----------

              asked              low              medium            high                  said by
------------  -----------------  ---------------  ----------------  --------------------  --------------------
promotion     after dev          yes              yes               yes
gates         tests              yes              yes               yes                   quality pack.gate:25
requirements  change.title       from 2027-01-01  from 2027-01-01   from 2027-01-01       later pack.gate:40
              matches "*"
soak          soak(dev) >= 24h   yes              yes               yes                   timing pack.gate:34
windows       during office                       when breaking or  when breaking or      timing pack.gate:33
                                                  change.type ==    change.type ==
                                                  feature           feature
              forbid during                                         when not breaking     timing pack.gate:35
              office
approvals     who approves       nobody decides:  by lead or pm     by lead then pm,      people pack.gate:28,
                                 denied           by lead then pm,  when breaking         29
                                                  when breaking     denied where none of
                                                                    these applies
obligations   notify                                                yes                   timing pack.gate:36
              "slack:#releases"

Waivers
-------

- tests is waived for production when change.service == "billing" until 2027-02-01, owned by security: the runner is
  broken (pack.gate:42)

Overrides
---------

- emergency allows production when "incident" in change.labels with approval by lead, and owes a review by pm within 24h
  (pack.gate:47)
"""

BOOK = """\
# Rules: shop

1 file, 9 statements, `sha256:f1e0787dc16bab7c0d3fb4798677509801666361c95fdb2796802d6a75389e93`.

## Environments

| environment | after | rules |
| --- | --- | --- |
| `dev` | nothing: changes enter here first | free, quality |
| `production` | dev | later, people, quality, timing |

## Risk

| level | when |
| --- | --- |
| `high` | `change.type == breaking-api` (pack.gate:6) |
| `medium` | otherwise |
| `low` | only where the change states it |

The highest level whose condition holds. A change may state a higher one, never a lower one.

## Definitions

| name | stands for | said at |
| --- | --- | --- |
| `breaking` | `change.type == breaking-api` | pack.gate:10 |

## Groups

| group | members |
| --- | --- |
| `lead` | alice, bob |
| `pm` | the directory says who |

## Windows

| window | open | zone |
| --- | --- | --- |
| `office` | Mon, Tue, Wed, Thu, Fri 09:00-16:00 | Europe/Berlin |

## Gates

| gate | evidence | what is asked | said at |
| --- | --- | --- | --- |
| `tests` | junit | passes when `tests > 0 and failures == 0 and errors == 0` | pack.gate:17 |

## Rules

### free

For dev. No reason is given.

- `approve automatically` (pack.gate:22)

### quality

For dev, production. No reason is given.

- `require tests` (pack.gate:25)

### people: Rigor

For production. Reason: nobody ships alone

- `when risk == medium: approve by lead or pm` (pack.gate:28)
- `when risk > low and breaking: approve by lead then pm` (pack.gate:29)

### timing

For production. No reason is given.

- `when risk >= medium and (breaking or change.type == feature): require during office` (pack.gate:33)
- `require soak(dev) >= 24h` (pack.gate:34)
- `when not (risk < high or breaking): forbid during office` (pack.gate:35)
- `when risk == high: notify "slack:#releases"` (pack.gate:36)

### later

For production. No reason is given. It binds from 2027-01-01T00:00:00Z on, and advises before.

- `require change.title matches "*"` (pack.gate:40)

"""
