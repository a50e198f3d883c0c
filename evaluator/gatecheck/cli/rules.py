"""Where rules come from: a folder, or a folder at a git revision that the change under judgement can't touch."""

from pathlib import Path


def read_rules(named: str, base: Path) -> tuple[dict[str, bytes], str]:
    """Return a pack's files and the prefix that their names get in messages.

    ``named`` is a path below ``base``, or `REV:PATH`. With a colon it is a revision even where such a path exists: else
    a change could bring a folder `main:rules` of its own. A path with a colon begins with `./`, `../` or `/`.
    """
    from gatecheck.lang.pack import read_folder

    path = base / named
    if ":" not in named or named.startswith(("./", "../", "/")):
        return read_folder(path), f"{named.rstrip('/')}/" if path.is_dir() else ""
    from gatecheck.repository.packs import pack_files

    revision, _, folder = named.partition(":")
    return pack_files(base, revision, folder), f"{named.rstrip('/')}/"
