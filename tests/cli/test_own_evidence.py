"""Evidence of a pack's own kind, and signatures of evidence, from files to recorded decisions and their replay."""

import json
import subprocess
import sys

import pytest
from cli_world import Done, World

DIGEST, COMMIT = "sha256:" + "9f" * 32, "4b" * 20
RULES = """\
environment dev
evidence slo from "kinds/slo.schema.json"
gate objective from slo "sloth" {
  pass when availability >= 99.9% and latency.p95 < 300ms
  pass when all(windows where burn < 1.5 and state == ok) and 85% in shares
  fresh for 24h
  bound
  signed by ci, release
}
rule objectives for dev {
  require objective, objective.budget > 0.1
  approve automatically
}
"""
SCHEMA = {
    "type": "object",
    "required": ["availability", "latency", "windows", "shares"],
    "properties": {
        "availability": {"type": "number", "x-type": "percent"},
        "latency": {
            "type": "object",
            "required": ["p95"],
            "properties": {"p95": {"type": "string", "x-type": "duration"}},
        },
        "budget": {"type": "number"},
        "shares": {"type": "array", "items": {"type": "string", "x-type": "percent"}},
        "windows": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["burn", "state"],
                "properties": {"burn": {"type": "number"}, "state": {"type": "string", "enum": ["ok", "spent"]}},
            },
        },
        "commit": {"type": "string", "x-fact": "commit"},
        "measured": {"type": "string", "x-fact": "produced_at"},
        "tool": {"type": "string", "x-fact": "producer"},
    },
}
EVIDENCE = f"""\
availability: 0.99950
latency: {{p95: 280ms}}
budget: 0.25
shares: ["85.0%"]
windows: [{{burn: 1.25, state: ok}}]
commit: {COMMIT}
measured: 2026-11-23T07:00:00Z
tool: Sloth 1.2
"""
CHANGE = {
    "id": "C-1", "service": "pay", "type": "docs", "author": "alice", "commit": COMMIT,
    "artifact": {"name": "pay", "digest": DIGEST},
}  # fmt: skip
ASK = (
    "--rules", "own", "--change", "own-change.json", "-e", "dev", "--evidence", "own-reports", "--no-config",
    "--as-of", "2026-11-23T10:00:00Z",
)  # fmt: skip


@pytest.fixture
def own(world: World) -> World:
    world.write("own/a.gate", RULES)
    world.write("own/kinds/slo.schema.json", json.dumps(SCHEMA))
    world.write("own-change.json", json.dumps(CHANGE))
    world.write("own-reports/objective.yaml", EVIDENCE)
    keygen(world, "-t", "ed25519", "-N", "", "-f", "ci-key")
    world.write("own-trust", f'ci namespaces="gatecheck-evidence" {(world.here / "ci-key.pub").read_text()}')
    sign(world)
    return world


def keygen(world: World, *args: str) -> None:
    subprocess.run(["ssh-keygen", "-q", *args], cwd=world.here, check=True, capture_output=True)


def sign(world: World) -> None:
    (world.here / "own-reports" / "objective.yaml.sig").unlink(missing_ok=True)
    keygen(world, "-Y", "sign", "-n", "gatecheck-evidence", "-f", "ci-key", "own-reports/objective.yaml")


def needs(done: Done) -> str:
    """What the decision still needs of the evidence."""
    (reason,) = {m["reason"] for m in json.loads(done.out)["predicate"]["missing"]}
    return str(reason)


def test_signed_evidence_of_an_own_kind_allows_and_is_replayed_byte_for_byte(own: World) -> None:
    ledger = ("--ledger", str(own.root / "ledger"))
    done = own.evaluate(*ASK, *ledger, "--trust", "own-trust", "--format", "json")
    assert done.code == 0
    predicate = json.loads(done.out)["predicate"]
    evidence = predicate["evidence"]["objective"]
    assert (evidence["kind"], evidence["producer"], evidence["signers"]) == ("slo", "Sloth 1.2", ["ci"])
    assert set(predicate["request"]["sources"]) == {"change", "trust"}
    compared = {c["asked"]: c["found"] for f in predicate["findings"] for c in f.get("compared", ())}
    assert compared["availability >= 99.9%"] == "99.95%"
    assert compared["latency.p95 < 300ms"] == "280ms"
    assert compared["objective.budget > 0.1"] == "0.25"
    assert [file["path"] for file in predicate["pack"]["files"]] == ["a.gate", "kinds/slo.schema.json"]
    request = json.loads(own.git("show", "HEAD:request.json", folder=own.root / "ledger"))
    assert request["evidence"]["objective"]["fields"] == {
        "availability": {"$decimal": "0.99950"}, "latency.p95": "280ms", "budget": {"$decimal": "0.25"},
        "shares": ["85.0%"], "windows": [{"burn": {"$decimal": "1.25"}, "state": "ok"}], "commit": COMMIT,
        "measured": "2026-11-23T07:00:00Z", "tool": "Sloth 1.2",
    }  # fmt: skip
    assert own.git("show", "HEAD:pack/kinds/slo.schema.json", folder=own.root / "ledger") == json.dumps(SCHEMA)
    assert own.run("replay", *ledger) == Done(0, "replayed 1 decision: all the same bytes\n", "")


