"""The entities follow the engine's WebSocket, and what is pressed and chosen reaches the engine."""

from __future__ import annotations

import pytest
from homeassistant.components.camera import async_get_image, async_get_stream_source
from homeassistant.components.image import DOMAIN as IMAGE
from homeassistant.const import ATTR_ENTITY_ID, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import Entity
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from running_engine import OPERATOR, RunningEngine, until
from seam_services import INSTANCE_ID, NOON, SNAPSHOT, Asked, capture_description

from custom_components.smart_ptz.const import DOMAIN
from engine.api.messages.motors import GotoRequest, MoveRequest
from engine.api.messages.state import (
    ChannelState,
    LinkState,
    OwnerState,
    PoseState,
    PresetState,
    RuleState,
    TrackingState,
)
from engine.core.events import RuleKind, RuleTriggered
from engine.core.geometry import Box
from engine.core.values import TargetType

pytestmark = pytest.mark.ledger("HA-2")


def state(hass: HomeAssistant, entity_id: str) -> str:
    found = hass.states.get(entity_id)
    assert found is not None, entity_id
    return found.state


async def shows(hass: HomeAssistant, entity_id: str, value: str) -> None:
    """Waits until an entity shows a value."""
    await until(hass, lambda: (found := hass.states.get(entity_id)) is not None and found.state == value)


# --- what there is --------------------------------------------------------------------------------------------------


async def test_a_device_for_the_engine_and_one_for_each_channel_and_link(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    devices = {device.name: device for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)}
    assert devices.keys() == {"Farm", "Yard", "Dome", "Yard to dome"}
    assert devices["Farm"].sw_version == "0.1.0"
    assert (devices["Dome"].manufacturer, devices["Dome"].model, devices["Dome"].sw_version) == ("Acme", "D-1", "3.4")
    assert {devices[name].via_device_id for name in ("Yard", "Dome", "Yard to dome")} == {devices["Farm"].id}


