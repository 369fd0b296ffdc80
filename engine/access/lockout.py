"""The illegal login lock, and a limit on how fast anybody may try."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from engine.access.errors import LockedOut
from engine.core.addresses import network_of
from engine.core.clock import Clock

_SHARED = 4096
"""So many counts there are for the pairs that have none of their own, each for all networks and some of the names."""

_LONGEST_NAME = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class LockoutSettings:
    """Defaults of H§2.2: seven wrong tries of an administrator, five of others, 30 minutes.

    `network_tries` bounds the wrong tries of one network with any names: beyond them it is locked as a whole.
    `tries_a_minute` bounds how often one address may try at all, with any names. `remembered`: so many pairs of user
    and network have a count of their own.
    """

    enabled: bool = True
    administrator_tries: int = 7
    other_tries: int = 5
    network_tries: int = 100
    duration_s: float = 1800.0
    tries_a_minute: int = 30
    remembered: int = 20_000


@dataclass(slots=True)
class _Count:
    tries: int
    last_at: float


@dataclass(slots=True)
class _Network:
    """The tries of a network's pairs together; `locked_until` is 0 while it is not locked as a whole."""

    tries: int = 0
    locked_until: float = 0.0


type _Pair = tuple[str, str]


class Lockout:
    """Counts tries by user and network; used for web, ONVIF and RTSP.

    A try is counted before its password is looked at, so that many at once do not slip through; `succeeded` takes
    it back. A count is forgotten after the locking duration, and never before, whatever others try meanwhile. What is
    remembered is bounded all the same: a network by its own lock; and when all room is taken, the pairs that come then
    share counts with other networks, so that they are locked early rather than late.
    """

    def __init__(self, clock: Clock, settings: LockoutSettings) -> None:
        self._clock = clock
        self._settings = settings
        self._counts: OrderedDict[_Pair, _Count] = OrderedDict()
        self._networks: dict[str, _Network] = {}
        self._shared: dict[int, _Count] = {}
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
        while len(self._paces) > self._settings.remembered:
            self._paces.popitem(last=False)
        if left < 1.0:
            raise LockedOut("too many tries from this address: wait a little", (1.0 - left) * 60.0 / limit)

    def count(self, username: str, address: str, *, administrator: bool) -> bool:
        """Counts a try; True when it is the last before a lock. Raises LockedOut when a lock is on."""
        if not self._settings.enabled:
            return False
        now = self._clock.now()
        self._forget_old(now)
        pair = _pair(username, address)
        tries = self._settings.administrator_tries if administrator else self._settings.other_tries
        network = self._networks.get(pair[1])
        if network is not None and network.locked_until > now:
            raise _locked_out(network.locked_until - now)
        known = self._counts.get(pair) or self._shared_count(pair, now)
        if known is not None and known.tries >= tries:
            # The lock runs from the try that closed it; further tries neither count nor prolong it.
            raise _locked_out(known.last_at + self._settings.duration_s - now)
        tried = (known.tries if known else 0) + 1
        return self._note(pair, tried, now) or tried >= tries

    def network_locked_s(self, address: str) -> float:
        """How long the network of an address is still locked as a whole, whatever the user; 0 when it is not."""
        network = self._networks.get(network_of(address))
        return max(network.locked_until - self._clock.now(), 0.0) if network else 0.0

    def succeeded(self, username: str, address: str) -> None:
        """Forgets the wrong tries of this user from this address."""
        pair = _pair(username, address)
        if pair in self._counts:
            self._drop(pair)
        elif (shared := self._shared.get(_slot(pair))) is not None:
            # The others' tries stay.
            shared.tries = max(shared.tries - 1, 0)

    def forget_user(self, username: str) -> None:
        """Opens every lock of a user (after a reset of the password)."""
        for pair in [pair for pair in self._counts if pair[0] == _name(username)]:
            self._drop(pair)
        self._shared.pop(_slot(_pair(username, "")), None)

    def _note(self, pair: _Pair, tried: int, now: float) -> bool:
        """Keeps the new count of a pair; True when this locks its network."""
        if pair not in self._counts and len(self._counts) >= self._settings.remembered:
            self._shared[_slot(pair)] = _Count(tried, now)
            return False
        network = self._networks.setdefault(pair[1], _Network())
        known = self._counts.get(pair)
        network.tries += tried - (known.tries if known else 0)
        self._counts[pair] = _Count(tried, now)
        self._counts.move_to_end(pair)
        if network.tries < self._settings.network_tries:
            return False
        network.locked_until = now + self._settings.duration_s
        return True

    def _shared_count(self, pair: _Pair, now: float) -> _Count | None:
        """What a pair without a count of its own begins with: perhaps it was one of those who shared this."""
        shared = self._shared.get(_slot(pair))
        if shared is not None and shared.last_at + self._settings.duration_s <= now:
            del self._shared[_slot(pair)]
            return None
        return shared

    def _forget_old(self, now: float) -> None:
        while self._counts:
            pair, oldest = next(iter(self._counts.items()))
            if oldest.last_at + self._settings.duration_s > now:
                return
            self._drop(pair)

    def _drop(self, pair: _Pair) -> None:
        network = self._networks[pair[1]]
        network.tries -= self._counts.pop(pair).tries
        if network.tries <= 0:
            del self._networks[pair[1]]


def _pair(username: str, address: str) -> _Pair:
    return _name(username), network_of(address)


def _name(username: str) -> str:
    return username[:_LONGEST_NAME].casefold()


def _slot(pair: _Pair) -> int:
    # By the name alone: whoever asks from many networks asks for few names. Python's hash of a text is another one in
    # every process, so nobody can choose names that meet.
    return hash(pair[0]) % _SHARED


def _locked_out(left_s: float) -> LockedOut:
    return LockedOut(f"too many wrong tries: locked for {max(round(left_s / 60), 1)} more minutes", left_s)
