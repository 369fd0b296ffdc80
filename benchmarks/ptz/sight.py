"""What a detector makes of the truth: misses, false alarms, trembling boxes, motion blur, and people before others.

Its detections go through the product's own tracker, so identities are as good or bad as in earnest.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.ptz.head import ASPECT
from benchmarks.ptz.world import Look, Target
from engine.core.geometry import Box, Direction, Pose
from engine.core.values import Detection, TargetType, TrackUpdate
from engine.linkage import LinkModel
from engine.linkage.measuring import box_in_picture
from engine.vision.tracker import MultiObjectTracker

MISSES = 0.08
"""How many of the targets that could be seen are not found, picture by picture."""
MISSES_SMALL = 0.3
SMALL = 0.035
"""Targets below this fraction of the picture's height are missed more often; below `SMALLEST` always."""
SMALLEST = 0.02
FALSE_ALARMS = 0.05
"""Boxes a picture where nobody is."""
JITTER = 0.04
"""The standard deviation of a box's sides, as a fraction of its height."""
EXPOSURE_S = 0.01
"""A target that moves over half its width in this time is a smear that no detector finds."""
COVERED = 0.45
"""A target whose box is covered to this part by a nearer one is not found."""

TRUE_OVERVIEW = LinkModel("pinhole", ASPECT, (0.0, -14.0, 0.0), 95.0)
CALIBRATED_OVERVIEW = LinkModel("pinhole", ASPECT, (0.3, -14.2, 0.0), 95.0)
"""What the engine believes: a third of a degree off."""

type Show = Callable[[Target, Look], Box | None]


@dataclass(frozen=True, slots=True)
class _Seen:
    target: Target
    look: Look
    box: Box


class Eyes:
    """The detector and tracker of one channel."""

    def __init__(self, channel: str, targets: Sequence[Target], seed: int) -> None:
        self._channel = channel
        self._targets = targets
        self._random = random.Random(f"{channel}{seed}")
        self._tracker = MultiObjectTracker(channel)

    def overview(self, t: float, at: float) -> TrackUpdate:
        """What the overview's picture of a moment shows."""
        return self._update(t, at, lambda target, look: _overview_box(look, target.target_type), None, lambda _: 0.0)

    def ptz(self, t: float, at: float, pose: Pose, before: Pose, told: Pose | None) -> TrackUpdate:
        """What the PTZ picture shows, taken at `pose` (`before`: EXPOSURE_S earlier). `told` is where the engine takes
        it to look.
        """

        def show(target: Target, look: Look) -> Box | None:
            return box_in_picture(look.direction, look.height_deg, target.target_type, pose, ASPECT)

        def smear(target: Target) -> float:
            """How far the target moves over the picture during the exposure, in widths of the picture."""
            now, earlier = target.look(t), target.look(t - EXPOSURE_S)
            if now is None or earlier is None:
                return 0.0
            a, b = pose.point_of(now.direction, ASPECT), before.point_of(earlier.direction, ASPECT)
            return 1.0 if a is None or b is None else math.hypot(a.x - b.x, (a.y - b.y) / ASPECT)

        return self._update(t, at, show, told, smear)

    def _update(
        self, t: float, at: float, show: Show, pose: Pose | None, smear: Callable[[Target], float]
    ) -> TrackUpdate:
        seen = []
        for target in self._targets:
            look = target.look(t)
            box = None if look is None or target.is_hidden(t) else show(target, look)
            if look is not None and box is not None and box.clipped().area > 0.4 * box.area:
                seen.append(_Seen(target, look, box))
        found = [
            Detection(self._trembling(one.box), one.target.target_type, self._random.uniform(0.45, 0.9))
            for one in seen
            if not self._misses(one, seen, smear)
        ]
        found += self._false_alarms()
        tracks = self._tracker.update(found, at, pose, ASPECT)
        return TrackUpdate(self._channel, at, tracks, ASPECT, pose)

    def _misses(self, one: _Seen, seen: Sequence[_Seen], smear: Callable[[Target], float]) -> bool:
        if one.box.height < SMALLEST or smear(one.target) > 0.5 * one.box.width:
            return True
        if any(other.look.distance_m < one.look.distance_m and _covers(other.box, one.box) for other in seen):
            return True
        return self._random.random() < (MISSES_SMALL if one.box.height < SMALL else MISSES)

    def _trembling(self, box: Box) -> Box:
        def shake(scale: float) -> float:
            return self._random.gauss(0.0, JITTER * scale)

        across = box.height / ASPECT
        left, top = box.x + shake(across), box.y + shake(box.height)
        right, bottom = box.right + shake(across), box.bottom + shake(box.height)
        return Box.from_corners(left, top, max(right, left + 0.001), max(bottom, top + 0.001)).clipped()

    def _false_alarms(self) -> list[Detection]:
        if self._random.random() >= FALSE_ALARMS:
            return []
        height = self._random.uniform(0.05, 0.4)
        width = height * 0.4 / ASPECT
        box = Box(self._random.uniform(0, 1 - width), self._random.uniform(0, 1 - height), width, height)
        return [Detection(box, TargetType.PERSON, self._random.uniform(0.4, 0.6))]


def _covers(nearer: Box, box: Box) -> bool:
    width = min(nearer.right, box.right) - max(nearer.x, box.x)
    height = min(nearer.bottom, box.bottom) - max(nearer.y, box.y)
    return width > 0 and height > 0 and width * height > COVERED * box.area


_WIDTHS = {TargetType.VEHICLE: 1.8, TargetType.TWO_WHEELER: 0.9}


def _overview_box(look: Look, target_type: TargetType) -> Box | None:
    direction = look.direction
    top = TRUE_OVERVIEW.point(Direction(direction.pan_deg, direction.tilt_deg + look.height_deg / 2))
    bottom = TRUE_OVERVIEW.point(Direction(direction.pan_deg, direction.tilt_deg - look.height_deg / 2))
    if top is None or bottom is None:
        return None
    height = bottom.y - top.y
    width = height / ASPECT * _WIDTHS.get(target_type, 0.4)
    middle = (top.x + bottom.x) / 2
    box = Box(middle - width / 2, top.y, width, height)
    return box if box.right > 0 and box.x < 1 and box.bottom > 0 and box.y < 1 else None
