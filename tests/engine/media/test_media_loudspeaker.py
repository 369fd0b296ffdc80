"""Cameras that do not play what is said to them: they cost a pause, and nothing else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from engine.media import StreamSource, conversation, loudspeaker
from engine.media.loudspeaker import Loudspeaker
from tests.engine.media.conftest import PATIENCE_S

pytestmark = pytest.mark.ledger("ONVIF-2")

SOUND = b"\x10\x90" * 80
SDP = "v=0\r\nm=audio 0 RTP/AVP 0\r\na=control:talk\r\na=sendonly\r\n"

type Reader = asyncio.StreamReader
type Writer = asyncio.StreamWriter
type Manners = Callable[[Reader, Writer], Awaitable[None]]


@asynccontextmanager
async def camera(manners: Manners) -> AsyncIterator[Loudspeaker]:
    """The loudspeaker of a camera that behaves so."""

    async def serve(reader: Reader, writer: Writer) -> None:
        try:
            await manners(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # The engine hung up.
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    one = Loudspeaker(StreamSource(channel="gate", url=f"rtsp://127.0.0.1:{port}/door", back_channel=True))
    try:
        yield one
    finally:
        one.close()
        server.close()


async def talk_until(mouth: Loudspeaker, holds: Callable[[], bool]) -> None:
    """Goes on talking, whatever the camera does."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            mouth.say(SOUND)
            await asyncio.sleep(0.02)


async def begin(reader: Reader, writer: Writer, channel: int = 0) -> None:
    """A camera's part until it is talked to."""
    for number in range(1, 4):
        await reader.readuntil(b"\r\n\r\n")
        body = SDP if number == 1 else ""
        extra = f"Transport: RTP/AVP/TCP;interleaved={channel}-{channel + 1}\r\nSession: 7;timeout=60\r\n"
        writer.write(f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\n{extra}Content-Length: {len(body)}\r\n\r\n{body}".encode())


async def packet(reader: Reader) -> tuple[int, bytes]:
    """The number of the channel and the sound of the next packet."""
    head = await reader.readexactly(4)
    assert head[:1] == b"$"
    content = await reader.readexactly(int.from_bytes(head[2:]))
    return head[1], content[12:]


def complaints(caplog: pytest.LogCaptureFixture) -> int:
    """How often it was said that nothing can be said."""
    return sum("nothing can be said" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    "answer",
    [
        b"\x00\xff\xfe nothing that anybody knows\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"RTSP/1.0 200 OK\r\n" + b"A: b\r\n" * 200,
        b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 5\r\n\r\nv=0\r\n",
        b"RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest algorithm=ROT13\r\n\r\n",
        b"A" * 200_000,
        b"$\x00\xff\xff" + b"\x00" * 70_000,
        b"",
    ],
    ids=["bytes", "huge", "negative", "headers", "no loudspeaker", "unknown digest", "endless line", "packets", "gone"],
)
async def test_a_camera_that_answers_nonsense_is_left_alone_for_a_while(
    answer: bytes, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loudspeaker, "RETRY_S", 0.2)
    monkeypatch.setattr(loudspeaker, "REFUSED_DELAY_S", 0.2)
    caplog.set_level(logging.WARNING)
    calls = 0

    async def babble(reader: Reader, writer: Writer) -> None:
        nonlocal calls
        calls += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async with camera(babble) as mouth:
        # And is called again after it, as long as somebody talks.
        await talk_until(mouth, lambda: calls >= 2 and complaints(caplog) >= 2)


@pytest.mark.parametrize("flood", [False, True], ids=["silent", "never silent"])
async def test_a_camera_that_never_answers_is_left(
    flood: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "ANSWER_S", 0.5)
    caplog.set_level(logging.WARNING)
    hung_up = asyncio.Event()

    async def ignore(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            while flood:
                writer.write(b"$\x00\x00\x04abcd" * 100)
                await writer.drain()
                await asyncio.sleep(0.001)
            assert await reader.read() == b""
        finally:
            hung_up.set()

    async with camera(ignore) as mouth:
        await talk_until(mouth, hung_up.is_set)
        await talk_until(mouth, lambda: complaints(caplog) == 1)


async def test_a_camera_that_vanishes_while_somebody_talks_hears_them_when_it_is_back(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loudspeaker, "RETRY_S", 0.2)
    caplog.set_level(logging.WARNING)
    heard: list[list[bytes]] = []

    async def vanish(reader: Reader, writer: Writer) -> None:
        await begin(reader, writer, channel=4)
        heard.append([])
        for _ in range(5):
            channel, sound = await packet(reader)
            # The one that the camera chose.
            assert channel == 4
            heard[-1].append(sound)

    async with camera(vanish) as mouth:
        await talk_until(mouth, lambda: len(heard) >= 3 and len(heard[2]) == 5)
        assert heard[:2] == [[SOUND] * 5] * 2
        assert complaints(caplog) >= 2
