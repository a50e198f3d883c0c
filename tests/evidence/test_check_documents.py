"""The generic check document: its status, its named values, and what it is about."""

import json
from typing import Any

import pytest
from evidence_claims import opens, read, refusal

from gatecheck.model.request import Subject

DIGEST = "sha256:" + "9f" * 32


def test_a_whole_document_in_yaml_and_json() -> None:
    text = f"""
status: passed
fields:
  p95: 300ms
  requests: 120000
  rate: 0.9990
  sampled: true
  note:
subject: {{digest: "{DIGEST}", commit: {"AB" * 20}}}
produced_at: 2026-11-23T10:00:00+01:00
producer: loadtest 3
"""
    evidence = read(text, "check.yaml")
    values = {"p95": "300ms", "requests": 120000, "rate": "0.9990", "sampled": True, "note": None}
    assert evidence.fields == {"status": "passed", "fields": values}
    assert evidence.subject == Subject(digest=DIGEST, commit="ab" * 20)
    assert (evidence.kind, evidence.flaw, evidence.producer) == ("check", "", "loadtest 3")
    assert str(evidence.produced_at) == "2026-11-23 09:00:00+00:00"
    assert opens(evidence)
    as_json = json.dumps({"status": "passed", "fields": {"p95": "300ms", "rate": 0.5, "big": 1.5e3}})
    assert read(as_json).fields["fields"] == {"p95": "300ms", "rate": "0.5", "big": "1500.0"}


@pytest.mark.parametrize(("status", "flaw"), [
    ("passed", ""), ("failed", ""), ("error", "the check did not finish: its status is error"),
    ("skipped", "the check was skipped"),
])  # fmt: skip
def test_status(status: str, flaw: str) -> None:
    evidence = read(json.dumps({"status": status}))
    assert (evidence.fields["status"], evidence.flaw) == (status, flaw)
    assert opens(evidence) == (status == "passed")


def check(**more: Any) -> str:
    return json.dumps({"status": "passed", **more})


@pytest.mark.parametrize(("text", "message"), [
    (check(status="success"),
     "its status is `success`\n  --> c\n   = hint: write one of passed, failed, error, skipped"),
    (check(filds={}), "has the unknown key `filds`\n  --> c\n   = hint: did you mean `fields`?"),
    (check(fields=[]), "`fields` is a list, not an object\n  --> c"),
    (check(fields={"a b": 1}), "`a b` is not a field's name\n  --> c\n   = hint: use letters, digits, `_` and `-`"),
    (check(fields={"a": [1]}), "the field `a` is a list; a check's fields are booleans, numbers and strings\n  --> c"),
    (check(fields={"a": 2**53}), "the field `a` is a whole number beyond 2^53 - 1\n  --> c"),
    (check(fields={"a": 1e300}), "the field `a` is a number of more than 20 digits\n  --> c"),
    (check(fields={"a": "x" * 1001}), "the field `a` is longer than 1000 characters\n  --> c"),
    (check(fields={f"f{n}": n for n in range(101)}), "holds 101 fields; at most 100 are read\n  --> c"),
    (check(produced_at="2026-11-23T10:00:00"),
     "`produced_at` is not a date and time with an offset\n  --> c\n   = hint: write it as 2026-11-23T10:00:00Z"),
    (check(producer=7), "`producer` is a number, not a string\n  --> c"),
    (check(subject={}), "the subject names neither a digest nor a commit\n  --> c"),
    (check(subject={"commit": "main"}),
     "the subject's commit is not a full commit id of 40 or 64 hexadecimal digits\n  --> c"),
    (check(subject={"digest": "9f" * 32}),
     "the subject's digest is not written as `sha256:` and 64 lower-case hexadecimal digits\n  --> c"),
    (check(subject={"tag": "v1"}), "has the unknown key `tag`\n  --> c\n   = hint: known: commit, digest"),
])  # fmt: skip
def test_refusals(text: str, message: str) -> None:
    assert refusal(text, "c") == f"error[GC607]: {message}"


def test_nan_is_refused_in_both_notations() -> None:
    assert refusal(check(fields={"a": float("nan")}), "c").startswith("error[GC506]: holds `NaN`")
    assert refusal("status: passed\nfields:\n  a: .nan\n", "c.yaml").startswith("error[GC506]: `.nan` is not a number")
