"""Hands events, states and tracks to the WebSocket clients, each encoded once; nobody waits for anybody."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import msgspec

from engine.api.messages.links import ChannelTracks
from engine.api.messages.state import CameraState, ChannelState, LinkState, State
from engine.api.messages.websocket import (
    CameraMessage,
    ChannelMessage,
    EventMessage,
    LinkMessage,
    RuleMessage,
    ServerMessage,
    StateMessage,
    TracksMessage,
)
from engine.api.services import Change, EngineServices
from engine.core.bus import Bus
from engine.core.events import Event
from engine.core.values import TrackUpdate
from engine.store import codec

_LOGGER = logging.getLogger(__name__)
_BACKLOG = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    """Limits: how many clients; how many messages wait for one before it is dropped; how long it may take to tell
    who it is; how often its token is looked at again.
    """

    most_clients: int = 200
    queue_limit: int = 500
    first_message_s: float = 10.0
    recheck_s: float = 30.0


class Mailbox:
    """What waits to be sent to one client. Full, it is `overflowed`: the client does not read and is to be dropped."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._messages: deque[str] = deque()
        self._tracks: dict[str, str] = {}
        self._wake = asyncio.Event()
        self.overflowed = asyncio.Event()
        self.listening = False
        """Whether it collects messages: not before the client has told who it is."""
        self.wants_tracks = False

    def offer(self, message: str) -> None:
        """Appends a message that must arrive."""
        if not self.listening:
            return
        if len(self._messages) >= self._limit:
            self.overflowed.set()
            return
        self._messages.append(message)
        self._wake.set()

    def offer_tracks(self, channel: str, message: str) -> None:
        """Puts the newest tracks of a channel in the place of those that were not sent yet."""
        if self.listening and self.wants_tracks:
            self._tracks[channel] = message
            self._wake.set()

    async def __aiter__(self) -> AsyncIterator[str]:
        while True:
            while self._messages or self._tracks:
                if self._messages:
                    yield self._messages.popleft()
                else:
                    yield self._tracks.pop(next(iter(self._tracks)))
            self._wake.clear()
            await self._wake.wait()


class Hub:
    """All clients of the WebSocket."""

    def __init__(self, services: EngineServices, events: Bus[Event], settings: HubSettings) -> None:
        self._services = services
        self._events = events
        self.settings = settings
        self._clients: set[Mailbox] = set()
        self._pumps: list[asyncio.Task[None]] = []
        self.closing = asyncio.Event()

    def start(self) -> None:
        """Begins to listen."""
        self._pumps = [
            asyncio.create_task(self._pump(self._events, self._tell_event)),
            asyncio.create_task(self._pump(self._services.changes, self._tell_change)),
            asyncio.create_task(self._pump(self._services.track_updates, self._tell_tracks)),
        ]

    def close(self) -> None:
        """Tells every connection to end."""
        self.closing.set()

    async def stop(self) -> None:
        """Stops listening."""
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        self._pumps = []

    def join(self) -> Mailbox | None:
        """A mailbox for a new client; None when there are too many clients."""
        if len(self._clients) >= self.settings.most_clients:
            return None
        mailbox = Mailbox(self.settings.queue_limit)
        self._clients.add(mailbox)
        return mailbox

    def leave(self, mailbox: Mailbox) -> None:
        """Forgets a client."""
        self._clients.discard(mailbox)

    async def _pump[T](self, bus: Bus[T], tell: Callable[[T], None]) -> None:
        while True:
            with bus.subscribe(_BACKLOG) as messages:
                async for message in messages:
                    try:
                        tell(message)
                    except Exception:
                        # One message that cannot be told must not silence all that follow.
                        _LOGGER.exception("A message could not be sent to the clients")
            _LOGGER.error("The engine was too busy for its clients: they are dropped and will connect again")
            for client in self._clients:
                client.overflowed.set()

    def _tell_event(self, event: Event) -> None:
        self._tell_all(EventMessage(event=msgspec.Raw(codec.encode(event))))

    def _tell_change(self, change: Change) -> None:
        match change:
            case State():
                self._tell_all(StateMessage(state=change))
            case CameraState():
                self._tell_all(CameraMessage(camera=change))
            case ChannelState():
                self._tell_all(ChannelMessage(channel=change))
            case LinkState():
                self._tell_all(LinkMessage(link=change))
            case _:
                self._tell_all(RuleMessage(rule=change))

    def _tell_tracks(self, update: TrackUpdate) -> None:
        listeners = [client for client in self._clients if client.wants_tracks]
        if not listeners:
            return
        tracks = ChannelTracks.of(update)
        message = encode(TracksMessage(channel=tracks.channel, captured_at=tracks.captured_at, tracks=tracks.tracks))
        for client in listeners:
            client.offer_tracks(update.channel, message)

    def _tell_all(self, message: ServerMessage) -> None:
        if not self._clients:
            return
        encoded = encode(message)
        for client in self._clients:
            client.offer(encoded)


def encode(message: ServerMessage) -> str:
    """A message as it travels."""
    return msgspec.json.encode(message).decode()
