"""Random rule packs, as text, and requests that fit them: well typed, small, and full of edges.

All choices come from one ``random.Random``: a seeded one where volume counts, one of Hypothesis's where a failure is
to shrink. Expressions grow from the vocabulary's types, so a new field or kind of evidence is asked about by itself.
Every instant lies on the same few half hours, so that approvals collide and windows, soaks and ages end to the instant.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any, TypeVar

from gatecheck.engine.compile import compile_pack
from gatecheck.engine.program import Program
from gatecheck.lang import core, vocabulary
from gatecheck.lang.own import own_kind
from gatecheck.lang.pack import load
from gatecheck.lang.types import SCALARS, Type
from gatecheck.model.instant import write_instant
from gatecheck.model.request import Request
from gatecheck.model.schema import read
from gatecheck.text.diagnostic import RulesError

Item = TypeVar("Item")

PEOPLE = ("alice", "bob", "carol", "dan", "eve")
GROUPS = ("lead", "pm", "on-call", "absent", "nobody")
ENVIRONMENTS = ("dev", "staging", "production")
LEVELS = ("low", "medium", "high", "critical")
SERVICES = ("billing", "search")
SIGNERS = ("ci", "release")
OWN_SCALARS = (
    ("bool", "boolean"), ("int", "integer"), ("decimal", "number"), ("percent", "string"), ("duration", "string"),
    ("date", "string"), ("instant", "string"), ("string", "string"), ("path", "string"), ("person", "string"),
    ("severity", "string"),
)  # fmt: skip
ARTIFACT, OTHER = "sha256:" + "9f" * 32, "sha256:" + "0b" * 32
COMMIT, EARLIER = "4b" * 20, "1c" * 20
# Around a change of clocks either way, and an ordinary Monday.
BASES = ("2026-11-23T09:00", "2026-10-25T01:00", "2026-03-29T01:00")
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC")
DURATIONS = ("30m", "1h", "90m", "2h", "24h", "1h30m")
WORDS = ("payments", "PAY-1", "docs", "", "incident")
PATHS = ("payments/refund.py", "docs/index.md", "README.md")
GLOBS = ("payments/**", "*.md", "docs/")
TEXT_GLOBS = ("PAY-*", "*", "pay?ents", "[d-i]*")
TEXTS = {"string": WORDS, "path": PATHS, "person": PEOPLE}
_ORDER = ("==", "!=", "<", "<=", ">", ">=")


# -- packs


class PackText:
    """Writes one pack; ``files`` holds it afterwards."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.levels = LEVELS[: random.randint(2, 4)] if random.random() < 0.8 else ()
        self.attributes = self.some_attributes()
        self.windows = [f"window{n}" for n in range(random.randint(0, 2))]
        self.gates: dict[str, tuple[str, dict[str, Type]]] = {}
        self.schema = self.own_schema()
        self.kinds = {"own": own_kind("own", self.schema), **vocabulary.evidence_kinds()}
        kinds = sorted(self.kinds)
        for n in range(random.randint(0, 3)):
            kind = random.choice(kinds)
            declared = {
                f"own-{t}": SCALARS[t] for t in self.some(("int", "percent", "duration", "bool", "string", "instant"))
            }
            self.gates[f"gate{n}"] = (kind, declared if kind == "check" else {})
        self.lets: list[str] = []
        self.files = self.written()

    # -- choices

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def some(self, items: Iterable[Item]) -> list[Item]:
        return [item for item in items if self.chance(0.5)]

    def one(self, items: Sequence[Item]) -> Item:
        return self.random.choice(items)

    # -- declarations

    def written(self) -> dict[str, bytes]:
        parts = [*self.environments(), *self.groups(), *(self.attribute(n) for n in self.attributes)]
        parts.append('evidence own from "own.schema.json"')
        parts += [self.window(name) for name in self.windows]
        parts += [self.gate(name) for name in self.gates]
        for n in range(self.random.randint(0, 2)):  # one may use those before it
            parts.append(f"let let{n} = {self.condition(2)}")
            self.lets.append(f"let{n}")
        parts.append(self.risk())
        self.rules = [f"rule{n}" for n in range(self.one((1, 1, 2, 3)))]
        parts += [self.rule(name) for name in self.rules]
        parts += [self.waiver() for _ in range(self.one((0, 0, 1, 2)))]
        parts += [self.override(n) for n in range(self.one((0, 0, 1, 2)))]
        parts += [self.invariant(n) for n in range(self.one((0, 0, 1)))]
        self.random.shuffle(parts)
        cut = self.random.randint(0, len(parts))
        return {
            "a.gate": "\n".join(parts[:cut]).encode(),
            "b/c.gate": "\n".join(parts[cut:]).encode(),
            "own.schema.json": json.dumps(self.schema).encode(),
        }

    def environments(self) -> list[str]:
        dev, staging, production = ENVIRONMENTS
        after = self.one(("", f" after {staging}", f" after {dev}, {staging}"))
        return [f"environment {dev}", f"environment {staging} after {dev}", f"environment {production}{after}"]

    def groups(self) -> list[str]:
        self.members: dict[str, list[str] | None] = {}
        out = []
        for name in GROUPS:
            people = self.some(PEOPLE) if name not in ("absent", "nobody") else []
            self.members[name] = people or None
            out.append(f"group {name}" + (f" = {', '.join(people)}" if people else ""))
        return out

    def some_attributes(self) -> dict[str, Type]:
        names = ("string", "int", "bool", "percent", "decimal", "duration", "instant", "date")
        return {f"asked-{name}": SCALARS[name] for name in names if self.chance(0.3)}

    def attribute(self, name: str) -> str:
        type_ = self.attributes[name]
        default = f" default {self.literal(type_)}" if self.chance(0.7) else ""
        return f"attribute {name}: {type_.name}{default}"

    def window(self, name: str) -> str:
        base = datetime.fromisoformat(self.one(BASES))
        spans = []
        for _ in range(self.random.randint(1, 2)):
            if self.chance(0.6):
                days = self.one(("Mon-Fri", "Sat Sun", "Sun", "Mon", "Fri-Mon", "Tue Thu"))
                first, last = self.random.sample(range(48), 2)
                spans.append(
                    days + self.one(("", f" {first // 2:02}:{first % 2 * 30:02}-{last // 2:02}:{last % 2 * 30:02}"))
                )
            else:
                start = base + timedelta(minutes=30 * self.random.randint(-100, 100))
                end = start + timedelta(minutes=30 * self.random.randint(1, 200))
                spans.append(f"{start:%Y-%m-%d %H:%M} .. {end:%Y-%m-%d %H:%M}")
        return f"window {name} = {', '.join(spans)} in {self.one(ZONES)}"

    def own_schema(self) -> dict[str, Any]:
        """A schema with some of all that can be named: scalars, lists of them, records, records in records."""
        said: dict[str, Any] = {name: {"type": json_type, "x-type": name} for name, json_type in OWN_SCALARS}
        said["symbol"] = {"type": ["string", "null"], "enum": ["up", "down", None]}
        said |= {f"some-{name}": {"type": "array", "items": spec} for name, spec in said.items() if name != "symbol"}
        inner = {"type": "object", "properties": dict(self.some(said.items())), "required": self.some(said)}
        said |= {"inner": inner, "rows": {"type": "array", "items": inner}}
        return {"type": "object", "properties": dict(self.some(said.items())), "required": self.some(said)}

    def gate(self, name: str) -> str:
        kind, declared = self.gates[name]
        record = self.kinds[kind]
        atoms = [(f.name, f.type) for f in record.fields] + list(declared.items())
        atoms += [("risk", Type("risk", self.levels, ordered=True))] if self.levels else []
        items = [f"pass when {self.boolean(atoms, 2)}"]
        items += [f"field {field}: {type_.name}" for field, type_ in declared.items()]
        items += ["bound"] if self.chance(0.2) else []
        items += [f"fresh for {self.one(DURATIONS)}"] if self.chance(0.5) else []
        items += [f"signed by {', '.join(self.some(SIGNERS) or SIGNERS[:1])}"] if self.chance(0.15) else []
        producer = ' "tool"' if self.chance(0.2) else ""
        return f"gate {name} from {kind}{producer} {{ {' '.join(items)} }}"

    def risk(self) -> str:
        if not self.levels:
            return ""
        cases = [f"{level} when {self.boolean(self.of_change(), 1)}" for level in self.levels if self.chance(0.6)]
        cases += [f"otherwise {self.one(self.levels)}"]
        return f"risk {' < '.join(self.levels)} {{ {' '.join(cases)} }}"

    # -- rules

    def rule(self, name: str) -> str:
        guard = f" when {self.guard()}" if self.chance(0.2) else ""
        body = [self.statement(2) for _ in range(self.one((1, 1, 2, 3)))]
        body += ["advisory"] if self.chance(0.1) else []
        body += [f"effective from {self.point()}"] if self.chance(0.15) else []
        self.random.shuffle(body)
        return f"rule {name} for {self.scope()}{guard} {{ {' '.join(body)} }}"

    def scope(self) -> str:
        return ", ".join(self.some(ENVIRONMENTS) or ["staging"])

    def point(self) -> str:
        """An instant near those of requests, with an offset or on a wall clock."""
        at = datetime.fromisoformat(self.one(BASES)) + timedelta(minutes=30 * self.random.randint(-9, 9))
        return self.one((f"{at:%Y-%m-%dT%H:%MZ}", f"{at:%Y-%m-%d %H:%M}", f"{at:%Y-%m-%d %H:%M} in {self.one(ZONES)}"))

    # -- beside rules

    def waiver(self) -> str:
        targets = self.some([*self.gates, *self.rules]) or self.rules
        until = self.one((self.point(), "2027-01-31"))
        guard = f"when {self.guard()} " if self.chance(0.5) else ""
        return f'waive {", ".join(targets)} for {self.scope()} until {until} {{ {guard}owner eve because "so" }}'

    def override(self, number: int) -> str:
        items = [f"approve by {self.quorum()}{self.terms()}" for _ in range(self.one((1, 1, 2)))]
        items += [f"when {self.guard()}"] if self.chance(0.5) else []
        items += [f"review by {self.one(GROUPS)} within {self.one(DURATIONS)}"] if self.chance(0.7) else []
        return f"override override{number} for {self.scope()} {{ {' '.join(items)} }}"

    def invariant(self, number: int) -> str:
        atoms = [("approvers", SCALARS["int"]), ("overridden", Type("passes"))] * 4 + self.atoms()
        guard = f" when {self.boolean(atoms, 1)}" if self.chance(0.5) else ""
        claims = ", ".join(self.boolean(atoms, 1) for _ in range(self.random.randint(1, 2)))
        return f"invariant invariant{number} for {self.scope()}{guard} {{ require {claims} }}"

    def statement(self, depth: int) -> str:
        kinds = (
            ["require"] * 3
            + ["approve"] * 3
            + ["automatic"] * 2
            + ["forbid", "deploy", "notify"]
            + ["when"] * 4 * depth
        )
        kind = self.one(kinds)
        if kind == "when":
            if self.chance(0.5):
                return f"when {self.guard()}: {self.statement(depth - 1)}"
            return f"when {self.guard()} {{ {self.statement(depth - 1)} {self.statement(0)} }}"
        if kind == "require" and self.gates and self.chance(0.4):
            return f"require {', '.join(self.some(self.gates) or self.gates)}"
        if kind == "require":
            return "require " + ", ".join(self.condition(2) for _ in range(self.random.randint(1, 2)))
        if kind == "approve":
            return f"approve by {self.quorum()}{self.terms()}"
        if kind == "forbid":
            return f"forbid {self.condition(2)}"
        return {"automatic": "approve automatically", "deploy": "deploy with canary", "notify": 'notify "slack:#ops"'}[
            kind
        ]

    def guard(self) -> str:
        if self.levels and self.chance(0.5):
            return f"risk {self.one(_ORDER)} {self.one(self.levels)}"
        if self.gates and self.chance(0.25):
            return self.one(list(self.gates))
        if self.chance(0.2):
            return self.one(('change.service == "billing"', 'change.service in ["search", "other"]'))
        return self.condition(1)

    def quorum(self) -> str:
        def unit() -> str:
            if self.chance(0.2):
                return f"2 {self.one(GROUPS)}"
            if self.chance(0.2):
                return f"{self.random.randint(1, 2)} of ({', '.join(self.random.sample(GROUPS, 2))})"
            return str(self.one(GROUPS))

        def part() -> str:
            joined = self.one(("", "", " and ", " or "))
            return f"{unit()}{joined}{unit()}" if joined else unit()

        shape = self.random.randint(0, 9)
        if shape < 5:
            return part()
        if shape < 8:
            return f"{part()} then {unit()}"
        return self.one((f"({unit()} then {unit()}) or {unit()}", f"({unit()} or {unit()}) and {unit()}"))

    def terms(self) -> str:
        terms = [f" valid for {self.one(DURATIONS)}"] if self.chance(0.5) else []
        terms += [" including author"] if self.chance(0.3) else []
        terms += [" signed"] if self.chance(0.15) else []
        for _ in range(self.one((0, 0, 0, 1, 1, 2))):
            groups = self.random.sample(GROUPS, self.one((1, 1, 2)))
            terms.append(f" escalate to {', '.join(groups)} after {self.one(DURATIONS)}")
        if self.chance(0.15):
            terms.append(f" excluding approvers of {', '.join(self.some(ENVIRONMENTS) or ['dev'])}")
        self.random.shuffle(terms)
        return "".join(terms)

    # -- expressions

    def of_change(self) -> list[tuple[str, Type]]:
        return [(f"change.{f.name}", f.type) for f in vocabulary.change_type().fields] + [
            (f"change.{name}", type_) for name, type_ in self.attributes.items()
        ]

    def condition(self, depth: int) -> str:
        return self.boolean(self.atoms(), depth)

    def atoms(self) -> list[tuple[str, Type]]:
        """All that can stand in a condition of a rule."""
        atoms = self.of_change()
        for name, (kind, declared) in self.gates.items():
            atoms += [(name, Type("passes"))] * 6
            fields = self.kinds[kind].fields
            atoms += [(f"{name}.{f.name}", f.type) for f in fields] + [(f"{name}.{k}", t) for k, t in declared.items()]
        atoms += [(f"during {name}", Type("passes")) for name in self.windows * 4]
        atoms += [(name, Type("passes")) for name in self.lets * 4]
        atoms += [(f"soak({name})", Type("soak")) for name in ENVIRONMENTS[:2] * 2]
        atoms += [("risk", Type("risk", self.levels, ordered=True))] * 4 if self.levels else []
        return atoms

    def boolean(self, atoms: list[tuple[str, Type]], depth: int) -> str:
        if depth and self.chance(0.5):
            if self.chance(0.3):
                return f"not ({self.boolean(atoms, depth - 1)})"
            word = self.one((" and ", " or "))
            return "(" + word.join(self.boolean(atoms, depth - 1) for _ in range(self.random.randint(2, 3))) + ")"
        text, type_ = self.one(atoms)
        return self.about(text, type_, atoms)

    def about(self, text: str, type_: Type, atoms: list[tuple[str, Type]]) -> str:
        """A condition about one value."""
        if type_.name == "passes":
            return text
        if type_.name == "soak":
            return f"{text} {self.one(('<', '<=', '>', '>='))} {self.one(DURATIONS)}"
        if type_.item is not None:
            return self.about_list(text, type_.item)
        if type_.fields:
            field = self.one(type_.fields)
            return self.about(f"{text}.{field.name}", field.type, atoms)
        if type_.name == "bool":
            return self.one((text, f"{text} == false", f"not {text}"))
        if type_.name in TEXTS and self.chance(0.4):
            pattern = self.one(GLOBS if type_.name == "path" else TEXT_GLOBS)
            return f'{text} matches "{pattern}"'
        if self.chance(0.2):
            return f"{text} {self.one(('in', 'not in'))} [{self.literal(type_)}, {self.literal(type_)}]"
        same = [other for other, t in atoms if t == type_ and other != text]
        if same and self.chance(0.2):
            right = self.one(same)
        elif self.chance(0.1):
            return f"{self.literal(type_)} == {text}"
        else:
            right = self.literal(type_)
        return f"{text} {self.one(_ORDER if type_.is_ordered else _ORDER[:2])} {right}"

    def about_list(self, text: str, item: Type) -> str:
        atoms = [(f.name, f.type) for f in item.fields if f.type.item is None]
        lists = [(f.name, f.type.item) for f in item.fields if f.type.item is not None]
        atoms += [(f"{self.literal(inner)} in {name}", Type("passes")) for name, inner in lists]
        atoms = atoms or [("it", item)]
        shape = self.random.randint(0, 5)
        if shape == 0 and not item.fields:
            return f"{self.literal(item)} in {text}"
        if shape == 1:
            return f"any({text})"
        if shape == 2:
            return f"count({text}) {self.one(_ORDER)} {self.random.randint(0, 2)}"
        where = f"({text} where {self.boolean(atoms, 1)})"
        if shape == 3:
            return f"count{where} {self.one(_ORDER)} {self.random.randint(0, 2)}"
        return self.one(("any", "all")) + where

    def literal(self, type_: Type) -> str:
        if type_.is_enumeration:
            return str(self.one(type_.members))
        if type_.name in TEXTS:
            return f'"{self.one(TEXTS[type_.name])}"'
        options = {
            "int": ("0", "1", "2", "3"),
            "bool": ("true", "false"),
            "percent": ("0%", "50%", "80%", "100%", "12.5%"),
            "decimal": ("0.5", "1.0", "2", "-1.5"),
            "duration": (*DURATIONS, "30d"),
            "instant": tuple(f"{base}:00Z" for base in BASES),
            "date": tuple(base[:10] for base in BASES),
        }
        return str(self.one(options[type_.name]))


