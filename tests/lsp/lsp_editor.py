"""An editor as the language server sees one: it starts `gatecheck lsp` and speaks JSON-RPC over its pipes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class Editor:
    """A session with a server of its own."""

    def __init__(self, folder: Path, capabilities: dict[str, Any] | None = None) -> None:
        self.folder = folder
        self.log = (folder.parent / f"{folder.name}.stderr").open("w+b")
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "evaluator"), "PYTHONWARNINGS": "error"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gatecheck", "lsp"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, env=environment,
        )  # fmt: skip
        self.problems: dict[str, list[Any]] = {}  # as last published, by file
        self.versions: dict[str, int] = {}
        self.logged: list[str] = []
        self.asked: list[Any] = []  # by the server
        self.number = 0
        about = {"processId": None, "rootUri": folder.as_uri(), "capabilities": capabilities or {}}
        self.server: Any = self.ask("initialize", about)
        self.tell("initialized", {})

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
            assert header, "the server went away"
            name, _, value = header.partition(b":")
            length = int(value) if name == b"Content-Length" else length
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
        code = self.process.wait(20)
        self.log.close()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        return code

    # -- documents

    def uri(self, name: str) -> str:
        return (self.folder / name).as_uri()

    def name(self, uri: str) -> str:
        return uri.removeprefix(self.folder.as_uri() + "/")

    def open(self, name: str, text: str) -> list[Any]:
        """Open a document and return its problems."""
        self.version = 1
        self.tell("textDocument/didOpen", {"textDocument": {
            "uri": self.uri(name), "languageId": "gatecheck", "version": 1, "text": text
        }})  # fmt: skip
        return self.settled(name)

    def change(self, name: str, text: str) -> list[Any]:
        """Give a document another text, and return its problems."""
        self.version += 1
        self.tell("textDocument/didChange", {
            "textDocument": {"uri": self.uri(name), "version": self.version}, "contentChanges": [{"text": text}]
        })  # fmt: skip
        return self.settled(name)

    def settled(self, name: str) -> list[Any]:
        """Return the problems of a document's last text, once they were published."""
        while self.versions.get(name) != self.version:
            self.receive()
        return self.problems[name]

    def at(self, name: str, line: int, character: int, **more: Any) -> dict[str, Any]:
        """Return the parameters of a request about a place, counted from 0."""
        return {"textDocument": {"uri": self.uri(name)}, "position": {"line": line, "character": character}, **more}
