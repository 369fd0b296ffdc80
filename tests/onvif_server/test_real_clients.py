"""The client library of Home Assistant against the device: its set-up calls and what it does at run time."""

from __future__ import annotations

import asyncio
import datetime as dt
import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from lxml import etree
from onvif import ONVIFCamera
from onvif.exceptions import ONVIFError
from onvif_host import JPEG, Running
from onvif_soap_client import checked
from zeep.exceptions import Fault

from onvif_server.backend import Refusal, Refused
from onvif_server.events.topics import LINE_CROSSED, MOTION_ALARM, OBJECTS_INSIDE
from onvif_server.services import ptz_description as spaces

pytestmark = [pytest.mark.ledger("ONVIF-1", "HA-1"), pytest.mark.usefixtures("no_tours")]

WSDL_FOLDER = Path(importlib.util.find_spec("onvif").submodule_search_locations[0]) / "wsdl"


@pytest.fixture
async def camera(running: Running, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ONVIFCamera]:
    """A client that is connected as Home Assistant connects; every response that it gets is validated."""
    read = aiohttp.ClientResponse.read

    async def validated(response: aiohttp.ClientResponse) -> bytes:
        body = await read(response)
        if response.content_type == "application/soap+xml":
            checked(body)
        return body

    monkeypatch.setattr(aiohttp.ClientResponse, "read", validated)
    client = ONVIFCamera("127.0.0.1", running.port, "admin", "secret-a", str(WSDL_FOLDER), no_cache=True)
    await client.update_xaddrs()
    yield client
    await client.close()


async def test_home_assistants_set_up(camera: ONVIFCamera, running: Running) -> None:
    device = await camera.create_devicemgmt_service()
    clock = await device.GetSystemDateAndTime()
    assert clock.UTCDateTime.Date.Year >= 2024
    information = await device.GetDeviceInformation()
    assert (information.Manufacturer, information.Model) == ("Acme", "Dome 1")
    [interface] = await device.GetNetworkInterfaces()
    assert (interface.Enabled, interface.Info.HwAddress) == (True, "02:00:00:12:34:56")
    capabilities = await camera.get_capabilities()
    assert capabilities["Events"]["WSPullPointSupport"]
    assert capabilities["PTZ"]["XAddr"].startswith(running.url)

    media = await camera.create_media_service()
    assert (await media.GetServiceCapabilities()).SnapshotUri
    fixed, moving = await media.GetProfiles()
    assert fixed.VideoEncoderConfiguration.Encoding == moving.VideoEncoderConfiguration.Encoding == "H264"
    assert fixed.PTZConfiguration is None
    # Home Assistant takes the default spaces for the abilities.
    assert moving.PTZConfiguration.DefaultContinuousPanTiltVelocitySpace
    assert moving.PTZConfiguration.DefaultRelativePanTiltTranslationSpace
    assert moving.PTZConfiguration.DefaultAbsolutePantTiltPositionSpace
    ptz = await camera.create_ptz_service()
    assert await ptz.GetPresets(moving.token) in ([], None)

    request = media.create_type("GetStreamUri")
    request.ProfileToken = moving.token
    request.StreamSetup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
    assert (await media.GetStreamUri(request)).Uri == "rtsp://127.0.0.1:8554/dome"
    assert await camera.get_snapshot(moving.token) == JPEG


async def test_home_assistants_webhook_is_told_of_events(camera: ONVIFCamera, running: Running) -> None:
    notes: asyncio.Queue[bytes] = asyncio.Queue()

    async def hear(request: web.Request) -> web.Response:
        notes.put_nowait(await request.read())
        return web.Response()

    app = web.Application()
    app.router.add_post("/webhook", hear)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}/webhook"
    manager = await camera.create_notification_manager(address, dt.timedelta(minutes=10), lambda: None)
    running.device.broker.publish(MOTION_ALARM.path, source={"Source": "yard-source"}, data={"State": True})
    heard = manager.process(await asyncio.wait_for(notes.get(), 20))
    assert [message.Topic._value_1 for message in heard.NotificationMessage] == [MOTION_ALARM.path]
    await manager.shutdown()
    await runner.cleanup()


async def test_home_assistants_pull_point(camera: ONVIFCamera, running: Running) -> None:
    broker = running.device.broker
    broker.publish(MOTION_ALARM.path, source={"Source": "yard-source"}, data={"State": False})
    manager = await camera.create_pullpoint_manager(dt.timedelta(minutes=10), lambda: None)
    await manager.set_synchronization_point()
    pull_point = manager.get_service()

    async def pull() -> list[object]:
        reply = await pull_point.PullMessages({"MessageLimit": 100, "Timeout": dt.timedelta(seconds=60)})
        return reply.NotificationMessage

    first = await pull()
    assert {message.Topic._value_1 for message in first} == {MOTION_ALARM.path}
    waiting = asyncio.create_task(pull())
    [point] = running.device._subscriptions._points.values()
    served = point._puller
    while point._puller is served:
        await asyncio.sleep(0)
    source = {"VideoSourceConfigurationToken": "v", "VideoAnalyticsConfigurationToken": "a", "Rule": "gate"}
    broker.publish(OBJECTS_INSIDE.path, source=source, key={"ObjectId": 1}, data={"IsInside": True})
    [message] = await asyncio.wait_for(waiting, 20)
    content = message.Message._value_1
    assert content.PropertyOperation == "Initialized"
    assert (content.Data.SimpleItem[0].Name, content.Data.SimpleItem[0].Value) == ("IsInside", "true")

    renewed = await manager._subscription.Renew(camera.get_next_termination_time(dt.timedelta(minutes=10)))
    assert renewed.TerminationTime - renewed.CurrentTime == dt.timedelta(minutes=10)
    await manager.shutdown()
    assert len(running.device._subscriptions) == 0


