"""Tells the PTZ picture's tracks apart by their past: who was elsewhere while the target was seen is not the target.

A moving target that passes something of its kind which stands still (a car behind a parked van) is hidden for a moment,
and what stands there lies well within the range where the target may be.
"""

from __future__ import annotations

from collections import deque

from engine.core.values import Track
from engine.linkage.estimator import Estimator, Measurement

MEMORY_S = 1.8
APART_S = 0.25
"""How far apart in time the remembered measurements of a track are."""
ELSEWHERE = 16.0
"""From this squared Mahalanobis distance on a track was not where the target was."""
SAME_OVERLAP = 0.1
"""Boxes of one picture that overlap by more may be two boxes of one target."""


class Alibis:
    """What speaks against tracks of the PTZ picture being the target."""

    def __init__(self) -> None:
        self._pasts: dict[str, deque[Measurement]] = {}
        self._others: set[str] = set()

    def note(self, track_id: str, measurement: Measurement) -> None:
        """Remembers where a track was."""
        past = self._pasts.setdefault(track_id, deque())
        if not past or measurement.at - past[-1].at >= APART_S:
            past.append(measurement)
        while measurement.at - past[0].at > MEMORY_S:
            past.popleft()

    def note_together(self, target: Track, seen: list[Track]) -> None:
        """Remembers who was in the picture beside the target."""
        self._others.update(
            track.track_id for track in seen if track.box.intersection_over_union(target.box) < SAME_OVERLAP
        )

    def clear(self, wrong_id: str | None = None) -> None:
        """The target was somebody else than was believed: what spoke against others counts no more.

        `wrong_id` is who was taken for it.
        """
        self._pasts.clear()
        self._others = set() if wrong_id is None else {wrong_id}

    def forget_all_but(self, track_ids: set[str]) -> None:
        """Drops tracks that the tracker does not know any more."""
        self._pasts = {track_id: past for track_id, past in self._pasts.items() if track_id in track_ids}
        self._others &= track_ids

    def has(self, track_id: str, estimator: Estimator) -> bool:
        """Whether the track was elsewhere at a moment for which the target's place is known."""
        return track_id in self._others or any(
            known.at >= estimator.known_since and estimator.distance(known) > ELSEWHERE
            for known in self._pasts.get(track_id, ())
        )
