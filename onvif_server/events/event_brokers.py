"""Event brokers (ONVIF Core, 9.12): events go out to MQTT brokers that clients name, as JSON.

The MQTT library is optional: without it, no broker can be added, and the device says so.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from onvif_server.backend import Memory, Topic
from onvif_server.events.broker import Broker, Message, PropertyOperation
from onvif_server.events.broker_values import Endpoint, EventBroker, Publication
from onvif_server.events.filters import TopicFilter, topic_filter
from onvif_server.metadata.json_text import json_value
from onvif_server.settings import BrokerTrust
from onvif_server.soap.values import xml_time

if TYPE_CHECKING:
    from onvif_server.events.mqtt import MqttLink

_KEY: Final = "event-brokers"
_DEFAULT_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_PREFIX: Final = "onvif-ej"
_METADATA_PREFIX: Final = "onvif-mj"
METADATA_TOPICS: Final = ("tns1:VideoAnalytics", "tns1:PTZ")
"""The kinds of metadata, as the filter of a broker names them."""
_NOT_IN_TOPICS: Final = re.compile("[#+\0]")
MAXIMUM_TOPIC_PREFIX: Final = 256


class EventBrokerError(ValueError):
    """An event broker that cannot be had; `subcode` is ONVIF's name for the reason."""

    def __init__(self, subcode: str, reason: str) -> None:
        super().__init__(reason)
        self.subcode = subcode


def mqtt_protocols() -> tuple[str, ...]:
    """The protocols that event brokers can have; none without the MQTT library."""
    return tuple(_DEFAULT_PORTS) if find_spec("paho") is not None else ()


