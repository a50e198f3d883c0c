"""Every format is made from the record alone, and none lets through what drives a terminal or a build server."""

import json
import re
from typing import Any

import pytest
from decision_records import RECORDED, allowed, denied, pending
from hypothesis import given
from hypothesis import strategies as st

from gatecheck.model.canonical import canonical
from gatecheck.report.decision import FORMS, render
from gatecheck.report.words import plain
from gatecheck.text.diagnostic import Diagnostic, InputError

_KEPT = {"action", "status", "kind", "verdict", "stance", "at", "until", "as_of", "_type", "predicateType", "id"}


def poisoned(part: Any, bad: str) -> Any:
    """Return a record with its free text replaced."""
    if isinstance(part, dict):
        return {key: value if key in _KEPT else poisoned(value, bad) for key, value in part.items()}
    if isinstance(part, list):
        return [poisoned(item, bad) for item in part]
    return bad if isinstance(part, str) else part


def test_json_is_the_record_itself() -> None:
    raw = render(pending(), "json", explain=True, colour=True, recorded=RECORDED)
    assert raw.encode() == canonical(pending()) + b"\n"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("explain", [False, True])
def test_a_stored_record_gives_the_same_text(form: str, explain: bool) -> None:
    for record in (allowed(), pending(), denied()):
        stored = json.loads(canonical(record))
        assert render(stored, form, explain=explain, recorded=RECORDED) == render(
            record, form, explain=explain, recorded=RECORDED
        )


def test_an_unknown_format_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InputError) as caught:
        render(allowed(), "markdwon")
    assert caught.value.diagnostics == (
        Diagnostic("GC801", "there is no format `markdwon`", hint="did you mean `markdown`?"),
    )


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("##vso[task.complete]", "# #vso[task.complete]"),
        ("a ####[x]", "a # # # #[x]"),
        ("::error::x", ": :error::x"),
        ("a ::::x", "a : : : :x"),
        ("a\n::error::x", "a : :error::x"),
        (" \t:::stop", ": : :stop"),
        ("std::vec tests/a.py::b", "std::vec tests/a.py::b"),
        ("a\x1b]0;b\x07\x9bm\u202e\ud800\xad", "a\ufffd]0;b\ufffd\ufffdm\ufffd\ufffd\ufffd"),
        ("a\r\n\u2028\xa0b", "a    b"),
        ("x" * 301, "x" * 297 + "..."),
        ("x" * 300, "x" * 300),
        ("日本語 é", "日本語 é"),
    ],
)
def test_text_by_others_is_made_plain(hostile: str, shown: str) -> None:
    assert plain(hostile) == shown


HOSTILE = st.text(st.sampled_from("a:#[]|` \n\r\t\x1b\x00\u2028\u202e<>@%,\\\x85é\ud800"), max_size=30)


@given(HOSTILE, st.sampled_from([allowed, pending, denied]), st.booleans())
def test_no_text_of_a_record_drives_a_terminal_or_a_build_server(bad: str, make: Any, explain: bool) -> None:
    record = poisoned(make(), bad)
    recorded = RECORDED._replace(ledger=bad, key=bad)
    for form in ("text", "markdown", "github"):
        made = render(record, form, explain=explain, recorded=recorded)
        assert all(c.isprintable() or c in "\n\u200b" for c in made)
        assert "##[" not in made
    text = render(record, "text", explain=explain, recorded=recorded).splitlines()
    assert not [line for line in text if line.strip().startswith("::")]
    plain = render(make(), "github").splitlines()
    made_commands = render(record, "github").splitlines()
    assert len(made_commands) <= len(plain)
    command = re.compile("::(error|warning|notice) (file=[^,:]*,line=[0-9]+,)?title=[^,:]*::")
    assert all(command.match(line) for line in made_commands)
