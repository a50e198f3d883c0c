"""What the tests here claim of evidence: that it opens a gate, that it keeps its schema, that content is refused."""

import json
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gatecheck.evidence.read import read_evidence
from gatecheck.model.canonical import canonical
from gatecheck.model.request import Evidence
from gatecheck.text.diagnostic import InputError, render

SCHEMAS = Path(__file__).parents[2] / "schemas" / "evidence"


@cache
def validator(kind: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{kind}.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def opens(evidence: Evidence) -> bool:
    """Tell whether the usual gate of the evidence's kind, at its laxest, passes."""
    fields = evidence.fields
    if evidence.flaw:
        return False
    if evidence.kind == "junit":
        return bool(fields["tests"] > 0 and fields["failures"] == 0 and fields["errors"] == 0)
    if evidence.kind == "coverage":
        return fields["line_rate"] is not None and Decimal(fields["line_rate"]) >= 0
    if evidence.kind == "sarif":
        return all(f["suppressed"] or f["severity"] in ("none", "low", "medium") for f in fields["findings"])
    return bool(fields["status"] == "passed")


def read(content: bytes | str, name: str = "report", kind: str | None = None) -> Evidence:
    """Read evidence and hold it to what every reader promises: its schema, and a canonical form."""
    raw = content.encode() if isinstance(content, str) else content
    evidence = read_evidence(raw, name, kind)
    problems = [
        f"{error.json_path}: {error.message}" for error in validator(evidence.kind).iter_errors(evidence.fields)
    ]
    assert problems == []
    assert json.loads(canonical(evidence.fields)) == evidence.fields
    assert evidence.flaw == evidence.flaw.strip().rstrip(".") and "\n" not in evidence.flaw
    return evidence


def refusal(content: bytes | str, name: str = "report", kind: str | None = None) -> str:
    """Return the whole message with which content is refused."""
    with pytest.raises(InputError) as raised:
        read_evidence(content.encode() if isinstance(content, str) else content, name, kind)
    return render(raised.value.diagnostics, {})


def fields(content: bytes | str, *names: str) -> dict[str, Any]:
    """Return some of the fields that content holds, or all but its lists."""
    made = read(content).fields
    return {n: v for n, v in made.items() if n in names} if names else made