# -- requests


class RequestText:
    """Writes one request for a pack, as the plain data of its JSON form."""

    def __init__(self, random: Random, pack: core.Pack) -> None:
        self.random = random
        self.pack = pack
        self.base = datetime.fromisoformat(random.choice(BASES)).replace(tzinfo=UTC)
        self.now = self.at(-8, 8)
        if random.random() < 0.2:
            self.now += timedelta(microseconds=random.choice((-1, 1)))
        self.spelling = Random(f"{pack.digest} {self.now}")  # of its own: how names are spelt moves no other choice
        self.data = self.request()

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def some(self, items: Iterable[Item], probability: float = 0.5) -> list[Item]:
        return [item for item in items if self.chance(probability)]

    def one(self, items: Sequence[Item]) -> Item:
        return self.random.choice(items)

    def at(self, first: int, last: int) -> datetime:
        return self.base + timedelta(minutes=30 * self.random.randint(first, last))

    def past(self) -> str:
        """Mostly before now, sometimes just then or in the future."""
        return write_instant(self.at(-52 if self.chance(0.2) else -12, 6))

    def request(self) -> dict[str, Any]:
        environment = self.one(ENVIRONMENTS)
        gates = self.some(sorted(self.pack.gates), 0.85)
        people = self.people() if self.chance(0.4) else {}
        self.absences = [a for entry in people.values() for a in entry["away"]]
        data = {
            "change": self.change(),
            "environment": environment,
            "as_of": self.now.isoformat(),
            "evidence": {name: self.evidence(self.pack.gates[name]) for name in gates},
            "approvals": [self.approval(environment) for _ in range(self.random.randint(0, 7))],
            "directory": {"groups": self.groups(), "people": people},
            "deployments": [self.deployment() for _ in range(self.random.randint(0, 3))],
            "promotions": [self.promotion() for _ in range(self.random.randint(0, 4))],
        }
        return {key: value for key, value in data.items() if value or key not in ("evidence", "approvals")}

    def groups(self) -> dict[str, list[str]]:
        named = [g for g, members in self.pack.groups.items() if members is None and g != "absent"]
        return {g: [] if g == "nobody" and self.chance(0.7) else self.some(PEOPLE) for g in named}

    def people(self) -> dict[str, Any]:
        """Who is away when, one after another or with time between, and who acts then."""
        people: dict[str, Any] = {}
        for person in self.some(PEOPLE, 0.4):
            edges = sorted(self.random.sample(range(-14, 6), self.one((2, 2, 3, 4))))
            spans = list(pairwise(edges)) if len(edges) < 4 else [edges[:2], edges[2:]]
            people[person] = {"away": [
                {"from": write_instant(self.at(start, start)), "to": write_instant(self.at(end, end)),
                 "delegate": self.one([p for p in PEOPLE if p != person])}
                for start, end in spans
            ]}  # fmt: skip
        return people

    def change(self) -> dict[str, Any]:
        types = vocabulary.change_type().field("type")
        assert types is not None
        change: dict[str, Any] = {
            "id": "C-1",
            "service": self.one(SERVICES),
            "type": self.one(("rollback", "hotfix", "docs", self.one(types.type.members))),
            "author": self.named(self.one(PEOPLE)),
            "artifact": {"name": self.one(WORDS[:3]), "digest": ARTIFACT},
            "committers": self.some(PEOPLE, 0.15),
            "labels": sorted(w for w in self.some(WORDS) if w),
            "title": self.one(WORDS),
            "files": [self.file() for _ in range(self.random.randint(0, 2))],
            "attributes": self.attributes(),
        }
        if self.chance(0.3):
            change["requester"] = self.one(PEOPLE)
        if self.chance(0.5):
            change["requested_at"] = self.past()
        if self.chance(0.7):
            change["commit"] = COMMIT
        if self.chance(0.2):
            change["risk"] = self.one(self.pack.levels)
        return change

    def named(self, person: str) -> str:
        """A person by name, or by a mail address that begins with it."""
        return f"{person}@example.com" if self.spelling.random() < 0.1 else person

    def file(self) -> dict[str, Any]:
        counts = [None, self.random.randint(0, 3)]
        return {"path": self.one(PATHS), "added": self.one(counts), "deleted": self.one(counts)}

    def attributes(self) -> dict[str, Any]:
        needed = self.pack.attributes.values()
        return {a.name: self.scalar(a.type) for a in needed if not a.has_default or self.chance(0.5)}

    def scalar(self, type_: Type) -> Any:
        if type_.is_enumeration:
            return self.one(type_.members)
        if type_.name == "bool":
            return self.chance(0.5)
        if type_.name == "int":
            return self.random.randint(0, 3)
        if type_.name in TEXTS:
            return self.one(TEXTS[type_.name])
        options = {
            "percent": ("0", "0.5", "0.8", "1", "0.125", "80%", {"$decimal": "0.5"}, 1),
            "decimal": ("0.5", "1.0", "2", {"$decimal": "-1.5"}),
            "duration": (*DURATIONS, "5400000ms", "720h"),
            "instant": tuple(f"{base}:00Z" for base in BASES),
            "date": tuple(base[:10] for base in BASES),
        }
        return self.one(options[type_.name])

    def evidence(self, gate: core.Gate) -> dict[str, Any]:
        own = self.pack.kinds.get(gate.kind)
        fields = self.record(vocabulary.evidence_kinds()[gate.kind] if own is None else own.type)
        if gate.kind == "check":
            fields["fields"] = {
                name: self.measured(type_, nullable=True) for name, type_ in self.some(gate.fields, 0.8)
            }
        evidence: dict[str, Any] = {"kind": gate.kind, "fields": fields, "raw": OTHER}
        if self.chance(0.8):
            evidence["produced_at"] = self.past()
        if gate.producer or self.chance(0.2):
            evidence["producer"] = self.one(("tool", "Tool 1.2", "tool", "toolbox"))
        if self.chance(0.5):
            subject = {"digest": self.one((ARTIFACT, ARTIFACT, OTHER)), "commit": self.one((COMMIT, COMMIT, EARLIER))}
            evidence["subject"] = dict(self.some(sorted(subject.items())))
        if gate.signed_by:
            evidence["signers"] = self.some(gate.signed_by, 0.8) or self.some(SIGNERS)
        if self.chance(0.05):
            evidence["flaw"] = "the tool crashed"
        if self.chance(0.05):
            evidence["kind"] = "another"
        return evidence

    def record(self, type_: Type) -> dict[str, Any]:
        return {f.name: self.measured(f.type, nullable=f.nullable) for f in type_.fields}

    def measured(self, type_: Type, *, nullable: bool) -> Any:
        if nullable and self.chance(0.2):
            return None
        if type_.item is not None:
            item = type_.item
            make = (lambda: self.record(item)) if item.fields else (lambda: self.scalar(item))
            return [make() for _ in range(self.random.randint(0, 2))]
        return self.scalar(type_)

    def approval(self, environment: str) -> dict[str, Any]:
        approval = {
            "approver": self.named(self.one(PEOPLE)),
            "stance": self.one(("approve",) * 8 + ("reject", "withdraw")),
            "at": self.past(),
            "artifact": ARTIFACT if self.chance(0.95) else OTHER,
            "environment": environment if self.chance(0.85) else self.one(("elsewhere", *ENVIRONMENTS)),
        }
        if self.absences and self.chance(0.3):  # by somebody who acts for another
            absence = self.one(self.absences)
            approval |= {
                "approver": absence["delegate"],
                "at": self.one((absence["from"], absence["from"], absence["to"])),
            }
        if self.chance(0.6):
            approval["signer"] = approval["approver"] if self.chance(0.9) else self.one(PEOPLE)
        return approval

    def deployment(self) -> dict[str, Any]:
        deployment = {
            "artifact": self.one((ARTIFACT, ARTIFACT, OTHER)),
            "environment": self.one(ENVIRONMENTS),
            "from": self.past(),
        }
        if self.chance(0.4):
            deployment["to"] = self.past()
        if self.chance(0.7):
            deployment["verified_at"] = self.past()
        return deployment

    def promotion(self) -> dict[str, Any]:
        promotion: dict[str, Any] = {
            "artifact": self.one((ARTIFACT, ARTIFACT, OTHER)),
            "environment": self.one(ENVIRONMENTS),
            "at": self.past(),
            "entry": OTHER,
        }
        if self.chance(0.7):
            promotion["approvers"] = self.some(PEOPLE, 0.2)
        return promotion


