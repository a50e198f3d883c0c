"""Copies of a ledger on several machines, and real git servers on loopback between them.

Run as a program it appends and pushes from a process of its own: ``python remote_world.py FOLDER URL COUNT``.
"""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ledger_world import AT, World, git_environment, record

from gatecheck.ledger import arrive, remote
from gatecheck.ledger.transport import Git, find_remote


def make_bare(path: Path) -> Path:
    """Make an empty repository that a server may serve."""
    subprocess.run(["git", "init", "-q", "--bare", str(path)], check=True, env=git_environment())
    for name in ("http.receivepack", "receive.denyNonFastForwards"):
        subprocess.run(["git", "-C", str(path), "config", name, "true"], check=True, env=git_environment())
    (path / "git-daemon-export-ok").touch()
    return path


def machine(folder: Path) -> World:
    """Return a machine with a key, a ledger and a memory of its own."""
    folder.mkdir()
    return World(folder)


def push(world: World, to: str, timeout: float = 30) -> remote.Outcome:
    git = Git(world.path, timeout)
    return remote.push(world.open(), find_remote(git, to), git)


def pull(world: World, source: str, timeout: float = 30) -> arrive.Outcome:
    git = Git(world.path, timeout)
    return arrive.pull(world.open(), find_remote(git, source), git)


def ids(world: World) -> set[str]:
    """Return the ids of all entries of a ledger."""
    return {entry.id for entry in world.open().entries()}


def refs(path: Path) -> dict[str, str]:
    """Return what a repository's ``refs/heads`` name."""
    command = ["git", "-C", str(path), "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads"]
    out = subprocess.run(command, check=True, capture_output=True, text=True, env=git_environment()).stdout
    return dict(line.split(" ") for line in out.splitlines())


def set_ref(path: Path, name: str, oid: str) -> None:
    """Let somebody move a ref of a server by hand; an empty ``oid`` removes it."""
    change = [name, oid] if oid else ["-d", name]
    subprocess.run(["git", "-C", str(path), "update-ref", *change], check=True, env=git_environment())


class _Backend(BaseHTTPRequestHandler):
    """Hands each request to ``git http-backend``, as a web server would by CGI."""

    root: Path
    status = 0  # answered in place of git, if set

    def do_GET(self) -> None:
        if self.status:
            self.send_response(self.status)
            if self.status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="ledger"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        environment = git_environment() | {
            "GIT_PROJECT_ROOT": str(self.root), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query,
            "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)), "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "REMOTE_ADDR": "127.0.0.1",
        }  # fmt: skip
        run = subprocess.run(["git", "http-backend"], input=body, capture_output=True, env=environment)
        head, _, answer = run.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def http_server(root: Path, status: int = 0) -> Iterator[str]:
    """Serve the repositories below a folder by http; ``status`` is what to answer in place of git."""
    backend = type("Backend", (_Backend,), {"root": root, "status": status})
    server = ThreadingHTTPServer(("127.0.0.1", 0), backend)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def git_daemon(root: Path) -> Iterator[str]:
    """Serve the repositories below a folder by ``git daemon``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        "git", "daemon", "--listen=127.0.0.1", f"--port={port}", "--reuseaddr", f"--base-path={root}",
        "--enable=receive-pack", str(root),
    ]  # fmt: skip
    daemon = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=git_environment())
    try:
        end = time.monotonic() + 10
        while not _answers(port):
            if time.monotonic() > end:
                raise TimeoutError
            time.sleep(0.01)
        yield f"git://127.0.0.1:{port}"
    finally:
        daemon.terminate()
        daemon.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def pushing(folder: Path, url: str, count: int) -> "subprocess.Popen[str]":
    """Start a process that appends ``count`` records of its own, and pushes after each."""
    command = [sys.executable, __file__, str(folder), url, str(count)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def main(folder: str, url: str, count: str) -> None:
    world = World(Path(folder))
    ledger = world.open()
    for number in range(int(count)):
        entry = ledger.append(record(number, environment=f"env-{world.folder.name}"), world.key, AT)
        outcome = push(world, url, 60)
        assert not outcome.problems, outcome.problems
        print(entry.id, flush=True)
        if number % 5 == 4:
            assert not pull(world, url, 60).problems


if __name__ == "__main__":
    main(*sys.argv[1:])
