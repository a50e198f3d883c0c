"""Find the files that ship with gatecheck: the grammar, the schemas, the example packs, the pages of diagnostics.

A wheel carries them under ``gatecheck/_shipped``; a checkout has them beside ``evaluator/``.
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = os.path.dirname(os.path.abspath(__file__))
_SHIPPED = os.path.join(PACKAGE, "_shipped")
ROOT = _SHIPPED if os.path.isdir(_SHIPPED) else os.path.dirname(os.path.dirname(PACKAGE))


def shipped(*parts: str) -> "Path":
    """Return the path of a shipped file or folder, such as ``shipped("schemas", "change.schema.json")``."""
    from pathlib import Path

    return Path(ROOT, *parts)
