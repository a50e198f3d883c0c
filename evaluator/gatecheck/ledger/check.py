"""What can be wrong with one entry, looked at alone: its tree, its statement, its signatures, its signer.

Problems are data. A reader that must rely on an entry asks for none; ``verify`` collects those of every entry.
"""

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, NamedTuple

from gatecheck.ledger.entry import GENESIS, TRUST, Entry, MalformedError, writer_of
from gatecheck.ledger.kinds import KEY, KINDS, Said, check_trust, read_said
from gatecheck.ledger.record import (
    DECISION,
    PACK,
    REQUEST,
    STATEMENT,
    ClaimError,
    Claims,
    check_pack_files,
    check_request,
    read_claims,
)
from gatecheck.ledger.store import ObjectError, Store, TreeFile
from gatecheck.model.canonical import digest
from gatecheck.text.diagnostic import Diagnostic, InputError
from gatecheck.trust import dsse
from gatecheck.trust.openssh import PublicKey
from gatecheck.trust.signers import AllowedSigners, parse_signers

if TYPE_CHECKING:
    from gatecheck.ledger.succession import Trust

OWN_TRUST = "the ledger's own trust file"
PLACING = {f"Gatecheck-{name}" for name in ("Kind", "Seq", "Id", "Statement", "Chain", "Sig")}


class Problem(NamedTuple):
    """One thing that is wrong: what, with which entry (``seq`` -1 where it is not known), and where in it.

    ``refs`` says on which of the writer's refs: `ledger`, or `checkpoints` or `witness`.
    """

    code: str
    what: str
    writer: str
    commit: str = ""
    seq: int = -1
    id: str = ""
    where: str = ""
    refs: str = "ledger"

    def diagnostic(self, hint: str = "") -> Diagnostic:
        """Return the problem as a diagnostic whose file names the entry."""
        place = f"{self.refs}/{self.writer}"
        if self.id:
            place = f"entry {self.id[:12]} (#{self.seq} of {place})"
        elif self.commit:
            place = f"commit {self.commit[:12]} of {place}"
        return Diagnostic(self.code, self.what, file=f"{place}, {self.where}" if self.where else place, hint=hint)


def problem(entry: Entry, code: str, what: str, where: str = "") -> Problem:
    """Return a problem of an entry."""
    return Problem(code, what, entry.writer, entry.commit, entry.seq, entry.id, where)


