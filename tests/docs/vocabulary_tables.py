"""The reference's tables of names, from the schemas. Run as a script it writes them into ``docs/language.md``."""

import re
from pathlib import Path

from gatecheck.lang import vocabulary
from gatecheck.lang.types import Type

REFERENCE = Path(__file__).parents[2] / "docs" / "language.md"
_MARKED = re.compile(r"(<!-- generated: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def tables() -> dict[str, str]:
    """Return the text between each pair of marks."""
    evidence = [f"**{kind}**\n\n{_table(record, '', 'unmeasured')}" for kind, record in _kinds()]
    return {"change": _table(vocabulary.change_type(), "change.", "unstated"), "evidence": "\n".join(evidence)}


def written(text: str) -> str:
    """Return the reference with its tables as they should be."""
    made = tables()
    return _MARKED.sub(lambda m: m[1] + made[m[2]] + m[4], text)


def _kinds() -> list[tuple[str, Type]]:
    return sorted(vocabulary.evidence_kinds().items())


def _table(record: Type, prefix: str, absent: str) -> str:
    rows = [f"| name | type | may be {absent} | |", "|---|---|---|---|", *_rows(record, prefix)]
    return "\n".join(rows) + "\n"


def _rows(record: Type, prefix: str) -> list[str]:
    rows = []
    for field in record.fields:
        name = f"{prefix}{field.name}"
        inner = field.type.item if field.type.item is not None else field.type
        if field.type.item is None and inner.fields:
            rows += _rows(inner, f"{name}.")
            continue
        doc = " ".join(field.doc.split()).replace("|", "\\|")
        rows.append(f"| `{name}` | {_type(field.type)} | {'yes' if field.nullable else ''} | {doc} |")
        if inner.fields:
            rows += _rows(inner, f"{name} … where ")
    return rows


def _type(type_: Type) -> str:
    if type_.item is not None:
        return "list" if type_.item.fields else f"list of {_type(type_.item)}"
    if type_.is_enumeration and type_.name != "severity":
        return " ".join(f"`{member}`" for member in type_.members)
    return type_.name


if __name__ == "__main__":
    REFERENCE.write_text(written(REFERENCE.read_text("utf-8")), "utf-8")
