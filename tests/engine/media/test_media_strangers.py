"""Connections without a login: they keep nobody out, and do not last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from engine.media import MediaProcess, MediaSettings
from engine.media.conversation import Conversation, RefusedError
from tests.engine.media.conftest import PATIENCE_S, USER, StartCamera, Watch, next_of, running, source

pytestmark = pytest.mark.ledger("SYS-2", "NET-1")

SEATS = 8
LONG_S = 3600


class Stranger:
    """A connection that says nothing, or a few words, and never logs in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.ended = asyncio.create_task(self._wait())

    async def _wait(self) -> None:
        try:
            while await self.reader.read(4096):
                pass
        except ConnectionError:
            pass

    async def close(self) -> None:
        self.ended.cancel()
        self.writer.close()


@asynccontextmanager
async def crowd(media: MediaProcess, addresses: list[str], words: bytes = b"") -> AsyncIterator[list[Stranger]]:
    """Strangers who come one after the other, each from its address."""
    async with AsyncExitStack() as stack:
        strangers = []
        for address in addresses:
            stranger = Stranger(*await asyncio.open_connection("127.0.0.1", media.relay_port, local_addr=(address, 0)))
            stranger.writer.write(words)
            stack.push_async_callback(stranger.close)
            strangers.append(stranger)
        yield strangers


async def remaining(strangers: list[Stranger], expected: int) -> list[int]:
    """Which of them are left, when no more than so many are."""
    async with asyncio.timeout(PATIENCE_S):
        while sum(not one.ended.done() for one in strangers) > expected:
            await asyncio.sleep(0.05)
    return [number for number, one in enumerate(strangers) if not one.ended.done()]


class Member:
    """A user who logs in and stays."""

    def __init__(self, media: MediaProcess) -> None:
        self.url = media.relay_url("gate")
        self.talk = Conversation(("127.0.0.1", media.relay_port), USER.name, USER.password)

    def is_in(self) -> bool:
        """Whether it gets an answer: there is no such channel, which only users are told."""
        try:
            self.talk.ask("DESCRIBE", self.url)
        except RefusedError as error:
            return error.status == 404
        return False


async def member(media: MediaProcess, stack: AsyncExitStack) -> Member:
    one = await asyncio.to_thread(Member, media)
    stack.callback(one.talk.close)
    assert await asyncio.to_thread(one.is_in)
    return one


async def test_strangers_of_one_network_hold_a_quarter_of_the_seats() -> None:
    async with running(MediaSettings(max_clients=SEATS, login_s=LONG_S)) as media, AsyncExitStack() as stack:
        await media.set_relay_users([USER])
        early = await member(media, stack)
        async with crowd(media, ["127.0.0.1"] * 20) as strangers:
            # The newest, of whom it may be said that they had no time yet.
            assert await remaining(strangers, SEATS // 4) == [18, 19]
            for _ in range(3):
                await member(media, stack)
            assert await asyncio.to_thread(early.is_in)


async def test_strangers_of_many_networks_never_hold_all_seats() -> None:
    async with running(MediaSettings(max_clients=SEATS, login_s=LONG_S)) as media, AsyncExitStack() as stack:
        await media.set_relay_users([USER])
        members = [await member(media, stack)]
        async with crowd(media, [f"127.0.0.{number}" for number in range(2, 22)]) as strangers:
            assert await remaining(strangers, SEATS // 2) == [16, 17, 18, 19]
            # Users have them all, if they like.
            while len(members) < SEATS:
                members.append(await member(media, stack))
            await remaining(strangers, 0)
            for one in members:
                assert await asyncio.to_thread(one.is_in)


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b"OPTIONS rtsp://127.0.0.1/gate RTSP/1.0\r\nCSeq: 1\r\n\r\n",
        b"DESCRIBE rtsp://127.0.0.1/gate RTSP/1.0\r\nCSeq: 1\r\n\r\n",
        b"GET /gate HTTP/1.0\r\nx-sessioncookie: a\r\n\r\n",
        b"DESCRIBE rtsp",
    ],
    ids=["silent", "curious", "refused", "tunnel", "slow"],
)
async def test_who_does_not_log_in_is_ended_and_who_did_stays(words: bytes) -> None:
    async with running(MediaSettings(login_s=1)) as media, AsyncExitStack() as stack:
        await media.set_relay_users([USER])
        user = await member(media, stack)
        async with crowd(media, ["127.0.0.1"] * 3, words) as strangers:
            await remaining(strangers, 0)
        assert await asyncio.to_thread(user.is_in)


async def test_who_comes_through_a_tunnel_logs_in_on_one_of_its_two_connections_and_keeps_both(
    start_camera: StartCamera, watch: Watch
) -> None:
    async with running(MediaSettings(login_s=1)) as media:
        await media.set_relay_users([USER])
        await media.add_stream(source(await start_camera()))
        await next_of(media.frames("gate"))
        client = await watch(media.relay_url("gate").replace("rtsp", "rtsph", 1))
        first = await client.line()
        while (line := await client.line())["time"] < first["time"] + 4:
            assert "number" in line
