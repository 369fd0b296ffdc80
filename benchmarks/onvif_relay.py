"""What relaying costs the media process, beside gst-rtsp-server alone: to 1, 10 and 50 clients, by TCP and by UDP.

The media process cannot be had without its analysis: it also decodes all pictures and scales five a second. So the bare
side has that work, too: a `gst-launch-1.0` with the same elements, which reads the same video from a file. Both sides
look at one camera and are measured in turns, with the same clients in a process of their own.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

from benchmarks.analysis import bare_decoding_of_file
from benchmarks.clip import FPS, the_clip
from benchmarks.notes import read_note
from benchmarks.onvif_extent import RelayExtent
from benchmarks.registry import Say
from benchmarks.report import Better, Result
from benchmarks.site import CHANNEL
from benchmarks.viewers import VIEWER_VARIABLE
from demo.processes import Child, ProcessFailed, python
from demo.usage import ProcessorTimes
from engine.core.clock import SystemClock
from engine.media import MediaError, MediaProcess, MediaSettings, RelayUser, StreamSource

AIM_RATIO = 1.2
PATIENCE_S = 60.0
_LOOK_S = 0.2


@dataclass(slots=True)
class _Shares:
    """Shares of a core, by round; the pictures a second of the client that got the fewest."""

    media: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    slowest_fps: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two relays: its process, and where its clients go."""

    pid: int
    url: str


def measure(extent: RelayExtent, say: Say) -> list[Result]:
    """Measures. Blocks. Raises ProcessFailed."""
    try:
        return asyncio.run(_measure(extent, the_clip(say), say))
    except MediaError as error:
        raise ProcessFailed(str(error)) from error


async def _measure(extent: RelayExtent, clip: Path, say: Say) -> list[Result]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        camera = await _process(stack, folder, "camera", str(clip))
        bare = await _process(stack, folder, "bare_relay", camera[1])
        media, user = await _media_process(stack, camera[1])
        if media.pid is None:
            raise ProcessFailed("the media process has ended")
        sides = (_Side(media.pid, media.relay_url(CHANNEL)), _Side(*bare))
        watching = _Watching(extent, folder, user)
        idle, decoding = [], []
        found = {(transport, count): _Shares() for transport in extent.transports for count in extent.clients}
        for number in range(extent.rounds):
            say(f"round {number + 1} of {extent.rounds}: no clients")
            idle.append(await watching.share(media.pid))
            decoding.append(await _bare_decoding(clip, folder, watching))
            for (transport, count), shares in found.items():
                say(f"round {number + 1} of {extent.rounds}: {count} by {transport}")
                ours, fps = await watching.by(sides[0], transport, count)
                shares.media.append(ours)
                shares.slowest_fps.append(fps)
                shares.bare.append((await watching.by(sides[1], transport, count))[0])
    return _results(found, mean(idle), mean(decoding))


async def _process(stack: AsyncExitStack, folder: Path, module: str, argument: str) -> tuple[int, str]:
    """The number of a process that shows video, and its address."""
    note = folder / f"{module}.json"
    arguments = (argument, str(note)) if module == "camera" else (str(note), argument)
    child = Child(module, python(f"benchmarks.{module}", *arguments), folder / f"{module}.log")
    await child.start()
    stack.push_async_callback(child.stop)
    url = str((await read_note(child, note))["url"])
    return child.pid, url


async def _media_process(stack: AsyncExitStack, url: str) -> tuple[MediaProcess, RelayUser]:
    media = MediaProcess(MediaSettings(), SystemClock())
    await media.start()
    stack.push_async_callback(media.stop)
    user = RelayUser(name="viewer", password=secrets.token_urlsafe(12))
    await media.set_relay_users([user])
    await media.add_stream(StreamSource(channel=CHANNEL, url=url))
    async with asyncio.timeout(PATIENCE_S):
        while not media.statistics(CHANNEL).received_fps:  # noqa: ASYNC110 - told once a second
            await asyncio.sleep(_LOOK_S)
    return media, user


async def _bare_decoding(clip: Path, folder: Path, watching: _Watching) -> float:
    """The share of decoding a file at its pace and scaling five pictures a second, as the media process does it."""
    child = Child("gst-launch-1.0", bare_decoding_of_file(clip), folder / "gst-launch.log")
    await child.start()
    try:
        share = await watching.share(child.pid)
        child.check()
        return share
    finally:
        await child.stop()


class _Watching:
    """Makes clients watch, and measures meanwhile."""

    def __init__(self, extent: RelayExtent, folder: Path, user: RelayUser) -> None:
        self._extent = extent
        self._folder = folder
        self._login = json.dumps({"user": user.name, "password": user.password})
        self._number = 0

    async def share(self, pid: int) -> float:
        """The share of a core that a process takes, after a while to settle."""
        await asyncio.sleep(self._extent.settle_s)
        times = ProcessorTimes({"it": pid})
        await asyncio.sleep(self._extent.window_s)
        return times.shares()["it"]

    async def by(self, side: _Side, transport: str, count: int) -> tuple[float, float]:
        """The share with so many clients, and the pictures a second of the client that got the fewest."""
        self._number += 1
        ready, counts = self._folder / f"ready-{self._number}", self._folder / f"counts-{self._number}"
        viewers = Child(
            "viewers",
            python("benchmarks.viewers", str(ready), str(counts), side.url, str(count), transport),
            self._folder / "viewers.log",
            {VIEWER_VARIABLE: self._login},
        )
        await viewers.start()
        try:
            await read_note(viewers, ready)
            before = json.loads(counts.read_text())
            share = await self.share(side.pid)
            viewers.check()
            after = json.loads(counts.read_text())
        finally:
            await viewers.stop()
        elapsed = after["at"] - before["at"]
        received = [late - early for late, early in zip(after["received"], before["received"], strict=True)]
        return share, min(received) / elapsed


def _results(found: dict[tuple[str, int], _Shares], idle: float, decoding: float) -> list[Result]:
    percent = "% of a core"
    results = [
        Result("relay: media process without clients", 100 * idle, percent),
        Result("relay: bare decoding and scaling", 100 * decoding, percent),
    ]
    for (transport, count), shares in found.items():
        name = f"relay to {count} by {transport.upper()}"
        ours, bare = mean(shares.media), mean(shares.bare)
        results += [
            Result(f"{name}: media process", 100 * ours, percent),
            Result(f"{name}: bare relay", 100 * bare, percent),
            Result(f"{name}: ratio to bare relay + decoding", ours / (bare + decoding), "", AIM_RATIO),
            Result(f"{name}: slowest client", min(shares.slowest_fps), "pictures/s", 0.98 * FPS, Better.HIGHER),
        ]
    return results
