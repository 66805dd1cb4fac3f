"""Speaks to Chromium by its own protocol, and switches nothing on unasked.

Playwright listens to a page's network from the beginning, and the page then keeps all that it fetched for the
listener: up to 200 MB, which would look like a page that grows.
"""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
from browse import FLAGS
from websockets.sync.client import ClientConnection, connect


class Chromium:
    """A running browser behind one socket. It keeps events by session until a caller takes them."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self.events: dict[str, list[dict[str, Any]]] = {}

    def call(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer.

        Raises `RuntimeError` when the browser refuses it.
        """
        number = next(self._ids)
        command = {"id": number, "method": method, "params": parameters}
        self._socket.send(json.dumps(command | ({"sessionId": session} if session else {})))
        while True:
            message = self._hear(60)
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return dict(message["result"])

    def listen(self, seconds: float) -> None:
        """Collect events for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                self._hear(left)
            except TimeoutError:
                return

    def _hear(self, seconds: float) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._socket.recv(seconds))
        if "method" in message:
            self.events.setdefault(message.get("sessionId", ""), []).append(message)
        return message

    def processes(self, kind: str) -> dict[int, float]:
        """Tell the processor time of the browser's processes of a kind, `renderer` or `GPU`, by their ids."""
        listed = self.call("SystemInfo.getProcessInfo")["processInfo"]
        return {int(one["id"]): float(one["cpuTime"]) for one in listed if one["type"] == kind}


class Tab:
    """A page with a cache and a process of its own."""

    def __init__(self, browser: Chromium, width: int = 1280, height: int = 800) -> None:
        before = browser.processes("renderer")
        context = browser.call("Target.createBrowserContext")["browserContextId"]
        target = browser.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        self._browser, self._context = browser, context
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
            mobile=width < 640,
        )  # fmt: skip
        self._before = before

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command to this page."""
        return self._browser.call(method, self.session, **parameters)

    def evaluate(self, expression: str) -> Any:
        """Evaluate JavaScript and give back its value."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def wait_for(self, expression: str, seconds: float = 120) -> None:
        """Wait until an expression is true.

        Raises `TimeoutError` when it never is.
        """
        end = time.monotonic() + seconds
        while not self.evaluate(expression):
            if time.monotonic() > end:
                raise TimeoutError(f"{expression} is not true after {seconds:.0f} s")
            self._browser.listen(0.2)

    def taken(self) -> list[dict[str, Any]]:
        """Take the events that this page has received."""
        return self._browser.events.pop(self.session, [])

    def process(self) -> psutil.Process:
        """Find the process that draws this page: of the new ones, the one that works.

        Ask before another page is opened. Chromium keeps some at hand that do nothing yet.
        """
        new = {
            pid: used for pid, used in self._browser.processes("renderer").items() if pid not in self._before
        }
        return psutil.Process(max(new, key=new.__getitem__))

    def close(self) -> None:
        """Throw the page away, its cache with it."""
        self._browser.call("Target.disposeBrowserContext", browserContextId=self._context)
        self.taken()


@contextmanager
def chromium() -> Iterator[Chromium]:
    """Start the machine's Chromium without a window."""
    names = ("chromium", "chromium-browser", "chromium-headless-shell")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        raise RuntimeError("Chromium is not installed")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            program, "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={profile}", *FLAGS
        ]  # fmt: skip
        process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        assert process.stderr is not None
        try:
            announcement = next(line for line in process.stderr if "DevTools listening on" in line)
            with connect(announcement.split(" on ")[1].strip(), max_size=None, compression=None) as socket:
                yield Chromium(socket)
        finally:
            process.terminate()
            process.wait(20)


def traffic(events: list[dict[str, Any]]) -> dict[str, float]:
    """Add up what went over the wire: bytes by HTTP with headers, and over websockets without."""
    sums = dict.fromkeys(("http", "requests", "websocket down", "websocket up"), 0.0)
    for event in events:
        method, parameters = event["method"], event["params"]
        if method == "Network.loadingFinished":
            sums["http"] += max(parameters["encodedDataLength"], 0)
            sums["requests"] += parameters["encodedDataLength"] > 0
        elif method in ("Network.webSocketFrameReceived", "Network.webSocketFrameSent"):
            frame = parameters["response"]
            binary = frame["opcode"] == 2
            size = len(base64.b64decode(frame["payloadData"]) if binary else frame["payloadData"].encode())
            sums["websocket down" if method.endswith("Received") else "websocket up"] += size
    return sums
