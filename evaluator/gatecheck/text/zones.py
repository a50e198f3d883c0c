"""Time zones from the `tzdata` package alone, so that the machine's own zone files and variables decide nothing."""

import os
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


@cache
def _folder() -> str:
    import tzdata

    return os.path.dirname(str(tzdata.__file__))


@cache
def zone_names() -> frozenset[str]:
    """Return the names of all IANA zones."""
    with open(os.path.join(_folder(), "zones"), encoding="utf-8") as file:
        return frozenset(file.read().split())


@cache
def load_zone(name: str) -> "ZoneInfo":
    """Return a zone by its exact IANA name; ``ValueError`` for any other name."""
    from zoneinfo import ZoneInfo

    if name not in zone_names():
        raise ValueError(f"there is no time zone `{name}`")
    with open(os.path.join(_folder(), "zoneinfo", name), "rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def tzdata_version() -> str:
    """Return the version of the zone data, such as `2026b`."""
    import tzdata

    return str(tzdata.IANA_VERSION)
