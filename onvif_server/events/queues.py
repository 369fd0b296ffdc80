"""Subscriptions: what one client wants to hear, until when, and what it has not heard yet."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from onvif_server.events.broker import Message
from onvif_server.events.filters import EventFilter


class Subscription:
    """The queue of one subscriber; it lives until `expires_at` (Unix seconds) unless somebody renews it.

    `owner` is the user who asked for it.
    """

    def __init__(self, identifier: str, owner: str, event_filter: EventFilter, expires_at: float, limit: int) -> None:
        self.identifier = identifier
        self.owner = owner
        self.expires_at = expires_at
        self._filter = event_filter
        self._messages: deque[Message] = deque(maxlen=limit)
        self._changed = asyncio.Event()

    def offer(self, message: Message) -> None:
        """Queues a message that the client wants; when the queue is full, the oldest is lost."""
        if self._filter.matches(message):
            self._messages.append(message)
            self._changed.set()

    def close(self) -> None:
        """Ends what waits for messages."""
        self._changed.set()

    def _take(self, limit: int) -> list[Message]:
        return [self._messages.popleft() for _ in range(min(limit, len(self._messages)))]


class PullPoint(Subscription):
    """A subscription whose client fetches its messages."""

    _puller: object | None = None

    def close(self) -> None:
        """Ends a pull that waits."""
        self._puller = None
        super().close()

    async def pull(self, limit: int, timeout_s: float, connected: Callable[[], bool]) -> list[Message]:
        """The next messages, at most `limit`: at once if there are any, otherwise as soon as one comes.

        An empty list after `timeout_s`, or when another pull takes this one's place: the client that sent this one
        has given up on it, or it would not pull again.
        """
        me = self._puller = object()
        self._changed.set()  # wakes the pull before this one
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    self._changed.clear()
                    if self._puller is not me or not connected():
                        return []
                    if self._messages:
                        return self._take(limit)
                    await self._changed.wait()
        except TimeoutError:
            return []
