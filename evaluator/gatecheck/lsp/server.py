"""What an editor asks, handed to the rooms that know the answer, and their answers in the words of the protocol."""

import logging
import os

from lsprotocol import types as lsp

from gatecheck.lang import ast
from gatecheck.lang.format import formatted
from gatecheck.lang.pack import SUFFIX
from gatecheck.lsp import completion, edits, hover
from gatecheck.lsp.meanings import DECLARED
from gatecheck.lsp.names import Name
from gatecheck.lsp.packs import Analysis, OpenPack
from gatecheck.lsp.session import Document, NoAnswerError, Session
from gatecheck.text.diagnostic import ProblemError
from gatecheck.text.source import Source, Span

_SYMBOLS = {
    "environment": lsp.SymbolKind.Namespace,
    "attribute": lsp.SymbolKind.Field,
    "group": lsp.SymbolKind.Class,
    "window": lsp.SymbolKind.Constant,
    "let": lsp.SymbolKind.Variable,
    "kind of evidence": lsp.SymbolKind.Interface,
    "gate": lsp.SymbolKind.Event,
    "rule": lsp.SymbolKind.Function,
    "override": lsp.SymbolKind.Function,
    "invariant": lsp.SymbolKind.Boolean,
    "test": lsp.SymbolKind.Method,
}
_ITEMS = {
    "keyword": lsp.CompletionItemKind.Keyword,
    "function": lsp.CompletionItemKind.Function,
    "value": lsp.CompletionItemKind.EnumMember,
    "risk level": lsp.CompletionItemKind.EnumMember,
    "type": lsp.CompletionItemKind.TypeParameter,
    "field": lsp.CompletionItemKind.Field,
    "attribute": lsp.CompletionItemKind.Field,
    "gate": lsp.CompletionItemKind.Event,
    "group": lsp.CompletionItemKind.Class,
    "environment": lsp.CompletionItemKind.Module,
    "kind of evidence": lsp.CompletionItemKind.Interface,
    "window": lsp.CompletionItemKind.Constant,
    "person": lsp.CompletionItemKind.Constant,
    "rule": lsp.CompletionItemKind.Method,
}


def serve() -> int:
    """Speak with an editor over standard input and output until it ends; return the exit code that it expects."""
    logging.basicConfig(format="gatecheck lsp: %(message)s", level=logging.WARNING)
    logging.getLogger("pygls").addFilter(_is_fault)
    for name in ("pygls.protocol.json_rpc", "pygls.protocol.language_server"):
        logging.getLogger(name).addFilter(_is_fault)
    session = _session()
    with os.fdopen(os.dup(1), "wb") as output:
        session.start_io(stdout=output)
    return 0 if session.is_shut_down else 1


def _is_fault(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], NoAnswerError))


def _session() -> Session:
    session = Session()
    _follow_documents(session)
    _answer_about_names(session)
    _answer_about_text(session)
    return session


# -- what an editor says


def _follow_documents(session: Session) -> None:
    @session.feature(lsp.INITIALIZED)
    def initialized(params: lsp.InitializedParams) -> None:
        watched = session.client_capabilities.workspace
        files = watched.did_change_watched_files if watched is not None else None
        if files is not None and files.dynamic_registration:
            patterns = [lsp.FileSystemWatcher(pattern) for pattern in (f"**/*{SUFFIX}", "**/*.schema.json")]
            options = lsp.DidChangeWatchedFilesRegistrationOptions(patterns)
            registration = lsp.Registration("files", lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            session.client_register_capability(lsp.RegistrationParams([registration]))

    @session.feature(lsp.SHUTDOWN)
    def shutdown(params: None) -> None:
        session.is_shut_down = True

    @session.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: lsp.DidOpenTextDocumentParams) -> None:
        session.open(params.text_document)

    @session.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: lsp.DidChangeTextDocumentParams) -> None:
        session.change(params)

    @session.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: lsp.DidCloseTextDocumentParams) -> None:
        session.close(params.text_document.uri)

    @session.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: lsp.DidSaveTextDocumentParams) -> None:
        session.reread()

    @session.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def files_changed(params: lsp.DidChangeWatchedFilesParams) -> None:
        session.reread()


# -- what an editor asks about a name


