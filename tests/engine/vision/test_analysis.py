"""The analysis of channels: updates in order, fair shares of the threads, poses at the frames' own times."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator

import numpy as np
import pytest

from engine.core.geometry import Box, Pose
from engine.core.values import Detection, Frame, Image, TargetType, TrackUpdate
from engine.vision import ChannelAnalysis, Detector, InferencePool, MultiObjectTracker

pytestmark = pytest.mark.ledger("VCA-1")

IMAGE: Image = np.zeros((90, 160, 3), np.uint8)
SOMEBODY = Detection(Box(0.4, 0.4, 0.1, 0.3), TargetType.PERSON, 0.9)


class Scripted:
    """A detector that finds somebody, or whatever `action` does in the inference thread."""

    name = "scripted"

    def __init__(self, action: object = None) -> None:
        self.action = action
        self.threads: set[str] = set()

    def detect(self, image: Image) -> list[Detection]:
        self.threads.add(threading.current_thread().name)
        if callable(self.action):
            self.action()
        return [SOMEBODY]


async def frames(channel: str, times: list[float]) -> AsyncIterator[Frame]:
    for sequence, at in enumerate(times):
        yield Frame(channel, IMAGE, at, at + 0.1, sequence)


def analysis(channel: str, detector: Detector, pool: InferencePool, updates: list[TrackUpdate]) -> ChannelAnalysis:
    return ChannelAnalysis(channel, detector, MultiObjectTracker(channel), pool, updates.append, now=lambda: 11.0)


async def test_every_frame_gives_an_update_and_the_event_loop_does_not_work() -> None:
    updates: list[TrackUpdate] = []
    detector = Scripted()
    with InferencePool() as pool:
        channel = analysis("yard", detector, pool, updates)
        assert channel.statistics.frames_analysed == 0
        await channel.run(frames("yard", [10.0, 10.2, 10.4, 10.6]))
    assert [update.captured_at for update in updates] == [10.0, 10.2, 10.4, 10.6]
    assert [update.tracks[0].confirmed for update in updates] == [False, False, True, True]
    assert updates[-1] == channel.latest
    assert updates[0].aspect == pytest.approx(16 / 9)
    assert all(name.startswith("inference") for name in detector.threads)
    statistics = channel.statistics
    assert statistics.frames_analysed == 4
    assert statistics.frames_analysed_per_s > 0
    assert statistics.latency_ms == pytest.approx(700)


async def test_the_pose_is_the_one_at_the_frames_own_time() -> None:
    updates: list[TrackUpdate] = []
    with InferencePool() as pool:
        channel = ChannelAnalysis(
            "ptz", Scripted(), MultiObjectTracker("ptz"), pool, updates.append, pose_at=lambda at: Pose(at, 0, 60)
        )
        await channel.run(frames("ptz", [10.0, 10.2]))
    assert [update.pose for update in updates] == [Pose(10.0, 0, 60), Pose(10.2, 0, 60)]


async def test_a_busy_channel_leaves_the_other_its_share() -> None:
    order: list[str] = []

    def recorded(name: str) -> Scripted:
        def work() -> None:
            time.sleep(0.002)
            order.append(name)

        return Scripted(work)

    with InferencePool(1) as pool:
        times = [10 + i / 5 for i in range(20)]
        await asyncio.gather(
            *(analysis(name, recorded(name), pool, []).run(frames(name, times)) for name in ("a", "b", "c"))
        )
    # With one thread they take turns; only at the start the first may be ahead.
    for served in range(1, 55):
        counts = Counter(order[:served])
        assert max(counts.values()) - min(counts[name] for name in "abc") <= 2, "".join(order)


async def test_a_clock_that_was_set_back_starts_tracking_afresh_with_new_names() -> None:
    updates: list[TrackUpdate] = []
    with InferencePool() as pool:
        await analysis("yard", Scripted(), pool, updates).run(frames("yard", [10.0, 10.2, 5.0, 5.2]))
    assert [update.tracks[0].track_id for update in updates] == ["yard-1", "yard-1", "yard-2", "yard-2"]


async def test_an_error_of_the_detector_is_not_swallowed() -> None:
    def fail() -> None:
        raise RuntimeError("out of memory")

    with InferencePool() as pool:
        with pytest.raises(RuntimeError, match="out of memory"):
            await analysis("yard", Scripted(fail), pool, []).run(frames("yard", [10.0]))
        await analysis("other", Scripted(), pool, []).run(frames("other", [10.0]))  # the pool still works
