"""``gatecheck explain-code``: show the page of a diagnostic's code."""

from collections.abc import Iterable

import click


@click.command(name="explain-code")
@click.argument("code", required=False)
def command(code: str | None) -> None:
    """Explain the code of a diagnostic: what it is, why it is so, how to mend it. Without CODE, list all codes.

    \b
    Examples:
      gatecheck explain-code
      gatecheck explain-code GC202
    """
    from gatecheck.report.pages import pages, shown
    from gatecheck.text.diagnostic import input_error

    known = pages()
    if code is None:
        click.echo("".join(f"{page.code}  {page.title}\n" for page in known.values()), nl=False)
        return
    page = known.get(code.upper())
    if page is None:
        raise input_error("GC801", f"there is no code `{code}`", hint=_nearest(code, known))
    click.echo(shown(page), nl=False)


def _nearest(code: str, known: Iterable[str]) -> str:
    """Return a hint that names the code of the nearest number: it is of the same family."""
    from re import ASCII, IGNORECASE, fullmatch

    number = fullmatch(r"(?:GC)?(\d{1,6})", code, ASCII | IGNORECASE)
    if number is None:
        return "`gatecheck explain-code` lists them"
    return f"did you mean `{min(known, key=lambda each: abs(int(each[2:]) - int(number[1])))}`?"
