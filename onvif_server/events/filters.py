"""Filters of subscriptions: by topic (ONVIF Core 9.6.3: Concrete and ConcreteSet) and by content."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lxml import etree

from onvif_server.events.broker import Message, PropertyOperation
from onvif_server.events.content_filter import Condition, ContentError, parse_content
from onvif_server.soap import names
from onvif_server.soap.prefixes import in_force

_NAME: Final = r"[A-Za-z_][\w.-]*"
_PATH: Final = re.compile(rf"({_NAME}):({_NAME}(?:/(?:{_NAME}:)?{_NAME})*)(//\.)?")
_MAXIMUM_LENGTH: Final = 4096
_MAXIMUM_CONTENTS: Final = 16
_TOPIC: Final = names.tag(names.NOTIFICATION, "TopicExpression")
_CONTENT: Final = names.tag(names.NOTIFICATION, "MessageContent")


class FilterError(ValueError):
    """A filter that cannot be used.

    `fault` is the name of WS-BaseNotification's fault for it; `unknown` is the tag of a filter that we do not know.
    """

    def __init__(self, fault: str, reason: str, unknown: str | None = None) -> None:
        super().__init__(reason)
        self.fault = fault
        self.unknown = unknown


@dataclass(frozen=True, slots=True)
class _Alternative:
    path: str
    subtree: bool

    def matches(self, topic: str) -> bool:
        return topic == self.path or (self.subtree and topic.startswith(f"{self.path}/"))


@dataclass(frozen=True, slots=True)
class TopicFilter:
    """Topics that a client wants: all of a list of alternatives; without any, every topic."""

    alternatives: tuple[_Alternative, ...] = ()

    def matches(self, topic: str) -> bool:
        """Whether a topic (with our own prefixes) passes."""
        return not self.alternatives or any(alternative.matches(topic) for alternative in self.alternatives)

    @property
    def expression(self) -> str:
        """The filter as one ConcreteSet expression with our own prefixes; empty for every topic."""
        return "|".join(f"{found.path}{'//.' if found.subtree else ''}" for found in self.alternatives)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What a subscriber wants: one of its topics, and all of its conditions on the content.

    `changed_only`: the subscriber does not want to hear that properties begin and end (tev:ChangedOnly).
    """

    topics: TopicFilter = TopicFilter()
    contents: tuple[Condition[Message], ...] = ()
    changed_only: bool = False

    def matches(self, message: Message) -> bool:
        """Whether a message passes."""
        if self.changed_only and message.operation in (PropertyOperation.INITIALIZED, PropertyOperation.DELETED):
            return False
        return self.topics.matches(message.topic) and all(content.holds(message) for content in self.contents)


def parse_event_filter(
    element: etree._Element | None, topics: Iterable[str], *, changed_only: bool = False
) -> EventFilter:
    """The filter of a subscription request, by topic and content. Raises FilterError."""
    contents = [part for part in (() if element is None else element) if part.tag == _CONTENT]
    if len(contents) > _MAXIMUM_CONTENTS:
        raise FilterError(_BAD_CONTENT, f"a subscription has at most {_MAXIMUM_CONTENTS} filters of content")
    conditions = tuple(_parse_content(part) for part in contents)
    expressions = [part for part in (() if element is None else element) if part.tag != _CONTENT]
    return EventFilter(_parse_topics(expressions, topics), conditions, changed_only)


_BAD_CONTENT: Final = "InvalidMessageContentExpressionFault"


def _parse_content(element: etree._Element) -> Condition[Message]:
    dialect = element.get("Dialect", "")
    if dialect.strip() != names.ITEM_FILTER:
        raise FilterError(_BAD_CONTENT, f"the dialect {dialect} is not supported, only {names.ITEM_FILTER}")
    try:
        return parse_content("".join(str(part) for part in element.itertext()), in_force(element))
    except ContentError as error:
        raise FilterError(_BAD_CONTENT, str(error)) from error


def topic_filter(expression: str) -> TopicFilter:
    """The filter that has this `TopicFilter.expression`, whether there are such topics or not."""
    paths = expression.split("|") if expression else []
    return TopicFilter(tuple(_Alternative(path.removesuffix("//."), path.endswith("//.")) for path in paths))


def parse_filter(element: etree._Element | None, topics: Iterable[str]) -> TopicFilter:
    """The filter of a subscription request. Raises FilterError.

    `topics` are the paths that exist; a filter that none of them can ever pass is refused, as the standard asks.
    """
    return _parse_topics(() if element is None else element, topics)


def _parse_topics(elements: Iterable[etree._Element], topics: Iterable[str]) -> TopicFilter:
    alternatives: list[_Alternative] = []
    for part in elements:
        if part.tag != _TOPIC:
            raise FilterError("InvalidFilterFault", f"filters of the kind {part.tag} are not supported", str(part.tag))
        alternatives.extend(_parse_expression(part))
    return _known(alternatives, topics)


def parse_topic(element: etree._Element, topics: Iterable[str]) -> TopicFilter:
    """What a wsnt:TopicExpressionType means, whatever the element is called. Raises FilterError."""
    return _known(_parse_expression(element), topics)


def _known(alternatives: Iterable[_Alternative], topics: Iterable[str]) -> TopicFilter:
    found = TopicFilter(tuple(alternatives))
    if found.alternatives and not any(found.matches(topic) for topic in topics):
        raise FilterError("TopicNotSupportedFault", "the device has none of these topics; see GetEventProperties")
    return found


def _parse_expression(element: etree._Element) -> Iterable[_Alternative]:
    dialect = element.get("Dialect", names.CONCRETE_TOPIC)
    if dialect not in (names.CONCRETE_TOPIC, names.CONCRETE_SET):
        raise FilterError("TopicExpressionDialectUnknownFault", f"the dialect {dialect} is not supported")
    text = "".join(str(part) for part in element.itertext())
    if len(text) > _MAXIMUM_LENGTH:
        raise FilterError("InvalidTopicExpressionFault", "the topic expression is too long")
    own_prefixes = {namespace: prefix for prefix, namespace in names.PREFIXES.items()}
    for part in text.split("|"):
        match = _PATH.fullmatch(part.strip())
        if match is None:
            raise FilterError("InvalidTopicExpressionFault", f"{part.strip()!r} is not a topic expression")
        prefix, path, subtree = match.groups()
        namespace = in_force(element).get(prefix)
        if namespace is None:
            raise FilterError("InvalidTopicExpressionFault", f"the prefix {prefix} is not declared")
        # A namespace that we do not know keeps the client's prefix, marked so that it equals none of ours.
        yield _Alternative(f"{own_prefixes.get(namespace, f'?{prefix}')}:{path}", subtree is not None)
