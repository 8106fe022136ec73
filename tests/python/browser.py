# SPDX-License-Identifier: Apache-2.0
"""A page in a real browser: Chromium without a window, spoken to through its debugging pipe (JSON messages that end in a zero byte)."""
import base64
import json
import os
import select
import shutil
import subprocess
import time

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60  # seconds for any answer


class Browser:
    """One page at a time: load() it, evaluate() scripts in it. problems: what its console said of errors; requests: what it asked for."""

    def __init__(self, program, folder):
        to_read, to_write = os.pipe(), os.pipe()

        def connect():
            # The browser reads from descriptor 3 and writes to 4; the ends may have these very numbers now.
            ends = os.dup(to_read[0]), os.dup(to_write[1])
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-pipe",
             "--disable-background-networking", "--disable-extensions", f"--user-data-dir={folder}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=connect, close_fds=False)
        os.close(to_read[0])
        os.close(to_write[1])
        self._output, self._input = to_read[1], to_write[0]
        self._received, self._number, self._session = b"", 0, None
        self.problems, self.requests, self._events = [], [], []
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(domain + ".enable")

    def _message(self, deadline):
        while b"\0" not in self._received:
            assert select.select([self._input], [], [], max(0, deadline - time.monotonic()))[0], "the browser does not answer"
            data = os.read(self._input, 1 << 20)
            assert data, "the browser has ended"
            self._received += data
        message, _, self._received = self._received.partition(b"\0")
        return json.loads(message)

    def _note(self, message):
        name, found = message.get("method", ""), message.get("params", {})
        if name == "Runtime.exceptionThrown":
            self.problems.append(found["exceptionDetails"].get("exception", {}).get("description", "an exception"))
        if name == "Log.entryAdded" and found["entry"]["level"] in ("error", "warning"):
            self.problems.append(found["entry"]["text"])
        if name == "Runtime.consoleAPICalled":
            self.problems.append(f"console.{found['type']}")
        if name == "Network.requestWillBeSent":
            self.requests.append(found["request"]["url"])
        self._events.append(name)

    def _ask(self, method, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters, **({"sessionId": self._session} if self._session else {})}
        os.write(self._output, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self._message(deadline)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self._note(answer)

    def load(self, path, width, height=800, media=""):
        """Shows the file in a window of this size; media "print": as if printed."""
        self._ask("Emulation.setEmulatedMedia", media=media)
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.problems, self.requests, self._events = [], [], []
        self._ask("Page.navigate", url=path.as_uri())
        deadline = time.monotonic() + PATIENCE
        while "Page.loadEventFired" not in self._events:
            self._note(self._message(deadline))

    def evaluate(self, script):
        result = self._ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def picture(self):
        """The window as PNG."""
        return base64.b64decode(self._ask("Page.captureScreenshot")["data"])

    def printed(self):
        """The page as PDF."""
        return base64.b64decode(self._ask("Page.printToPDF")["data"])

    def close(self):
        os.close(self._output)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self._input)


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Tests that need it skip visibly where no Chromium is installed (apt-get install chromium)."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if not program:
        pytest.skip("no Chromium is installed")
    found = Browser(program, tmp_path_factory.mktemp("browser"))
    yield found
    found.close()
