"""What events there are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TopicItem:
    """A simple item of a message: its name, and its type as a QName with the prefix `xs` or `tt`."""

    name: str
    type: str = "xs:string"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """An event that the device can send. `path` is like `tns1:RuleEngine/FieldDetector/ObjectsInside`.

    A property has a state, which every new subscriber is told first. `elements` are data that are whole XML elements.
    `onvif_server.events.topics` has ready ones.
    """

    path: str
    is_property: bool
    source: tuple[TopicItem, ...] = ()
    key: tuple[TopicItem, ...] = ()
    data: tuple[TopicItem, ...] = ()
    elements: tuple[TopicItem, ...] = ()
