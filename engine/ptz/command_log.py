"""What motors were told lately, to know where they will be before the camera can say so."""

from __future__ import annotations

import math
from collections import deque
from itertools import pairwise

type Rates = tuple[float, ...]
"""A velocity, an entry an axis: degrees, or zoom range, a second."""


class CommandLog:
    """The velocities sent to a group of axes during the last seconds, with times of one clock that nobody sets.

    None: the axes were sent somewhere, their velocity is not known.
    """

    def __init__(self, axes: int, keep_s: float = 3.0) -> None:
        self._axes = axes
        self._keep_s = keep_s
        self._entries: deque[tuple[float, Rates | None]] = deque()

    def add(self, at: float, rates: Rates | None) -> None:
        """Notes a command."""
        self._entries.append((at, rates))
        # The entry before the window still tells what holds at its beginning.
        while len(self._entries) > 2 and self._entries[1][0] < at - self._keep_s:
            self._entries.popleft()

    def displacement(self, start: float, end: float) -> Rates | None:
        """How far the commands issued between two moments move the axes: degrees and zoom range, not speeds.

        None when one of them was not a velocity.
        """
        ways = [0.0] * self._axes
        for (begin, rates), (finish, _) in pairwise([*self._entries, (end, None)]):
            seconds = min(finish, end) - max(begin, start)
            if seconds <= 0:
                continue
            if rates is None:
                return None
            ways = [way + rate * seconds for way, rate in zip(ways, rates, strict=True)]
        return tuple(ways)


class SentCommands:
    """What was sent to head (pan, tilt) and lens, and what of it is still to come. `delay_s`: until a command acts."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._head = CommandLog(2)
        self._lens = CommandLog(1)
        self._place_at = -math.inf

    def velocity(self, at: float, head: Rates | None, lens: Rates | None) -> None:
        """Velocities were sent to those that are not None."""
        if head is not None:
            self._head.add(at, head)
        if lens is not None:
            self._lens.add(at, lens)

    def place(self, at: float, *, head: bool, lens: bool) -> None:
        """Those were sent to a place: how fast they move is not known from now on."""
        self._place_at = at
        if head:
            self._head.add(at, None)
        if lens:
            self._lens.add(at, None)

    def begun(self, at: float) -> bool:
        """Whether what was sent to a place last has had its time to begin, at a moment."""
        return at - self._place_at > self._delay_s + 0.2

    def head_to_come(self, since: float, now: float) -> Rates | None:
        """By how much pan and tilt will differ from what they were at `since`, once a command sent now takes effect.

        None where the head was sent to a place.
        """
        return self._head.displacement(since - self._delay_s, now)

    def lens_to_come(self, since: float, now: float) -> Rates | None:
        """See `head_to_come`."""
        return self._lens.displacement(since - self._delay_s, now)
