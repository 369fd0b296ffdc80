"""The link model: which direction of the PTZ camera a point of the overview picture shows.

The overview camera is taken to stand where the PTZ camera stands (the two are far from the targets compared to their
distance). A flat picture is a pinhole camera with unknown rotation, focal length and, given enough points, radial
distortion in the division form; a panorama is a full equirectangular picture with unknown rotation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.core.geometry import Box, Direction, Point

type Projection = Literal["pinhole", "equirectangular"]

_NEWTON_STEPS = 8


@dataclass(frozen=True, slots=True)
class Framing:
    """How a target is to appear in the PTZ picture.

    `ratio` is its height as a fraction of the picture's (*capture ratio factor*), `vertical_offset` the part of it
    that is centred, from 0 (top) to 100 (bottom). `aspect` is the PTZ picture's; the fields of view are horizontal.
    """

    ratio: float = 0.5
    vertical_offset: float = 50.0
    aspect: float = 16 / 9
    narrowest_deg: float = 2.0
    widest_deg: float = 60.0

    def hfov_for(self, height_deg: float, width_deg: float = 0.0) -> float:
        """The field of view in which a target of this angular size has the wanted height, and fits in width."""
        by_height = math.tan(math.radians(min(height_deg, 170.0)) / 2) / self.ratio * self.aspect
        by_width = math.tan(math.radians(min(width_deg, 170.0)) / 2) / 0.9
        hfov = math.degrees(2 * math.atan(max(by_height, by_width)))
        return min(max(hfov, self.narrowest_deg), self.widest_deg)

    def ratio_at(self, height_deg: float, hfov_deg: float) -> float:
        """The fraction of the picture's height that a target of this angular height takes."""
        return math.tan(math.radians(height_deg) / 2) * self.aspect / math.tan(math.radians(hfov_deg) / 2)

    def aim_tilt(self, centre_tilt_deg: float, height_deg: float) -> float:
        """The tilt to centre for a target with this middle and angular height."""
        return centre_tilt_deg + (50.0 - self.vertical_offset) / 100.0 * height_deg


@dataclass(frozen=True, slots=True)
class LinkModel:
    """Turns points of the overview picture into directions and back.

    `rotation` are Euler angles in degrees (pan, tilt, roll) of the overview camera in the PTZ camera's sphere. For a
    flat picture `hfov_deg` is its field of view without distortion, and `k1` the distortion: a point at radius r
    (1 at the left and right edges) lies on the ray of radius r (1 + k1 r^2).
    """

    projection: Projection
    aspect: float
    rotation: tuple[float, float, float]
    hfov_deg: float = 90.0
    k1: float = 0.0

    def matrix(self) -> NDArray[np.float64]:
        """Turns camera axes (right, forward, up) into the PTZ camera's axes, shape (3, 3)."""
        # Written out: a fit asks for thousands of these.
        pan, tilt, roll = (math.radians(angle) for angle in self.rotation)
        (sp, cp), (st, ct), (sr, cr) = ((math.sin(angle), math.cos(angle)) for angle in (pan, tilt, roll))
        # Roll about the view, then tilt, then pan to the right.
        right, forward, up = (cr, 0.0, sr), (st * sr, ct, -st * cr), (-ct * sr, st, ct * cr)
        return np.array(
            [
                [cp * a + sp * b for a, b in zip(right, forward, strict=True)],
                [cp * b - sp * a for a, b in zip(right, forward, strict=True)],
                up,
            ]
        )

    def rays(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Unit vectors in the PTZ camera's sphere for normalised picture points of shape (n, 2); shape (n, 3)."""
        if self.projection == "equirectangular":
            pan, tilt = (points[:, 0] - 0.5) * 2 * np.pi, (0.5 - points[:, 1]) * np.pi
            local = np.stack([np.sin(pan) * np.cos(tilt), np.cos(pan) * np.cos(tilt), np.sin(tilt)], axis=1)
        else:
            u, v = 2 * points[:, 0] - 1, (1 - 2 * points[:, 1]) / self.aspect
            stretch = (1 + self.k1 * (u * u + v * v)) * math.tan(math.radians(self.hfov_deg) / 2)
            local = np.stack([u * stretch, np.ones_like(u), v * stretch], axis=1)
        local /= np.linalg.norm(local, axis=1, keepdims=True)
        rays: NDArray[np.float64] = local @ self.matrix().T
        return rays

    def direction(self, point: Point) -> Direction:
        """The direction that a picture point shows."""
        return Direction.from_vector(self.rays(np.array([[point.x, point.y]]))[0])

    def point(self, direction: Direction) -> Point | None:
        """Where a direction appears (it may lie outside 0..1); None when a flat picture cannot show it."""
        right, forward, up = (float(value) for value in self.matrix().T @ direction.vector())
        if self.projection == "equirectangular":
            pan, tilt = math.atan2(right, forward), math.atan2(up, math.hypot(right, forward))
            return Point(pan / (2 * math.pi) + 0.5, 0.5 - tilt / math.pi)
        if forward <= 1e-9:
            return None
        half = math.tan(math.radians(self.hfov_deg) / 2)
        u, v = right / forward / half, up / forward / half
        shrink = self._shrink(math.hypot(u, v))
        if shrink is None:
            return None
        return Point((u * shrink + 1) / 2, (1 - v * shrink * self.aspect) / 2)

    def _shrink(self, radius: float) -> float | None:
        """Solves r (1 + k1 r^2) = radius for r / radius; None beyond the radius where the distortion folds over."""
        if abs(self.k1) < 1e-12 or radius < 1e-12:
            return 1.0
        r = radius
        if self.k1 < 0:
            fold = 1 / math.sqrt(-3 * self.k1)
            if radius >= fold * 2 / 3:
                return None
            r = min(r, fold * 0.999)
        for _ in range(_NEWTON_STEPS):
            r -= (r * (1 + self.k1 * r * r) - radius) / (1 + 3 * self.k1 * r * r)
        return r / radius

    def angular_size(self, box: Box) -> tuple[float, float]:
        """The width and height of a box in degrees, measured through its middle."""
        middle = box.centre
        left, right = self.direction(Point(box.x, middle.y)), self.direction(Point(box.right, middle.y))
        top, bottom = self.direction(Point(middle.x, box.y)), self.direction(Point(middle.x, box.bottom))
        return left.angle_to(right), top.angle_to(bottom)

    def frame_box(self, box: Box, framing: Framing) -> tuple[Direction, float]:
        """Where to look, and with which horizontal field of view, to have a box in the picture as asked."""
        width_deg, height_deg = self.angular_size(box)
        aim = self.direction(Point(box.centre.x, box.y + box.height * framing.vertical_offset / 100.0))
        return aim, framing.hfov_for(height_deg, width_deg)
