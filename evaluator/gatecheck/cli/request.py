"""Read what a command is asked about: options, from the command line or ``gatecheck.yaml``, and a request out of it."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, overload

import click

from gatecheck.cli.documents import LEDGER, below, read_evidence, read_part, require
from gatecheck.engine.program import Program
from gatecheck.gate import assemble, with_recorded, with_signers
from gatecheck.model.instant import parse_instant
from gatecheck.model.request import Directory, Request

if TYPE_CHECKING:
    from pathlib import Path

    from gatecheck.evidence.signed import Asked
    from gatecheck.ledger.ledger import Ledger
    from gatecheck.trust.key import SigningKey
    from gatecheck.trust.signers import AllowedSigners

KEY_VARIABLE = "GATECHECK_KEY"


class Options:
    """Options as given, else as configured; a configured path is relative to the configuration's folder."""

    def __init__(self, given: Mapping[str, Any], config: Mapping[str, Any], base: str) -> None:
        self.given = given
        self.config = config
        self.base = base

    def one(self, name: str) -> tuple[str | None, str]:
        """Return an option's value, and the folder that a path in it is relative to."""
        if self.given.get(name) is not None:
            return self.given[name], ""
        return self.config.get(name), self.base

    def path(self, name: str, hint: str) -> tuple[str, str]:
        value, base = self.one(name)
        return require(value, name, hint), base

    def many(self, name: str) -> tuple[tuple[str, ...], str]:
        """Return an option that may be given several times."""
        if self.given[name]:
            return self.given[name], ""
        found = self.config.get(name, ())
        return (found,) if isinstance(found, str) else tuple(found), self.base

    def flag(self, name: str) -> bool:
        return bool(self.given[name] or self.config.get(name))


def as_of_option(text: str | None) -> str:
    """Return the instant to decide as of: the one given, else now."""
    if text is None:  # the one place where the clock is read
        # To the millisecond: cut to the second, it would lie before evidence that was written within this second.
        return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    parse_instant(text, "--as-of")
    return text


def read_request(options: Options, as_of: str, program: Program) -> Request:
    """Return the request that the options describe, without what a ledger knows of its artifact.

    ``program`` says which gates read evidence of the pack's own kinds, and which ask for signatures.
    """
    sources: dict[str, str] = {}

    def document(name: Any, value: str, base: str, key: str) -> Any:
        part, sources[key] = read_part(below(base, value), name, value)
        return part

    environment = require(options.one("environment")[0], "environment", "say where to, as `-e production`")
    change = document("change", *options.path("change", "name the change document"), "change")
    given, base = options.many("approvals")
    approvals = []
    for number, value in enumerate(given):
        approvals += document("approvals", value, base, "approvals" if len(given) == 1 else f"approvals-{number + 1}")
    parts: dict[str, Any] = {"directory": Directory(), "deployments": []}
    for name in parts:
        named, base = options.one(name)
        if named is not None:
            parts[name] = document(name, named, base, name)
    are_signed = any(a.signature for a in approvals)
    trust = _signers(options, sources) if program.signed or are_signed else None
    asked = _signatures(program, trust, as_of) if program.signed else None
    evidence = read_evidence(*options.many("evidence"), program.kinds, asked)
    made = assemble(change, environment, as_of, evidence=evidence, approvals=approvals, sources=sources, **parts)
    return with_signers(made, trust) if are_signed else made


def own_ledger(options: Options) -> "tuple[Ledger, str]":
    """Return the ledger that the options name, made on first use, and where it is."""
    from pathlib import Path

    from gatecheck.ledger.ledger import open_ledger
    from gatecheck.ledger.memory import state_folder

    named, base = options.one("ledger")
    path = Path(base, named or LEDGER)
    is_own = named is None and not path.parent.exists()
    ledger = open_ledger(path, memory=state_folder(os.environ), create=True)
    if is_own:  # the folder was made for the ledger: whoever adds everything to git must not add this
        (path.parent / ".gitignore").write_text("*\n", "utf-8")
    return ledger, str(path)


def with_ledger(
    options: Options, program: Program, request: Request, ledger: "Ledger", trust: "AllowedSigners"
) -> Request:
    """Return the request with what the ledger says of its artifact, the signatures of its approvals verified."""
    from msgspec.structs import replace

    made = with_recorded(program, request, ledger, trust)
    if not any(a.signature and not (a.signer or a.unsigned) for a in made.approvals):
        return made
    sources = dict(made.sources)
    people = _signers(options, sources)
    return with_signers(replace(made, sources=sources), people)


def _signers(options: Options, sources: dict[str, str]) -> "AllowedSigners | None":
    """Return whose signatures count, by the trust file that is named; its digest joins the sources."""
    from gatecheck.model.canonical import digest
    from gatecheck.model.document import decode_text, read_bytes
    from gatecheck.trust.signers import parse_signers

    named, base = options.one("trust")
    if named is None:
        return None
    raw = read_bytes(below(base, named))
    sources["trust"] = digest(raw)
    return parse_signers(decode_text(raw, named), named)


def _signatures(program: Program, trust: "AllowedSigners | None", as_of: str) -> "Asked":
    """Return what gates ask of signatures."""
    from gatecheck.evidence.signed import Asked

    return Asked(program.signed, trust, parse_instant(as_of, "--as-of"))


def signing_key(options: Options) -> "SigningKey":
    """Return the key that signs: the one that is named, else the caller's own, made on first use."""
    from gatecheck.trust.key import load_or_make_key

    key = _named_key(options)
    if key is None:
        path = _own_key()
        key, is_new = load_or_make_key(path)
        if is_new:
            click.echo(f"made a signing key in {path} ({key.fingerprint}); keep it, and give CI its own", err=True)
    return key


def present_key(options: Options) -> "SigningKey | None":
    """Return the key that would sign, where there is one already."""
    from gatecheck.trust.key import load_key

    key = _named_key(options)
    return load_key(_own_key()) if key is None and _own_key().exists() else key


@overload
def trusted(options: Options, key: "SigningKey") -> "AllowedSigners": ...
@overload
def trusted(options: Options, key: "SigningKey | None") -> "AllowedSigners | None": ...
def trusted(options: Options, key: "SigningKey | None") -> "AllowedSigners | None":
    """Return whose recorded entries count: those of the signers named, else of ``key``, where there is one."""
    from gatecheck.trust.signers import only

    return named_signers(options) or (None if key is None else only(key.public, "own key"))


def named_signers(options: Options) -> "AllowedSigners | None":
    """Return the signers in the trust file that is named, if one is."""
    from pathlib import Path

    from gatecheck.trust.signers import load_signers

    named, base = options.one("trust")
    return None if named is None else load_signers(Path(base, named))


def _named_key(options: Options) -> "SigningKey | None":
    from pathlib import Path

    from gatecheck.trust.key import key_from_text, load_key

    named, base = options.one("key")
    text = os.environ.get(KEY_VARIABLE)
    if text and options.given["key"] is None:  # the pipeline's word counts before that of a file in the repository
        return key_from_text(text, f"${KEY_VARIABLE}")
    return None if named is None else load_key(Path(base, Path(named).expanduser()))


def _own_key() -> "Path":
    from pathlib import Path

    config = os.environ.get("XDG_CONFIG_HOME", "")
    if not config.startswith("/"):  # the specification has relative paths ignored; here one would lie in the repository
        config = str(Path("~/.config").expanduser())
    return Path(config, "gatecheck", "id_ed25519")
