"""The analysis of a channel: frames in, track updates out, with the inference threads shared between channels."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from types import TracebackType
from typing import Self

from engine.core.geometry import Pose
from engine.core.values import Detection, Frame, Image, TrackUpdate
from engine.vision.detector import Detector
from engine.vision.tracker import MultiObjectTracker

_WINDOW = 50
"""Statistics are about this many frames back."""


@dataclass(frozen=True, slots=True)
class AnalysisStatistics:
    """How a channel's analysis goes: over the last frames, except for the total.

    `detect_ms` is the median time of one detection, `wait_ms` the median time that a frame waited for a free thread,
    `latency_ms` the median age of a frame (since its capture) when its tracks were ready.
    """

    frames_analysed: int
    frames_analysed_per_s: float
    detect_ms: float
    wait_ms: float
    latency_ms: float


class InferencePool:
    """The threads in which all channels' detectors run.

    Fair: a channel asks for its next frame only when the one before is done, so each has at most one frame waiting,
    and those are served in the order in which they came. Use it as a context manager, or close it.
    """

    def __init__(self, threads: int = 1) -> None:
        self._executor = ThreadPoolExecutor(max(threads, 1), thread_name_prefix="inference")

    async def detect(self, detector: Detector, image: Image) -> tuple[list[Detection], float, float]:
        """The detections, and the seconds that the picture waited and was worked on."""
        asked = time.perf_counter()

        def work() -> tuple[list[Detection], float, float]:
            began = time.perf_counter()
            detections = detector.detect(image)
            return detections, began - asked, time.perf_counter() - began

        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    async def run[T](self, work: Callable[[], T]) -> T:
        """Does other work on a picture in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def close(self) -> None:
        """Ends the threads once they have finished what they do; what waits is dropped."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class _Sample:
    done_at: float
    wait_s: float
    detect_s: float
    latency_s: float


class ChannelAnalysis:
    """Detects and tracks on one channel's frames, one at a time, always on the newest.

    `frames` gives the newest frame whenever it is asked. `on_update` is called in the event loop after each frame; it
    must not block. `pose_at` tells where a PTZ camera looked at a time (Unix seconds); leave it out for a fixed one.
    `now` is the clock of the frames' times, for the latency.
    """

    def __init__(
        self,
        channel: str,
        detector: Detector,
        tracker: MultiObjectTracker,
        pool: InferencePool,
        on_update: Callable[[TrackUpdate], None],
        *,
        pose_at: Callable[[float], Pose | None] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._channel = channel
        self._detector = detector
        self._tracker = tracker
        self._pool = pool
        self._on_update = on_update
        self._pose_at = pose_at
        self._now = now
        self._count = 0
        self._samples: deque[_Sample] = deque(maxlen=_WINDOW)
        self.latest: TrackUpdate | None = None

    async def run(self, frames: AsyncIterator[Frame]) -> None:
        """Analyses until the frames end. An error of the detector or the callback is raised."""
        async for frame in frames:
            update = await self.analyse(frame)
            self._on_update(update)

    async def analyse(self, frame: Frame) -> TrackUpdate:
        """The tracks after this frame. A frame older than the one before (a clock was set back) restarts tracking."""
        detections, wait_s, detect_s = await self._pool.detect(self._detector, frame.image)
        if self.latest is not None and frame.captured_at < self.latest.captured_at:
            self._tracker = self._tracker.restarted()
        pose = self._pose_at(frame.captured_at) if self._pose_at else None
        aspect = frame.image.shape[1] / frame.image.shape[0]
        tracks = self._tracker.update(detections, frame.captured_at, pose, aspect)
        self.latest = TrackUpdate(self._channel, frame.captured_at, tracks, aspect, pose)
        self._count += 1
        self._samples.append(_Sample(time.perf_counter(), wait_s, detect_s, self._now() - frame.captured_at))
        return self.latest

    @property
    def statistics(self) -> AnalysisStatistics:
        """How it goes now."""
        samples = tuple(self._samples)
        if not samples:
            return AnalysisStatistics(0, 0.0, 0.0, 0.0, 0.0)
        # Counted up to now, so that a channel whose frames have stopped does not keep its rate.
        elapsed = time.perf_counter() - samples[0].done_at
        return AnalysisStatistics(
            frames_analysed=self._count,
            frames_analysed_per_s=(len(samples) - 1) / elapsed if len(samples) > 1 and elapsed > 0 else 0.0,
            detect_ms=1000 * median(sample.detect_s for sample in samples),
            wait_ms=1000 * median(sample.wait_s for sample in samples),
            latency_ms=1000 * median(sample.latency_s for sample in samples),
        )
