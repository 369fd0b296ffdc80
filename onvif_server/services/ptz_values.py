"""Positions, speeds and times of the PTZ service: from zeep's values to degrees and fractions, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from onvif_server.backend import GeoPosition, PtzCapabilities, PtzSpeed, Range, Refusal, Refused
from onvif_server.services import ptz_description
from onvif_server.soap.faults import Fault, action_failed, invalid_argument
from onvif_server.soap.operations import Values
from onvif_server.soap.values import seconds_of

type Target = tuple[float | None, float | None, float | None]
"""Pan and tilt in degrees, zoom from 0 to 1; None: stays."""

_SENDERS_MISTAKE: Final = {
    Refusal.INVALID_POSITION: "InvalidPosition",
    Refusal.NO_SUCH_PRESET: "NoToken",
    Refusal.PRESET_EXISTS: "PresetExist",
    Refusal.NOT_FOUND: "NoToken",
    Refusal.NO_SUCH_TARGET: "NoToken",
    Refusal.INVALID: "InvalidArgs",
}
_CANNOT: Final = {
    Refusal.TOO_MANY_PRESETS: "TooManyPresets",
    Refusal.MOVING: "MovingPTZ",
    Refusal.NO_HOME: "NoHomePosition",
}
SIGNED: Final = Range(-1.0, 1.0)
UNSIGNED: Final = Range(0.0, 1.0)


def fault_of(refused: Refused) -> Fault:
    """The fault that tells a client of a refusal."""
    if refused.refusal in _SENDERS_MISTAKE:
        return invalid_argument(_SENDERS_MISTAKE[refused.refusal], refused.detail)
    if refused.refusal in _CANNOT:
        return action_failed(_CANNOT[refused.refusal], refused.detail)
    if refused.refusal is Refusal.NOT_SUPPORTED:
        return Fault("ActionNotSupported", reason=refused.detail, sender=False)
    return Fault("Action", reason=refused.detail, sender=False)


@contextmanager
def refusals_as_faults(special: Mapping[Refusal, tuple[str, str]] | None = None) -> Iterator[None]:
    """Turns the host's refusals into faults; `special` has the subcodes that one operation has for some of them."""
    try:
        yield
    except Refused as refused:
        subcodes = (special or {}).get(refused.refusal)
        if subcodes is None:
            raise fault_of(refused) from refused
        raise Fault(*subcodes, reason=refused.detail, sender=subcodes[0] == "InvalidArgVal") from refused


def insist(able: bool, what: str, *subcodes: str) -> None:
    """Raises Fault (ter:ActionNotSupported) for what a head cannot do."""
    if not able:
        raise Fault("ActionNotSupported", *subcodes, reason=f"the head does not support {what}", sender=False)


def space_not_supported(space: str | None) -> Fault:
    """The fault for a space that the head has not."""
    return invalid_argument("SpaceNotSupported", f"the space {space} is not supported here")


def insist_space(space: str | None, supported: str) -> None:
    """Raises Fault for another space than the only one."""
    if space and space != supported:
        raise space_not_supported(space)


def within(interval: Range, subcode: str, *numbers: float) -> tuple[float, ...]:
    """The numbers, if they lie in the interval; raises Fault with the subcode."""
    for number in numbers:
        if not interval.minimum <= number <= interval.maximum:  # false for what is not a number, too
            raise invalid_argument(subcode, f"{number} is not between {interval.minimum:g} and {interval.maximum:g}")
    return numbers


def zoom_value(zoom: Any, space: str, interval: Range, subcode: str) -> float | None:
    """The one number of a zoom vector."""
    if zoom is None:
        return None
    insist_space(zoom.space, space)
    return within(interval, subcode, zoom.x)[0]


def absolute_target(position: Any, capabilities: PtzCapabilities, default_space: str) -> Target:
    """A tt:PTZVector as a target. Raises Fault."""
    if position is None:  # how an empty element looks
        return None, None, None
    zoom = zoom_value(position.Zoom, ptz_description.ZOOM_POSITION, UNSIGNED, "InvalidPosition")
    if zoom is not None and not capabilities.zoom:
        raise space_not_supported(ptz_description.ZOOM_POSITION)
    pan_tilt = position.PanTilt
    if pan_tilt is None:
        return None, None, zoom
    space = pan_tilt.space or default_space
    if space == ptz_description.SPHERICAL_POSITION:
        (pan_deg,) = within(capabilities.pan_deg, "InvalidPosition", pan_tilt.x)
        (tilt_deg,) = within(capabilities.tilt_deg, "InvalidPosition", pan_tilt.y)
        return pan_deg, tilt_deg, zoom
    insist_space(space, ptz_description.POSITION)
    x, y = within(SIGNED, "InvalidPosition", pan_tilt.x, pan_tilt.y)
    return from_generic(capabilities.pan_deg, x), from_generic(capabilities.tilt_deg, y), zoom


