"""Cameras that mean harm, or are merely broken: what they can make us do, and pass on."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from engine.cameras.errors import CameraError, CameraFault, CameraRefused
from engine.cameras.onvif_camera import OnvifCamera
from engine.cameras.onvif_device_extras import DeviceExtras
from engine.cameras.onvif_encoder import OnvifEncoder, learn_encoder
from engine.cameras.onvif_events import camera_events
from engine.cameras.onvif_terminals import learn_terminals
from engine.cameras.soap import SoapClient
from engine.cameras.soap_services import Service
from engine.cameras.supervisor import CameraState, CameraSupervisor
from engine.core.clock import SystemClock, VirtualClock
from onvif_server.backend import Account
from tests.engine.cameras.device import USERNAME, running
from tests.engine.cameras.sites import camera, channel

pytestmark = pytest.mark.ledger("SITE-1", "ONVIF-2")

_ENVELOPE = (
    '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:t="http://www.onvif.org/ver10/schema"'
    ' xmlns:d="http://www.onvif.org/ver10/device/wsdl" xmlns:m="http://www.onvif.org/ver20/media/wsdl"'
    ' xmlns:o="http://www.onvif.org/ver10/deviceIO/wsdl" xmlns:v="http://www.onvif.org/ver10/events/wsdl"'
    ' xmlns:n="http://docs.oasis-open.org/wsn/b-2" xmlns:a="http://www.w3.org/2005/08/addressing">'
    "<e:Body>{}</e:Body></e:Envelope>"
)
_OPERATION = re.compile(rb"Body[^>]*>\s*<(?:\w+:)?(\w+)")


def _options(**different: str) -> str:
    values = {"rates": "25 30", "low": "1", "high": "10", "width": "1920", "most": "8000"} | different
    return (
        "<m:GetVideoEncoderConfigurationOptionsResponse>"
        f'<m:Options GovLengthRange="1 50" FrameRatesSupported="{values["rates"]}" ProfilesSupported="Main">'
        f"<t:Encoding>H264</t:Encoding><t:QualityRange><t:Min>{values['low']}</t:Min><t:Max>{values['high']}</t:Max>"
        f"</t:QualityRange><t:ResolutionsAvailable><t:Width>{values['width']}</t:Width><t:Height>1080</t:Height>"
        f"</t:ResolutionsAvailable><t:BitrateRange><t:Min>1</t:Min><t:Max>{values['most']}</t:Max></t:BitrateRange>"
        "</m:Options></m:GetVideoEncoderConfigurationOptionsResponse>"
    )


@asynccontextmanager
async def answering(answer: Callable[[str, str], str], asked: Counter[str] | None = None) -> AsyncIterator[SoapClient]:
    """A client of a camera that answers what it is told to, by the operation's name and its own address."""

    async def handle(request: web.Request) -> web.Response:
        found = _OPERATION.search(await request.read())
        assert found is not None
        name = found.group(1).decode()
        if asked is not None:
            asked[name] += 1
        body = _ENVELOPE.format(answer(name, f"http://{request.host}/sub"))
        return web.Response(text=body, content_type="application/soap+xml")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    client = SoapClient("odd", f"127.0.0.1:{runner.addresses[0][1]}", "", "", SystemClock(), timeout_s=20)
    await client.open()
    client._addresses |= dict.fromkeys(Service, client.url)
    try:
        yield client
    finally:
        await client.close()
        await runner.cleanup()


@pytest.mark.parametrize("odd", [{"rates": "INF"}, {"rates": "NaN 25"}, {"low": "NaN"}, {"high": "INF"}])
async def test_numbers_that_are_none_are_not_passed_on(odd: dict[str, str]):
    async with answering(lambda *_: _options(**odd)) as client:
        encoder = OnvifEncoder(client)
        encoder.attach("main")
        with pytest.raises(CameraFault, match="encoder options makes no sense"):
            await encoder.options()
        assert not await learn_encoder(client, "main"), "so it is not offered"


async def test_numbers_beyond_all_measure_become_the_greatest_that_xml_knows():
    async with answering(lambda *_: _options(most="9" * 30, width="0")) as client:
        encoder = OnvifEncoder(client)
        encoder.attach("main")
        [options] = await encoder.options()
        assert options.bitrate_kbps == (1, 2**31 - 1)
        assert options.sizes == ()


async def test_a_flood_of_relays_is_cut_off():
    one = (
        '<d:RelayOutputs token="r{}"><t:Properties><t:Mode>Bistable</t:Mode><t:DelayTime>PT1S</t:DelayTime>'
        "<t:IdleState>open</t:IdleState></t:Properties></d:RelayOutputs>"
    )

    def answer(name: str, _: str) -> str:
        if name == "GetRelayOutputs":
            return f"<d:GetRelayOutputsResponse>{''.join(map(one.format, range(2000)))}</d:GetRelayOutputsResponse>"
        return "<o:GetRelayOutputOptionsResponse/>"

    async with answering(answer) as client:
        assert len((await learn_terminals(client, DeviceExtras(relays=2000))).relays) == 64


