"""``gatecheck fmt``: write rules in their one canonical layout."""

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from gatecheck.cli.exits import Exit

_STDIN = "<stdin>"


@click.command(name="fmt")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option("--check", is_flag=True, help="Write nothing; name the files that would change.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
def command(paths: tuple[str, ...], check: bool, diff: bool) -> int:
    """Format rules: `.gate` files, folders of them, or `-` for standard input.

    Without PATH it formats the rules that gatecheck.yaml names. Only the layout changes, and comments are kept. A file
    that does not parse is left as it is, and the others are formatted.

    \b
    Exit codes:
      0 all is formatted now
      5 --check or --diff would change a file, or one does not parse
      2 a file can't be read or written

    \b
    Examples:
      gatecheck fmt rules
      gatecheck fmt --check
      gatecheck fmt - < old.gate
    """
    from gatecheck.text.diagnostic import InputError, ProblemError, render

    code = Exit.ALLOW
    changed = unchanged = 0
    for name, raw in list(_files(paths)):
        try:
            before, after = _formatted(name, raw)
        except ProblemError as error:
            click.echo(render(error.diagnostics, error.sources), err=True)
            code = Exit.USAGE if isinstance(error, InputError) else code or Exit.RULES
            continue
        if diff:
            click.echo(_diff(name, before, after), nl=False)
        elif name == _STDIN and not check:
            click.echo(after.encode(), nl=False)
            continue
        if raw == after.encode():
            unchanged += 1
            continue
        changed += 1
        if check or diff:
            code = code or Exit.RULES
        else:
            _write(name, after.encode())
        _say(f"{'would format' if check or diff else 'formatted'} {name}")
    if changed + unchanged:
        _say(f"{_count(changed)} {'to format' if check or diff else 'formatted'}, {unchanged:,} already so")
    return code


def _files(paths: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """Yield each file to format once, with its bytes."""
    from gatecheck.lang.pack import SCHEMA, read_folder

    seen: set[Path] = set()
    for named in paths or (_configured(),):
        if named == "-":
            yield _STDIN, sys.stdin.buffer.read()
            continue
        path = Path(named)
        for below, raw in read_folder(named).items():
            file = path / below if path.is_dir() else path
            if not below.endswith(SCHEMA) and file.resolve() not in seen:
                seen.add(file.resolve())
                yield str(file), raw


def _configured() -> str:
    from gatecheck.cli.documents import below, read_config
    from gatecheck.text.diagnostic import input_error

    config, base = read_config()
    rules = config.get("rules")
    if rules is None or (":" in rules and not rules.startswith(("./", "../", "/"))):
        message = "no PATH is given" if rules is None else f"the rules are those of a revision: `{rules}`"
        raise input_error("GC801", message, hint="name a file, a folder, or `-` for standard input")
    return below(base, rules)


def _formatted(name: str, raw: bytes) -> tuple[str, str]:
    """Return the text of a file as it is, and as it should be."""
    from gatecheck.lang.format import formatted
    from gatecheck.model.document import decode_text
    from gatecheck.text.source import Source

    text = decode_text(raw, name)
    return text, formatted(Source(name, text))


def _diff(name: str, before: str, after: str) -> bytes:
    from difflib import unified_diff

    shown = _visible(name)
    return "".join(unified_diff(_patch_lines(before), _patch_lines(after), shown, shown)).encode()


def _patch_lines(text: str) -> list[str]:
    *lines, last = text.split("\n")
    return [f"{line}\n" for line in lines] + ([f"{last}\n\\ No newline at end of file\n"] if last else [])


def _write(name: str, raw: bytes) -> None:
    """Put bytes in the place of a file's, whole or not at all; its mode stays, and a link to it stays a link."""
    from gatecheck.text.diagnostic import input_error

    path = Path(name).resolve()
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with path.open("r+b") as file:  # refused where the file may not be written
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        with beside.open("xb") as file:
            try:
                beside.chmod(mode)
                file.write(raw)
                file.flush()
                beside.replace(path)
            finally:
                beside.unlink(missing_ok=True)
    except OSError as error:
        raise input_error("GC871", f"can't be written: {(error.strerror or str(error)).lower()}", file=name) from None


def _say(line: str) -> None:
    click.echo(_visible(line), err=True)  # standard output is for rules and differences


def _visible(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _count(number: int) -> str:
    return f"{number:,} file{'' if number == 1 else 's'}"
