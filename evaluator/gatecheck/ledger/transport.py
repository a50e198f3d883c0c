"""Run git against a remote: bounded in time, never asking anybody anything, and its failures told in sentences.

Git itself carries the refs, since it alone compares and sets on every kind of remote. Its own words for a failure are
kept in the message; what kind of failure it was only chooses the code and the mend.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from gatecheck.text.diagnostic import LedgerError, input_error, ledger_error

_GRACE_SECONDS = 2.0
_OF_ANOTHER_REPOSITORY = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_DIR", "GIT_INDEX_FILE", "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_WORK_TREE",
)  # fmt: skip
_DENIED = re.compile(
    r"terminal prompts disabled|could not read (?:user|pass)|authentication failed|permission denied|access denied"
    r"|access denied or repository|error: 40[13]|host key verification failed",
    re.IGNORECASE,
)
_MISSING = re.compile(r"does not exist|not appear to be a git repository|not found|not exported|no such", re.IGNORECASE)
_UNREACHED = re.compile(
    r"could not resolve|connection refused|failed to connect|unable to connect|couldn't connect|no route|timed out"
    r"|unreachable|hung up|empty reply|connection reset|unexpected disconnect",
    re.IGNORECASE,
)
_CLOSED = "Could not read from remote repository"


class Remote(NamedTuple):
    """A remote: under which name its refs are kept here, and where it is fetched from and pushed to."""

    name: str
    fetch_url: str
    push_url: str
    is_configured: bool

    @property
    def shown(self) -> str:
        """The remote as messages name it."""
        return self.name if self.is_configured else without_password(self.fetch_url)


class Run(NamedTuple):
    """What a run of git answered."""

    code: int
    out: str
    err: str


class Git:
    """Git over one ledger; ``timeout`` bounds each run that reaches a remote, in seconds."""

    def __init__(self, path: Path, timeout: float) -> None:
        self.path, self.timeout = path.resolve(), timeout

    def local(self, *arguments: str, stdin: str = "") -> str:
        """Return what git says about the ledger; ``LedgerError`` GC759 if it fails."""
        run = self.run(arguments, stdin)
        if run.code != 0:
            raise ledger_error("GC759", f"git failed: {_words(run)}", file=str(self.path))
        return run.out

    def run(self, arguments: "tuple[str, ...]", stdin: str = "", where: str = "") -> Run:
        """Run git; ``where`` names a remote that it reaches.

        Raises ``LedgerError``: GC752 (it took too long), GC759 (there is no git).
        """
        import signal
        import subprocess

        settings = ("core.fsync=all", "gc.auto=0", "maintenance.auto=false", "fetch.fsckObjects=true")
        command = ["git", f"--git-dir={self.path}", *(part for one in settings for part in ("-c", one)), *arguments]
        environment = self._environment(ssh=self._ssh() if where else "")
        try:
            child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                errors="replace", env=environment, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            hint = "push and pull need git; install it"
            raise ledger_error("GC759", f"git can't be run: {error.strerror}", hint=hint) from None
        try:
            out, err = child.communicate(stdin, timeout=self.timeout if where else None)
        except subprocess.TimeoutExpired:
            message = f"`{where}` did not answer within {self.timeout:g} seconds"
            hint = "try again, it is safe; `--timeout` allows more"
            raise ledger_error("GC752", message, file=str(self.path), hint=hint) from None
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)  # git removes its lock files then
                try:
                    child.communicate(timeout=_GRACE_SECONDS)
                except subprocess.TimeoutExpired:
                    os.killpg(child.pid, signal.SIGKILL)
                    child.communicate()
        return Run(child.returncode, out, err)

    def _ssh(self) -> str:
        configured = os.environ.get("GIT_SSH_COMMAND") or self.run(("config", "core.sshCommand")).out.strip()
        return f"{configured or 'ssh'} -o BatchMode=yes"

    def _environment(self, ssh: str) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER_REPOSITORY}
        kept |= {
            "LC_ALL": "C",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": kept.get("GIT_ASKPASS", ""),  # one that a pipeline set answers by itself
            "SSH_ASKPASS_REQUIRE": "never",
            "GCM_INTERACTIVE": "never",
            "GIT_COMMITTER_NAME": "gatecheck",
            "GIT_COMMITTER_EMAIL": "gatecheck@localhost",
        }
        return kept | {"GIT_SSH_COMMAND": ssh} if ssh else kept


def find_remote(git: Git, asked: str) -> Remote:
    """Return the remote that a name, URL or path means; an empty text the only one configured, or ``origin``.

    Raises ``InputError`` GC750 if it means none.
    """
    from hashlib import sha256

    names = git.local("remote").split()
    if not asked:
        asked = names[0] if len(names) == 1 else "origin"
        if asked not in names:
            what = f"there are {len(names)} remotes" if names else "the ledger has no remote"
            hint = f"name one, or `git -C {git.path} remote add origin URL`"
            raise input_error("GC750", f"{what}, and none is named", file=str(git.path), hint=hint)
    if asked in names:
        urls = [git.local("remote", "get-url", *side, asked).split("\n")[0] for side in ((), ("--push",))]
        return Remote(asked, urls[0], urls[1], is_configured=True)
    if asked.startswith("-") or not (":" in asked or "/" in asked or Path(asked).is_dir()):
        known = f"configured are {', '.join(f'`{name}`' for name in names)}; " if names else ""
        hint = f"{known}or write a URL or a path"
        raise input_error("GC750", f"there is no remote `{asked}`", file=str(git.path), hint=hint)
    url = os.path.realpath(asked) if Path(asked).is_dir() else asked
    return Remote(f"at-{sha256(url.encode()).hexdigest()[:12]}", url, url, is_configured=False)


def failed(run: Run, remote: Remote) -> LedgerError:
    """Return the error for a run of git against a remote that failed as a whole."""
    words = without_password(_words(run))
    where = without_password(remote.fetch_url)
    if _DENIED.search(run.err):
        hint = "give git credentials that need nobody to type: a credential helper, or an ssh key in the agent"
        return ledger_error("GC753", f"`{remote.shown}` denies access: {words}", file=where, hint=hint)
    is_missing = _MISSING.search(run.err) is not None
    if _UNREACHED.search(run.err) or (_CLOSED in run.err and not is_missing):
        hint = "nothing is lost: try again once it can be reached"
        return ledger_error("GC751", f"`{remote.shown}` can't be reached: {words}", file=where, hint=hint)
    if is_missing:
        hint = "make it there first: `git init --bare`"
        return ledger_error("GC751", f"there is no repository at `{remote.shown}`: {words}", file=where, hint=hint)
    hint = "nothing is lost, and it is safe to try again"
    return ledger_error("GC759", f"git failed with `{remote.shown}`: {words}", file=where, hint=hint)


def remote_words(run: Run) -> str:
    """Return what the remote itself said, on one line, or an empty text."""
    said = [line.removeprefix("remote:").strip() for line in run.err.splitlines() if line.startswith("remote:")]
    return _plain(" ".join(line for line in said if line))


def without_password(text: str) -> str:
    """Return text without the credentials that a URL in it may hold."""
    return re.sub(r"(\w+://)[^/@\s]*@", r"\1", text)


def _words(run: Run) -> str:
    lines = [line.strip() for line in run.err.splitlines()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "ssh:"))]
    told = telling or [line for line in lines if line and not line.startswith(("hint:", "warning:"))]
    short = [re.sub(r"^(fatal|error|remote): +", "", line) for line in told[:3]]
    return _plain("; ".join(line for line in short if line)).rstrip(".") or f"it ended with {run.code}"


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "�" for c in text)[:500]
