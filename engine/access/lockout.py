"""The illegal login lock, and a limit on how fast anybody may try."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from engine.access.errors import LockedOut
from engine.core.addresses import network_of
from engine.core.clock import Clock

_MOST_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LockoutSettings:
    """Defaults of H§2.2: seven wrong tries of an administrator, five of others, 30 minutes.

    `tries_a_minute` bounds how often one address may try at all, with any names.
    """

    enabled: bool = True
    administrator_tries: int = 7
    other_tries: int = 5
    duration_s: float = 1800.0
    tries_a_minute: int = 30


@dataclass(slots=True)
class _Count:
    tries: int
    last_at: float


class Lockout:
    """Counts tries by user and address; used for web, ONVIF and RTSP.

    A try is counted before its password is looked at, so that many at once do not slip through; `succeeded` takes
    it back. What is remembered is bounded, and forgotten after the locking duration.
    """

    def __init__(self, clock: Clock, settings: LockoutSettings) -> None:
        self._clock = clock
        self._settings = settings
        self._counts: OrderedDict[tuple[str, str], _Count] = OrderedDict()
        self._paces: OrderedDict[str, tuple[float, float]] = OrderedDict()

    @property
    def duration_s(self) -> float:
        """How long a lock lasts."""
        return self._settings.duration_s

    def pace(self, address: str) -> None:
        """Raises LockedOut when the address tries too often. Every try costs one of `tries_a_minute`."""
        now, limit = self._clock.now(), self._settings.tries_a_minute
        who = network_of(address)
        left, at = self._paces.pop(who, (float(limit), now))
        left = min(left + max(now - at, 0.0) * limit / 60.0, float(limit))
        self._paces[who] = (max(left - 1.0, 0.0) if left >= 1.0 else left, now)
        while len(self._paces) > _MOST_REMEMBERED:
            self._paces.popitem(last=False)
        if left < 1.0:
            raise LockedOut("too many tries from this address: wait a little", (1.0 - left) * 60.0 / limit)

    def count(self, username: str, address: str, *, administrator: bool) -> bool:
        """Counts a try; True when it is the last before the lock. Raises LockedOut when the lock is on."""
        if not self._settings.enabled:
            return False
        now = self._clock.now()
        self._forget_old(now)
        key = (username.casefold(), network_of(address))
        tries = self._settings.administrator_tries if administrator else self._settings.other_tries
        known = self._counts.get(key)
        if known is not None and known.tries >= tries:
            # The lock runs from the try that closed it; further tries neither count nor prolong it.
            left = known.last_at + self._settings.duration_s - now
            raise LockedOut(f"too many wrong tries: locked for {max(round(left / 60), 1)} more minutes", left)
        self._counts[key] = _Count((known.tries if known else 0) + 1, now)
        self._counts.move_to_end(key)
        return self._counts[key].tries >= tries

    def succeeded(self, username: str, address: str) -> None:
        """Forgets the wrong tries of this user from this address."""
        self._counts.pop((username.casefold(), network_of(address)), None)

    def forget_user(self, username: str) -> None:
        """Opens every lock of a user (after a reset of the password)."""
        for key in [key for key in self._counts if key[0] == username.casefold()]:
            del self._counts[key]

    def _forget_old(self, now: float) -> None:
        while self._counts:
            key, oldest = next(iter(self._counts.items()))
            too_many = len(self._counts) > _MOST_REMEMBERED
            if not too_many and oldest.last_at + self._settings.duration_s > now:
                return
            del self._counts[key]
