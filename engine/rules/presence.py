"""What all kinds of rules share: which tracks count, and how a lost track's state goes to its successor."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from engine.core.events import RuleTriggered
from engine.core.geometry import Box
from engine.core.values import TargetType, Track, TrackUpdate
from engine.rules.geometry import Pair
from engine.rules.values import Rule


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where and when a track was last really detected (not predicted)."""

    track_id: str
    target_type: TargetType
    box: Box
    at: float

    @classmethod
    def of(cls, track: Track, at: float) -> Sighting:
        """The sighting of a detected track."""
        return cls(track.track_id, track.target_type, track.box, at)


class HasSighting(Protocol):
    """A memory of one target."""

    @property
    def last(self) -> Sighting:
        """Where and when it was last seen."""
        ...


class RuleState(Protocol):
    """A rule with its memory of the targets on its channel."""

    @property
    def active(self) -> bool:
        """Whether an event has begun and not ended."""
        ...

    def observe(self, update: TrackUpdate) -> Iterator[RuleTriggered]:
        """What begins and ends with this update. The memory changes as the iterator is read, so read all of it."""
        ...

    def clear(self, at: float) -> Iterator[RuleTriggered]:
        """Forgets all targets; what was active ends."""
        ...


def eligible(rule: Rule, track: Track) -> bool:
    """Whether the rule is about this track at all: confirmed, of a wanted type, sure enough, of a wanted size."""
    wanted = track.confirmed and track.target_type in rule.targets and track.score >= rule.min_score
    return wanted and (rule.sizes is None or rule.sizes.admits(track.box))


def visible_foot(box: Box) -> Pair:
    """The foot point, or where the picture cuts the target off: somebody close to the camera stands below its edge."""
    return min(max(box.foot.x, 0.0), 1.0), min(max(box.foot.y, 0.0), 1.0)


def predecessor[S: HasSighting](track: Track, aspect: float, memories: Iterable[S], grace_s: float) -> S | None:
    """The memory of the target that was lost just before this track began, near the place where it began; or None.

    A tracker that loses a target and finds it again under a new name must neither end an event nor repeat it. A track
    that began while the other one was still seen is another target.
    """
    candidates = [
        (_separation(memory.last.box, track.box, aspect), memory)
        for memory in memories
        if memory.last.target_type is track.target_type and 0 < track.first_seen_at - memory.last.at <= grace_s
    ]
    near = [candidate for candidate in candidates if candidate[0] <= 1.0]
    return min(near, key=lambda candidate: candidate[0])[1] if near else None


def _separation(a: Box, b: Box, aspect: float) -> float:
    """The distance of two foot points in units of the larger height: at most 1 can be one walking target."""
    dx = a.foot.x - b.foot.x
    dx -= round(dx)  # over the seam of a panorama
    return math.hypot(dx * aspect, a.foot.y - b.foot.y) / max(a.height, b.height, 1e-6)
