"""What is sent by multicast unasked: a relay that describes something else is a trouble that is said."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace

import pytest

from engine.media import RelayUser, Target, Tracks
from engine.media.messages import SetMulticast
from engine.media.multicast import Multicasts
from tests.engine.media.conftest import PATIENCE_S

pytestmark = pytest.mark.ledger("VID-2", "ONVIF-2")

SDP = "v=0\r\na=control:*\r\nm=video 0 RTP/AVP 96\r\na=control:stream=0\r\n"


async def test_fewer_tracks_than_ordered_are_said_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    calls = 0

    async def describe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: {len(SDP)}\r\n\r\n{SDP}".encode())
        await reader.read()
        writer.close()

    server = await asyncio.start_server(describe, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()[:2]
    multicasts = Multicasts(address, RelayUser(name="us", password="ourselves"))
    multicasts.order(SetMulticast("gate", {"METADATA": Target("239.192.7.9", 40004)}, ("METADATA",)))
    path = SimpleNamespace(tracks=(Tracks.VIDEO, Tracks.METADATA))
    try:
        async with asyncio.timeout(PATIENCE_S):
            while calls < 3:
                multicasts.send("gate", path, "/gate/multicast")  # type: ignore[arg-type]
                await asyncio.sleep(0.02)
    finally:
        multicasts.stop("gate")
        server.close()
    said = [record.getMessage() for record in caplog.records]
    expected = (
        "channel gate cannot be sent by multicast: 1 tracks are described where 2 were expected; it is tried again"
    )
    # Once, not with every try.
    assert said == [expected]
