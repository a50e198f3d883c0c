"""From a pack's files to a program: out of the cache where these very bytes were compiled before, else compiled now.

The key names the bytes of the pack, the versions of gatecheck and Python, and the compiler's own files; what is kept
are the parts' code objects, each with its digest, so that a decision reads only the parts that it runs.
"""

import marshal
import os
import sys
from collections.abc import Mapping
from functools import lru_cache
from types import CodeType
from typing import Any

from gatecheck import cache
from gatecheck.assets import PACKAGE, ROOT
from gatecheck.engine.program import Program
from gatecheck.lang.pack import digests, pack_digest
from gatecheck.sha256 import sha256
from gatecheck.version import GATECHECK


def program_for(files: Mapping[str, bytes], where: str = "") -> Program:
    """Return the program of a pack given by its files; ``RulesError`` where it does not check.

    ``where`` is the folder's name, for messages.
    """
    named = digests(files)
    key = sha256(f"{pack_digest(named)} {GATECHECK} {sys.version} {_compiler()}".encode()).hexdigest()
    kept = cache.read(key)
    if kept is not None:
        meta, index = marshal.loads(kept.head)  # noqa: S302  # digested, and from a folder that only we can write
        return Program({**meta, "files": named}, _Kept(kept, index, files, where).load)
    meta, codes = _compile(files, where)
    _keep(key, meta, codes)
    return Program(meta, lambda environment, service: codes.get((environment, service)))


class _Kept:
    """The parts of a cached program; a section that is damaged is compiled again."""

    def __init__(self, kept: cache.Kept, index: dict[Any, Any], files: Mapping[str, bytes], where: str) -> None:
        self.kept = kept
        self.index = index
        self.files = files
        self.where = where

    def load(self, environment: str, service: str) -> CodeType | None:
        place = self.index.get((environment, service))
        if place is None:
            return None
        raw = self.kept.section(*place)
        if raw is None:
            return _compile(self.files, self.where)[1][environment, service]
        code: CodeType = marshal.loads(raw)  # noqa: S302  # as above
        return code


def _compile(files: Mapping[str, bytes], where: str) -> tuple[dict[str, Any], dict[tuple[str, str], CodeType]]:
    from gatecheck.engine.compile import compile_pack
    from gatecheck.lang.pack import load

    pack, _, _ = load(files, where)
    compiled = compile_pack(pack)
    return compiled.meta, {key: compile(source, "<rules>", "exec") for key, source in compiled.parts.items()}


def _keep(key: str, meta: dict[str, Any], codes: dict[tuple[str, str], CodeType]) -> None:
    rest = {name: value for name, value in meta.items() if name != "files"}  # who reads it has them
    index, body = {}, bytearray()
    for part, code in codes.items():
        raw = marshal.dumps(code)
        index[part] = (len(body), len(raw), sha256(raw).digest())
        body += raw
    cache.write(key, marshal.dumps((rest, index)), bytes(body))


@lru_cache(1)
def _compiler() -> str:
    """Name the compiler by the sizes and times of its files, so that a changed one never finds old code."""
    seen = []
    ours = [os.path.join(PACKAGE, name) for name in ("engine", "lang", "model", "text")]
    shipped = [os.path.join(ROOT, *names) for names in (("grammar",), ("schemas",), ("schemas", "evidence"))]
    for place in (*ours, *shipped):
        with os.scandir(place) as found:
            for entry in found:
                if entry.is_file():
                    stat = entry.stat()
                    seen.append(f"{entry.name} {stat.st_size} {stat.st_mtime_ns}")
    return "\n".join(sorted(seen))
