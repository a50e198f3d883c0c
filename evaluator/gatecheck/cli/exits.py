"""Exit codes: the contract with every pipeline that runs gatecheck."""

from enum import IntEnum


class Exit(IntEnum):
    """What a process says by ending. Only 0 means that the change may go on."""

    ALLOW = 0
    UNEXPECTED = 1
    USAGE = 2
    DENY = 3
    PENDING = 4
    RULES = 5
    LEDGER = 6
    TESTS = 7


BY_VERDICT = {"allow": Exit.ALLOW, "deny": Exit.DENY, "pending": Exit.PENDING}
