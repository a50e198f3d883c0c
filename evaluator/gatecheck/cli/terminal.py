"""What standard output is: colours are for people at a terminal, and for nobody who set `NO_COLOR`."""

import os
import sys


def wants_colour() -> bool:
    """Tell whether standard output is a terminal that may show colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
