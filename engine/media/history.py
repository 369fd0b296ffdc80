"""The last seconds of a stream as they came, encoded."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

MAX_BYTES = 96 * 2**20
"""The most that one stream keeps, whatever its bit rate and the distance of its key frames."""

MAX_DISTANCE_S = 1.0
"""A picture further from the wanted instant than this is not the one that was meant."""


class NotInHistoryError(LookupError):
    """No picture of the wanted instant is kept; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class AccessUnit:
    """One encoded picture.

    `payload` is a `Gst.Buffer` (shared, never copied); `pts_ns` its presentation time on the system's monotonic clock;
    `key` tells that decoding can begin here; `number` counts the units of the stream.
    """

    number: int
    payload: Any
    size: int
    pts_ns: int
    key: bool
    captured_at: float
    arrived_at: float


class History:
    """A window over access units that always begins with a key frame. Safe to use from several threads."""

    def __init__(self, seconds: float, max_bytes: int = MAX_BYTES) -> None:
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._groups: deque[list[AccessUnit]] = deque()
        self._bytes = 0
        self._media_type = ""
        self._lock = threading.Lock()

    def begin(self, media_type: str) -> None:
        """Units of this codec follow; those of another are forgotten."""
        if media_type != self._media_type:
            self.clear()
            self._media_type = media_type

    def add(self, unit: AccessUnit) -> None:
        """Appends the newest unit and drops whole groups of pictures that are too old, or too much."""
        with self._lock:
            if unit.key:
                self._groups.append([])
            if not self._groups:
                return
            self._groups[-1].append(unit)
            self._bytes += unit.size
            while self._is_spare(unit):
                self._bytes -= sum(old.size for old in self._groups.popleft())

    def _is_spare(self, newest: AccessUnit) -> bool:
        if self._bytes > self._max_bytes and self._groups:
            return True
        # The second group must reach back far enough on its own.
        return len(self._groups) > 1 and self._groups[1][0].arrived_at <= newest.arrived_at - self._seconds

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._groups.clear()
            self._bytes = 0

    def last_group(self) -> list[AccessUnit]:
        """The units since the newest key frame, that one included: where a new watcher begins."""
        with self._lock:
            return list(self._groups[-1]) if self._groups else []

    def newest_key(self) -> AccessUnit | None:
        """The newest key frame."""
        with self._lock:
            return self._groups[-1][0] if self._groups else None

    def pts_ns_at(self, captured_at: float) -> int | None:
        """The presentation time of the picture nearest to an instant; None when there is none near it."""
        with self._lock:
            units = [unit for group in reversed(self._groups) for unit in reversed(group)]
        unit = min(units, key=lambda unit: abs(unit.captured_at - captured_at), default=None)
        if unit is None or abs(unit.captured_at - captured_at) > MAX_DISTANCE_S:
            return None
        return unit.pts_ns + round((captured_at - unit.captured_at) * 1e9)

    def group_for(self, at: float | None) -> tuple[list[AccessUnit], AccessUnit]:
        """What has to be decoded for the picture nearest to the instant, and that picture's unit.

        None means the newest picture. Raises NotInHistoryError.
        """
        with self._lock:
            if not self._groups:
                raise NotInHistoryError("no picture of the stream has arrived yet")
            if at is None:
                group = self._groups[-1]
                return list(group), group[-1]
            group, wanted = min(
                ((group, unit) for group in self._groups for unit in group),
                key=lambda pair: abs(pair[1].captured_at - at),
            )
            distance_s = wanted.captured_at - at
            if abs(distance_s) > MAX_DISTANCE_S:
                side = "after" if distance_s > 0 else "before"
                raise NotInHistoryError(f"the nearest picture that is kept was taken {abs(distance_s):.1f} s {side} it")
            return group[: group.index(wanted) + 1], wanted
