"""Take members out of parsed JSON that somebody else wrote, refusing with a sentence what has another type."""

from typing import Any

from gatecheck.evidence.values import MAX_COUNT, refuse, short


def object_in(data: dict[str, Any], key: str, name: str) -> dict[str, Any]:
    """Return the object under ``key``; ``InputError`` where it is absent or something else."""
    if key not in data:
        refuse(name, f"has no `{key}`")
    return member(data, key, name)


def member(data: dict[str, Any], key: str, name: str) -> dict[str, Any]:
    """Return the object under a ``key`` that is known to be there."""
    value = data[key]
    if not isinstance(value, dict):
        refuse(name, f"`{short(key, 100)}` is {described(value)}, not an object")
    return value


def objects_in(data: dict[str, Any], key: str, name: str) -> list[dict[str, Any]]:
    """Return the list of objects under ``key``, empty where it is absent or null."""
    value = data.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        refuse(name, f"`{key}` is {described(value)}, not a list")
    for item in value:
        if not isinstance(item, dict):
            refuse(name, f"`{key}` holds {described(item)}, not only objects")
    return value


def text_in(data: dict[str, Any], key: str, name: str) -> str | None:
    """Return the string under ``key``, or ``None`` where it is absent or null."""
    value = data.get(key)
    if value is not None and not isinstance(value, str):
        refuse(name, f"`{key}` is {described(value)}, not a string")
    return value


def count_in(data: dict[str, Any], key: str, name: str) -> int:
    """Return the count under ``key``: an integer from 0 to 2^53 - 1."""
    if key not in data:
        refuse(name, f"has no `{key}`")
    value = data[key]
    if type(value) is not int or not 0 <= value <= MAX_COUNT:
        refuse(name, f"`{key}` is {described(value)}, not a count")
    return value


def described(value: object) -> str:
    """Return what a value of JSON is, for a message."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, dict) else "a number"
