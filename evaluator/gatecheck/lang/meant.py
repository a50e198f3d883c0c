"""What a writer most likely meant where types don't fit: the hints of the checker, and how it names a type."""

from collections.abc import Collection, Mapping
from decimal import Decimal

from gatecheck.lang import core
from gatecheck.lang.types import DATE, DECIMAL, DURATION, INSTANT, INT, PERCENT, STRING, Type, comparable, is_text


def a(type_: Type) -> str:
    """Return a type with its article, as messages name it."""
    name = "symbol" if type_.is_enumeration and "." in type_.name else str(type_)
    return f"{'an' if name[0] in 'aeio' else 'a'} {name}"


def written_as(text: str, found: Type, wanted: Type) -> str:
    """Return how a value of one type is most likely meant in another, or an empty text."""
    number = text.rstrip("%")
    if wanted == PERCENT and found == DECIMAL and text.startswith(("0.", "1.0")):
        return f"write `{Decimal(text).scaleb(2).normalize():f}%`"
    if wanted == PERCENT and found == INT and text == "1":
        return "write `100%`, or `1%`"
    if wanted == PERCENT and found in (INT, DECIMAL):
        return f"write `{number}%`"
    if wanted in (INT, DECIMAL) and found == PERCENT:
        return f"write `{number}`"
    if wanted == DURATION and found == INT:
        return f"write a unit: `{number}h`"
    if wanted in (INT, DECIMAL, PERCENT, DURATION) and found == STRING and text[1:2].isdigit():
        return f"write it without quotes: `{text[1:-1]}`"
    if wanted.is_enumeration and found == STRING:
        return f"write it without quotes: `{text[1:-1]}`"
    if is_text(wanted) and found in (INT, DECIMAL):
        return f'write it in quotes: `"{text}"`'
    if wanted == INSTANT and found == DATE:
        return f"write the time and the offset: `{text}T00:00:00Z`"
    return ""


def as_other(found: core.Core, other: core.Core) -> str:
    """Return how a value that was compared with another is most likely meant."""
    item = other.type.item
    if isinstance(other, core.GateResult):
        return f"`{other.text}` is a gate, which passes or not: write it bare, or compare one of its fields"
    if is_text(other.type) and found.type.is_enumeration:
        return f'write it in quotes: `"{found.text}"`'
    if item is not None and found.type == INT:
        return f"count its items: `count({other.text})`"
    if item is not None and comparable(found.type, item):
        return f"write `{found.text} in {other.text}`"
    if other.type.fields:
        return "compare one of its fields: " + ", ".join(f"`{other.text}.{f.name}`" for f in other.type.fields)
    return written_as(found.text, found.type, other.type) if isinstance(found, core.Const) else ""


def as_condition(made: core.Core, names: Collection[str]) -> str:
    """Return how a value that is no condition is most likely meant as one; ``names`` are those of conditions."""
    if isinstance(made, core.Const) and made.type == STRING and made.value in names:
        return f"write it without quotes: `{made.value}`"
    if made.type.item is not None:
        return f"ask about its items: `count({made.text}) == 0`, or `any({made.text} where …)`"
    return "compare it with something"


def as_list(made: core.Core, gates: Mapping[str, tuple[Type, Mapping[str, Type]]]) -> str:
    """Return which list is most likely meant, where a gate is named instead of one of its lists."""
    if not isinstance(made, core.GateResult):
        return ""
    lists = [f"`{made.gate}.{f.name}`" for f in gates[made.gate][0].fields if f.type.item is not None]
    return f"its lists: {', '.join(lists)}" if lists else ""


def as_items(item: core.Core, items: core.Core) -> str:
    """Return how `item in items` is most likely meant, where the items are no list."""
    if not is_text(items.type) or isinstance(items, core.Const):
        return f"write a list: `[{items.text}]`"
    if isinstance(item, core.Const) and item.type == STRING:
        return f'write `{items.text} matches "*{item.value}*"`'
    return "look into text with `matches`"


def as_text(subject: core.Core) -> str:
    """Return how a value that is no text is most likely meant before `matches`."""
    if subject.type.item is None:
        return "compare it with `==` or `in`"
    if is_text(subject.type.item):
        return f"ask `any({subject.text} where it matches …)`"
    return f"ask about its items: `any({subject.text} where …)`"
