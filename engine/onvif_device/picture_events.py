"""What is told of pictures rather than of targets: motion in regions, and whether pictures are any use."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Final

from engine.config import RuleConfig
from engine.core.events import PictureFault, PictureQuality, RuleKind
from onvif_server import tokens
from onvif_server.backend import Topic
from onvif_server.events import topics
from onvif_server.events.broker import ItemValue, PropertyOperation

FAULT_TOPICS: Final[Mapping[PictureFault, Topic]] = MappingProxyType(
    {
        PictureFault.TOO_DARK: topics.IMAGE_TOO_DARK,
        PictureFault.TOO_BRIGHT: topics.IMAGE_TOO_BRIGHT,
        PictureFault.TOO_BLURRY: topics.IMAGE_TOO_BLURRY,
        PictureFault.SCENE_CHANGED: topics.GLOBAL_SCENE_CHANGE,
    }
)

type Publish = Callable[..., None]
"""`onvif_server.events.broker.Broker.publish`."""


class PictureEvents:
    """Publishes them. Both are properties: the rules' exist as long as the rules do, the faults' always."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._rules: dict[str, dict[str, ItemValue]] = {}

    def begin(self, channel: str) -> None:
        """Gives a channel's faults their first value."""
        for topic in FAULT_TOPICS.values():
            self._fault(topic, channel, on=False)

    def quality(self, event: PictureQuality) -> None:
        """Tells that a picture is of less use, or again as it was."""
        self._fault(FAULT_TOPICS[event.fault], event.channel, on=event.active, at=event.at)

    def set_faults(self, channel: str, faults: Collection[PictureFault]) -> None:
        """Tells what is wrong with a channel's picture at the beginning."""
        for fault in faults:
            self._fault(FAULT_TOPICS[fault], channel, on=True)

    def set_rules(
        self, rules: Collection[RuleConfig], name_of: Callable[[str], str], active: Collection[str] = ()
    ) -> None:
        """Tells which rules about motion there are now; those that were there keep their state."""
        wanted = {
            rule.rule_id: _source(rule.channel, name_of(rule.rule_id))
            for rule in rules
            if rule.kind is RuleKind.MOTION_REGION
        }
        for rule_id, source in tuple(self._rules.items()):
            if wanted.get(rule_id) != source:
                del self._rules[rule_id]
                self._motion(source, on=False, operation=PropertyOperation.DELETED)
        for rule_id, source in wanted.items():
            if rule_id not in self._rules:
                self._rules[rule_id] = source
                self._motion(source, on=rule_id in active)

    def motion(self, rule_id: str, *, on: bool, at: float) -> None:
        """Tells that motion began or ended; that of a rule which is gone ended with it."""
        if rule_id in self._rules:
            self._motion(self._rules[rule_id], on=on, at=at)

    def _motion(
        self,
        source: dict[str, ItemValue],
        *,
        on: bool,
        at: float | None = None,
        operation: PropertyOperation | None = None,
    ) -> None:
        self._publish(topics.MOTION_REGION.path, source=source, data={"State": on}, utc=at, operation=operation)

    def _fault(self, topic: Topic, channel: str, *, on: bool, at: float | None = None) -> None:
        source = {"Source": tokens.video_source(channel)}
        self._publish(topic.path, source=source, data={"State": on}, utc=at)


def _source(channel: str, name: str) -> dict[str, ItemValue]:
    return {"VideoSource": tokens.video_source(channel), "RuleName": name}
