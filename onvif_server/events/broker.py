"""Takes events from the host and hands them to whoever listens. It knows topics, not subscriptions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from lxml import etree

from onvif_server.backend import Topic
from onvif_server.soap.values import clean_text

type ItemValue = str | bool | int | float
type Items = tuple[tuple[str, str], ...]
"""Simple items by name, in the order of the message; the values are written as XML does."""

_MAXIMUM_PROPERTIES: Final = 1000


class PropertyOperation(StrEnum):
    """What became of a property."""

    INITIALIZED = "Initialized"
    CHANGED = "Changed"
    DELETED = "Deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One notification. `at` is Unix seconds; `operation` is None for an event that is not a property.

    `elements` are data that are whole XML elements, by name; nobody changes them.
    """

    topic: str
    at: float
    source: Items = ()
    key: Items = ()
    data: Items = ()
    operation: PropertyOperation | None = None
    elements: tuple[tuple[str, etree._Element], ...] = ()


type Listener = Callable[[Message], None]


class Broker:
    """Knows the declared topics and the present state of every property."""

    def __init__(self, topics: Iterable[Topic], now: Callable[[], float]) -> None:
        self._topics = {topic.path: topic for topic in topics}
        self._now = now
        self._listeners: list[Listener] = []
        self._state: dict[tuple[str, Items, Items], Message] = {}

    @property
    def topics(self) -> tuple[Topic, ...]:
        """The declared topics."""
        return tuple(self._topics.values())

    def publish(
        self,
        topic: str,
        *,
        source: Mapping[str, ItemValue] | None = None,
        key: Mapping[str, ItemValue] | None = None,
        data: Mapping[str, ItemValue] | None = None,
        operation: PropertyOperation | None = None,
        utc: float | None = None,
        elements: Mapping[str, etree._Element] | None = None,
    ) -> None:
        """Sends an event to all listeners; never waits.

        A property that has no `operation` is initialised the first time and changed from then on. Publish DELETED
        when the thing it speaks of is gone. `utc` is when it happened (Unix seconds), now by default. Items are sent
        in the order given: some clients read only the first. Raises ValueError for a topic that was not declared.
        """
        declared = self._topics.get(topic)
        if declared is None:
            raise ValueError(f"{topic} is not among the topics of the backend: {', '.join(self._topics) or 'none'}")
        message = Message(
            topic=topic,
            at=self._now() if utc is None else utc,
            source=_items(source),
            key=_items(key),
            data=_items(data),
            operation=operation,
            elements=tuple((elements or {}).items()),
        )
        if declared.is_property:
            message = self._remember(message)
        for listener in tuple(self._listeners):
            listener(message)

    def state(self) -> tuple[Message, ...]:
        """The present value of every property, as messages that initialise it."""
        return tuple(replace(message, operation=PropertyOperation.INITIALIZED) for message in self._state.values())

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Calls `listener` for every event from now on; the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _remember(self, message: Message) -> Message:
        identity = (message.topic, message.source, message.key)
        known = identity in self._state
        if message.operation is None:
            operation = PropertyOperation.CHANGED if known else PropertyOperation.INITIALIZED
            message = replace(message, operation=operation)
        if message.operation is PropertyOperation.DELETED:
            self._state.pop(identity, None)
        else:
            self._state[identity] = message
            if len(self._state) > _MAXIMUM_PROPERTIES:  # a host that never deletes must not fill the memory
                del self._state[next(iter(self._state))]
        return message


def _items(values: Mapping[str, ItemValue] | None) -> Items:
    return tuple((name, _written(value)) for name, value in (values or {}).items())


def _written(value: ItemValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return clean_text(str(value))