async def test_entities_of_the_first_state(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    assert {found.entity_id: found.state for found in hass.states.async_all() if found.domain != "zone"} == {
        "binary_sensor.dome_connectivity": "on",
        "binary_sensor.yard_connectivity": "on",
        "binary_sensor.yard_fence": "off",
        "binary_sensor.yard_to_dome_tracking": "off",
        "button.dome_home_position": STATE_UNKNOWN,
        "button.dome_stop": STATE_UNKNOWN,
        "button.yard_to_dome_stop_tracking": STATE_UNKNOWN,
        "camera.dome": "streaming",
        "camera.yard": "streaming",
        "event.yard_drive": STATE_UNKNOWN,
        "event.yard_fence": STATE_UNKNOWN,
        "event.yard_to_dome_capture": STATE_UNKNOWN,
        "image.yard_to_dome_last_capture": STATE_UNKNOWN,
        "image.yard_to_dome_last_capture_s_scene": STATE_UNKNOWN,
        "number.dome_zoom": "25",
        "select.dome_preset": STATE_UNKNOWN,
        "sensor.dome_moved_by": "nobody",
    }


async def test_every_entity_has_a_unique_id_that_tells_engines_apart(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    registered = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    assert all(entity.unique_id.startswith(f"{INSTANCE_ID}_") for entity in registered)
    quiet = {entity.entity_id for entity in registered if entity.disabled}
    assert quiet == {
        "sensor.dome_pan",
        "sensor.dome_tilt",
        "sensor.dome_field_of_view",
        "sensor.dome_analysed_frames",
        "sensor.yard_analysed_frames",
    }


@pytest.fixture
def everything_enabled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Entity, "entity_registry_enabled_default", True)


# The order matters: the entities are made by `entry`.
@pytest.mark.usefixtures("everything_enabled", "entry")
async def test_sensors_that_are_disabled_at_first(hass: HomeAssistant) -> None:
    assert state(hass, "sensor.dome_pan") == "10.0"
    assert state(hass, "sensor.dome_tilt") == "-5.0"
    assert state(hass, "sensor.dome_field_of_view") == "40.0"
    assert state(hass, "sensor.yard_analysed_frames") == "5.0"
    assert state(hass, "sensor.dome_analysed_frames") == STATE_UNKNOWN


# --- what changes ---------------------------------------------------------------------------------------------------


async def test_channel_goes_offline_and_comes_back(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry
) -> None:
    engine.services.replace("channels", "ptz", online=False)
    await shows(hass, "binary_sensor.dome_connectivity", "off")
    for entity_id in ("camera.dome", "button.dome_home_position", "select.dome_preset", "number.dome_zoom"):
        assert state(hass, entity_id) == STATE_UNAVAILABLE
    assert state(hass, "camera.yard") == "streaming"

    engine.services.replace("channels", "ptz", online=True)
    await shows(hass, "camera.dome", "streaming")


async def test_camera_tells_its_model_once_it_is_known(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry
) -> None:
    engine.services.replace("cameras", "dome", firmware="3.5")
    devices = dr.async_get(hass)
    identifier = (DOMAIN, f"{INSTANCE_ID}_channel_ptz")

    def firmware() -> str | None:
        device = devices.async_get_device_by_identifier(identifier, entry.entry_id)
        return device.sw_version if device else None

    await until(hass, lambda: firmware() == "3.5")


async def test_who_moves_the_camera(hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry) -> None:
    engine.services.replace("channels", "ptz", owner=OwnerState(owner="yard-dome", purpose="tracking"))
    await shows(hass, "sensor.dome_moved_by", "yard-dome")
    assert hass.states.get("sensor.dome_moved_by").attributes["purpose"] == "tracking"
    engine.services.replace("channels", "ptz", owner=None)
    await shows(hass, "sensor.dome_moved_by", "nobody")


async def test_whom_a_link_follows(hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry) -> None:
    engine.services.replace(
        "links",
        "yard-dome",
        tracking=TrackingState(track_id="t1", target_type=TargetType.PERSON, since=NOON, reason="fence"),
    )
    await shows(hass, "binary_sensor.yard_to_dome_tracking", "on")
    attributes = hass.states.get("binary_sensor.yard_to_dome_tracking").attributes
    assert (attributes["target_type"], attributes["reason"], attributes["track_id"]) == ("person", "fence", "t1")


async def test_rule_is_active(hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry) -> None:
    engine.services.replace("rules", "fence", active=True)
    await shows(hass, "binary_sensor.yard_fence", "on")


async def test_zoom_follows_the_pose(hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry) -> None:
    engine.services.replace("channels", "ptz", pose=PoseState(pan_deg=0, tilt_deg=0, hfov_deg=9, zoom=0.804))
    await shows(hass, "number.dome_zoom", "80")
    engine.services.replace("channels", "ptz", pose=None)
    await shows(hass, "number.dome_zoom", STATE_UNKNOWN)


async def test_channels_links_and_rules_come_and_go(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry
) -> None:
    now = engine.services.now
    engine.services.become(
        channels=[*now.channels, ChannelState(id="gate", name="Gate cam", camera_id="new", role="ptz", online=True)],
        links=[*now.links, LinkState(id="second", name="Second", overview="overview", ptz="gate")],
        rules=[*now.rules, RuleState(id="pen", name="Pen", kind=RuleKind.INTRUSION, channel="gate", active=True)],
    )
    await shows(hass, "camera.gate_cam", "streaming")
    await shows(hass, "binary_sensor.gate_cam_pen", "on")
    await shows(hass, "binary_sensor.second_tracking", "off")
    assert hass.states.get("number.gate_cam_zoom") is None

    engine.services.become(channels=now.channels, links=now.links, rules=now.rules[:1])
    await until(hass, lambda: hass.states.get("camera.gate_cam") is None)
    await hass.async_block_till_done()
    for entity_id in ("binary_sensor.gate_cam_pen", "binary_sensor.second_tracking", "event.yard_drive"):
        assert hass.states.get(entity_id) is None
        assert er.async_get(hass).async_get(entity_id) is None
    names = {device.name for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)}
    assert names == {"Farm", "Yard", "Dome", "Yard to dome"}

    engine.services.become(rules=now.rules)
    await shows(hass, "event.yard_drive", STATE_UNKNOWN)


async def test_what_went_while_home_assistant_was_away_is_removed(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    engine.services.become(links=[], rules=engine.services.now.rules[:1])
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert er.async_get(hass).async_get("event.yard_drive") is None
    assert er.async_get(hass).async_get("event.yard_fence") is not None
    names = {device.name for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)}
    assert names == {"Farm", "Yard", "Dome"}


# --- events and captures --------------------------------------------------------------------------------------------


def triggered(rule_id: str, **values: object) -> RuleTriggered:
    return RuleTriggered(
        **{
            "at": NOON,
            "rule_id": rule_id,
            "rule_kind": RuleKind.INTRUSION,
            "channel": "overview",
            "track_id": "t1",
            "target_type": TargetType.PERSON,
            "box": Box(0.1, 0.2, 0.3, 0.4),
            "active": True,
            **values,
        }
    )


async def happens(hass: HomeAssistant, entity_id: str, event_type: str) -> dict[str, object]:
    """Waits until an event entity reports a type; its attributes."""
    await until(hass, lambda: hass.states.get(entity_id).attributes.get("event_type") == event_type)
    return dict(hass.states.get(entity_id).attributes)


