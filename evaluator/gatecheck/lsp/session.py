"""One editor's session: its documents, the packs that they belong to, and the problems that it was told.

Each change of a document marks its pack, whose problems are published right after, or for a pack that takes long, when
typing pauses. Requests in between examine the pack at once. Whatever fails is told in the editor's log and on standard
error, and the server goes on.
"""

import asyncio
import logging
import os
import re
import time
from pathlib import Path

from lsprotocol import types as lsp
from pygls import uris
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from gatecheck.lang.pack import SUFFIX
from gatecheck.lsp.packs import Analysis, OpenPack, folder_of
from gatecheck.lsp.places import Lines
from gatecheck.text.diagnostic import Diagnostic
from gatecheck.text.source import Source, Span
from gatecheck.version import GATECHECK

_SLOW = 0.1  # seconds: a pack that takes longer is examined when typing pauses
_FIRST_AT = re.compile(r"the first is at (.+):(\d+):(\d+)")
_SEVERITY = {
    "error": lsp.DiagnosticSeverity.Error,
    "warning": lsp.DiagnosticSeverity.Warning,
    "note": lsp.DiagnosticSeverity.Information,
}
_log = logging.getLogger("gatecheck.lsp")


class NoAnswerError(JsonRpcException):
    """An answer that says why there is none; no fault of the server's."""

    CODE = lsp.LSPErrorCodes.RequestFailed.value


class Document:
    """A document that the editor holds: where it belongs, and its lines as the editor counts them."""

    def __init__(self, uri: str, pack: OpenPack, file: str, text: str, version: int | None, encoding: str) -> None:
        self.uri = uri
        self.pack = pack
        self.file = file
        self.encoding = encoding
        self.change(text, version)

    def change(self, text: str, version: int | None) -> None:
        # A lone half of a surrogate pair, which an editor may hold, is no character.
        self.text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        self.version = version
        self.lines = Lines(self.text, self.encoding)
        self.pack.edit(self.file, self.text)