def _times(left_s: int) -> str:
    named = (("CurrentTime", 0), ("TerminationTime", left_s))
    times = ((name, f"2026-01-01T00:{seconds // 60:02}:{seconds % 60:02}Z") for name, seconds in named)
    return "".join(f"<{{0}}:{name}>{time}</{{0}}:{name}>" for name, time in times)


async def _follow(client: SoapClient, seconds: float) -> None:
    async def endless() -> None:
        async for _ in camera_events(client):
            pass

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(endless(), seconds)


@pytest.mark.parametrize(("granted_s", "left_s"), [(180, 180), (60, 59), (10, 10), (0, 0), (180, 1)])
async def test_a_camera_that_answers_every_pull_at_once_is_not_hammered(granted_s: int, left_s: int):
    asked: Counter[str] = Counter()

    def answer(name: str, address: str) -> str:
        if name == "CreatePullPointSubscription":
            return (
                f"<v:CreatePullPointSubscriptionResponse><v:SubscriptionReference><a:Address>{address}</a:Address>"
                f"</v:SubscriptionReference>{_times(granted_s).format('n')}</v:CreatePullPointSubscriptionResponse>"
            )
        if name == "PullMessages":
            return f"<v:PullMessagesResponse>{_times(left_s).format('v')}</v:PullMessagesResponse>"
        return "<n:UnsubscribeResponse/>"

    async with answering(answer, asked) as client:
        await _follow(client, 3.0)
    assert 1 <= asked["CreatePullPointSubscription"] <= 3
    assert 1 <= asked["PullMessages"] <= 20 + 4


@pytest.mark.parametrize("digest_offered", [True, False], ids=["digest", "token"])
async def test_after_a_refused_login_nobody_asks_before_the_next(digest_offered: bool):
    async with running(digest_offered=digest_offered) as device:
        one = OnvifCamera(camera(device.address, channel("dome", "ptz")), SystemClock(), timeout_s=20)
        await one.connect()
        imaging, motors = one.imaging("dome"), one.motors("dome")
        assert imaging is not None
        assert motors is not None
        try:
            device.users._accounts[USERNAME] = Account("Another-Horse-8")
            with pytest.raises(CameraRefused):
                await one.connect()
            once = device.users.failures
            orders = (imaging.settings, motors.status, lambda: one.device_auxiliary("tt:Wiper|On"))
            for order in orders:
                with pytest.raises(CameraError):
                    await order()
            assert device.users.failures == once == 1
        finally:
            await one.close()


async def test_a_password_that_is_wrong_for_sure_is_not_tried_a_third_time():
    async with running(digest_offered=False) as device:
        one = OnvifCamera(camera(device.address, channel("dome", "ptz")), SystemClock(), timeout_s=20)
        await one.connect()
        try:
            device.users._accounts[USERNAME] = Account("Another-Horse-8")
            for _ in range(4):
                with pytest.raises(CameraRefused):
                    await one.device_auxiliary("tt:Wiper|On")
            assert device.users.failures == 2, "the order, and the question whether it was only this"
        finally:
            await one.close()


async def test_a_clock_at_the_end_of_time_is_a_fault():
    last = (
        "<d:GetSystemDateAndTimeResponse><d:SystemDateAndTime><t:DateTimeType>NTP</t:DateTimeType>"
        "<t:DaylightSavings>false</t:DaylightSavings><t:UTCDateTime><t:Time><t:Hour>23</t:Hour><t:Minute>59</t:Minute>"
        "<t:Second>60</t:Second></t:Time><t:Date><t:Year>9999</t:Year><t:Month>12</t:Month><t:Day>31</t:Day></t:Date>"
        "</t:UTCDateTime></d:SystemDateAndTime></d:GetSystemDateAndTimeResponse>"
    )
    async with answering(lambda *_: last) as client:
        with pytest.raises(CameraFault, match="date and time makes no sense"):
            await client.synchronise()


class Surprising:
    """A camera whose driver has an error."""

    name, address = "the gate", "192.0.2.1"

    def __init__(self) -> None:
        self.attempts = 0

    async def connect(self) -> None:
        self.attempts += 1
        if self.attempts == 1:
            raise RecursionError("too deep")

    async def check(self) -> None:
        """All is well."""

    async def close(self) -> None:
        """Nothing to close."""


async def test_an_error_of_a_driver_does_not_end_the_search_for_the_camera(caplog: pytest.LogCaptureFixture):
    clock, surprising = VirtualClock(0.0), Surprising()
    supervisor = CameraSupervisor(surprising, clock, lambda *_: None)  # type: ignore[arg-type]
    supervisor.start()
    try:
        await clock.advance(60)
        assert supervisor.state is CameraState.ONLINE
        assert "RecursionError" in caplog.text
    finally:
        await supervisor.stop()
