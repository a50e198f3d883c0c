"""Time zones from the `tzdata` package alone, so that the machine's own zone files and variables decide nothing."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


@cache
def _folder() -> Path:
    import tzdata

    return Path(tzdata.__file__).parent


@cache
def zone_names() -> frozenset[str]:
    """Return the names of all IANA zones."""
    return frozenset((_folder() / "zones").read_text("utf-8").split())


@cache
def load_zone(name: str) -> "ZoneInfo":
    """Return a zone by its exact IANA name; ``ValueError`` for any other name."""
    from zoneinfo import ZoneInfo

    if name not in zone_names():
        raise ValueError(f"there is no time zone `{name}`")
    with (_folder() / "zoneinfo" / name).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def tzdata_version() -> str:
    """Return the version of the zone data, such as `2026b`."""
    import tzdata

    return str(tzdata.IANA_VERSION)
