"""Whose key is trusted, for what, and when: the allowed-signers files of ssh-keygen(1), which git reads too.

A line is ``principals [options] ssh-ed25519 AAAA… [comment]``. Read are the options ``namespaces``, ``valid-after``
and ``valid-before``; ``cert-authority`` and unknown options are refused rather than skipped, because a line that is
understood by half may trust too much. Keys of other types are kept out of the answer: nothing here could verify them.
"""

from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple, NoReturn

from gatecheck.text.diagnostic import Diagnostic, InputError
from gatecheck.text.source import Source, Span
from gatecheck.trust.openssh import FormError, OtherTypeError, PublicKey, parse_public_line

_KEY_TYPES = ("ssh-", "ecdsa-", "sk-")


class Signer(NamedTuple):
    """One line: who, with which key, for which namespaces (none named: all), from when and until when."""

    principals: tuple[str, ...]
    key: PublicKey
    namespaces: tuple[str, ...] = ()
    valid_after: datetime | None = None
    valid_before: datetime | None = None

    def is_of(self, name: str) -> bool:
        """Tell whether this line's principals, which may be patterns, name somebody; `!` before one takes names out."""
        said = [p for p in self.principals if fnmatchcase(name, p.removeprefix("!").replace("[", "[[]"))]
        return bool(said) and not any(p.startswith("!") for p in said)

    def refusal(self, namespace: str, at: datetime) -> str:
        """Return why this line does not vouch for a signature made at ``at``, or an empty string if it does."""
        if self.namespaces and not any(fnmatchcase(namespace, pattern) for pattern in self.namespaces):
            return f"is trusted for {_named(self.namespaces)}, not for `{namespace}`"
        if self.valid_after is not None and at < self.valid_after:
            return f"is trusted only after {_iso(self.valid_after)}"
        if self.valid_before is not None and at > self.valid_before:
            return f"was trusted only before {_iso(self.valid_before)}"
        return ""


class AllowedSigners(NamedTuple):
    """The signers of one file; ``name`` is the file as a reader knows it."""

    name: str
    signers: tuple[Signer, ...]

    def refusal(self, key: PublicKey, namespace: str, at: datetime) -> str:
        """Return why no line vouches for ``key`` at ``at``, or an empty string if one does."""
        reasons = [signer.refusal(namespace, at) for signer in self.signers if signer.key == key]
        if not reasons:
            return f"is not in {self.name}"
        return "" if "" in reasons else reasons[0]

    def knows(self, key: PublicKey) -> bool:
        """Tell whether a line names this key at all."""
        return any(signer.key == key for signer in self.signers)


def only(key: PublicKey, name: str) -> AllowedSigners:
    """Return a trust in one key and nobody else."""
    return AllowedSigners(name, (Signer(("*",), key),))


def load_signers(path: Path) -> AllowedSigners:
    """Return the signers of a file; ``InputError`` GC708 for what can't be read or is not supported."""
    from gatecheck.model.document import decode_text, read_bytes

    return parse_signers(decode_text(read_bytes(path), str(path)), str(path))


def parse_signers(text: str, name: str) -> AllowedSigners:
    """Return the signers that a text names. Raises ``InputError`` with every bad line, or if no line is left."""
    signers: list[Signer] = []
    problems: list[Diagnostic] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        body = line.strip()
        if not body or body.startswith("#"):
            continue
        try:
            signers.append(_parse_line(body))
        except OtherTypeError:
            continue
        except FormError as error:
            start = len(line) - len(line.lstrip()) + 1
            span = Span(name, number, start, number, start + len(body))
            problems.append(Diagnostic("GC708", f"this line can't be used: {error}", span))
    if not signers and not problems:
        hint = "each line is `name ssh-ed25519 AAAA…`"
        problems.append(Diagnostic("GC708", "the file names no ed25519 key, so it trusts nobody", file=name, hint=hint))
    if problems:
        raise InputError(*problems, sources={name: Source(name, text)})
    return AllowedSigners(name, tuple(signers))


def _parse_line(line: str) -> Signer:
    words = _words(line)
    if len(words) < 3:
        raise FormError("it is not `name [options] ssh-ed25519 AAAA…`")
    principals = tuple(words[0].strip('"').split(","))
    if words[1].startswith(_KEY_TYPES):
        return Signer(principals, parse_public_line(" ".join(words[1:3])))
    if len(words) < 4 or not words[2].startswith(_KEY_TYPES):
        raise FormError("it is not `name [options] ssh-ed25519 AAAA…`")
    key = parse_public_line(" ".join(words[2:4]))
    namespaces: tuple[str, ...] = ()
    limits: dict[str, datetime] = {}
    for option in _words(words[1], ","):
        name, _, value = option.partition("=")
        value = value.strip('"')
        if name.lower() == "namespaces" and value:
            namespaces = tuple(value.split(","))
            if any(char in value for char in "![]"):
                raise FormError(f"the pattern `{value}` is not supported; only `*` and `?` are")
        elif name.lower() in ("valid-after", "valid-before"):
            limits[name.lower()] = _instant(value)
        else:
            _refuse_option(name)
    after, before = limits.get("valid-after"), limits.get("valid-before")
    if after is not None and before is not None and before <= after:
        raise FormError("it ends before it begins")
    return Signer(principals, key, namespaces, after, before)


def _refuse_option(name: str) -> NoReturn:
    if name.lower() == "cert-authority":
        raise FormError("`cert-authority` is not supported; name each key itself")
    raise FormError(f"the option `{name}` is not known; known: namespaces, valid-after, valid-before")


def _words(text: str, separator: str = " ") -> list[str]:
    """Split at separators outside double quotes; the quotes stay."""
    words, word, quoted = [], "", False
    for char in text:
        if char == '"':
            quoted = not quoted
        if not quoted and (char == separator or (separator == " " and char == "\t")):
            words.append(word)
            word = ""
        else:
            word += char
    if quoted:
        raise FormError("a double quote is not closed")
    return [w for w in [*words, word] if w]


def _instant(text: str) -> datetime:
    """Read ``YYYYMMDD[HHMM[SS]][Z]``. Without ``Z`` ssh-keygen takes the machine's own zone; that is refused here."""
    digits = text.removesuffix("Z")
    form = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}.get(len(digits))
    bad = FormError(f"`{text}` is not a time such as 20261123Z or 202611230930Z")
    if form is None or not (digits.isascii() and digits.isdigit()):
        raise bad
    try:
        instant = datetime.strptime(digits, form).replace(tzinfo=UTC)
    except ValueError:
        raise bad from None
    if digits == text:
        raise FormError(f"`{text}` has no zone, so it differs from machine to machine; write `{text}Z`")
    return instant


def _named(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
