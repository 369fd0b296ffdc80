"""Base notification: messages are sent to a consumer that the client named (WS-BaseNotification 1.3, 4.1)."""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import aiohttp
from lxml import etree
from yarl import URL

from onvif_server.events.broker import Message
from onvif_server.events.filters import EventFilter
from onvif_server.events.messages import append_notification
from onvif_server.events.queues import Subscription
from onvif_server.settings import DeviceSettings
from onvif_server.soap import names
from onvif_server.soap.envelope import serialize

_LOGGER = logging.getLogger(__name__)

_ACTION: Final = "http://docs.oasis-open.org/wsn/bw-2/NotificationConsumer/Notify"
_MAXIMUM_ADDRESS: Final = 2048
_MAXIMUM_PARAMETERS: Final = 8192
_MAXIMUM_ANSWER: Final = 64 * 1024
_BATCH: Final = 50

type Send = Callable[[Sequence[Message]], Awaitable[bool]]
"""Sends messages to one consumer; whether they arrived."""


class ConsumerError(ValueError):
    """A reference to a consumer that cannot be used."""


@dataclass(frozen=True, slots=True)
class ConsumerReference:
    """Where messages go. `parameters` are elements that the consumer wants back as headers, as XML."""

    address: str
    parameters: tuple[bytes, ...] = ()


def parse_reference(element: etree._Element | None) -> ConsumerReference:
    """Reads a wsnt:ConsumerReference. Raises ConsumerError."""
    if element is None:
        raise ConsumerError("a subscription needs a consumer")
    address = (element.findtext(names.tag(names.ADDRESSING, "Address")) or "").strip()
    if len(address) > _MAXIMUM_ADDRESS:
        raise ConsumerError("the consumer's address is too long")
    try:
        url = URL(address)
        usable = url.scheme in ("http", "https") and bool(url.host) and url.user is None and url.password is None
    except ValueError:
        usable = False
    if not usable:
        raise ConsumerError("a consumer has an http or https address without credentials in it")
    parameters = element.find(names.tag(names.ADDRESSING, "ReferenceParameters"))
    blocks = () if parameters is None else tuple(parameters)
    if any(etree.QName(block).namespace in (names.ADDRESSING, names.ENVELOPE) for block in blocks):
        raise ConsumerError("reference parameters may not be headers of SOAP or WS-Addressing")
    written = tuple(etree.tostring(block, with_tail=False) for block in blocks)
    if sum(map(len, written)) > _MAXIMUM_PARAMETERS:
        raise ConsumerError("the reference parameters are too long")
    return ConsumerReference(address, written)


def notify_envelope(reference: ConsumerReference, messages: Iterable[Message], manager: str) -> bytes:
    """A wsnt:Notify; `manager` is the address of the subscription manager."""
    envelope = etree.Element(names.tag(names.ENVELOPE, "Envelope"), nsmap=names.PREFIXES)
    header = etree.SubElement(envelope, names.tag(names.ENVELOPE, "Header"))
    for name, text in (("Action", _ACTION), ("MessageID", f"urn:uuid:{uuid4()}"), ("To", reference.address)):
        etree.SubElement(header, names.tag(names.ADDRESSING, name)).text = text
    for written in reference.parameters:
        block = copy.deepcopy(etree.fromstring(written))
        block.set(names.tag(names.ADDRESSING, "IsReferenceParameter"), "true")
        header.append(block)
    body = etree.SubElement(envelope, names.tag(names.ENVELOPE, "Body"))
    notify = etree.SubElement(body, names.tag(names.NOTIFICATION, "Notify"))
    for message in messages:
        append_notification(notify, message, manager)
    return serialize(envelope)


class NotifySender:
    """The HTTP client of a device. Follows no redirects, keeps no cookies, and waits `timeout_s` at most."""

    def __init__(self, timeout_s: float) -> None:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "onvif_server"},
            auto_decompress=False,
        )

    def to(self, reference: ConsumerReference, manager: str) -> Send:
        """How messages are sent to one consumer."""

        async def send(messages: Sequence[Message]) -> bool:
            return await self._post(reference, notify_envelope(reference, messages, manager))

        return send

    async def close(self) -> None:
        """Closes the connections."""
        await self._session.close()

    async def _post(self, reference: ConsumerReference, document: bytes) -> bool:
        headers = {"Content-Type": f'application/soap+xml; charset=utf-8; action="{_ACTION}"'}
        try:
            async with self._session.post(
                reference.address, data=document, headers=headers, allow_redirects=False
            ) as answer:
                if not 200 <= answer.status < 300:
                    _LOGGER.info("%s answered a notification with %s", _origin(reference), answer.status)
                    return False
                # What is read to its end lets the connection serve the next message; what is too long does not.
                await answer.content.read(_MAXIMUM_ANSWER)
                return True
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            _LOGGER.info("a notification for %s was not delivered: %s", _origin(reference), type(error).__name__)
            return False


def _origin(reference: ConsumerReference) -> str:
    # Paths of consumers are often secrets (webhooks): the log has the host only.
    return str(URL(reference.address).origin())


class Consumer(Subscription):
    """A subscription whose messages are sent, in order; it ends after a number of failures in a row."""

    def __init__(
        self,
        identifier: str,
        event_filter: EventFilter,
        expires_at: float,
        settings: DeviceSettings,
        send: Send,
        give_up: Callable[[Subscription], None],
    ) -> None:
        super().__init__(identifier, event_filter, expires_at, settings.queue_limit)
        self._settings = settings
        self._send = send
        self._give_up = give_up
        self._task = asyncio.create_task(self._deliver(), name=f"notify {identifier[:6]}")

    def close(self) -> None:
        """Ends the delivery; what was not sent yet is lost."""
        self._task.cancel()
        super().close()

    async def _deliver(self) -> None:
        while self._settings.now() < self.expires_at:
            self._changed.clear()
            messages = self._take(_BATCH)
            if not messages:
                await self._changed.wait()
            elif not await self._insist(messages):
                break
        self._give_up(self)

    async def _insist(self, messages: Sequence[Message]) -> bool:
        pause_s = self._settings.notify_pause_s
        for attempt in range(1, self._settings.notify_attempts + 1):
            if await self._send(messages):
                return True
            if attempt == self._settings.notify_attempts or self._settings.now() >= self.expires_at:
                break
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, self._settings.notify_maximum_pause_s)
        _LOGGER.warning("a consumer of notifications is not reached: its subscription ends")
        return False
