"""The example as a program: a real client sees its profile and its picture."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from onvif import ONVIFCamera

from onvif_server.example.picture import HEIGHT, WIDTH, draw

pytestmark = pytest.mark.ledger("ONVIF-1")

MEMORY_BYTES = 200 * 1024 * 1024


class Example:
    """The running program, and what it said."""

    def __init__(self, process: asyncio.subprocess.Process, output: str, began: float) -> None:
        self.process = process
        self.output = output
        self.began = began

    @property
    def port(self) -> int:
        return int(re.search(r"ONVIF is at http://127\.0\.0\.1:(\d+)/", self.output)[1])

    @property
    def password(self) -> str:
        return re.search(r"password of viewer: (\S+)", self.output)[1]


async def start(**environment: str) -> Example:
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "onvif_server.example", "--port", "0", "--user", "viewer"),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, **environment},
    )
    output = ""
    async with asyncio.timeout(30):
        while "ready\n" not in output:
            line = await process.stdout.readline()
            assert line, output
            output += line.decode()
    return Example(process, output, began)


async def end(example: Example) -> None:
    example.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(10):
        assert await example.process.wait() == 0


@pytest.fixture
async def example() -> AsyncIterator[Example]:
    running = await start()
    yield running
    await end(running)


async def test_a_client_sees_the_picture(example: Example, capsys: pytest.CaptureFixture[str]) -> None:
    client = ONVIFCamera("127.0.0.1", example.port, "viewer", example.password)
    try:
        await client.update_xaddrs()
        media = await client.create_media_service()
        [profile] = await media.GetProfiles()
        waited = time.monotonic() - example.began
        jpeg = await client.get_snapshot(profile.token)
        later = await client.get_snapshot(profile.token)
    finally:
        await client.close()
    resident = int(Path(f"/proc/{example.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    with capsys.disabled():
        print(f"\nexample: {waited:.2f} s to the first GetProfiles (client included), {resident / 1e6:.0f} MB")
    resolution = profile.VideoEncoderConfiguration.Resolution
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), 0).shape == (resolution.Height, resolution.Width)
    assert later != jpeg, "it moves"
    assert resident < MEMORY_BYTES


async def test_the_password_can_be_given() -> None:
    example = await start(ONVIF_EXAMPLE_PASSWORD="chosen-before")
    client = ONVIFCamera("127.0.0.1", example.port, "viewer", "chosen-before")
    try:
        assert "password" not in example.output
        await client.update_xaddrs()
        assert len(await (await client.create_media_service()).GetProfiles()) == 1
    finally:
        await client.close()
        await end(example)


async def test_its_video_can_be_watched(example: Example) -> None:
    if "no video" in example.output:
        pytest.skip("gst-rtsp-server or x264enc is not there")
    client = ONVIFCamera("127.0.0.1", example.port, "viewer", example.password)
    try:
        await client.update_xaddrs()
        media = await client.create_media_service()
        [profile] = await media.GetProfiles()
        setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
        url = (await media.GetStreamUri({"StreamSetup": setup, "ProfileToken": profile.token})).Uri
    finally:
        await client.close()
    assert await described(url, None) == 401
    assert await described(url, example.password) == 200


async def described(url: str, password: str | None) -> int:
    """The status of RTSP's DESCRIBE, with digest if there is a password."""
    import hashlib

    port = int(re.search(r":(\d+)/", url)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    authorization = ""
    try:
        for number in (1, 2):
            writer.write(f"DESCRIBE {url} RTSP/1.0\r\nCSeq: {number}\r\n{authorization}\r\n".encode())
            async with asyncio.timeout(10):
                answer = (await reader.readuntil(b"\r\n\r\n")).decode()
            status = int(answer.split()[1])
            if status != 401 or password is None:
                return status
            realm, nonce = (re.search(rf'{name}="(.*?)"', answer)[1] for name in ("realm", "nonce"))
            first, second = (
                hashlib.md5(text.encode()).hexdigest() for text in (f"viewer:{realm}:{password}", f"DESCRIBE:{url}")
            )
            response = hashlib.md5(f"{first}:{nonce}:{second}".encode()).hexdigest()
            authorization = (
                f'Authorization: Digest username="viewer", realm="{realm}", nonce="{nonce}", uri="{url}", '
                f'response="{response}"\r\n'
            )
        return status
    finally:
        writer.close()


@pytest.mark.parametrize("step", [0, 1, 39, 40])
def test_the_picture_is_a_jpeg_with_a_bar_that_moves(step: int) -> None:
    picture = cv2.imdecode(np.frombuffer(draw(step), np.uint8), 0)
    assert picture.shape == (HEIGHT, WIDTH)
    assert picture[:, step % 40 * 8].min() > 250
    assert len(np.unique(picture[0])) > 5
