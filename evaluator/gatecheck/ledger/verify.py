"""Re-read and re-hash every record of a ledger, and say everything that is wrong with it.

Oldest first, as an auditor with ``git log --reverse`` would: each entry alone, then its place after the one before it,
then all checkpoints, and last whether what this machine saw earlier is still there. Only a ledger without any problem
moves that memory on.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from gatecheck.ledger.audit import Audit, Grown, Refusal
from gatecheck.ledger.check import OWN_TRUST, Checker, Problem, problem
from gatecheck.ledger.checkpoint import Saved, leaf_of
from gatecheck.ledger.cross import Cross
from gatecheck.ledger.entry import CHAIN_START, GENESIS, Entry, MalformedError, chained, parse_commit
from gatecheck.ledger.ledger import Ledger, remembered
from gatecheck.ledger.memory import Tip
from gatecheck.ledger.store import CHECKPOINTS, ObjectError
from gatecheck.ledger.succession import Trust
from gatecheck.ledger.witness import Cosigned, Wanted, read_cosigned
from gatecheck.trust.note import Note
from gatecheck.trust.signers import AllowedSigners


class Writer(NamedTuple):
    """What was verified of one writer; ``key`` is the fingerprint that signed its newest entry, if that is good.

    ``checkpoints`` is how many there are, ``checkpoint`` the newest, ``origin`` what they say they are of;
    ``witnessed`` are the cosignatures of witnesses that count, of each the newest.
    """

    name: str
    key: str
    entries: int
    tip: Tip | None
    checkpoints: int = 0
    checkpoint: Saved | None = None
    origin: str = ""
    witnessed: tuple[Cosigned, ...] = ()


class Report(NamedTuple):
    """The outcome: without problems every record is as it was signed. ``trust`` names where the keys came from."""

    writers: tuple[Writer, ...]
    problems: tuple[Problem, ...]
    trust: str

    @property
    def entries(self) -> int:
        """How many entries were verified, writers' first commits left out."""
        return sum(writer.entries for writer in self.writers)


Recall = Callable[[str], Iterable[tuple[str, Note]]]


def verify(
    ledger: Ledger, trust: AllowedSigners | None = None, *, recall: Recall = lambda origin: (),
    witnesses: Wanted | None = None,
) -> Report:  # fmt: skip
    """Verify every record. ``trust`` says whose signatures count; without it, those that the ledger itself names.

    ``recall`` returns, for the origin of a writer's tree, checkpoints that were seen elsewhere, each with who saw it;
    ``witnesses`` says whose cosignatures count and how many each writer must have. Raises ``LedgerError`` GC719 only,
    when what this machine remembers can't be read or written.
    """
    problems: list[Problem] = []
    writers: list[Writer] = []
    checker = Checker(ledger.store)
    seen, notes = ledger.memory.load(), ledger.memory.notes()
    marks = ledger.store.tips(CHECKPOINTS)  # before the entries, so that none covers more than what is read of these
    cosigned = read_cosigned(ledger.store, problems)
    cross = Cross(ledger.trust(trust, is_lenient=True))
    for name, tip in ledger.writers().items():
        writer, grown = _verify_writer(ledger, checker, name, tip, trust, seen.get(name), problems, cross)
        if grown is not None:
            audit = Audit(ledger.store, name, grown, _refusal(cross.trust))
            others = [(who, note) for who, note in recall(audit.origin)]
            others += [(f"the witness {c.name}", c.note) for c in cosigned if c.says.origin == audit.origin]
            problems += audit.problems(marks.get(name, ""), notes.get(name), others)
            counting = tuple(c for c in cosigned if c.is_wanted(audit.origin, witnesses))
            writer = writer._replace(
                checkpoints=len(audit.saved), checkpoint=audit.newest, origin=audit.origin, witnessed=counting
            )
            if witnesses is not None and len(counting) < witnesses.least:
                problems.append(Problem("GC748", witnesses.lack(len(counting)), name, refs="checkpoints"))
        writers.append(writer)
    problems += cross.problems()
    for name in sorted(seen.keys() - {writer.name for writer in writers}):
        problems.append(_rewritten(name, seen[name]))
    for name in sorted((marks.keys() | notes.keys()) - seen.keys() - {writer.name for writer in writers}):
        what = "there are checkpoints of this writer, and its entries are gone"
        problems.append(Problem("GC743", what, name, refs="checkpoints"))
    if not problems:
        tips = {writer.name: writer.tip for writer in writers if writer.tip is not None}
        newest = {writer.name: writer.checkpoint.note for writer in writers if writer.checkpoint is not None}
        ledger.memory.save(tips, newest)
    return Report(tuple(writers), tuple(problems), trust.name if trust is not None else OWN_TRUST)


