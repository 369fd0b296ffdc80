"""The empty yard as a camera on a fixed place sees it, cheaply enough for twelve pictures a second."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.core.geometry import Pose, Vector3, wrap_deg
from engine.core.values import Image
from engine.simulator.scene import PictureSize
from engine.simulator.viewpoint import Viewpoint
from engine.simulator.yard_stage import yard_stage

type Backdrop = Callable[[Viewpoint], Image]
"""Makes the picture of the empty yard."""

_FACE_FOCAL_PX = 1700.0
_FACE_HFOV_DEG = 104.0
_FACE_VFOV_DEG = 76.0
_FACE_TILT_DEG = -14.0
_FACE_STEP_DEG = 36.0


def direct_backdrop(view: Viewpoint) -> Image:
    """Drawn surface by surface: right for every view, but slow."""
    picture: Image = np.empty((view.size.height, view.size.width, 3), np.uint8)
    yard_stage().draw(picture, view)
    return picture


def fine_backdrop(view: Viewpoint) -> Image:
    """Drawn twice as fine and shrunk: for a camera that does not move."""
    fine = PictureSize(view.size.width * 2, view.size.height * 2)
    drawn = direct_backdrop(Viewpoint(view.position, view.pose, fine))
    shrunk = cv2.resize(drawn, (view.size.width, view.size.height), interpolation=cv2.INTER_AREA)
    return np.asarray(shrunk, np.uint8)


class FaceBackdrop:
    """For a camera that turns but stays in its place.

    All pictures taken from one place are related by homographies, so a few large pictures (faces) are drawn once, and
    a view is cut from the face that it lies in by a single warp. Views that no face holds are drawn directly.
    """

    def __init__(self, position: Vector3) -> None:
        self._position = (float(position[0]), float(position[1]), float(position[2]))

    def __call__(self, view: Viewpoint) -> Image:
        """The picture of the empty yard."""
        nearest = round(view.pose.pan_deg / _FACE_STEP_DEG) * _FACE_STEP_DEG
        levels = _face(self._position, wrap_deg(nearest))
        face = _face_view(self._position, wrap_deg(nearest))
        warp = view.matrix() @ np.linalg.inv(face.matrix())
        if not _inside(warp, view.size, face.size):
            return direct_backdrop(view)
        level = 1 if view.focal_px < 0.75 * _FACE_FOCAL_PX else 0
        scale = np.diag([2.0**level, 2.0**level, 1.0])
        size = (view.size.width, view.size.height)
        return np.asarray(cv2.warpPerspective(levels[level], warp @ scale, size, flags=cv2.INTER_LINEAR), np.uint8)

    def prepare(self) -> None:
        """Draws the faces in front, so that the first turn is as quick as the others."""
        for step in (-1, 0, 1):
            _face(self._position, step * _FACE_STEP_DEG)


def _face_view(position: tuple[float, float, float], pan_deg: float) -> Viewpoint:
    width, height = (
        round(2 * _FACE_FOCAL_PX * math.tan(math.radians(angle) / 2)) for angle in (_FACE_HFOV_DEG, _FACE_VFOV_DEG)
    )
    return Viewpoint(np.array(position), Pose(pan_deg, _FACE_TILT_DEG, _FACE_HFOV_DEG), PictureSize(width, height))


@lru_cache(maxsize=4)
def _face(position: tuple[float, float, float], pan_deg: float) -> tuple[Image, Image]:
    whole = direct_backdrop(_face_view(position, pan_deg))
    half = cv2.resize(whole, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return whole, np.asarray(half, np.uint8)


def _inside(warp: NDArray[np.float64], view: PictureSize, face: PictureSize) -> bool:
    """Whether all corners of the view lie in the face, and in front of it."""
    corners = np.array([[0, 0, 1], [view.width, 0, 1], [view.width, view.height, 1], [0, view.height, 1]])
    placed = corners @ np.linalg.inv(warp).T
    if float(placed[:, 2].min()) <= 0:
        return False
    pixels = placed[:, :2] / placed[:, 2:]
    return bool((pixels >= 0).all() and (pixels <= (face.width, face.height)).all())
