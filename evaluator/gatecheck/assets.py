"""Find the files that ship with gatecheck: the grammar, the schemas, the example packs.

A wheel carries them under ``gatecheck/_shipped``; a checkout has them beside ``evaluator/``.
"""

from pathlib import Path

_PACKAGE = Path(__file__).parent
_SHIPPED = _PACKAGE / "_shipped"
_ROOT = _SHIPPED if _SHIPPED.is_dir() else _PACKAGE.parent.parent


def shipped(*parts: str) -> Path:
    """Return the path of a shipped file or folder, such as ``shipped("schemas", "change.schema.json")``."""
    return _ROOT.joinpath(*parts)