def _answer_about_names(session: Session) -> None:
    @session.feature(lsp.TEXT_DOCUMENT_HOVER)
    def shown(params: lsp.HoverParams) -> lsp.Hover | None:
        document = session.document(params.text_document.uri)
        found = hover.hover(document.pack.analysis(), document.file, *document.lines.place(params.position))
        if found is None:
            return None
        content = lsp.MarkupContent(lsp.MarkupKind.Markdown, found.markdown)
        return lsp.Hover(content, document.lines.range(found.span))

    @session.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    def definition(params: lsp.DefinitionParams) -> list[lsp.Location]:
        document = session.document(params.text_document.uri)
        name = _name(document, params.position)
        found = document.pack.analysis().definitions(name) if name is not None else []
        return [session.location(document.pack, each.span) for each in found]

    @session.feature(lsp.TEXT_DOCUMENT_REFERENCES)
    def references(params: lsp.ReferenceParams) -> list[lsp.Location]:
        document = session.document(params.text_document.uri)
        found = _uses(document, params.position)
        wanted = [n for n in found if params.context.include_declaration or not n.is_definition]
        return [session.location(document.pack, n.span) for n in wanted]

    @session.feature(lsp.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    def highlights(params: lsp.DocumentHighlightParams) -> list[lsp.DocumentHighlight]:
        document = session.document(params.text_document.uri)
        found = [n for n in _uses(document, params.position) if n.span.file == document.file]
        return [lsp.DocumentHighlight(document.lines.range(n.span)) for n in found]

    @session.feature(lsp.TEXT_DOCUMENT_PREPARE_RENAME)
    def prepare(params: lsp.PrepareRenameParams) -> lsp.PrepareRenamePlaceholder:
        document = session.document(params.text_document.uri)
        name = _renamable(document, params.position)
        return lsp.PrepareRenamePlaceholder(document.lines.range(name.span), name.name)

    @session.feature(lsp.TEXT_DOCUMENT_RENAME, lsp.RenameOptions(prepare_provider=True))
    def rename(params: lsp.RenameParams) -> lsp.WorkspaceEdit:
        document = session.document(params.text_document.uri)
        name = _renamable(document, params.position)
        try:
            made = edits.rename(document.pack, name, params.new_name)
        except edits.RefusedError as error:
            raise NoAnswerError(str(error)) from None
        return _workspace_edit(session, document.pack, made)


def _name(document: Document, position: lsp.Position) -> Name | None:
    return document.pack.analysis().name_at(document.file, *document.lines.place(position))


def _uses(document: Document, position: lsp.Position) -> list[Name]:
    name = _name(document, position)
    if name is None or not name.kind:
        return []
    return [other for other in document.pack.analysis().all_names() if other.is_same(name)]


def _renamable(document: Document, position: lsp.Position) -> Name:
    try:
        return edits.renamable(document.pack.analysis(), document.file, *document.lines.place(position))
    except edits.RefusedError as error:
        raise NoAnswerError(str(error)) from None


def _workspace_edit(session: Session, pack: OpenPack, made: list[edits.Edit]) -> lsp.WorkspaceEdit:
    changes: dict[str, list[lsp.TextEdit]] = {}
    for edit in made:
        at = session.location(pack, edit.span)
        changes.setdefault(at.uri, []).append(lsp.TextEdit(at.range, edit.text))
    return lsp.WorkspaceEdit(changes)


# -- what an editor asks about a text


def _answer_about_text(session: Session) -> None:
    @session.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=[".", "/"]))
    def complete(params: lsp.CompletionParams) -> lsp.CompletionList:
        document = session.document(params.text_document.uri)
        before = document.lines.before(*document.lines.place(params.position))
        found = completion.choices(before, document.pack.analysis().meanings)
        return lsp.CompletionList(is_incomplete=False, items=[_item(n, each) for n, each in enumerate(found)])

    @session.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def symbols(params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
        document = session.document(params.text_document.uri)
        return _symbols(document, document.pack.analysis())

    @session.feature(lsp.TEXT_DOCUMENT_FORMATTING)
    def layout(params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit] | None:
        document = session.document(params.text_document.uri)
        try:
            text = formatted(Source(document.file, document.text))
        except ProblemError:  # of its syntax, which is shown already
            return None
        return [lsp.TextEdit(document.lines.whole(), text)] if text != document.text else []

    @session.feature(
        lsp.TEXT_DOCUMENT_CODE_ACTION, lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix])
    )
    def actions(params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        document = session.document(params.text_document.uri)
        first, _ = document.lines.place(params.range.start)
        last, _ = document.lines.place(params.range.end)
        found = edits.fixes(document.pack, document.file, first, last)
        return [
            lsp.CodeAction(
                fix.title, lsp.CodeActionKind.QuickFix,
                [d for d in params.context.diagnostics if d.code == fix.problem.code],
                is_preferred=len([f for f in found if f.problem == fix.problem]) == 1,
                edit=_workspace_edit(session, document.pack, [fix.edit]),
            ) for fix in found
        ]  # fmt: skip


def _item(place: int, choice: completion.Choice) -> lsp.CompletionItem:
    doc = lsp.MarkupContent(lsp.MarkupKind.Markdown, choice.doc) if choice.doc else None
    kind = _ITEMS.get(choice.kind, lsp.CompletionItemKind.Variable)
    return lsp.CompletionItem(
        choice.label, kind=kind, detail=choice.detail or None, documentation=doc, sort_text=f"{place:04}"
    )


def _symbols(document: Document, analysis: Analysis) -> list[lsp.DocumentSymbol]:
    if document.file not in analysis.sources:
        return []
    found: list[lsp.DocumentSymbol] = []
    names = [n for n in analysis.names(document.file) if n.is_definition and n.kind in _SYMBOLS]
    wholes = [d for d in analysis.trees[document.file].declarations if not isinstance(d, ast.Broken)]
    for declaration in wholes:
        if isinstance(declaration, ast.Risk | ast.Waiver):
            span = declaration.span
            head = "risk" if isinstance(declaration, ast.Risk) else f"waive {', '.join(declaration.targets)}"
            found.append(_symbol(document, head, lsp.SymbolKind.Enum, span, Span(*span[:3], span.line, span.column)))
    for name in names:
        whole = next((d.span for d in wholes if type(d) in DECLARED and _holds(d.span, name.span)), name.span)
        found.append(_symbol(document, name.name, _SYMBOLS[name.kind], whole, name.span, name.kind))
    return sorted(found, key=lambda s: (s.range.start.line, s.range.start.character))


def _holds(outer: Span, inner: Span) -> bool:
    return outer[1:3] <= inner[1:3] and inner[3:5] <= outer[3:5]


def _symbol(
    document: Document, name: str, kind: lsp.SymbolKind, whole: Span, named: Span, detail: str = ""
) -> lsp.DocumentSymbol:
    lines = document.lines
    return lsp.DocumentSymbol(name, kind, lines.range(whole), lines.range(named), detail or None)
