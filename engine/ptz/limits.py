"""How far a head may turn, and how fast it can: the arithmetic of pan arcs and tilt ranges."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from engine.core.geometry import wrap_deg


@dataclass(frozen=True, slots=True)
class MotorSpeeds:
    """What a normalised speed of 1 means: degrees a second for pan and tilt, zoom range a second for the lens.

    `ramp_s` is the time in which head and lens get from rest to that.
    """

    pan_dps: float = 100.0
    tilt_dps: float = 60.0
    zoom_per_s: float = 0.4
    ramp_s: float = 0.35


def counted_within(pan_deg: float, pan_range_deg: tuple[float, float]) -> float:
    """The same angle inside a camera's own range, which may be 0..350 where ours is -180..180."""
    left, right = pan_range_deg
    turned = left + (pan_deg - left) % 360.0
    # Rounding just below the left stop must not become a full turn to the right.
    return left if turned > right and turned - 360.0 > left - 1.0 else turned


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a head may point.

    `pan_deg` is (left, right): the arc that runs clockwise from left to right, so (170, -170) is the narrow arc behind
    the camera. None: no stop, it may turn for ever. An arc of a full turn has a stop where its ends meet.
    """

    pan_deg: tuple[float, float] | None = None
    tilt_deg: tuple[float, float] = (-90.0, 90.0)
    zoom: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        for name, (low, high) in (("tilt", self.tilt_deg), ("zoom", self.zoom)):
            if low > high:
                raise ValueError(f"the lower {name} limit ({low:g}) lies above the upper one ({high:g})")

    @property
    def pan_span_deg(self) -> float:
        """The length of the pan arc; 360 without limits."""
        if self.pan_deg is None:
            return 360.0
        left, right = self.pan_deg
        span = (right - left) % 360.0
        return span if span > 1e-9 else 360.0

    def pan_offset(self, pan_deg: float) -> float:
        """How far along the arc a pan angle lies, from its left end; outside the arc, at the nearer end."""
        if self.pan_deg is None:
            return (pan_deg + 180.0) % 360.0
        span = self.pan_span_deg
        offset = (pan_deg - self.pan_deg[0]) % 360.0
        if offset <= span:
            return offset
        return span if offset - span <= 360.0 - offset else 0.0

    def clamp_pan(self, pan_deg: float) -> float:
        """The nearest allowed pan angle, in [-180, 180)."""
        if self.pan_deg is None:
            return wrap_deg(pan_deg)
        return wrap_deg(self.pan_deg[0] + self.pan_offset(pan_deg))

    def clamp_tilt(self, tilt_deg: float) -> float:
        """The nearest allowed tilt angle."""
        return min(max(tilt_deg, self.tilt_deg[0]), self.tilt_deg[1])

    def clamp_zoom(self, zoom: float) -> float:
        """The nearest allowed zoom position."""
        return min(max(zoom, self.zoom[0]), self.zoom[1])

    def pan_path(self, from_deg: float, to_deg: float) -> float:
        """By how many degrees to turn (right is positive) to get from one pan angle to another inside the arc."""
        if self.pan_deg is None:
            return wrap_deg(to_deg - from_deg)
        return self.pan_offset(to_deg) - self.pan_offset(from_deg)

    def pan_advance(self, pan_deg: float, by_deg: float) -> float:
        """The pan angle after turning by so many degrees, or the limit that comes first."""
        if self.pan_deg is None:
            return wrap_deg(pan_deg + by_deg)
        offset = min(max(self.pan_offset(pan_deg) + by_deg, 0.0), self.pan_span_deg)
        return wrap_deg(self.pan_deg[0] + offset)

    def pan_room(self, pan_deg: float, rightwards: bool) -> float:
        """How many degrees are left before the limit on that side; infinite without limits."""
        if self.pan_deg is None:
            return float("inf")
        offset = self.pan_offset(pan_deg)
        return self.pan_span_deg - offset if rightwards else offset

    def within(self, pan_range_deg: tuple[float, float] | None, tilt_range_deg: tuple[float, float] | None) -> Self:
        """These limits inside what the camera itself can reach (None: no bound)."""
        limits = self
        if pan_range_deg is not None:
            camera = Limits(pan_deg=pan_range_deg)
            own = self.pan_deg
            arc = pan_range_deg if own is None else (camera.clamp_pan(own[0]), camera.clamp_pan(own[1]))
            limits = replace(limits, pan_deg=arc)
        if tilt_range_deg is not None:
            low, high = (min(max(value, tilt_range_deg[0]), tilt_range_deg[1]) for value in self.tilt_deg)
            limits = replace(limits, tilt_deg=(low, high))
        return limits
