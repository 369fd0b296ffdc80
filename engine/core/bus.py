"""Hands events to everybody who listens, in order, without letting a slow listener hold up the others."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self


class Subscription[T]:
    """One listener's queue. Iterate over it; use it as a context manager so that it ends.

    When the listener falls behind by more than `limit` messages the subscription ends with `overflowed` set: a
    listener that must not miss anything starts again from the store, and nobody else waits for it.
    """

    def __init__(self, bus: Bus[T], limit: int) -> None:
        self._bus = bus
        self._limit = limit
        self._queue: deque[T] = deque()
        self._wake = asyncio.Event()
        self._open = True
        self.overflowed = False

    def _offer(self, message: T) -> None:
        if len(self._queue) >= self._limit:
            self.overflowed = True
            self.close()
            return
        self._queue.append(message)
        self._wake.set()

    def close(self) -> None:
        """Ends the subscription; what is queued can still be read."""
        self._open = False
        self._bus._forget(self)  # noqa: SLF001 - the two classes are one mechanism
        self._wake.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    async def __aiter__(self) -> AsyncIterator[T]:
        while True:
            while self._queue:
                yield self._queue.popleft()
            if not self._open:
                return
            self._wake.clear()
            await self._wake.wait()


class Bus[T]:
    """A publish-subscribe point inside one event loop."""

    def __init__(self) -> None:
        self._subscriptions: list[Subscription[T]] = []

    def subscribe(self, limit: int = 1000) -> Subscription[T]:
        """Everything published from now on, at most `limit` messages behind."""
        subscription = Subscription(self, limit)
        self._subscriptions.append(subscription)
        return subscription

    def publish(self, message: T) -> None:
        """Hands the message to every subscription. Never waits."""
        for subscription in tuple(self._subscriptions):
            subscription._offer(message)  # noqa: SLF001 - the two classes are one mechanism

    def _forget(self, subscription: Subscription[T]) -> None:
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
