"""onvif-zeep-async, the client library of Home Assistant, at the running engine."""

from __future__ import annotations

import asyncio
import datetime as dt
import importlib.util
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from onvif import ONVIFCamera
from onvif.definition import SERVICES
from recorder import PASSWORD, USER
from zeep.exceptions import Fault

from clients.client_site import PLAY_S, REACH_S, ClientSite, imaging_value, near, shows_something
from demo.site import OVERVIEW, PTZ
from engine.simulator.site import PROFILE_HINT
from onvif_server.services import ptz_description as spaces
from onvif_server.tokens import analytics_configuration, video_source

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.ledger("ONVIF-1", "ONVIF-2", "ONVIF-3"),
    pytest.mark.timeout(300),
]

WSDL_FOLDER = Path(importlib.util.find_spec("onvif").submodule_search_locations[0]) / "wsdl"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def camera(site: ClientSite) -> AsyncIterator[ONVIFCamera]:
    client = ONVIFCamera("127.0.0.1", site.ports.onvif, USER, PASSWORD, str(WSDL_FOLDER), no_cache=True)
    await client.update_xaddrs()
    yield client
    await client.close()


async def profiles(camera: ONVIFCamera) -> dict[str, Any]:
    """The media profiles by the token of their channel's source."""
    media = await camera.create_media_service()
    return {one.VideoSourceConfiguration.token: one for one in await media.GetProfiles()}


async def dome_profile(camera: ONVIFCamera) -> str:
    return next(one.token for one in (await profiles(camera)).values() if one.PTZConfiguration is not None)


async def test_it_finds_the_services(camera: ONVIFCamera, site: ClientSite) -> None:
    names = {namespace.split("/")[-2] if namespace.endswith("wsdl") else namespace for namespace in camera.xaddrs}
    assert {"media", "ptz", "events", "analytics", "deviceIO"} <= names
    device = await camera.create_devicemgmt_service()
    information = await device.GetDeviceInformation()
    assert information.SerialNumber.replace("-", "") == site.api.get("info")["instance_id"]
    services = await device.GetServices({"IncludeCapability": False})
    assert {service.XAddr.split("/")[2] for service in services} == {f"127.0.0.1:{site.ports.onvif}"}


async def test_each_channel_is_a_profile_with_stream_and_snapshot(camera: ONVIFCamera, site: ClientSite) -> None:
    found = await profiles(camera)
    assert [one.Name for one in found.values()] == ["Yard", "Dome"]
    media = await camera.create_media_service()
    for channel, profile in zip((OVERVIEW, PTZ), found.values(), strict=True):
        encoder = profile.VideoEncoderConfiguration
        assert (encoder.Encoding, encoder.Resolution.Width, encoder.Resolution.Height) == ("H264", 1280, 720)
        for protocol in ("UDP", "RTSP", "HTTP"):
            setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": protocol}}
            answer = await media.GetStreamUri({"ProfileToken": profile.token, "StreamSetup": setup})
            assert answer.Uri.startswith(f"rtsp://127.0.0.1:{site.ports.relay}/{channel}"), protocol
        assert shows_something(await camera.get_snapshot(profile.token)) == (1280, 720)


