"""What moves in the picture of a camera that stands still: the picture against what is usually there.

What is usually there is learned per point as a mixture of Gaussians (OpenCV's MOG2; Zivkovic 2004), so that leaves and
water, which are often different, become usual. Three things that look like motion and are none are taken out:

- *exposure*: before the comparison, the new picture is brought to the brightness of the background by the tone curve
  that maps most of it best, whatever that curve is;
- *light on a part* (a lamp, a shadow, headlights on a wall): a changed place that still shows the background's pattern
  was lit, not covered: its normalised cross-correlation with the background is high;
- *everything changes at once* (the camera was pushed, the lens covered, night vision switched on): learned anew.
"""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.core.geometry import Pose
from engine.core.values import Frame, MotionMask
from engine.vision.stillness import turned

type Grey = NDArray[np.uint8]

WIDTH: Final = 320
"""Pictures are compared at this width: noise of single points is averaged away."""
SETTLE_S: Final = 2.0
"""So long after a new beginning nothing is told: cameras adapt their exposure to what they see."""
_MEMORY_S: Final = 90.0
"""What stops moving is background after about a tenth of this."""
_LONGEST_STEP_S: Final = 2.0
"""After a gap in the pictures, one picture must not overwrite what was learned."""
_DEVIATION: Final = 16.0
"""Squared Mahalanobis distance of a changed point: four standard deviations."""
_LEAST_VARIANCE: Final = 16.0
_SAME_PATTERN: Final = 0.75
_PATTERN: Final = (9, 9)
_LEAST_PATTERN: Final = 4.0
"""Mean squared contrast (grey levels squared) below which a place has no pattern of its own, only noise."""
_WHITE: Final = 250
_SOME_WHITE: Final = 0.2
_EVERYTHING: Final = 0.6
"""The part of the picture that, changed at once, is another picture and not motion."""


class Background:
    """Learns one channel's background, and tells what is different in each picture; not for two threads at once."""

    def __init__(self) -> None:
        self._model = _new_model()
        self._began_at = -math.inf
        self._at: float | None = None
        self._shape: tuple[int, ...] = ()
        self._pose: Pose | None = None

    def observe(self, frame: Frame, pose: Pose | None = None) -> MotionMask:
        """What moves in this picture. Takes one or two milliseconds.

        `pose` is where a camera with motors looks: as long as it turns, and until its new view is known, nothing moves.
        """
        grey = _small(frame.image)
        if self._is_another_view(grey, frame.captured_at, pose):
            return self._afresh(frame, grey, pose)
        step_s = min(frame.captured_at - (self._at or 0.0), _LONGEST_STEP_S)
        self._at = frame.captured_at
        background = np.asarray(self._model.getBackgroundImage(), np.uint8)
        levelled = _levelled(grey, background)
        changed = np.asarray(self._model.apply(levelled, learningRate=step_s / _MEMORY_S), np.uint8) > 0
        if changed.mean() > _EVERYTHING:
            return self._afresh(frame, grey, pose)
        if frame.captured_at - self._began_at < SETTLE_S:
            return _nothing(frame, grey)
        if changed.any():
            changed &= ~_lit(changed, levelled, background) & ~_burnt_out(grey)
            changed = _without_specks(changed)
        return MotionMask(frame.channel, frame.captured_at, changed)

    def _is_another_view(self, grey: Grey, at: float, pose: Pose | None) -> bool:
        new = self._at is None or at < self._at or grey.shape != self._shape
        return new or turned(self._pose, pose)

    def _afresh(self, frame: Frame, grey: Grey, pose: Pose | None) -> MotionMask:
        self._model = _new_model()
        self._model.apply(grey, learningRate=1.0)
        self._began_at = self._at = frame.captured_at
        self._shape = grey.shape
        self._pose = pose
        return _nothing(frame, grey)


def _new_model() -> cv2.BackgroundSubtractorMOG2:
    model = cv2.createBackgroundSubtractorMOG2(varThreshold=_DEVIATION, detectShadows=False)
    model.setVarInit(_LEAST_VARIANCE)
    model.setVarMin(_LEAST_VARIANCE)
    return model


def _small(image: NDArray[np.uint8]) -> Grey:
    height, width = image.shape[:2]
    size = (min(WIDTH, width), max(round(height * min(WIDTH, width) / width), 1))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)


def _nothing(frame: Frame, grey: Grey) -> MotionMask:
    return MotionMask(frame.channel, frame.captured_at, np.zeros(grey.shape, np.bool_))


def _levelled(grey: Grey, background: Grey) -> Grey:
    """The picture with the background's brightness.

    The tone curve goes through the quantiles of both: what covers a part of the picture moves them little, a change of
    the exposure moves all of them.
    """
    steps = np.linspace(0.02, 0.98, 25)
    now = _quantiles(grey, steps)
    then = _quantiles(background, steps)
    if np.abs(now - then).max() < 1.0:
        return grey
    levels = np.arange(256, dtype=np.float64)
    known, first = np.unique(now, return_index=True)
    curve = np.interp(levels, known, then[first])
    # Beyond the outermost quantiles the curve goes on in parallel.
    curve[: int(now[0])] = levels[: int(now[0])] + then[0] - now[0]
    curve[int(now[-1]) + 1 :] = levels[int(now[-1]) + 1 :] + then[-1] - now[-1]
    return np.asarray(cv2.LUT(grey, np.clip(np.rint(curve), 0, 255).astype(np.uint8)), np.uint8)


def _quantiles(grey: Grey, steps: NDArray[np.float64]) -> NDArray[np.float64]:
    counts = np.bincount(grey.ravel(), minlength=256)
    summed = np.cumsum(counts) / grey.size
    return np.searchsorted(summed, steps).astype(np.float64)


def _lit(changed: NDArray[np.bool_], picture: Grey, background: Grey) -> NDArray[np.bool_]:
    """Where the picture changed because of light, up to the light's edges, where the pattern is its own."""
    lit = _without_specks(changed & _same_pattern(picture, background))
    return np.asarray(cv2.dilate(lit.astype(np.uint8), np.ones(_PATTERN, np.uint8)), np.uint8) > 0


def _burnt_out(grey: Grey) -> NDArray[np.bool_]:
    """Where the picture is too bright to show anything: headlights, and what they shine on."""
    return np.asarray(cv2.blur((grey >= _WHITE).astype(np.float32), _PATTERN) > _SOME_WHITE, np.bool_)


def _without_specks(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8) > 0


def _same_pattern(one: Grey, other: Grey) -> NDArray[np.bool_]:
    """Where both pictures have the same pattern, however bright: normalised cross-correlation of the surroundings."""
    a, b = one.astype(np.float32), other.astype(np.float32)
    mean_a, mean_b = cv2.blur(a, _PATTERN), cv2.blur(b, _PATTERN)
    variance_a = cv2.blur(a * a, _PATTERN) - mean_a * mean_a
    variance_b = cv2.blur(b * b, _PATTERN) - mean_b * mean_b
    together = cv2.blur(a * b, _PATTERN) - mean_a * mean_b
    patterned = (variance_a > _LEAST_PATTERN) & (variance_b > _LEAST_PATTERN)
    alike = together > _SAME_PATTERN * np.sqrt(np.maximum(variance_a * variance_b, 1e-6))
    return np.asarray(patterned & alike, np.bool_)
