"""``gatecheck change`` as a person runs it."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from realgit import Git

import gatecheck
from gatecheck.model.schema import load

DIGEST = "sha256:" + "9f" * 32


@pytest.fixture
def git(tmp_path: Path) -> Git:
    made = Git(tmp_path / "repo")
    made.write("a.txt", "one\n")
    made.commit("start")
    made.write("a.txt", "two\n")
    made.write("müll/no.txt", "x\n")
    made.commit('feat: yes "quoted" → 1.10')
    return made


def run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gatecheck", "change", *args],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(gatecheck.__file__).parents[1]), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_json_on_standard_output_is_a_change_document(git: Git) -> None:
    done = run(git.folder, "HEAD~1..HEAD", "--artifact", f"pay@{DIGEST}")
    assert (done.returncode, done.stderr) == (0, "")
    base, head = git("rev-parse", "HEAD~1"), git("rev-parse", "HEAD")
    assert json.loads(done.stdout) == {
        "id": f"{base[:12]}..{head[:12]}",
        "service": "pay",
        "type": "feature",
        "author": "frank@example.com",
        "artifact": {"name": "pay", "digest": DIGEST},
        "committers": [],
        "commit": head,
        "title": 'feat: yes "quoted" → 1.10',
        "files": [{"path": "a.txt", "added": 1, "deleted": 1}, {"path": "müll/no.txt", "added": 1, "deleted": 0}],
        "labels": [],
    }
    assert load(done.stdout.encode(), "change.json", "change").type == "feature"


def test_yaml_and_json_files_hold_the_same_change(git: Git) -> None:
    stated = ["HEAD~1..", "--artifact", f"pay@{DIGEST}", "--label", "no", "--label", "2026-11-23", "--title", "1e3"]
    stated += ["--id", "0x1F", "--requested-at", "2026-11-23T09:00:00+01:00", "--risk", "high", "--requester", "on"]
    for value in ("ticket=PAY-1", "size=5", "ratio=0.50", "beta=true", 'build="7"', "text=a=b", "empty="):
        stated += ["--attribute", value]
    loaded = []
    for name in ("change.json", "change.yaml"):
        done = run(git.folder, *stated, "-o", name)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        loaded.append(load((git.folder / name).read_bytes(), name, "change"))
    assert loaded[0] == loaded[1]
    assert loaded[0].attributes == {
        "ticket": "PAY-1",
        "size": 5,
        "ratio": Decimal("0.50"),
        "beta": True,
        "build": "7",
        "text": "a=b",
        "empty": "",
    }
    assert (git.folder / "change.yaml").read_text(encoding="utf-8").startswith("id: ")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (
            ["--artifact", "pay:latest"],
            "error[GC861]: the artifact `pay:latest` has no digest: a tag can be moved, so it names no artifact\n"
            "   = hint: resolve it: `crane digest pay:latest` or `docker buildx imagetools inspect pay:latest` prints "
            "the digest\n",
        ),
        (
            ["--artifact", f"pay@{DIGEST}", "--requested-at", "2026-11-23T09:00:00"],
            "error[GC517]: an instant needs its offset: `2026-11-23T09:00:00`\n"
            "  --> --requested-at\n"
            "   = hint: write `2026-11-23T09:00:00+01:00` or `2026-11-23T09:00:00Z`\n",
        ),
        (
            ["--artifact", f"pay@{DIGEST}", "--attribute", "ticket"],
            "error[GC870]: the attribute `ticket` has no value\n   = hint: write `ticket=VALUE`\n",
        ),
        (
            ["--artifact", f"pay@{DIGEST}", "-o", "none/change.json"],
            "error[GC871]: can't be written: no such file or directory\n  --> none/change.json\n",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence_and_exit_code_2(git: Git, args: list[str], said: str) -> None:
    done = run(git.folder, "HEAD~1..HEAD", *args)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_an_option_that_does_not_fit_the_schema_is_refused(git: Git) -> None:
    done = run(git.folder, "HEAD~1..HEAD", "--artifact", f"pay@{DIGEST}", "--label", " x", "--service", "a\nb")
    assert (done.returncode, done.stdout) == (2, "")
    assert "`service` is not a usable line of text: `a\\nb`" in done.stderr
    assert "`labels[0]` is not a usable line of text: ` x`" in done.stderr


def test_help_shows_examples(git: Git) -> None:
    done = run(git.folder, "--help")
    assert done.returncode == 0
    assert "gatecheck change origin/main..HEAD --artifact pay@sha256:9f86… -o change.json" in done.stdout
