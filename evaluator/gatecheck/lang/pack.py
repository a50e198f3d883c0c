"""A rule pack as files: read from a folder, digested, parsed and checked.

Its files are the rules (`.gate`) and the schemas of its own kinds of evidence (`.schema.json`). A pack is digested as
the list of its files' digests, so that it is named by its bytes alone, wherever it lies.
"""

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from gatecheck.model.canonical import canonical, digest
from gatecheck.sha256 import sha256_of
from gatecheck.text.diagnostic import Diagnostic, RulesError, input_error
from gatecheck.text.source import Source

if TYPE_CHECKING:
    from pathlib import Path

    from gatecheck.lang import ast
    from gatecheck.lang.core import Pack
    from gatecheck.lang.draft import KeptRules

SUFFIX, SCHEMA = ".gate", ".schema.json"
_SUFFIXES = (SUFFIX, SCHEMA)
_STEP = 65_536
_BINARY = getattr(os, "O_BINARY", 0)  # where there is a difference
_MAX_FILES = 20_000
_MAX_BYTES = 64 * 1024 * 1024


def read_folder(path: "Path | str") -> dict[str, bytes]:
    """Return a pack's files by their path below its folder; a single `.gate` file is a pack of one, without schemas."""
    try:
        kind = stat.S_IFMT(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last for a NUL in the name
        kind = 0
    if kind == stat.S_IFREG:
        return {os.path.basename(path): _read(path)}
    if kind != stat.S_IFDIR:
        raise input_error("GC501", "there is no such rule pack", file=str(path), hint="name a folder of `.gate` files")
    files: dict[str, bytes] = {}
    total = 0
    for name, place in sorted(_found(path)):
        files[name] = _read(place)
        total += len(files[name])
        if len(files) > _MAX_FILES or total > _MAX_BYTES:
            most = f"{_MAX_FILES:,} files or {_MAX_BYTES // (1024 * 1024)} MiB"
            raise input_error("GC502", f"the pack holds more than {most}", file=str(path))
    if not any(name.endswith(SUFFIX) for name in files):
        raise input_error("GC501", "there is no `.gate` file in this folder", file=str(path))
    return files


def _found(folder: "Path | str", above: str = "") -> Iterator[tuple[str, str]]:
    """Yield the name and path of each file of a pack in a folder and below.

    What may hold rules and can't be read as they were written is refused, never passed over: a rule less may allow.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _found(entry.path, f"{above}{entry.name}/")
            elif entry.name.endswith(_SUFFIXES) and entry.is_file(follow_symlinks=False):
                if not entry.name.isprintable():
                    raise input_error("GC509", "the name of a rule file is not plain text", file=ascii(entry.path))
                yield above + entry.name, entry.path
            elif entry.is_symlink() and (entry.name.lower().endswith(_SUFFIXES) or entry.is_dir()):
                message = "is a link, and a pack holds its own rules"
                raise input_error("GC509", message, file=entry.path, hint="put a copy there")
            elif entry.name.lower().endswith(_SUFFIXES):
                suffix = SUFFIX if entry.name.lower().endswith(SUFFIX) else SCHEMA
                message = f"is no ordinary `{suffix}` file, and rules must not be passed over"
                raise input_error("GC509", message, file=entry.path, hint="name it in lower case, or move it away")


def _read(path: "Path | str") -> bytes:
    """Return a file's bytes; for a thousand files this is a good deal faster than ``open``."""
    descriptor = os.open(path, os.O_RDONLY | _BINARY)
    try:
        raw, more = os.read(descriptor, _STEP), os.read(descriptor, _STEP)
        if not more:
            return raw
        read = [raw]
        while more:
            read.append(more)
            more = os.read(descriptor, _STEP)
        return b"".join(read)
    finally:
        os.close(descriptor)


def digests(files: Mapping[str, bytes]) -> tuple[tuple[str, str], ...]:
    """Return each file's path and digest, in the order of the paths."""
    hashed = sha256_of(sum(map(len, files.values())))
    return tuple((path, "sha256:" + hashed(files[path]).hexdigest()) for path in sorted(files))


def pack_digest(named: tuple[tuple[str, str], ...]) -> str:
    """Return the digest that names a pack: of the canonical list of its files' paths and digests."""
    return digest(canonical([{"digest": each, "path": path} for path, each in named]))


def load(files: Mapping[str, bytes], where: str = "") -> tuple["Pack", tuple[Diagnostic, ...], dict[str, Source]]:
    """Return the checked pack, warnings, and sources; ``RulesError`` with every problem where it has errors.

    ``where`` is put before the file names in messages, so that an editor finds them.
    """
    pack, found, sources = examine(files, where)
    if pack is None:
        raise RulesError(*found, sources=sources)
    return pack, found, sources


def examine(
    files: Mapping[str, bytes], where: str = "",
    parse: "Callable[[Source], tuple[ast.File, list[Diagnostic]]] | None" = None, kept: "KeptRules | None" = None,
) -> tuple["Pack | None", tuple[Diagnostic, ...], dict[str, Source]]:  # fmt: skip
    """Return the checked pack or ``None``, every diagnostic, and the sources that they point into.

    ``parse`` does what ``parser.parse`` does, and may know from before what a file says; so does ``kept`` of rules.
    """
    from gatecheck.lang import parser
    from gatecheck.lang.check import check, in_order
    from gatecheck.model.document import decode_text

    parse = parse or parser.parse
    schemas = {path: raw for path, raw in files.items() if path.endswith(SCHEMA)}
    rules = sorted(path for path in files if path not in schemas)
    sources = {path: Source(path, decode_text(files[path], where + path)) for path in rules}
    parsed = [parse(source) for source in sources.values()]
    problems = tuple(p for _, found in parsed for p in found)
    named = digests(files)
    checked = check([file for file, _ in parsed], pack_digest(named), named, schemas, kept)
    if problems:
        return None, in_order({*problems, *checked.diagnostics}), sources
    return checked.pack, checked.diagnostics, sources
