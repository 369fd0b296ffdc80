"""A box that moves: four independent constant-velocity Kalman filters (centre x and y, width, height).

The noise model is white acceleration (Bar-Shalom, Li, Kirubarajan: Estimation with Applications to Tracking and
Navigation, section 6.2.2), scaled with the box's own size, so that near and far targets behave alike, and with the
true time between frames, which need not be regular.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.core.geometry import Box

type Four = NDArray[np.float64]
"""Shape (4,): a value each for centre x, centre y, width, height, in fractions of the picture."""

_ACCELERATION = np.array([1.5, 1.0, 0.3, 0.3])
"""Standard deviation of the acceleration, in box sizes per second squared (a walking person: about 0.6)."""
_START_SPEED = np.array([1.5, 0.8, 0.2, 0.2])
"""Standard deviation of the unknown first speed, in box sizes per second."""
_MEASUREMENT = np.array([0.05, 0.05, 0.1, 0.07])
"""Standard deviation of a detection, in box sizes."""
_COAST_S = 1.0
"""A target that is not seen is expected to lose its speed with this time constant."""


def box_values(box: Box) -> Four:
    """Centre x, centre y, width, height."""
    return np.array([box.centre.x, box.centre.y, box.width, box.height])


class MovingBox:
    """The estimate of one target's box and its speed. `aspect` is the picture's width-to-height ratio."""

    def __init__(self, box: Box, aspect: float) -> None:
        self.position: Four = box_values(box)
        self.velocity: Four = np.zeros(4)
        self._aspect = aspect
        size = self._size()
        self._variance: Four = (_MEASUREMENT * size) ** 2
        self._velocity_variance: Four = (_START_SPEED * size) ** 2
        self._covariance: Four = np.zeros(4)

    @property
    def box(self) -> Box:
        """The estimated box."""
        x, y, width, height = (float(value) for value in self.position)
        return Box(x - width / 2, y - height / 2, width, height)

    def _size(self) -> Four:
        """The unit of the noises: the geometric mean of the box's sides, as a fraction of the width and the height."""
        width, height = max(float(self.position[2]), 1e-4), max(float(self.position[3]), 1e-4)
        across = math.sqrt(width * height / self._aspect)
        return np.array([across, across * self._aspect, across, across * self._aspect])

    def predict(self, seconds: float, *, coasting: bool) -> None:
        """Moves the estimate on in time; a coasting target, one that was not seen last time, slows down."""
        noise = (_ACCELERATION * self._size()) ** 2
        self.position = self.position + self.velocity * seconds
        self.position[2:] = np.maximum(self.position[2:], 1e-4)
        self._variance = (
            self._variance
            + 2 * seconds * self._covariance
            + seconds**2 * self._velocity_variance
            + noise * seconds**4 / 4
        )
        self._covariance = self._covariance + seconds * self._velocity_variance + noise * seconds**3 / 2
        self._velocity_variance = self._velocity_variance + noise * seconds**2
        if coasting:
            self.velocity = self.velocity * math.exp(-seconds / _COAST_S)

    def correct(self, box: Box) -> None:
        """Takes a detection into account."""
        noise = (_MEASUREMENT * self._size()) ** 2
        innovation = box_values(box) - self.position
        total = self._variance + noise
        gain, velocity_gain = self._variance / total, self._covariance / total
        self.position = self.position + gain * innovation
        self.velocity = self.velocity + velocity_gain * innovation
        self._velocity_variance = self._velocity_variance - velocity_gain * self._covariance
        self._covariance = (1 - gain) * self._covariance
        self._variance = (1 - gain) * self._variance
        self.position[2:] = np.maximum(self.position[2:], 1e-4)

    def move_to(self, box: Box, aspect: float) -> None:
        """Expresses the same state in another picture (of a camera that has turned or zoomed): this is its box there.

        Speeds and uncertainties scale with the box.
        """
        scale_x, scale_y = box.width / float(self.position[2]), box.height / float(self.position[3])
        scale = np.array([scale_x, scale_y, scale_x, scale_y])
        self.position = box_values(box)
        self.velocity = self.velocity * scale
        self._variance = self._variance * scale**2
        self._velocity_variance = self._velocity_variance * scale**2
        self._covariance = self._covariance * scale**2
        self._aspect = aspect