async def test_intrusion_enters_and_leaves(hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry) -> None:
    event = triggered("fence")
    engine.publish(event)
    attributes = await happens(hass, "event.yard_fence", "entered")
    assert attributes["target_type"] == "person"
    assert attributes["track_id"] == "t1"
    assert attributes["event_id"] == event.event_id
    assert state(hass, "event.yard_drive") == STATE_UNKNOWN

    engine.publish(triggered("fence", active=False))
    await happens(hass, "event.yard_fence", "left")


async def test_line_is_crossed_either_way(hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry) -> None:
    engine.publish(triggered("drive", rule_kind=RuleKind.LINE_CROSSING, direction="a_to_b"))
    await happens(hass, "event.yard_drive", "crossed_a_to_b")
    engine.publish(triggered("drive", rule_kind=RuleKind.LINE_CROSSING, direction="b_to_a"))
    await happens(hass, "event.yard_drive", "crossed_b_to_a")


@pytest.mark.parametrize(
    ("kind", "values", "event_type", "count"),
    [
        (RuleKind.LOITERING, {}, "loitering", None),
        (RuleKind.LOITERING, {"active": False}, "left", None),
        (RuleKind.COUNTING, {"direction": "b_to_a", "count": 7}, "crossed_b_to_a", 7),
        (RuleKind.OBJECT_DETECTION, {}, "detected", None),
        (RuleKind.OBJECT_DETECTION, {"active": False}, "gone", None),
        (RuleKind.MOTION_REGION, {"target_type": None, "track_id": ""}, "started", None),
        (RuleKind.MOTION_REGION, {"target_type": None, "track_id": "", "active": False}, "stopped", None),
    ],
)
async def test_a_rule_that_a_client_has_made_has_its_entities_at_once(
    hass: HomeAssistant,
    engine: RunningEngine,
    entry: MockConfigEntry,
    kind: RuleKind,
    values: dict[str, object],
    event_type: str,
    count: int | None,
) -> None:
    made = RuleState(id="pond", name="Pond", kind=kind, channel="overview", active=True)
    engine.services.become(rules=[*engine.services.now.rules, made])
    await shows(hass, "event.yard_pond", STATE_UNKNOWN)
    assert (hass.states.get("binary_sensor.yard_pond") is None) == (kind is RuleKind.COUNTING)
    engine.publish(triggered("pond", rule_kind=kind, **values))
    attributes = await happens(hass, "event.yard_pond", event_type)
    assert attributes.get("count") == count


