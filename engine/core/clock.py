"""Clocks are injected, so that tests and benchmarks run under a virtual one, faster than real time."""

from __future__ import annotations

import asyncio
import heapq
import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> float:
        """Unix seconds. Somebody may set this clock, also back: for how long something takes, ask `monotonic`."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment of no meaning; nobody sets this clock."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await asyncio.sleep(max(seconds, 0.0))


class VirtualClock:
    """A clock that stands still until it is told to advance; whoever sleeps is woken in order of time."""

    def __init__(self, start: float = 1_000_000_000.0) -> None:
        self._now = start
        self._set_by = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> float:
        """The virtual time."""
        return self._now + self._set_by

    def monotonic(self) -> float:
        """The virtual seconds that have passed, and some more."""
        return self._now

    def set(self, by_s: float) -> None:
        """Somebody sets the clock, back where `by_s` is negative; who sleeps does not notice."""
        self._set_by += by_s

    async def sleep(self, seconds: float) -> None:
        """Waits until the clock has been advanced that far."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._now + max(seconds, 0.0), self._count, woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Moves the time forward, waking every sleeper at its own moment."""
        end = self._now + seconds
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self._now, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
            await self._settle()
        self._now = end

    async def _settle(self) -> None:
        # Tasks that were woken may start others; a few turns of the loop let all of them reach their next sleep.
        for _ in range(20):
            await asyncio.sleep(0)
