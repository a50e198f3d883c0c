"""The nearest known name to a misspelt one, for hints."""

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like ``name``, or ``None`` when none is like it; ties go to the first in order."""
    from difflib import get_close_matches

    candidates = sorted(set(known))
    folded = {c.replace("_", "-").lower(): c for c in reversed(candidates)}
    wanted = name.replace("_", "-").lower()
    if wanted in folded:
        return folded[wanted]
    close = get_close_matches(wanted, sorted(folded), n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint naming the nearest known name, or listing what there is."""
    names = sorted(set(known))
    near = nearest(name, names)
    if near is not None:
        return f"did you mean `{near}`?"
    if not names:
        return "there are none"
    shown = ", ".join(names[:12])
    return f"known: {shown}" + (", …" if len(names) > 12 else "")
