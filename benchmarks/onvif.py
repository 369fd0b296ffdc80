"""What the ONVIF device promises: its start, what a request costs, how soon an event arrives, the relay, and no leak.

The device is the library's, alone in a process; its clients are others, so that their work is not counted. Only the
delay of events is measured in the whole engine, at its normal work.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.notes import read_note
from benchmarks.onvif_extent import Extent
from benchmarks.onvif_names import DEVICE_VARIABLE, ENGINE_VARIABLE, LOAD_VARIABLE
from benchmarks.registry import Say
from benchmarks.report import Result
from demo.processes import Child, ProcessFailed, python

START_AIM_S = 2.0
CPU_AIM_MS = 5.0
MEDIAN_AIM_MS = 30.0
P99_AIM_MS = 100.0
GROWTH_AIM_PERCENT = 2.0
PATIENCE_S = 3600.0

OPERATIONS = (
    ("Media GetProfiles", "digest"),
    ("Media GetProfiles", "token"),
    ("Media2 GetProfiles", "digest"),
    ("PTZ GetStatus", "digest"),
    ("PullMessages", "digest"),
)
_LOGINS = {"digest": "digest", "token": "UsernameToken"}
_BYTECODE = Path(__file__).parents[1] / ".build" / "benchmarks" / "bytecode"
_MIB = 2**20


EXTENT = Extent()
"""What `run` measures; tests put a smaller one in its place."""


def run(say: Say) -> Sequence[Result]:
    """See `Benchmark`."""
    results = asyncio.run(_device(EXTENT, say))
    if EXTENT.events is not None:
        results += _events(EXTENT, EXTENT.events, say)
    if EXTENT.relay is not None:
        from benchmarks import onvif_relay

        results += onvif_relay.measure(EXTENT.relay, say)
    return results


async def _device(extent: Extent, say: Say) -> list[Result]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        say(f"starting the device {extent.starts} times")
        async with _Device(folder) as device:  # the first start compiles, as an installation does
            await device.answered()
        starts = []
        for _ in range(extent.starts):
            async with _Device(folder) as device:
                starts.append((device.started_s, device.used_s))
        results = [
            Result("start to listening, median", median(one[0] for one in starts), "s", START_AIM_S),
            Result("start to listening, processor time", median(one[1] for one in starts), "s"),
        ]
        async with _Device(folder) as device:
            await device.answered()
            results.append(Result("resident memory after the first answers", device.resident_mib(), "MiB"))
            results += await _rates(device, extent, say)
        async with _Device(folder) as device:
            results += await _mixture(device, extent, say)
    return results


class _Device:
    """The device's process, from its start to its end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._note = folder / "device.json"
        self._login = {"user": "benchmark", "password": secrets.token_urlsafe(12)}
        # An installation has its modules compiled; this process may be told to write none.
        environment = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(_BYTECODE)}
        environment[DEVICE_VARIABLE] = json.dumps(self._login)
        command = python("benchmarks.onvif_device", str(self._note))
        self.child = Child("ONVIF device", command, folder / "device.log", environment)
        self._port = 0
        self.started_s = 0.0
        """From the start of the process until it listened."""
        self.used_s = 0.0
        """Processor time until then."""

    async def __aenter__(self) -> _Device:
        self._note.unlink(missing_ok=True)
        began = time.time()
        await self.child.start()
        try:
            note = await read_note(self.child, self._note)
        except ProcessFailed:
            await self.child.stop()
            raise
        self._port, self.started_s, self.used_s = note["port"], note["at"] - began, note["used_s"]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.child.stop()

    async def answered(self) -> None:
        """Has it answer some requests."""
        await self.load({"kind": "rate", "operation": "Media GetProfiles", "scheme": "digest", "requests": 4})

    async def load(self, order: dict[str, Any]) -> Any:
        """Has clients in another process carry out an order; returns what they found. Raises ProcessFailed."""
        result = self._folder / "load.json"
        result.unlink(missing_ok=True)
        order = {"connections": 1, **order, **self._login, "port": self._port, "pid": self.child.pid}
        clients = Child(
            "ONVIF clients",
            python("benchmarks.onvif_load", str(result)),
            self._folder / "load.log",
            {LOAD_VARIABLE: json.dumps(order)},
        )
        await clients.start()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await clients.ended()
            if not result.exists():
                raise ProcessFailed(f"the clients failed:\n{clients.last_lines()}")
            return json.loads(result.read_text())
        except TimeoutError as error:
            raise ProcessFailed(f"the clients did not end within {PATIENCE_S:.0f} s") from error
        finally:
            await clients.stop()
            self.child.check()

    def resident_mib(self) -> float:
        """The memory that it holds."""
        pages = int(Path(f"/proc/{self.child.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / _MIB


async def _rates(device: _Device, extent: Extent, say: Say) -> list[Result]:
    results = []
    for operation, scheme in OPERATIONS:
        name = f"{operation} ({_LOGINS[scheme]})"
        say(f"{extent.requests} times {name}")
        order = {"kind": "rate", "operation": operation, "scheme": scheme}
        found = await device.load({**order, "requests": extent.requests, "connections": extent.connections})
        aim = CPU_AIM_MS if "GetProfiles" in operation else None
        results += [
            Result(name, found["per_second"], "requests/s"),
            Result(f"{name}, processor time", found["cpu_ms"], "ms", aim),
        ]
    return results


async def _mixture(device: _Device, extent: Extent, say: Say) -> list[Result]:
    say(f"{extent.mixed_requests} requests of all kinds")
    found = await device.load({"kind": "mix", "requests": extent.mixed_requests})
    early, middle, late = (bytes_held / _MIB for bytes_held in found["memory"])
    return [
        Result("mixed requests", found["requests"], ""),
        Result("memory after 10 % of them", early, "MiB"),
        Result("memory after 50 %", middle, "MiB"),
        Result("memory after all", late, "MiB"),
        Result("growth from 10 % to all", 100 * (late / early - 1), "%", GROWTH_AIM_PERCENT),
    ]


def _events(extent: Extent, events: int, say: Say) -> list[Result]:
    import numpy as np

    from benchmarks.clip import the_clip
    from engine.app.engine import EngineStartError

    clip = the_clip(say)
    try:
        found = asyncio.run(_delays(extent, events, clip, say))
    except EngineStartError as error:
        raise ProcessFailed(str(error)) from error
    name = f"rule's event to the answer of PullMessages, {extent.pull_points} pull points"
    return [
        Result(f"{name}, median", float(np.median(found)), "ms", MEDIAN_AIM_MS),
        Result(f"{name}, 99th percentile", float(np.percentile(found, 99)), "ms", P99_AIM_MS),
    ]


async def _delays(extent: Extent, events: int, clip: Path, say: Say) -> list[float]:
    from benchmarks import latency

    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        engine, access = await latency.engine_at_work(stack, folder, clip, say)
        ready, arrivals = folder / "pullers.json", folder / "arrivals.jsonl"
        pullers = Child(
            "pull point clients",
            python("benchmarks.onvif_pullers", str(ready), str(arrivals), str(extent.pull_points)),
            folder / "pullers.log",
            {ENGINE_VARIABLE: json.dumps(access)},
        )
        await pullers.start()
        stack.push_async_callback(pullers.stop)
        await read_note(pullers, ready)
        await asyncio.sleep(latency.SETTLE_S)
        say(f"{events} events to {extent.pull_points} pull points")
        published = await latency.publish(engine, events, extent.pause_s)
        found = await latency.delays(published, arrivals, pullers, range(extent.pull_points))
        return [delay for each in found.values() for delay in each]
