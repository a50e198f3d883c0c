"""The packs that an editor has open: their texts on disk and in the editor, and what examining them gives.

A document belongs to the pack that the nearest `gatecheck.yaml` names, if it lies in that folder; else to the topmost
folder, below a folder that the editor has opened, which holds rule files. That is the folder one gives to `check`.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from gatecheck.lang import ast, core
from gatecheck.lang.draft import Draft, Kept, KeptRules
from gatecheck.lang.kinds import own_kinds
from gatecheck.lang.pack import SCHEMA, SUFFIX, examine, read_folder
from gatecheck.lang.parser import chunks, without_forbidden
from gatecheck.lsp.meanings import Meanings
from gatecheck.lsp.names import Name, Written, names_in, read_words, rough_names
from gatecheck.model.schema import load
from gatecheck.text.diagnostic import Diagnostic, InputError
from gatecheck.text.source import Source

CONFIG = "gatecheck.yaml"


class Analysis:
    """What one state of a pack says: its files by their path in the pack, and every diagnostic."""

    def __init__(
        self,
        sources: dict[str, Source],
        trees: dict[str, ast.File],
        pack: core.Pack | None,
        diagnostics: Sequence[Diagnostic],
        words: dict[str, Kept[Written]],
        schemas: dict[str, bytes],
    ) -> None:
        self.sources = sources
        self.trees = trees
        self.pack = pack
        self.diagnostics = diagnostics
        self._words = words
        self._schemas = schemas
        self._names: dict[str, list[Name]] = {}

    @cached_property
    def meanings(self) -> Meanings:
        """What is declared, by kind and name."""
        declared = Meanings(self.trees.values())
        kinds = {d.name: d for d in declared.declared["kind of evidence"].values() if isinstance(d, ast.EvidenceKind)}
        declared.own_kinds = {name: k.type for name, k in own_kinds(kinds, self._schemas, lambda _: None).items()}
        return declared

    @property
    def errors(self) -> list[Diagnostic]:
        """The diagnostics that stop a decision."""
        return [d for d in self.diagnostics if d.severity == "error"]

    def names(self, file: str) -> list[Name]:
        """Return the names of a file, in the order of its text; of what does not parse, those that show themselves."""
        if file not in self._names:
            self._names[file] = sorted(self._read_names(file), key=lambda name: name.span)
        return self._names[file]

    def _read_names(self, file: str) -> Iterator[Name]:
        source, _ = without_forbidden(self.sources[file])
        words = self._words.setdefault(file, Kept(read_words))
        words.start_round()
        parses = not any(isinstance(d, ast.Broken) for d in self.trees[file].declarations)
        written = [(chunk, words.read(chunk)) for chunk in chunks(source)]
        if parses and not all(each.parses for _, each in written):  # a declaration that looks like two
            written = [(source, read_words(source))]
        for chunk, each in written:
            yield from names_in(each, self.meanings) if each.parses else rough_names(chunk, self.meanings)

    def all_names(self) -> Iterator[Name]:
        """Yield every name of the pack."""
        for file in sorted(self.sources):
            yield from self.names(file)

    def name_at(self, file: str, line: int, column: int) -> Name | None:
        """Return the name on which a place lies, its end included: the caret stands there after typing it."""
        if file not in self.sources:
            return None
        for name in self.names(file):
            if name.span.line == line and name.span.column <= column <= name.span.end_column:
                return name
        return None

    def definitions(self, name: Name) -> list[Name]:
        """Return where a name is declared."""
        return [other for other in self.all_names() if other.is_definition and other.is_same(name)]


class OpenPack:
    """One pack: what lies on the disk, under what the editor holds."""

    def __init__(self, folder: Path | None) -> None:
        """Take the pack's folder, or ``None`` for a document that lies in none."""
        self.folder = folder
        self._disk: dict[str, bytes] | None = None
        self._edited: dict[str, str] = {}
        self._drafts: dict[str, Draft] = {}
        self._rules = KeptRules()
        self._words: dict[str, Kept[Written]] = {}
        self._analysis: Analysis | None = None

    def edit(self, file: str, text: str | None) -> None:
        """Set the text that the editor holds of a file; ``None`` where it holds it no more."""
        if text is None:
            self._edited.pop(file, None)
            self._disk = None
        else:
            self._edited[file] = text
        self._analysis = None

    def reread(self) -> None:
        """Look at the disk again before the next analysis."""
        self._disk = self._analysis = None

    @property
    def is_open(self) -> bool:
        """Whether the editor holds any of its files."""
        return bool(self._edited)

    def analysis(self) -> Analysis:
        """Return what the pack says now; examined once after each change."""
        if self._analysis is None:
            self._analysis = self._examined({})
        return self._analysis

    def with_texts(self, changed: dict[str, str]) -> Analysis:
        """Return what the pack would say with other texts in some files."""
        return self._examined(changed)

    def _examined(self, changed: dict[str, str]) -> Analysis:
        trees: dict[str, ast.File] = {}

        def parse(source: Source) -> tuple[ast.File, list[Diagnostic]]:
            trees[source.name], found = self._drafts.setdefault(source.name, Draft()).parse(source)
            return trees[source.name], found

        edited = {file: text.encode() for file, text in {**self._edited, **changed}.items()}
        try:
            if self._disk is None:
                self._disk = _read(self.folder) if self.folder is not None else {}
            pack, found, sources = examine({**self._disk, **edited}, parse=parse, kept=self._rules)
        except InputError as error:  # of the folder as a whole, or a file that is no text: nothing is known
            return Analysis({}, {}, None, error.diagnostics, {}, {})
        schemas = {path: raw for path, raw in self._disk.items() if path.endswith(SCHEMA)}
        return Analysis(sources, trees, pack, found, {} if changed else self._words, schemas)


def _read(folder: Path) -> dict[str, bytes]:
    """Return the rule files of a folder; none where it has none on the disk yet."""
    try:
        return read_folder(folder)
    except InputError as error:
        if error.diagnostics[0].code == "GC501":
            return {}
        raise


def folder_of(path: Path, roots: Iterable[Path]) -> Path:
    """Return the folder of the pack that a document belongs to; ``roots`` are the folders that the editor has open."""
    above = list(path.parents)
    root = max((above.index(r) for r in roots if r in above), default=0)
    for folder in above[: root + 1]:
        if (rules := _configured(folder)) in above:
            return rules
    return next((folder for folder in reversed(above[: root + 1]) if _holds_rules(folder)), above[0])


def _configured(folder: Path) -> Path | None:
    """Return the folder of rules that a configuration names."""
    path = folder / CONFIG
    try:
        rules = load(path.read_bytes(), CONFIG, "config").rules if path.is_file() else None
    except (InputError, OSError):
        return None
    return Path(os.path.normpath(folder / rules)) if rules is not None else None


def _holds_rules(folder: Path) -> bool:
    try:
        return any(path.suffix == SUFFIX for path in folder.iterdir())
    except OSError:
        return False
