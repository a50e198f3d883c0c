"""The page of a code, as text."""

import re

import pytest
from cli_world import Done, World

from gatecheck.report.pages import pages

GC202 = """\
GC202: a value of the wrong type

  Why   Types never convert into each other: `80`, `0.8` and `80%` are three different
        things.

  Mend  Write the value as the hint says.

  Wrong

      gate coverage from coverage {
        pass when line_rate >= 80
      }

  Right

      gate coverage from coverage {
        pass when line_rate >= 80%
      }
"""


def test_a_page_is_text(world: World) -> None:
    assert world.run("explain-code", "GC202") == Done(0, GC202, "")
    assert world.run("explain-code", "gc202") == Done(0, GC202, "")


def test_without_a_code_all_are_listed(world: World) -> None:
    code, out, err = world.run("explain-code")
    assert (code, err) == (0, "")
    assert out.startswith("GC101  text that can't stand where it does\n")
    assert out.count("\n") == len(pages()) > 100
    assert all(re.fullmatch(r"GC\d{3}  \S.{0,78}\S", line) for line in out.splitlines())


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("GC299", "did you mean `GC301`?"),
        ("gc300", "did you mean `GC301`?"),
        ("202", "did you mean `GC202`?"),
        ("GC9999", "did you mean `GC871`?"),
        ("E501", "`gatecheck explain-code` lists them"),
        ("GC\u0662", "`gatecheck explain-code` lists them"),
        ("GC" + "9" * 5000, "`gatecheck explain-code` lists them"),
        ("", "`gatecheck explain-code` lists them"),
    ],
)
def test_an_unknown_code_gets_the_nearest(code: str, hint: str, world: World) -> None:
    assert world.run("explain-code", code) == Done(
        2, "", f"error[GC801]: there is no code `{code}`\n   = hint: {hint}\n"
    )


def test_every_page_is_text_without_markdown(world: World) -> None:
    for code in pages():
        done = world.run("explain-code", code)
        assert done.code == 0
        assert done.out.startswith(f"{code}: ")
        assert not re.search(r"\*\*[A-Z]|```|\]\(|^#", done.out, re.MULTILINE)
        prose = re.split(r"^  (?:Wrong|Right|Example)$", done.out, flags=re.MULTILINE)[0]
        assert [line for line in prose.splitlines() if len(line) > 88] == []
