"""Where a target is and where it will be: a Kalman filter in directions.

Measurements come from the overview camera (through the link model) and from the PTZ camera (through its pose at the
frame's own time), each with its own time and noise, and not always in order. The filter keeps those of the last
seconds and, when a late one arrives, goes through them again from there.

State: pan, tilt (degrees, pan unwrapped), their rates, the logarithm of the angular height, the offset of the
overview's directions from the PTZ camera's (calibration error and parallax), which only the overview's measurements
feel, and the rates' changes. These are Singer's (1970): whoever turns or brakes goes on doing so for a moment, and how
hard goes with the angular height, for nearby targets cross the sky faster than far ones.
"""

from __future__ import annotations

import math
from bisect import insort
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from engine.core.geometry import Direction, wrap_deg

type _Array = NDArray[np.float64]

_SIZE = 9
_PAN, _TILT, _PAN_RATE, _TILT_RATE, _LOG_HEIGHT, _PAN_OFFSET, _TILT_OFFSET, _PAN_BEND, _TILT_BEND = range(_SIZE)
_AXES = ((_PAN, _PAN_RATE, _PAN_BEND), (_TILT, _TILT_RATE, _TILT_BEND))
_GATE = 25.0
"""The largest squared Mahalanobis distance of a measurement's direction (two degrees of freedom) that is believed."""
_SURPRISE = 6.0
"""A squared Mahalanobis distance that a target on its expected path reaches in 8 of 100 measurements."""
_CALM_S = 4.0
_MOST_AGILE = 5.0
_BEND = 1.0
"""How large a change of rate usually is, in the `acceleration` of the settings."""
_BEND_S = 2.0
"""For so long (a time constant) a change of rate lasts while the target is seen."""
_BEND_UNSEEN_S = 0.5
"""For so long it lasts without measurements."""
_UNSTEADY = 0.3
"""What else changes the rate, as white noise, in the `acceleration` of the settings."""
_TILT_SHARE = 0.6
"""Targets move along the ground: their height in the picture changes less than their side."""
_OFFSET_WALK = 0.15
"""How fast the overview's offset changes: degrees after one second, growing with the square root of time."""


class Source(Enum):
    """Who measured."""

    OVERVIEW = "overview"
    PTZ = "ptz"


