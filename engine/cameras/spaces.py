"""ONVIF's coordinate spaces against degrees: pure mathematics, no I/O.

Source: ONVIF PTZ Service Specification, chapter "Spaces". A node lists for each kind of move the spaces that it
understands, each with the interval of its values.

Degrees come from the camera where it offers *SphericalPositionSpaceDegrees*. Otherwise the generic space is taken to
cover the head's range evenly: its lower end is the range's lower end, its upper end the upper one. The ranges then come
from the site file, so a direction is only as true as they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from engine.core.geometry import wrap_deg

_PAN_TILT = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/"
_ZOOM = "http://www.onvif.org/ver10/tptz/ZoomSpaces/"

SPHERICAL_POSITION = _PAN_TILT + "SphericalPositionSpaceDegrees"
GENERIC_POSITION = _PAN_TILT + "PositionGenericSpace"
GENERIC_TRANSLATION = _PAN_TILT + "TranslationGenericSpace"
FOV_TRANSLATION = _PAN_TILT + "TranslationSpaceFov"
GENERIC_VELOCITY = _PAN_TILT + "VelocityGenericSpace"
GENERIC_SPEED = _PAN_TILT + "GenericSpeedSpace"
ZOOM_POSITION = _ZOOM + "PositionGenericSpace"
ZOOM_TRANSLATION = _ZOOM + "TranslationGenericSpace"
ZOOM_VELOCITY = _ZOOM + "VelocityGenericSpace"
ZOOM_SPEED = _ZOOM + "ZoomGenericSpeedSpace"

_FULL_TURN = 359.9


@dataclass(frozen=True, slots=True)
class Interval:
    """From the lowest to the highest value; never empty. Raises ValueError for bounds that make no interval."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"{self.low}..{self.high} is not an interval")

    @property
    def width(self) -> float:
        """From one end to the other."""
        return self.high - self.low

    def clamp(self, value: float) -> float:
        """The nearest value inside."""
        return min(max(value, self.low), self.high)

    def map_to(self, other: Interval, value: float) -> float:
        """The value of the other interval that lies as far along it; clamped to its ends."""
        return other.low + (self.clamp(value) - self.low) / self.width * other.width

    def fit_angle(self, angle_deg: float) -> float:
        """The same direction inside the interval (of degrees), or the end that is nearest by the way round."""
        first = angle_deg + 360.0 * math.ceil((self.low - angle_deg) / 360.0)
        if first <= self.high:
            # Rounding may leave it a hair below the lower end.
            return self.clamp(first)
        low_distance = abs(wrap_deg(angle_deg - self.low))
        high_distance = abs(wrap_deg(angle_deg - self.high))
        return self.low if low_distance <= high_distance else self.high


