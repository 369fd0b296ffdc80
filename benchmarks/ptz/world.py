"""The truth of a scene: who walks or drives where, and what of it a camera could see.

The cameras stand together at the origin, `CAMERA_M` above flat ground. Paths give (x to the right, y forward) in
metres.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.core.geometry import Direction
from engine.core.values import TargetType

CAMERA_M = 4.0

type Place = tuple[float, float]
type Path = Callable[[float], Place | None]
"""The place at seconds from the scene's beginning; None while the target is not there."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a camera sees of a target: the direction of its middle, its angular height, its distance over ground."""

    direction: Direction
    height_deg: float
    distance_m: float


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody. While `hidden` (from, until) no camera sees it."""

    name: str
    path: Path
    target_type: TargetType = TargetType.PERSON
    height_m: float = 1.75
    hidden: tuple[tuple[float, float], ...] = ()

    def look(self, t: float) -> Look | None:
        """The target at a moment; None while it is not there."""
        place = self.path(t)
        if place is None:
            return None
        ground = max(math.hypot(*place), 0.1)
        low = math.degrees(math.atan2(-CAMERA_M, ground))
        high = math.degrees(math.atan2(self.height_m - CAMERA_M, ground))
        pan = math.degrees(math.atan2(place[0], place[1]))
        return Look(Direction(pan, (low + high) / 2), high - low, ground)

    def is_hidden(self, t: float) -> bool:
        """Whether something stands before it."""
        return any(start <= t < end for start, end in self.hidden)


def along(points: tuple[Place, ...], speed: float) -> Path:
    """From point to point at a speed in m/s; it stays at the last one."""
    route = np.array(points)
    lengths = np.hypot(*np.diff(route, axis=0).T)
    marks = np.concatenate(([0.0], np.cumsum(lengths)))

    def path(t: float) -> Place:
        way = max(t, 0.0) * speed
        return float(np.interp(way, marks, route[:, 0])), float(np.interp(way, marks, route[:, 1]))

    return path


def to_and_fro(start: Place, end: Place, speed: float, turn_s: float = 0.0) -> Path:
    """Between two points at a speed in m/s. `turn_s`: so long each turn takes, with an even acceleration."""
    length = math.dist(start, end)
    leg_s = length / speed

    def path(t: float) -> Place:
        phase = max(t, 0.0) % (2 * leg_s)
        part = phase / leg_s if phase < leg_s else 2 - phase / leg_s
        if turn_s > 0:
            part = _rounded(part, turn_s / leg_s / 2)
        return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part

    return path


def _rounded(part: float, edge: float) -> float:
    """Rounds the corners of a triangle wave of 0 to 1: its square near an end, straight between."""
    if part < edge:
        return edge / 2 + part * part / (2 * edge)
    if part > 1 - edge:
        return 1 - (edge / 2 + (1 - part) ** 2 / (2 * edge))
    return part


def around(middle: Place, radius: float, speed: float) -> Path:
    """Round a circle at a speed in m/s, beginning at its left end."""

    def path(t: float) -> Place:
        angle = max(t, 0.0) * speed / radius
        return middle[0] - radius * math.cos(angle), middle[1] - radius * math.sin(angle)

    return path


def stop_and_go(start: Place, heading: Place, speed: float, go_s: float, stop_s: float) -> Path:
    """Straight on with rests; `heading` need not be of length 1."""
    length = math.hypot(*heading)

    def path(t: float) -> Place:
        rounds, rest = divmod(max(t, 0.0), go_s + stop_s)
        way = speed * (rounds * go_s + min(rest, go_s))
        return start[0] + heading[0] / length * way, start[1] + heading[1] / length * way

    return path


def wander(start: Place, speed: float, seed: int, turn_s: float = 3.0, reach: Place = (6.0, 4.0)) -> Path:
    """Straight pieces with sharp turns, the way people stroll about; within `reach` of the start."""
    rng = random.Random(seed)
    points = [start]
    for _ in range(100):
        heading = rng.uniform(0, 2 * math.pi)
        x = points[-1][0] + speed * turn_s * math.cos(heading)
        y = points[-1][1] + speed * turn_s * math.sin(heading)
        points.append(
            (
                min(max(x, start[0] - reach[0]), start[0] + reach[0]),
                min(max(y, start[1] - reach[1]), start[1] + reach[1]),
            )
        )

    def path(t: float) -> Place:
        index, part = divmod(max(t, 0.0) / turn_s, 1.0)
        (ax, ay), (bx, by) = points[int(index)], points[int(index) + 1]
        return ax + (bx - ax) * part, ay + (by - ay) * part

    return path
