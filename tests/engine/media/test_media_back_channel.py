"""The back channel: what a client of the relay says is heard at the camera, if it may talk and nobody else does.

The camera is GStreamer's own ONVIF server, the talker its own ONVIF client, in another process.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.media import Delivery, MediaProcess, MediaSettings, RelayUser, StreamSource, Tracks
from engine.media.conversation import Answer, Conversation, RefusedError
from engine.media.floor import BURST, HOLD_S, MAX_PACKET, RATE, Floor
from engine.media.gst import Gst
from engine.media.loudspeaker import REQUIREMENT, TO_PCMA, Loudspeaker, Outlet, outlet_of
from engine.simulator.loudspeaker import RATE_HZ, SimulatedLoudspeaker
from engine.simulator.rtsp import Login, StreamServer, VideoStream
from engine.simulator.scene import PictureSize
from tests.engine.media.conftest import PATIENCE_S, Process, StartCamera, next_of, running, source

pytestmark = pytest.mark.ledger("ONVIF-2", "VID-2")

LOGIN = Login("engine", "right horse")
GUARD = RelayUser(name="guard", password="guard secret", may_talk=True)
OTHER = RelayUser(name="porter", password="porter secret", may_talk=True)
NVR = RelayUser(name="nvr", password="nvr secret")
USERS = [GUARD, OTHER, NVR]
TONE = bytes((0x10, 0x90)) * 80
"""A piece of sound (PCMU)."""

type Talk = Callable[..., Coroutine[Any, Any, Process]]


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    """Starts talkers: `await talk(url, GUARD, hertz=440)`; all end with the test."""
    async with AsyncExitStack() as stack:

        async def start(
            url: str, user: RelayUser, *, hertz: int = 1000, protocols: str = "tcp", encoding: str = "PCMU"
        ) -> Process:
            words = (url, user.name, user.password, protocols, str(hertz), encoding)
            talker = await Process.start("rtsp_talker.py", *words)
            stack.push_async_callback(talker.kill)
            return talker

        yield start


@asynccontextmanager
async def door_station(encoding: str) -> AsyncIterator[tuple[StreamSource, SimulatedLoudspeaker]]:
    """A camera with a loudspeaker."""
    stream = VideoStream("door", PictureSize(320, 240), 10, back_channel=encoding)
    server = StreamServer("127.0.0.1", (stream,), LOGIN)
    port = server.start()

    async def film() -> None:
        while True:
            server.push("door", np.full((240, 320, 3), 90, np.uint8), time.time())
            await asyncio.sleep(0.1)

    filming = asyncio.create_task(film())
    try:
        url = f"rtsp://127.0.0.1:{port}/door"
        yield (
            StreamSource(
                channel="gate",
                url=url,
                username=LOGIN.username,
                password=LOGIN.password,
                analysis_width=160,
                back_channel=True,
            ),
            server.loudspeakers["door"],
        )
    finally:
        filming.cancel()
        await asyncio.to_thread(server.stop)


@asynccontextmanager
async def door(media: MediaProcess, encoding: str = "PCMU") -> AsyncIterator[SimulatedLoudspeaker]:
    """The same behind the relay, with the relay's users."""
    async with door_station(encoding) as (stream, loudspeaker):
        await media.set_relay_users(USERS)
        await media.add_stream(stream)
        await next_of(media.frames("gate"))
        yield loudspeaker


def tone_of(loudspeaker: SimulatedLoudspeaker) -> float:
    """The strongest frequency of the last half second, in Hz; 0 while it is silent, or was a moment ago."""
    sound = loudspeaker.newest(0.5).astype(float)
    if sound.size < RATE_HZ // 2 or loudspeaker.level() < 0.05:
        return 0.0
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size)))
    return float(np.argmax(spectrum) * RATE_HZ / sound.size)


async def heard(loudspeaker: SimulatedLoudspeaker, hertz: float) -> None:
    """Waits until a tone is heard."""
    async with asyncio.timeout(PATIENCE_S):
        while abs(tone_of(loudspeaker) - hertz) > 10:
            await asyncio.sleep(0.1)


