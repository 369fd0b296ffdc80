"""Writes notifications and the set of topics as XML."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy

from lxml import etree

from onvif_server.backend import Topic, TopicItem
from onvif_server.events.broker import Items, Message
from onvif_server.soap import names
from onvif_server.soap.values import xml_time


def _tt(name: str) -> str:
    return names.tag(names.SCHEMA, name)


def append_notification(parent: etree._Element, message: Message, manager: str | None = None) -> None:
    """Appends a wsnt:NotificationMessage. The topic's prefix must be one of `names.PREFIXES`.

    `manager` is the address of the subscription that the message is for; None where that goes without saying.
    """
    notification = etree.SubElement(parent, names.tag(names.NOTIFICATION, "NotificationMessage"))
    if manager is not None:
        reference = etree.SubElement(notification, names.tag(names.NOTIFICATION, "SubscriptionReference"))
        etree.SubElement(reference, names.tag(names.ADDRESSING, "Address")).text = manager
    topic = etree.SubElement(notification, names.tag(names.NOTIFICATION, "Topic"), Dialect=names.CONCRETE_SET)
    topic.text = message.topic
    append_message(etree.SubElement(notification, names.tag(names.NOTIFICATION, "Message")), message)


def append_message(parent: etree._Element, message: Message) -> None:
    """Appends a tt:Message, what a notification holds besides its topic."""
    content = etree.SubElement(parent, _tt("Message"), UtcTime=xml_time(message.at))
    if message.operation is not None:
        content.set("PropertyOperation", message.operation.value)
    # Source and Data are always there: clients rely on both.
    _append_items(content, "Source", message.source)
    if message.key:
        _append_items(content, "Key", message.key)
    data = _append_items(content, "Data", message.data)
    for name, element in message.elements:
        etree.SubElement(data, _tt("ElementItem"), Name=name).append(deepcopy(element))


def _append_items(parent: etree._Element, name: str, items: Items) -> etree._Element:
    group = etree.SubElement(parent, _tt(name))
    for item_name, value in items:
        etree.SubElement(group, _tt("SimpleItem"), Name=item_name, Value=value)
    return group


def append_topic_set(parent: etree._Element, topics: Iterable[Topic]) -> None:
    """Appends a wstop:TopicSet with the description of every topic's message."""
    topic_set = etree.SubElement(parent, names.tag(names.TOPIC, "TopicSet"))
    for topic in topics:
        prefix, _, path = topic.path.partition(":")
        root, *steps = path.split("/")
        # Only the first step of a path has a namespace.
        node = _child(topic_set, names.tag(names.PREFIXES[prefix], root))
        for step in steps:
            node = _child(node, step)
        node.set(names.tag(names.TOPIC, "topic"), "true")
        description = etree.SubElement(node, _tt("MessageDescription"), IsProperty=str(topic.is_property).lower())
        for name, items in (("Source", topic.source), ("Key", topic.key), ("Data", topic.data)):
            elements = topic.elements if name == "Data" else ()
            if items or elements:
                _append_descriptions(description, name, items, elements)


def _child(parent: etree._Element, tag: str) -> etree._Element:
    found = parent.find(tag)
    return etree.SubElement(parent, tag) if found is None else found


def _append_descriptions(
    parent: etree._Element, name: str, items: Iterable[TopicItem], elements: Iterable[TopicItem]
) -> None:
    group = etree.SubElement(parent, _tt(name))
    for item in items:
        etree.SubElement(group, _tt("SimpleItemDescription"), Name=item.name, Type=item.type)
    for element in elements:
        etree.SubElement(group, _tt("ElementItemDescription"), Name=element.name, Type=element.type)
