"""What a rule is. The application makes these from the site file; nothing here knows how they are stored."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from engine.core.events import RuleKind
from engine.core.geometry import Box, Point
from engine.core.values import TargetType


class CrossingDirection(StrEnum):
    """Which way a line has to be crossed.

    Stand on the line's first point and walk towards its last one, on the picture as it is shown: the A side is on
    your left hand, the B side on your right. So for a line drawn from the bottom of the picture to its top, A is the
    left part of the picture; for a line drawn from left to right, A is the part above it.

        last                     A
         |                first ---> last
      A  |  B                    B
         |
       first
    """

    BOTH = "both"
    A_TO_B = "a_to_b"
    B_TO_A = "b_to_a"


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeLimits:
    """How large a target's box must and may be, as fractions of the picture's width and height."""

    min_width: float = 0.0
    min_height: float = 0.0
    max_width: float = math.inf
    max_height: float = math.inf

    def admits(self, box: Box) -> bool:
        """Whether a box of this size counts."""
        return self.min_width <= box.width <= self.max_width and self.min_height <= box.height <= self.max_height


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTimes:
    """How patient the rules are with detections and feet that flicker.

    `grace_s`: a target that is outside, or not seen, for less than this has not left. `margin`: a foot point this
    close to the edge (as a fraction of the target's height) is neither clearly inside nor clearly outside.
    """

    grace_s: float = 1.0
    margin: float = 0.08


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A smart event's condition on one channel, in normalised picture coordinates.

    `points` is a polygon for kinds that watch a region (at least three points, any winding, not necessarily convex)
    and an open polyline for those that watch a line (at least two). On a panorama a region or line may reach over the
    seam: its x then goes below 0 or beyond 1. `min_seconds` is how long a target must stay in the region; a line
    ignores it. Targets of which the detector is less sure than `min_score` (0 to 1) do not count. `sizes` of None
    admits every size. `sensitivity` (0 to 100) is of motion alone: see `engine.rules.motion_region`.

    Raises ValueError when the points make no region or line, when no target type is named, for a negative time, or
    for a loitering without any time.
    """

    id: str
    kind: RuleKind
    channel: str
    points: tuple[Point, ...]
    direction: CrossingDirection = CrossingDirection.BOTH
    min_seconds: float = 0.0
    targets: frozenset[TargetType] = frozenset({TargetType.PERSON})
    sizes: SizeLimits | None = None
    min_score: float = 0.0
    sensitivity: float = 50.0

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) for point in self.points for value in (point.x, point.y)):
            raise ValueError(f"rule {self.id!r}: a point has a coordinate that is not a number")
        if not self.kind.has_line and _polygon_area(self.points) < 1e-6:
            raise ValueError(f"rule {self.id!r}: a region needs at least three points that enclose an area")
        if len(self.points) < 2 or any(a == b for a, b in pairwise(self.points)):
            raise ValueError(f"rule {self.id!r}: a line needs at least two points, and neighbours that differ")
        if not self.targets:
            raise ValueError(f"rule {self.id!r}: name at least one target type")
        if not self.min_seconds >= 0:
            raise ValueError(f"rule {self.id!r}: min_seconds is {self.min_seconds}, it must be 0 or more")
        if self.kind is RuleKind.LOITERING and not self.min_seconds:
            raise ValueError(f"rule {self.id!r}: loitering needs min_seconds above 0")


def _polygon_area(points: tuple[Point, ...]) -> float:
    """The area of the polygon's convex outline or less: zero exactly where all points lie on one line."""
    if len(points) < 3:
        return 0.0
    first = points[0]
    # The largest triangle of a fan, not the shoelace sum: a figure of eight has a region although its sum is zero.
    return max(
        abs((a.x - first.x) * (b.y - first.y) - (b.x - first.x) * (a.y - first.y)) / 2
        for i, a in enumerate(points[1:])
        for b in points[i + 2 :]
    )
