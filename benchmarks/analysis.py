"""What the analysis of one 1080p25 stream at 5 pictures a second costs, beside the bare work in it.

The engine (`python -m engine run`, as anybody runs it, with its media process) and the bare work take turns on the
same stream, three times. The bare work is a `gst-launch-1.0` that receives, decodes, thins and scales the stream as the
engine does, and throws the pictures away; and a process that only detects, at the same pace. Nothing in them is ours
but the detector's call, and each runs alone: beside each other they would take more, because they would meet on the
cores at random, while in the engine a detection follows upon its picture's decoding. Processor time is the kernel's, of
all threads.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from benchmarks.clip import the_clip
from benchmarks.notes import read_note
from benchmarks.registry import Say
from benchmarks.report import Better, Result
from benchmarks.site import write_site
from demo.engine_client import EngineClient, EngineError
from demo.processes import Child, ProcessFailed, python
from demo.secrets_file import SecretsFile
from demo.site import free_ports
from demo.usage import ProcessorTimes, children_of
from engine.vision.loading import AUTOMATIC

ROUNDS = 3
FPS = 5
WIDTH = 640
THREADS = 1
"""Of one inference, as in the engine."""
SETTLE_S = 4.0
"""After a start, until all caches are warm and every connection stands."""
WINDOW_S = 14.0
"""With the time to settle, less than the clip is long."""
AIM_RATIO = 1.15

_DECODE = (
    "avdec_h264 max-threads=1 ! videorate drop-only=true max-rate={fps} ! videoscale n-threads=1 "
    "! videoconvert n-threads=1 ! video/x-raw,format=BGR,width=[1,{width}],pixel-aspect-ratio=1/1 "
    "! fakesink sync={sync}"
)
_RECEIVE = "rtspsrc location={url} protocols=tcp latency=0 ! rtph264depay ! h264parse ! "
_READ = "filesrc location={clip} ! matroskademux ! h264parse ! "


@dataclass(frozen=True, slots=True)
class _Round:
    """Shares of a core."""

    engine: float
    media: float
    decode: float
    decode_of_file: float
    inference: float
    analysed_fps: float

    @property
    def ratio(self) -> float:
        return (self.engine + self.media) / (self.decode + self.inference)


def run(say: Say) -> Sequence[Result]:
    """See `Benchmark`."""
    clip = the_clip(say)
    try:
        rounds = asyncio.run(_measure(clip, say))
    except EngineError as error:
        raise ProcessFailed(str(error)) from error
    return _results(rounds)


async def _measure(clip: Path, say: Say) -> list[_Round]:
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            note = Path(folder) / "camera.json"
            camera = Child("camera", python("benchmarks.camera", str(clip), str(note)), Path(folder) / "camera.log")
            await camera.start()
            stack.push_async_callback(camera.stop)
            url = (await read_note(camera, note))["url"]
            for number in range(ROUNDS):
                bench = _Bench(Path(folder) / str(number), url, clip)
                turn = f"round {number + 1} of {ROUNDS}, {WINDOW_S:.0f} s:"
                say(f"{turn} the engine")
                engine, media, analysed_fps = await bench.engine()
                say(f"{turn} bare receiving + decoding")
                decode = await bench.bare_decode()
                say(f"{turn} bare inference")
                inference = await bench.bare_inference()
                say(f"{turn} bare decoding of a file")
                decode_of_file = await bench.bare_decode_of_file()
                rounds.append(_Round(engine, media, decode, decode_of_file, inference, analysed_fps))
    return rounds


class _Bench:
    """One round, in a folder of its own."""

    def __init__(self, folder: Path, url: str, clip: Path) -> None:
        self._folder = folder
        self._url = url
        self._clip = clip

    async def engine(self) -> tuple[float, float, float]:
        """The shares of the engine's process and of its media process, and the pictures analysed a second."""
        ports = dict(zip(("api", "relay", "onvif"), free_ports(3), strict=True))
        site = write_site(self._folder, self._url, {"fps": FPS, "width": WIDTH}, ports)
        async with EngineClient(site, ports["api"], SecretsFile(self._folder / "secrets.json")) as engine:
            await engine.wait_ready()
            await engine.wait_online()
            await asyncio.sleep(SETTLE_S)
            media = children_of(engine.child.pid)
            if len(media) != 1:
                raise ProcessFailed(f"the engine has {len(media)} child processes instead of its media process")
            times = ProcessorTimes({"engine": engine.child.pid, "media": media[0]})
            await asyncio.sleep(WINDOW_S)
            shares = times.shares()
            (channel,) = (await engine.call("GET", "/state"))["channels"]
            return shares["engine"], shares["media"], float(channel["analysed_fps"])

    async def bare_decode(self) -> float:
        """The share of receiving, decoding, thinning and scaling."""
        return await self._pipeline(_RECEIVE.format(url=self._url) + _DECODE.format(fps=FPS, width=WIDTH, sync="false"))

    async def bare_decode_of_file(self) -> float:
        """The same, but read from a file at the pace of the clock."""
        return await self._pipeline(_READ.format(clip=self._clip) + _DECODE.format(fps=FPS, width=WIDTH, sync="true"))

    async def _pipeline(self, description: str) -> float:
        child = Child("gst-launch-1.0", ["gst-launch-1.0", *description.split()], self._folder / "gst-launch.log")
        return await self._alone(child)

    async def bare_inference(self) -> float:
        """The share of detecting."""
        note = self._folder / "inference.json"
        arguments = (str(self._clip), str(note), str(WIDTH), str(FPS), AUTOMATIC, str(THREADS))
        child = Child("bare inference", python("benchmarks.bare_inference", *arguments), self._folder / "inference.log")
        return await self._alone(child, note)

    async def _alone(self, child: Child, ready: Path | None = None) -> float:
        await child.start()
        try:
            if ready is not None:
                await read_note(child, ready)
            await asyncio.sleep(SETTLE_S)
            child.check()
            times = ProcessorTimes({child.name: child.pid})
            await asyncio.sleep(WINDOW_S)
            child.check()
            return times.shares()[child.name]
        finally:
            await child.stop()


def bare_decoding_of_file(clip: Path) -> list[str]:
    """The command that decodes a file at its pace, and thins and scales its pictures as the engine does."""
    return ["gst-launch-1.0", *(_READ.format(clip=clip) + _DECODE.format(fps=FPS, width=WIDTH, sync="true")).split()]


def _results(rounds: Sequence[_Round]) -> list[Result]:
    percent = "% of a core"
    engine, media = mean(one.engine for one in rounds), mean(one.media for one in rounds)
    decode, inference = mean(one.decode for one in rounds), mean(one.inference for one in rounds)
    of_file = mean(one.decode_of_file for one in rounds)
    return [
        Result("engine, both processes", 100 * (engine + media), percent),
        Result("engine process", 100 * engine, percent),
        Result("media process", 100 * media, percent),
        Result("bare receiving + decoding", 100 * decode, percent),
        Result("bare decoding of a file", 100 * of_file, percent),
        Result("bare inference", 100 * inference, percent),
        Result("ratio to receiving + decoding + inference", (engine + media) / (decode + inference), "", AIM_RATIO),
        *(Result(f"the same, round {number}", one.ratio, "") for number, one in enumerate(rounds, 1)),
        Result("ratio to decoding of a file + inference", (engine + media) / (of_file + inference), ""),
        Result("analysed", min(one.analysed_fps for one in rounds), "pictures/s", 0.98 * FPS, Better.HIGHER),
    ]
