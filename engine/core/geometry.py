"""Points and boxes in a picture, directions on a sphere, and the pinhole pose that joins the two.

Conventions, everywhere in the product:

* Picture coordinates are normalised: x and y run from 0 to 1, origin in the upper left corner, y down. They do not
  depend on a stream's resolution.
* A direction is (pan, tilt) in degrees in the PTZ camera's own sphere: pan grows to the right (clockwise seen from
  above) and is kept in [-180, 180), tilt grows upwards.
* A field of view is the horizontal one, in degrees, of a pinhole picture without distortion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

type Vector3 = NDArray[np.float64]
"""A vector of shape (3,): x to the right, y forward (pan 0, tilt 0), z up."""


def wrap_deg(angle_deg: float) -> float:
    """The same angle in [-180, 180)."""
    wrapped = (angle_deg + 180.0) % 360.0 - 180.0
    # The modulo of a tiny negative number rounds up to the full turn.
    return wrapped if wrapped < 180.0 else -180.0


@dataclass(frozen=True, slots=True)
class Point:
    """A point in a picture, normalised."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in a picture, normalised: left, top, width, height. It may reach beyond the picture."""

    x: float
    y: float
    width: float
    height: float

    @classmethod
    def from_corners(cls, left: float, top: float, right: float, bottom: float) -> Self:
        """The box between two corners."""
        return cls(left, top, right - left, bottom - top)

    @property
    def right(self) -> float:
        """The x of the right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The y of the lower edge."""
        return self.y + self.height

    @property
    def area(self) -> float:
        """The area as a fraction of the picture."""
        return max(self.width, 0.0) * max(self.height, 0.0)

    @property
    def centre(self) -> Point:
        """The middle of the box."""
        return Point(self.x + self.width / 2, self.y + self.height / 2)

    @property
    def foot(self) -> Point:
        """The middle of the lower edge: where somebody who stands in the box touches the ground."""
        return Point(self.x + self.width / 2, self.bottom)

    def contains(self, point: Point) -> bool:
        """Whether the point lies in the box or on its edge."""
        return self.x <= point.x <= self.right and self.y <= point.y <= self.bottom

    def clipped(self) -> Self:
        """The part of the box that lies inside the picture (it may be empty)."""
        left, top = min(max(self.x, 0.0), 1.0), min(max(self.y, 0.0), 1.0)
        right, bottom = min(max(self.right, left), 1.0), min(max(self.bottom, top), 1.0)
        return type(self).from_corners(left, top, right, bottom)

    def intersection_over_union(self, other: Box) -> float:
        """The overlap of two boxes, 0 to 1."""
        width = min(self.right, other.right) - max(self.x, other.x)
        height = min(self.bottom, other.bottom) - max(self.y, other.y)
        if width <= 0 or height <= 0:
            return 0.0
        overlap = width * height
        return overlap / (self.area + other.area - overlap)


@dataclass(frozen=True, slots=True)
class Direction:
    """Where something is, seen from a PTZ camera: pan and tilt in degrees."""

    pan_deg: float
    tilt_deg: float

    @classmethod
    def from_vector(cls, vector: Vector3) -> Self:
        """The direction of a vector (of any length but zero)."""
        x, y, z = (float(value) for value in vector)
        return cls(math.degrees(math.atan2(x, y)), math.degrees(math.atan2(z, math.hypot(x, y))))

    def vector(self) -> Vector3:
        """The unit vector of this direction."""
        pan, tilt = math.radians(self.pan_deg), math.radians(self.tilt_deg)
        return np.array([math.sin(pan) * math.cos(tilt), math.cos(pan) * math.cos(tilt), math.sin(tilt)])

    def angle_to(self, other: Direction) -> float:
        """The angle between two directions on the sphere, in degrees, exact for small angles too."""
        a, b = self.vector(), other.vector()
        return math.degrees(math.atan2(float(np.linalg.norm(np.cross(a, b))), float(a @ b)))


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a PTZ camera looks, and how wide: its optical axis and its horizontal field of view."""

    pan_deg: float
    tilt_deg: float
    hfov_deg: float

    @property
    def direction(self) -> Direction:
        """The direction of the optical axis."""
        return Direction(self.pan_deg, self.tilt_deg)

    def rotation(self) -> NDArray[np.float64]:
        """The camera's axes as rows of a (3, 3) matrix: right, forward, up. `rotation @ vector` gives camera axes."""
        pan, tilt = math.radians(self.pan_deg), math.radians(self.tilt_deg)
        sin_pan, cos_pan, sin_tilt, cos_tilt = math.sin(pan), math.cos(pan), math.sin(tilt), math.cos(tilt)
        return np.array(
            [
                [cos_pan, -sin_pan, 0.0],
                [sin_pan * cos_tilt, cos_pan * cos_tilt, sin_tilt],
                [-sin_pan * sin_tilt, -cos_pan * sin_tilt, cos_tilt],
            ]
        )

    def direction_of(self, point: Point, aspect: float) -> Direction:
        """The direction that a picture point shows, for a picture of this width-to-height ratio."""
        half = math.tan(math.radians(self.hfov_deg) / 2)
        ray = np.array([(2 * point.x - 1) * half, 1.0, (1 - 2 * point.y) * half / aspect])
        return Direction.from_vector(self.rotation().T @ ray)

    def point_of(self, direction: Direction, aspect: float) -> Point | None:
        """Where a direction appears in the picture (it may lie outside 0..1); None when it is behind the camera."""
        right, forward, up = (float(value) for value in self.rotation() @ direction.vector())
        if forward <= 1e-9:
            return None
        half = math.tan(math.radians(self.hfov_deg) / 2)
        return Point((right / forward / half + 1) / 2, (1 - up / forward / half * aspect) / 2)


def interpolate_pose(earlier: Pose, later: Pose, fraction: float) -> Pose:
    """The pose between two poses (fraction 0 to 1; beyond that it extrapolates), along the shorter way round."""
    return Pose(
        wrap_deg(earlier.pan_deg + wrap_deg(later.pan_deg - earlier.pan_deg) * fraction),
        earlier.tilt_deg + (later.tilt_deg - earlier.tilt_deg) * fraction,
        # Zoom moves multiply the field of view, so it is interpolated as a ratio.
        earlier.hfov_deg * (later.hfov_deg / earlier.hfov_deg) ** fraction,
    )