class Session(LanguageServer):
    """One editor's session."""

    def __init__(self) -> None:
        super().__init__("gatecheck", GATECHECK, lsp.TextDocumentSyncKind.Full)
        self.is_shut_down = False
        self._documents: dict[str, Document] = {}
        self._packs: dict[Path | str, OpenPack] = {}
        self._published: dict[OpenPack, dict[str, list[lsp.Diagnostic]]] = {}
        self._due: dict[OpenPack, asyncio.TimerHandle] = {}
        self._took: dict[OpenPack, float] = {}

    @property
    def _encoding(self) -> str:
        """How the editor counts columns: `utf-8`, `utf-16` or `utf-32`."""
        return lsp.PositionEncodingKind(self.workspace.position_encoding or "utf-16").value

    # -- documents

    def open(self, document: lsp.TextDocumentItem) -> None:
        path = uris.to_fs_path(document.uri)
        pack, file = self._home(document.uri, Path(os.path.normpath(path)) if path else None)
        self._documents[document.uri] = Document(
            document.uri, pack, file, document.text, document.version, self._encoding
        )
        self.publish(pack)

    def _home(self, uri: str, path: Path | None) -> tuple[OpenPack, str]:
        """Return the pack of a document, and the document's name in it."""
        if path is None or path.suffix != SUFFIX:
            return self._packs.setdefault(uri, OpenPack(None)), f"untitled{SUFFIX}"
        folders = [uris.to_fs_path(folder.uri) for folder in self.workspace.folders.values()]
        roots = [Path(os.path.normpath(f)) for f in [*folders, self.workspace.root_path] if f]
        folder = folder_of(path, roots)
        return self._packs.setdefault(folder, OpenPack(folder)), path.relative_to(folder).as_posix()

    def change(self, params: lsp.DidChangeTextDocumentParams) -> None:
        document = self.document(params.text_document.uri)
        document.change(params.content_changes[-1].text, params.text_document.version)
        self._publish_soon(document.pack)

    def close(self, uri: str) -> None:
        document = self.document(uri)
        del self._documents[uri]
        pack = document.pack
        pack.edit(document.file, None)
        if pack.is_open:
            self.publish(pack)
            return
        if (due := self._due.pop(pack, None)) is not None:
            due.cancel()
        for each in (uri for uri, problems in self._published.pop(pack, {}).items() if problems):
            self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(each, []))
        self._packs = {key: kept for key, kept in self._packs.items() if kept is not pack}

    def reread(self) -> None:
        """Look at the disk again, where files were saved, made or deleted."""
        for pack in self._packs.values():
            pack.reread()
            self._publish_soon(pack)

    def document(self, uri: str) -> Document:
        if uri not in self._documents:
            raise NoAnswerError(f"{uri} is not open")
        return self._documents[uri]

    # -- what is found

    def _publish_soon(self, pack: OpenPack) -> None:
        if pack in self._due:
            self._due[pack].cancel()
        took = self._took.get(pack, 0.0)
        self._due[pack] = asyncio.get_running_loop().call_later(took if took > _SLOW else 0, self.publish, pack)

    def publish(self, pack: OpenPack) -> None:
        """Send the problems of each file of a pack that changed, and of those that the editor holds."""
        self._due.pop(pack, None)
        start = time.perf_counter()
        try:
            analysis = pack.analysis()
            found = self._found(pack, analysis)
        except Exception as error:  # noqa: BLE001  # of whatever kind: the next text may be no trouble
            _log.exception("examining a pack failed")
            self.report_server_error(error, type(error))
            return
        self._took[pack] = time.perf_counter() - start
        before = self._published.get(pack, {})
        for uri in sorted({*before, *found}):
            document = self._documents.get(uri)
            if document is not None or found.get(uri, []) != before.get(uri, []):
                version = document.version if document is not None else None
                sent = lsp.PublishDiagnosticsParams(uri, found.get(uri, []), version)
                self.text_document_publish_diagnostics(sent)
        self._published[pack] = found

    def _found(self, pack: OpenPack, analysis: Analysis) -> dict[str, list[lsp.Diagnostic]]:
        found: dict[str, list[lsp.Diagnostic]] = {self.uri(pack, file): [] for file in analysis.sources}
        held = [d for d in self._documents.values() if d.pack is pack]
        for document in held:
            found.setdefault(document.uri, [])
        lines = {file: self._lines(pack, file, source) for file, source in _with_problems(analysis).items()}
        for problem in analysis.diagnostics:
            if problem.span is not None and problem.span.file in lines:
                place = lines[problem.span.file].range(problem.span)
                found[self.uri(pack, problem.span.file)].append(self._diagnostic(pack, problem, place, lines))
            else:  # of a file that can't be read, or of the pack as a whole
                where = f"{problem.file}: " if problem.file else ""
                told = problem._replace(message=where + problem.message)
                for document in held:
                    place = document.lines.range(Span("", 1, 1, 1, 1))
                    found[document.uri].append(self._diagnostic(pack, told, place, lines))
        return found

    def _diagnostic(
        self, pack: OpenPack, problem: Diagnostic, place: lsp.Range, lines: dict[str, Lines]
    ) -> lsp.Diagnostic:
        said = [problem.message, problem.label, f"hint: {problem.hint}" if problem.hint else ""]
        related = []
        if (first := _FIRST_AT.fullmatch(problem.hint)) and first[1] in lines:
            at = lines[first[1]].position(int(first[2]), int(first[3]))
            related = [lsp.DiagnosticRelatedInformation(
                lsp.Location(self.uri(pack, first[1]), lsp.Range(at, at)), "the first is here"
            )]  # fmt: skip
        return lsp.Diagnostic(
            place, "\n".join(part for part in said if part), _SEVERITY[problem.severity], problem.code,
            source="gatecheck", related_information=related or None,
        )  # fmt: skip

    def uri(self, pack: OpenPack, file: str) -> str:
        for document in self._documents.values():
            if document.pack is pack and document.file == file:
                return document.uri
        return Path(pack.folder or "/", file).as_uri()

    def _lines(self, pack: OpenPack, file: str, source: Source) -> Lines:
        for document in self._documents.values():
            if document.pack is pack and document.file == file:
                return document.lines
        return Lines(source.text, self._encoding)

    def location(self, pack: OpenPack, span: Span) -> lsp.Location:
        source = pack.analysis().sources[span.file]
        return lsp.Location(self.uri(pack, span.file), self._lines(pack, span.file, source).range(span))

    def report_server_error(self, error: Exception, source: type[Exception]) -> None:
        if not isinstance(error, NoAnswerError):
            self.window_log_message(lsp.LogMessageParams(lsp.MessageType.Error, f"{type(error).__name__}: {error}"))


def _with_problems(analysis: Analysis) -> dict[str, Source]:
    """Return the sources that diagnostics speak of, those of earlier declarations too."""
    named = {d.span.file for d in analysis.diagnostics if d.span is not None}
    named |= {first[1] for d in analysis.diagnostics if (first := _FIRST_AT.fullmatch(d.hint))}
    return {file: source for file, source in analysis.sources.items() if file in named}
