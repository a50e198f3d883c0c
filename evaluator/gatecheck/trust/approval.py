"""Signed approvals: what a person signs, and whose signature an approval carries.

What is signed is the approval itself as canonical JSON, so that the same words never serve for another artifact,
environment, stance or instant. `ssh-keygen -Y sign -n gatecheck-approval` signs it, and `-Y verify` checks it.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from gatecheck.model.canonical import canonical
from gatecheck.model.identity import fold
from gatecheck.model.instant import write_instant
from gatecheck.model.request import Approval
from gatecheck.trust.signers import AllowedSigners
from gatecheck.trust.vouch import vouched

NAMESPACE = "gatecheck-approval"
APPROVAL = "urn:gatecheck:approval:v1"
_PATTERN = frozenset("*?!")


def payload(approval: Approval) -> bytes:
    """Return the bytes that the approver signs: canonical JSON without a final newline.

    The approver's name is in small letters and the instant in UTC, so that a recorded request holds all that is needed.
    """
    stated = {
        "type": APPROVAL, "approver": fold(approval.approver), "stance": approval.stance,
        "at": write_instant(approval.at), "artifact": approval.artifact, "environment": approval.environment,
    }  # fmt: skip
    said = {"comment": approval.comment, "source": approval.source}
    return canonical(stated | {name: text for name, text in said.items() if text})


def signer(approval: Approval, names: Sequence[str], trust: AllowedSigners) -> tuple[str, str]:
    """Return the approver if the approval carries his signature; else nothing, and why not.

    ``names`` are all under which the directory knows the approver: he may have signed under any, and the trust file may
    name his key by any. A line of the trust file that names a pattern names no person, and vouches for none.
    """
    lines = [
        line._replace(principals=tuple(fold(p) for p in line.principals))
        for line in trust.signers
        if not any(_PATTERN.intersection(p) for p in line.principals)
    ]
    own, why = trust._replace(signers=tuple(lines)), ""
    for name in names:
        message = payload(replace(approval, approver=name))
        found, why = vouched(own, message, approval.signature, NAMESPACE, approval.at, names, "approval")
        if found:
            return approval.approver, ""
    return "", why