def width(interval: Range) -> float:
    """How long an interval is."""
    return interval.maximum - interval.minimum


def from_generic(interval: Range, value: float) -> float:
    """-1..1 as a place in the interval."""
    return interval.minimum + (value + 1.0) / 2.0 * width(interval)


def to_generic(interval: Range, value: float) -> float:
    """A place in the interval as -1..1."""
    if width(interval) <= 0:
        return 0.0
    return min(max((value - interval.minimum) / width(interval) * 2.0 - 1.0, -1.0), 1.0)


def position(
    capabilities: PtzCapabilities,
    pan_deg: float,
    tilt_deg: float,
    zoom: float,
    space: str = ptz_description.POSITION,
) -> Values:
    """A tt:PTZVector; pan and tilt in the generic space, or in degrees if `space` is the spherical one."""
    if space == ptz_description.SPHERICAL_POSITION:
        x, y = pan_deg, tilt_deg
    else:
        x, y, space = (
            to_generic(capabilities.pan_deg, pan_deg),
            to_generic(capabilities.tilt_deg, tilt_deg),
            ptz_description.POSITION,
        )
    values: Values = {"PanTilt": {"x": x, "y": y, "space": space}}
    if capabilities.zoom:
        values["Zoom"] = {"x": min(max(zoom, 0.0), 1.0), "space": ptz_description.ZOOM_POSITION}
    return values


def speed_of(speed: Any) -> PtzSpeed:
    """A tt:PTZSpeed as fractions. Raises Fault."""
    if speed is None:
        return PtzSpeed()
    pan = tilt = zoom = None
    if speed.PanTilt is not None:
        insist_space(speed.PanTilt.space, ptz_description.SPEED)
        # Recorders send the sign of the direction along with the speed.
        pan, tilt = within(UNSIGNED, "InvalidSpeed", abs(speed.PanTilt.x), abs(speed.PanTilt.y))
    if speed.Zoom is not None:
        insist_space(speed.Zoom.space, ptz_description.ZOOM_SPEED)
        (zoom,) = within(UNSIGNED, "InvalidSpeed", abs(speed.Zoom.x))
    return PtzSpeed(pan, tilt, zoom)


def speed_values(speed: PtzSpeed) -> Values | None:
    """Fractions as a tt:PTZSpeed; None where nothing is named."""
    values: Values = {}
    if speed.pan is not None or speed.tilt is not None:
        values["PanTilt"] = {"x": speed.pan or 0.0, "y": speed.tilt or 0.0, "space": ptz_description.SPEED}
    if speed.zoom is not None:
        values["Zoom"] = {"x": speed.zoom, "space": ptz_description.ZOOM_SPEED}
    return values or None


def seconds(timeout: Any, supported_s: Range) -> float:
    """A time-out. Raises Fault (ter:TimeoutNotSupported) for one that is not within the range that is advertised."""
    try:
        found = seconds_of(timeout).total_seconds()
    except ValueError as error:
        raise invalid_argument("TimeoutNotSupported", str(error)) from error
    return within(supported_s, "TimeoutNotSupported", found)[0]


def geo_position(location: Any) -> GeoPosition:
    """A tt:GeoLocation. Raises Fault (ter:InvalidPosition)."""
    latitude, longitude, elevation = (
        None if location is None else getattr(location, name) for name in ("lat", "lon", "elevation")
    )
    if latitude is None or longitude is None:
        raise invalid_argument("InvalidPosition", "a place needs a latitude and a longitude")
    within(Range(-90.0, 90.0), "InvalidPosition", latitude)
    within(Range(-180.0, 180.0), "InvalidPosition", longitude)
    if elevation is not None:
        within(Range(-1e5, 1e7), "InvalidPosition", elevation)
    return GeoPosition(latitude=latitude, longitude=longitude, elevation=elevation)
