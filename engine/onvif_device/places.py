"""Places on Earth, as a mounted camera has to look at them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.cameras.spaces import Interval
from engine.core.geodesy import GeoPoint, Mounting
from engine.core.geometry import Direction, wrap_deg
from onvif_server.backend import GeoPosition, Refusal, Refused

_REACHED_DEG = 0.01


@dataclass(frozen=True, slots=True)
class PlaceFinder:
    """Turns places into moves inside a head's limits. `aspect` is the picture's width to its height."""

    mounting: Mounting
    pan: Interval
    tilt: Interval
    aspect: float

    def find(self, target: GeoPosition, area_m: tuple[float, float] | None = None) -> tuple[Direction, float | None]:
        """Where to look, and how wide (degrees) if an area (width, height; 0: any) is to fill the picture.

        A place without elevation is taken to lie as high as the camera. Raises Refused (INVALID_POSITION).
        """
        own = self.mounting.place
        height_m = own.height_m if target.elevation is None else target.elevation
        try:
            direction, distance_m = self.mounting.look_at(GeoPoint(target.latitude, target.longitude, height_m))
        except ValueError as error:
            raise Refused(Refusal.INVALID_POSITION, str(error)) from error
        pan_deg, tilt_deg = self.pan.fit_angle(direction.pan_deg), self.tilt.clamp(direction.tilt_deg)
        missed = max(abs(wrap_deg(pan_deg - direction.pan_deg)), abs(tilt_deg - direction.tilt_deg))
        if missed > _REACHED_DEG:
            raise Refused(Refusal.INVALID_POSITION, "the place lies outside of what the camera can turn to")
        return Direction(pan_deg, tilt_deg), None if area_m is None else self._hfov_deg(area_m, distance_m)

    def _hfov_deg(self, area_m: tuple[float, float], distance_m: float) -> float:
        width_m, height_m = area_m
        return math.degrees(2 * math.atan(max(width_m, height_m * self.aspect) / (2 * distance_m)))
