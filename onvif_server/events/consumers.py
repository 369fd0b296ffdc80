"""Base notification: messages are sent to a consumer that the client named (WS-BaseNotification 1.3, 4.1)."""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import aiohttp
from lxml import etree
from yarl import URL

from onvif_server.events.broker import Message
from onvif_server.events.destinations import ConsumerError, PinnedResolver, check_address
from onvif_server.events.filters import EventFilter
from onvif_server.events.messages import append_notification
from onvif_server.events.queues import Subscription
from onvif_server.settings import DeviceSettings
from onvif_server.soap import names
from onvif_server.soap.envelope import serialize

_LOGGER = logging.getLogger(__name__)

_ACTION: Final = "http://docs.oasis-open.org/wsn/bw-2/NotificationConsumer/Notify"
_MAXIMUM_PARAMETERS: Final = 8192
_MAXIMUM_ANSWER: Final = 64 * 1024
_BATCH: Final = 50

type Send = Callable[[Sequence[Message]], Awaitable[bool]]
"""Sends messages to one consumer; whether they arrived."""


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
    check_address(address)
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


class Notifier:
    """Sends to one consumer. Follows no redirects, keeps no cookies, and waits `timeout_s` at most.

    `manager` is the address of the subscription manager, `resolver` knows where the consumer is.
    """

    def __init__(self, reference: ConsumerReference, manager: str, resolver: PinnedResolver, timeout_s: float) -> None:
        self._reference = reference
        self._manager = manager
        self._resolver = resolver
        self._timeout_s = timeout_s

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Send]:
        """What sends messages; its connection is kept from one to the next, and closed at the end."""
        # A session for each consumer: a connection of one is never another's, who may not reach that address.
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=self._resolver, use_dns_cache=False, limit=1),
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "onvif_server"},
            auto_decompress=False,
        ) as session:

            async def send(messages: Sequence[Message]) -> bool:
                return await self._post(session, notify_envelope(self._reference, messages, self._manager))

            yield send

    async def _post(self, session: aiohttp.ClientSession, document: bytes) -> bool:
        headers = {"Content-Type": f'application/soap+xml; charset=utf-8; action="{_ACTION}"'}
        where = _origin(self._reference)
        try:
            async with session.post(
                self._reference.address, data=document, headers=headers, allow_redirects=False
            ) as answer:
                if not 200 <= answer.status < 300:
                    _LOGGER.info("%s answered a notification with %s", where, answer.status)
                    return False
                # What is read to its end lets the connection serve the next message; what is too long does not.
                await answer.content.read(_MAXIMUM_ANSWER)
                return True
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            _LOGGER.info("a notification for %s was not delivered: %s", where, type(error).__name__)
            return False


def _origin(reference: ConsumerReference) -> str:
    # Paths of consumers are often secrets (webhooks): the log has the host only.
    return str(URL(reference.address).origin())


class Consumer(Subscription):
    """A subscription whose messages are sent, in order; it ends after a number of failures in a row."""

    def __init__(
        self,
        identifier: str,
        owner: str,
        event_filter: EventFilter,
        expires_at: float,
        settings: DeviceSettings,
        notifier: Notifier,
        give_up: Callable[[Subscription], None],
    ) -> None:
        super().__init__(identifier, owner, event_filter, expires_at, settings.queue_limit)
        self._settings = settings
        self._notifier = notifier
        self._give_up = give_up
        self._task = asyncio.create_task(self._deliver(), name=f"notify {identifier[:6]}")

    def close(self) -> None:
        """Ends the delivery; what was not sent yet is lost."""
        self._task.cancel()
        super().close()

    async def closed(self) -> None:
        """Waits until the delivery has ended."""
        await asyncio.gather(self._task, return_exceptions=True)

    async def _deliver(self) -> None:
        async with self._notifier.connected() as send:
            while self._settings.now() < self.expires_at:
                self._changed.clear()
                messages = self._take(_BATCH)
                if not messages:
                    await self._changed.wait()
                elif not await self._insist(send, messages):
                    break
        self._give_up(self)

    async def _insist(self, send: Send, messages: Sequence[Message]) -> bool:
        pause_s = self._settings.notify_pause_s
        for attempt in range(1, self._settings.notify_attempts + 1):
            if await send(messages):
                return True
            if attempt == self._settings.notify_attempts or self._settings.now() >= self.expires_at:
                break
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, self._settings.notify_maximum_pause_s)
        _LOGGER.warning("a consumer of notifications is not reached: its subscription ends")
        return False