def parse_address(address: str) -> Endpoint:
    """Reads `mqtt://host:port` or `mqtts://host:port`. Raises EventBrokerError."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise EventBrokerError("InvalidAddress", f"the address cannot be read: {error}") from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise EventBrokerError("InvalidProtocol", f"a broker is reached by {' or '.join(_DEFAULT_PORTS)}")
    if not parts.hostname or "@" in parts.netloc or parts.path.strip("/") or parts.query or parts.fragment:
        raise EventBrokerError("InvalidAddress", "an address is like mqtt://host:port")
    return Endpoint(parts.hostname, port or _DEFAULT_PORTS[parts.scheme], parts.scheme == "mqtts")


def publication(prefix: str, declared: Topic, message: Message) -> Publication:
    """A message as MQTT carries it (Core: Topic Structure, JSON Event Payload, Property events)."""
    values = dict(message.source)
    # The order is that of GetEventProperties, whatever the order in the message.
    ordered = [values.pop(item.name) for item in declared.source if item.name in values]
    source = "/".join((*ordered, *values.values()))
    local = message.topic.removeprefix("tns1:")
    topic = f"{prefix}/{_PREFIX}/{local}" + (f"/&{source}" if source else "")
    payload = b"" if message.operation is PropertyOperation.DELETED else _payload(message)
    return Publication(_NOT_IN_TOPICS.sub("", topic), payload, message.operation is not None)


def _payload(message: Message) -> bytes:
    content: dict[str, object] = {"UtcTime": xml_time(message.at), "Source": dict(message.source)}
    # The grammar of a message has no place for a key; among the data it still tells which object it was.
    elements = {name: json_value(element) for name, element in message.elements}
    content["Data"] = dict(message.data) | elements | dict(message.key)
    return json.dumps(content, ensure_ascii=False).encode()


class EventBrokers:
    """The brokers of a device. They are kept in its memory, and connected from `start` to `stop`."""

    def __init__(self, broker: Broker, memory: Memory, maximum: int, trust: BrokerTrust | None = None) -> None:
        self._broker = broker
        self._trust = trust or BrokerTrust()
        self._memory = memory
        self._maximum = maximum
        self._brokers = {found.address: found for found in _read(memory)}
        self._links: dict[str, MqttLink] = {}
        self._running = False
        self._topics = {topic.path: topic for topic in broker.topics}
        self._stop_listening: Callable[[], None] | None = None
        self._changes = asyncio.Lock()

    @property
    def maximum(self) -> int:
        """How many there can be; 0 without an MQTT library."""
        return self._maximum if mqtt_protocols() else 0

    def all(self) -> tuple[EventBroker, ...]:
        """The brokers, in the order in which they came."""
        return tuple(self._brokers.values())

    def status(self, address: str) -> str:
        """`Offline`, `Connecting` or `Connected`."""
        link = self._links.get(address)
        return "Offline" if link is None else link.status

    async def add(self, broker: EventBroker) -> None:
        """Adds a broker, or changes that of the same address. Raises EventBrokerError, and OSError from the memory.

        Nobody is told a password, so who changes something else of a broker cannot repeat it: it stays then.
        """
        parse_address(broker.address)
        async with self._changes:
            known = self._brokers.get(broker.address)
            if known is None and len(self._brokers) >= self.maximum:
                raise EventBrokerError("TooManyEventBrokers", f"there are {self.maximum} event brokers at most")
            if known is not None and not broker.password and known.username == broker.username:
                values = asdict(broker) | {"password": known.password}
                broker = EventBroker(**values)
            await self._keep(self._brokers | {broker.address: broker})
            await self._disconnect(broker.address)
            self._connect(broker)

    async def delete(self, address: str) -> None:
        """Forgets a broker. Raises EventBrokerError, and OSError from the memory."""
        async with self._changes:
            if address not in self._brokers:
                raise EventBrokerError("InvalidAddress", f"there is no event broker {address}")
            await self._keep({kept: broker for kept, broker in self._brokers.items() if kept != address})
            await self._disconnect(address)

    def start(self) -> None:
        """Connects to all brokers; asks for a running event loop."""
        if not self._running and self.maximum:
            self._running = True
            self._stop_listening = self._broker.listen(self._offer)
            for broker in self._brokers.values():
                self._connect(broker)

    async def stop(self) -> None:
        """Says goodbye to all brokers."""
        self._running = False
        if self._stop_listening is not None:
            self._stop_listening()
            self._stop_listening = None
        for address in tuple(self._links):
            await self._disconnect(address)

    def forget(self) -> None:
        """The memory was emptied: there are no brokers any more. Asks for a running event loop if started."""
        self._brokers = {}
        for address in tuple(self._links):
            self._links.pop(address).abandon()

    @property
    def wants_metadata(self) -> bool:
        """Whether a broker that is connected gets any metadata."""
        return any(True for _ in self._metadata_links())

    def publish_metadata(self, kind: str, producer: tuple[str, str], payload: bytes) -> None:
        """Publishes a frame of metadata; never waits. `kind` is one of METADATA_TOPICS, `producer` who made it.

        Metadata is of now: who is not connected does not get it later, and events never make room for it.
        """
        local = kind.partition(":")[2]
        source = "/".join(_NOT_IN_TOPICS.sub("", part.replace("/", "")) for part in producer)
        for link, broker in self._metadata_links():
            if topic_filter(broker.metadata or "").matches(kind):
                topic = f"{broker.topic_prefix}/{_METADATA_PREFIX}/{local}/{source}"
                link.offer_now(Publication(topic, payload, retain=False))

    def _metadata_links(self) -> Iterator[tuple[MqttLink, EventBroker]]:
        for address, link in self._links.items():
            broker = self._brokers.get(address)
            if broker is not None and broker.metadata is not None and link.status == "Connected":
                yield link, broker

    def _offer(self, message: Message) -> None:
        for link in self._links.values():
            link.offer(message)

    def _connect(self, broker: EventBroker) -> None:
        if not self._running:
            return
        from onvif_server.events.mqtt import MqttLink  # only here: the library may not be there

        wanted = topic_filter(broker.publish)
        self._links[broker.address] = MqttLink(
            parse_address(broker.address),
            broker,
            self._trust,
            state=lambda: self._publications(broker, wanted, self._broker.state()),
            translate=lambda message: self._publications(broker, wanted, (message,)),
        )

    def _publications(self, broker: EventBroker, wanted: TopicFilter, messages: Iterable[Message]) -> list[Publication]:
        return [
            publication(broker.topic_prefix, self._topics[message.topic], message)
            for message in messages
            if wanted.matches(message.topic)
        ]

    async def _disconnect(self, address: str) -> None:
        link = self._links.pop(address, None)
        if link is not None:
            await link.close()

    async def _keep(self, brokers: dict[str, EventBroker]) -> None:
        await self._memory.write(_KEY, json.dumps([asdict(broker) for broker in brokers.values()]))
        self._brokers = brokers


def _read(memory: Memory) -> list[EventBroker]:
    text = memory.read(_KEY)
    return [EventBroker(**values) for values in json.loads(text)] if text else []
