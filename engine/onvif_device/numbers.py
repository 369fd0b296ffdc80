"""ONVIF numbers its objects; events and metadata must use the same numbers."""

from __future__ import annotations

from collections import OrderedDict

_MOST_OBJECTS = 10_000


class ObjectNumbers:
    """Numbers for tracks, each the same as long as the track is among the last thousands that were asked for."""

    def __init__(self) -> None:
        self._numbers: OrderedDict[str, int] = OrderedDict()
        self._next_number = 1

    def of(self, track_id: str) -> int:
        """The number of a track."""
        number = self._numbers.get(track_id)
        if number is None:
            number, self._next_number = self._next_number, self._next_number + 1
            self._numbers[track_id] = number
            if len(self._numbers) > _MOST_OBJECTS:
                self._numbers.popitem(last=False)
        else:
            self._numbers.move_to_end(track_id)
        return number

    def track_of(self, number: int) -> str | None:
        """The track that has a number; None for a number that was never told, or is forgotten."""
        return next((track for track, known in self._numbers.items() if known == number), None)
