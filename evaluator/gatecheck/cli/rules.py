"""Where rules come from: a folder, or a folder at a git revision that the change under judgement can't touch."""

import os
from collections.abc import Collection, Iterable

from gatecheck.cli.documents import below


def read_rules(named: str, base: str = "") -> tuple[dict[str, bytes], str]:
    """Return a pack's files and the prefix that their names get in messages.

    ``named`` is a path below ``base``, or `REV:PATH`. With a colon it is a revision even where such a path exists: else
    a change could bring a folder `main:rules` of its own. A path with a colon begins with `./`, `../` or `/`.
    """
    if ":" not in named or named.startswith(("./", "../", "/")):
        from gatecheck.lang.pack import read_folder

        path = below(base, named)
        return read_folder(path), f"{named.rstrip('/')}/" if os.path.isdir(path) else ""
    from pathlib import Path

    from gatecheck.repository.packs import pack_files

    revision, _, folder = named.partition(":")
    return pack_files(Path(base), revision, folder), f"{named.rstrip('/')}/"


def named_rules(given: str) -> tuple[str, str]:
    """Return which pack is meant, and the folder that its path is below: as given, else as ``gatecheck.yaml`` says."""
    from gatecheck.cli.documents import read_config, require

    config, base = ({}, "") if given else read_config()
    return given or require(config.get("rules"), "rules", "name the folder of `.gate` files"), base


def check_environments(named: Iterable[str], known: Collection[str]) -> None:
    """Raise ``InputError`` for each environment named that the rules don't know."""
    from gatecheck.text.diagnostic import Diagnostic, InputError
    from gatecheck.text.nearest import did_you_mean

    unknown = [n for n in named if n not in known]
    if unknown:
        raise InputError(
            *(Diagnostic("GC520", f"the rules know no environment `{n}`", hint=did_you_mean(n, known)) for n in unknown)
        )
