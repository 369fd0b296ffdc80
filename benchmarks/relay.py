"""What 50 RTSP clients on one 1080p25 channel cost the media process: with them and without them, in turns."""

from __future__ import annotations

import asyncio
import json
import secrets
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.clip import FPS, the_clip
from benchmarks.notes import read_note
from benchmarks.registry import Say
from benchmarks.report import Better, Result
from benchmarks.site import CHANNEL
from benchmarks.viewers import VIEWER_VARIABLE
from demo.processes import Child, ProcessFailed, python
from demo.usage import ProcessorTimes
from engine.core.clock import SystemClock
from engine.media import MediaError, MediaProcess, MediaSettings, RelayUser, StreamSource

CLIENTS = 50
ROUNDS = 2
SETTLE_S = 3.0
WINDOW_S = 10.0
PATIENCE_S = 30.0
_LOOK_S = 0.2


def run(say: Say) -> Sequence[Result]:
    """See `Benchmark`."""
    clip = the_clip(say)
    try:
        alone, watched, slowest_fps = asyncio.run(_measure(clip, say))
    except MediaError as error:
        raise ProcessFailed(str(error)) from error
    percent = "% of a core"
    return [
        Result("media process without clients", 100 * alone, percent),
        Result(f"media process with {CLIENTS} clients", 100 * watched, percent),
        Result("one client", 100 * (watched - alone) / CLIENTS, percent),
        Result("received by the slowest client", slowest_fps, "pictures/s", 0.98 * FPS, Better.HIGHER),
    ]


async def _measure(clip: Path, say: Say) -> tuple[float, float, float]:
    alone, watched, slowest = [], [], []
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        note = folder / "camera.json"
        camera = Child("camera", python("benchmarks.camera", str(clip), str(note)), folder / "camera.log")
        await camera.start()
        stack.push_async_callback(camera.stop)
        media = MediaProcess(MediaSettings(), SystemClock())
        await media.start()
        stack.push_async_callback(media.stop)
        user = RelayUser(name="viewer", password=secrets.token_urlsafe(12))
        await media.set_relay_users([user])
        await media.add_stream(StreamSource(channel=CHANNEL, url=(await read_note(camera, note))["url"]))
        async with asyncio.timeout(PATIENCE_S):
            while not media.statistics(CHANNEL).received_fps:  # noqa: ASYNC110 - told once a second
                await asyncio.sleep(_LOOK_S)
        for number in range(ROUNDS):
            say(f"round {number + 1} of {ROUNDS}: no clients, then {CLIENTS}, {WINDOW_S:.0f} s each")
            await asyncio.sleep(SETTLE_S)
            alone.append(await _share(media))
            share, fps = await _with_clients(media, user, folder / str(number))
            watched.append(share)
            slowest.append(fps)
    return mean(alone), mean(watched), min(slowest)


async def _with_clients(media: MediaProcess, user: RelayUser, folder: Path) -> tuple[float, float]:
    """The media process's share of a core, and the pictures a second of the client that got the fewest."""
    ready, counts = folder / "ready.json", folder / "counts.json"
    viewers = Child(
        "viewers",
        python("benchmarks.viewers", str(ready), str(counts), media.relay_url(CHANNEL), str(CLIENTS)),
        folder / "viewers.log",
        {VIEWER_VARIABLE: json.dumps({"user": user.name, "password": user.password})},
    )
    await viewers.start()
    try:
        await read_note(viewers, ready)
        await asyncio.sleep(SETTLE_S)
        before = _counts(counts)
        share = await _share(media)
        viewers.check()
        after = _counts(counts)
    finally:
        await viewers.stop()
    elapsed = after["at"] - before["at"]
    received = [late - early for late, early in zip(after["received"], before["received"], strict=True)]
    return share, min(received) / elapsed


def _counts(path: Path) -> Any:
    return json.loads(path.read_text())


async def _share(media: MediaProcess) -> float:
    if media.pid is None:
        raise ProcessFailed("the media process has ended")
    times = ProcessorTimes({"media": media.pid})
    await asyncio.sleep(WINDOW_S)
    return times.shares()["media"]
