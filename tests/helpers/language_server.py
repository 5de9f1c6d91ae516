"""A client of pyright's language server: what an editor shows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


class LanguageServer:
    """Pyright as an editor runs it, for the files of a folder.

    Args:
        folder: where the program that is edited stands.
    """

    def __init__(self, folder: Path) -> None:
        own = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self._uri = folder.as_uri()
        self._sent = 0
        self._process = subprocess.Popen(
            [Path(sys.executable).with_name("pyright-langserver"), "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PATH": own, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        self._ask("initialize", {"processId": None, "rootUri": self._uri, "capabilities": {}})
        self._send("initialized", {})

    def __enter__(self) -> LanguageServer:
        return self

    def __exit__(self, *reason: object) -> None:
        self._process.kill()
        self._process.communicate()

    def open(self, text: str) -> None:
        """Edit a program."""
        document = {"uri": f"{self._uri}/edited.py", "languageId": "python", "version": 1}
        self._send("textDocument/didOpen", {"textDocument": {**document, "text": text}})

    def hover(self, line: int, column: int) -> str:
        """What stands in the window over a name."""
        found = self._ask("textDocument/hover", self._at(line, column))
        return "" if found is None else found["contents"]["value"]

    def completions(self, line: int, column: int) -> set[str]:
        """The names that are offered."""
        found = self._ask("textDocument/completion", self._at(line, column))
        items = found["items"] if isinstance(found, dict) else found
        return {item["label"] for item in items or []}

    def _at(self, line: int, column: int) -> dict[str, Any]:
        return {
            "textDocument": {"uri": f"{self._uri}/edited.py"},
            "position": {"line": line, "character": column},
        }

    def _send(self, method: str, params: Any, **more: Any) -> None:
        text = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(text), text))
        self._process.stdin.flush()

    def _ask(self, method: str, params: Any) -> Any:
        self._sent += 1
        self._send(method, params, id=self._sent)
        while True:
            message = self._receive()
            if message.get("id") == self._sent and "method" not in message:
                return message["result"]

    def _receive(self) -> Any:
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length, "the language server has ended"
        return json.loads(self._process.stdout.read(length))
