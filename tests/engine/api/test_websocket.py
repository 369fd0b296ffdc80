"""The WebSocket: hello, events, changes, tracks; and clients that misbehave."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import time

import aiohttp
import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from engine.access import Role
from engine.api.application import CONTEXT
from engine.api.messages.state import CameraState, ChannelState, LinkState, RuleState
from engine.core.bus import Bus
from engine.core.events import CameraOffline, RuleKind
from engine.core.geometry import Box
from engine.core.values import TargetType, Track, TrackUpdate
from tests.engine.api.conftest import Api

DOME = ChannelState(id="dome", name="Dome", camera_id="cam2", role="ptz", online=False)


async def join(api: Api, role: Role = Role.USER) -> ClientWebSocketResponse:
    """Connects and reads the hello."""
    connection = await api.http.ws_connect(api.address + "/ws", headers=api.headers(role))
    hello = await receive(connection)
    assert hello["type"] == "hello"
    return connection


async def receive(connection: ClientWebSocketResponse) -> dict[str, object]:
    return await connection.receive_json(timeout=30)


async def closed_with(connection: ClientWebSocketResponse) -> tuple[int | None, str | None]:
    """The close code, and the code of the error message before it."""
    code = None
    while True:
        message = await connection.receive(timeout=30)
        if message.type is WSMsgType.TEXT:
            data = json.loads(message.data)
            code = data["error"]["code"] if data["type"] == "error" else code
        else:
            return connection.close_code, code


async def test_hello_has_everything(api: Api) -> None:
    async with api.http.ws_connect(api.address + "/ws", headers=api.headers(Role.USER)) as connection:
        hello = await receive(connection)
        assert hello == {"type": "hello", "state": (await api.call("GET", "/state"))[1]}


async def test_a_browser_authenticates_by_its_first_message(api: Api) -> None:
    async with api.http.ws_connect(api.address + "/ws") as connection:
        await connection.send_json({"type": "auth", "token": api.tokens[Role.USER]})
        assert (await receive(connection))["type"] == "hello"


@pytest.mark.parametrize(
    ("first", "close_code", "code"),
    [
        ('{"type":"auth","token":"wrong"}', 4401, "wrong_credentials"),
        ('{"type":"subscribe","topics":[]}', 4401, "no_token"),
        ('{"type":"auth"}', 1008, "invalid"),
        ("nonsense", 1008, "invalid"),
        ("[" * 10_000, 1008, "invalid"),
        (None, 4401, "no_token"),
    ],
    ids=["wrong token", "no auth message", "no token", "no JSON", "deep JSON", "silence"],
)
async def test_who_does_not_authenticate_is_sent_away(api: Api, first: str | None, close_code: int, code: str) -> None:
    async with api.http.ws_connect(api.address + "/ws") as connection:
        if first is not None:
            await connection.send_str(first)
        assert await closed_with(connection) == (close_code, code)


async def test_a_wrong_token_in_the_header_is_a_401(api: Api) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await api.http.ws_connect(api.address + "/ws", headers={"Authorization": "Bearer wrong"})
    assert refused.value.status == 401
    status, answer = await api.call("GET", "/ws")
    assert (status, answer["error"]["code"]) == (426, "no_websocket")


@pytest.mark.ledger("SITE-4")
async def test_before_the_activation_there_is_no_websocket(new_api: Api) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await new_api.http.ws_connect(new_api.address + "/ws")
    assert refused.value.status == 403


async def test_events_and_changes_arrive_in_order(api: Api) -> None:
    connection = await join(api)
    api.events.publish(CameraOffline(at=5.0, event_id="e1", channel="dome", reason="gone"))
    assert await receive(connection) == {
        "type": "event",
        "event": {"kind": "camera_offline", "at": 5.0, "event_id": "e1", "channel": "dome", "reason": "gone"},
    }
    api.engine.changes.publish(CameraState(id="cam2", name="Dome", online=False))
    api.engine.changes.publish(DOME)
    api.engine.changes.publish(LinkState(id="l", name="L", overview="yard", ptz="dome"))
    api.engine.changes.publish(RuleState(id="r", name="R", kind=RuleKind.INTRUSION, channel="yard", active=True))
    api.engine.changes.publish(await api.engine.state())
    received = [await receive(connection) for _ in range(5)]
    assert [message["type"] for message in received] == ["camera", "channel", "link", "rule", "state"]
    assert received[1]["channel"]["online"] is False
    await connection.close()


async def test_tracks_come_to_those_who_asked(api: Api) -> None:
    connection = await join(api)
    box = Box(0.1, 0.2, 0.3, 0.4)
    track = Track("t1", "yard", TargetType.PERSON, box, 0.9, 7.0, 5.0, detected=True, confirmed=True)
    update = TrackUpdate("yard", 7.0, (track,), 1.78)
    api.engine.track_updates.publish(update)
    await connection.send_json({"type": "subscribe", "topics": ["tracks"]})
    while (message := await asyncio.wait_for(told(connection, api.engine.track_updates, update), 30)) is None:
        pass
    assert message["type"] == "tracks"
    assert (message["channel"], message["captured_at"]) == ("yard", 7.0)
    assert message["tracks"][0]["track_id"] == "t1"
    await connection.send_json({"type": "subscribe", "topics": ["gossip"]})
    assert (await closed_with(connection))[0] == 1008


async def told(
    connection: ClientWebSocketResponse, bus: Bus[TrackUpdate], update: TrackUpdate
) -> dict[str, object] | None:
    """Publishes once more; the next message if one comes soon. Nothing else tells when a subscription has arrived."""
    bus.publish(update)
    try:
        return await connection.receive_json(timeout=0.2)
    except TimeoutError:
        return None


async def test_a_revoked_token_ends_the_connection(api: Api) -> None:
    connection = await join(api)
    await api.access.remove_user("user1", by="ada")
    assert await closed_with(connection) == (4401, "wrong_credentials")


async def test_an_ended_session_ends_the_connection(api: Api) -> None:
    connection = await join(api)
    await api.clock.advance(12 * 3600 + 1)
    assert await closed_with(connection) == (4401, "wrong_credentials")


async def test_there_is_room_for_so_many(api: Api) -> None:
    connections = [await join(api) for _ in range(5)]
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await join(api)
    assert refused.value.status == 503
    await connections.pop().close()
    while True:
        try:
            connections.append(await join(api))
            break
        except aiohttp.WSServerHandshakeError:
            await asyncio.sleep(0.02)
    for connection in connections:
        await connection.close()


async def test_a_stopping_engine_says_goodbye(api: Api) -> None:
    connection = await join(api)
    stopping = asyncio.create_task(api.server.stop())
    assert await closed_with(connection) == (1001, "going_away")
    await stopping


async def test_a_message_beyond_the_limit_ends_the_connection(api: Api) -> None:
    connection = await join(api)
    await connection.send_str("x" * 20_000)
    assert (await closed_with(connection))[0] == 1009


async def deaf_client(api: Api) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client on a bare socket with a small buffer, which shakes hands and then never reads again."""
    bare = socket.socket()
    bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    bare.setblocking(False)
    await asyncio.get_running_loop().sock_connect(bare, ("127.0.0.1", api.server.port))
    reader, writer = await asyncio.open_connection(sock=bare, limit=1024)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET /api/v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        f"Authorization: Bearer {api.tokens[Role.USER]}\r\n\r\n".encode()
    )
    assert b"101" in await reader.readline()
    writer.transport.pause_reading()
    return reader, writer


async def test_a_client_that_does_not_read_is_dropped_and_nobody_waits_for_it(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "engine.api")
    _, deaf = await deaf_client(api)
    listener = await join(api)
    slowest, published = 0.0, 0
    while "does not read and is dropped" not in caplog.text:
        assert published < 20_000, "the client was never dropped"
        event = CameraOffline(at=5.0, event_id=f"e{published}", channel="dome", reason="x" * 10_000)
        began = time.monotonic()
        api.events.publish(event)
        message = await receive(listener)
        slowest = max(slowest, time.monotonic() - began)
        assert message["event"]["event_id"] == f"e{published}", "the one who reads misses nothing"
        published += 1
    assert slowest < 10
    while len(api.server._app[CONTEXT].hub._clients) > 1:
        await asyncio.sleep(0.02)
    api.events.publish(CameraOffline(at=6.0, event_id="after", channel="dome", reason=""))
    assert (await receive(listener))["event"]["event_id"] == "after"
    await listener.close()
    deaf.transport.abort()
