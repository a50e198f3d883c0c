"""Write a test that pins a recorded decision: its request beside the pack, and what it came to as expectations."""

from collections.abc import Iterator, Mapping
from typing import Any

from gatecheck.lang.pack import load
from gatecheck.lang.unparse import quoted

_WORST = ("failed", "waiting", "waived", "passed")
# What `expect` reads as something else than the name of a rule.
_WORDS = {"allow", "deny", "deploy", "gate", "missing", "not", "notify", "overridden", "pending", "risk", "rule"}
_NAMED = ("evidence", "promote", "deploy")


def file_name(entry: str) -> str:
    """Return where the request of an entry is kept, from the pack's folder."""
    return f"decisions/{entry[:12]}.request.json"


def pinned(entry: str, statement: dict[str, Any]) -> str:
    """Return the test of a recorded decision, given by its entry's id and its statement."""
    predicate = statement["predicate"]
    gates = {f["gate"] for f in predicate["findings"] if f.get("gate")}
    lines = [
        f"given recorded {quoted(file_name(entry))}",
        f"expect {predicate['verdict']}",
        f"expect risk {predicate['risk']['level']}",
        *_findings(predicate["findings"], gates),
        "expect overridden" if predicate.get("override") else "expect not overridden",
    ]
    missing = _lacks(predicate["missing"], gates)
    if missing:
        lines.append(f"expect missing {', '.join(missing)}")
    body = "".join(f"  {line}\n" for line in lines)
    return f"test recorded-{entry[:12]} {{\n{body}}}\n"


def appended(files: Mapping[str, bytes], where: str, name: str, before: bytes, test: str) -> str:
    """Return what is to be appended to one of a pack's files, which holds ``before``, so that it holds a test as well.

    Raises ``RulesError`` where that would not be a sound pack: nothing is to be written then.
    """
    gap = "" if not before else "\n" if before.endswith(b"\n") else "\n\n"
    load({**files, name: before + (gap + test).encode()}, where)
    return gap + test


def _findings(findings: list[dict[str, Any]], gates: set[str]) -> Iterator[str]:
    """Yield an expectation for each rule of which a finding did not pass, and one for each such gate in it."""
    short = [f for f in findings if f["status"] != "passed"]
    for rule in sorted({f["rule"] for f in short}):
        of_rule = [f for f in short if f["rule"] == rule]
        status = min((f["status"] for f in of_rule), key=_WORST.index)
        yield _expect(rule, [f for f in of_rule if f["status"] == status], gates)
        for f in sorted((f for f in of_rule if f.get("gate")), key=lambda f: str(f["gate"])):
            yield _expect(f"{rule}/{f['gate']}", [f], gates)


def _expect(name: str, findings: list[dict[str, Any]], gates: set[str]) -> str:
    advisory = "advisory " if findings[0].get("advisory") else ""
    lacking = _lacks([a for f in findings for a in f.get("missing", ())], gates)
    missing = f" for {', '.join(lacking)}" if lacking else ""
    kind = "rule " if findings[0]["rule"] in _WORDS else ""
    return f"expect {kind}{name} {advisory}{findings[0]['status']}{missing}"


def _lacks(actions: list[dict[str, Any]], gates: set[str]) -> list[str]:
    names: set[str] = set()
    for a in actions:
        if a["action"] == "approve":
            names.update(a.get("groups", ()))
        elif a["action"] in _NAMED or (a["action"] == "mend" and a.get("subject") in gates):
            names.add(a["subject"])
    return sorted(names)
