"""Drawn pictures of a yard in changing light, with things that move through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.core.values import Frame

WIDTH, HEIGHT = 640, 360
START = 1_000_000.0
_NOISES = 7

type Picture = NDArray[np.float32]
"""Grey, of shape (height, width, 1)."""
type Light = Callable[[Picture], Picture]


def yard(seed: int = 3) -> Picture:
    """A place with large and small patterns, and sharp edges."""
    random = np.random.default_rng(seed)
    base = np.full((HEIGHT, WIDTH), 120.0)
    for columns, strength in ((4, 40.0), (16, 25.0), (64, 15.0)):
        rough = random.standard_normal((max(HEIGHT * columns // WIDTH, 2), columns))
        base += strength * cv2.resize(rough, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    for _ in range(60):
        x, y = int(random.integers(0, WIDTH - 60)), int(random.integers(0, HEIGHT - 60))
        width, height = random.integers(8, 60, 2)
        base[y : y + height, x : x + width] += random.uniform(-50, 50)
    base += 8.0 * random.standard_normal(base.shape)
    return np.clip(base, 0, 255).astype(np.float32)[..., None]


YARD = yard()


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that is in the picture: its left edge and top, its size in pixels, and how bright it is."""

    x: int
    y: int
    width: int
    height: int
    grey: int = 30


class Camera:
    """Takes pictures of a yard, with the noise that a camera has."""

    def __init__(self, *, noise: float = 3.0, channel: str = "yard") -> None:
        self._channel = channel
        random = np.random.default_rng(7)
        # A few patterns of noise in turn: it must differ from picture to picture, and be made fast.
        self._noises = [noise * random.standard_normal((HEIGHT, WIDTH, 1), dtype=np.float32) for _ in range(_NOISES)]
        self._taken = 0

    def take(self, after_s: float, light: Light | None = None, things: Sequence[Thing] = ()) -> Frame:
        """The picture so many seconds after the start."""
        picture = YARD.copy()
        for thing in things:
            picture[thing.y : thing.y + thing.height, thing.x : thing.x + thing.width] = thing.grey
        picture = light(picture) if light else picture
        self._taken += 1
        picture = np.clip(picture + self._noises[self._taken % _NOISES], 0, 255).astype(np.uint8)
        at = START + after_s
        return Frame(self._channel, np.repeat(picture, 3, axis=2), at, at, 0)


ROWS, COLUMNS = np.mgrid[0:HEIGHT, 0:WIDTH]


@cache
def spot(x: int, y: int, radius: float) -> Picture:
    """How much of a lamp's light falls where."""
    return np.exp(-((COLUMNS - x) ** 2 + (ROWS - y) ** 2) / (2 * radius**2)).astype(np.float32)[..., None]


def night(picture: Picture) -> Picture:
    """Two lamps in the dark."""
    return picture * 0.12 + picture * 1.1 * (spot(120, 120, 50) + spot(500, 220, 50))