async def ask(url: str, user: RelayUser, *, back_channel: bool = True) -> Answer:
    """What the relay describes to a user. Raises RefusedError."""

    def describe() -> Answer:
        conversation = Conversation.at(url, user.name, user.password)
        try:
            headers = {"require": REQUIREMENT} if back_channel else {}
            return conversation.ask("DESCRIBE", url, accept="application/sdp", **headers)
        finally:
            conversation.close()

    return await asyncio.to_thread(describe)


def streams_in(described: Answer) -> tuple[int, int]:
    """How many streams a description has, and how many of them take sound."""
    return len(re.findall("^m=", described.body, re.MULTILINE)), described.body.count("a=sendonly")


async def status_of_setup(url: str, user: RelayUser) -> int:
    """How the relay answers who wants to talk."""

    def set_up() -> int:
        conversation = Conversation.at(url, user.name, user.password)
        try:
            body = conversation.ask("DESCRIBE", url, accept="application/sdp", require=REQUIREMENT).body
            outlet = outlet_of(body, url)
            assert outlet is not None
            way = "RTP/AVP/TCP;unicast;interleaved=0-1"
            return conversation.ask("SETUP", outlet.url, transport=way, require=REQUIREMENT).status
        except RefusedError as error:
            return error.status
        finally:
            conversation.close()

    return await asyncio.to_thread(set_up)


def loudspeaker_source(media: MediaProcess) -> StreamSource:
    """The relay as a camera."""
    return StreamSource(channel="relay", url=media.relay_url("gate"), back_channel=True)


def flood_until_cut(url: str, user: RelayUser) -> None:
    """Watches, and reports on it (RTCP) as fast as it can, until the connection is ended."""
    conversation = Conversation.at(url, user.name, user.password)
    try:
        conversation.ask("DESCRIBE", url, accept="application/sdp")
        way = "RTP/AVP/TCP;unicast;interleaved=0-1"
        session = conversation.ask("SETUP", f"{url}/stream=0", transport=way).headers["session"]
        conversation.ask("PLAY", url, session=session.partition(";")[0])
        while True:
            conversation.send_packet(1, bytes((0x80, 201, 0, 1)) + b"look")
            conversation.drain()
    except OSError:
        return
    finally:
        conversation.close()


