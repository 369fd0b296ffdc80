"""Whether a channel's picture is any use: too dark, too bright, too blurry, or not the scene that it was.

Each fault must last before it is told, and be away for a while before its end is told, so that a lamp that is switched
or somebody who stands before the lens for a moment is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.core.events import PictureFault
from engine.core.geometry import Pose
from engine.core.values import Frame, Image
from engine.vision.stillness import turned

EVERY_S: Final = 1.0
"""Pictures are looked at no more often than this."""
BEGIN_S: Final = 5.0
END_S: Final = 3.0
LEARN_S: Final = 60.0
"""A new scene that stays for this long is the scene from then on."""

_DARK: Final = 40
"""99 of 100 points are darker than this (of 255): no lamp is lit, and nothing is lit by one."""
_BRIGHT: Final = 235
"""95 of 100 points are brighter."""
_SHARP: Final = 1.2
"""How much edges lose when the picture is smoothed: nothing (1) where they were smooth before.

Clips of ordinary cameras have 1.33 to 1.9, of a night with noise 1.9 and more; the same clips have less than 1.2 once
they are so far out of focus that a point is as large as a fiftieth of the picture's width.
"""
_FAINT: Final = 1.5
"""Grey levels a point: a picture whose strongest edges are fainter has none that could be sharp."""
_ALIKE: Final = 0.4
_FEWEST_ALIKE: Final = 0.2
_FEWEST_BLOCKS: Final = 6
_BLOCK: Final = (15, 16)
_LEAST_TEXTURE: Final = 0.15

type Map = NDArray[np.float32]


@dataclass(slots=True)
class _Fault:
    active: bool = False
    since: float | None = None
    """Since when the picture has been otherwise than what was told."""


class PictureWatch:
    """Watches one channel's pictures; not for two threads at once."""

    def __init__(self) -> None:
        self._faults = {fault: _Fault() for fault in PictureFault}
        self._scene = _Scene()
        self._at: float | None = None
        self._pose: Pose | None = None

    @property
    def faults(self) -> frozenset[PictureFault]:
        """What was told to be wrong."""
        return frozenset(fault for fault, known in self._faults.items() if known.active)

    def observe(self, frame: Frame, pose: Pose | None = None) -> Mapping[PictureFault, bool]:
        """What is wrong from now on (True), or right again (False). Takes two or three milliseconds, once a second.

        `pose` is where a camera with motors looks: where it turned by itself, another scene is no fault.
        """
        at = frame.captured_at
        if self._at is not None and 0 <= at - self._at < EVERY_S:
            return {}
        if self._at is not None and (at < self._at or turned(self._pose, pose)):
            self._scene = _Scene()
        self._at, self._pose = at, pose
        grey = _grey(frame.image, 320)
        small = _grey(frame.image, 160)
        dark = bool(np.percentile(small, 99) < _DARK)
        bright = bool(np.percentile(small, 5) > _BRIGHT)
        found = {
            PictureFault.TOO_DARK: dark,
            PictureFault.TOO_BRIGHT: bright,
            PictureFault.TOO_BLURRY: sharpness(grey) < _SHARP,
            # Who is blind or blinded sees no scene, neither the old one nor another.
            PictureFault.SCENE_CHANGED: self._scene.lost if dark or bright else self._scene.is_another(small, at),
        }
        return {fault: wrong for fault, wrong in found.items() if self._is_news(self._faults[fault], wrong, at)}

    def _is_news(self, known: _Fault, wrong: bool, at: float) -> bool:
        if wrong == known.active:
            known.since = None
            return False
        if known.since is None or at < known.since:
            known.since = at
        if at - known.since < (BEGIN_S if wrong else END_S):
            return False
        known.active, known.since = wrong, None
        return True


class _Scene:
    """What the camera usually shows: the pattern of each part of the picture, whatever the light."""

    def __init__(self) -> None:
        self._usual: Map | None = None
        self._looks = 0
        self._other_since: float | None = None

    @property
    def lost(self) -> bool:
        """Whether the last picture showed something else."""
        return self._other_since is not None

    def is_another(self, grey: NDArray[np.uint8], at: float) -> bool:
        """Whether this picture shows something else."""
        pattern = _pattern(grey)
        if self._usual is None or self._usual.shape != pattern.shape:
            self._usual, self._looks, self._other_since = pattern, 1, None
        elif not _other(self._usual, pattern):
            self._other_since = None
            self._looks += 1
            self._usual += (pattern - self._usual) / np.float32(min(self._looks, LEARN_S))
        elif self._other_since is None:
            self._other_since = at
        elif at - self._other_since >= LEARN_S:
            self._usual, self._looks, self._other_since = pattern, 1, None
        return self.lost


def sharpness(grey: NDArray[np.uint8]) -> float:
    """How much the strongest edges lose when the picture is smoothed; infinite for a picture without any edges."""
    picture = grey.astype(np.float32)
    smooth = cv2.blur(picture, (7, 7))
    best = 0.0
    for axis in (0, 1):
        before, after = np.abs(np.diff(picture, axis=axis)), np.abs(np.diff(smooth, axis=axis))
        strong = after >= max(float(np.percentile(after, 90)), _FAINT)
        if np.count_nonzero(strong) < after.size // 200:
            continue
        best = max(best, float(before[strong].sum() / after[strong].sum()))
    return best or float("inf")


def _grey(image: Image, width: int) -> NDArray[np.uint8]:
    """A grey picture of that width at most, in which the noise of single points is averaged away."""
    height, present = image.shape[:2]
    if present > width:
        image = np.asarray(
            cv2.resize(image, (width, max(round(height * width / present), 1)), interpolation=cv2.INTER_AREA), np.uint8
        )
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)


def _pattern(grey: NDArray[np.uint8]) -> Map:
    """Light and dark next to each other, in units of their own contrast."""
    picture = grey.astype(np.float32)
    detail = picture - cv2.blur(picture, (15, 15))
    contrast = np.sqrt(cv2.blur(detail * detail, (15, 15)))
    return np.asarray(detail / (contrast + 4.0), np.float32)


def _other(usual: Map, now: Map) -> bool:
    """Whether hardly any part of the picture that has a pattern still has the same."""
    rows, columns = (max(size // length, 1) for size, length in zip(usual.shape, _BLOCK, strict=True))
    height, width = usual.shape[0] // rows * rows, usual.shape[1] // columns * columns
    a = usual[:height, :width].reshape(rows, height // rows, columns, width // columns)
    b = now[:height, :width].reshape(a.shape)
    energy_a, energy_b = (a * a).mean(axis=(1, 3)), (b * b).mean(axis=(1, 3))
    textured = energy_a > _LEAST_TEXTURE
    if np.count_nonzero(textured) < _FEWEST_BLOCKS:
        return False
    alike = (a * b).mean(axis=(1, 3)) / np.sqrt(np.maximum(energy_a * energy_b, 1e-9)) > _ALIKE
    return bool(alike[textured].mean() < _FEWEST_ALIKE)