@dataclass(frozen=True, slots=True, order=True)
class Measurement:
    """The middle of a target as seen by one camera at one moment (Unix seconds), with standard deviations.

    `height_deg` is None where the picture's edge cuts the target.
    """

    at: float
    direction: Direction = field(compare=False)
    sigma_deg: float = field(compare=False)
    height_deg: float | None = field(compare=False)
    source: Source = field(compare=False)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A target at a moment. `sigma_deg` and `rate_sigma_dps` are the standard deviations of its direction and of its
    rate along the worse axis, in degrees of arc.
    """

    at: float
    direction: Direction
    pan_rate_dps: float
    tilt_rate_dps: float
    height_deg: float
    sigma_deg: float
    rate_sigma_dps: float

    @property
    def speed_dps(self) -> float:
        """How fast it crosses the sky, in degrees of arc a second."""
        return math.hypot(self.pan_rate_dps * math.cos(math.radians(self.direction.tilt_deg)), self.tilt_rate_dps)


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatorSettings:
    """How targets move and how far the two cameras may disagree.

    `acceleration` is in target heights a second squared (1 for people, 2 for vehicles). `offset_deg` is how far the
    overview's directions may be off. `window_s` is how late a measurement may come.
    """

    acceleration: float = 1.0
    offset_deg: float = 0.7
    window_s: float = 2.0
    rate_memory_s: float = 2.5
    """Without measurements the rate fades with this time constant: nobody walks on for ever."""
    max_rate_heights: float = 6.0
    """The fastest that a new target is taken to be, in its heights a second."""


class Estimator:
    """The state of one target."""

    def __init__(self, first: Measurement, settings: EstimatorSettings | None = None) -> None:
        self.settings = settings or EstimatorSettings()
        self._start(first)

    def _start(self, first: Measurement) -> None:
        height = first.height_deg or 5.0
        state = np.zeros(_SIZE)
        state[[_PAN, _TILT, _LOG_HEIGHT]] = first.direction.pan_deg, first.direction.tilt_deg, math.log(height)
        offset = self.settings.offset_deg
        position = first.sigma_deg**2 + (offset**2 if first.source is Source.OVERVIEW else 0.0)
        rate = (self.settings.max_rate_heights * height / 3.0) ** 2
        bend = (_BEND * self.settings.acceleration * height) ** 2
        covariance = np.diag([position, position, rate, rate, 0.3**2, offset**2, offset**2, bend, bend])
        if first.source is Source.OVERVIEW:
            # The target and the offset are wrong together: what the overview said is their sum.
            covariance[_PAN, _PAN_OFFSET] = covariance[_PAN_OFFSET, _PAN] = -(offset**2)
            covariance[_TILT, _TILT_OFFSET] = covariance[_TILT_OFFSET, _TILT] = -(offset**2)
        self._anchor = (first.at, state, covariance)
        self._recent: list[Measurement] = []
        self._now = (first.at, state, covariance)
        self.measured_at = first.at
        self._agility = 1.0
        self._surprised_at = first.at

    @property
    def known_since(self) -> float:
        """The earliest moment that it can still tell about."""
        return self._anchor[0]

    def restart(self, measurement: Measurement) -> None:
        """Forgets everything and begins at a measurement."""
        self._start(measurement)

    def add(self, measurement: Measurement, gate: float = _GATE) -> bool:
        """Takes a measurement in; False when it lies too far from where the target can be, or comes too late."""
        if measurement.at < self._anchor[0]:
            return False
        before = self._state_before(measurement.at)
        state, covariance, distance = _updated(*self._predicted(before, measurement.at), measurement)
        self._learn_agility(measurement.at, distance)
        if distance > gate:
            return False
        insort(self._recent, measurement)
        if measurement.at >= self._now[0]:
            self._now = (measurement.at, state, covariance)
        else:
            self._now = self._replay(math.inf)
        self.measured_at = max(self.measured_at, measurement.at)
        self._forget()
        return True

    def _learn_agility(self, at: float, distance: float) -> None:
        """A target that surprises is given more room for some seconds (an adaptive process noise)."""
        calmed = math.exp(-max(at - self._surprised_at, 0.0) / _CALM_S)
        self._agility = 1.0 + (self._agility - 1.0) * calmed
        self._surprised_at = max(at, self._surprised_at)
        if distance > _SURPRISE:
            self._agility = min(self._agility * 1.6, _MOST_AGILE)

    def distance(self, measurement: Measurement) -> float:
        """The squared Mahalanobis distance of a measurement from where the target should be at its time."""
        at = max(measurement.at, self._anchor[0])
        before = self._state_before(at)
        return _updated(*self._predicted(before, at), measurement)[2]

    def at(self, at: float) -> Estimate:
        """The target at a moment, usually one that is still to come."""
        state, covariance = self._predicted(self._state_before(at), at)
        squeeze = math.cos(math.radians(float(np.clip(state[_TILT], -85, 85))))
        variance, rate_variance = (
            max(float(covariance[pan, pan]) * squeeze**2, float(covariance[tilt, tilt]), 0.0)
            for pan, tilt in ((_PAN, _TILT), (_PAN_RATE, _TILT_RATE))
        )
        return Estimate(
            at,
            Direction(wrap_deg(float(state[_PAN])), float(np.clip(state[_TILT], -90, 90))),
            float(state[_PAN_RATE]),
            float(state[_TILT_RATE]),
            float(math.exp(np.clip(state[_LOG_HEIGHT], -5, 5))),
            math.sqrt(variance),
            math.sqrt(rate_variance),
        )

    def _state_before(self, at: float) -> tuple[float, _Array, _Array]:
        return self._now if at >= self._now[0] else self._replay(at)

    def _replay(self, until: float) -> tuple[float, _Array, _Array]:
        """The state after all measurements up to a moment."""
        current = self._anchor
        for measurement in self._recent:
            if measurement.at > until:
                break
            state, covariance, _ = _updated(*self._predicted(current, measurement.at), measurement)
            current = (measurement.at, state, covariance)
        return current

    def _forget(self) -> None:
        """Moves the anchor forward to the beginning of the window."""
        horizon = self._now[0] - self.settings.window_s
        old = [measurement for measurement in self._recent if measurement.at < horizon]
        if old:
            self._anchor = self._replay(old[-1].at)
            self._recent = self._recent[len(old) :]

    def _predicted(self, known: tuple[float, _Array, _Array], at: float) -> tuple[_Array, _Array]:
        before, state, covariance = known
        seconds = max(at - before, 0.0)
        if seconds == 0.0:
            return state, covariance
        transition = self._transition(seconds)
        height = math.exp(float(np.clip(state[_LOG_HEIGHT], -5, 5)))
        squeeze = max(math.cos(math.radians(float(state[_TILT]))), 0.1)
        noise = self._noise(seconds, max(self.settings.acceleration * height, 0.3) * self._agility, squeeze)
        return transition @ state, transition @ covariance @ transition.T + noise

    def _transition(self, seconds: float) -> _Array:
        memory = self.settings.rate_memory_s
        # Over the times between frames a rate goes on as it changed; over seconds of silence the target comes to rest.
        fading = math.exp(-max(seconds - 0.5, 0.0) / memory)
        reach = min(seconds, 0.5) + memory * (1.0 - fading)
        lasting = min(seconds, _BEND_UNSEEN_S)
        gained = _BEND_S * (1.0 - math.exp(-lasting / _BEND_S))
        transition = np.eye(_SIZE)
        for place, rate, bend in _AXES:
            transition[place, rate] = reach
            transition[rate, rate] = fading
            transition[place, bend] = _BEND_S * (lasting - gained) + gained * (seconds - lasting) * fading
            transition[rate, bend] = gained * fading
            transition[bend, bend] = math.exp(-lasting / _BEND_S - (seconds - lasting) / _BEND_UNSEEN_S)
        return transition

    @staticmethod
    def _noise(seconds: float, acceleration: float, squeeze: float) -> _Array:
        """White noise of the rates, and of their changes (Bar-Shalom, Li, Kirubarajan 2001, section 6.2)."""
        noise = np.zeros((_SIZE, _SIZE))
        for (place, rate, bend), scale in zip(_AXES, (1 / squeeze, _TILT_SHARE), strict=True):
            unsteady, jerk = (
                (_UNSTEADY * acceleration * scale) ** 2 / 2,
                2 * (_BEND * acceleration * scale) ** 2 / _BEND_S,
            )
            t, s = min(seconds, 3.0), min(seconds, _BEND_S)
            noise[place, place] = unsteady * t**3 / 3 + jerk * s**5 / 20
            noise[place, rate] = noise[rate, place] = unsteady * t**2 / 2 + jerk * s**4 / 8
            noise[rate, rate] = unsteady * t + jerk * s**3 / 3
            noise[place, bend] = noise[bend, place] = jerk * s**3 / 6
            noise[rate, bend] = noise[bend, rate] = jerk * s**2 / 2
            noise[bend, bend] = jerk * s
        noise[_LOG_HEIGHT, _LOG_HEIGHT] = 0.15**2 * seconds
        noise[_PAN_OFFSET, _PAN_OFFSET] = noise[_TILT_OFFSET, _TILT_OFFSET] = _OFFSET_WALK**2 * seconds
        return noise


def _updated(state: _Array, covariance: _Array, measurement: Measurement) -> tuple[_Array, _Array, float]:
    """State and covariance after a measurement, and the squared Mahalanobis distance of its direction."""
    overview = measurement.source is Source.OVERVIEW
    observe = np.zeros((3, _SIZE))
    observe[0, _PAN] = observe[1, _TILT] = observe[2, _LOG_HEIGHT] = 1.0
    if overview:
        observe[0, _PAN_OFFSET] = observe[1, _TILT_OFFSET] = 1.0
    expected = observe @ state
    direction = measurement.direction
    squeeze = max(math.cos(math.radians(direction.tilt_deg)), 0.05)
    innovation = np.array(
        [
            wrap_deg(direction.pan_deg - float(expected[0])),
            direction.tilt_deg - float(expected[1]),
            0.0 if measurement.height_deg is None else math.log(measurement.height_deg) - float(expected[2]),
        ]
    )
    blind = 1e6 if measurement.height_deg is None else (0.25 if overview else 0.12) ** 2
    noise = np.diag([(measurement.sigma_deg / squeeze) ** 2, measurement.sigma_deg**2, blind])
    spread = observe @ covariance @ observe.T + noise
    gain = np.linalg.solve(spread, observe @ covariance).T
    keep = np.eye(_SIZE) - gain @ observe
    corrected = keep @ covariance @ keep.T + gain @ noise @ gain.T
    distance = float(innovation[:2] @ np.linalg.solve(spread[:2, :2], innovation[:2]))
    return state + gain @ innovation, corrected, distance
