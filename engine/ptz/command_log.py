"""What the motors were told lately, to know where they will be before the camera can say so."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Velocity:
    """Velocities in degrees, and zoom range, a second."""

    pan_dps: float = 0.0
    tilt_dps: float = 0.0
    zoom_per_s: float = 0.0


class CommandLog:
    """The velocities sent during the last seconds (None: the head was sent somewhere, its velocity is not known)."""

    def __init__(self, keep_s: float = 3.0) -> None:
        self._keep_s = keep_s
        self._entries: deque[tuple[float, Velocity | None]] = deque()

    def add(self, at: float, velocity: Velocity | None) -> None:
        """Notes a command."""
        self._entries.append((at, velocity))
        # The entry before the window still tells what holds at its beginning.
        while len(self._entries) > 2 and self._entries[1][0] < at - self._keep_s:
            self._entries.popleft()

    def displacement(self, start: float, end: float) -> Velocity | None:
        """How far the commands issued between two moments move the head: degrees and zoom range, not speeds.

        None when one of them was not a velocity.
        """
        pan = tilt = zoom = 0.0
        for (begin, velocity), (finish, _) in pairwise([*self._entries, (end, None)]):
            seconds = min(finish, end) - max(begin, start)
            if seconds <= 0:
                continue
            if velocity is None:
                return None
            pan += velocity.pan_dps * seconds
            tilt += velocity.tilt_dps * seconds
            zoom += velocity.zoom_per_s * seconds
        return Velocity(pan, tilt, zoom)