# -- both


def compiled(pack: core.Pack) -> Program:
    """A checked pack as a program, compiled here and kept nowhere."""
    made = compile_pack(pack)
    codes = {key: compile(source, "<rules>", "exec") for key, source in made.parts.items()}
    return Program(made.meta, lambda environment, service: codes.get((environment, service)))


def random_pack(random: Random) -> tuple[dict[str, bytes], core.Pack]:
    """A pack's files and its checked form; what the checker rightly refuses is written anew."""
    while True:
        files = PackText(random).files
        try:
            return files, load(files)[0]
        except RulesError as error:
            refused = {d.code for d in error.diagnostics if d.severity == "error"}
            # A guard that can never hold, a quorum that is impossible.
            assert refused <= {"GC304", "GC210"}, f"{error}\n{b''.join(files.values()).decode()}"


def random_request(random: Random, pack: core.Pack) -> Request:
    """A request that names only what the pack knows."""
    request: Request = read(RequestText(random, pack).data, "request")
    return request


# -- approvals alone


def quorum_pack(random: Random, terms: str | None = None) -> core.Pack:
    """A pack whose one statement asks for a random quorum, on these terms or on random ones."""
    text = PackText(random)
    groups = "".join(f"group {name} " for name in text.members)
    while True:
        said = text.terms() if terms is None else f" {terms}"
        rules = f"rule r for production {{ approve by {text.quorum()}{said} }}"
        try:
            return load(
                {"r.gate": f"environment dev environment staging environment production {groups}{rules}".encode()}
            )[0]
        except RulesError as error:  # it excludes whoever approves
            assert {d.code for d in error.diagnostics if d.severity == "error"} <= {"GC210"}, rules


def quorum_request(random: Random, pack: core.Pack) -> Request:
    """A request mostly by nobody who could approve, whose approvals mostly are for what is asked."""
    data = RequestText(random, pack).data
    data["environment"] = "production"
    data["change"] |= {"author": random.choice(("frank", "frank", "eve")), "committers": [], "type": "docs"}
    data["change"].pop("requester", None)
    names = [g for g in pack.groups if g != "absent" or random.random() < 0.5]
    data["directory"]["groups"] = {group: random.sample(PEOPLE, random.randint(1, 3)) for group in names}
    for approval in data.get("approvals", ()):
        if random.random() < 0.7:
            approval["environment"] = "production"
    request: Request = read(data, "request")
    return request
