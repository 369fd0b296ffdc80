"""The one illegal login lock, for the RTSP relay too: it knows no users' history, so it is told whom to refuse."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Protocol

from engine.access import DeviceUsers, Role
from engine.access.errors import LockedOut
from engine.access.lockout import Lockout
from engine.core.addresses import network_of
from engine.core.clock import Clock
from engine.media import LoginFailed

_MOST = 1000
"""So many pairs of user and address are refused at once; the oldest go first."""

_LOG = logging.getLogger(__name__)


class Refusing(Protocol):
    """Whoever refuses those who are locked out; `engine.media.MediaProcess` is one."""

    async def set_locked(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Replaces who is refused: pairs of user name and address; an empty name stands for everybody there."""
        ...


class RelayGuard:
    """Counts the relay's failed logins, and refuses who used up the tries for as long as the lock lasts.

    `on_lock(username, address)` is called when a lock closes.
    """

    def __init__(
        self,
        relay: Refusing,
        lockout: Lockout,
        users: DeviceUsers,
        clock: Clock,
        on_lock: Callable[[str, str], None],
    ) -> None:
        self._relay = relay
        self._lockout = lockout
        self._users = users
        self._clock = clock
        self._on_lock = on_lock
        self._until: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._changed = asyncio.Event()

    def failed(self, event: LoginFailed) -> None:
        """Takes note of a wrong password."""
        user = next((one for one in self._users.users if one.username == event.username), None)
        administrator = user is not None and user.role is Role.ADMINISTRATOR
        try:
            if not self._lockout.count(event.username, event.address, administrator=administrator):
                return
        except LockedOut as error:
            self._lock(event, error.retry_after_s)
            return
        self._on_lock(event.username, event.address)
        self._lock(event, self._lockout.duration_s)

    def _lock(self, event: LoginFailed, seconds: float) -> None:
        # As the lock sees it: one host with IPv6 has as many addresses as it likes.
        network = network_of(event.address)
        name = event.username
        if self._lockout.network_locked_s(event.address):
            # One entry for the network, instead of one for each name that it thinks of.
            name = ""
            for pair in [pair for pair in self._until if pair[1] == network]:
                del self._until[pair]
        elif not name:
            return  # nobody is called that, so nobody needs to be refused
        self._until[name, network] = self._clock.now() + seconds
        while len(self._until) > _MOST:
            self._until.popitem(last=False)
        self._changed.set()

    async def run(self) -> None:
        """Keeps the relay informed, until it is cancelled."""
        while True:
            self._changed.clear()
            now = self._clock.now()
            for pair in [pair for pair, until in self._until.items() if until <= now]:
                del self._until[pair]
            await self._relay.set_locked(tuple(self._until))
            ends = min(self._until.values(), default=None)
            waiting = asyncio.ensure_future(self._changed.wait())
            ending = asyncio.ensure_future(self._clock.sleep(ends - now)) if ends is not None else None
            try:
                await asyncio.wait([waiting, ending] if ending else [waiting], return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (waiting, ending):
                    if task is not None:
                        task.cancel()
