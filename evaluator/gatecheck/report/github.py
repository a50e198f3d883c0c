"""A decision for GitHub Actions: annotations on the run, the job's summary, and the step's outputs.

Each is a protocol of its own, and a record holds text by others: whatever could end a command's property or a line is
escaped as the runner's commands ask.
"""

from collections.abc import Mapping

from gatecheck.report import words
from gatecheck.report.words import PLAIN, Item, Record, Recorded, plain

_SHOWN = 9  # the runner keeps ten annotations of each level a step, and the verdict is one
_LEVELS = {"deny": "error", "pending": "warning", "allow": "notice"}
_ERRORS, _NOTICES = ("fails", "failed", "stopped"), ("waived", "advises", "or")


def annotations(statement: Record, *, recorded: Recorded | None = None) -> str:
    """Return workflow commands: the verdict, then one for each thing to do at the rule that asks for it."""
    predicate = statement["predicate"]
    items, left = words.to_do(predicate, PLAIN, _SHOWN)
    verdict, artifact, environment, risk = words.heading(statement, PLAIN)
    head = f"{artifact} -> {environment}, risk {risk}; passed {words.tally(predicate)}"
    head += f"; {left} more to do" if left else ""
    head += "" if recorded is None else f"; recorded as {words.entry_name(recorded)}"
    level = "warning" if predicate.get("overridden") else _LEVELS[predicate["verdict"]]
    lines = [command(level, {"title": f"gatecheck: {verdict}"}, head)]
    return "\n".join(lines + [_annotation(item) for item in items]) + "\n"


def summary(statement: Record, *, recorded: Recorded | None = None) -> str:
    """Return the job's summary, to be appended to the file that `GITHUB_STEP_SUMMARY` names."""
    from gatecheck.report.markdown import markdown

    return markdown(statement, explain=True, recorded=recorded)


def outputs(statement: Record, *, recorded: Recorded | None = None) -> str:
    """Return the step's outputs, to be appended to the file that `GITHUB_OUTPUT` names.

    `verdict`; `overridden`, whether somebody broke the glass; `missing`, the record's list of actions as JSON; `entry`,
    the ledger entry's id, empty where there is none. Each value is one line of ASCII by its making, so that none needs
    a delimiter that it might hold.
    """
    import json

    predicate = statement["predicate"]
    missing = json.dumps(predicate["missing"], sort_keys=True, separators=(",", ":"))
    entry = "" if recorded is None else ascii(plain(recorded.entry))[1:-1]
    overridden = "true" if predicate.get("overridden") else "false"
    return f"verdict={predicate['verdict']}\noverridden={overridden}\nmissing={missing}\nentry={entry}\n"


def _annotation(item: Item) -> str:
    remedy = f"\nremedy: {item.remedy}" if item.remedy else ""
    level = "error" if item.label in _ERRORS else "notice" if item.label in _NOTICES else "warning"
    title = f"gatecheck: {plain(item.rule)}" if item.rule else "gatecheck"
    place: dict[str, str | int] = {"file": plain(item.file, 1000), "line": item.line} if item.file else {}
    return command(level, {**place, "title": title}, f"{item.label} {item.text}{remedy}")


def command(level: str, properties: Mapping[str, str | int], message: str) -> str:
    """Return a workflow command, with whatever its properties and message hold escaped; it has no line's end."""
    return (
        f"::{level} {','.join(f'{name}={_property(str(said))}' for name, said in properties.items())}::{_data(message)}"
    )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
