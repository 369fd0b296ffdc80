"""One channel, as the engine holds it: the newest picture, who waits for it, and how the stream does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

from engine.core.values import Frame
from engine.media.messages import RingOpened, StreamReport
from engine.media.ring import RingFormat, RingReader
from engine.media.values import StreamSource, StreamStatistics

ASSUMED_CODEC = "h264"
"""Of pictures that never came."""


class Channel:
    """Hands the newest picture to whoever iterates. It outlives the media process: sequence numbers go on."""

    def __init__(self, source: StreamSource) -> None:
        self.source = source
        self.connected = False
        self.codec = ASSUMED_CODEC
        self._ring: RingReader | None = None
        self._base = 0
        self._newest = 0
        self._waiting: set[asyncio.Future[None]] = set()
        self._closed = False
        self._analysed = 0
        self._skipped = 0
        self._undecoded = 0
        self._report: StreamReport | None = None

    def open_ring(self, opened: RingOpened, descriptors: list[int]) -> None:
        """Reads from a new ring from now on. Raises ValueError when the worker's description is wrong."""
        self.drop_ring()
        if len(descriptors) != 2:
            for descriptor in descriptors:
                os.close(descriptor)
            raise ValueError(f"a ring of pictures came with {len(descriptors)} descriptors")
        shape = RingFormat(opened.width, opened.height, opened.stride, opened.slots)
        self._ring = RingReader(shape, descriptors[0], descriptors[1])
        asyncio.get_running_loop().add_reader(self._ring.wake_fd, self._wake)

    def drop_ring(self) -> None:
        """The ring's writer is gone, or the stream is."""
        ring, self._ring = self._ring, None
        if ring is not None:
            asyncio.get_running_loop().remove_reader(ring.wake_fd)
            self._newest = self._base + ring.newest_sequence
            ring.close()
        self._base = self._newest

    def take_report(self, report: StreamReport) -> None:
        """The worker's statistics."""
        self._report = report
        self.codec = report.codec or self.codec

    @property
    def metadata_watched(self) -> bool:
        """Whether a client of the relay takes the channel's metadata, as of the last report."""
        return self._report is not None and self._report.metadata_watched

    @property
    def metadata_plays(self) -> int:
        """How often clients of the relay have begun to take the channel's metadata; begins anew with the worker."""
        return self._report.metadata_plays if self._report is not None else 0

    def worker_died(self) -> None:
        """Everything that the worker held is gone."""
        self.connected = False
        if self._report is not None:
            self._undecoded += self._report.undecoded
        self._report = None
        self.drop_ring()

    def close(self) -> None:
        """The stream was removed: iterations end."""
        self._closed = True
        self.drop_ring()
        self._release()

    def _wake(self) -> None:
        ring = self._ring
        if ring is not None:
            ring.acknowledge()
            self._newest = self._base + ring.newest_sequence
            self._release()

    def _release(self) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    async def frames(self) -> AsyncIterator[Frame]:
        """Every picture from now on that the consumer is quick enough for; always the newest."""
        last = self._newest
        while not self._closed:
            frame = self._take(after=last)
            if frame is None:
                await self._wait()
                continue
            self._analysed += 1
            self._skipped += frame.sequence - last - 1
            last = frame.sequence
            yield frame

    def _take(self, after: int) -> Frame | None:
        if self._ring is None:
            return None
        picture = self._ring.newest(after - self._base)
        if picture is None:
            return None
        sequence = self._base + picture.sequence
        return Frame(self.source.channel, picture.image, picture.captured_at, picture.arrived_at, sequence)

    async def _wait(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            await waiter
        finally:
            self._waiting.discard(waiter)

    def statistics(self) -> StreamStatistics:
        """How the stream does, as of the worker's last report (one a second)."""
        report = self._report
        undecoded = self._undecoded + (report.undecoded if report is not None else 0)
        return StreamStatistics(
            received_fps=report.received_fps if report is not None else 0.0,
            analysed=self._analysed,
            skipped=self._skipped + undecoded,
            connected=self.connected,
            last_frame_at=report.last_frame_at if report is not None else None,
            width=report.width if report is not None else None,
            height=report.height if report is not None else None,
            codec=report.codec if report is not None else None,
            audio=report.audio if report is not None else None,
        )
