"""Read the recorded requests that a pack's tests name: JSON files in the pack's folder, which its digest leaves out."""

from pathlib import Path, PurePosixPath

from gatecheck.lang import core, scenario
from gatecheck.model.document import read_bytes
from gatecheck.model.request import Request
from gatecheck.model.schema import decode_request


def recorded_requests(pack: core.Pack, folder: Path | None) -> dict[str, Request]:
    """Return requests by the paths that tests name; what is not there, or not below ``folder``, is left out.

    Raises ``InputError`` for a file that is no request.
    """
    named = {item.path for s in pack.scenarios for item in s.items if isinstance(item, scenario.GivenRecorded)}
    found = {}
    for path in sorted(named):
        file = _below(folder, path)
        if file is not None:
            found[path] = decode_request(read_bytes(file), str(folder and folder / path))
    return found


def _below(folder: Path | None, path: str) -> Path | None:
    if folder is None or not path.isprintable() or PurePosixPath(path).is_absolute():
        return None
    file = (folder / path).resolve()
    return file if file.is_relative_to(folder.resolve()) and file.is_file() else None
