"""DSSE envelopes: a signed in-toto statement in the form that any DSSE verifier checks without gatecheck.

The ledger keeps the statement's bytes and the signature apart (git compresses raw text better than base64); the
envelope is made of them again on demand.
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error

from gatecheck.trust.key import SigningKey
from gatecheck.trust.openssh import FormError, PublicKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def pae(statement: bytes) -> bytes:
    """Return DSSE's pre-authentication encoding: the bytes that are signed."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(statement), statement)


def sign(key: SigningKey, statement: bytes) -> bytes:
    """Return the 64-byte signature of a statement."""
    return key.sign(pae(statement))


def envelope(statement: bytes, keyid: str, signature: bytes) -> bytes:
    """Return the envelope as canonical JSON. ``keyid`` is the key's ``SHA256:…`` fingerprint."""
    from gatecheck.model.canonical import canonical

    signatures = [{"keyid": keyid, "sig": b64encode(signature).decode()}]
    payload = b64encode(statement).decode()
    return canonical({"payload": payload, "payloadType": PAYLOAD_TYPE, "signatures": signatures})


def open_envelope(raw: bytes, key: PublicKey) -> bytes:
    """Return the statement in an envelope that ``key`` signed; ``FormError`` says why it is refused.

    DSSE's ``keyid`` is only a hint, so every signature is tried.
    """
    import json

    try:
        data = json.loads(raw)
        kind, statement = data["payloadType"], b64decode(data["payload"], validate=True)
        signatures = [b64decode(item["sig"], validate=True) for item in data["signatures"]]
    except (ValueError, KeyError, TypeError, Base64Error):
        raise FormError("it is not a DSSE envelope") from None
    if kind != PAYLOAD_TYPE:
        raise FormError(f"its payload type is `{kind}`, not `{PAYLOAD_TYPE}`")
    if not any(key.verifies(signature, pae(statement)) for signature in signatures):
        raise FormError(f"no signature in it is by {key.fingerprint}")
    return statement
