"""Where a PTZ camera looked at any moment of the last seconds."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from dataclasses import dataclass

from engine.core.geometry import Pose, interpolate_pose


@dataclass(frozen=True, slots=True)
class _Sample:
    at: float
    pose: Pose
    moving: bool


class PoseHistory:
    """Poses with their times, so that a frame is paired with the pose at its own time.

    Keeps `keep_s` seconds. Between two samples the pose is interpolated; beyond the newest one it is extrapolated for
    at most `extrapolate_s` (a head that stands is taken to go on standing).
    """

    def __init__(self, keep_s: float = 15.0, extrapolate_s: float = 0.3) -> None:
        self._keep_s = keep_s
        self._extrapolate_s = extrapolate_s
        self._samples: deque[_Sample] = deque()

    def add(self, at: float, pose: Pose, *, moving: bool) -> None:
        """Notes a pose. One that is older than the newest is sorted in; one of the same moment replaces it."""
        sample = _Sample(at, pose, moving)
        if not self._samples or at > self._samples[-1].at:
            self._samples.append(sample)
        else:
            index = bisect_left(self._samples, at, key=lambda known: known.at)
            if self._samples[index].at == at:
                self._samples[index] = sample
            else:
                self._samples.insert(index, sample)
        while self._samples[-1].at - self._samples[0].at > self._keep_s and len(self._samples) > 2:
            self._samples.popleft()

    def forget_after(self, at: float) -> None:
        """Forgets what is later than a moment: the clock was set back since, and those times will come again."""
        while self._samples and self._samples[-1].at > at:
            self._samples.pop()

    @property
    def newest(self) -> Pose | None:
        """The last known pose."""
        return self._samples[-1].pose if self._samples else None

    def pose_at(self, at: float) -> Pose | None:
        """The pose at a moment; None before the first sample."""
        if not self._samples or at < self._samples[0].at:
            return None
        index = bisect_right(self._samples, at, key=lambda known: known.at)
        if index == len(self._samples):
            return self._beyond(at)
        earlier, later = self._samples[index - 1], self._samples[index]
        return interpolate_pose(earlier.pose, later.pose, (at - earlier.at) / (later.at - earlier.at))

    def _beyond(self, at: float) -> Pose:
        last = self._samples[-1]
        if len(self._samples) < 2 or not last.moving:
            return last.pose
        before = self._samples[-2]
        ahead = min(at - last.at, self._extrapolate_s)
        return interpolate_pose(before.pose, last.pose, 1 + ahead / (last.at - before.at))
