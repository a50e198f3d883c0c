"""The generic check: gatecheck's own small document, for a tool whose format is not read, in JSON or YAML.

It says whether the check passed, and any named values that rules ask about. A check that errored or was skipped has
measured nothing, so it carries a flaw.
"""

from decimal import Decimal
from typing import Any

from gatecheck.evidence.documents import described, object_in, text_in
from gatecheck.evidence.values import MAX_COUNT, Reading, instant, is_commit, is_digest, refuse, short
from gatecheck.model.request import Subject

KEYS = ("status", "fields", "subject", "produced_at", "producer")
STATUSES = ("passed", "failed", "error", "skipped")
MAX_FIELDS = 100
MAX_TEXT = 1000
MAX_DIGITS = 20


def read_check(data: dict[str, Any], name: str) -> Reading:
    """Read a check document; fields as in ``schemas/evidence/check.schema.json``."""
    _known(data, KEYS, name)
    status: str = data["status"]
    if status not in STATUSES:
        refuse(name, f"its status is `{short(status, 40)}`", f"write one of {', '.join(STATUSES)}")
    values = object_in(data, "fields", name) if data.get("fields") is not None else {}
    if len(values) > MAX_FIELDS:
        refuse(name, f"holds {len(values)} fields; at most {MAX_FIELDS} are read")
    fields = {"status": status, "fields": {_field(key, name): _value(key, values[key], name) for key in values}}
    flaw = {"error": "the check did not finish: its status is error", "skipped": "the check was skipped"}.get(
        status, ""
    )
    stated = text_in(data, "produced_at", name)
    at = instant(stated)
    if stated is not None and at is None:
        hint = "write it as 2026-11-23T10:00:00Z"
        refuse(name, "`produced_at` is not a date and time with an offset", hint)
    producer = short(text_in(data, "producer", name) or "", 200)
    return Reading(fields, flaw=flaw, producer=producer, produced_at=at, subject=_subject(data, name))


def _known(data: dict[str, Any], keys: tuple[str, ...], name: str) -> None:
    for key in data:
        if key not in keys:
            from gatecheck.text.nearest import did_you_mean

            refuse(name, f"has the unknown key `{short(key, 60)}`", did_you_mean(key, keys))


def _field(key: str, name: str) -> str:
    first, *more = key.split("-")
    is_name = key.isascii() and first.isidentifier() and all(f"_{part}".isidentifier() and part for part in more)
    if len(key) > 100 or not is_name:
        refuse(name, f"`{short(key, 60)}` is not a field's name", "use letters, digits, `_` and `-`")
    return key


def _value(key: str, value: object, name: str) -> bool | int | str | None:
    if not isinstance(value, bool | int | Decimal | str | None):
        refuse(name, f"the field `{key}` is {described(value)}; a check's fields are booleans, numbers and strings")
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            refuse(name, f"the field `{key}` is longer than {MAX_TEXT} characters")
        return short(value, MAX_TEXT)
    if isinstance(value, Decimal):
        if abs(value.adjusted()) > MAX_DIGITS or len(value.as_tuple().digits) > MAX_DIGITS:
            refuse(name, f"the field `{key}` is a number of more than {MAX_DIGITS} digits")
        return format(value, "f")
    if value is not None and abs(value) > MAX_COUNT:
        refuse(name, f"the field `{key}` is a whole number beyond 2^53 - 1")
    return value


def _subject(data: dict[str, Any], name: str) -> Subject | None:
    if data.get("subject") is None:
        return None
    stated = object_in(data, "subject", name)
    _known(stated, ("digest", "commit"), name)
    digest, commit = text_in(stated, "digest", name), text_in(stated, "commit", name)
    if digest is not None and not is_digest(digest):
        refuse(name, "the subject's digest is not written as `sha256:` and 64 lower-case hexadecimal digits")
    if commit is not None and not is_commit(commit):
        refuse(name, "the subject's commit is not a full commit id of 40 or 64 hexadecimal digits")
    if digest is None and commit is None:
        refuse(name, "the subject names neither a digest nor a commit")
    return Subject(digest, commit.lower() if commit else None)
