"""Documents that somebody else wrote: bounded, exact, never guessed at, and refused in whole sentences."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecheck.model import document
from gatecheck.model.document import MAX_DEPTH, parse_document, read_bytes
from gatecheck.text.diagnostic import InputError, render

ROOT = Path(document.__file__).parents[2]


def refusal(raw: bytes | str, name: str = "x.yaml") -> str:
    """Return the message that a document is refused with, without the excerpt."""
    with pytest.raises(InputError) as caught:
        parse_document(raw.encode() if isinstance(raw, str) else raw, name)
    return render(caught.value.diagnostics, {})


def test_yaml_scalars_are_what_the_core_schema_says_and_nothing_is_guessed() -> None:
    text = """
norway: no
switch: on
clock: 1:30
octal: 010
octal2: 0o17
hex: 0x1F
day: 2026-11-23
instant: 2026-11-23T09:00:00Z
version: 1.10
thousand: 1_000
exponent: 1e3
short: .5
number: 12
plus: +7
minus: -3
zero: 0
nothing: ~
empty:
quoted: '12'
truth: true
shout: TRUE
lie: False
text: |
  two
  lines
"""
    assert parse_document(text.encode(), "x.yaml") == {
        "norway": "no",
        "switch": "on",
        "clock": "1:30",
        "octal": "010",
        "octal2": "0o17",
        "hex": "0x1F",
        "day": "2026-11-23",
        "instant": "2026-11-23T09:00:00Z",
        "version": Decimal("1.10"),
        "thousand": "1_000",
        "exponent": "1e3",
        "short": ".5",
        "number": 12,
        "plus": 7,
        "minus": -3,
        "zero": 0,
        "nothing": None,
        "empty": None,
        "quoted": "12",
        "truth": True,
        "shout": True,
        "lie": False,
        "text": "two\nlines\n",
    }


def test_a_fraction_keeps_its_digits() -> None:
    assert str(parse_document(b'{"a": 0.10000000000000000000001}', "x.json")["a"]) == "0.10000000000000000000001"
    assert str(parse_document(b"a: 1.50", "x.yaml")["a"]) == "1.50"


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=6), below, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(PLAIN, st.sampled_from([None, False, True]))
def test_what_a_yaml_writer_writes_is_read_back(data: Any, flow: bool | None) -> None:
    if any(word in repr(data) for word in ("'<<'", "\\x", "\\u", "\\r")):
        return  # merge keys are refused; some control characters YAML can't hold
    text = yaml.safe_dump(data, default_flow_style=flow, allow_unicode=True)
    assert parse_document(text.encode(), "x.yaml") == data


def test_aliases_repeat_their_anchor() -> None:
    assert parse_document(b"a: &x [1, {b: 2}]\nc: *x\nd: [*x, &y 5, *y]", "x.yaml") == {
        "a": [1, {"b": 2}],
        "c": [1, {"b": 2}],
        "d": [[1, {"b": 2}], 5, 5],
    }


def test_long_indented_text_and_comments_are_legal() -> None:
    text = "a: |\n" + "".join(" " * 400 + f"line {i}\n" for i in range(50)) + " " * 900 + "# a comment far out\nb: >\n"
    text += "    - - - - - - - - - - not a list\n" + "    [[[[[[[ {{{{ not brackets either\n" * 200
    text += "c: '" + "[" * 500 + "'\nd: [1] # " + "[{" * 500 + "\n"
    data = parse_document(text.encode(), "x.yaml")
    assert data["a"].count("line") == 50
    assert data["c"] == "[" * 500
    assert data["d"] == [1]


@pytest.mark.parametrize("ending", ["x.json", "x.yaml"])
def test_depth_up_to_the_limit_is_read(ending: str) -> None:
    raw = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert parse_document(raw, ending) is not None
    assert refusal(b"[" + raw + b"]", ending) == f"error[GC507]: is nested deeper than 100 levels\n  --> {ending}"


def test_an_alias_counts_as_deep_as_what_it_repeats() -> None:
    deep = "[" * 60 + "]" * 60
    assert parse_document(f"a: &x {deep}\nb: *x".encode(), "x.yaml")
    nested = "[" * 50 + "*x" + "]" * 50
    assert refusal(f"a: &x {deep}\nb: {nested}") == "error[GC507]: is nested deeper than 100 levels\n  --> x.yaml"


STYLES = {
    "flow lists": "[" * 100_000,
    "flow mappings": "{a: " * 100_000,
    "json objects": '{"a":' * 100_000,
    "json lists, closed": "[" * 100_000 + "]" * 100_000,
    "dashes": "- " * 100_000,
    "keys asked for": "? " * 100_000,
    "dashes and keys": "- ? " * 100_000,
    "pairs in flow lists": "[a: " * 100_000,
    "anchors": "- &a " * 100_000,
    "tags": "- !!seq " * 100_000,
    "indents": "".join(" " * i + "a:\n" for i in range(3_000)),
    "indented dashes": "".join(" " * i + "-\n" for i in range(3_000)),
    "ten thousand lists": "[" * 10_000,
    "ten thousand dashes": "- " * 10_000,
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("ending", [".json", ".yaml"])
def test_endless_nesting_is_refused_without_harm(style: str, ending: str, tmp_path: Path) -> None:
    file = tmp_path / f"deep{ending}"
    file.write_text(STYLES[style], encoding="utf-8")
    script = (
        "import sys, pathlib\n"
        "from gatecheck.model.document import parse_document, read_bytes\n"
        "from gatecheck.text.diagnostic import InputError\n"
        "file = pathlib.Path(sys.argv[1])\n"
        "try:\n    parse_document(read_bytes(file), file.name)\n"
        "except InputError as error:\n    print(error.diagnostics[0].code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(file)],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() in ("GC504", "GC507")


def test_a_pure_python_reader_of_yaml_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"a: &x [1, {b: 'no'}]\nc: *x\nd: 1.50\n"
    with_c = parse_document(text, "x.yaml")
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert parse_document(text, "x.yaml") == with_c
    assert refusal("[" * 10_000) == "error[GC507]: is nested deeper than 100 levels\n  --> x.yaml"


def test_duplicate_keys_are_refused_at_their_place() -> None:
    with pytest.raises(InputError) as caught:
        parse_document(b"id: a\nservice: b\nid: c\n", "change.yaml")
    assert render(caught.value.diagnostics, caught.value.sources) == (
        "error[GC505]: the key `id` stands twice in one mapping\n"
        "  --> change.yaml:3:1\n"
        "  |\n"
        "3 | id: c\n"
        "  | ^^\n"
        "   = hint: keep one"
    )
    assert refusal('{"a": {"b": 1, "b": 2}}', "x.json") == (
        "error[GC505]: the key `b` stands twice in one object\n  --> x.json\n   = hint: keep one"
    )


def test_aliases_that_multiply_are_refused_before_they_do() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30)]
    assert refusal("\n".join(lines)) == (
        "error[GC508]: holds more than 500,000 values, aliases counted\n"
        "  --> x.yaml\n"
        "   = hint: split the document, or write aliases out"
    )


def test_what_yaml_can_do_beyond_data_is_refused() -> None:
    assert refusal("a: &x\n  b: *x") == ("error[GC508]: the alias `*x` stands inside what it repeats\n  --> x.yaml:2:6")
    assert refusal("base: &b {x: 1}\nmade:\n  <<: *b\n") == (
        "error[GC504]: merge keys (`<<`) are not read\n  --> x.yaml:3:3\n   = hint: write the values out"
    )
    assert refusal("a: !!python/object:os.system x") == (
        "error[GC504]: tags such as `tag:yaml.org,2002:python/object:os.system` are not read\n"
        "  --> x.yaml:1:4\n"
        "   = hint: drop the tag; quote the value if it is text"
    )
    assert refusal("? [a]\n: b") == "error[GC504]: a key must be a plain word\n  --> x.yaml:1:3"
    assert refusal("a: &k x\n*k : b") == "error[GC504]: a key must be a plain word\n  --> x.yaml:2:1"
    assert refusal("a: *none") == "error[GC504]: the alias `*none` names no anchor before it\n  --> x.yaml:1:4"
    assert refusal("a: 1\n---\nb: 2\n") == (
        "error[GC504]: holds more than one YAML document; one is expected\n  --> x.yaml:2:1"
    )
    assert refusal("a: [1\n") == "error[GC504]: is not YAML: did not find expected ',' or ']'\n  --> x.yaml:2:1"
    assert refusal("a: \x07") == (
        "error[GC504]: is not YAML: unacceptable character #x0007: control characters are not allowed\n  --> x.yaml"
    )


def test_numbers_that_are_none_are_refused() -> None:
    assert refusal('{"a": NaN}', "x.json") == "error[GC506]: holds `NaN`, which is not a JSON number\n  --> x.json"
    assert refusal('{"a": -Infinity}', "x.json") == (
        "error[GC506]: holds `-Infinity`, which is not a JSON number\n  --> x.json"
    )
    assert refusal("a: .nan") == "error[GC506]: `.nan` is not a number that can be compared\n  --> x.yaml:1:4"
    assert refusal("a: -.INF") == "error[GC506]: `-.INF` is not a number that can be compared\n  --> x.yaml:1:4"


def test_numbers_beyond_reading_are_refused() -> None:
    assert refusal('{"a": 1e1000000000}', "x.json") == (
        "error[GC506]: holds a number that is beyond reading: `1e1000000000`\n  --> x.json"
    )
    assert refusal('{"a": ' + "1" * 5000 + "}", "x.json") == (
        "error[GC506]: holds a number that is beyond reading\n  --> x.json"
    )
    assert parse_document(b'{"a": 1.7976931348623157e+308, "b": 5e-324, "c": 0e9999}', "x.json")["a"] > 10**300


def test_json_errors_name_their_place() -> None:
    with pytest.raises(InputError) as caught:
        parse_document(b'{"a": 1,\n "b": }', "x.json")
    assert render(caught.value.diagnostics, caught.value.sources) == (
        'error[GC504]: is not JSON: expecting value\n  --> x.json:2:7\n  |\n2 |  "b": }\n  |       ^'
    )


def test_flow_style_yaml_is_read_where_the_file_says_yaml() -> None:
    assert parse_document(b"{a: 1, b: [no]}", "x.yaml") == {"a": 1, "b": ["no"]}
    assert refusal("{a: 1}", "x.json") == (
        "error[GC504]: is not JSON: expecting property name enclosed in double quotes\n  --> x.json:1:2"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_utf_8_and_marked_utf_16_are_read(encoding: str) -> None:
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    assert parse_document(mark + "a: Zoë\n".encode(encoding), "x.yaml") == {"a": "Zoë"}


def test_other_encodings_are_refused() -> None:
    mend = "\n   = hint: save the file as UTF-8"
    assert refusal("a: Zoë".encode("latin-1")) == "error[GC503]: is not text in UTF-8 (byte 5)\n  --> x.yaml" + mend
    nul = "error[GC503]: holds a NUL character; it is not text\n  --> x.yaml" + mend
    assert refusal("a: b".encode("utf-16-le")) == nul
    assert refusal("a: b".encode("utf-32")) == nul
    assert refusal(b"\xff\xfea") == (
        "error[GC503]: is not text in UTF-16, which its first bytes promise (byte 2)\n  --> x.yaml" + mend
    )


def test_half_a_surrogate_pair_is_refused() -> None:
    assert refusal('{"a": ["\\ud800"]}', "x.json") == (
        "error[GC503]: holds half a surrogate pair in `\\ud800`\n  --> x.json"
    )
    assert refusal('{"\\uDFFF": 1}', "x.json") == (
        "error[GC503]: holds half a surrogate pair in `\\udfff`\n  --> x.json"
    )
    assert parse_document(b'{"a": "\\ud83d\\ude00"}', "x.json") == {"a": "\U0001f600"}


def test_a_missing_file_a_folder_and_a_name_that_is_none(tmp_path: Path) -> None:
    def why(path: Path) -> str:
        with pytest.raises(InputError) as caught:
            read_bytes(path)
        return render(caught.value.diagnostics, {})

    missing = tmp_path / "change.json"
    assert why(missing) == f"error[GC501]: there is no such file\n  --> {missing}"
    assert why(tmp_path) == f"error[GC501]: this is a directory, not a file\n  --> {tmp_path}"
    assert why(Path("a\0b")) == "error[GC501]: is not a file name\n  --> 'a\\x00b'"
    assert why(missing / "below").startswith("error[GC501]: there is no such file")
    file = tmp_path / "file"
    file.touch()
    assert why(file / "below") == f"error[GC501]: can't be read: not a directory\n  --> {file / 'below'}"


def test_a_huge_file_is_refused_without_being_read(tmp_path: Path) -> None:
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate(2**40)  # a terabyte of holes: reading it would not end
    with pytest.raises(InputError) as caught:
        read_bytes(huge)
    assert render(caught.value.diagnostics, {}) == (
        f"error[GC502]: is larger than 8 MiB, the most that is read\n  --> {huge}"
    )


def test_a_stream_without_a_size_is_bounded() -> None:
    with pytest.raises(InputError) as caught:
        read_bytes(Path("/dev/zero"), limit=1000)
    assert render(caught.value.diagnostics, {}) == (
        "error[GC502]: is larger than 1,000 bytes, the most that is read\n  --> /dev/zero"
    )


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=60) | st.text(alphabet="[]{}:,-?&*!|>'\"#%@` \n\tab01.~<", max_size=60).map(str.encode))
def test_no_bytes_do_worse_than_be_refused(raw: bytes) -> None:
    for name in ("x.json", "x.yaml"):
        try:
            parse_document(raw, name)
        except InputError as error:
            assert render(error.diagnostics, error.sources)
