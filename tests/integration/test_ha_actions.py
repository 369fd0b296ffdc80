"""The actions: what they ask the engine for, and what they say to a wrong input."""

from __future__ import annotations

from typing import Any

import probatio
import pytest
from homeassistant.core import HomeAssistant, ServiceResponse
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from pytest_homeassistant_custom_component.common import MockConfigEntry
from running_engine import OPERATOR, RunningEngine, until
from seam_services import Asked

from custom_components.smart_ptz.const import DOMAIN
from engine.api.messages.links import LookAtRequest, TrackRequest
from engine.api.messages.motors import MoveRequest
from engine.api.messages.state import LinkState

pytestmark = pytest.mark.ledger("HA-4")

OVERVIEW, PTZ = "camera.yard", "camera.dome"


async def act(
    hass: HomeAssistant, action: str, entity_id: str, *, answer: bool = False, **values: Any
) -> ServiceResponse:
    return await hass.services.async_call(
        DOMAIN, action, values, blocking=True, target={"entity_id": entity_id}, return_response=answer
    )


@pytest.mark.parametrize(
    ("values", "asked"),
    [
        ({"pan": 30, "tilt": -10, "zoom": 50}, MoveRequest(mode="absolute", pan=30, tilt=-10, zoom=0.5)),
        ({"mode": "relative", "pan": 5, "speed": 40}, MoveRequest(mode="relative", pan=5, speed=0.4)),
        ({"mode": "relative", "zoom": -25}, MoveRequest(mode="relative", zoom=-0.25)),
        (
            {"mode": "continuous", "pan": -50, "tilt": 25, "duration": 2},
            MoveRequest(mode="continuous", pan=-0.5, tilt=0.25, duration_s=2),
        ),
        ({"direction": "left"}, MoveRequest(mode="continuous", pan=-1, duration_s=0.5)),
        (
            {"direction": ["up", "right", "zoom_in"], "speed": 50, "duration": 1},
            MoveRequest(mode="continuous", pan=1, tilt=1, zoom=1, speed=0.5, duration_s=1),
        ),
    ],
)
async def test_move(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry, values: dict[str, Any], asked: MoveRequest
) -> None:
    await act(hass, "move", PTZ, **values)
    assert engine.services.asked == [Asked("move", "ptz", asked, OPERATOR)]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"speed": 50},
        {"direction": []},
        {"direction": "sideways"},
        {"direction": ["left", "right"]},
        {"direction": "left", "pan": 10},
        {"direction": "left", "mode": "continuous"},
        {"pan": 10, "duration": 1},
        {"pan": 361},
        {"tilt": 91},
        {"zoom": -1},
        {"mode": "continuous", "pan": 101},
        {"mode": "continuous", "pan": 10, "duration": 61},
        {"mode": "sideways", "pan": 10},
        {"pan": 10, "speed": 0},
    ],
)
async def test_move_with_values_that_do_not_go_together(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry, values: dict[str, Any]
) -> None:
    with pytest.raises(probatio.Invalid):
        await act(hass, "move", PTZ, **values)
    assert not engine.services.asked


@pytest.mark.parametrize("wanted", ["Barn", "2", "barn"])
async def test_goto_preset(hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry, wanted: str) -> None:
    await act(hass, "goto_preset", PTZ, preset=wanted, speed=60)
    assert engine.services.asked == [Asked("goto_preset", "ptz", ("2", 0.6), OPERATOR)]
    assert hass.states.get("select.dome_preset").state == "Barn"


async def test_goto_unknown_preset(hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry) -> None:
    with pytest.raises(ServiceValidationError, match=r"Dome has no preset Cellar\. It has: Gate, Barn"):
        await act(hass, "goto_preset", PTZ, preset="Cellar")
    assert not engine.services.asked


@pytest.mark.parametrize(("action", "values"), [("move", {"pan": 1}), ("goto_preset", {"preset": "Gate"})])
async def test_camera_without_motors(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry, action: str, values: dict[str, Any]
) -> None:
    with pytest.raises(ServiceValidationError, match="Yard has no motors"):
        await act(hass, action, OVERVIEW, **values)


@pytest.mark.parametrize("values", [{"x": 0.25, "y": 0.75}, {"x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4}])
async def test_look_at(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry, values: dict[str, float]
) -> None:
    await act(hass, "look_at", OVERVIEW, **values)
    assert engine.services.asked == [Asked("look_at", "yard-dome", LookAtRequest(**values), OPERATOR)]


@pytest.mark.parametrize(
    "values",
    [
        {"x": 0.5},
        {"x": 1.1, "y": 0.5},
        {"x": 0.5, "y": 0.5, "width": 0.1},
        {"x": 0.5, "y": 0.5, "width": 0, "height": 0.1},
    ],
)
async def test_look_at_nowhere(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry, values: dict[str, float]
) -> None:
    with pytest.raises(probatio.Invalid):
        await act(hass, "look_at", OVERVIEW, **values)
    assert not engine.services.asked


async def test_track_answers_with_the_track(hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry) -> None:
    answer = await act(hass, "track", OVERVIEW, x=0.5, y=0.5, answer=True)
    assert answer == {OVERVIEW: {"track_id": "t7", "link": "Yard to dome"}}
    assert engine.services.asked == [Asked("track", "yard-dome", TrackRequest(x=0.5, y=0.5), OPERATOR)]


async def test_nobody_is_where_the_click_went(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry
) -> None:
    engine.refuse("not_found", "there is no target at (0.50, 0.50)")
    with pytest.raises(ServiceValidationError, match="there is no target at"):
        await act(hass, "track", OVERVIEW, x=0.5, y=0.5)


@pytest.mark.parametrize("entity_id", [OVERVIEW, PTZ])
async def test_stop_tracking_from_either_end(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry, entity_id: str
) -> None:
    await act(hass, "stop_tracking", entity_id)
    assert engine.services.asked == [Asked("stop_tracking", "yard-dome", None, OPERATOR)]


async def test_camera_that_sends_nobody(hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry) -> None:
    for action in ("look_at", "track"):
        with pytest.raises(ServiceValidationError, match="Dome is not the overview of a link"):
            await act(hass, action, PTZ, x=0.5, y=0.5)
    engine.services.become(links=[])
    await until(hass, lambda: not entry.runtime_data.data.links)
    with pytest.raises(ServiceValidationError, match="Dome takes part in no link"):
        await act(hass, "stop_tracking", PTZ)


async def test_several_links_of_one_overview(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry
) -> None:
    second = LinkState(id="second", name="To the gate", overview="overview", ptz="ptz")
    engine.services.become(links=[*engine.services.now.links, second])
    await until(hass, lambda: len(entry.runtime_data.data.links) == 2)

    with pytest.raises(ServiceValidationError, match=r"Name one of: Yard to dome, To the gate"):
        await act(hass, "look_at", OVERVIEW, x=0.5, y=0.5)
    with pytest.raises(ServiceValidationError, match="Yard has no link Cellar"):
        await act(hass, "look_at", OVERVIEW, x=0.5, y=0.5, link="Cellar")
    for name in ("To the gate", "second"):
        await act(hass, "look_at", OVERVIEW, x=0.5, y=0.5, link=name)
    assert [asked.where for asked in engine.services.asked] == ["second", "second"]


async def test_engine_is_gone(hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry) -> None:
    camera = hass.data["camera"].get_entity(PTZ)
    await engine.stop()
    with pytest.raises(HomeAssistantError, match="The engine cannot be reached"):
        await camera.async_move(pan=1)
