"""Snapshots that were asked of the media process."""

from __future__ import annotations

import asyncio
import itertools
import mmap
import os
from collections.abc import Callable

from engine.media.messages import SnapshotFailed, SnapshotTaken
from engine.media.ring import RingFormat, as_image
from engine.media.values import Snapshot, SnapshotUnavailable

WAIT_S = 10.0
"""The media process has so long to answer."""


class SnapshotRequests:
    """Those that have not come yet. Belongs to one event loop."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Snapshot]] = {}

    async def answer(self, channel: str, ask: Callable[[int], None]) -> Snapshot:
        """Asks by a number, and waits for what comes for it. Raises SnapshotUnavailable."""
        number = next(self._numbers)
        answer: asyncio.Future[Snapshot] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            ask(number)
            async with asyncio.timeout(WAIT_S):
                return await answer
        except TimeoutError:
            raise SnapshotUnavailable(f"no snapshot of channel {channel} after {WAIT_S:.0f} s") from None
        finally:
            self._waiting.pop(number, None)

    def take(self, taken: SnapshotTaken, descriptors: list[int]) -> None:
        """One is there; the descriptors are closed."""
        answer = self._waiting.get(taken.request)
        try:
            if answer is not None and not answer.done():
                answer.set_result(_read(taken, descriptors))
        except (ValueError, IndexError, OSError) as error:
            self.fail(SnapshotFailed(taken.request, f"the media process described the picture wrongly: {error}"))
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def fail(self, failed: SnapshotFailed) -> None:
        """One cannot be had."""
        answer = self._waiting.get(failed.request)
        if answer is not None and not answer.done():
            answer.set_exception(SnapshotUnavailable(f"no snapshot: {failed.reason}"))

    def fail_all(self, reason: str) -> None:
        """None of them will come."""
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(SnapshotUnavailable(reason))


def _read(taken: SnapshotTaken, descriptors: list[int]) -> Snapshot:
    shape = RingFormat(taken.width, taken.height, taken.stride, 1)
    shape.check()
    # A private mapping: no copy, writable, and given back with the last array that uses it.
    memory = mmap.mmap(descriptors[0], shape.picture_bytes, access=mmap.ACCESS_COPY, trackfd=False)
    return Snapshot(as_image(memory, shape), taken.captured_at)
