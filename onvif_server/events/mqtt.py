"""The connection to one MQTT broker, by paho-mqtt on the event loop: no threads but for connecting."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from onvif_server.events.broker import Message
from onvif_server.events.broker_values import CHECKED, Endpoint, EventBroker, Publication
from onvif_server.settings import BrokerTrust

_LOGGER = logging.getLogger(__name__)

_CONNECT_S: Final = 10.0
_ANSWER_S: Final = 20.0
_KEEP_ALIVE_S: Final = 30
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 60.0
_MAXIMUM_WAITING: Final = 1000
_MAXIMUM_HASTY: Final = 50


class MqttLink:
    """Publishes to a broker, in order, and connects again with growing pauses when the connection is lost.

    What happens meanwhile waits, the newest thousand messages of it; after each connect the state of all properties
    is published again. Make it on a running event loop.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        broker: EventBroker,
        trust: BrokerTrust,
        *,
        state: Callable[[], list[Publication]],
        translate: Callable[[Message], list[Publication]],
    ) -> None:
        self._endpoint = endpoint
        self._broker = broker
        self._trust = trust
        self._state = state
        self._translate = translate
        self._waiting: deque[Publication] = deque()
        self._changed = asyncio.Event()
        self.status = "Connecting"
        self._task = asyncio.create_task(self._run(), name=f"mqtt {endpoint.host}:{endpoint.port}")

    def offer(self, message: Message) -> None:
        """Queues a message, if the broker wants it."""
        self._waiting.extend(self._translate(message))
        while len(self._waiting) > _MAXIMUM_WAITING:
            self._waiting.popleft()
        self._changed.set()

    def offer_now(self, publication: Publication) -> None:
        """Queues a message that is worth nothing later: it is dropped while much else waits."""
        if len(self._waiting) < _MAXIMUM_HASTY:
            self._waiting.append(publication)
            self._changed.set()

    def abandon(self) -> None:
        """Ends the connection soon."""
        self._task.cancel()

    async def close(self) -> None:
        """Ends the connection."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            self.status = "Connecting"
            session: _Session | None = None
            try:
                # Reading the authorities takes a while.
                context = await asyncio.to_thread(self._tls) if self._endpoint.tls else None
                session = _Session(self._endpoint, self._broker, context)
                await session.open()
                self.status, pause_s = "Connected", _FIRST_PAUSE_S
                self._waiting.extend(self._state())
                await self._publish(session)
            except (OSError, ValueError) as error:  # TimeoutError is an OSError, a name that is too long a ValueError
                # Only the kind: the text could quote what was sent.
                _LOGGER.info("event broker %s:%s: %s", self._endpoint.host, self._endpoint.port, type(error).__name__)
            finally:
                self.status = "Offline"
                if session is not None:
                    session.close()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _tls(self) -> ssl.SSLContext:
        """How the broker is reached. Raises OSError for authorities that cannot be read."""
        checked = self._trust.always or self._broker.policy == CHECKED
        context = ssl.create_default_context()
        if not checked:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif self._trust.authorities is not None:
            context.load_verify_locations(self._trust.authorities)
        return context

    async def _publish(self, session: _Session) -> None:
        while True:
            while self._waiting:
                publication = self._waiting[0]
                await session.publish(publication, self._broker.qos)
                # Meanwhile the oldest may have made room for the newest.
                if self._waiting and self._waiting[0] is publication:
                    self._waiting.popleft()
            self._changed.clear()
            await session.wait(self._changed)


class _Session:
    """One TCP connection, from `open` to `close`. Methods raise OSError when it is lost."""

    def __init__(self, endpoint: Endpoint, broker: EventBroker, tls: ssl.SSLContext | None) -> None:
        self._endpoint = endpoint
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._lost: asyncio.Future[None] = self._loop.create_future()
        self._accepted: asyncio.Future[None] = self._loop.create_future()
        self._answers: dict[int, asyncio.Future[None]] = {}
        self._keep_alive: asyncio.Task[None] | None = None
        client = self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
        client.connect_timeout = _CONNECT_S
        if broker.username:
            client.username_pw_set(broker.username, broker.password or None)
        if tls is not None:
            client.tls_set_context(tls)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_socket_open = self._on_socket_open
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_register_write
        client.on_socket_unregister_write = self._on_unregister_write

    async def open(self) -> None:
        """Connects and logs in."""
        connecting = self._loop.run_in_executor(
            None, self._client.connect, self._endpoint.host, self._endpoint.port, _KEEP_ALIVE_S
        )
        try:
            await asyncio.shield(connecting)
        except asyncio.CancelledError:
            connecting.add_done_callback(self._close_late)
            raise
        async with asyncio.timeout(_CONNECT_S):
            await self._either(self._accepted)

    async def publish(self, publication: Publication, qos: int) -> None:
        """Sends one message, and waits until it is as safe as its quality of service asks."""
        sent = self._client.publish(publication.topic, publication.payload, qos, publication.retain)
        if sent.rc != paho.MQTT_ERR_SUCCESS:
            raise ConnectionError(paho.error_string(sent.rc))
        if sent.is_published():
            return
        answer = self._answers[sent.mid] = self._loop.create_future()
        async with asyncio.timeout(_ANSWER_S):
            await self._either(answer)

    async def wait(self, event: asyncio.Event) -> None:
        """Until the event is set."""
        waiting = asyncio.ensure_future(event.wait())
        try:
            await self._either(waiting)
        finally:
            waiting.cancel()

    def close(self) -> None:
        """Says goodbye."""
        with contextlib.suppress(OSError, ValueError):
            self._client.disconnect()
        if self._keep_alive is not None:
            self._keep_alive.cancel()
        for future in (self._lost, self._accepted):
            future.cancel()

    async def _either(self, wanted: asyncio.Future[Any]) -> None:
        await asyncio.wait((wanted, self._lost), return_when=asyncio.FIRST_COMPLETED)
        if not wanted.done():
            raise ConnectionError("the connection was lost")
        await wanted

    def _close_late(self, connecting: asyncio.Future[Any]) -> None:
        if not connecting.cancelled() and connecting.exception() is None:
            self.close()

    async def _keep_alive_forever(self) -> None:
        while self._client.loop_misc() == paho.MQTT_ERR_SUCCESS:  # noqa: ASYNC110 - it is the work, not a wait
            await asyncio.sleep(1.0)

    # paho calls these on the loop, or in the thread that connects.

    def _on_loop(self, action: Callable[..., object], *arguments: Any) -> None:
        if threading.get_ident() == self._thread:
            action(*arguments)
        else:
            self._loop.call_soon_threadsafe(action, *arguments)

    def _on_socket_open(self, _client: Any, _data: Any, connection: Any) -> None:
        self._on_loop(self._watch, connection)

    def _watch(self, connection: socket.socket) -> None:
        if connection.fileno() >= 0:
            self._loop.add_reader(connection, self._client.loop_read)
            self._keep_alive = self._loop.create_task(self._keep_alive_forever())

    def _on_socket_close(self, _client: Any, _data: Any, connection: Any) -> None:
        self._on_loop(self._unwatch, connection.fileno())

    def _unwatch(self, descriptor: int) -> None:
        if descriptor >= 0:
            self._loop.remove_reader(descriptor)
            self._loop.remove_writer(descriptor)

    def _on_register_write(self, _client: Any, _data: Any, connection: Any) -> None:
        self._on_loop(self._watch_write, connection)

    def _watch_write(self, connection: socket.socket) -> None:
        if connection.fileno() >= 0:
            self._loop.add_writer(connection, self._client.loop_write)

    def _on_unregister_write(self, _client: Any, _data: Any, connection: Any) -> None:
        self._on_loop(self._loop.remove_writer, connection)

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if self._accepted.done():
            return
        if reason.is_failure:
            self._accepted.set_exception(ConnectionRefusedError(str(reason)))
        else:
            self._accepted.set_result(None)

    def _on_disconnect(self, *_: Any) -> None:
        self._on_loop(self._lose)

    def _lose(self) -> None:
        if not self._lost.done():
            self._lost.set_result(None)

    def _on_publish(self, _client: Any, _data: Any, mid: int, _reason: Any, _properties: Any) -> None:
        answer = self._answers.pop(mid, None)
        if answer is not None and not answer.done():
            answer.set_result(None)
