"""The `gatecheck` command."""

import gc
import os
import sys
from io import TextIOWrapper


def main() -> None:
    """Run the command line and exit with its code."""
    # A locale decides nothing, nor the bytes of what is written.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    # Nearly all that a short process makes lives to its end: looking for garbage among it takes a sixth of the time.
    gc.set_threshold(100_000)
    # Zones are those of the tzdata package; asking sysconfig where the machine keeps others takes 1 ms.
    os.environ.setdefault("PYTHONTZPATH", "")
    try:
        from gatecheck.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # so early, or so late, that no command was there to answer it
        code = 1
    gc.freeze()  # nor is it looked through once more on the way out
    sys.exit(code)


if __name__ == "__main__":
    main()
