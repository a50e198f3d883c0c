"""For whom a detached signature vouches: message, namespace, trust file and time must all fit."""

from collections.abc import Iterable
from datetime import datetime

from gatecheck.trust import sshsig
from gatecheck.trust.openssh import FormError
from gatecheck.trust.signers import AllowedSigners


def vouched(
    trust: AllowedSigners, message: bytes, armoured: str, namespace: str, at: datetime, names: Iterable[str],
    what: str = "file",
) -> tuple[tuple[str, ...], str]:  # fmt: skip
    """Return those of ``names`` for whom ``armoured`` vouches, sorted; or nobody, and why. ``what`` names the message.

    A signature says nothing of when it was made: ``at`` is the instant at which its key must be trusted.
    """
    try:
        signature = sshsig.parse(armoured)
    except FormError as error:
        return (), f"the signature can't be read: {error}"
    if signature.namespace != namespace:
        return (), f"the signature is for `{signature.namespace}`, not for `{namespace}`"
    lines = [signer for signer in trust.signers if signer.key == signature.key]
    if not lines:
        return (), f"the trust file does not name the key {signature.key.fingerprint}"
    if not signature.covers(message):
        return (), f"the signature is of another {what}"
    named = {name: [line for line in lines if line.is_of(name)] for name in sorted(set(names))}
    found = tuple(name for name, own in named.items() if "" in [line.refusal(namespace, at) for line in own])
    if found:
        return found, ""
    refusals = [line.refusal(namespace, at) for own in named.values() for line in own]
    whose = " or ".join(sorted({principal for line in lines for principal in line.principals}))
    return (), f"its key {refusals[0]}" if refusals else f"it is signed by {whose}"
