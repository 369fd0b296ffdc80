"""Cameras that only show: RTSP addresses and files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.cameras.errors import CameraFault, CameraUnreachable
from engine.cameras.probe import probe, report_lines
from engine.cameras.streams import FileCamera, RtspCamera
from tests.engine.cameras.sites import camera, channel

pytestmark = pytest.mark.ledger("SITE-1")


@asynccontextmanager
async def server(answer: bytes) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = listening.sockets[0].getsockname()
    async with listening:
        yield f"{host}:{port}"


def rtsp(address: str, stream: str | None = None) -> RtspCamera:
    return RtspCamera(camera(address, channel("yard", stream=stream), driver="rtsp"))


@pytest.mark.parametrize("answer", [b"RTSP/1.0 200 OK\r\n\r\n", b"RTSP/1.0 401 Unauthorized\r\n\r\n"])
async def test_an_rtsp_server_that_answers_is_online(answer: bytes):
    async with server(answer) as address:
        still = rtsp(f"rtsp://{address}/main")
        await still.connect()
        await still.check()
        assert still.motors("yard") is None


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\xff" * 5000, b"RTSP/1.0"])
async def test_an_answer_that_is_not_rtsp_is_a_fault(answer: bytes):
    async with server(answer) as address:
        if answer == b"RTSP/1.0":
            await rtsp(address).connect()  # a first line without an end is still a beginning of RTSP
        else:
            with pytest.raises(CameraFault, match="not RTSP"):
                await rtsp(address).connect()


async def test_nobody_at_the_address_is_unreachable():
    async with server(b"") as address:
        with pytest.raises(CameraUnreachable):
            await rtsp(address).connect()
    with pytest.raises(CameraUnreachable, match="check that it has power"):
        await rtsp(address).connect()


async def test_credentials_in_an_address_never_show():
    still = rtsp("rtsp://someone:s3cret@192.0.2.1:8554/main?x=1")
    assert still.address == "192.0.2.1:8554"
    bare = RtspCamera(
        camera("rtsp://a:b%40c@[2001:db8::1]/x", channel("yard"), driver="rtsp", username=None, password=None)
    )
    stream = await bare.stream_address("yard")
    assert (stream.url, stream.username, stream.password) == ("rtsp://[2001:db8::1]/x", "a", "b@c")
    assert "b@c" not in repr(stream)


async def test_a_channel_may_name_its_own_path_or_address():
    assert (await rtsp("rtsp://192.0.2.1/a", "/sub").stream_address("yard")).url == "rtsp://192.0.2.1/sub"
    assert (await rtsp("192.0.2.1", "rtsp://192.0.2.2/b").stream_address("yard")).url == "rtsp://192.0.2.2/b"


@pytest.mark.parametrize("address", ["http://192.0.2.1/", "rtsp://", "rtsp://host:99999/"])
async def test_an_impossible_address_is_a_fault_with_advice(address: str):
    with pytest.raises(CameraFault, match="write rtsp://"):
        await rtsp(address).connect()


async def test_a_stream_alone_cannot_be_asked_for_key_frames():
    with pytest.raises(CameraFault, match="cannot be told to send a key frame"):
        await rtsp("192.0.2.7").synchronize("gate")


async def test_a_file_is_a_camera(tmp_path: Path):
    clip = tmp_path / "clip.mp4"
    config = camera(str(clip), channel("yard"), driver="file")
    with pytest.raises(CameraUnreachable, match="no such file"):
        await FileCamera(config).connect()
    clip.write_bytes(b"video")
    await FileCamera(config).connect()
    assert (await FileCamera(config).stream_address("yard")).url == clip.as_uri()
    report = await probe(config)
    assert report.error is None
    assert any("motors          no" in line for line in report_lines(report))
