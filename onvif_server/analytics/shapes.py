"""Texts and elements of parameters, both ways. Readers raise ConfigError."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lxml import etree

from onvif_server.analytics.configs import ConfigError, Parameter
from onvif_server.backend import XY
from onvif_server.soap import names
from onvif_server.soap.values import parse_duration

_SLACK = 1e-6
"""Single-precision clients overshoot the picture's edge by that much."""


def tt(name: str) -> str:
    """The tag of an element of the ONVIF schema."""
    return names.tag(names.SCHEMA, name)


def element(name: str, *children: etree._Element, text: str | None = None, **attributes: str) -> etree._Element:
    """An element of the ONVIF schema."""
    made = etree.Element(tt(name), attributes, nsmap={"tt": names.SCHEMA})
    made.text = text
    made.extend(children)
    return made


def write_number(value: float) -> str:
    """A number as XML has it, with all its digits."""
    return repr(float(value)) if value != int(value) else str(int(value))


def read_number(parameter: Parameter, name: str, low: float, high: float) -> float:
    """A number within limits, both included."""
    try:
        value = float(_text(parameter, name))
    except ValueError as error:
        raise ConfigError(f"{name} is not a number") from error
    if not low - _SLACK <= value <= high + _SLACK:  # also refuses what is not a number
        raise ConfigError(f"{name} must be from {low:g} to {high:g}")
    return min(max(value, low), high)


def read_boolean(text: str, name: str) -> bool:
    """An xs:boolean."""
    if text not in ("true", "false", "1", "0"):
        raise ConfigError(f"{name} must be true or false")
    return text in ("true", "1")


def write_seconds(seconds: float) -> str:
    """An xs:duration."""
    return f"PT{seconds:.6f}".rstrip("0").rstrip(".") + "S"


def read_seconds(parameter: Parameter, name: str, high: float) -> float:
    """An xs:duration from nothing to `high` seconds."""
    try:
        seconds = parse_duration(_text(parameter, name)).total_seconds()
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"{name} is not a duration") from error
    if not 0 <= seconds <= high:
        raise ConfigError(f"{name} must be from 0 to {high:g} seconds")
    return seconds


def read_words(parameter: Parameter, name: str, allowed: Sequence[str]) -> tuple[str, ...]:
    """A list of words, each of them allowed and none twice."""
    words = tuple(dict.fromkeys(_text(parameter, name).split()))
    for word in words:
        if word not in allowed:
            raise ConfigError(f"{name} knows {', '.join(allowed)}, not {word}")
    return words


def write_points(name: str, points: Sequence[XY]) -> etree._Element:
    """A tt:Polygon or tt:Polyline."""
    return element(name, *(element("Point", x=write_number(x), y=write_number(y)) for x, y in points))


def read_points(parameter: Parameter, name: str, shape: str, limits: tuple[int, int]) -> tuple[XY, ...]:
    """The points of a tt:Polygon or tt:Polyline within the picture; `limits` are for their number.

    A polygon that repeats its first point as its last one is taken without that.
    """
    if isinstance(parameter, str) or parameter.tag != tt(shape):
        raise ConfigError(f"{name} must hold a tt:{shape}")
    points = tuple(_point(one, name) for one in parameter.iterfind(tt("Point")))
    if shape == "Polygon" and len(points) > 1 and points[0] == points[-1]:
        points = points[:-1]
    low, high = limits
    if not low <= len(points) <= high:
        raise ConfigError(f"{name} needs {low} to {high} points")
    if len(set(points)) < low:
        raise ConfigError(f"{name} needs {low} points that differ")
    if shape == "Polygon" and not _encloses(points):
        raise ConfigError(f"{name} encloses nothing: its points lie on one line")
    return points


def _point(point: etree._Element, name: str) -> XY:
    return read_number(point.get("x", ""), name, -1, 1), read_number(point.get("y", ""), name, -1, 1)


def _encloses(points: Sequence[XY]) -> bool:
    (x, y), *others = points
    return any(
        not math.isclose((ax - x) * (by - y), (bx - x) * (ay - y), abs_tol=1e-9)
        for (ax, ay) in others
        for (bx, by) in others
    )


def _text(parameter: Parameter, name: str) -> str:
    if not isinstance(parameter, str):
        raise ConfigError(f"{name} is a simple item")
    return parameter
