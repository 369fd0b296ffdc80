"""Somebody is in a region: for a moment (intrusion), or for long (loitering, which is the same with a time)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.core.events import RuleTriggered
from engine.core.values import Track, TrackUpdate
from engine.rules.geometry import distance_to_outline, inside
from engine.rules.presence import Sighting, eligible, predecessor, visible_foot
from engine.rules.values import Rule, RuleTimes

_ON_THE_EDGE = 1e-9
"""A region that ends at the picture's edge includes the edge, where the feet of targets are that it cuts off."""


@dataclass(slots=True)
class _Presence:
    """One target's stay in the region: since when, until when for certain, and the name its event began with."""

    since: float
    held_at: float
    last: Sighting
    event_track_id: str | None = None


class Intrusion:
    """One intrusion or loitering rule at work.

    An event begins when a detected target's foot point is inside and has been so for `min_seconds`; it ends when the
    target has been outside (clear of the edge by the margin), or gone, for longer than the grace time. A predicted
    track never begins an event, but it holds one while the tracker still expects it in the region.
    """

    def __init__(self, rule: Rule, times: RuleTimes) -> None:
        self._rule = rule
        self._times = times
        self._presences: dict[str, _Presence] = {}
        xs = [point.x for point in rule.points]
        self._turns = (0, *([1] if max(xs) > 1 else []), *([-1] if min(xs) < 0 else []))

    @property
    def active(self) -> bool:
        """See RuleState."""
        return any(presence.event_track_id is not None for presence in self._presences.values())

    def observe(self, update: TrackUpdate) -> Iterator[RuleTriggered]:
        """See RuleState."""
        for track in update.tracks:
            if eligible(self._rule, track):
                yield from self._observe_track(track, update)
        for track_id, presence in list(self._presences.items()):
            if update.captured_at - presence.held_at > self._times.grace_s:
                del self._presences[track_id]
                yield from self._ended(presence, update.captured_at)

    def clear(self, at: float) -> Iterator[RuleTriggered]:
        """See RuleState."""
        presences, self._presences = self._presences, {}
        for presence in presences.values():
            yield from self._ended(presence, at)

    def _observe_track(self, track: Track, update: TrackUpdate) -> Iterator[RuleTriggered]:
        at = update.captured_at
        is_inside, is_outside = self._place(track, update.aspect)
        presence = self._presences.get(track.track_id)
        if presence is None and track.detected and not is_outside:
            presence = self._begun(track, update, is_inside=is_inside)
        if presence is None:
            return
        if not is_outside:
            presence.held_at = at
        if not track.detected:
            return
        presence.last = Sighting.of(track, at)
        if is_inside and presence.event_track_id is None and at - presence.since >= self._rule.min_seconds:
            presence.event_track_id = track.track_id
            yield self._event(presence, at, active=True)

    def _begun(self, track: Track, update: TrackUpdate, *, is_inside: bool) -> _Presence | None:
        """The stay of a track not known yet: that of the lost track which it continues, or a new one."""
        earlier = predecessor(track, update.aspect, self._presences.values(), self._times.grace_s)
        if earlier is not None:
            del self._presences[earlier.last.track_id]
        elif is_inside:
            earlier = _Presence(update.captured_at, update.captured_at, Sighting.of(track, update.captured_at))
        else:
            return None
        self._presences[track.track_id] = earlier
        return earlier

    def _place(self, track: Track, aspect: float) -> tuple[bool, bool]:
        """Whether the foot is inside (or on the edge), and whether it is clearly outside; neither near the edge."""
        polygon = [(point.x * aspect, point.y) for point in self._rule.points]
        x, y = visible_foot(track.box)
        feet = [((x + turn) * aspect, y) for turn in self._turns]
        distance = min(distance_to_outline(foot, polygon) for foot in feet)
        if distance <= _ON_THE_EDGE or any(inside(foot, polygon) for foot in feet):
            return True, False
        return False, distance > self._times.margin * track.box.height

    def _ended(self, presence: _Presence, at: float) -> Iterator[RuleTriggered]:
        if presence.event_track_id is not None:
            yield self._event(presence, at, active=False)

    def _event(self, presence: _Presence, at: float, *, active: bool) -> RuleTriggered:
        # An event that went over to a successor ends under the name that it began with.
        return RuleTriggered(
            at=at,
            rule_id=self._rule.id,
            rule_kind=self._rule.kind,
            channel=self._rule.channel,
            track_id=presence.event_track_id or presence.last.track_id,
            target_type=presence.last.target_type,
            box=presence.last.box,
            active=active,
        )
