"""Check a pack's own kinds of evidence: each name, and the JSON Schema of the pack that it stands for."""

from collections.abc import Callable, Mapping
from typing import Any

from gatecheck.lang import ast, core, vocabulary
from gatecheck.lang.own import UnusableError, facts, own_kind
from gatecheck.lang.types import Type
from gatecheck.model.document import decode_text, parse_json
from gatecheck.text.diagnostic import Diagnostic, InputError
from gatecheck.text.nearest import did_you_mean
from gatecheck.text.source import Span

SCHEMA = ".schema.json"


def own_kinds(
    declared: Mapping[str, ast.EvidenceKind], schemas: Mapping[str, bytes], report: Callable[[Diagnostic], None]
) -> dict[str, core.OwnKind]:
    """Return the kinds whose schema can be used, by name; ``schemas`` are the pack's files that hold some, by path."""
    found = {}
    for name, kind in sorted(declared.items()):
        if name in vocabulary.evidence_kinds():
            at = Span(kind.span.file, kind.span.line, kind.span.column, kind.span.line, kind.path_span.column - 1)
            message = f"every pack knows the kind of evidence `{name}` already"
            report(Diagnostic("GC203", message, at, hint="choose another name"))
        elif (problem := _misplaced(kind, schemas)) is not None:
            report(problem)
        else:
            try:
                found[name] = _kind(kind, schemas[kind.path])
            except UnusableError as error:
                message = f"evidence can't be read by `{kind.path}`: {error}"
                report(Diagnostic("GC219", message, kind.path_span))
    return found


def _misplaced(kind: ast.EvidenceKind, schemas: Mapping[str, bytes]) -> Diagnostic | None:
    if kind.path in schemas:
        return None
    hint = did_you_mean(kind.path, schemas) if schemas else ""
    if not kind.path.endswith(SCHEMA):
        message = f"`{kind.path}` is not the name of a schema"
        hint = hint or f"a pack holds schemas in files whose names end in `{SCHEMA}`"
    else:
        message = f"the pack holds no schema `{kind.path}`"
        hint = hint or "put it into the pack's folder, and name that folder, not a single file of it, as the pack"
    return Diagnostic("GC218", message, kind.path_span, hint=hint)


def _kind(kind: ast.EvidenceKind, raw: bytes) -> core.OwnKind:
    try:
        text = decode_text(raw, kind.path)
        schema = parse_json(text, kind.path)
    except InputError as error:
        first = error.diagnostics[0]
        line = f" (line {first.span.line})" if first.span is not None else ""
        raise UnusableError(f"it {first.message}{line}") from None
    return core.OwnKind(kind.name, _checked(kind.name, schema), kind.path, text, kind.span)


def _checked(name: str, schema: Any) -> Type:
    from gatecheck.model.foreign import schema_problem

    problem = schema_problem(schema)
    if problem:
        raise UnusableError(problem)
    if schema.get("type") != "object":
        raise UnusableError('documents are mappings: it must say `"type": "object"`')
    facts(schema)
    return own_kind(name, schema)