async def test_moves_reach_the_motors(camera: ONVIFCamera, site: ClientSite) -> None:
    ptz = await camera.create_ptz_service()
    profile = await dome_profile(camera)
    home = site.home

    # From far away and slowly, so that it is on its way for a while.
    away = {"PanTilt": {"x": home.pan_deg - 30.0, "y": home.tilt_deg, "space": spaces.SPHERICAL_POSITION}}
    await ptz.AbsoluteMove({"ProfileToken": profile, "Position": away})
    await until_it_is(ptz, profile, "IDLE")
    began = time.time()
    goal = {"PanTilt": {"x": home.pan_deg + 12.0, "y": home.tilt_deg - 4.0, "space": spaces.SPHERICAL_POSITION}}
    speed = {"PanTilt": {"x": 0.1, "y": 0.1}}
    await ptz.AbsoluteMove({"ProfileToken": profile, "Position": goal, "Speed": speed})
    await until_it_is(ptz, profile, "MOVING")
    await reached(site, began, home.pan_deg + 12.0, home.tilt_deg - 4.0)
    status = await until_it_is(ptz, profile, "IDLE")
    assert status.Position.PanTilt.x == pytest.approx((home.pan_deg + 12.0) / 180.0, abs=0.01)

    token = await ptz.SetPreset({"ProfileToken": profile, "PresetName": "Corner"})
    began = time.time()
    velocity = {"PanTilt": {"x": -0.5, "y": 0.0}}
    await ptz.ContinuousMove({"ProfileToken": profile, "Velocity": velocity, "Timeout": "PT9S"})
    left = await asyncio.to_thread(
        site.reached, began, lambda pose: pose.pan_deg < home.pan_deg + 6.0, "it turns to the left"
    )
    await ptz.Stop({"ProfileToken": profile, "PanTilt": True, "Zoom": True})
    assert left.tilt_deg == pytest.approx(home.tilt_deg - 4.0, abs=1.0)

    began = time.time()
    await ptz.GotoPreset({"ProfileToken": profile, "PresetToken": token})
    await reached(site, began, home.pan_deg + 12.0, home.tilt_deg - 4.0)
    await until_it_is(ptz, profile, "IDLE")
    began = time.time()
    # A translation of 1 is the whole range, here a full turn.
    await ptz.RelativeMove({"ProfileToken": profile, "Translation": {"PanTilt": {"x": -10.0 / 360.0, "y": 0.0}}})
    await reached(site, began, home.pan_deg + 2.0, home.tilt_deg - 4.0)
    await ptz.RemovePreset({"ProfileToken": profile, "PresetToken": token})
    began = time.time()
    await ptz.GotoHomePosition({"ProfileToken": profile})
    await reached(site, began, home.pan_deg, home.tilt_deg)


async def reached(site: ClientSite, began: float, pan_deg: float, tilt_deg: float) -> None:
    """Waits, with the loop free, until the simulated motors are there."""
    where = f"the camera looks to {pan_deg:.1f} {tilt_deg:.1f}"
    await asyncio.to_thread(site.reached, began, lambda pose: near(pose, pan_deg, tilt_deg), where)


async def until_it_is(ptz: Any, profile: str, move_status: str) -> Any:
    """The first status that says so."""
    async with asyncio.timeout(REACH_S):
        while True:
            status = await ptz.GetStatus({"ProfileToken": profile})
            if status.MoveStatus.PanTilt == move_status:
                return status


async def test_a_pull_point_tells_who_comes_in(camera: ONVIFCamera) -> None:
    manager = await camera.create_pullpoint_manager(dt.timedelta(minutes=5), lambda: None)
    pull_point = manager.get_service()
    wanted = {"tns1:RuleEngine/FieldDetector/ObjectsInside": "IsInside", "tns1:VideoSource/MotionAlarm": "State"}
    end = time.monotonic() + PLAY_S
    while wanted:
        assert time.monotonic() < end, f"not told: {wanted}"
        answer = await pull_point.PullMessages({"MessageLimit": 100, "Timeout": dt.timedelta(seconds=10)})
        for message in answer.NotificationMessage or ():
            first = message.Message._value_1.Data.SimpleItem[0]
            if wanted.get(message.Topic._value_1) == first.Name and first.Value == "true":
                wanted.pop(message.Topic._value_1)
    await manager.shutdown()


async def test_the_service_for_imaging_knows_each_camera(camera: ONVIFCamera) -> None:
    device = await camera.create_devicemgmt_service()
    assert (await device.GetCapabilities({"Category": "All"})).Imaging is not None
    imaging = await camera.create_imaging_service()
    sources = await (await camera.create_media_service()).GetVideoSources()
    assert [one.token for one in sources] == [video_source(OVERVIEW), video_source(PTZ)]
    for source in sources:
        options = await imaging.GetOptions({"VideoSourceToken": source.token})
        assert (options.Brightness.Min, options.Brightness.Max) == (0.0, 100.0)
        assert (await imaging.GetImagingSettings({"VideoSourceToken": source.token})).Contrast == 50.0


