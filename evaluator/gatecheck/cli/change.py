"""``gatecheck change``: write the change document of a range of commits."""

import json
import re
from pathlib import Path
from typing import Any

import click

from gatecheck.cli.exits import Exit
from gatecheck.text.diagnostic import input_error


@click.command(name="change")
@click.argument("span", metavar="BASE..HEAD")
@click.option("--artifact", metavar="NAME@DIGEST", required=True, help="What is promoted: its name and digest.")
@click.option("--type", "type_", metavar="TYPE", help="The change type.  [default: what all commits' prefixes state]")
@click.option("--id", "id_", metavar="TEXT", help="The change's name elsewhere, such as PR-1412.  [default: the range]")
@click.option("--service", metavar="NAME", help="What changes.  [default: the artifact's name]")
@click.option("--title", metavar="TEXT", help="What the change does.  [default: the title of HEAD]")
@click.option("--risk", metavar="LEVEL", help="A risk level; it can raise the computed one, never lower it.")
@click.option("--requester", metavar="PERSON", help="Who asks for the promotion.")
@click.option("--requested-at", metavar="INSTANT", help="When, with its offset; escalations count from here.")
@click.option("--label", "labels", metavar="TEXT", multiple=True, help="A label; may be given several times.")
@click.option(
    "--attribute", "attributes", metavar="NAME=VALUE", multiple=True, help="A fact that the rule pack declares."
)
@click.option("--repository", metavar="PATH", default=".", help="A folder of the repository.  [default: this one]")
@click.option("-o", "--output", metavar="FILE", help="Write to a file; YAML where its name ends in `.yaml`.")
def command(
    span: str,
    artifact: str,
    type_: str | None,
    requested_at: str | None,
    labels: tuple[str, ...],
    attributes: tuple[str, ...],
    repository: str,
    output: str | None,
    **stated: str | None,
) -> int:
    """Write the change document of the commits from BASE to HEAD.

    Files are compared with where the two parted. The author is that of HEAD; everybody else who wrote, committed or
    co-authored a commit is a committer, so that nobody's own work counts as approved by them. An attribute's VALUE is
    `true`, `false`, a number, or text; put text that looks like one in double quotes.

    \b
    Examples:
      gatecheck change origin/main..HEAD --artifact pay@sha256:9f86… -o change.json
      gatecheck change v2.13..v2.14 --artifact pay@sha256:9f86… --type feature \\
          --id PR-1412 --label incident --attribute ticket=PAY-1412
    """
    from gatecheck.model.instant import parse_instant
    from gatecheck.model.schema import load
    from gatecheck.repository.changes import change_from_git

    change = change_from_git(
        Path(repository),
        span,
        artifact=artifact,
        type_=type_,
        requested_at=parse_instant(requested_at, "--requested-at") if requested_at else None,
        labels=labels,
        attributes=dict(_attribute(text) for text in attributes),
        **stated,
    )
    text = json.dumps(change, ensure_ascii=False, indent=1) + "\n"
    typed = load(text.encode(), "change", "change")  # what an option holds must fit as well
    if output is not None and output.endswith((".yaml", ".yml")):
        import yaml

        text = yaml.safe_dump(change, allow_unicode=True, sort_keys=False, width=120)
        if load(text.encode(), output, "change") != typed:
            raise input_error("GC871", "the change can't be written as YAML without loss", hint="write JSON")
    _write(text, output)
    return Exit.ALLOW


def _attribute(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise input_error("GC870", f"the attribute `{text}` has no value", hint=f"write `{name}=VALUE`")
    if value in ("true", "false"):
        return name, value == "true"
    if re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", value):
        return name, int(value)
    if re.fullmatch(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,18}", value):
        return name, {"$decimal": value}
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return name, value[1:-1] if quoted else value


def _write(text: str, output: str | None) -> None:
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise input_error("GC871", f"can't be written: {(error.strerror or '').lower()}", file=output) from None