async def test_home_assistants_event_parsers_read_the_messages(camera: ONVIFCamera, running: Running) -> None:
    parsers = pytest.importorskip("onvif_parsers", reason="onvif-parsers is in the dependency group `hass`")
    manager = await camera.create_pullpoint_manager(dt.timedelta(minutes=10), lambda: None)
    source = {"VideoSourceConfigurationToken": "v", "VideoAnalyticsConfigurationToken": "a", "Rule": "gate"}
    broker = running.device.broker
    broker.publish(OBJECTS_INSIDE.path, source=source, key={"ObjectId": 1}, data={"IsInside": True})
    broker.publish(LINE_CROSSED.path, source=source, data={"ObjectId": 1})
    broker.publish(MOTION_ALARM.path, source={"Source": "v"}, data={"State": True})
    request = {"MessageLimit": 100, "Timeout": dt.timedelta(seconds=5)}
    found = []
    for message in (await manager.get_service().PullMessages(request)).NotificationMessage:
        found.extend(await parsers.parse(message.Topic._value_1.rstrip("/."), "uid", message))
    assert [bool(event.value) for event in found] == [True, True, True]
    await manager.shutdown()


async def test_moves_and_presets(camera: ONVIFCamera, running: Running) -> None:
    ptz = await camera.create_ptz_service()
    profile = "dome-profile"
    await ptz.ContinuousMove(
        {"ProfileToken": profile, "Velocity": {"PanTilt": {"x": 0.5, "y": 0}, "Zoom": {"x": 0.5}}, "Timeout": "PT2S"}
    )
    assert (await ptz.GetStatus({"ProfileToken": profile})).MoveStatus.PanTilt == "MOVING"
    await ptz.Stop({"ProfileToken": profile})
    spherical = {"PanTilt": {"x": 30, "y": 10, "space": spaces.SPHERICAL_POSITION}, "Zoom": {"x": 0.5}}
    await ptz.AbsoluteMove({"ProfileToken": profile, "Position": spherical})
    status = await ptz.GetStatus({"ProfileToken": profile})
    assert status.Position.PanTilt.x == pytest.approx(30 / 180)
    token = await ptz.SetPreset({"ProfileToken": profile, "PresetName": "Gate"})
    [preset] = await ptz.GetPresets({"ProfileToken": profile})
    assert (preset.token, preset.Name) == (token, "Gate")
    await ptz.GotoPreset({"ProfileToken": profile, "PresetToken": token})
    await ptz.GotoHomePosition({"ProfileToken": profile})
    commands = [command for command, _ in running.host.head.commands]
    assert commands == ["continuous", "stop", "absolute", "set_preset", "goto_preset", "goto_home"]


async def test_frigates_autotracking_finds_what_it_needs(camera: ONVIFCamera) -> None:
    ptz = await camera.create_ptz_service()
    capabilities = await ptz.GetServiceCapabilities()
    # The client's own schemas are older than the attribute; Frigate looks for it among the rest.
    assert capabilities._attr_1["MoveStatus"] == "true"
    options = await ptz.GetConfigurationOptions({"ConfigurationToken": "dome-ptz-config"})
    uris = [space.URI for space in options.Spaces.RelativePanTiltTranslationSpace]
    assert any("TranslationSpaceFov" in uri for uri in uris)


async def test_a_refusal_reaches_the_client_as_a_fault(camera: ONVIFCamera, running: Running) -> None:
    running.host.head.refusal = Refused(Refusal.BUSY, "the guard holds it")
    ptz = await camera.create_ptz_service()
    with pytest.raises(Fault, match="the guard holds it"):
        await ptz.Stop({"ProfileToken": "dome-profile"})


async def test_a_wrong_password_is_told_by_its_subcode(running: Running) -> None:
    client = ONVIFCamera("127.0.0.1", running.port, "admin", "wrong", str(WSDL_FOLDER), no_cache=True)
    try:
        await client.update_xaddrs()
        device = await client.create_devicemgmt_service()
        with pytest.raises((Fault, ONVIFError)) as caught:
            await device.GetDeviceInformation()
        # Home Assistant asks for a new password on this word.
        assert [etree.QName(code).localname for code in caught.value.subcodes] == ["NotAuthorized"]
    finally:
        await client.close()
