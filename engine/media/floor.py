"""Who may be heard at a loudspeaker: one at a time, and no more than speech needs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

HOLD_S = 3.0
"""Who was silent for so long has no longer the word."""

RATE = 10_000
"""So many bytes a second are passed on for long: G.711 has 8000, and clocks are not all alike."""

BURST = 16_000
"""So many bytes are passed on at once."""

MAX_PACKET = 1400
"""The largest piece of sound, in bytes."""


class Floor:
    """Gives the word. `now` is in seconds and never goes back. Safe in several threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._speaker: object | None = None
        self._heard_at = 0.0
        self._credit = float(BURST)
        self._lock = threading.Lock()

    def is_taken(self) -> bool:
        """Whether somebody speaks now."""
        with self._lock:
            return self._is_taken(self._now())

    def _is_taken(self, now: float) -> bool:
        return self._speaker is not None and now - self._heard_at < HOLD_S

    def begins(self, speaker: object) -> bool:
        """Whether a sound of a speaker would be the first since it was silent."""
        with self._lock:
            return self._speaker is not speaker or not self._is_taken(self._now())

    def admit(self, speaker: object, size: int) -> bool:
        """Whether a piece of sound of so many bytes is passed on. Who has the word keeps it with each piece."""
        with self._lock:
            now = self._now()
            if self._speaker is not speaker and self._is_taken(now):
                return False
            self._credit = min(self._credit + (now - self._heard_at) * RATE, BURST)
            self._speaker, self._heard_at = speaker, now
            if size > min(self._credit, MAX_PACKET):
                return False
            self._credit -= size
            return True
