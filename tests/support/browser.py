"""A real headless Chromium, driven over its debugging pipe: no driver, no port, no library."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import time
from pathlib import Path
from typing import Any

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIETLY = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Without a window, and asking nobody for anything."""
OPTIONS = (*QUIETLY, "--disable-dev-shm-usage", "--remote-debugging-pipe")
COMMANDS_AT, EVENTS_AT = 3, 4
ABOVE_THOSE = 10
PATIENCE_SECONDS = 120.0


class Browser:
    """One browser with one tab. Collects what the tab complained about and whom it asked."""

    def __init__(self, profile: Path) -> None:
        assert BROWSER is not None
        commands, self._commands = _pipe()
        self._events, events = _pipe()
        self._process_id = os.posix_spawn(
            BROWSER,
            [BROWSER, *OPTIONS, f"--user-data-dir={profile}", "about:blank"],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, commands, COMMANDS_AT),
                (os.POSIX_SPAWN_DUP2, events, EVENTS_AT),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
        )
        os.close(commands)
        os.close(events)
        self._unread = b""
        self._number = 0
        self._session: str | None = None
        self.complaints: list[str] = []
        self.requests: list[str] = []
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._send(f"{domain}.enable")

    def close(self) -> None:
        os.kill(self._process_id, signal.SIGKILL)
        os.waitpid(self._process_id, 0)
        os.close(self._commands)
        os.close(self._events)

    def open(self, url: str) -> None:
        self._send("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete'")

    def resize(self, width: int, height: int = 900, *, dark: bool = False) -> None:
        """A window of exactly this width, as a phone's or a desk's."""
        self._send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._send("Emulation.setEmulatedMedia", features=[scheme])

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; promises are awaited."""
        answer = self._send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def wait_for(self, expression: str, seconds: float = PATIENCE_SECONDS) -> Any:
        """The first truthy value of an expression."""
        until = time.monotonic() + seconds
        while not (value := self.evaluate(expression)):
            if time.monotonic() > until:
                raise AssertionError(f"never so: {expression}; complaints: {self.complaints}")
            time.sleep(0.05)
        return value

    def text(self, selector: str) -> str:
        """What a person reads there."""
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText"))

    def click(self, selector: str) -> None:
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    def screenshot(self, path: Path) -> None:
        """The whole page as PNG."""
        picture = self._send("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(picture["data"]))

    def _send(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            received = self._receive()
            if received.get("id") == self._number:
                assert "error" not in received, received
                answer: dict[str, Any] = received["result"]
                return answer
            self._note(received.get("method", ""), received.get("params", {}))

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            readable, _, _ = select.select([self._events], [], [], PATIENCE_SECONDS)
            assert readable, "the browser does not answer"
            self._unread += os.read(self._events, 1 << 16)
        message, self._unread = self._unread.split(b"\0", 1)
        received: dict[str, Any] = json.loads(message)
        return received

    def _note(self, event: str, what: dict[str, Any]) -> None:
        if event == "Network.requestWillBeSent":
            self.requests.append(what["request"]["url"])
        elif event == "Log.entryAdded":
            self.complaints.append(f"{what['entry']['text']} {what['entry'].get('url', '')}")
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(what["exceptionDetails"]))
        elif event == "Runtime.consoleAPICalled" and what["type"] in {"error", "warning"}:
            self.complaints.append(json.dumps(what["args"]))
        elif event == "Page.javascriptDialogOpening":
            self.complaints.append(f"dialog: {what['message']}")


def _pipe() -> tuple[int, int]:
    """A pipe whose ends lie above the numbers that the browser reads and writes."""
    ends = os.pipe()
    above = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, ABOVE_THOSE) for end in ends]
    for end in ends:
        os.close(end)
    return above[0], above[1]
