"""Flat textured things: ground, façades, walls, cut-outs of trees. Drawn by one homography each."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.core.geometry import Vector3
from engine.core.values import Image
from engine.simulator.viewpoint import NEAREST_M, Points2, Points3, Viewpoint, Window

_SUBPIXEL_BITS = 4


def _pyramid(texture: Image) -> tuple[Image, ...]:
    levels = [texture]
    while min(levels[-1].shape[:2]) > 32:
        height, width = levels[-1].shape[:2]
        smaller = cv2.resize(levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        levels.append(np.asarray(smaller, np.uint8))
    return tuple(levels)


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """A parallelogram with a texture: its upper left corner, and the vectors along its upper and its left edge.

    `opacity` (uint8, the texture's size) makes a cut-out of it.
    """

    corner: Vector3
    along: Vector3
    down: Vector3
    texture: Image
    opacity: NDArray[np.uint8] | None = None
    _levels: tuple[Image, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_levels", _pyramid(self.texture))

    def corners(self) -> Points3:
        """The four corners, clockwise in the texture."""
        far = self.corner + self.along + self.down
        return np.stack([self.corner, self.corner + self.along, far, self.corner + self.down])

    def draw(self, canvas: Image, view: Viewpoint) -> None:
        """Draws it over what is there."""
        outline = self._outline(view)
        window = None if outline is None else view.window.around(outline.min(axis=0), outline.max(axis=0))
        if outline is None or window is None:
            return
        drawn = self._warped(self._levels[self._level(view, window)], view, window)
        cover = self._cover(outline, view, window)
        if self.opacity is None:
            cv2.copyTo(drawn, cover, canvas[window.slices])
        else:
            blend(canvas[window.slices], drawn, cover)

    def cover(self, view: Viewpoint, window: Window) -> NDArray[np.uint8]:
        """How much it covers of each pixel of a window, 0 to 255."""
        outline = self._outline(view)
        if outline is None:
            return np.zeros((window.height, window.width), np.uint8)
        return self._cover(outline, view, window)

    def hides(self, eye: Vector3, points: Points3) -> NDArray[np.bool_]:
        """Which of the points (n, 3) are behind it, seen from `eye`."""
        rays = points - eye
        basis = np.stack([self.along, self.down], axis=1)
        normal = np.cross(self.along, self.down)
        slope = rays @ normal
        safe = np.where(np.abs(slope) < 1e-9, 1e-9, slope)
        reach = ((self.corner - eye) @ normal) / safe
        hits = eye + rays * reach[:, None] - self.corner
        u, v = np.linalg.lstsq(basis, hits.T, rcond=None)[0]
        inside = (reach > 0) & (reach < 0.999) & (u >= 0) & (u < 1) & (v >= 0) & (v < 1)
        if self.opacity is not None:
            height, width = self.opacity.shape
            columns = np.clip(u * width, 0, width - 1).astype(int)
            rows = np.clip(v * height, 0, height - 1).astype(int)
            inside &= self.opacity[rows, columns] > 127
        return np.asarray(inside, np.bool_)

    def _homography(self, view: Viewpoint, window: Window) -> NDArray[np.float64]:
        """From the unit square of the texture to pixels of a window."""
        plane = np.stack([self.along, self.down, self.corner - view.position], axis=1)
        shift = np.array([[1.0, 0.0, -window.left], [0.0, 1.0, -window.top], [0.0, 0.0, 1.0]])
        homography: NDArray[np.float64] = shift @ view.matrix() @ plane
        return homography

    def _warped(self, texture: NDArray[np.uint8], view: Viewpoint, window: Window) -> NDArray[np.uint8]:
        warp = self._homography(view, window) @ np.diag([1 / texture.shape[1], 1 / texture.shape[0], 1.0])
        size = (window.width, window.height)
        drawn = cv2.warpPerspective(texture, warp, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(drawn, np.uint8)

    def _cover(self, outline: Points2, view: Viewpoint, window: Window) -> NDArray[np.uint8]:
        mask = np.zeros((window.height, window.width), np.uint8)
        shifted = np.round((outline - (window.left, window.top)) * 2**_SUBPIXEL_BITS).astype(np.int32)
        cv2.fillConvexPoly(mask, shifted, (255,), cv2.LINE_AA, _SUBPIXEL_BITS)
        if self.opacity is None:
            return mask
        return np.asarray(cv2.min(self._warped(self.opacity, view, window), mask), np.uint8)

    def _level(self, view: Viewpoint, window: Window) -> int:
        """The level of the pyramid that has about one texel a pixel in the middle of the window."""
        try:
            inverse = np.linalg.inv(self._homography(view, window))
        except np.linalg.LinAlgError:
            return len(self._levels) - 1
        x, y = window.width / 2, window.height / 2
        homogeneous = np.array([[x, y, 1.0], [x + 1, y, 1.0], [x, y + 1, 1.0]]) @ inverse.T
        texels = homogeneous[:, :2] / homogeneous[:, 2:] * (self.texture.shape[1], self.texture.shape[0])
        (ax, ay), (bx, by) = texels[1] - texels[0], texels[2] - texels[0]
        density = math.sqrt(abs(ax * by - ay * bx)) + 1e-9
        return min(max(round(math.log2(density)), 0), len(self._levels) - 1)

    def _outline(self, view: Viewpoint) -> Points2 | None:
        """The visible polygon in pixels, cut at the near plane; None if all of it is behind the camera."""
        matrix = view.matrix()
        points = (self.corners() - view.position) @ matrix.T
        kept: list[NDArray[np.float64]] = []
        for start, end in zip(points, np.roll(points, -1, axis=0), strict=True):
            if start[2] >= NEAREST_M:
                kept.append(start)
            if (start[2] >= NEAREST_M) != (end[2] >= NEAREST_M):
                kept.append(start + (end - start) * (NEAREST_M - start[2]) / (end[2] - start[2]))
        if len(kept) < 3:
            return None
        polygon = np.stack(kept)
        # Far outside the picture the fixed-point fill would overflow.
        return np.clip(polygon[:, :2] / polygon[:, 2:], -2.0e4, 2.0e4)


def blend(area: Image, over: Image, opacity: NDArray[np.uint8]) -> None:
    """Lays `over` on `area` in place, by an opacity of 0 to 255."""
    weight = opacity.astype(np.float32) * (1 / 255)
    cv2.blendLinear(over, np.ascontiguousarray(area), weight, 1 - weight, area)
