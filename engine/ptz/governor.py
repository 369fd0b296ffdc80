"""How fast head and lens may go now: the arithmetic between a wish and a velocity, without a camera.

Head (pan and tilt) and lens are apart, as ONVIF has it: what is wished of the one says nothing of the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.cameras.protocols import MotorStatus
from engine.ptz.head_model import HeadState
from engine.ptz.limits import Limits, MotorSpeeds

BRAKING_S = 0.5
"""Before a limit the velocity falls so that the rest of the way would take this long."""
SERVO_GAIN = 2.0
"""Velocity in degrees a second for each degree that is left, where absolute moves are made of continuous ones."""
TOLERANCE_DEG = 0.2
TOLERANCE_ZOOM = 0.01
SLOWEST = 0.002
"""Velocities (of 1) below this, and differences between them, are none."""


@dataclass(frozen=True, slots=True)
class HeadPlace:
    """Where the head is to go (None: that angle stays), and how fast (0..1)."""

    pan_deg: float | None
    tilt_deg: float | None
    speed: float


@dataclass(frozen=True, slots=True)
class HeadTurn:
    """How fast the head is to turn, -1..1."""

    pan: float
    tilt: float


@dataclass(frozen=True, slots=True)
class LensPlace:
    """The zoom position that is wanted, 0..1."""

    zoom: float


@dataclass(frozen=True, slots=True)
class LensTurn:
    """How fast the lens is to zoom, -1..1."""

    zoom: float


@dataclass(frozen=True, slots=True)
class Governor:
    """Keeps to limits. `ahead` is where head and lens will be when a command sent now takes effect; None where nobody
    knows: turns are not slowed down then, and places not approached.
    """

    limits: Limits
    speeds: MotorSpeeds

    def head_way(self, place: HeadPlace, where: HeadState | MotorStatus) -> tuple[float, float]:
        """The degrees that are left to a place."""
        pan = 0.0 if place.pan_deg is None else self.limits.pan_path(where.pan_deg, place.pan_deg)
        return pan, 0.0 if place.tilt_deg is None else place.tilt_deg - where.tilt_deg

    def head_arrived(self, place: HeadPlace, status: MotorStatus) -> bool:
        """Whether the head is there."""
        return max(abs(way) for way in self.head_way(place, status)) < TOLERANCE_DEG

    def lens_arrived(self, place: LensPlace, status: MotorStatus) -> bool:
        """Whether the lens is there."""
        return abs(place.zoom - status.zoom) < TOLERANCE_ZOOM

    def head(self, wish: HeadPlace | HeadTurn, ahead: HeadState | None) -> tuple[float, float]:
        """Pan and tilt velocities, -1..1."""
        if isinstance(wish, HeadTurn):
            return (wish.pan, wish.tilt) if ahead is None else self._turn(wish, ahead)
        if ahead is None:
            return 0.0, 0.0
        pan, tilt = self.head_way(wish, ahead)
        return (
            unit(SERVO_GAIN * pan / self.speeds.pan_dps, wish.speed),
            unit(SERVO_GAIN * tilt / self.speeds.tilt_dps, wish.speed),
        )

    def _turn(self, wish: HeadTurn, ahead: HeadState) -> tuple[float, float]:
        # Whatever moves that way already goes on for the time that it takes to brake.
        pan_at = self.limits.pan_advance(ahead.pan_deg, self._braking_way(ahead.pan_dps, wish.pan, self.speeds.pan_dps))
        tilt_at = ahead.tilt_deg + self._braking_way(ahead.tilt_dps, wish.tilt, self.speeds.tilt_dps)
        low, high = self.limits.tilt_deg
        tilt_room = high - tilt_at if wish.tilt > 0 else tilt_at - low
        return (
            _slowed(wish.pan, self.limits.pan_room(pan_at, rightwards=wish.pan > 0), self.speeds.pan_dps),
            _slowed(wish.tilt, tilt_room, self.speeds.tilt_dps),
        )

    def _braking_way(self, dps: float, wish: float, top_dps: float) -> float:
        return dps * abs(dps) * self.speeds.ramp_s / (2 * top_dps) if dps * wish > 0 else 0.0

    def lens(self, wish: LensPlace | LensTurn, ahead: HeadState | None) -> float:
        """The zoom velocity, -1..1."""
        if ahead is None:
            return wish.zoom if isinstance(wish, LensTurn) else 0.0
        if isinstance(wish, LensPlace):
            return unit(SERVO_GAIN * (wish.zoom - ahead.zoom) / self.speeds.zoom_per_s)
        low, high = self.limits.zoom
        return _slowed(wish.zoom, high - ahead.zoom if wish.zoom > 0 else ahead.zoom - low, self.speeds.zoom_per_s)


def unit(value: float, bound: float = 1.0) -> float:
    """A velocity cut off at a bound."""
    return min(max(value, -bound), bound)


def _slowed(velocity: float, room: float, speed_per_s: float) -> float:
    allowed = max(room, 0.0) / BRAKING_S / speed_per_s
    slowed = math.copysign(min(abs(velocity), allowed), velocity)
    return slowed if abs(slowed) > SLOWEST else 0.0
