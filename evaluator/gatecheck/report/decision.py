"""Render a recorded decision: one record, many formats, one file for each.

Nothing but the record is rendered, so a decision that was stored gives the same text years later.
"""

from typing import Any

from gatecheck.report.words import Recorded

__all__ = ["FORMS", "Recorded", "render"]

FORMS = ("text", "json", "markdown", "github")


def render(
    statement: dict[str, Any],
    form: str,
    *,
    explain: bool = False,
    colour: bool = False,
    recorded: Recorded | None = None,
) -> str:
    """Return a decision in one of ``FORMS``, ending in a newline.

    ``statement`` is the record, as ``model.record.check_statement`` accepts it. ``explain`` adds every finding and
    lifts the bounds on long lists, ``colour`` adds terminal colours to `text`, ``recorded`` adds where the decision
    was recorded; `json` is the record itself, whatever else is asked. Raises ``InputError`` for an unknown format.
    """
    if form == "text":
        from gatecheck.report.text import text

        return text(statement, explain=explain, colour=colour, recorded=recorded)
    if form == "json":
        from gatecheck.model.canonical import canonical

        return canonical(statement).decode() + "\n"
    if form == "markdown":
        from gatecheck.report.markdown import markdown

        return markdown(statement, explain=explain, recorded=recorded)
    if form == "github":
        from gatecheck.report.github import annotations

        return annotations(statement, recorded=recorded)
    from gatecheck.text.diagnostic import input_error
    from gatecheck.text.nearest import did_you_mean

    raise input_error("GC801", f"there is no format `{form}`", hint=did_you_mean(form, FORMS))
