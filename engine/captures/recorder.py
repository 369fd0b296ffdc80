"""Turns the best shot of a target into a capture that lasts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from engine.captures.best_shot import Shot
from engine.captures.pictures import crop, encode_jpeg
from engine.core.bus import Bus
from engine.core.clock import Clock
from engine.core.events import CaptureTaken, Event, StorageError
from engine.core.geometry import Box
from engine.core.values import Image
from engine.store.errors import StoreFailure

_LOG = logging.getLogger(__name__)


class CaptureSink(Protocol):
    """Where captures last; the store's archive is one."""

    async def add(self, capture: CaptureTaken, *, picture: bytes, background: bytes) -> CaptureTaken:
        """Keeps a capture and its two JPEGs; returns it with `picture` and `background` filled in.

        Raises StoreFailure.
        """
        ...


type Offload = Callable[[Callable[[], tuple[bytes, bytes]]], Awaitable[tuple[bytes, bytes]]]
"""Runs a function off the event loop, as `asyncio.to_thread` does."""


class CaptureRecorder:
    """Writes captures to the sink and tells of them on the bus: CaptureTaken, or StorageError when it fails."""

    def __init__(self, sink: CaptureSink, bus: Bus[Event], clock: Clock, offload: Offload = asyncio.to_thread) -> None:
        self._sink = sink
        self._bus = bus
        self._clock = clock
        self._offload = offload

    async def record(self, capture: CaptureTaken, shot: Shot) -> CaptureTaken | None:
        """Stores a shot. `capture` says what it shows, its blob keys still empty. None when it could not be stored."""
        try:
            picture, background = await self._offload(lambda: _encode(shot.snapshot.image, shot.moment.box))
            taken = await self._sink.add(capture, picture=picture, background=background)
        except (StoreFailure, OSError, ValueError) as error:
            _LOG.error("the capture of %s could not be stored: %s", capture.track_id, error)
            self._bus.publish(StorageError(at=self._clock.now(), what="capture", reason=str(error)))
            return None
        self._bus.publish(taken)
        return taken


def _encode(image: Image, box: Box) -> tuple[bytes, bytes]:
    return encode_jpeg(crop(image, box)), encode_jpeg(image)
