"""Somebody walks over a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.core.events import RuleTriggered
from engine.core.values import Track, TrackUpdate
from engine.rules.geometry import Pair, distance_to_path, signed_crossings
from engine.rules.presence import Sighting, eligible, predecessor, visible_foot
from engine.rules.values import CrossingDirection, Rule, RuleTimes


@dataclass(slots=True)
class _Walk:
    """One target's way since it was last clear of the line: its foot now, and its crossings so far, A to B less B to A.

    Counting on the way, rather than comparing sides before and after, tells a walk over the line from a walk around
    its end; waiting until the target is clear of the line keeps a foot that trembles on it from crossing many times.
    """

    foot: Pair
    crossings: int
    last: Sighting


class LineCrossing:
    """One line-crossing rule at work. Its events only begin. Predicted tracks are not believed."""

    def __init__(self, rule: Rule, times: RuleTimes) -> None:
        self._rule = rule
        self._times = times
        self._walks: dict[str, _Walk] = {}
        self._line = [(point.x, point.y) for point in rule.points]
        xs = [x for x, _ in self._line]
        self._over_seam = min(xs) < 0 or max(xs) > 1

    @property
    def active(self) -> bool:
        """See RuleState. A crossing is over as soon as it has happened."""
        return False

    def observe(self, update: TrackUpdate) -> Iterator[RuleTriggered]:
        """See RuleState."""
        for track in update.tracks:
            if track.detected and eligible(self._rule, track):
                yield from self._step(track, update)
        present = {track.track_id for track in update.tracks}
        for track_id, walk in list(self._walks.items()):
            if track_id not in present and update.captured_at - walk.last.at > self._times.grace_s:
                del self._walks[track_id]

    def clear(self, at: float) -> Iterator[RuleTriggered]:
        """See RuleState."""
        self._walks.clear()
        yield from ()

    def _step(self, track: Track, update: TrackUpdate) -> Iterator[RuleTriggered]:
        sighting = Sighting.of(track, update.captured_at)
        foot = visible_foot(track.box)
        walk = self._walks.get(track.track_id) or self._taken_over(track, update)
        if walk is None:
            self._walks[track.track_id] = _Walk(foot, 0, sighting)
            return
        walk.crossings += self._crossings(walk.foot, foot)
        walk.foot, walk.last = foot, sighting
        if self._distance(foot, update.aspect) <= self._times.margin * track.box.height:
            return
        crossings, walk.crossings = walk.crossings, 0
        direction = CrossingDirection.A_TO_B if crossings > 0 else CrossingDirection.B_TO_A
        if crossings and self._rule.direction in {CrossingDirection.BOTH, direction}:
            yield self._event(sighting, direction)

    def _taken_over(self, track: Track, update: TrackUpdate) -> _Walk | None:
        """The walk of a lost track that this one continues."""
        earlier = predecessor(track, update.aspect, self._walks.values(), self._times.grace_s)
        if earlier is not None:
            del self._walks[earlier.last.track_id]
            self._walks[track.track_id] = earlier
        return earlier

    def _crossings(self, before: Pair, after: Pair) -> int:
        # Nobody walks through half the picture between two frames: such a step went over the seam of a panorama.
        jump = round(before[0] - after[0])
        turns = range(-2, 3) if jump or self._over_seam else (0,)
        steps = ([(before[0] + turn, before[1]), (after[0] + jump + turn, after[1])] for turn in turns)
        return sum(signed_crossings(step, self._line) for step in steps)

    def _distance(self, foot: Pair, aspect: float) -> float:
        line = [(x * aspect, y) for x, y in self._line]
        turns = (0, 1, -1) if self._over_seam else (0,)
        return min(distance_to_path(((foot[0] + turn) * aspect, foot[1]), line) for turn in turns)

    def _event(self, sighting: Sighting, direction: CrossingDirection) -> RuleTriggered:
        return RuleTriggered(
            at=sighting.at,
            rule_id=self._rule.id,
            rule_kind=self._rule.kind,
            channel=self._rule.channel,
            track_id=sighting.track_id,
            target_type=sighting.target_type,
            box=sighting.box,
            active=True,
            direction=direction.value,
        )
