"""Repositories made by git itself, with nothing of the machine's configuration."""

import os
import subprocess
from pathlib import Path

_TIME = "2026-11-23T09:00:00+0100"


class Git:
    """A new repository with the branch `main` in a folder, driven by the git command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Frank",
            "GIT_AUTHOR_EMAIL": "frank@example.com",
            "GIT_COMMITTER_NAME": "Frank",
            "GIT_COMMITTER_EMAIL": "frank@example.com",
            "GIT_AUTHOR_DATE": _TIME,
            "GIT_COMMITTER_DATE": _TIME,
        }
        folder.mkdir(exist_ok=True)
        self("init", "-q", "-b", "main")

    def __call__(self, *args: str, **env: str) -> str:
        return self.raw(*args, **env).decode().rstrip("\n")

    def raw(self, *args: str, **env: str) -> bytes:
        command = ["git", "-C", str(self.folder), *args]
        return subprocess.run(command, env={**self.env, **env}, check=True, capture_output=True).stdout

    def write(self, path: str, content: str | bytes) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, message: str, **env: str) -> str:
        """Commit all there is, also where nothing changed, and return the commit's id."""
        self("add", "-A")
        self("commit", "--allow-empty", "-q", "-m", message, **env)
        return self("rev-parse", "HEAD")