async def test_what_is_set_of_the_picture_is_set_at_the_camera(camera: ONVIFCamera, site: ClientSite) -> None:
    imaging = await camera.create_imaging_service()
    source = {"VideoSourceToken": video_source(OVERVIEW)}

    async def at_the_camera() -> float:
        asked = site.camera(OVERVIEW), video_source(PROFILE_HINT), "Brightness"
        return float(await asyncio.to_thread(imaging_value, *asked))

    try:
        await imaging.SetImagingSettings(source | {"ImagingSettings": {"Brightness": 56.0}})
        assert await at_the_camera() == 56.0
        assert (await imaging.GetImagingSettings(source)).Brightness == 56.0
        with pytest.raises(Fault):
            await imaging.SetImagingSettings(source | {"ImagingSettings": {"Brightness": 101.0}})
    finally:
        # The other clients of this site see people, not a brighter yard.
        await imaging.SetImagingSettings(source | {"ImagingSettings": {"Brightness": 50.0}})
    assert await at_the_camera() == 50.0


async def test_the_focus_moves_and_stops_at_the_camera(camera: ONVIFCamera, site: ClientSite) -> None:
    imaging = await camera.create_imaging_service()
    source = {"VideoSourceToken": video_source(PTZ)}

    async def rested() -> float:
        """Where the focus rests, as our device and the camera itself say."""
        async with asyncio.timeout(REACH_S):
            while (status := (await imaging.GetStatus(source)).FocusStatus20).MoveStatus != "IDLE":
                await asyncio.sleep(0.1)
        asked = site.camera(PTZ), video_source(PROFILE_HINT), "Position", "GetStatus"
        assert float(await asyncio.to_thread(imaging_value, *asked)) == pytest.approx(status.Position, abs=1e-3)
        return float(status.Position)

    options = await imaging.GetMoveOptions(source)
    assert (options.Absolute.Position.Min, options.Absolute.Position.Max) == (0.0, 1.0)
    assert (options.Continuous.Speed.Min, options.Continuous.Speed.Max) == (-1.0, 1.0)
    try:
        await imaging.Move(source | {"Focus": {"Absolute": {"Position": 0.7, "Speed": 1.0}}})
        assert await rested() == pytest.approx(0.7, abs=1e-3)
        # So slowly that it would take half a minute to the end.
        await imaging.Move(source | {"Focus": {"Continuous": {"Speed": -0.05}}})
        assert (await imaging.GetStatus(source)).FocusStatus20.MoveStatus == "MOVING"
        await imaging.Stop(source)
        stopped = await rested()
        assert 0.0 < stopped < 0.7
        await imaging.Move(source | {"Focus": {"Relative": {"Distance": -0.1}}})
        assert await rested() == pytest.approx(max(stopped - 0.1, 0.0), abs=1e-3)
        with pytest.raises(Fault):
            await imaging.Move(source | {"Focus": {"Absolute": {"Position": 2.0}}})
    finally:
        automatic = {"Focus": {"AutoFocusMode": "AUTO"}}
        await imaging.SetImagingSettings(source | {"ImagingSettings": automatic})


async def test_rules_of_the_engine_are_read_made_and_removed(
    camera: ONVIFCamera, site: ClientSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The library has the file that describes rules, but no name for the service.
    monkeypatch.setitem(SERVICES, "rules", SERVICES["analytics"] | {"binding": "RuleEngineBinding"})
    analytics = await camera.create_onvif_service("rules")
    token = analytics_configuration(OVERVIEW)
    supported = await analytics.GetSupportedRules({"ConfigurationToken": token})
    assert {"tt:FieldDetector", "tt:LineDetector"} <= {one.Name for one in supported.RuleDescription}
    assert "Lawn" in {rule.Name for rule in await analytics.GetRules({"ConfigurationToken": token})}
    rule = {
        "Name": "Somebody",
        "Type": "tt:ObjectDetection",
        "Parameters": {"SimpleItem": [{"Name": "ClassFilter", "Value": "Human"}]},
    }
    await analytics.CreateRules({"ConfigurationToken": token, "Rule": [rule]})
    assert site.rules()["Somebody"]["channel"] == OVERVIEW
    with pytest.raises(Fault):
        await analytics.CreateRules({"ConfigurationToken": token, "Rule": [rule]})
    await analytics.DeleteRules({"ConfigurationToken": token, "RuleName": ["Somebody"]})
    assert "Somebody" not in site.rules()