@pytest.mark.parametrize(("trust", "signs", "reason"), [
    (False, True, "it is not signed by ci or release: there is no trust file to tell whose signature it is"),
    (True, False, "it is not signed by ci or release"),
])  # fmt: skip
def test_evidence_without_a_signature_that_counts_waits(own: World, trust: bool, signs: bool, reason: str) -> None:
    if not signs:
        (own.here / "own-reports" / "objective.yaml.sig").unlink()
    done = own.decide(*ASK, *(("--trust", "own-trust") if trust else ()), "--format", "json")
    assert (done.code, needs(done)) == (4, reason)
    assert ("trust" in json.loads(done.out)["predicate"]["request"]["sources"]) == trust


@pytest.mark.parametrize(("old", "new", "reason"), [
    ("Sloth 1.2", "sloth 1.3", ""),
    (COMMIT, "5c" * 20, "it is about another commit, 5c5c5c5c5c5c"),
    ("T07:00:00Z", "T10:00:01Z", "it is from the future"),
])  # fmt: skip
def test_facts_behind_references_count(own: World, old: str, new: str, reason: str) -> None:
    properties: dict[str, object] = {**SCHEMA["properties"]}  # type: ignore[dict-item]
    behind = {key: properties[key] for key in ("commit", "measured")}
    properties |= {key: {"$ref": f"#/$defs/{key}"} for key in behind}
    own.write("own/kinds/slo.schema.json", json.dumps({**SCHEMA, "properties": properties, "$defs": behind}))
    own.replace("own-reports/objective.yaml", old, new)
    sign(own)
    done = own.decide(*ASK, "--trust", "own-trust", "--format", "json")
    assert (done.code, needs(done) if reason else "") == (4 if reason else 0, reason)


def test_evidence_that_was_changed_after_it_was_signed_waits(own: World) -> None:
    own.replace("own-reports/objective.yaml", "280ms", "180ms")
    done = own.decide(*ASK, "--trust", "own-trust", "--format", "json")
    assert (done.code, needs(done)) == (4, "it is not signed by ci or release: the signature is of another file")


@pytest.mark.parametrize(("old", "new"), [
    ("0.99950", "0.99899"), ("280ms", "300ms"), ("1.25", "1.5"), ("state: ok", "state: spent"), ("0.25", "0.1"),
    ("85.0%", "85.1%"),
])  # fmt: skip
def test_every_condition_counts(own: World, old: str, new: str) -> None:
    own.replace("own-reports/objective.yaml", old, new)
    sign(own)
    assert own.decide(*ASK, "--trust", "own-trust").code == 3


@pytest.mark.parametrize(
    "line", ["budget: 0.25\n", f"commit: {COMMIT}\n", "measured: 2026-11-23T07:00:00Z\n", "tool: Sloth 1.2\n"]
)
def test_what_is_not_said_waits(own: World, line: str) -> None:
    own.replace("own-reports/objective.yaml", line, "")
    sign(own)
    assert own.decide(*ASK, "--trust", "own-trust").code == 4


def test_a_document_that_does_not_fit_stops_the_command(own: World) -> None:
    own.replace("own-reports/objective.yaml", "budget: 0.25", "budget: plenty")
    assert own.decide(*ASK) == Done(2, "", (
        "error[GC609]: is not evidence of the kind `slo`: `budget` must be a number; found `plenty`\n"
        "  --> own-reports/objective.yaml:3:9\n  |\n3 | budget: plenty\n  |         ^^^^^^\n"
    ))  # fmt: skip


def test_the_pack_of_a_revision_brings_its_schemas(own: World) -> None:
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "own"],
        ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "rules"],
    ):
        own.git(*command, folder=own.here)
    (own.here / "own" / "kinds" / "slo.schema.json").unlink()
    asked = ("--rules", "main:own", *ASK[2:], "--trust", "own-trust")
    assert own.decide(*asked).code == 0
    assert own.run("check", "main:own") == Done(0, "ok: 2 files, 1 environment, 1 gate, 1 rule (3 statements)\n", "")
    broken = own.run("check", "own")
    assert (broken.code, broken.err.splitlines()[0]) == (
        5, "error[GC218]: the pack holds no schema `kinds/slo.schema.json`"
    )  # fmt: skip


def test_the_formatter_leaves_schemas_alone(own: World) -> None:
    before = (own.here / "own" / "kinds" / "slo.schema.json").read_bytes()
    own.replace("own/a.gate", "  bound\n", "  bound \n")
    assert own.run("fmt", "own") == Done(0, "", "formatted own/a.gate\n1 file formatted, 0 already so\n")
    assert (own.here / "own" / "kinds" / "slo.schema.json").read_bytes() == before


def test_explain_asks_the_same(own: World) -> None:
    done = own.run("explain", *ASK, "--no-ledger", "--trust", "own-trust")
    assert (done.code, done.err) == (0, "")


def test_nothing_is_imported_for_packs_without_own_kinds_and_signatures(world: World) -> None:
    code = (
        "import sys; from gatecheck.cli.app import run; "
        "code = run(['evaluate', '--no-ledger', '-e', 'dev', '--as-of', '2026-11-24T09:05:00+01:00']); "
        "dear = {'jsonschema', 'cryptography', 'gatecheck.lang.own', 'gatecheck.evidence.signed'}; "
        "sys.exit(99 if dear & set(sys.modules) else code)"
    )
    for _ in range(2):  # compiled anew, then from the cache
        done = subprocess.run([sys.executable, "-c", code], cwd=world.here, env=world.env, capture_output=True)
        assert done.returncode == 0, done.stderr
