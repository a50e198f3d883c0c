"""Reading a pack from a folder: what may hold rules is read or refused, never passed over."""

import os
from pathlib import Path

import pytest

from gatecheck.lang.pack import read_folder
from gatecheck.text.diagnostic import Diagnostic, InputError

RULE = b"environment dev\n"


def refusal(folder: Path) -> Diagnostic:
    with pytest.raises(InputError) as raised:
        read_folder(folder)
    (only,) = raised.value.diagnostics
    return only


def test_every_rule_file_below_is_read_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.gate").write_bytes(RULE)
    (tmp_path / "a.gate").write_bytes(b"")
    (tmp_path / "notes.md").write_text("not rules")
    assert read_folder(tmp_path) == {"a.gate": b"", "b/x.gate": RULE}


def test_schemas_are_read_with_the_rules_and_not_without(tmp_path: Path) -> None:
    (tmp_path / "slo.schema.json").write_bytes(b"{}")
    (tmp_path / "other.json").write_bytes(b"{}")
    assert refusal(tmp_path) == Diagnostic("GC501", "there is no `.gate` file in this folder", file=str(tmp_path))
    (tmp_path / "a.gate").write_bytes(RULE)
    assert read_folder(tmp_path) == {"a.gate": RULE, "slo.schema.json": b"{}"}
    assert read_folder(tmp_path / "a.gate") == {"a.gate": RULE}


def test_a_link_or_capitals_in_the_place_of_a_schema_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.gate").write_bytes(RULE)
    (tmp_path / "s.schema.json").symlink_to("a.gate")
    assert refusal(tmp_path).message == "is a link, and a pack holds its own rules"
    (tmp_path / "s.schema.json").unlink()
    (tmp_path / "s.Schema.JSON").write_bytes(b"{}")
    assert refusal(tmp_path).message == "is no ordinary `.schema.json` file, and rules must not be passed over"


@pytest.mark.parametrize("target", ["/nonexistent", "other.txt"])
def test_a_link_in_the_place_of_rules_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "a.gate").write_bytes(RULE)
    (tmp_path / "other.txt").write_bytes(RULE)
    (tmp_path / "s.gate").symlink_to(target)
    assert refusal(tmp_path) == Diagnostic(
        "GC509", "is a link, and a pack holds its own rules", file=str(tmp_path / "s.gate"), hint="put a copy there"
    )


def test_a_link_to_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "a.gate").write_bytes(RULE)
    (tmp_path / "shared").mkdir()
    (tmp_path / "pack" / "more").symlink_to(tmp_path / "shared")
    assert refusal(tmp_path / "pack").message == "is a link, and a pack holds its own rules"


def test_rules_in_capitals_and_pipes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.gate").write_bytes(RULE)
    (tmp_path / "S.GATE").write_bytes(RULE)
    expected = "is no ordinary `.gate` file, and rules must not be passed over"
    assert refusal(tmp_path).message == expected
    (tmp_path / "S.GATE").unlink()
    os.mkfifo(tmp_path / "s.gate")
    assert refusal(tmp_path).message == expected


def test_a_name_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.gate").write_bytes(RULE)
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/x\xff.gate"))).write_bytes(RULE)
    assert refusal(tmp_path).message == "the name of a rule file is not plain text"