async def test_event_that_does_not_belong_to_the_kind_of_rule_is_logged(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    engine.publish(triggered("fence", direction="a_to_b"))
    await until(hass, lambda: "crossed_a_to_b" in caplog.text)
    assert state(hass, "event.yard_fence") == STATE_UNKNOWN


async def test_capture_is_reported_and_shown(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    taken = await engine.capture(picture=b"\xff\xd8person", background=b"\xff\xd8scene")
    attributes = await happens(hass, "event.yard_to_dome_capture", "captured")
    assert attributes["capture_id"] == taken.capture_id
    assert attributes["rule"] == "fence"
    assert attributes["grade"] == taken.grade

    await until(hass, lambda: state(hass, "image.yard_to_dome_last_capture") != STATE_UNKNOWN)
    browser = await hass_client()
    for entity_id, picture in (
        ("image.yard_to_dome_last_capture", b"\xff\xd8person"),
        ("image.yard_to_dome_last_capture_s_scene", b"\xff\xd8scene"),
    ):
        for _ in range(2):
            answer = await browser.get(f"/api/image_proxy/{entity_id}")
            assert answer.status == 200
            assert await answer.read() == picture

    first = state(hass, "image.yard_to_dome_last_capture")
    await engine.capture(picture=b"\xff\xd8newer", background=b"\xff\xd8newer scene", at=NOON + 60)
    await until(hass, lambda: state(hass, "image.yard_to_dome_last_capture") != first)
    answer = await browser.get("/api/image_proxy/image.yard_to_dome_last_capture")
    assert await answer.read() == b"\xff\xd8newer"


async def test_capture_from_before_is_shown_after_a_restart(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry
) -> None:
    assert state(hass, "image.yard_to_dome_last_capture") == STATE_UNKNOWN
    engine.services.replace("links", "yard-dome", last_capture=capture_description("c1", NOON))
    await shows(hass, "image.yard_to_dome_last_capture", "2025-10-09T08:53:20+00:00")
    # What is older than what is shown changes nothing.
    engine.services.replace("links", "yard-dome", last_capture=capture_description("c0", NOON - 1))
    engine.services.replace("rules", "fence", active=True)
    await shows(hass, "binary_sensor.yard_fence", "on")
    assert state(hass, "image.yard_to_dome_last_capture") == "2025-10-09T08:53:20+00:00"


async def test_no_picture_before_the_first_capture(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry
) -> None:
    image = hass.data[IMAGE].get_entity("image.yard_to_dome_last_capture")
    assert await image.async_image() is None


# --- the live picture -----------------------------------------------------------------------------------------------


async def test_snapshot(hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry) -> None:
    assert (await async_get_image(hass, "camera.yard")).content == SNAPSHOT


async def test_stream_source_has_the_relays_user_and_a_host_that_can_be_reached(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry
) -> None:
    source = await async_get_stream_source(hass, "camera.dome")
    assert source == "rtsp://relay%20user:p%40ss%2Fword@relay.example:8554/ptz"
    # The engine tells 0.0.0.0 where it listens on every address: from here that is the engine's own.
    source = await async_get_stream_source(hass, "camera.yard")
    assert source == f"rtsp://relay%20user:p%40ss%2Fword@{engine.host}:8554/overview"
    assert engine.services.credentials_given == 1


async def test_relay_that_knows_itself_as_localhost(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry
) -> None:
    engine.services.replace("channels", "ptz", relay_url="rtsp://localhost:8554/ptz")
    engine.services.replace("channels", "overview", relay_url=None, analysed_fps=1.0)
    await until(hass, lambda: entry.runtime_data.data.channels["overview"].relay_url is None)
    source = await async_get_stream_source(hass, "camera.dome")
    assert source == f"rtsp://relay%20user:p%40ss%2Fword@{engine.host}:8554/ptz"
    assert await async_get_stream_source(hass, "camera.yard") is None


# --- what is pressed and chosen -------------------------------------------------------------------------------------


async def press(hass: HomeAssistant, entity_id: str) -> None:
    await hass.services.async_call("button", "press", {ATTR_ENTITY_ID: entity_id}, blocking=True)


async def choose(hass: HomeAssistant, option: str) -> None:
    values = {ATTR_ENTITY_ID: "select.dome_preset", "option": option}
    await hass.services.async_call("select", "select_option", values, blocking=True)


@pytest.mark.parametrize(
    ("entity_id", "what", "where"),
    [
        ("button.dome_home_position", "go_home", "ptz"),
        ("button.dome_stop", "stop", "ptz"),
        ("button.yard_to_dome_stop_tracking", "stop_tracking", "yard-dome"),
    ],
)
async def test_button(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry, entity_id: str, what: str, where: str
) -> None:
    await press(hass, entity_id)
    assert engine.services.asked == [Asked(what, where, None, OPERATOR)]


async def test_zoom(hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry) -> None:
    values = {ATTR_ENTITY_ID: "number.dome_zoom", "value": 75}
    await hass.services.async_call("number", "set_value", values, blocking=True)
    assert engine.services.asked == [Asked("move", "ptz", MoveRequest(mode="absolute", zoom=0.75), OPERATOR)]


async def test_preset_is_chosen_and_shown_until_somebody_moves_the_camera(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry
) -> None:
    assert hass.states.get("select.dome_preset").attributes["options"] == ["Gate", "Barn"]
    await choose(hass, "Barn")
    assert engine.services.asked == [Asked("goto_preset", "ptz", ("2", GotoRequest().speed), OPERATOR)]
    assert state(hass, "select.dome_preset") == "Barn"

    # Our own move is no reason to forget, that of a link is.
    engine.services.replace("channels", "ptz", owner=OwnerState(owner=OPERATOR, purpose="preset"))
    await shows(hass, "sensor.dome_moved_by", OPERATOR)
    engine.services.replace("channels", "ptz", owner=None)
    await shows(hass, "sensor.dome_moved_by", "nobody")
    assert state(hass, "select.dome_preset") == "Barn"
    engine.services.replace("channels", "ptz", owner=OwnerState(owner="yard-dome", purpose="tracking"))
    await shows(hass, "select.dome_preset", STATE_UNKNOWN)

    await choose(hass, "Gate")
    assert state(hass, "select.dome_preset") == "Gate"
    await press(hass, "button.dome_home_position")
    assert state(hass, "select.dome_preset") == STATE_UNKNOWN


async def test_list_of_presets_follows_the_engine(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry
) -> None:
    presets = [PresetState(id="1", name="Gate"), PresetState(id="2", name="Pond"), PresetState(id="3", name="Pond")]
    engine.services.replace("channels", "ptz", presets=presets)
    await until(
        hass,
        lambda: hass.states.get("select.dome_preset").attributes["options"] == ["Gate", "Pond (2)", "Pond (3)"],
    )
    await choose(hass, "Pond (3)")
    assert engine.services.asked[0].values[0] == "3"


async def test_refusal_reaches_who_pressed(hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry) -> None:
    engine.refuse("busy", "link yard-dome holds Dome")
    with pytest.raises(HomeAssistantError, match="The engine refused: link yard-dome holds Dome"):
        await press(hass, "button.dome_home_position")
