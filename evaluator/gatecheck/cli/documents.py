"""Read the documents that an evaluation is given, and keep what YAML took long to read.

YAML costs 12 ms to import; a document that was read whole once is kept as JSON under the digest of its bytes.
"""

import json
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from gatecheck import cache
from gatecheck.model.document import parse_document, read_bytes
from gatecheck.model.schema import Part, load, read
from gatecheck.sha256 import sha256
from gatecheck.text.diagnostic import input_error
from gatecheck.version import GATECHECK

if TYPE_CHECKING:
    from pathlib import Path

    from gatecheck.evidence.signed import Asked
    from gatecheck.model.request import Evidence

LEDGER = ".gatecheck/ledger"


def below(folder: str, path: str) -> str:
    """Return a path that is relative to a folder, as pathlib writes it; its import is too dear for every decision."""
    whole = os.path.join(folder, path)
    parts = [part for part in whole.split("/") if part not in ("", ".")]
    return ("/" if whole.startswith("/") else "") + "/".join(parts) or "."


def read_part(path: str, part: Part, name: str) -> tuple[Any, str]:
    """Return a document as the typed part of a request that it must be, and its digest."""
    raw = read_bytes(path)
    digest = sha256(raw).hexdigest()
    return _typed(raw, digest, name, part), f"sha256:{digest}"


def _typed(raw: bytes, digest: str, name: str, part: Part) -> Any:
    if raw.lstrip()[:1] in (b"{", b"["):
        return load(raw, name, part)
    key = sha256(f"{digest} document {GATECHECK}".encode()).hexdigest()
    kept = cache.read(key)
    if kept is not None:
        try:
            return read(json.loads(kept.head), part)
        except ValueError:
            return load(raw, name, part)  # refuses it again, in words
    typed = load(raw, name, part)
    try:
        plain = json.dumps(parse_document(raw, name)).encode()
    except TypeError:
        return typed  # an exact decimal has no place in plain JSON
    cache.write(key, plain, b"")
    return typed


def read_evidence(
    given: tuple[str, ...], base: str, kinds: Mapping[str, tuple[str, str]], asked: "Asked | None"
) -> "dict[str, Evidence]":
    """Return evidence by gate: from `GATE=FILE`, from a file named after its gate, or from a folder of such files.

    What stands before a first `=` is a gate, even where such a path exists: else a change could bring that path. A path
    with `=` has a slash before it, as in `./a=b`. A folder's `FILE.sig` is the signature of what lies beside it.
    ``kinds`` gives a kind of the pack's own and its schema, by the gates that read one; ``asked`` what is asked of
    signatures.
    """
    found: dict[str, tuple[str, str]] = {}
    for item in given:
        gate, equals, rest = item.partition("=")
        named = bool(equals) and "/" not in gate
        path = below(base, rest if named else item)
        if os.path.isdir(path):
            if named:
                raise input_error("GC811", "a gate takes one file, and this is a folder", file=rest)
            with os.scandir(path) as entries:
                files = sorted(e.name for e in entries if e.is_file() and e.name[0] != "." and e.name[-4:] != ".sig")
            for file in files:
                _add(found, _stem(file), below(path, file), below(item, file))
        else:
            _add(found, gate if named else _stem(path), path, rest if named else item)
    return {gate: _read_one(path, name, gate, kinds, asked) for gate, (path, name) in sorted(found.items())}


def _read_one(
    path: str, name: str, gate: str, kinds: Mapping[str, tuple[str, str]], asked: "Asked | None"
) -> "Evidence":
    from gatecheck.evidence import read

    raw = read_bytes(path, read.MAX_BYTES)
    evidence = read.read_own_evidence(raw, name, *kinds[gate]) if gate in kinds else read.read_evidence(raw, name)
    if asked is None or gate not in asked.signers:
        return evidence
    from gatecheck.evidence.signed import signed

    return signed(evidence, raw, path, asked.signers[gate], asked)


def _stem(path: str) -> str:
    return os.path.basename(path).partition(".")[0]


def _add(found: dict[str, tuple[str, str]], gate: str, path: str, name: str) -> None:
    if gate in found:
        message = f"the gate `{gate}` has two pieces of evidence: `{found[gate][1]}` and `{name}`"
        raise input_error("GC812", message, hint="give one; merge reports with the tool that wrote them")
    try:
        name.encode()
    except UnicodeEncodeError:  # it would stand in the record, which is UTF-8
        raise input_error("GC813", "the file's name is not UTF-8", file=name, hint="rename the file") from None
    found[gate] = (path, name)


def read_config() -> tuple[Mapping[str, Any], str]:
    """Return what ``gatecheck.yaml`` says, by the long names of the options, and the folder it lies in.

    It is looked for in the working folder, named by an empty text, and above, up to the root of the repository; outside
    of one in the working folder only, since a folder above may be anybody's.
    """
    folders = ["", *_above(os.path.realpath(""))]
    roots = [at for at, folder in enumerate(folders) if os.path.exists(os.path.join(folder, ".git"))]
    for folder in folders[: roots[0] + 1] if roots else [""]:
        path = os.path.join(folder, "gatecheck.yaml")
        if os.path.isfile(path):
            config, _ = read_part(path, "config", path)
            said = {name: getattr(config, name) for name in config.__struct_fields__}
            if any(
                "\0" in text for value in said.values() for text in (value if isinstance(value, list) else [str(value)])
            ):
                raise input_error("GC814", "holds a NUL, which no path can", file=path)
            return {name: value for name, value in said.items() if value not in (None, [], False)}, folder
    return {}, ""


def _above(folder: str) -> Iterator[str]:
    while (parent := os.path.dirname(folder)) != folder:
        yield parent
        folder = parent


def ledger_path() -> "Path":
    """Return where the ledger is, unless an option names it: as configured, else below the configuration's folder."""
    from pathlib import Path

    config, base = read_config()
    return Path(base, config.get("ledger", LEDGER))


def require(value: Any, option: str, hint: str) -> Any:
    """Return an option's value; ``InputError`` where neither the command line nor the configuration gives it."""
    if value in (None, (), ""):
        raise input_error("GC801", f"`--{option}` is missing", hint=f"{hint}, or set `{option}` in gatecheck.yaml")
    return value
