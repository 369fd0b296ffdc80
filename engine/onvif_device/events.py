"""Our events as ONVIF messages."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from engine.config import RuleConfig
from engine.core.events import Event, PictureFault, PictureQuality, RuleKind, RuleTriggered
from engine.onvif_device.analytics import TYPES
from engine.onvif_device.numbers import ObjectNumbers
from engine.onvif_device.picture_events import FAULT_TOPICS, PictureEvents
from onvif_server import tokens
from onvif_server.events import topics
from onvif_server.events.broker import ItemValue, PropertyOperation
from onvif_server.soap.values import xml_time

TOPICS = (
    topics.MOTION_ALARM,
    topics.OBJECTS_INSIDE,
    topics.LINE_CROSSED,
    topics.OBJECT_LOITERING,
    topics.COUNTER,
    topics.OBJECT_DETECTED,
    topics.MOTION_REGION,
    *FAULT_TOPICS.values(),
    topics.RELAY,
    topics.DIGITAL_INPUT,
)

_ALARMING = frozenset({RuleKind.INTRUSION, RuleKind.LOITERING, RuleKind.MOTION_REGION})
"""The rules whose events are a motion alarm while they last."""


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

    Besides the message of the rule itself, a channel's motion alarm is on while any target, or any motion, is inside a
    region: many NVRs listen to nothing else. `numbers` are those of the metadata stream; `rule_name(rule_id)` is what
    ONVIF calls a rule.
    """

    def __init__(
        self,
        publisher: Publisher,
        numbers: ObjectNumbers | None = None,
        rule_name: Callable[[str], str] = lambda rule_id: rule_id,
    ) -> None:
        self._publisher = publisher
        self._numbers = numbers or ObjectNumbers()
        self._rule_name = rule_name
        self._pictures = PictureEvents(publisher.publish)
        self._inside: dict[str, set[tuple[str, str]]] = {}

    def begin(self, channels: Collection[str], under_way: Collection[RuleTriggered] = ()) -> None:
        """Gives properties their first value; `under_way` are the events that have begun and not ended."""
        lasting = [event for event in under_way if event.channel in channels and event.rule_kind in _ALARMING]
        for event in lasting:
            self._inside.setdefault(event.channel, set()).add((event.rule_id, event.track_id))
        for channel in channels:
            self._motion(channel, on=bool(self._inside.get(channel)))
            self._pictures.begin(channel)
        for event in lasting:
            self._rule(event)

    def set_rules(self, rules: Collection[RuleConfig], active: Collection[str] = ()) -> None:
        """Tells which rules there are now, and the ids of those that are active.

        Those that have a state of their own begin, or end, with that.
        """
        self._pictures.set_rules(rules, self._rule_name, active)

    def set_faults(self, channel: str, faults: Collection[PictureFault]) -> None:
        """Tells what is wrong with a channel's picture at the beginning."""
        self._pictures.set_faults(channel, faults)

    def translate(self, event: Event) -> None:
        """Publishes an event."""
        if isinstance(event, PictureQuality):
            self._pictures.quality(event)
        elif isinstance(event, RuleTriggered):
            self._rule(event)

    def _rule(self, event: RuleTriggered) -> None:
        if event.rule_kind is RuleKind.MOTION_REGION:
            self._pictures.motion(event.rule_id, on=event.active, at=event.at)
            self._alarm(event)
        elif event.rule_kind in {RuleKind.INTRUSION, RuleKind.LOITERING}:
            self._region(event)
        elif event.rule_kind is RuleKind.OBJECT_DETECTION:
            number = str(self._numbers.of(event.track_id))
            self._tell(
                topics.OBJECT_DETECTED.path,
                event,
                {"ClassTypes": TYPES[event.target_type], "ObjectId": number}
                if event.active and event.target_type
                else {"ClassTypes": "", "ObjectId": ""},
            )
        elif event.rule_kind is RuleKind.COUNTING and event.count is not None:
            self._tell(topics.COUNTER.path, event, {"Count": event.count})
        elif event.rule_kind is RuleKind.LINE_CROSSING and event.active:
            self._tell(topics.LINE_CROSSED.path, event, {"ObjectId": self._numbers.of(event.track_id)})

    def _tell(self, topic: str, event: RuleTriggered, data: dict[str, ItemValue]) -> None:
        self._publisher.publish(topic, source=self._source(event), data=data, utc=event.at)

    def _region(self, event: RuleTriggered) -> None:
        key: dict[str, ItemValue] = {"ObjectId": self._numbers.of(event.track_id)}
        source = self._source(event)
        loitering = event.rule_kind is RuleKind.LOITERING
        topic = topics.OBJECT_LOITERING.path if loitering else topics.OBJECTS_INSIDE.path
        data: dict[str, ItemValue] = {"Since": xml_time(event.at)} if loitering else {"IsInside": event.active}
        if event.active or not loitering:
            self._publisher.publish(topic, source=source, key=key, data=data, utc=event.at)
        if not event.active:
            # The object is gone for this rule: who subscribes later must not hear of it.
            self._publisher.publish(
                topic,
                source=source,
                key=key,
                data=data,
                operation=PropertyOperation.DELETED,
                utc=event.at,
            )
        self._alarm(event)

    def _alarm(self, event: RuleTriggered) -> None:
        """Takes note of who, or what motion, is in which region, and tells the channel's alarm when that changes it."""
        inside = self._inside.setdefault(event.channel, set())
        before = bool(inside)
        if event.active:
            inside.add((event.rule_id, event.track_id))
        else:
            inside.discard((event.rule_id, event.track_id))
        if before != bool(inside):
            self._motion(event.channel, on=bool(inside), at=event.at)

    def _motion(self, channel: str, *, on: bool, at: float | None = None) -> None:
        source: dict[str, ItemValue] = {"Source": tokens.video_source(channel)}
        self._publisher.publish(topics.MOTION_ALARM.path, source=source, data={"State": on}, utc=at)

    def _source(self, event: RuleTriggered) -> dict[str, ItemValue]:
        return {
            "VideoSourceConfigurationToken": tokens.video_source_configuration(event.channel),
            "VideoAnalyticsConfigurationToken": tokens.analytics_configuration(event.channel),
            "Rule": self._rule_name(event.rule_id),
        }
