"""An override that asks fewer people than the rules do, and owes no review (GC316): the easiest way would be around."""

from collections.abc import Iterable, Iterator

from gatecheck.lang import core
from gatecheck.text.diagnostic import Diagnostic


def unreviewed(pack: core.Pack) -> Iterator[Diagnostic]:
    """Warn of each override without a review that asks fewer people than a rule may for one of its environments."""
    for o in pack.overrides:
        if o.reviewers:
            continue
        normal = [s for s in pack.statements if not s.advisory and set(s.environments) & set(o.environments)]
        asks, most = sum(_people(o.approvals)), max(_people(normal), default=0)
        if asks < most:
            people = "person" if asks == 1 else "people"
            message = f"the override `{o.name}` asks {asks} {people} where a rule asks {most}, and owes no review"
            yield Diagnostic("GC316", message, o.span, "", "add `review by … within …`", "warning")


def _people(statements: Iterable[core.Statement]) -> list[int]:
    """Return how many people each `approve by` among statements takes at least."""
    return [fewest(s.approval) for s in statements if s.approval is not None]


def fewest(approval: core.Approval) -> int:
    """Return how many people an approval takes at least."""
    return min(sum(map(len, alternative)) for alternative in approval.alternatives)
