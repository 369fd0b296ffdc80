"""Key frames that clients ask for, ordered from the camera behind a channel."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine

from engine.cameras.errors import CameraError
from engine.core.clock import Clock

INTERVAL_S = 1.0
"""A channel's camera is asked for key frames at most so often, for they cost bandwidth on its way to everybody."""

_log = logging.getLogger(__name__)


class KeyFrames:
    """Orders the key frames of one channel, for all clients of all devices.

    `order` asks the camera; `spawn` keeps the task in which that is done, so that no client waits for a camera that is
    slow, and none fails with a camera that cannot.
    """

    def __init__(
        self,
        channel: str,
        order: Callable[[], Awaitable[None]],
        clock: Clock,
        spawn: Callable[[Coroutine[None, None, None]], asyncio.Task[None]],
    ) -> None:
        self._channel = channel
        self._order = order
        self._clock = clock
        self._spawn = spawn
        self._working = False
        self._wanted = False
        self._troubled = False

    def request(self) -> None:
        """Has a key frame sent soon. Whoever asks within the interval after another gets one at its end."""
        self._wanted = True
        if not self._working:
            self._working = True
            self._spawn(self._work())

    async def _work(self) -> None:
        try:
            while self._wanted:
                self._wanted = False
                await self._ask()
                await self._clock.sleep(INTERVAL_S)
        finally:
            self._working = False

    async def _ask(self) -> None:
        try:
            await self._order()
        except CameraError as error:
            if not self._troubled:
                _log.warning("no key frame of %s could be ordered: %s", self._channel, error)
            self._troubled = True
        else:
            self._troubled = False
