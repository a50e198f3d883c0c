"""Read the parts of a request: the schemas are the contract, the classes of ``model.request`` their fast reader.

A document that fits costs one conversion. One that does not is judged again by its JSON Schema, which finds all that
is wrong with it at once; ``model.explain`` says so in words. Where the two disagree the document is refused.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from re import match
from typing import Any, Literal, cast, overload

import msgspec

from gatecheck.model.config import Config
from gatecheck.model.document import parse_document
from gatecheck.model.instant import is_instant, write_instant
from gatecheck.model.request import Approval, Change, Deployment, Directory, Request

Part = Literal["change", "approvals", "directory", "deployments", "request", "config"]

_MAX_NUMBER = 2**53 - 1
_DECIMAL = r"^-?[0-9]+(\.[0-9]+)?(E[+-]?[0-9]{1,3})?$(?!\n)"


@overload
def load(raw: bytes, name: str, part: Literal["change"]) -> Change: ...
@overload
def load(raw: bytes, name: str, part: Literal["approvals"]) -> list[Approval]: ...
@overload
def load(raw: bytes, name: str, part: Literal["directory"]) -> Directory: ...
@overload
def load(raw: bytes, name: str, part: Literal["deployments"]) -> list[Deployment]: ...
@overload
def load(raw: bytes, name: str, part: Literal["request"]) -> Request: ...
@overload
def load(raw: bytes, name: str, part: Literal["config"]) -> Config: ...
def load(raw: bytes, name: str, part: Part) -> Any:
    """Return a JSON or YAML document as the typed part of a request that it must be.

    ``name`` is the file's, for messages. Raises ``InputError`` with everything that is wrong, each at its line.
    """
    data = parse_document(raw, name)
    try:
        return read(data, part)
    except ValueError as refusal:  # msgspec.ValidationError is one
        from gatecheck.model.explain import explain

        raise explain(data, raw, name, part, str(refusal)) from None


def read(data: Any, part: Part) -> Any:
    """Return parsed data as the typed part; ``ValueError`` with a bare reason where it does not fit."""
    value = msgspec.convert(data, _TYPES[part])
    finish = _FINISH.get(part)
    if finish is not None:
        finish(data, value)
    return value


def decode_request(raw: bytes, name: str = "request.json") -> Request:
    """Return a recorded request; ``InputError`` where it does not fit its schema."""
    return load(raw, name, "request")


def encode_request(request: Request) -> dict[str, Any]:
    """Return a request as plain data for canonical JSON: instants in UTC, exact decimals as ``{"$decimal": text}``.

    Defaults are left out. ``decode_request`` of its canonical bytes gives an equal request again.
    """
    from datetime import datetime

    plain: dict[str, Any] = _plain(msgspec.to_builtins(request, builtin_types=(datetime, Decimal)))
    return plain


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if kind is dict:
        return {k: _plain(v) for k, v in value.items()}
    if kind is list or kind is tuple:
        return [_plain(v) for v in value]
    if kind is Decimal:
        return {"$decimal": str(value)}
    return write_instant(value)


def _finish_change(data: Any, change: Change) -> None:
    _check_instants((data,), "requested_at")
    attributes: dict[str, Any] = cast("dict[str, Any]", change.attributes)
    for name, value in attributes.items():
        if type(value) is dict:
            attributes[name] = _decimal(value)
        elif type(value) not in (str, int, bool, Decimal):
            raise ValueError(f"`attributes.{name}` is not a single value")
        else:
            _check_number(value)


def _finish_approvals(data: Any, _approvals: list[Approval]) -> None:
    _check_instants(data, "at")
    for number, item in enumerate(data):
        if "signer" in item or "unsigned" in item:  # who verifies a signature says so, in the request
            raise ValueError(f"`[{number}]` says of its signature what only who verifies it can say")


def _finish_directory(data: Any, _directory: Directory) -> None:
    for entry in data.get("people", {}).values():
        _check_instants(entry.get("away", ()), "from", "to")


def _finish_deployments(data: Any, _deployments: list[Deployment]) -> None:
    _check_instants(data, "from", "to", "verified_at")


def _finish_request(data: Any, request: Request) -> None:
    _check_instants((data,), "as_of")
    _finish_change(data["change"], request.change)
    _check_instants(data.get("approvals", ()), "at")
    _finish_directory(data.get("directory", {}), request.directory)
    _finish_deployments(data.get("deployments", ()), request.deployments)
    _check_instants(data.get("promotions", ()), "at")
    _check_instants(data.get("evidence", {}).values(), "produced_at")
    for evidence in request.evidence.values():
        for name, value in evidence.fields.items():
            evidence.fields[name] = _field_value(value)


def _check_instants(objects: Iterable[dict[str, Any]], *keys: str) -> None:
    """Refuse what msgspec's reader of instants lets pass and the schema's pattern does not."""
    for item in objects:
        for key in keys:
            text = item.get(key)
            if text is not None and not is_instant(text):
                raise ValueError(f"`{key}` is not an instant")


def _check_number(value: Any) -> None:
    if type(value) is not str and not -_MAX_NUMBER <= value <= _MAX_NUMBER:
        raise ValueError(f"the number {value} is beyond 2^53 - 1")


def _decimal(tagged: dict[str, Any]) -> Decimal:
    digits = tagged.get("$decimal")
    if len(tagged) != 1 or type(digits) is not str or len(digits) > 420 or match(_DECIMAL, digits) is None:
        raise ValueError("is not an exact decimal")
    return Decimal(digits)


def _field_value(value: Any) -> Any:
    """Return a value of evidence with its decimals read; nesting is bounded by the document's."""
    kind = type(value)
    if kind is dict:
        if "$decimal" in value:
            return _decimal(value)
        return {_field_name(k): _field_value(v) for k, v in value.items()}
    if kind is list:
        return [_field_value(v) for v in value]
    if value is not None:
        _check_number(value)
    return value


def _field_name(name: str) -> str:
    if not (name.isascii() and name.isprintable() and name and name == name.strip() and name[0] != "$"):
        raise ValueError(f"`{name}` is not a field's name")
    return name


_TYPES: dict[str, Any] = {
    "change": Change,
    "approvals": list[Approval],
    "directory": Directory,
    "deployments": list[Deployment],
    "request": Request,
    "config": Config,
}
_FINISH: dict[str, Callable[[Any, Any], None]] = {
    "change": _finish_change,
    "approvals": _finish_approvals,
    "directory": _finish_directory,
    "deployments": _finish_deployments,
    "request": _finish_request,
}
