"""The nouns: request and decision, frozen, with their JSON form, their schemas and their canonical bytes."""

import sys

if "typing_extensions" not in sys.modules:
    # Where it is installed msgspec asks it for what Python itself has had since 3.11, and it takes as long to import.
    sys.modules["typing_extensions"] = None  # type: ignore[assignment]
    try:
        import msgspec  # noqa: F401
    finally:
        del sys.modules["typing_extensions"]
