"""All subscriptions of a device."""

from __future__ import annotations

import secrets

from onvif_server.events.broker import Broker, Message
from onvif_server.events.consumers import Consumer, ConsumerReference, NotifySender
from onvif_server.events.filters import EventFilter
from onvif_server.events.queues import PullPoint, Subscription
from onvif_server.settings import DeviceSettings


class TooManySubscriptions(Exception):  # noqa: N818 - an answer to a client, not an error of ours
    """All slots are taken."""


class Subscriptions:
    """All subscriptions of a device, fed by its broker."""

    def __init__(self, broker: Broker, settings: DeviceSettings) -> None:
        self._broker = broker
        self._settings = settings
        self._points: dict[str, Subscription] = {}
        self._sender: NotifySender | None = None
        broker.listen(self._offer)

    def __len__(self) -> int:
        self._end_expired()
        return len(self._points)

    def create(self, event_filter: EventFilter, lifetime_s: float) -> PullPoint:
        """A new pull point that holds the present state of all properties. Raises TooManySubscriptions."""
        self._make_room(PullPoint, self._settings.maximum_subscriptions)
        point = PullPoint(
            secrets.token_urlsafe(16), event_filter, self._settings.now() + lifetime_s, self._settings.queue_limit
        )
        return self._begin(point)

    def create_consumer(
        self, event_filter: EventFilter, lifetime_s: float, reference: ConsumerReference, manager_root: str
    ) -> Subscription:
        """A new subscription whose messages are sent to a consumer, the present state of all properties first.

        `manager_root` is the address of subscription managers, without the identifier. Raises TooManySubscriptions.
        """
        self._make_room(Consumer, self._settings.maximum_consumers)
        if self._sender is None:
            self._sender = NotifySender(self._settings.notify_timeout_s)
        identifier = secrets.token_urlsafe(16)
        consumer = Consumer(
            identifier,
            event_filter,
            self._settings.now() + lifetime_s,
            self._settings,
            self._sender.to(reference, f"{manager_root}{identifier}"),
            self.end,
        )
        return self._begin(consumer)

    def find(self, identifier: str) -> Subscription | None:
        """The living subscription with this identifier."""
        self._end_expired()
        return self._points.get(identifier)

    def synchronize(self, point: Subscription) -> None:
        """Queues the present state of all properties."""
        for message in self._broker.state():
            point.offer(message)

    def end(self, point: Subscription) -> None:
        """Forgets a subscription."""
        self._points.pop(point.identifier, None)
        point.close()

    async def close(self) -> None:
        """Ends all pulls and deliveries, for the device stops."""
        for point in tuple(self._points.values()):
            self.end(point)
        sender, self._sender = self._sender, None
        if sender is not None:
            await sender.close()

    def _make_room(self, kind: type[Subscription], maximum: int) -> None:
        self._end_expired()
        if sum(isinstance(point, kind) for point in self._points.values()) >= maximum:
            raise TooManySubscriptions

    def _begin[Kind: Subscription](self, point: Kind) -> Kind:
        self._points[point.identifier] = point
        self.synchronize(point)
        return point

    def _offer(self, message: Message) -> None:
        self._end_expired()
        for point in self._points.values():
            point.offer(message)

    def _end_expired(self) -> None:
        now = self._settings.now()
        for point in [point for point in self._points.values() if point.expires_at <= now]:
            self.end(point)
