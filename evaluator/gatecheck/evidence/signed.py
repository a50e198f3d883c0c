"""Signatures of evidence: `FILE.sig` beside a file, as `ssh-keygen -Y sign -n gatecheck-evidence FILE` writes it.

The key must be trusted when the evidence was produced, where it says so: what it says is part of what is signed. Else
it must be trusted as of the decision. Whoever holds a key that was trusted once can date evidence back to that time;
`fresh for` bounds how far.
"""

import os
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from gatecheck.evidence.values import short
from gatecheck.model.document import read_bytes
from gatecheck.model.request import Evidence
from gatecheck.text.diagnostic import InputError
from gatecheck.trust.signers import AllowedSigners

NAMESPACE = "gatecheck-evidence"
SUFFIX = ".sig"
_MAX_BYTES = 64 * 1024


class Asked(NamedTuple):
    """Whose signatures are asked for, by gate; whose keys those are, if a trust file says so; and as of when."""

    signers: Mapping[str, tuple[str, ...]]
    trust: AllowedSigners | None
    as_of: datetime


def signed(evidence: Evidence, raw: bytes, path: str, names: tuple[str, ...], asked: Asked) -> Evidence:
    """Return the evidence read from ``raw``, the content of the file ``path``, with whoever of ``names`` signed it."""
    from pathlib import Path

    from msgspec.structs import replace

    beside = Path(path + SUFFIX)
    if not os.path.lexists(beside):
        return evidence
    if beside.exists() and not beside.is_file():  # a pipe would be waited for without end
        return replace(evidence, unsigned=f"`{short(beside.name, 200)}` is not a file that a signature could stand in")
    try:
        armoured = read_bytes(beside, _MAX_BYTES).decode("ascii", "replace")
    except InputError:
        return replace(evidence, unsigned="the signature can't be read")
    if asked.trust is None:
        return replace(evidence, unsigned="there is no trust file to tell whose signature it is")
    from gatecheck.trust.vouch import vouched

    found, why = vouched(asked.trust, raw, armoured, NAMESPACE, evidence.produced_at or asked.as_of, names)
    return replace(evidence, signers=list(found), unsigned=short(why, 300))
