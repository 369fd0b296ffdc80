"""Keeps one camera connected, and tells when it comes and goes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from enum import StrEnum

from engine.cameras.errors import CameraError, CameraRefused
from engine.cameras.protocols import Camera
from engine.core.clock import Clock

WATCH_S = 8.0
"""Time between two looks at a camera that is online."""
SECOND_LOOK_S = 1.0
"""A camera that misses one look gets another one so soon before it counts as offline."""
BACKOFF_S = (1.0, 30.0)
"""The first and the longest pause between attempts to reach a camera; each is twice the one before."""
REFUSED_S = 60.0
"""The pause after a refused password: many cameras lock a user out after five attempts in a few minutes."""

_log = logging.getLogger(__name__)


class CameraState(StrEnum):
    """How a camera is."""

    CONNECTING = "connecting"
    ONLINE = "online"
    OFFLINE = "offline"
    REFUSED = "refused"


class CameraSupervisor:
    """Connects a camera, watches it, and connects it again.

    `on_change(state, reason)` is called once for each change between online, offline and refused, in the event loop,
    after `state` and `reason` were set. It must not raise.
    """

    def __init__(self, camera: Camera, clock: Clock, on_change: Callable[[CameraState, str], None]) -> None:
        self.camera = camera
        self.state = CameraState.CONNECTING
        self.reason = ""
        self._clock = clock
        self._on_change = on_change
        self._backoff_s = BACKOFF_S[0]
        self._missed = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def online(self) -> bool:
        """Whether the camera works."""
        return self.state is CameraState.ONLINE

    def start(self) -> None:
        """Begins."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"camera {self.camera.name}")

    async def stop(self) -> None:
        """Ends, and closes the camera."""
        task, self._task = self._task, None
        if task:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self.camera.close()

    async def _run(self) -> None:
        while True:
            try:
                pause_s = await self._visit()
            except Exception:  # noqa: BLE001 - logged, and the camera is looked for all the same
                _log.exception("camera %r at %s", self.camera.name, self.camera.address)
                pause_s = BACKOFF_S[1]
            await self._clock.sleep(pause_s)

    async def _visit(self) -> float:
        """One look or attempt; returns the seconds until the next."""
        try:
            if self.online:
                await self.camera.check()
            else:
                await self.camera.connect()
        except CameraRefused as error:
            self._change(CameraState.REFUSED, error)
            return REFUSED_S
        except CameraError as error:
            if self.online and not self._missed:
                self._missed += 1
                return SECOND_LOOK_S
            self._change(CameraState.OFFLINE, error)
            pause, self._backoff_s = self._backoff_s, min(self._backoff_s * 2, BACKOFF_S[1])
            return pause
        self._missed = 0
        self._backoff_s = BACKOFF_S[0]
        self._change(CameraState.ONLINE, None)
        return WATCH_S

    def _change(self, state: CameraState, error: CameraError | None) -> None:
        self.reason = str(error) if error else ""
        if state is self.state:
            return
        self.state = state
        self._missed = 0
        if error:
            _log.warning("%s", error)
        else:
            _log.info("camera %r at %s is online", self.camera.name, self.camera.address)
        self._on_change(state, self.reason)
