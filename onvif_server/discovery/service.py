"""Discovery at work: says hello and good-bye, and answers who searches."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import socket
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from onvif_server.discovery import messages, scopes
from onvif_server.discovery.announced import Announced
from onvif_server.discovery.interfaces import Interface, find_interfaces
from onvif_server.discovery.messages import Description, Place, Probe, Resolve
from onvif_server.discovery.sockets import PORT, Datagram, GroupSocket

APP_MAX_DELAY_S: Final = 0.5
"""Answers and greetings wait a random time up to this, so that not all devices of a network speak at once."""
REPEAT_S: Final = 0.05
"""After this, what was told to everybody is told once more, for datagrams get lost."""
_REMEMBERED: Final = 1024
_AT_A_TIME: Final = 32
_LOGGER = logging.getLogger(__name__)


def _random_delay() -> float:
    return random.uniform(0.0, APP_MAX_DELAY_S)  # noqa: S311 - it only spreads the answers


class _Allowance:
    """How many datagrams may still go out as answers: so many a second, and no more than a second's worth at once."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._left = per_second
        self._at = time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self._left = min(self._per_second, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class _Voice:
    """One device and its counters."""

    def __init__(self, device: Announced, instance: int) -> None:
        self.device = device
        self._instance = instance
        self._number = 0
        # Rises over restarts too.
        self._version = instance
        self.greeting: asyncio.TimerHandle | None = None

    def next_place(self) -> Place:
        self._number += 1
        return Place(self._instance, self._number)

    def changed(self) -> None:
        self._version += 1

    def description(self, interface: Interface, local: str | None = None) -> Description | None:
        """As it is told on an interface's network; None if it cannot be reached from there, or does not want it."""
        addresses = self.device.addresses(interface, local)
        if not addresses or not self.device.identity.discoverable:
            return None
        return Description(
            uuid=self.device.uuid,
            scopes=self.device.identity.scopes(),
            addresses=addresses,
            metadata_version=self._version,
        )

    def is_meant(self, question: Probe | Resolve) -> bool:
        if isinstance(question, Resolve):
            return question.endpoint.lower() == f"urn:uuid:{self.device.uuid}"
        known = all(one in messages.TYPES for one in question.types)
        return known and scopes.matches(question.scopes, self.device.identity.scopes(), question.rule)


class Discovery:
    """Announces one or several devices from one pair of sockets.

    `interfaces`: by name; None: all that are up and can multicast, without the loopback; looked at anew every
    `watch_s` seconds. `answers_per_s`: datagrams to askers, all in all (None: enough for a few searches a second).
    `delay` gives the seconds before each answer and greeting. `now` is the clock, Unix seconds.
    """

    def __init__(
        self,
        devices: Sequence[Announced],
        *,
        interfaces: Sequence[str] | None = None,
        port: int = PORT,
        answers_per_s: float | None = None,
        watch_s: float = 10.0,
        delay: Callable[[], float] = _random_delay,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._devices = tuple(devices)
        self._names = interfaces
        self._port = port
        self._allowance = _Allowance(answers_per_s or max(20.0, 4.0 * len(self._devices)))
        self._watch_s = watch_s
        self._delay = delay
        self._sleep = sleep
        self._now = now
        self._voices: list[_Voice] = []
        self._sockets: list[GroupSocket] = []
        self._interfaces: dict[int, Interface] = {}
        self._seen: OrderedDict[tuple[Any, str], None] = OrderedDict()
        self._timers: set[asyncio.TimerHandle] = set()
        self._unlisten: list[Callable[[], None]] = []
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins; without IPv6 on the machine, with IPv4 alone. Raises OSError if the port cannot be had."""
        loop = asyncio.get_running_loop()
        # One more than in the life before, as long as that began at least a second earlier.
        instance = int(self._now())
        self._sockets = [GroupSocket(socket.AF_INET, self._port)]
        with contextlib.suppress(OSError):
            self._sockets.append(GroupSocket(socket.AF_INET6, self._port))
        self._voices = [_Voice(device, instance) for device in self._devices]
        self._find_interfaces()
        for each in self._sockets:
            loop.add_reader(each.socket, self._receive, each)
        for voice in self._voices:
            voice.device.identity.announced = True
            self._unlisten.append(voice.device.identity.listen(self._listener(voice)))
            self._greet_soon(voice)
        self._watching = asyncio.create_task(self._watch(), name="WS-Discovery interfaces")

    async def stop(self) -> None:
        """Says good-bye and ends. Stopping twice is no mistake."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
            self._watching = None
        for end in self._unlisten:
            end()
        self._unlisten.clear()
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        farewells = [
            (messages.bye(voice.device.uuid, voice.next_place()), interface)
            for voice in self._voices
            for interface in self._interfaces.values()
            if voice.description(interface) is not None
        ]
        for voice in self._voices:
            voice.device.identity.announced = False
        self._voices = []
        try:
            self._tell_everybody(farewells)
            if farewells:
                await self._sleep(REPEAT_S)
                self._tell_everybody(farewells)
        finally:
            for each in self._sockets:
                asyncio.get_running_loop().remove_reader(each.socket)
                each.close()
            self._sockets = []

    # --- hello ------------------------------------------------------------------------------------------------

    def _listener(self, voice: _Voice) -> Callable[[], None]:
        def changed() -> None:
            voice.changed()
            self._greet_soon(voice)

        return changed

    def _greet_soon(self, voice: _Voice) -> None:
        if voice.greeting is None:
            voice.greeting = self._later(self._delay(), lambda: self._greet(voice))

    def _greet(self, voice: _Voice) -> None:
        voice.greeting = None
        greetings = []
        for interface in self._interfaces.values():
            described = voice.description(interface)
            if described is not None:
                greetings.append((messages.hello(described, voice.next_place()), interface))
        self._tell_everybody(greetings)
        self._later(REPEAT_S, lambda: self._tell_everybody(greetings))

    def _tell_everybody(self, contents: Sequence[tuple[bytes, Interface]]) -> None:
        for content, interface in contents:
            for each in self._sockets:
                each.tell_everybody(content, interface)

    def _later(self, delay_s: float, act: Callable[[], None]) -> asyncio.TimerHandle:
        def due() -> None:
            self._timers.discard(timer)
            act()

        timer = asyncio.get_running_loop().call_later(delay_s, due)
        self._timers.add(timer)
        return timer

    async def _watch(self) -> None:
        while True:
            await self._sleep(self._watch_s)
            if self._find_interfaces():
                for voice in self._voices:
                    voice.changed()
                    self._greet_soon(voice)

    def _find_interfaces(self) -> bool:
        """Looks at the interfaces; whether they, or their addresses, are others than before."""
        found = {one.index: one for one in find_interfaces(self._names)}
        if found == self._interfaces:
            return False
        self._interfaces = found
        for each in self._sockets:
            each.join(tuple(found.values()))
        return True

    # --- questions --------------------------------------------------------------------------------------------

    def _receive(self, receiver: GroupSocket) -> None:
        # A flood must not keep the loop from everything else.
        for _ in range(_AT_A_TIME):
            datagram = receiver.receive(messages.MAXIMUM_BYTES)
            if datagram is None:
                return
            try:
                self._hear(receiver, datagram)
            except Exception:
                _LOGGER.debug("a discovery message was passed over", exc_info=True)

    def _hear(self, receiver: GroupSocket, datagram: Datagram) -> None:
        interface = self._interfaces.get(datagram.interface)
        question = None if interface is None else messages.read_question(datagram.content)
        if interface is None or question is None or self._known(datagram.sender, question.message_id):
            return
        for voice in self._voices:
            if voice.is_meant(question) and voice.description(interface, datagram.local) and self._allowance.take():
                self._answer_later(receiver, datagram, voice, question)

    def _answer_later(
        self, receiver: GroupSocket, datagram: Datagram, voice: _Voice, question: Probe | Resolve
    ) -> None:
        def answer() -> None:
            interface = self._interfaces.get(datagram.interface)
            described = None if interface is None else voice.description(interface, datagram.local)
            if described is not None:
                receiver.tell(messages.answer(question, described, voice.next_place()), datagram.sender)

        # Only searches reach many devices at once.
        self._later(self._delay() if isinstance(question, Probe) else 0.0, answer)

    def _known(self, sender: Any, message_id: str) -> bool:
        """Whether the message came before: whoever searches sends everything twice or more."""
        key = (sender, message_id)
        if key in self._seen:
            return True
        self._seen[key] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return False
