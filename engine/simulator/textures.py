"""Procedural textures: everything that the yard is covered with."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.core.values import Image

type Colour = tuple[float, float, float]
"""Blue, green, red, 0 to 255."""

_LEAVES = 900


def noise(generator: np.random.Generator, width: int, height: int, octaves: tuple[int, ...]) -> NDArray[np.float32]:
    """Noise around 0 with a deviation of about 1: the sum of random fields, one for each grain size in pixels."""
    total = np.zeros((height, width), np.float32)
    for grain in octaves:
        small = generator.standard_normal((height // grain + 2, width // grain + 2)).astype(np.float32)
        total += cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return total / np.float32(np.sqrt(len(octaves)))


def plain(generator: np.random.Generator, width: int, height: int, colour: Colour, roughness: float) -> Image:
    """A surface of one colour with grain and stains."""
    field = noise(generator, width, height, (1, 3, 11, 47))
    return _to_image(np.asarray(colour, np.float32) + field[:, :, None] * roughness)


def bricks(generator: np.random.Generator, width: int, height: int, colour: Colour, course_px: int) -> Image:
    """Masonry in stretcher bond."""
    rows, columns = np.mgrid[0:height, 0:width]
    course = rows // course_px
    offset = (course % 2) * course_px * 3 // 2
    brick = (columns + offset) // (course_px * 3)
    shade = generator.normal(0, 9, (height // course_px + 1, width // (course_px * 3) + 3)).astype(np.float32)
    picture = np.asarray(colour, np.float32) + shade[course, brick][:, :, None]
    joint = (rows % course_px < max(course_px // 7, 1)) | (
        (columns + offset) % (course_px * 3) < max(course_px // 7, 1)
    )
    picture = np.where(joint[:, :, None], np.array((150, 155, 160), np.float32), picture)
    return _to_image(picture + noise(generator, width, height, (1, 23))[:, :, None] * 5)


def facade(generator: np.random.Generator, width_m: float, height_m: float, colour: Colour, px_per_m: int) -> Image:
    """The front of a building: masonry, storeys of windows, a plinth, and doors."""
    width, height = int(width_m * px_per_m), int(height_m * px_per_m)
    picture = bricks(generator, width, height, colour, max(px_per_m // 8, 3))

    def rectangle(x: float, y: float, w: float, h: float, fill: Colour) -> None:
        # x from the left and y from the ground, in metres.
        corner = (int(x * px_per_m), int((height_m - y - h) * px_per_m))
        far = (int((x + w) * px_per_m) - 1, int((height_m - y) * px_per_m) - 1)
        cv2.rectangle(picture, corner, far, fill, -1)

    rectangle(0, 0, width_m, 0.5, (105, 108, 110))
    rectangle(0, height_m - 0.35, width_m, 0.35, (90, 95, 100))
    for storey in range(int((height_m - 1) // 3)):
        for index in range(int((width_m - 1) // 3)):
            x, y = 1.2 + index * 3.0, 1.1 + storey * 3.0
            if storey == 0 and index % 4 == 2:
                rectangle(x - 0.1, 0, 1.4, 2.4, (60, 60, 65))
                rectangle(x, 0, 1.2, 2.3, tuple(generator.uniform(40, 110, 3).tolist()))
                continue
            rectangle(x - 0.1, y - 0.1, 1.6, 1.6, (200, 205, 208))
            glass = float(generator.uniform(60, 120))
            rectangle(x, y, 1.4, 1.4, (glass + 25, glass + 8, glass))
            rectangle(x + 0.1, y + 0.75, 0.5, 0.5, (glass + 60, glass + 40, glass + 30))
            rectangle(x + 0.67, y, 0.06, 1.4, (200, 205, 208))
    return picture


def foliage(generator: np.random.Generator, size: int, colour: Colour) -> tuple[Image, NDArray[np.uint8]]:
    """A tree (picture and opacity, both `size` square): trunk, and a crown of leaves in lumps."""
    picture = np.zeros((size, size, 3), np.uint8)
    opacity = np.zeros((size, size), np.uint8)
    trunk = np.array([[0.475, 1.0], [0.487, 0.4], [0.513, 0.4], [0.525, 1.0]]) * size
    cv2.fillConvexPoly(picture, trunk.astype(np.int32), (48, 66, 84))
    cv2.fillConvexPoly(opacity, trunk.astype(np.int32), (255,))
    for index in range(_LEAVES):
        angle, distance = generator.uniform(0, 2 * np.pi), np.sqrt(generator.uniform(0, 1))
        x, y = 0.5 + 0.34 * distance * np.cos(angle), 0.3 + 0.22 * distance * np.sin(angle)
        radius = int(size * generator.uniform(0.008, 0.03))
        # Lumps drawn later are nearer and higher in the light.
        light = 0.55 + 0.5 * index / _LEAVES - 0.5 * (y - 0.33) + float(generator.normal(0, 0.1))
        centre = (int(x * size), int(y * size))
        cv2.circle(picture, centre, radius, tuple(np.clip(np.array(colour) * light, 0, 255).tolist()), -1, cv2.LINE_AA)
        cv2.circle(opacity, centre, radius, (255,), -1, cv2.LINE_AA)
    grain = noise(generator, size, size, (1, 4))[:, :, None] * 9
    return _to_image(picture.astype(np.float32) + grain), opacity


def _to_image(values: NDArray[np.float32]) -> Image:
    return np.clip(values, 0, 255).astype(np.uint8)
