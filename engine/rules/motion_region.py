"""Something moves in a region, whatever it is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.core.events import RuleTriggered
from engine.core.geometry import Box
from engine.core.values import MotionMask, TrackUpdate
from engine.rules.values import Rule, RuleTimes

HOLD_S: Final = 2.0
"""Motion that pauses for less than this has not ended."""
_LEAST_POINTS: Final = 4
"""Fewer points of a mask than this are noise, however small the region is."""


def least_part(sensitivity: float) -> float:
    """The part of the region (0 to 1) that must be moving: a tenth at sensitivity 0, a thousandth at 100."""
    return math.pow(10.0, -1.0 - sensitivity / 50.0)


class MotionRegion:
    """One motion-region rule at work; it looks at the points that move, not at targets.

    Motion begins when as much of the region moves as the sensitivity asks for, in two pictures in a row, and has done
    so for `min_seconds`. It ends when less than half of that has moved for the hold time.
    """

    def __init__(self, rule: Rule, times: RuleTimes) -> None:
        self._rule = rule
        self._hold_s = max(HOLD_S, times.grace_s)
        self._least = least_part(rule.sensitivity)
        self._region: NDArray[np.bool_] = np.zeros((0, 0), np.bool_)
        self._since: float | None = None
        self._moved_at = 0.0
        self._begun: RuleTriggered | None = None

    @property
    def active(self) -> bool:
        """See RuleState."""
        return self._begun is not None

    def observe(self, update: TrackUpdate) -> Iterator[RuleTriggered]:
        """See RuleState; targets do not matter here."""
        yield from ()

    def look(self, motion: MotionMask) -> Iterator[RuleTriggered]:
        """What begins and ends with this picture. Read all of it."""
        at = motion.captured_at
        moving = motion.moving & self._region_of(motion.moving.shape)
        part = self._part(moving)
        if part >= (self._least / 2 if self._since is not None else self._least):
            self._moved_at = at
            if self._since is None:
                self._since = at
            elif self._begun is None and part >= self._least and at - self._since >= self._rule.min_seconds:
                self._begun = self._event(at, _box_of(moving))
                yield self._begun
        elif self._begun is None:
            self._since = None
        elif at - self._moved_at > self._hold_s:
            yield from self.clear(at)

    def clear(self, at: float) -> Iterator[RuleTriggered]:
        """See RuleState."""
        begun, self._begun, self._since = self._begun, None, None
        if begun is not None:
            yield self._event(at, begun.box, active=False)

    def _part(self, moving: NDArray[np.bool_]) -> float:
        """Which part of the region moves."""
        count = int(np.count_nonzero(moving))
        return count / max(int(np.count_nonzero(self._region)), 1) if count >= _LEAST_POINTS else 0.0

    def _region_of(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        if self._region.shape != shape:
            height, width = shape
            self._region = _filled([(point.x * width, point.y * height) for point in self._rule.points], height, width)
        return self._region

    def _event(self, at: float, box: Box, *, active: bool = True) -> RuleTriggered:
        return RuleTriggered(
            at=at,
            rule_id=self._rule.id,
            rule_kind=self._rule.kind,
            channel=self._rule.channel,
            track_id="",
            target_type=None,
            box=box,
            active=active,
        )


def _filled(polygon: list[tuple[float, float]], height: int, width: int) -> NDArray[np.bool_]:
    """Which points of a picture lie in the polygon, by the even-odd rule; over a panorama's seam too."""
    rows = np.arange(height)[:, None] + 0.5
    found = np.zeros((height, width), np.bool_)
    for turn in (0, width, -width):
        columns = np.arange(width)[None, :] + 0.5 + turn
        odd = np.zeros((height, width), np.bool_)
        for (ax, ay), (bx, by) in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
            if ay == by:
                continue
            crossed = (ay > rows) != (by > rows)
            odd ^= crossed & (columns < ax + (rows - ay) / (by - ay) * (bx - ax))
        found |= odd
    return found


def _box_of(moving: NDArray[np.bool_]) -> Box:
    """The box around all that moves, normalised."""
    height, width = moving.shape
    (rows,), (columns,) = np.nonzero(moving.any(axis=1)), np.nonzero(moving.any(axis=0))
    left, top = columns[0] / width, rows[0] / height
    return Box.from_corners(float(left), float(top), float(columns[-1] + 1) / width, float(rows[-1] + 1) / height)