def cpu_s(process: int | None) -> float:
    """The processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def status_of(url: str, user: RelayUser) -> int:
    """How the relay answers who asks for the back channel."""
    try:
        return (await ask(url, user)).status
    except RefusedError as error:
        return error.status


@pytest.mark.parametrize("protocols", ["tcp", "udp"])
@pytest.mark.parametrize("encoding", ["PCMU", "PCMA"])
async def test_a_tone_that_a_client_sends_is_heard_at_the_camera(
    media: MediaProcess, talk: Talk, encoding: str, protocols: str
) -> None:
    async with door(media, encoding) as loudspeaker:
        talker = await talk(media.relay_url("gate"), GUARD, hertz=1000, protocols=protocols)
        assert await talker.line() == {"talking": True}
        await heard(loudspeaker, 1000)


async def test_only_who_asks_for_it_is_shown_the_back_channel(media: MediaProcess) -> None:
    async with door(media):
        url = media.relay_url("gate")
        assert streams_in(await ask(url, GUARD, back_channel=False)) == (1, 0)
        full = await ask(url, GUARD)
        outlet = outlet_of(full.body, url)
        assert streams_in(full) == (2, 1)
        assert outlet is not None
        assert (outlet.encoding, outlet.payload_type) == ("PCMU", 0)
        # Who comes after that is shown no more than before.
        assert streams_in(await ask(url, NVR, back_channel=False)) == (1, 0)


async def test_who_may_not_talk_is_refused_and_may_watch(media: MediaProcess, talk: Talk) -> None:
    async with door(media) as loudspeaker:
        url = media.relay_url("gate")
        assert await status_of(url, NVR) == 403
        talker = await talk(url, NVR)
        line = await talker.line()
        assert "refused" in line
        assert loudspeaker.count == 0
        assert (await ask(url, NVR, back_channel=False)).status == 200


async def test_a_user_who_must_not_talk_any_more_is_cut_off(media: MediaProcess, talk: Talk) -> None:
    async with door(media) as loudspeaker:
        url = media.relay_url("gate")
        talker = await talk(url, GUARD)
        await heard(loudspeaker, 1000)
        await media.set_relay_users([RelayUser(name=GUARD.name, password=GUARD.password), OTHER, NVR])
        assert await talker.line() == {"talking": True}
        assert "refused" in await talker.line()
        assert await status_of(url, GUARD) == 403


async def test_who_sends_without_a_pause_is_cut_off_and_all_others_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    # What a connection does that was taken away from under its thread: GLib complains, and here that ends the process.
    monkeypatch.setenv("G_DEBUG", "fatal-criticals")
    async with running(MediaSettings()) as media, door(media):
        url, process = media.relay_url("gate"), media.pid
        for _ in range(5):
            senders = [asyncio.create_task(asyncio.to_thread(flood_until_cut, url, GUARD)) for _ in range(3)]
            await asyncio.sleep(1)
            await media.set_relay_users([OTHER, NVR])
            await asyncio.wait_for(asyncio.gather(*senders), PATIENCE_S)
            await media.set_relay_users(USERS)
        assert (await ask(url, NVR, back_channel=False)).status == 200
        before, began = cpu_s(process), time.monotonic()
        await asyncio.sleep(3)
        assert cpu_s(process) - before < 0.5 * (time.monotonic() - began)
        assert media.pid == process


async def test_who_only_talks_and_takes_no_picture_is_heard(media: MediaProcess) -> None:
    async with door(media) as loudspeaker:
        for _ in range(5):
            user = replace(loudspeaker_source(media), username=GUARD.name, password=GUARD.password)
            mouth, before = Loudspeaker(user), loudspeaker.count
            async with asyncio.timeout(PATIENCE_S):
                while loudspeaker.count == before:
                    mouth.say(TONE)
                    await asyncio.sleep(0.02)
            mouth.close()


async def test_one_talks_at_a_time_and_who_vanishes_frees_the_channel(media: MediaProcess, talk: Talk) -> None:
    async with door(media) as loudspeaker:
        url = media.relay_url("gate")
        first = await talk(url, GUARD, hertz=1000)
        await heard(loudspeaker, 1000)
        assert await status_of_setup(url, OTHER) == 453
        assert "refused" in await (await talk(url, OTHER, hertz=440)).line()
        await heard(loudspeaker, 1000)
        # Without a good-bye.
        await first.kill()
        async with asyncio.timeout(PATIENCE_S):
            while "talking" not in await (await talk(url, OTHER, hertz=440)).line():
                await asyncio.sleep(0.5)
        await heard(loudspeaker, 440)


async def test_a_camera_without_a_loudspeaker_offers_nothing(media: MediaProcess, start_camera: StartCamera) -> None:
    await media.set_relay_users(USERS)
    await media.add_stream(source(await start_camera()))
    await next_of(media.frames("gate"))
    url = media.relay_url("gate")
    assert [await status_of(url, user) for user in (GUARD, NVR)] == [551, 551]
    assert "a=sendonly" not in (await ask(url, GUARD, back_channel=False)).body


async def test_there_is_no_back_channel_in_what_goes_to_many(media: MediaProcess) -> None:
    async with door(media):
        assert await status_of(media.relay_url("gate", delivery=Delivery.MULTICAST), GUARD) == 551
        assert await status_of(media.relay_url("gate", tracks=Tracks.VIDEO), GUARD) == 200


async def test_who_talks_may_do_so_again_after_the_media_process_died(talk: Talk) -> None:
    async with running(MediaSettings()) as media, door(media) as loudspeaker:
        assert media.pid is not None
        before = media.pid
        os.kill(before, signal.SIGKILL)
        async with asyncio.timeout(PATIENCE_S):
            while media.pid in {before, None} or not media.statistics("gate").connected:
                await asyncio.sleep(0.1)
            while "talking" not in await (await talk(media.relay_url("gate"), GUARD, hertz=700)).line():
                await asyncio.sleep(0.5)
        await heard(loudspeaker, 700)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_word_is_kept_by_talking_and_lost_by_silence() -> None:
    clock = Clock()
    floor = Floor(clock)
    anna, bert = object(), object()
    assert not floor.is_taken()
    for _ in range(10):
        assert floor.admit(anna, 160)
        clock.now += HOLD_S / 2
        assert not floor.admit(bert, 160)
        assert floor.is_taken()
    clock.now += HOLD_S
    assert not floor.is_taken()
    assert floor.begins(bert)
    assert floor.admit(bert, 160)
    assert not floor.admit(anna, 160)
    assert not floor.begins(bert)


def test_no_more_than_speech_is_passed_on() -> None:
    clock = Clock()
    floor = Floor(clock)
    speaker = object()
    seconds, passed = 20, 0
    for _ in range(seconds * 100):
        clock.now += 0.01
        passed += sum(400 for _ in range(10) if floor.admit(speaker, 400))
    assert seconds * 8000 <= passed <= seconds * RATE + BURST
    clock.now += 10 * HOLD_S
    assert not floor.admit(speaker, MAX_PACKET + 1)
    assert floor.admit(speaker, MAX_PACKET)
    # Speech itself is never cut.
    clock.now += 10 * HOLD_S
    for _ in range(50 * 60):
        clock.now += 0.02
        assert floor.admit(speaker, 160)


def test_pcma_is_what_gstreamer_makes_of_pcmu() -> None:
    pipeline = Gst.parse_launch(
        "appsrc name=in format=time caps=audio/x-mulaw,rate=8000,channels=1 ! mulawdec ! alawenc ! appsink name=out"
    )
    pipeline.set_state(Gst.State.PLAYING)
    buffer = Gst.Buffer.new_wrapped(bytes(range(256)))
    buffer.pts = 0
    pipeline.get_by_name("in").emit("push-buffer", buffer)
    made = pipeline.get_by_name("out").emit("pull-sample").get_buffer()
    assert made.extract_dup(0, made.get_size()) == TO_PCMA
    pipeline.set_state(Gst.State.NULL)


BASE = "rtsp://192.0.2.7/live/"


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("m=audio 0 RTP/AVP 0\na=control:track3\na=sendonly", Outlet(f"{BASE}track3", 0, "PCMU")),
        (
            "m=audio 0 RTP/AVP 8\na=rtpmap:8 PCMA/8000/1\na=control:track3\na=sendonly",
            Outlet(f"{BASE}track3", 8, "PCMA"),
        ),
        (
            "m=audio 0 RTP/AVP 97 98\na=rtpmap:97 MPEG4-GENERIC/16000\na=rtpmap:98 PCMU/8000\n"
            "a=control:rtsp://192.0.2.7/out\na=sendonly",
            Outlet("rtsp://192.0.2.7/out", 98, "PCMU"),
        ),
        ("m=audio 0 RTP/AVP 0\na=control:track3\na=recvonly", None),
        ("m=audio 0 RTP/AVP 0\na=control:track3", None),
        ("m=video 0 RTP/AVP 0\na=control:track3\na=sendonly", None),
        ("m=audio 0 RTP/AVP 98\na=rtpmap:98 PCMU/16000\na=control:track3\na=sendonly", None),
        ("m=audio 0 RTP/AVP 97\na=rtpmap:97 G726-32/8000\na=control:track3\na=sendonly", None),
    ],
)
def test_the_loudspeaker_is_found_in_a_cameras_description(section: str, expected: Outlet | None) -> None:
    video = "v=0\na=control:*\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=control:track1\na=recvonly\n"
    description = re.sub("\n", "\r\n", f"{video}{section}\n")
    assert outlet_of(description, BASE) == expected
    assert outlet_of(description, BASE.removesuffix("/")) == expected
