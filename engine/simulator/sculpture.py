"""Draws solid things (people, vehicles) made of simple shaded parts, softened a little as a lens would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.core.values import Image
from engine.simulator.surfaces import blend
from engine.simulator.textures import Colour, noise
from engine.simulator.viewpoint import NEAREST_M, Points3, Viewpoint, Window

_SUBPIXEL_BITS = 4
_GRAIN_SIZE = 512
_CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 20, False)), np.sin(np.linspace(0, 2 * np.pi, 20, False))], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The convex hull of balls (rounded), or a flat polygon where all radii are 0. Parts are drawn in their order."""

    points: Points3
    radii: NDArray[np.float64]
    colour: Colour
    rounded: bool = True
    """Shaded as something round, lit from the upper left."""


def window_around(parts: Sequence[Part], view: Viewpoint) -> Window | None:
    """The area that the parts cover; None if they are not in the picture or too near."""
    pixels, depth = view.project(np.concatenate([part.points for part in parts]))
    if float(depth.min()) < NEAREST_M:
        return None
    radius = (np.concatenate([part.radii for part in parts]) * view.focal_px / depth)[:, None] + 2
    return view.window.around((pixels - radius).min(axis=0), (pixels + radius).max(axis=0))


@lru_cache(maxsize=1)
def _grain() -> NDArray[np.float32]:
    return 1 + 0.045 * noise(np.random.default_rng(7), _GRAIN_SIZE, _GRAIN_SIZE, (2, 9))


def draw_parts(canvas: Image, view: Viewpoint, parts: Sequence[Part]) -> None:
    """Draws the parts over what is there, the later ones over the earlier ones."""
    window = window_around(parts, view)
    if window is None:
        return
    # Small things are drawn finer than the picture, so that their edges come out soft.
    fineness = 3 if window.height < 200 else 2 if window.height < 420 else 1
    picture = np.zeros((window.height * fineness, window.width * fineness, 3), np.uint8)
    opacity = np.zeros(picture.shape[:2], np.uint8)
    for part in parts:
        pixels, radii = _placed(part, view, window, fineness)
        _fill(opacity, _hull(pixels, radii), (255.0, 255.0, 255.0))
        _shade(picture, pixels, radii, part)
    size = (window.width, window.height)
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    cover = np.asarray(cv2.resize(opacity, size, interpolation=cv2.INTER_AREA), np.uint8)
    small = np.asarray(cv2.GaussianBlur(_with_grain(_without_dark_rim(small, cover)), (3, 3), 0.6), np.uint8)
    cover = np.asarray(cv2.GaussianBlur(cover, (3, 3), 0.6), np.uint8)
    blend(canvas[window.slices], small, cover)


def cover_of_parts(view: Viewpoint, parts: Sequence[Part], window: Window) -> NDArray[np.uint8]:
    """How much the parts cover of each pixel of a window, 0 to 255."""
    cover = np.zeros((window.height, window.width), np.uint8)
    if window_around(parts, view) is not None:
        for part in parts:
            _fill(cover, _hull(*_placed(part, view, window, 1)), (255.0, 255.0, 255.0))
    return cover


def draw_shadow(canvas: Image, view: Viewpoint, outline: Points3, darkness: float) -> None:
    """Darkens a polygon of the ground, with a soft edge. `darkness` 0 to 1."""
    part = Part(outline, np.zeros(len(outline)), (0, 0, 0), rounded=False)
    window = window_around([part], view)
    if window is None:
        return
    opacity = np.zeros((window.height, window.width), np.uint8)
    _fill(opacity, _hull(*_placed(part, view, window, 1)), (255.0 * darkness,) * 3)
    opacity = np.asarray(cv2.blur(opacity, (5, 5)), np.uint8)
    blend(canvas[window.slices], np.full((*opacity.shape, 3), (38, 34, 32), np.uint8), opacity)


def _placed(
    part: Part, view: Viewpoint, window: Window, fineness: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pixels and radii in a window that is `fineness` times as fine as the picture."""
    pixels, depth = view.project(part.points)
    return (pixels - (window.left, window.top)) * fineness, part.radii * view.focal_px / depth * fineness


def _shade(picture: Image, pixels: NDArray[np.float64], radii: NDArray[np.float64], part: Part) -> None:
    if not part.rounded:
        _fill(picture, _hull(pixels, radii), part.colour)
        return
    light = np.array([-0.22, -0.16]) * radii[:, None]
    for offset, size, brightness in ((0.0, 1.0, 0.72), (1.0, 0.76, 0.92), (2.0, 0.42, 1.05)):
        _fill(picture, _hull(pixels + offset * light, radii * size), _scaled(part.colour, brightness))


def _hull(pixels: NDArray[np.float64], radii: NDArray[np.float64]) -> NDArray[np.int32]:
    if not radii.any():
        return _fixed(pixels * 2**_SUBPIXEL_BITS)
    rims = (pixels[:, None, :] + _CIRCLE[None] * radii[:, None, None]).reshape(-1, 2)
    hull = cv2.convexHull(rims.astype(np.float32))[:, 0]
    return _fixed(hull * np.float32(2**_SUBPIXEL_BITS))


def _fixed(values: NDArray[np.floating]) -> NDArray[np.int32]:
    # Beyond some ten thousand pixels the fixed-point fill would overflow.
    return np.clip(np.round(values), -(2**19), 2**19).astype(np.int32)


def _fill(target: NDArray[np.uint8], outline: NDArray[np.int32], colour: Colour) -> None:
    cv2.fillPoly(target, [outline], colour, cv2.LINE_AA, _SUBPIXEL_BITS)


def _scaled(colour: Colour, factor: float) -> Colour:
    blue, green, red = (min(channel * factor, 255.0) for channel in colour)
    return blue, green, red


def _without_dark_rim(picture: Image, cover: NDArray[np.uint8]) -> Image:
    """Takes the black background out of the colours of half-covered pixels (it is in the opacity already)."""
    factor = 255 / np.maximum(cover, 40).astype(np.float32)
    return np.asarray(np.minimum(picture * factor[:, :, None], 255), np.uint8)


def _with_grain(picture: Image) -> Image:
    height, width = picture.shape[:2]
    grain = _grain()
    if height > _GRAIN_SIZE or width > _GRAIN_SIZE:
        side = max(height, width)
        grain = np.asarray(cv2.resize(grain, (side, side)), np.float32)
    return np.asarray(np.minimum(picture * grain[:height, :width, None], 255), np.uint8)