UNIT = Interval(0.0, 1.0)
SIGNED = Interval(-1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Plane:
    """A space of two axes."""

    uri: str
    x: Interval
    y: Interval


@dataclass(frozen=True, slots=True)
class Line:
    """A space of one axis."""

    uri: str
    x: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Spaces:
    """The spaces that a node offers and that we know; None where it lacks one."""

    spherical: Plane | None = None
    position: Plane | None = None
    translation: Plane | None = None
    fov: Plane | None = None
    velocity: Plane | None = None
    speed: Line | None = None
    zoom_position: Line | None = None
    zoom_translation: Line | None = None
    zoom_velocity: Line | None = None
    zoom_speed: Line | None = None

    @classmethod
    def from_node(cls, supported: Any) -> Self:
        """Reads `PTZNode.SupportedPTZSpaces`. What is malformed in it counts as not offered."""
        return cls(
            spherical=_plane(supported, "AbsolutePanTiltPositionSpace", SPHERICAL_POSITION),
            position=_plane(supported, "AbsolutePanTiltPositionSpace", GENERIC_POSITION),
            translation=_plane(supported, "RelativePanTiltTranslationSpace", GENERIC_TRANSLATION),
            fov=_plane(supported, "RelativePanTiltTranslationSpace", FOV_TRANSLATION),
            velocity=_plane(supported, "ContinuousPanTiltVelocitySpace", GENERIC_VELOCITY),
            speed=_line(supported, "PanTiltSpeedSpace", GENERIC_SPEED),
            zoom_position=_line(supported, "AbsoluteZoomPositionSpace", ZOOM_POSITION),
            zoom_translation=_line(supported, "RelativeZoomTranslationSpace", ZOOM_TRANSLATION),
            zoom_velocity=_line(supported, "ContinuousZoomVelocitySpace", ZOOM_VELOCITY),
            zoom_speed=_line(supported, "ZoomSpeedSpace", ZOOM_SPEED),
        )


def _listed(supported: Any, kind: str, uri: str) -> Iterable[Any]:
    for space in getattr(supported, kind, None) or ():
        if str(getattr(space, "URI", "")).strip() == uri:
            yield space


def _interval(bounds: Any) -> Interval | None:
    try:
        return Interval(float(bounds.Min), float(bounds.Max))
    except (AttributeError, TypeError, ValueError):
        return None


def _plane(supported: Any, kind: str, uri: str) -> Plane | None:
    for space in _listed(supported, kind, uri):
        x, y = _interval(getattr(space, "XRange", None)), _interval(getattr(space, "YRange", None))
        if x and y:
            return Plane(uri, x, y)
    return None


def _line(supported: Any, kind: str, uri: str) -> Line | None:
    for space in _listed(supported, kind, uri):
        x = _interval(getattr(space, "XRange", None))
        if x:
            return Line(uri, x)
    return None


@dataclass(frozen=True, slots=True)
class HeadGeometry:
    """Turns degrees and zoom 0..1 into a node's own values and back.

    `pan` and `tilt` are the head's ranges in degrees: those of the spherical space, else those of the site file.
    """

    spaces: Spaces
    pan: Interval
    tilt: Interval

    @classmethod
    def of(cls, spaces: Spaces, pan_range_deg: tuple[float, float], tilt_range_deg: tuple[float, float]) -> Self:
        """With ranges from the site file for heads that do not speak degrees."""
        if spaces.spherical:
            return cls(spaces, spaces.spherical.x, spaces.spherical.y)
        return cls(spaces, Interval(*pan_range_deg), Interval(*tilt_range_deg))

    @property
    def pan_endless(self) -> bool:
        """Whether the range is a whole turn, so that we take the head for one without stops."""
        return self.pan.width >= _FULL_TURN

    def to_position(self, pan_deg: float, tilt_deg: float) -> tuple[float, float, str]:
        """x, y and the space's URI for a direction, clamped to the ranges. ValueError without a position space."""
        pan, tilt = self.pan.fit_angle(pan_deg), self.tilt.clamp(tilt_deg)
        if self.spaces.spherical:
            return pan, tilt, self.spaces.spherical.uri
        if self.spaces.position:
            generic = self.spaces.position
            return self.pan.map_to(generic.x, pan), self.tilt.map_to(generic.y, tilt), generic.uri
        raise ValueError("the node has no absolute position space")

    def to_direction(self, x: float, y: float, uri: str | None) -> tuple[float, float]:
        """(pan, tilt) in degrees of a position. Without a URI it is in the generic space, if the node has that."""
        if not (math.isfinite(x) and math.isfinite(y)):
            raise ValueError(f"the position {x}, {y} is not finite")
        generic = self.spaces.position
        if uri == SPHERICAL_POSITION or (not uri and generic is None and self.spaces.spherical is not None):
            return wrap_deg(x), y
        plane = generic or Plane(GENERIC_POSITION, SIGNED, SIGNED)
        return wrap_deg(plane.x.map_to(self.pan, x)), plane.y.map_to(self.tilt, y)

    def to_translation(self, pan_deg: float, tilt_deg: float) -> tuple[float, float, str]:
        """x, y and URI of a relative move in the generic space, whose unit is the head's whole range."""
        plane = self.spaces.translation
        if plane is None:
            raise ValueError("the node has no relative translation space")
        x = plane.x.clamp(pan_deg / self.pan.width * plane.x.high)
        return x, plane.y.clamp(tilt_deg / self.tilt.width * plane.y.high), plane.uri

    def to_zoom(self, zoom: float) -> float:
        """The node's value for a zoom position of 0..1."""
        line = self.spaces.zoom_position
        return UNIT.map_to(line.x if line else UNIT, zoom)

    def from_zoom(self, value: float) -> float:
        """The zoom position (0..1) of the node's value."""
        if not math.isfinite(value):
            raise ValueError(f"the zoom {value} is not finite")
        line = self.spaces.zoom_position
        return (line.x if line else UNIT).map_to(UNIT, value)
