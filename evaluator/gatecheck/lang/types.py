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
    """A record's field. A nullable one may be unmeasured, which makes what uses it undetermined.

    ``least`` and ``most`` bound the values of an int or a percent, both included; ``None`` is no bound.
    """

    name: str
    type: Type
    nullable: bool = False
    doc: str = ""
    least: Decimal | None = None
    most: Decimal | None = None


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
