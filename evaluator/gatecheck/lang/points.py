"""Instants as rules write them, resolved: with an offset, or on the wall clock of a zone."""

from datetime import UTC, datetime

from gatecheck.lang import ast
from gatecheck.text.zones import load_zone


def resolve(point: ast.Point, zone: str = "UTC") -> datetime:
    """Return the instant in UTC; ``zone`` is that of a point which names none. ``ValueError`` for an unknown zone.

    A time that clocks skip is read as if they had not changed yet, one that they repeat as its first turn.
    """
    moment = datetime.fromisoformat(point.text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=load_zone(point.zone or zone))
    return moment.astimezone(UTC)
