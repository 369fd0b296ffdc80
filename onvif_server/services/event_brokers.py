"""The part of the event service that is about event brokers (ONVIF Core, 9.12)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from lxml import etree

from onvif_server.events.broker import Broker
from onvif_server.events.broker_values import CHECKED, EventBroker
from onvif_server.events.event_brokers import (
    MAXIMUM_TOPIC_PREFIX,
    METADATA_TOPICS,
    EventBrokerError,
    EventBrokers,
)
from onvif_server.events.filters import FilterError, parse_filter
from onvif_server.security.access import Access
from onvif_server.soap import names
from onvif_server.soap.faults import Fault, action_failed, invalid_argument
from onvif_server.soap.operations import Call, Values, operation

_UNSUPPORTED: Final = ("CertificateID",)


class EventBrokerService:
    """Adds, lists and removes event brokers; not for a device that can have none."""

    def __init__(self, brokers: EventBrokers, broker: Broker) -> None:
        self._brokers = brokers
        self._broker = broker

    @operation(names.EVENTS, "AddEventBroker", Access.WRITE_SYSTEM)
    async def add_event_broker(self, call: Call) -> Values:
        """Adds a broker, or changes the one with the same address."""
        element = call.message[0]
        broker = EventBroker(
            address=call.value.EventBroker.Address,
            topic_prefix=_topic_prefix(call.value.EventBroker),
            username=call.value.EventBroker.UserName or "",
            password=call.value.EventBroker.Password or "",
            publish=_filter(element.find(_tev("PublishFilter")), [topic.path for topic in self._broker.topics]),
            qos=_qos(call.value.EventBroker),
            # As the standard says: without a filter, all metadata.
            metadata=_filter(element.find(_tev("MetadataFilter")), METADATA_TOPICS),
            policy=_policy(element.findtext(_tev("CertPathValidationPolicyID"))),
        )
        for name in _UNSUPPORTED:
            part = element.find(_tev(name))
            if part is not None and (len(part) or (part.text or "").strip()):
                raise invalid_argument("InvalidCertificateID", f"{name} is not supported for event brokers")
        try:
            await self._brokers.add(broker)
        except EventBrokerError as error:
            raise _fault(error) from error
        except OSError as error:
            raise _not_kept() from error
        return {}

    @operation(names.EVENTS, "DeleteEventBroker", Access.WRITE_SYSTEM)
    async def delete_event_broker(self, call: Call) -> Values:
        """Removes a broker."""
        try:
            await self._brokers.delete(call.value.Address)
        except EventBrokerError as error:
            raise _fault(error) from error
        except OSError as error:
            raise _not_kept() from error
        return {}

    @operation(names.EVENTS, "GetEventBrokers", Access.READ_MEDIA)
    async def get_event_brokers(self, call: Call) -> etree._Element:
        """The brokers and whether they are connected, without their passwords."""
        wanted = call.value.Address
        found = [broker for broker in self._brokers.all() if wanted in (None, broker.address)]
        if wanted is not None and not found:
            raise invalid_argument("InvalidAddress", f"there is no event broker {wanted}")
        response = etree.Element(_tev("GetEventBrokersResponse"), nsmap=names.PREFIXES)
        for broker in found:
            _append_broker(response, broker, self._brokers.status(broker.address))
        return response


def _filter(element: etree._Element | None, existing: Sequence[str]) -> str:
    try:
        return parse_filter(element, existing).expression
    except FilterError as error:
        raise invalid_argument("InvalidFilter", str(error)) from error


def _policy(text: str | None) -> str:
    policy = (text or "").strip()
    if policy not in ("", CHECKED):
        reason = f"there is one policy to check certificates by, {CHECKED}"
        raise invalid_argument("InvalidCertificateID", reason)
    return policy


def _tev(name: str) -> str:
    return names.tag(names.EVENTS, name)


def _topic_prefix(value: Any) -> str:
    # What has a meaning in the filters of MQTT cannot be part of a topic.
    prefix = str(value.TopicPrefix).translate({ord("#"): None, ord("+"): None}).strip("/")
    if not prefix or len(prefix) > MAXIMUM_TOPIC_PREFIX:
        raise Fault("InvalidArgVal", reason=f"a topic prefix has 1 to {MAXIMUM_TOPIC_PREFIX} characters")
    return prefix


def _qos(value: Any) -> int:
    qos = int(value.QoS or 0)
    if qos not in (0, 1, 2):
        raise Fault("InvalidArgVal", reason="the quality of service is 0, 1 or 2")
    return qos


def _fault(error: EventBrokerError) -> Fault:
    if error.subcode == "TooManyEventBrokers":
        return action_failed(error.subcode, str(error))
    return invalid_argument(error.subcode, str(error))


def _not_kept() -> Fault:
    return Fault("Action", reason="the event brokers cannot be kept", sender=False)


def _append_broker(parent: etree._Element, broker: EventBroker, status: str) -> None:
    element = etree.SubElement(parent, _tev("EventBroker"))
    etree.SubElement(element, _tev("Address")).text = broker.address
    etree.SubElement(element, _tev("TopicPrefix")).text = broker.topic_prefix
    if broker.username:
        etree.SubElement(element, _tev("UserName")).text = broker.username
    if broker.publish:
        _append_filter(element, "PublishFilter", broker.publish)
    etree.SubElement(element, _tev("QoS")).text = str(broker.qos)
    etree.SubElement(element, _tev("Status")).text = status
    if broker.policy:
        etree.SubElement(element, _tev("CertPathValidationPolicyID")).text = broker.policy
    if broker.metadata:
        _append_filter(element, "MetadataFilter", broker.metadata)


def _append_filter(parent: etree._Element, name: str, text: str) -> None:
    wanted = etree.SubElement(parent, _tev(name))
    expression = etree.SubElement(wanted, names.tag(names.NOTIFICATION, "TopicExpression"))
    expression.set("Dialect", names.CONCRETE_SET)
    expression.text = text
