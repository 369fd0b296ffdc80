"""The actions of the integration. They are registered once and work on camera entities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import probatio
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, SupportsResponse, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import service
from homeassistant.helpers.typing import VolSchemaType

from .const import DOMAIN

MODES: Final = ("absolute", "relative", "continuous")
DIRECTIONS: Final = ("left", "right", "up", "down", "zoom_in", "zoom_out")
_OPPOSITES: Final = ({"left", "right"}, {"up", "down"}, {"zoom_in", "zoom_out"})
_DEFAULT_DURATION_S: Final = 0.5


def _number(low: float, high: float) -> Callable[[Any], Any]:
    return probatio.All(probatio.Coerce(float), probatio.Range(min=low, max=high))


def _move(data: dict[str, Any]) -> dict[str, Any]:
    """What the fields of `move` must be together."""
    axes = {"pan", "tilt", "zoom"} & data.keys()
    if "direction" in data:
        if axes or "mode" in data:
            raise probatio.Invalid("give either direction, or mode with pan, tilt and zoom")
        if any(pair <= set(data["direction"]) for pair in _OPPOSITES):
            raise probatio.Invalid("the directions are opposite to each other", path=["direction"])
    elif not axes:
        raise probatio.Invalid("give direction, or at least one of pan, tilt and zoom")
    moves_on = "direction" in data or data.get("mode") == "continuous"
    if moves_on:
        data.setdefault("duration", _DEFAULT_DURATION_S)
    elif "duration" in data:
        raise probatio.Invalid("only continuous moves have a duration", path=["duration"])
    _check_ranges(data)
    return data


def _check_ranges(data: dict[str, Any]) -> None:
    mode = data.get("mode", "absolute")
    lowest_zoom = 0 if mode == "absolute" else -100
    highest_angle = 100 if mode == "continuous" else 360
    highest_tilt = 90 if mode == "absolute" else highest_angle
    for axis, low, high in (
        ("pan", -highest_angle, highest_angle),
        ("tilt", -highest_tilt, highest_tilt),
        ("zoom", lowest_zoom, 100),
    ):
        if axis in data and not low <= data[axis] <= high:
            raise probatio.Invalid(f"must lie between {low} and {high} in a move that is {mode}", path=[axis])


def _box(data: dict[str, Any]) -> dict[str, Any]:
    if ("width" in data) != ("height" in data):
        raise probatio.Invalid("a box needs both width and height")
    return data


_SPEED: Final = _number(1, 100)
_UNIT: Final = _number(0, 1)
_SIDE: Final = probatio.All(_UNIT, probatio.Range(min=0, min_included=False))

MOVE_SCHEMA: Final = probatio.All(
    cv.make_entity_service_schema(
        {
            probatio.Optional("direction"): probatio.All(
                cv.ensure_list, [probatio.In(DIRECTIONS)], probatio.Length(min=1)
            ),
            probatio.Optional("mode"): probatio.In(MODES),
            probatio.Optional("pan"): _number(-360, 360),
            probatio.Optional("tilt"): _number(-360, 360),
            probatio.Optional("zoom"): _number(-100, 100),
            probatio.Optional("speed"): _SPEED,
            probatio.Optional("duration"): _number(0.05, 60),
        }
    ),
    _move,
)
GOTO_PRESET_SCHEMA: Final = cv.make_entity_service_schema(
    {probatio.Required("preset"): cv.string, probatio.Optional("speed"): _SPEED}
)
LOOK_AT_SCHEMA: Final = probatio.All(
    cv.make_entity_service_schema(
        {
            probatio.Required("x"): _UNIT,
            probatio.Required("y"): _UNIT,
            probatio.Optional("width"): _SIDE,
            probatio.Optional("height"): _SIDE,
            probatio.Optional("link"): cv.string,
        }
    ),
    _box,
)
TRACK_SCHEMA: Final = cv.make_entity_service_schema(
    {probatio.Required("x"): _UNIT, probatio.Required("y"): _UNIT, probatio.Optional("link"): cv.string}
)


@dataclass(frozen=True, slots=True)
class Action:
    """An action, which the method `async_NAME` of the camera entity carries out."""

    name: str
    schema: VolSchemaType | None
    response: SupportsResponse = SupportsResponse.NONE


ACTIONS: Final = (
    Action("move", MOVE_SCHEMA),
    Action("goto_preset", GOTO_PRESET_SCHEMA),
    Action("look_at", LOOK_AT_SCHEMA),
    Action("track", TRACK_SCHEMA, SupportsResponse.OPTIONAL),
    Action("stop_tracking", None),
)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Registers the actions."""
    for action in ACTIONS:
        service.async_register_platform_entity_service(
            hass,
            DOMAIN,
            action.name,
            entity_domain=Platform.CAMERA,
            schema=action.schema,
            func=f"async_{action.name}",
            supports_response=action.response,
        )