def verify_entry(ledger: Ledger, entry: Entry) -> tuple[Problem, ...]:
    """Return what is wrong with one entry looked at alone, judged by the keys that the ledger itself names."""
    return tuple(Checker(ledger.store).problems(entry, ledger.trust()))


def _verify_writer(
    ledger: Ledger, checker: Checker, name: str, tip: str, trust: AllowedSigners | None, seen: Tip | None,
    problems: list[Problem], cross: Cross,
) -> tuple[Writer, Grown | None]:  # fmt: skip
    """Return what was verified, and the leaves of the writer's tree if all its entries could be read."""
    commits = _commits(ledger, name, tip, problems)
    previous: Entry | None = None
    first: Entry | None = None
    leaves: list[bytes] = []
    count = 0
    is_contained = seen is None
    for place, oid in enumerate(commits):
        try:
            entry = parse_commit(name, oid, ledger.store.commit(oid))
        except (MalformedError, ObjectError) as error:
            problems.append(Problem("GC730", str(error), name, oid))
            previous = None
            continue
        if entry.kind == GENESIS and place == 0 and trust is None:
            trust = checker.own_trust(entry)
        problems += checker.problems(entry, cross.trust)
        cross.take(entry)
        problems += check_place(entry, previous, is_first=place == 0)
        is_contained = is_contained or remembered(entry) == seen
        count += entry.kind != GENESIS
        previous = entry
        first = entry if place == 0 else first
        leaves.append(leaf_of(entry))
    if seen is not None and not is_contained:
        problems.append(_rewritten(name, seen))
    signer = previous.signer() if previous is not None else None
    newest = remembered(previous) if previous is not None else None
    is_whole = first is not None and first.seq == 0 and len(leaves) == len(commits)
    grown = Grown(first, leaves) if first is not None and is_whole else None
    return Writer(name, signer.fingerprint if signer is not None else "", count, newest), grown


def _commits(ledger: Ledger, name: str, tip: str, problems: list[Problem]) -> list[str]:
    """Return a writer's commits oldest first, as far back as they can be read."""
    found: list[str] = []
    try:
        for oid, _ in ledger.store.commits(tip):
            found.append(oid)
    except ObjectError as error:
        problems.append(Problem("GC720", f"{error}; nothing older than this can be reached", name))
    return found[::-1]


def check_place(entry: Entry, previous: Entry | None, *, is_first: bool) -> list[Problem]:
    """Return what is wrong with an entry's place after ``previous`` (``None``: the first, or unreadable)."""
    if is_first:
        if entry.kind != GENESIS or entry.seq != 0 or entry.parent:
            return [problem(entry, "GC723", "the ref does not begin with its writer's first entry, number 0")]
        expected = chained(CHAIN_START, entry.statement)
        return [] if entry.chain == expected else [problem(entry, "GC724", "its chain value does not begin the chain")]
    found = []
    if entry.kind == GENESIS:
        found.append(problem(entry, "GC723", "a writer's first entry stands amid its history"))
    if previous is None:
        return found  # the one before can't be read, and that is told already
    if entry.seq != previous.seq + 1:
        found.append(problem(entry, "GC723", f"its number is {entry.seq}, but {previous.seq + 1} comes next"))
    if entry.chain != chained(previous.chain, entry.statement):
        what = f"its chain value does not follow from entry {previous.id[:12]} before it"
        found.append(problem(entry, "GC724", what))
    return found


def _rewritten(writer: str, seen: Tip) -> Problem:
    what = "the history was rewritten: this entry, which this machine has seen, is no longer in it"
    return Problem("GC714", what, writer, seen.commit, seen.seq, seen.id)


def _refusal(trust: Trust) -> Refusal:
    """Return why a key may not sign a checkpoint: the same as for the newest entry that it covers."""
    return lambda key, saved: trust.refusal(saved.entry._replace(seq=saved.says.size - 1), key)
