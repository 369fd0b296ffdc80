"""A camera in the world: where it stands, where it looks, and how the world's points come into its picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.geometry import Box, Direction, Point, Pose, Vector3
from engine.simulator.scene import PictureSize

type Points3 = NDArray[np.float64]
"""World points of shape (n, 3): metres to the right, forward and up."""
type Points2 = NDArray[np.float64]
"""Picture points of shape (n, 2), in pixels, y down."""

NEAREST_M = 0.3
"""Nothing nearer than this to the picture plane is drawn."""


@dataclass(frozen=True, slots=True)
class Window:
    """An area of a picture in whole pixels; right and bottom are the first column and row beyond it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to index a picture with."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def around(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> Window | None:
        """The part of this window that lies between two corners (x, y in pixels); None if there is none."""
        left, top = max(math.floor(low[0]), self.left), max(math.floor(low[1]), self.top)
        right, bottom = min(math.ceil(high[0]) + 1, self.right), min(math.ceil(high[1]) + 1, self.bottom)
        return Window(left, top, right, bottom) if right > left and bottom > top else None


@dataclass(frozen=True, slots=True, eq=False)
class Viewpoint:
    """A pinhole camera without roll."""

    position: Vector3
    pose: Pose
    size: PictureSize

    @property
    def window(self) -> Window:
        """The whole picture."""
        return Window(0, 0, self.size.width, self.size.height)

    @property
    def focal_px(self) -> float:
        """The focal length in pixels."""
        return self.size.width / 2 / math.tan(math.radians(self.pose.hfov_deg) / 2)

    def matrix(self) -> NDArray[np.float64]:
        """The (3, 3) matrix that makes homogeneous pixels of world vectors that start at the camera.

        The third row gives the depth along the optical axis in metres.
        """
        focal, half_width, half_height = self.focal_px, self.size.width / 2, self.size.height / 2
        intrinsic = np.array([[focal, half_width, 0.0], [0.0, half_height, -focal], [0.0, 1.0, 0.0]])
        matrix: NDArray[np.float64] = intrinsic @ self.pose.rotation()
        return matrix

    def project(self, points: Points3) -> tuple[Points2, NDArray[np.float64]]:
        """Pixels, and depths in metres. Points that are not at least `NEAREST_M` in front give no useful pixels."""
        homogeneous = (points - self.position) @ self.matrix().T
        depth = homogeneous[:, 2]
        return homogeneous[:, :2] / np.maximum(depth, NEAREST_M)[:, None], depth

    def box_of(self, points: Points3, radius_m: NDArray[np.float64] | float = 0.0) -> Box | None:
        """The box around balls at these points, cut to the picture; None if nothing of it is in the picture."""
        pixels, depth = self.project(points)
        if float(depth.min()) < NEAREST_M:
            return None
        radius = (radius_m * self.focal_px / depth)[:, None]
        scale = np.array([self.size.width, self.size.height])
        low, high = ((pixels - radius) / scale).min(axis=0), ((pixels + radius) / scale).max(axis=0)
        box = Box.from_corners(float(low[0]), float(low[1]), float(high[0]), float(high[1])).clipped()
        return box if box.area > 0 else None

    def direction_to(self, point: Vector3) -> Direction:
        """The direction of a world point."""
        return Direction.from_vector(point - self.position)

    def point_of(self, point: Vector3) -> Point | None:
        """Where a world point appears, normalised; None behind the camera."""
        return self.pose.point_of(self.direction_to(point), self.size.aspect)

    def on_ground(self, point: Point) -> Vector3 | None:
        """The point of the ground (z = 0) that a picture point shows; None above the horizon."""
        ray = self.pose.direction_of(point, self.size.aspect).vector()
        if ray[2] >= -1e-6:
            return None
        ground: Vector3 = self.position + ray * (-self.position[2] / ray[2])
        return ground
