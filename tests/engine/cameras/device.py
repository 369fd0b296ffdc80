"""A real ONVIF device with a head that notes what it is told, for these tests."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from onvif_server.backend import (
    Account,
    Backend,
    Caller,
    DeviceInformation,
    Ptz,
    PtzCapabilities,
    PtzPreset,
    PtzSpeed,
    PtzStatus,
    Range,
    Refusal,
    Refused,
    StaticUsers,
    StreamRequest,
    Topic,
    VideoChannel,
)
from onvif_server.device import OnvifDevice
from onvif_server.settings import DeviceSettings

USERNAME, PASSWORD = "engine", "right horse"
PICTURE = b"\xff\xd8 not really a picture \xff\xd9"


class Head(Ptz):
    """Motors that are where they were sent at once, and remember every command."""

    capabilities = PtzCapabilities(pan_deg=Range(-170.0, 170.0), tilt_deg=Range(-80.0, 20.0))

    def __init__(self) -> None:
        self.pan_deg, self.tilt_deg, self.zoom = 10.0, -20.0, 0.25
        self.moving = False
        self.commands: list[tuple[str, dict[str, Any]]] = []
        self.kept: dict[str, PtzPreset] = {}

    def _note(self, command: str, **values: Any) -> None:
        self.commands.append((command, values))

    async def move_absolute(
        self, caller: Caller, *, pan_deg: float | None, tilt_deg: float | None, zoom: float | None, speed: PtzSpeed
    ) -> None:
        self._note("absolute", pan_deg=pan_deg, tilt_deg=tilt_deg, zoom=zoom, speed=speed)
        self.pan_deg = self.pan_deg if pan_deg is None else pan_deg
        self.tilt_deg = self.tilt_deg if tilt_deg is None else tilt_deg
        self.zoom = self.zoom if zoom is None else zoom

    async def move_relative(
        self, caller: Caller, *, pan_deg: float | None, tilt_deg: float | None, zoom: float | None, speed: PtzSpeed
    ) -> None:
        self._note("relative", pan_deg=pan_deg, tilt_deg=tilt_deg, zoom=zoom, speed=speed)

    async def move_relative_fov(
        self, caller: Caller, *, x: float | None, y: float | None, zoom: float | None, speed: PtzSpeed
    ) -> None:
        self._note("in view", x=x, y=y, zoom=zoom, speed=speed)

    async def move_continuous(
        self, caller: Caller, *, pan: float | None, tilt: float | None, zoom: float | None, timeout_s: float
    ) -> None:
        self._note("continuous", pan=pan, tilt=tilt, zoom=zoom, timeout_s=timeout_s)
        self.moving = True

    async def stop(self, caller: Caller, *, pan_tilt: bool, zoom: bool) -> None:
        self._note("stop", pan_tilt=pan_tilt, zoom=zoom)
        self.moving = False

    async def status(self) -> PtzStatus:
        return PtzStatus(
            pan_deg=self.pan_deg,
            tilt_deg=self.tilt_deg,
            zoom=self.zoom,
            pan_tilt_moving=self.moving,
            zoom_moving=False,
            at=time.time(),
        )

    async def presets(self) -> Sequence[PtzPreset]:
        return list(self.kept.values())

    async def set_preset(self, caller: Caller, *, token: str | None, name: str | None) -> str:
        token = token or f"p{len(self.kept) + 1}"
        self.kept[token] = PtzPreset(token, name or token, self.pan_deg, self.tilt_deg, self.zoom)
        return token

    async def goto_preset(self, caller: Caller, token: str, speed: PtzSpeed) -> None:
        if token not in self.kept:
            raise Refused(Refusal.NO_SUCH_PRESET)
        self._note("preset", token=token, speed=speed)

    async def remove_preset(self, caller: Caller, token: str) -> None:
        del self.kept[token]

    async def goto_home(self, caller: Caller, speed: PtzSpeed) -> None:
        self._note("home")

    async def set_home(self, caller: Caller) -> None:
        self._note("set home")


class Yard(Backend):
    """A device with a fixed channel and a movable one."""

    topics: Sequence[Topic] = ()

    information = DeviceInformation(
        manufacturer="Testers",
        model="Dome 1",
        firmware_version="1.2.3",
        serial_number="42",
        hardware_id="A",
        name="yard",
        uuid=uuid.uuid4(),
        mac="02:00:00:00:00:01",
    )
    channels = (
        VideoChannel(token="wide", name="Wide", width=1280, height=720, fps=12),
        VideoChannel(token="dome", name="Dome", width=1920, height=1080, fps=25),
    )

    def __init__(self) -> None:
        self.head = Head()
        self.key_frames: list[str] = []

    def ptz(self, channel: str) -> Head | None:
        return self.head if channel == "dome" else None

    def stream_uri(self, channel: str, request: StreamRequest) -> str:
        return f"rtsp://{request.host}:8554/{channel}"

    async def snapshot(self, channel: str) -> bytes:
        return PICTURE

    async def synchronize(self, channel: str) -> None:
        self.key_frames.append(channel)


@dataclass(kw_only=True)
class Quirks:
    """How a camera departs from the best one: bytes of answers that are replaced, and schemes that are missing."""

    replaced: dict[bytes, bytes] = field(default_factory=dict)
    digest_offered: bool = True
    clock_ahead_s: float = 0.0
    password: str = PASSWORD


class Running:
    """A device that runs, and can go away and come back at the same address."""

    def __init__(self, quirks: Quirks) -> None:
        self.yard = Yard()
        self.quirks = quirks
        self.users = StaticUsers({USERNAME: Account(quirks.password)})
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def head(self) -> Head:
        return self.yard.head

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    async def appear(self) -> None:
        settings = DeviceSettings(now=lambda: time.time() + self.quirks.clock_ahead_s)
        self._device = OnvifDevice(self.yard, self.users, settings)
        app = web.Application(middlewares=[self._spoil])
        app.add_routes(self._device.routes)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]

    async def vanish(self) -> None:
        if self._runner:
            await self._device.stop()
            await self._runner.cleanup()
            self._runner = None

    @property
    def _spoil(self) -> Any:
        @web.middleware
        async def spoil(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            response = await handler(request)
            if not self.quirks.digest_offered:
                response.headers.popall("WWW-Authenticate", None)
            if isinstance(response, web.Response) and isinstance(response.body, bytes):
                body = response.body
                for old, new in self.quirks.replaced.items():
                    body = body.replace(old, new)
                response.body = body
            return response

        return spoil


@asynccontextmanager
async def running(**quirks: Any) -> AsyncIterator[Running]:
    device = Running(Quirks(**quirks))
    await device.appear()
    try:
        yield device
    finally:
        await device.vanish()
