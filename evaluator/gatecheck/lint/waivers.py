"""Waivers that have ended (GC314), which do nothing any more, and those that end soon (GC315)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from gatecheck.lang import core
from gatecheck.model.instant import write_instant
from gatecheck.text.diagnostic import Diagnostic

_SOON = timedelta(days=14)


def ended(pack: core.Pack, as_of: datetime) -> Iterator[Diagnostic]:
    """Warn of each waiver whose end has come, or comes within a fortnight."""
    for w in pack.waivers:
        named = f"the waiver of {', '.join((*w.gates, *w.rules))}"
        end = write_instant(w.until)
        if w.until <= as_of:
            yield Diagnostic("GC314", f"{named} ended {end}", w.span, "", "take it away", "warning")
        elif w.until <= as_of + _SOON:
            hint = f"{w.owner} owns it: mend what it lets off, or agree on a new end"
            yield Diagnostic("GC315", f"{named} ends {end}", w.span, "", hint, "warning")
