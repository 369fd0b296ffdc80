"""All subscriptions of a device."""

from __future__ import annotations

import secrets

from onvif_server.events.broker import Broker, Message
from onvif_server.events.consumers import Consumer, ConsumerReference, Notifier
from onvif_server.events.destinations import PinnedResolver
from onvif_server.events.filters import EventFilter
from onvif_server.events.queues import PullPoint, Subscription
from onvif_server.settings import DeviceSettings


class TooManySubscriptions(Exception):  # noqa: N818 - an answer to a client, not an error of ours
    """All slots are taken, or all that one user may have; the message tells which."""


class Subscriptions:
    """All subscriptions of a device, fed by its broker."""

    def __init__(self, broker: Broker, settings: DeviceSettings) -> None:
        self._broker = broker
        self._settings = settings
        self._points: dict[str, Subscription] = {}
        broker.listen(self._offer)

    def __len__(self) -> int:
        self._end_expired()
        return len(self._points)

    def create(self, owner: str, event_filter: EventFilter, lifetime_s: float) -> PullPoint:
        """A new pull point that holds the present state of all properties. Raises TooManySubscriptions."""
        settings = self._settings
        self._make_room(PullPoint, owner, settings.maximum_subscriptions, settings.maximum_subscriptions_of_user)
        point = PullPoint(
            secrets.token_urlsafe(16), owner, event_filter, settings.now() + lifetime_s, settings.queue_limit
        )
        return self._begin(point)

    def create_consumer(
        self,
        owner: str,
        event_filter: EventFilter,
        lifetime_s: float,
        reference: ConsumerReference,
        resolver: PinnedResolver,
        manager_root: str,
    ) -> Subscription:
        """A new subscription whose messages are sent to a consumer, the present state of all properties first.

        `resolver` knows where the consumer is (see `find_consumer`); `manager_root` is the address of subscription
        managers, without the identifier. Raises TooManySubscriptions.
        """
        settings = self._settings
        self._make_room(Consumer, owner, settings.maximum_consumers, settings.maximum_consumers_of_user)
        identifier = secrets.token_urlsafe(16)
        notifier = Notifier(reference, f"{manager_root}{identifier}", resolver, settings.notify_timeout_s)
        expires_at = settings.now() + lifetime_s
        return self._begin(Consumer(identifier, owner, event_filter, expires_at, settings, notifier, self.end))

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
        points = tuple(self._points.values())
        for point in points:
            self.end(point)
        for point in points:
            if isinstance(point, Consumer):
                await point.closed()

    def _make_room(self, kind: type[Subscription], owner: str, maximum: int, maximum_of_user: int) -> None:
        self._end_expired()
        there = [point.owner for point in self._points.values() if isinstance(point, kind)]
        if len(there) >= maximum:
            raise TooManySubscriptions(f"all {maximum} subscriptions of this kind are taken")
        if there.count(owner) >= maximum_of_user:
            raise TooManySubscriptions(f"a user has {maximum_of_user} subscriptions of this kind at most")

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