class Checker:
    """Checks entries of one store, remembering which pack trees were hashed already."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._packs: dict[str, dict[str, str]] = {}

    def own_trust(self, entry: Entry) -> AllowedSigners | None:
        """Return whom a writer's first entry, or a change of trust, trusts, or ``None`` if that is unusable."""
        try:
            item = self._store.tree(entry.tree).get(TRUST)
            return parse_signers(self._store.blob(item.id).decode(), OWN_TRUST) if item is not None else None
        except (ObjectError, InputError, UnicodeDecodeError):
            return None

    def said(self, entry: Entry) -> Said | None:
        """Return what an entry that is no decision says, or ``None`` where that can't be read."""
        try:
            return read_said(self._store.blob(self._store.tree(entry.tree)[STATEMENT].id), entry.kind)
        except (ObjectError, KeyError, ClaimError):
            return None

    def problems(self, entry: Entry, trust: "Trust") -> Iterator[Problem]:
        """Yield everything wrong with an entry apart from its place in the chain, and what it says of other entries."""
        signer = entry.signer()
        if signer is None:
            yield problem(entry, "GC726", "the commit's signature is missing or does not cover the commit")
        else:
            if why := trust.refusal(entry, signer):
                yield problem(entry, "GC727", f"its signer {signer.fingerprint} {why}")
            if writer_of(signer) != entry.writer:
                yield problem(entry, "GC727", f"its signer {signer.fingerprint} is another than the ref's")
        try:
            tree = self._store.tree(entry.tree)
        except ObjectError as error:
            yield problem(entry, "GC720", str(error))
            return
        if entry.kind == GENESIS:
            yield from self._genesis(entry, tree)
        elif entry.kind == DECISION:
            yield from self._decision(entry, tree, signer)
        elif entry.kind in KINDS:
            yield from self._stated(entry, tree, signer)
        else:
            yield problem(entry, "GC730", f"its kind `{entry.kind}` is not known")

    def _genesis(self, entry: Entry, tree: dict[str, TreeFile]) -> Iterator[Problem]:
        yield from _names(entry, tree, (TRUST,), ())
        trust = yield from self._content(entry, tree, TRUST)
        if trust is not None and digest(trust) != entry.statement:
            yield problem(entry, "GC722", "its bytes do not have the digest that the commit gives", TRUST)

    def _decision(self, entry: Entry, tree: dict[str, TreeFile], signer: PublicKey | None) -> Iterator[Problem]:
        yield from _names(entry, tree, (STATEMENT, REQUEST), (PACK,))
        statement = yield from self._content(entry, tree, STATEMENT)
        request = yield from self._content(entry, tree, REQUEST)
        if statement is None:
            return
        if digest(statement) != entry.statement:
            yield problem(entry, "GC722", "its bytes do not have the digest that the commit gives", STATEMENT)
        yield from _statement_signature(entry, statement, signer)
        try:
            claims = read_claims(statement)
        except ClaimError as error:
            yield problem(entry, "GC730", str(error), STATEMENT)
            return
        for name, value in claims.trailers.items():
            if entry.trailers.get(name) != value:
                yield problem(entry, "GC730", f"the trailer `{name}` is not what the statement says")
        if request is not None:
            try:
                check_request(request, claims)
            except ClaimError as error:
                yield problem(entry, "GC728", str(error), REQUEST)
        if PACK in tree and tree[PACK].is_folder:
            yield from self._pack(entry, tree[PACK].id, claims)

    def _stated(self, entry: Entry, tree: dict[str, TreeFile], signer: PublicKey | None) -> Iterator[Problem]:
        yield from _names(entry, tree, (STATEMENT, TRUST) if entry.kind == KEY else (STATEMENT,), ())
        statement = yield from self._content(entry, tree, STATEMENT)
        trust = (yield from self._content(entry, tree, TRUST)) if entry.kind == KEY else b""
        if statement is None or trust is None:
            return
        if digest(statement) != entry.statement:
            yield problem(entry, "GC722", "its bytes do not have the digest that the commit gives", STATEMENT)
        yield from _statement_signature(entry, statement, signer)
        try:
            said = read_said(statement, entry.kind)
        except ClaimError as error:
            yield problem(entry, "GC730", str(error), STATEMENT)
            return
        for name in sorted({*said.trailers, *entry.trailers} - PLACING):
            if entry.trailers.get(name) != said.trailers.get(name):
                yield problem(entry, "GC730", f"the trailer `{name}` is not what the statement says")
        if entry.subject != said.words:
            yield problem(entry, "GC730", "the commit's first line is not what the statement says")
        try:
            check_trust(trust, said)
        except ClaimError as error:
            yield problem(entry, "GC722", str(error), TRUST)

    def _content(self, entry: Entry, tree: dict[str, TreeFile], name: str) -> Generator[Problem, None, bytes | None]:
        if name not in tree or not tree[name].is_file:
            return None
        try:
            return self._store.blob(tree[name].id)
        except ObjectError as error:
            yield problem(entry, "GC720", str(error), name)
            return None

    def _pack(self, entry: Entry, tree: str, claims: Claims) -> Iterator[Problem]:
        try:
            if tree not in self._packs:
                self._packs[tree] = {path: digest(data) for path, data in self._store.files(tree)}
            check_pack_files(self._packs[tree], claims)
        except ObjectError as error:
            yield problem(entry, "GC720", str(error), PACK)
        except ClaimError as error:
            yield problem(entry, "GC729", str(error), PACK)


def _names(
    entry: Entry, tree: dict[str, TreeFile], files: tuple[str, ...], folders: tuple[str, ...]
) -> Iterator[Problem]:
    for name in files + folders:
        if name not in tree:
            yield problem(entry, "GC721", "it is missing from the entry", name)
    for name, item in tree.items():
        if name not in files + folders:
            yield problem(entry, "GC721", "it does not belong in the entry", name)
        elif not (item.is_file if name in files else item.is_folder):
            yield problem(entry, "GC721", "it is not of the kind that it should be", name)


def _statement_signature(entry: Entry, statement: bytes, signer: PublicKey | None) -> Iterator[Problem]:
    try:
        keyid, signature = entry.statement_signature()
    except MalformedError as error:
        yield problem(entry, "GC725", str(error))
        return
    if signer is None:
        return  # without the commit's key there is none to check with, and that is told already
    if keyid != signer.fingerprint or not signer.verifies(signature, dsse.pae(statement)):
        yield problem(entry, "GC725", f"the statement's signature is not by {signer.fingerprint}", STATEMENT)
