"""Cameras and viewers in processes of their own, and a media process to look at them."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.core.clock import SystemClock
from engine.core.values import Image
from engine.media import MediaEvent, MediaProcess, MediaSettings, RelayUser, StreamSource

PATIENCE_S = 120.0
"""Long enough for a crowded machine; nothing waits for it when all is well."""

FPS = 25

USER = RelayUser(name="nvr", password="nvr secret")
"""Whom `watch` logs in as."""


def read_number(image: Image) -> int:
    """The bar code of a picture drawn by rtsp_camera.py."""
    height, width, _ = image.shape
    bar = width // 16
    row = image[height // 2, :, 1]
    return sum(1 << bit for bit in range(16) if row[bit * bar + bar // 2] > 126)


def instant_of(image: Image, near: float, fps: int = FPS) -> float:
    """When the picture was drawn; the bar code repeats every 65536 frames, so a time near it is needed."""
    expected = round(near * fps)
    difference = (read_number(image) - expected + 32768) % 65536 - 32768
    return (expected + difference) / fps


class Process:
    """A helper script whose JSON lines can be waited for."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def start(cls, script: str, *arguments: str) -> Process:
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                str(Path(__file__).with_name(script)),
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=2**20,
            )
        )

    async def line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            line = await self.process.stdout.readline()
        assert line, "the helper process ended"
        return json.loads(line)

    async def kill(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)


class Camera(Process):
    """An RTSP camera of tests/engine/media/rtsp_camera.py."""

    port = 0

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/live"


type StartCamera = Callable[..., Coroutine[Any, Any, Camera]]
type Watch = Callable[..., Coroutine[Any, Any, Process]]


@pytest.fixture
async def start_camera() -> AsyncIterator[StartCamera]:
    """Starts cameras: `await start_camera(users={...}, codec="h265")`; all end with the test."""
    async with AsyncExitStack() as stack:

        async def start(**options: Any) -> Camera:
            camera = await Camera.start("rtsp_camera.py", json.dumps(options))
            stack.push_async_callback(camera.kill)
            camera.port = (await camera.line())["port"]
            return camera

        yield start


@pytest.fixture
async def start_viewer() -> AsyncIterator[Callable[..., Coroutine[Any, Any, Process]]]:
    """Starts viewers: `await start_viewer(url, user, password)`; all end with the test."""
    async with AsyncExitStack() as stack:

        async def start(url: str, user: str, password: str, protocols: str = "tcp") -> Process:
            viewer = await Process.start("rtsp_viewer.py", url, user, password, protocols)
            stack.push_async_callback(viewer.kill)
            return viewer

        yield start


@pytest.fixture
async def watch() -> AsyncIterator[Watch]:
    """Starts clients that tell of every track: `await watch(url, "protocols=tcp")`; all end with the test."""
    async with AsyncExitStack() as stack:

        async def start(url: str, *properties: str) -> Process:
            client = await Process.start("rtsp_tracks.py", url, USER.name, USER.password, *properties)
            stack.push_async_callback(client.kill)
            return client

        yield start


@pytest.fixture
async def media() -> AsyncIterator[MediaProcess]:
    """A media process on any free port."""
    async with running(MediaSettings()) as process:
        yield process


@asynccontextmanager
async def running(settings: MediaSettings) -> AsyncGenerator[MediaProcess]:
    process = MediaProcess(settings, SystemClock())
    await process.start()
    try:
        yield process
    finally:
        await process.stop()


async def make_certificate(folder: Path) -> tuple[str, str]:
    """The files of a certificate for 127.0.0.1, and of its key."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subject = ("-subj", "/CN=relay", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1")
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    command = ("openssl", "req", "-x509", *kind, "-keyout", str(key), "-out", str(certificate), *subject)
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    return str(certificate), str(key)


def source(camera: Camera, **values: Any) -> StreamSource:
    """The stream of a camera, as channel `gate`."""
    return StreamSource(**({"channel": "gate", "url": camera.url, "analysis_width": 160} | values))


async def event_of[E: MediaEvent](events: AsyncIterator[MediaEvent], kind: type[E]) -> E:
    """The next event of a kind."""
    async with asyncio.timeout(PATIENCE_S):
        async for event in events:
            if isinstance(event, kind):
                return event
    raise AssertionError("the events ended")


async def next_of[T](iterator: AsyncIterator[T]) -> T:
    """The next item, with patience."""
    async with asyncio.timeout(PATIENCE_S):
        return await anext(iterator)
