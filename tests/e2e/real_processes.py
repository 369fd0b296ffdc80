"""Processes of the product, started as a person would, watched through their files and sockets only."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from demo.site import free_ports

REPOSITORY = Path(__file__).parents[2]
STEP_S = 0.05
START_S = 60.0
"""Generous: a machine may have better things to do."""


def wait_for[T](look: Callable[[], T | None], what: str, seconds: float = 30.0) -> T:
    """The first answer of `look` that is true; fails with `what` after some seconds."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(STEP_S)


class RealProcess:
    """One process in a group of its own, with its output in a file."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                # Linux ends it when the tests are killed.
                ["setpriv", "--pdeathsig", "TERM", sys.executable, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=REPOSITORY,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def check(self) -> None:
        """Fails when the process has ended."""
        code = self._process.poll()
        assert code is None, f"it ended with {code}:\n{self.output[-3000:]}"

    def wait(self, seconds: float = START_S) -> int:
        """The exit code, once it has ended by itself."""
        return self._process.wait(seconds)

    def end(self) -> int:
        """Asks it to end; returns its exit code. One that does not listen is killed."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            return self._process.wait(30.0)
        finally:
            self.kill()

    def kill(self) -> None:
        """Ends it and all its children at once, as a power cut would."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(30.0)

    def child(self, words: str) -> int:
        """The number of its child whose command line has these words."""

        def is_it(folder: Path) -> bool:
            with suppress(OSError):  # Processes come and go while we look.
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                return words in command and f"\nPPid:\t{self.pid}\n" in (folder / "status").read_text()
            return False

        def look() -> int | None:
            self.check()
            return next((int(one.name) for one in Path("/proc").iterdir() if one.name.isdecimal() and is_it(one)), None)

        return wait_for(look, f"a child of {self.pid} that runs {words}")


class Simulator:
    """The simulated cameras: they can be switched on and off at the same addresses."""

    PASSWORD = "blue Kettle 7"

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        rtsp, overview, ptz = free_ports(3)
        self.address = f"http://127.0.0.1:{overview}/onvif/device_service"
        ports = ("--rtsp-port", str(rtsp), "--onvif-ports", str(overview), str(ptz))
        self._command = ("-m", "engine.simulator", "--out", str(folder), *ports, *options)
        self.process: RealProcess | None = None
        self.note: dict[str, Any] = {}

    def switch_on(self) -> None:
        """Starts them, and waits until they answer."""
        ready = self._folder / "ready.json"
        ready.unlink(missing_ok=True)
        environment = {"SMART_PTZ_SIMULATOR_PASSWORD": self.PASSWORD}
        process = self.process = RealProcess(self._command, self._folder / "log.txt", environment)

        def look() -> bool:
            process.check()
            return ready.exists()

        wait_for(look, "the simulator is ready", START_S)
        self.note = json.loads(ready.read_text())

    def cut_power(self) -> None:
        """They vanish without a word."""
        process, self.process = self.process, None
        if process:
            process.kill()

    def truth(self) -> dict[str, Any]:
        """What really is: the newest line of the log."""
        return self._truths(20_000)[-1]

    def truths(self, since: float, before: float) -> list[dict[str, Any]]:
        """What really was, tick by tick, in the last half minute or so."""
        return [one for one in self._truths(500_000) if since <= one["t"] < before]

    def _truths(self, bytes_back: int) -> list[dict[str, Any]]:
        with (self._folder / "truth.jsonl").open("rb") as file:
            length = file.seek(0, os.SEEK_END)
            file.seek(max(length - bytes_back, 0))
            lines = file.read().split(b"\n")
        # The first line may be cut off, and what follows the last line break may be half a line.
        return [json.loads(line) for line in lines[1 if length > bytes_back else 0 : -1]]


class Api:
    """The engine's API for a test that waits."""

    USERNAME, PASSWORD = "keeper", "Quiet-Harbour-19"

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/api/v1"
        self.token = ""

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.raw(method, path, body)
        return json.loads(answer) if answer else None

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def post(self, path: str, body: Any = None) -> Any:
        return self.call("POST", path, body)

    def raw(self, method: str, path: str, body: Any = None) -> bytes:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(f"{self.url}/{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20.0) as response:
                content: bytes = response.read()
                return content
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read()[:300]!r}") from error

    def wait_until_it_answers(self, engine: RealProcess) -> None:
        def look() -> bool:
            engine.check()
            with suppress(urllib.error.URLError):
                return bool(self.get("info"))
            return False

        wait_for(look, "the API answers", START_S)

    def activate(self) -> None:
        """Makes the first user and is that user from now on."""
        self.token = self.post("activation", {"username": self.USERNAME, "password": self.PASSWORD})["token"]

    def events(self, kind: str, since: float = 0.0) -> list[dict[str, Any]]:
        """The stored events of a kind, oldest first."""
        found: list[dict[str, Any]] = self.get(f"events?kind={kind}&since={since}&limit=500")["events"]
        return found[::-1]

    def channel(self, channel_id: str) -> dict[str, Any]:
        return next(one for one in self.get("state")["channels"] if one["id"] == channel_id)

    def link(self, link_id: str) -> dict[str, Any]:
        return next(one for one in self.get("state")["links"] if one["id"] == link_id)


class Engine:
    """`smart-ptz run` on a site file."""

    def __init__(self, site: Path, api_port: int, environment: Mapping[str, str]) -> None:
        self.site = site
        self.api = Api(api_port)
        self.process = RealProcess(("-m", "engine", "run", str(site)), site.with_name("engine.log"), environment)

    def activate(self) -> None:
        """Waits until it answers, and makes the first user."""
        self.api.wait_until_it_answers(self.process)
        self.api.activate()
