"""From commits to a decision: `change` describes a branch, `evaluate` judges it by the rules on `main`."""

import json
from pathlib import Path

import pytest
from cli_world import Done, World

DIGEST = "sha256:" + "9f" * 32
RULES = """\
environment production

risk low < high {
  high when any(change.files where path matches "payments/**")
  otherwise low
}

attribute ticket: string default ""

group owners = "alice@example.com", "bob@example.com"

rule approval for production {
  when risk == low:  approve automatically
  when risk == high: approve by owners
}

rule tickets for production {
  require change.ticket matches "PAY-*"
}
"""
CHANGE = ("change", "main..feature", "--artifact", f"pay@{DIGEST}", "--attribute", "ticket=PAY-7", "-o", "change.json")
EVALUATE = (
    "evaluate", "--rules", "main:rules", "--change", "change.json", "-e", "production",
    "--as-of", "2026-11-24T12:00:00+01:00",
)  # fmt: skip


class Repository:
    """A repository with the rules on `main` and a branch `feature`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.folder = world.root / "repo"
        self.folder.mkdir()
        self.git("init", "-q", "-b", "main")
        self.write("rules/all.gate", RULES)
        self.commit("chore: start", "Alice")
        self.git("checkout", "-q", "-b", "feature")

    def git(self, *args: str) -> str:
        return self.world.git(*args, folder=self.folder)

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self, message: str, name: str) -> None:
        self.git("add", "-A")
        who = ("-c", f"user.name={name}", "-c", f"user.email={name.lower()}@example.com")
        self.git(*who, "commit", "-q", "-m", message)

    def run(self, *args: str) -> Done:
        return self.world.run(*args, cwd=self.folder)

    def decide(self, *args: str) -> Done:
        assert self.run(*CHANGE) == Done(0, "", "")
        return self.run(*EVALUATE, *args)

    def approve(self, name: str) -> tuple[str, str]:
        approval = {
            "approver": f"{name}@example.com", "stance": "approve", "at": "2026-11-24T11:00:00+01:00",
            "environment": "production", "artifact": DIGEST,
        }  # fmt: skip
        self.write("approvals.json", json.dumps([approval]))
        return "--approvals", "approvals.json"


@pytest.fixture
def repository(world: World) -> Repository:
    return Repository(world)


def test_a_change_that_touches_nothing_critical(repository: Repository) -> None:
    repository.write("docs/a.md", "one\n")
    repository.commit("docs: say more", "Frank")
    done = repository.decide()
    assert done.code == 0
    assert done.out.startswith(
        "ALLOW  pay -> production      risk low (otherwise)\n  passed   2 of 2 statements  --explain shows all\n"
    )
    assert repository.run("replay").out == "replayed 1 decision: all the same bytes\n"
    assert repository.run("ledger", "verify").out.startswith("verified 1 entry: ")


def test_a_change_of_the_critical_part_needs_another_owner(repository: Repository) -> None:
    repository.write("payments/a.py", "x = 1\n")
    repository.commit("feat: charge", "Bob")
    waiting = repository.decide("--no-ledger")
    assert (waiting.code, waiting.err) == (4, "")
    assert waiting.out == (
        'PENDING  pay -> production                risk high (any(change.files where path matches "payments/**"))\n'
        "  needs    1 approval from owners         approval  all.gate:14\n"
        "  passed   1 of 2 statements (1 waiting)  --explain shows all\n"
        "as of      Tue 24 Nov 2026 12:00 +01:00\n"
    )
    own = repository.decide("--no-ledger", *repository.approve("bob"))
    assert own.code == 4
    assert "  refused  approval of bob@example.com: is the author\n" in own.out
    assert repository.decide("--no-ledger", *repository.approve("alice")).code == 0


def test_who_committed_with_the_author_does_not_count_either(repository: Repository) -> None:
    repository.write("payments/a.py", "x = 1\n")
    repository.commit("feat: charge\n\nCo-authored-by: Alice <alice@example.com>", "Bob")
    done = repository.decide("--no-ledger", *repository.approve("alice"))
    assert done.code == 3  # no owner is left who could approve
    assert "  refused  approval of alice@example.com: is a committer\n" in done.out


@pytest.mark.parametrize(
    "path", ["rules/all.gate", "main:rules/all.gate", "rules/more.gate", "gatecheck.yaml", "main:rules"]
)
def test_a_change_cannot_bring_its_own_rules(repository: Repository, path: str) -> None:
    lax = RULES.replace("when risk == high: approve by owners", "when risk == high: approve automatically")
    if path.endswith("more.gate"):
        lax = "rule more for production { approve automatically }\n"
    elif path == "gatecheck.yaml":
        lax = "rules: lax\n"
        repository.write("lax/all.gate", RULES.replace("approve by owners", "approve automatically"))
    elif path == "main:rules":
        lax = "rules"
    repository.write("payments/a.py", "x = 1\n")
    repository.write(path, lax)
    repository.commit("feat: charge", "Bob")
    done = repository.decide("--no-ledger")
    assert (done.code, done.err) == (4, "")


def test_the_pack_of_the_revision_is_what_is_recorded(repository: Repository) -> None:
    repository.write("rules/all.gate", RULES + "\nrule free for production { approve automatically }\n")
    repository.commit("docs: more rules", "Frank")
    repository.decide()
    assert repository.run("ledger", "show", "1", "--file", "pack/all.gate").out == RULES
    assert Path(repository.folder, "rules", "all.gate").read_text() != RULES


def test_the_ledger_beside_the_repository_is_not_part_of_the_next_change(repository: Repository) -> None:
    repository.write(".gitignore", ".gatecheck/\n")
    repository.write("docs/a.md", "one\n")
    repository.commit("docs: say more", "Frank")
    assert repository.decide().code == 0
    assert repository.git("status", "--porcelain") == "?? change.json"
