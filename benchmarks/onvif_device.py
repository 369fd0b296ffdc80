"""`python -m benchmarks.onvif_device READY`: the library's device alone in a process, with two channels, one moving.

The user comes in the variable BENCHMARK_DEVICE, as JSON. Writes to READY when it listens: its port, the time, and the
processor time that it has taken until then. SIGUSR1 makes it publish `EVENTS` events.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from benchmarks.onvif_names import DEVICE_VARIABLE, EVENTS, FIXED, MOVING
from onvif_server import DeviceSettings, OnvifDevice
from onvif_server.backend import (
    Account,
    Backend,
    Caller,
    DeviceInformation,
    Level,
    Ptz,
    PtzCapabilities,
    PtzPreset,
    PtzSpeed,
    PtzStatus,
    Refusal,
    Refused,
    StaticUsers,
    StreamRequest,
    Topic,
    VideoChannel,
)
from onvif_server.events import topics

MEMORY_S = 5.0
"""How long credentials that were used are remembered, so that memory shows its level soon; five minutes by default."""


class Head(Ptz):
    """Motors that stand where they were sent."""

    capabilities = PtzCapabilities(maximum_presets=16)

    def __init__(self) -> None:
        self._at = [0.0, 0.0, 0.0]
        self._presets: dict[str, PtzPreset] = {}
        self._made = 0
        self._moving = False

    async def move_absolute(
        self, caller: Caller, *, pan_deg: float | None, tilt_deg: float | None, zoom: float | None, speed: PtzSpeed
    ) -> None:
        """See `Ptz`."""
        self._at = [old if new is None else new for old, new in zip(self._at, (pan_deg, tilt_deg, zoom), strict=True)]

    async def move_relative(
        self, caller: Caller, *, pan_deg: float | None, tilt_deg: float | None, zoom: float | None, speed: PtzSpeed
    ) -> None:
        """See `Ptz`."""
        self._at[0] += pan_deg or 0.0

    async def move_relative_fov(
        self, caller: Caller, *, x: float | None, y: float | None, zoom: float | None, speed: PtzSpeed
    ) -> None:
        """See `Ptz`."""
        self._at[0] += x or 0.0

    async def move_continuous(
        self, caller: Caller, *, pan: float | None, tilt: float | None, zoom: float | None, timeout_s: float
    ) -> None:
        """See `Ptz`."""
        self._moving = True

    async def stop(self, caller: Caller, *, pan_tilt: bool, zoom: bool) -> None:
        """See `Ptz`."""
        self._moving = False

    async def status(self) -> PtzStatus:
        """See `Ptz`."""
        pan, tilt, zoom = self._at
        return PtzStatus(
            pan_deg=pan, tilt_deg=tilt, zoom=zoom, pan_tilt_moving=self._moving, zoom_moving=False, at=time.time()
        )

    async def presets(self) -> Sequence[PtzPreset]:
        """See `Ptz`."""
        return tuple(self._presets.values())

    async def set_preset(self, caller: Caller, *, token: str | None, name: str | None) -> str:
        """See `Ptz`."""
        if token is None:
            if len(self._presets) >= self.capabilities.maximum_presets:
                raise Refused(Refusal.TOO_MANY_PRESETS)
            self._made += 1
            token = str(self._made)
        self._presets[token] = PtzPreset(token, name or token, *self._at)
        return token

    async def goto_preset(self, caller: Caller, token: str, speed: PtzSpeed) -> None:
        """See `Ptz`."""
        if token not in self._presets:
            raise Refused(Refusal.NO_SUCH_PRESET)

    async def remove_preset(self, caller: Caller, token: str) -> None:
        """See `Ptz`."""
        if self._presets.pop(token, None) is None:
            raise Refused(Refusal.NO_SUCH_PRESET)

    async def goto_home(self, caller: Caller, speed: PtzSpeed) -> None:
        """See `Ptz`."""
        self._at = [0.0, 0.0, 0.0]

    async def set_home(self, caller: Caller) -> None:
        """See `Ptz`."""
        raise Refused(Refusal.NOT_ALLOWED)


class Host(Backend):
    """Two channels, and one topic of rules."""

    information = DeviceInformation(
        manufacturer="Benchmark",
        model="Two channels",
        firmware_version="1.0",
        serial_number="1",
        hardware_id="1",
        name="Benchmark",
        uuid=UUID("2f7b3c52-51b5-4e43-8a5e-0f3f6f8d1c11"),
        mac="02:00:00:00:00:01",
    )
    channels = tuple(
        VideoChannel(token=token, name=token, width=1920, height=1080, fps=25.0) for token in (FIXED, MOVING)
    )
    topics: Sequence[Topic] = (topics.OBJECTS_INSIDE,)

    def __init__(self) -> None:
        self._head = Head()

    def ptz(self, channel: str) -> Ptz | None:
        """See `Backend`."""
        return self._head if channel == MOVING else None

    def stream_uri(self, channel: str, request: StreamRequest) -> str:
        """See `Backend`."""
        return f"rtsp://{request.host}:8554/{channel}"

    async def snapshot(self, channel: str) -> bytes:
        """See `Backend`."""
        return b"\xff\xd8\xff\xd9"


async def _serve(ready: Path) -> None:
    from benchmarks.notes import write_note  # the device's own imports are to be measured, and no more

    login = json.loads(os.environ[DEVICE_VARIABLE])
    users = StaticUsers({login["user"]: Account(login["password"], Level.ADMINISTRATOR)})
    device = OnvifDevice(Host(), users, DeviceSettings(token_window_s=MEMORY_S, nonce_lifetime_s=MEMORY_S))
    port = await device.start("127.0.0.1")
    used_s, at = time.process_time(), time.time()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    loop.add_signal_handler(signal.SIGUSR1, _publish, device)
    write_note(ready, {"port": port, "at": at, "used_s": used_s})
    await ended.wait()
    await device.stop()


def _publish(device: OnvifDevice) -> None:
    source = {"VideoSourceConfigurationToken": FIXED, "VideoAnalyticsConfigurationToken": FIXED, "Rule": "lawn"}
    for number in range(EVENTS):
        device.broker.publish(
            topics.OBJECTS_INSIDE.path, source=source, key={"ObjectId": "1"}, data={"IsInside": number % 2 == 0}
        )


def main() -> None:
    """Serves until it is ended."""
    asyncio.run(_serve(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
