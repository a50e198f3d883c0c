"""The types of the language. There are few, they never convert into each other, and each names its unit."""

from decimal import Decimal

from msgspec import Struct


class Type(Struct, frozen=True):
    """A type: a scalar, an enumeration of symbols (`ordered` where they rise), a list, or a record."""

    name: str
    members: tuple[str, ...] = ()
    ordered: bool = False
    item: "Type | None" = None
    fields: tuple["FieldType", ...] = ()

    def __str__(self) -> str:
        if self.item is None:
            return self.name
        return "list of records" if self.item.fields else f"list of {self.item}"

    @property
    def is_enumeration(self) -> bool:
        """Whether values are symbols, written as bare names."""
        return bool(self.members)

    @property
    def is_ordered(self) -> bool:
        """Whether `<` and its kin compare two values."""
        return self.ordered or self.name in _ORDERED

    def field(self, name: str) -> "FieldType | None":
        """Return a record's field, or ``None``."""
        return next((f for f in self.fields if f.name == name), None)


class FieldType(Struct, frozen=True):
    """A record's field. A nullable one may be unmeasured, which makes what uses it undetermined."""

    name: str
    type: Type
    nullable: bool = False
    doc: str = ""


BOOL = Type("bool")
INT = Type("int")
DECIMAL = Type("decimal")
PERCENT = Type("percent")
DURATION = Type("duration")
DATE = Type("date")
INSTANT = Type("instant")
STRING = Type("string")
PATH = Type("path")
PERSON = Type("person")  # compared by folded names, as the request holds them
SEVERITY = Type("severity", ("none", "low", "medium", "high", "critical"), ordered=True)
UNKNOWN = Type("unknown")  # of what did not check: silences what would follow from it

_ORDERED = {"int", "decimal", "percent", "duration", "date", "instant"}
SCALARS = {t.name: t for t in (BOOL, INT, DECIMAL, PERCENT, DURATION, DATE, INSTANT, STRING, PATH, PERSON, SEVERITY)}


def is_text(type_: Type) -> bool:
    """Tell whether values are text, which `matches` and `==` compare with `"…"`."""
    return type_.name in ("string", "path", "person")


def comparable(left: Type, right: Type) -> bool:
    """Tell whether `left == right` makes sense: one type on both sides, whole numbers going with decimals."""
    if UNKNOWN in (left, right) or left == right:
        return True
    if {left.name, right.name} <= {"int", "decimal"}:
        return True
    return is_text(left) and is_text(right) and PERSON not in (left, right)


def list_of(item: Type) -> Type:
    """Return the type of lists of ``item``."""
    return Type("list", item=item)


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
