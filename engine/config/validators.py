"""The schema of a site file, with its defaults. Messages say what was expected."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import voluptuous as vol

from engine.core.events import RuleKind
from engine.core.values import TargetType
from engine.core.zoom import ZoomCurve

MOST_RULES = 1000
ID = re.compile(r"[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?")


def identifier(value: Any) -> str:
    """A short name for addresses and files."""
    if not isinstance(value, str) or not ID.fullmatch(value):
        raise vol.Invalid("expected an id of lower-case letters, digits, '-' and '_' (at most 64)")
    return value


def text(value: Any) -> str:
    """A text of reasonable length."""
    if not isinstance(value, str) or not value.strip() or len(value) > 256:
        raise vol.Invalid("expected a text of 1 to 256 characters")
    return value


def number(low: float, high: float, unit: str = "") -> Callable[[Any], float]:
    """A finite number between two limits, both included."""

    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise vol.Invalid(f"expected a number from {low:g} to {high:g}{unit}")
        if not low <= value <= high:
            raise vol.Invalid(f"expected a number from {low:g} to {high:g}{unit}")
        return float(value)

    return check


def integer(low: int, high: int) -> Callable[[Any], int]:
    """A whole number between two limits, both included."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise vol.Invalid(f"expected a whole number from {low} to {high}")
        return value

    return check


def one_of(*allowed: str) -> Callable[[Any], str]:
    """One of a few words."""

    def check(value: Any) -> str:
        if value not in allowed:
            raise vol.Invalid(f"expected one of {', '.join(allowed)}")
        return str(value)

    return check


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise vol.Invalid("expected true or false")
    return value


