"""Our events as ONVIF messages."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Protocol

from engine.core.events import Event, RuleKind, RuleTriggered
from onvif_server import tokens
from onvif_server.events import topics
from onvif_server.events.broker import ItemValue, PropertyOperation

TOPICS = (topics.MOTION_ALARM, topics.OBJECTS_INSIDE, topics.LINE_CROSSED)

_MOST_OBJECTS = 10_000


class Publisher(Protocol):
    """Where messages go; `onvif_server.events.broker.Broker` is one."""

    def publish(
        self,
        topic: str,
        *,
        source: Mapping[str, ItemValue] | None = None,
        key: Mapping[str, ItemValue] | None = None,
        data: Mapping[str, ItemValue] | None = None,
        operation: PropertyOperation | None = None,
        utc: float | None = None,
    ) -> None:
        """Sends a message to all subscribers; never waits."""
        ...


class EventTranslator:
    """Publishes the messages that belong to an event; events that ONVIF has no word for are passed over.

    Besides the message of the rule itself, a channel's motion alarm is on while any target is inside a region: many
    NVRs listen to nothing else.
    """

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._numbers: OrderedDict[str, int] = OrderedDict()
        self._next_number = 1
        self._inside: dict[str, set[tuple[str, str]]] = {}

    def begin(self, channels: tuple[str, ...]) -> None:
        """Gives the properties that always exist their first value."""
        for channel in channels:
            self._motion(channel, on=False)

    def translate(self, event: Event) -> None:
        """Publishes an event."""
        if not isinstance(event, RuleTriggered):
            return
        if event.rule_kind is RuleKind.INTRUSION:
            self._intrusion(event)
        elif event.rule_kind is RuleKind.LINE_CROSSING and event.active:
            self._publisher.publish(
                topics.LINE_CROSSED.path,
                source=_source(event),
                data={"ObjectId": self._number(event.track_id)},
                utc=event.at,
            )

    def _intrusion(self, event: RuleTriggered) -> None:
        key: dict[str, ItemValue] = {"ObjectId": self._number(event.track_id)}
        data: dict[str, ItemValue] = {"IsInside": event.active}
        self._publisher.publish(topics.OBJECTS_INSIDE.path, source=_source(event), key=key, data=data, utc=event.at)
        inside = self._inside.setdefault(event.channel, set())
        before = bool(inside)
        if event.active:
            inside.add((event.rule_id, event.track_id))
        else:
            inside.discard((event.rule_id, event.track_id))
            # The object is gone for this rule: who subscribes later must not hear of it.
            self._publisher.publish(
                topics.OBJECTS_INSIDE.path,
                source=_source(event),
                key=key,
                data=data,
                operation=PropertyOperation.DELETED,
                utc=event.at,
            )
        if before != bool(inside):
            self._motion(event.channel, on=bool(inside), at=event.at)

    def _motion(self, channel: str, *, on: bool, at: float | None = None) -> None:
        source: dict[str, ItemValue] = {"Source": tokens.video_source(channel)}
        self._publisher.publish(topics.MOTION_ALARM.path, source=source, data={"State": on}, utc=at)

    def _number(self, track_id: str) -> int:
        """ONVIF numbers its objects; a track keeps its number while it is remembered."""
        number = self._numbers.get(track_id)
        if number is None:
            number, self._next_number = self._next_number, self._next_number + 1
            self._numbers[track_id] = number
            if len(self._numbers) > _MOST_OBJECTS:
                self._numbers.popitem(last=False)
        return number


def _source(event: RuleTriggered) -> dict[str, ItemValue]:
    return {
        "VideoSourceConfigurationToken": tokens.video_source_configuration(event.channel),
        "VideoAnalyticsConfigurationToken": tokens.analytics_configuration(event.channel),
        "Rule": event.rule_id,
    }
