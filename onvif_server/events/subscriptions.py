"""Pull points: each holds the messages of one client until it fetches them."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable

from onvif_server.events.broker import Broker, Message
from onvif_server.events.filters import TopicFilter
from onvif_server.settings import DeviceSettings


class TooManySubscriptions(Exception):  # noqa: N818 - an answer to a client, not an error of ours
    """All slots are taken."""


class PullPoint:
    """The queue of one subscription; it lives until `expires_at` (Unix seconds) unless somebody renews it."""

    def __init__(self, identifier: str, topic_filter: TopicFilter, expires_at: float, limit: int) -> None:
        self.identifier = identifier
        self.expires_at = expires_at
        self._filter = topic_filter
        self._messages: deque[Message] = deque(maxlen=limit)
        self._changed = asyncio.Event()
        self._puller: object | None = None

    def offer(self, message: Message) -> None:
        """Queues a message that the client wants; when the queue is full, the oldest is lost."""
        if self._filter.matches(message.topic):
            self._messages.append(message)
            self._changed.set()

    def close(self) -> None:
        """Ends a pull that waits."""
        self._puller = None
        self._changed.set()

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
                        return [self._messages.popleft() for _ in range(min(limit, len(self._messages)))]
                    await self._changed.wait()
        except TimeoutError:
            return []


class Subscriptions:
    """All pull points of a device, fed by its broker."""

    def __init__(self, broker: Broker, settings: DeviceSettings) -> None:
        self._broker = broker
        self._settings = settings
        self._points: dict[str, PullPoint] = {}
        broker.listen(self._offer)

    def __len__(self) -> int:
        self._end_expired()
        return len(self._points)

    def create(self, topic_filter: TopicFilter, lifetime_s: float) -> PullPoint:
        """A new pull point that holds the present state of all properties. Raises TooManySubscriptions."""
        self._end_expired()
        if len(self._points) >= self._settings.maximum_subscriptions:
            raise TooManySubscriptions
        point = PullPoint(
            secrets.token_urlsafe(16), topic_filter, self._settings.now() + lifetime_s, self._settings.queue_limit
        )
        self._points[point.identifier] = point
        self.synchronize(point)
        return point

    def find(self, identifier: str) -> PullPoint | None:
        """The living pull point with this identifier."""
        self._end_expired()
        return self._points.get(identifier)

    def synchronize(self, point: PullPoint) -> None:
        """Queues the present state of all properties."""
        for message in self._broker.state():
            point.offer(message)

    def end(self, point: PullPoint) -> None:
        """Forgets a pull point."""
        self._points.pop(point.identifier, None)
        point.close()

    def close(self) -> None:
        """Ends all pulls that wait, for the device stops."""
        for point in tuple(self._points.values()):
            self.end(point)

    def _offer(self, message: Message) -> None:
        self._end_expired()
        for point in self._points.values():
            point.offer(message)

    def _end_expired(self) -> None:
        now = self._settings.now()
        for point in [point for point in self._points.values() if point.expires_at <= now]:
            self.end(point)