def fixed_list(*checks: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    """A list of exactly so many values, each with its own check."""

    def check(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or len(value) != len(checks):
            raise vol.Invalid(f"expected a list of {len(checks)} values")
        return tuple(one(item) for one, item in zip(checks, value, strict=True))

    return check


def span(low: float, high: float) -> Callable[[Any], tuple[float, float]]:
    """A list of two rising numbers."""

    def check(value: Any) -> tuple[float, float]:
        first, last = fixed_list(number(low, high), number(low, high))(value)
        if first >= last:
            raise vol.Invalid("expected the lower limit first, then the higher one")
        return (first, last)

    return check


def zoom_points(value: Any) -> list[tuple[float, float]]:
    """The points of a zoom curve: [zoom 0..1, horizontal field of view in degrees]."""
    if not isinstance(value, list | tuple) or not 2 <= len(value) <= 100:
        raise vol.Invalid("expected a list of 2 to 100 points [zoom, hfov_deg]")
    pair = fixed_list(number(0, 1), number(0.1, 179, " degrees"))
    points = [(zoom, fov) for zoom, fov in map(pair, value)]
    try:
        ZoomCurve(tuple(points))
    except ValueError as error:
        raise vol.Invalid(str(error)) from error
    return points


def filled_list(schema: Any, least: int, most: int, what: str) -> vol.All:
    """A list with so many entries."""

    def check(value: Any) -> list[Any]:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise vol.Invalid(f"expected a list of {least} to {most} {what}")
        return value

    return vol.All(check, [schema])


def optional(schema: Any) -> Callable[[Any], Any]:
    """Nothing, or what the schema says (vol.Any would hide what was expected)."""
    compiled = vol.Schema(schema)
    return lambda value: None if value is None else compiled(value)


def group(schema: dict[Any, Any]) -> vol.All:
    """A group of keys; an empty one means all its defaults."""

    def check(value: Any) -> dict[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise vol.Invalid("expected a group of keys")
        return value

    return vol.All(check, vol.Schema(schema))


def _defaults(schema: vol.All) -> Callable[[], Any]:
    return lambda: schema({})


coordinate = number(0, 1)
point = fixed_list(coordinate, coordinate)
name = vol.Optional("name", default=None)
optional_text = optional(text)
port = integer(0, 65535)

ANALYSIS = group(
    {
        vol.Optional("fps", default=5.0): number(0.1, 60),
        vol.Optional("width", default=640): integer(64, 7680),
        vol.Optional("tiles", default=[1, 1]): fixed_list(integer(1, 16), integer(1, 16)),
    }
)

CHANNEL = group(
    {
        vol.Required("id"): identifier,
        name: optional_text,
        vol.Required("role"): one_of("overview", "ptz"),
        vol.Optional("stream", default=None): optional_text,
        vol.Optional("projection", default="pinhole"): one_of("pinhole", "equirectangular"),
        vol.Optional("hfov_deg", default=None): optional(number(1, 360, " degrees")),
        vol.Optional("analysis", default=_defaults(ANALYSIS)): ANALYSIS,
        vol.Optional("latency_s", default=0.2): number(0, 10, " seconds"),
        vol.Optional("zoom_curve", default=[[0.0, 60.0], [1.0, 3.0]]): zoom_points,
        vol.Optional("pan_range_deg", default=[-180, 180]): span(-360, 360),
        vol.Optional("tilt_range_deg", default=[-90, 30]): span(-90, 90),
        vol.Optional("pan_speed_dps", default=80.0): number(0.1, 1000, " degrees a second"),
        vol.Optional("tilt_speed_dps", default=60.0): number(0.1, 1000, " degrees a second"),
        vol.Optional("ramp_s", default=0.35): number(0.02, 5, " seconds"),
        vol.Optional("command_delay_s", default=0.15): number(0, 5, " seconds"),
        vol.Optional("report_delay_s", default=0.0): number(0, 5, " seconds"),
        vol.Optional("home", default=None): optional(
            group(
                {
                    vol.Required("pan_deg"): number(-360, 360),
                    vol.Required("tilt_deg"): number(-90, 90),
                    vol.Required("hfov_deg"): number(0.1, 179),
                }
            ),
        ),
        vol.Optional("mounting", default=None): optional(
            group(
                {
                    vol.Required("latitude_deg"): number(-90, 90, " degrees"),
                    vol.Required("longitude_deg"): number(-180, 180, " degrees"),
                    vol.Required("height_m"): number(-1000, 100000, " metres"),
                    vol.Required("heading_deg"): number(0, 360, " degrees"),
                }
            ),
        ),
    }
)

CAMERA = group(
    {
        vol.Required("id"): identifier,
        name: optional_text,
        vol.Required("driver"): one_of("onvif", "rtsp", "file"),
        vol.Required("address"): text,
        vol.Optional("username", default=None): optional_text,
        vol.Optional("password", default=None): optional_text,
        vol.Required("channels"): filled_list(CHANNEL, 1, 64, "channels"),
    }
)

PAIR = group(
    {
        vol.Required("x"): coordinate,
        vol.Required("y"): coordinate,
        vol.Required("pan_deg"): number(-360, 360, " degrees"),
        vol.Required("tilt_deg"): number(-90, 90, " degrees"),
    }
)

LINK = group(
    {
        vol.Required("id"): identifier,
        name: optional_text,
        vol.Required("overview"): identifier,
        vol.Required("ptz"): identifier,
        vol.Required("pairs"): filled_list(PAIR, 4, 1000, "point pairs (x, y, pan_deg, tilt_deg)"),
        vol.Optional("capture_ratio", default=0.5): number(0.05, 1),
        vol.Optional("vertical_offset", default=50.0): number(0, 100),
        vol.Optional("dwell_s", default=2.0): number(0, 600, " seconds"),
        vol.Optional("max_tracking_s", default=60.0): number(1, 86400, " seconds"),
        vol.Optional("follow_after_s", default=5.0): number(0, 86400, " seconds"),
    }
)

RULE = group(
    {
        vol.Required("id"): identifier,
        name: optional_text,
        vol.Required("type"): one_of(*RuleKind),
        vol.Required("channel"): identifier,
        vol.Optional("region", default=None): optional(filled_list(point, 3, 64, "points [x, y]")),
        vol.Optional("line", default=None): optional(filled_list(point, 2, 64, "points [x, y]")),
        vol.Optional("direction", default="both"): one_of("both", "a_to_b", "b_to_a"),
        vol.Optional("min_seconds", default=0.0): number(0, 3600, " seconds"),
        vol.Optional("targets", default=["person", "vehicle", "two_wheeler"]): filled_list(
            one_of(*TargetType), 1, len(TargetType), "target types"
        ),
        vol.Optional("confidence", default=0.0): number(0, 1),
        vol.Optional("sensitivity", default=50.0): number(0, 100),
        vol.Optional("link", default=None): optional(identifier),
        vol.Optional("priority", default=50): integer(0, 100),
        vol.Optional("armed", default=True): flag,
    }
)

API = group(
    {
        vol.Optional("host", default="127.0.0.1"): text,
        vol.Optional("port", default=8765): port,
        vol.Optional("tls_certificate", default=None): optional_text,
        vol.Optional("tls_key", default=None): optional_text,
    }
)
RELAY = group(
    {
        vol.Optional("host", default="127.0.0.1"): text,
        vol.Optional("port", default=8554): port,
        vol.Optional("secure_port", default=None): optional(port),
        vol.Optional("tls_certificate", default=None): optional_text,
        vol.Optional("tls_key", default=None): optional_text,
    }
)
ONVIF = group(
    {
        vol.Optional("enabled", default=True): flag,
        vol.Optional("host", default="127.0.0.1"): text,
        vol.Optional("port", default=8766): port,
        vol.Optional("discovery", default=True): flag,
        vol.Optional("devices", default="one"): one_of("one", "per_channel"),
        vol.Optional("factory_default", default=False): flag,
        vol.Optional("check_brokers", default=True): flag,
        vol.Optional("broker_ca", default=None): optional_text,
    }
)
VISION = group(
    {
        vol.Optional("model", default="auto"): text,
        vol.Optional("providers", default=["cpu"]): filled_list(text, 1, 8, "execution providers"),
        vol.Optional("confidence", default=None): optional(number(0.01, 0.99)),
        vol.Optional("threads", default=0): integer(0, 256),
    }
)

STORAGE = group(
    {
        vol.Optional("capture_days", default=None): optional(number(0.01, 36500, " days")),
        vol.Optional("capture_gigabytes", default=10.0): optional(number(0.001, 1_000_000, " gigabytes")),
        vol.Optional("event_days", default=None): optional(number(0.01, 36500, " days")),
    }
)

SITE_SCHEMA = group(
    {
        vol.Required("version"): vol.All(integer(1, 1)),
        vol.Optional("name", default="Smart PTZ"): text,
        vol.Optional("data", default="data"): text,
        vol.Optional("api", default=_defaults(API)): API,
        vol.Optional("relay", default=_defaults(RELAY)): RELAY,
        vol.Optional("onvif", default=_defaults(ONVIF)): ONVIF,
        vol.Optional("vision", default=_defaults(VISION)): VISION,
        vol.Optional("storage", default=_defaults(STORAGE)): STORAGE,
        vol.Required("cameras"): filled_list(CAMERA, 1, 256, "cameras"),
        vol.Optional("links", default=list): filled_list(LINK, 0, 256, "links"),
        vol.Optional("rules", default=list): filled_list(RULE, 0, MOST_RULES, "rules"),
    }
)
