"""Addresses, profiles, and cameras that answer nonsense."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from engine.cameras.errors import CameraError, CameraFault, CameraRefused, CameraUnreachable
from engine.cameras.onvif_camera import OnvifCamera
from engine.cameras.onvif_media import MediaProfile, choose_profiles
from engine.cameras.urls import device_url, reachable_url
from engine.core.clock import SystemClock
from tests.engine.cameras.sites import camera, channel

pytestmark = pytest.mark.ledger("SITE-1")

ENVELOPE = (
    '<?xml version="1.0"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:d="http://www.onvif.org/ver10/device/wsdl" xmlns:t="http://www.onvif.org/ver10/schema">'
    "<e:Body>{}</e:Body></e:Envelope>"
)
NOT_AUTHORIZED = ENVELOPE.format(
    '<e:Fault><e:Code><e:Value>e:Sender</e:Value><e:Subcode><e:Value xmlns:ter="http://www.onvif.org/ver10/error">'
    "ter:NotAuthorized</e:Value></e:Subcode></e:Code><e:Reason><e:Text xml:lang='en'>no</e:Text></e:Reason></e:Fault>"
)
CLOCK = ENVELOPE.format(
    "<d:GetSystemDateAndTimeResponse><d:SystemDateAndTime><t:DateTimeType>NTP</t:DateTimeType>"
    "<t:DaylightSavings>false</t:DaylightSavings><t:UTCDateTime><t:Time><t:Hour>{hour}</t:Hour><t:Minute>0</t:Minute>"
    "<t:Second>0</t:Second></t:Time><t:Date><t:Year>2024</t:Year><t:Month>2</t:Month><t:Day>{day}</t:Day></t:Date>"
    "</t:UTCDateTime></d:SystemDateAndTime></d:GetSystemDateAndTimeResponse>"
)


@asynccontextmanager
async def device(answer: Callable[[bytes], web.Response]) -> AsyncIterator[str]:
    """A web server that answers every request as told; yields its host:port."""

    async def handle(request: web.Request) -> web.Response:
        return answer(await request.read())

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"{host}:{port}"
    finally:
        await runner.cleanup()


def onvif(address: str, *, timeout_s: float = 20.0) -> OnvifCamera:
    return OnvifCamera(camera(address, channel("yard", "ptz")), SystemClock(), timeout_s=timeout_s)


def soap(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, content_type="application/soap+xml", status=status)


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("192.0.2.1", "http://192.0.2.1/onvif/device_service"),
        ("camera.local:8080/", "http://camera.local:8080/onvif/device_service"),
        ("https://user:secret@[2001:db8::1]:8443/svc", "https://[2001:db8::1]:8443/svc"),
    ],
)
def test_addresses_as_people_write_them(written: str, url: str):
    assert device_url(written) == url


@pytest.mark.parametrize("written", ["", "ftp://host", "host:99999", "http://", "host:0"])
def test_an_address_that_is_none_is_a_fault_without_credentials(written: str):
    with pytest.raises(CameraFault, match="host:port"):
        onvif(written)


def test_what_a_camera_calls_itself_is_reached_as_we_reach_it():
    base = "http://203.0.113.9:8080/onvif/device_service"
    assert reachable_url("http://192.168.1.2/onvif/ptz", base) == "http://203.0.113.9:8080/onvif/ptz"
    assert reachable_url("rtsp://u:p@192.168.1.2:554/main?a=b", base) == "rtsp://203.0.113.9:554/main?a=b"
    assert reachable_url(" http://203.0.113.9:81/ptz\n", base) == "http://203.0.113.9:81/ptz"
    with pytest.raises(ValueError, match="not an address"):
        reachable_url("/onvif/ptz", base)


def profile(token: str, source: str, pixels: int, node: str | None = None) -> MediaProfile:
    return MediaProfile(token=token, name=token.upper(), source=source, size=(pixels, 1), ptz_node=node)


def test_channels_get_the_largest_profile_of_their_own_source():
    profiles = [profile("a1", "a", 10), profile("a2", "a", 90), profile("b1", "b", 50, "n"), profile("b2", "b", 5, "n")]
    chosen = choose_profiles([channel("dome", "ptz"), channel("wide")], profiles)
    assert {key: value and value.token for key, value in chosen.items()} == {"dome": "b1", "wide": "a2"}
    named = choose_profiles([channel("wide"), channel("dome", "ptz", stream="B2"), channel("third")], profiles)
    assert {key: value and value.token for key, value in named.items()} == {"dome": "b2", "wide": "a2", "third": None}


async def test_nobody_at_the_address_is_unreachable():
    async with device(lambda _: soap("")) as address:
        pass
    with pytest.raises(CameraUnreachable, match=r"camera 'the yard' at 127\.0\.0\.1:\d+: .*check that it has power"):
        await onvif(address).connect()


async def test_a_camera_that_takes_too_long_is_unreachable():
    release = web.Response()

    async def never(request: web.Request) -> web.Response:
        await request.read()
        await request.app["gate"].wait()
        return release

    app = web.Application()
    app["gate"] = asyncio.Event()
    app.router.add_post("/{path:.*}", never)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slow = onvif("{}:{}".format(*runner.addresses[0][:2]), timeout_s=0.2)
    with pytest.raises(CameraUnreachable, match=r"no answer to GetSystemDateAndTime within 0\.2 s"):
        await slow.connect()
    app["gate"].set()
    await slow.close()
    await runner.cleanup()


async def test_something_that_is_no_camera_is_a_fault_with_advice():
    async with device(lambda _: web.Response(text="<html><body>Router login</body></html>")) as address:
        router = onvif(address)
        with pytest.raises(CameraFault, match=r"is not ONVIF .* check that ONVIF is enabled"):
            await router.connect()
        await router.close()


async def test_an_answer_without_end_is_cut_off():
    async with device(lambda _: soap("<a>" + "x" * (9 * 2**20))) as address:
        endless = onvif(address)
        with pytest.raises(CameraFault, match="larger than 8 MiB"):
            await endless.connect()
        await endless.close()


async def test_garbage_in_any_answer_is_a_camera_error_and_nothing_else():
    chance = random.Random(20260101)
    good = CLOCK.format(hour=1, day=2).encode()

    def garbage(_: bytes) -> web.Response:
        kind = chance.randrange(4)
        if kind == 0:
            body = chance.randbytes(chance.randrange(400))
        elif kind == 1:
            body = good[: chance.randrange(len(good))]
        else:
            spoilt = bytearray(good)
            for _ in range(chance.randrange(1, 30)):
                spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
            body = bytes(spoilt)
        content_type = chance.choice(
            ["application/soap+xml", "text/html", "multipart/related; boundary=x", "image/png"]
        )
        return web.Response(
            body=body, headers={"Content-Type": content_type}, status=chance.choice([200, 200, 400, 500])
        )

    async with device(garbage) as address:
        broken = onvif(address)
        for _ in range(150):
            with pytest.raises(CameraError):
                await broken.connect()
        await broken.close()


async def test_impossible_dates_are_a_fault():
    async with device(lambda _: soap(CLOCK.format(hour=1, day=31))) as address:
        confused = onvif(address)
        with pytest.raises(CameraFault, match="date and time makes no sense"):
            await confused.connect()
        await confused.close()


async def test_an_entity_bomb_is_refused():
    bomb = '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]>' + CLOCK.format(hour="&c;", day=1)[21:]
    async with device(lambda _: soap(bomb)) as address:
        hostile = onvif(address)
        with pytest.raises(CameraFault):
            await hostile.connect()
        await hostile.close()


async def test_a_camera_without_digest_gets_one_token_per_login():
    with_token: list[bool] = []

    def answer(body: bytes) -> web.Response:
        if b"GetSystemDateAndTime" in body:
            return soap(CLOCK.format(hour=1, day=2))
        with_token.append(b"UsernameToken" in body)
        return soap(NOT_AUTHORIZED, 400)

    async with device(answer) as address:
        strict = onvif(address)
        with pytest.raises(CameraRefused, match="check username and password"):
            await strict.connect()
        assert with_token == [False, True]
        await strict.close()
