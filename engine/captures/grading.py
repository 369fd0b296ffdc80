"""How good a picture of a target is, as one number from 0 to 1."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from engine.core.geometry import Box, Pose
from engine.core.values import Image

_EDGE = 0.005
"""A box that comes so near to the picture's edge is taken to be cut off by it."""
_SHARP_VARIANCE = 150.0
"""The variance of the Laplacian at which a picture counts as half sharp, on a crop of `_SHARP_HEIGHT` rows."""
_SHARP_HEIGHT = 160
_WEIGHTS = {"size": 0.35, "centredness": 0.2, "score": 0.15, "motion": 0.1, "sharpness": 0.2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A target in a PTZ picture at one instant (Unix seconds), the box normalised, taken at a pose.

    `motion` is how fast the picture slides over the target, in picture widths a second; it blurs.
    """

    at: float
    box: Box
    pose: Pose
    score: float
    motion: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """What a moment is worth, each part from 0 to 1. `sharpness` is None until the picture itself was looked at."""

    size: float
    centredness: float
    score: float
    motion: float
    inside: float
    sharpness: float | None = None

    @property
    def total(self) -> float:
        """The weighted geometric mean of the parts, times how much of the target is inside the picture.

        The geometric mean, because a picture in which one thing is hopeless is not saved by the others.
        """
        parts = {name: getattr(self, name) for name in _WEIGHTS}
        known = {name: max(value, 1e-3) for name, value in parts.items() if value is not None}
        weight = sum(_WEIGHTS[name] for name in known)
        mean = math.exp(sum(_WEIGHTS[name] * math.log(value) for name, value in known.items()) / weight)
        return mean * self.inside


def grade_moment(moment: Moment, wanted_height: float, vertical_offset: float = 50.0) -> Grade:
    """Grades what can be told without the pixels.

    `wanted_height` is the wanted height of the target as a fraction of the picture's, `vertical_offset` (0 top to
    100 bottom) the part of it that should be in the middle.
    """
    box = moment.box
    size = box.height / wanted_height
    aimed_y = box.y + box.height * vertical_offset / 100.0
    off_centre = math.hypot(box.centre.x - 0.5, aimed_y - 0.5)
    return Grade(
        # Too large is only bad once it does not fit, and that is what `inside` is for.
        size=min(size, 1.0) if size < 1.5 else 1.5 / size,
        centredness=max(1.0 - 1.6 * off_centre, 0.0),
        score=min(max(moment.score, 0.0), 1.0),
        motion=1.0 / (1.0 + 2.0 * abs(moment.motion)),
        inside=_inside(box, wanted_height, vertical_offset),
    )


def touches_edge(box: Box) -> bool:
    """Whether the picture's edge cuts the target off, so that its true size and middle are not known."""
    return box.x <= _EDGE or box.y <= _EDGE or box.right >= 1 - _EDGE or box.bottom >= 1 - _EDGE


def _inside(box: Box, wanted_height: float, vertical_offset: float) -> float:
    if box.area <= 0:
        return 0.0
    share = box.clipped().area / box.area
    # A framing that asks for less than the whole body cuts it on purpose.
    part = max(vertical_offset, 100.0 - vertical_offset) / 100.0
    cut_on_purpose = wanted_height * part > 0.5
    return share if cut_on_purpose or not touches_edge(box) else share * 0.6


def sharpness(image: Image) -> float:
    """How sharp a picture of a target is, 0 to 1, by the variance of its Laplacian (Pech-Pacheco et al., 2000).

    The picture is brought to one height first: otherwise a large picture would always look soft.
    """
    if image.size == 0:
        return 0.0
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    width = max(round(grey.shape[1] * _SHARP_HEIGHT / grey.shape[0]), 1)
    resized = cv2.resize(grey, (width, _SHARP_HEIGHT), interpolation=cv2.INTER_AREA)
    variance = float(np.var(cv2.Laplacian(resized, cv2.CV_64F)))
    return variance / (variance + _SHARP_VARIANCE)
