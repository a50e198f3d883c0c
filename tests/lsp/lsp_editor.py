"""An editor as the language server sees one: it starts `gatecheck lsp` and speaks JSON-RPC over its pipes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class Editor:
    """A session with a server of its own."""

    def __init__(self, folder: Path, capabilities: dict[str, Any] | None = None) -> None:
        self.folder = folder
        self.errors = folder.parent / f"{folder.name}.stderr"
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "evaluator"), "PYTHONWARNINGS": "error"}
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gatecheck", "lsp"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environment,
            )  # fmt: skip
        self.number = 0
        self.forget()
        about = {"processId": None, "rootUri": folder.as_uri(), "capabilities": capabilities or {}}
        self.server: Any = self.ask("initialize", about)
        self.tell("initialized", {})

    @classmethod
    @contextmanager
    def quiet(cls, folder: Path) -> Iterator["Editor"]:
        """Start one that ends well, and whose server has nothing to complain about."""
        root = folder / "root"
        root.mkdir()
        editor = cls(root)
        yield editor
        assert editor.close() == 0
        assert editor.errors.read_text() == ""

    def forget(self) -> None:
        """Forget what the server said by itself."""
        self.problems: dict[str, list[Any]] = {}  # as last published, by file
        self.versions: dict[str, int] = {}
        self.logged: list[str] = []
        self.asked: list[Any] = []
        self.opened: list[str] = []

    @contextmanager
    def on(self, files: dict[str, str]) -> Iterator["Editor"]:
        """Work on a new folder with some files, and leave it as if nothing had been open."""
        root = self.folder
        self.folder = root / str(len(list(root.iterdir())))
        self.folder.mkdir()
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        self.forget()
        try:
            yield self
            assert self.logged == []
        finally:
            for uri in self.opened:
                self.tell("textDocument/didClose", {"textDocument": {"uri": uri}})
            self.ask("textDocument/documentHighlight", self.at("", 0, 0))  # what is said of closing comes before
            self.folder = root

    # -- the protocol

    def send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        """Return the next message, and keep what it says by itself."""
        assert self.process.stdout is not None
        length = 0
        while (header := self.process.stdout.readline()) != b"\r\n":
            assert header, f"the server went away: {self.errors.read_text()}"
            key, _, value = header.partition(b":")
            length = int(value) if key == b"Content-Length" else length
        message: dict[str, Any] = json.loads(self.process.stdout.read(length))
        if message.get("method") == "textDocument/publishDiagnostics":
            name = self.name(message["params"]["uri"])
            self.problems[name] = message["params"]["diagnostics"]
            if "version" in message["params"]:
                self.versions[name] = message["params"]["version"]
        elif message.get("method") == "window/logMessage":
            self.logged.append(message["params"]["message"])
        elif "method" in message:
            self.asked.append(message)
            if "id" in message:
                self.send({"id": message["id"], "result": None})
        return message

    def tell(self, method: str, params: Any) -> None:
        self.send({"method": method, "params": params})

    def ask(self, method: str, params: Any) -> Any:
        """Return the result of a request; where it fails, its error's message as `{"error": …}`."""
        self.number += 1
        self.send({"id": self.number, "method": method, "params": params})
        while (answer := self.receive()).get("id") != self.number or "method" in answer:
            pass
        return {"error": answer["error"]["message"]} if "error" in answer else answer.get("result")

    def close(self) -> int:
        """End the session as the protocol wants it, and return the server's exit code."""
        self.ask("shutdown", None)
        self.tell("exit", None)
        return self.end()

    def end(self) -> int:
        """Go away, and return the server's exit code once it noticed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        code = self.process.wait(20)
        self.process.stdout.close()
        return code

    # -- documents

    def uri(self, name: str) -> str:
        if name.startswith(("untitled:", "file:")):
            return name
        return (self.folder / name).as_uri()

    def name(self, uri: str) -> str:
        return uri.removeprefix(self.folder.as_uri() + "/")

    def open(self, name: str, text: str) -> list[Any]:
        """Open a document and return its problems."""
        uri = self.uri(name)
        self.version = 1
        self.versions.pop(name, None)
        self.opened.append(uri)
        about = {"uri": uri, "languageId": "gatecheck", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": about})
        return self.settled(name)

    def change(self, name: str, text: str) -> list[Any]:
        """Give a document another text, and return its problems."""
        self.type(name, text)
        return self.settled(name)

    def type(self, name: str, text: str) -> list[Any]:
        """Give a document another text, and return its problems as soon as they are there."""
        self.version += 1
        self.tell("textDocument/didChange", {
            "textDocument": {"uri": self.uri(name), "version": self.version}, "contentChanges": [{"text": text}]
        })  # fmt: skip
        while self.versions.get(name) != self.version:
            self.receive()
        return self.problems[name]

    def reread(self, name: str, method: str, params: Any) -> list[Any]:
        """Tell of something after which files are read again, and return a document's problems then."""
        self.versions.pop(name)
        self.tell(method, params)
        return self.settled(name)

    def close_document(self, name: str) -> None:
        """Close a document, and wait for what is published after that."""
        self.opened.remove(self.uri(name))
        self.tell("textDocument/didClose", {"textDocument": {"uri": self.uri(name)}})
        self.ask("textDocument/documentHighlight", self.at(name, 0, 0))

    def settled(self, name: str) -> list[Any]:
        """Return the problems of a document's last text, once those of the whole pack were published."""
        while self.versions.get(name) != self.version:
            self.receive()
        self.ask("textDocument/documentHighlight", self.at(name, 0, 0))
        return self.problems[name]

    def at(self, name: str, line: int, character: int, **more: Any) -> dict[str, Any]:
        """Return the parameters of a request about a place, counted from 0."""
        return {"textDocument": {"uri": self.uri(name)}, "position": {"line": line, "character": character}, **more}
