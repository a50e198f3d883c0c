"""``gatecheck.yaml`` at a repository's root: what ``gatecheck evaluate`` uses where an option is not given."""

from typing import Annotated, Literal

from msgspec import Meta, field

from gatecheck.model.request import Frozen, Name

# No pattern here: in a union with a list msgspec 0.22 frees a pattern twice when the interpreter ends.
Text = Annotated[str, Meta(min_length=1, max_length=1000)]
Format = Literal["text", "json", "markdown", "github"]


class Config(Frozen, frozen=True):
    """Options by their long names, ``None`` where the file says nothing; paths are relative to the file's folder."""

    rules: Text | None = None
    change: Text | None = None
    environment: Name | None = None
    evidence: Text | list[Text] = field(default_factory=list)
    approvals: Text | list[Text] = field(default_factory=list)
    directory: Text | None = None
    deployments: Text | None = None
    trust: Text | None = None
    ledger: Text | None = None
    key: Text | None = None
    format: Format | None = None
    output: Text | None = None
    explain: bool = False
