"""Which of several targets the camera serves next.

A higher rule priority goes first, then the more important type, then who has waited longer, then who is nearer. All of
this is counted in seconds of waiting, and waiting has no bound: everybody is served in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from engine.core.values import TargetType, Track, TrackUpdate
from engine.rules.presence import Sighting, predecessor

SECONDS_PER_PRIORITY = 0.6
"""What one step of a rule's priority (0 to 100) is worth."""
SECONDS_PER_ATTEMPT = 40.0
"""How far a target that could not be captured goes back in the queue."""
SECONDS_PER_REPEAT = 20.0
"""How far a target goes back in the queue that was captured well a short while ago and now does it again."""
_SUCCESSION_S = 1.0
"""A track that begins within so long, near where a target was last seen, is that target (as the rules have it)."""
_TYPE_SECONDS = {
    TargetType.FACE: 12.0,
    TargetType.PERSON: 10.0,
    TargetType.TWO_WHEELER: 7.0,
    TargetType.VEHICLE: 5.0,
    TargetType.ANIMAL: 0.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerSettings:
    """`good_grade`: a target with a capture as good as this is done, and waits for `again_after_s` before it counts
    again while the same event lasts; when a new event begins for it, it waits for `repeat_after_s` only. `attempts`:
    how often a target is tried that could not be captured well. `forget_after_s`: a target not seen for so long is
    gone.
    """

    good_grade: float = 0.5
    again_after_s: float = 60.0
    repeat_after_s: float = 4.0
    attempts: int = 3
    forget_after_s: float = 3.0


@dataclass(slots=True)
class Candidate:
    """A target that rules ask for. Times are Unix seconds.

    `grade` is that of its best capture since its event began, `rules` the rules whose condition it meets now, `names`
    the tracks that it was so far.
    """

    track_id: str
    target_type: TargetType
    rule_id: str
    priority: int
    waiting_since: float
    seen_at: float
    rules: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    grade: float = 0.0
    served_at: float | None = None
    attempts: int = 0
    repeated: bool = False
    not_before: float = 0.0

    @property
    def active(self) -> bool:
        """Whether it meets the condition of a rule now."""
        return bool(self.rules)

    def renew(self, good_grade: float, repeat_after_s: float, now: float) -> None:
        """A new event begins: whatever was captured before does not show it."""
        self.repeated = self.grade >= good_grade
        if self.repeated and self.served_at is not None:
            self.not_before = self.served_at + repeat_after_s
        self.grade, self.served_at, self.attempts, self.waiting_since = 0.0, None, 0, now

    def urgency(self, now: float, slew_s: float) -> float:
        """How much it is its turn, in seconds of waiting."""
        waited = now - self.waiting_since
        merit = SECONDS_PER_PRIORITY * self.priority + _TYPE_SECONDS[self.target_type]
        back = SECONDS_PER_ATTEMPT * self.attempts + SECONDS_PER_REPEAT * self.repeated
        return merit + waited - slew_s - back


@dataclass(frozen=True, slots=True)
class _LastSeen:
    """Where and when a candidate was seen last."""

    track_id: str
    last: Sighting


class Scheduler:
    """The targets that wait for one camera."""

    def __init__(self, settings: SchedulerSettings | None = None) -> None:
        self.settings = settings or SchedulerSettings()
        self._candidates: dict[str, Candidate] = {}
        self._sightings: dict[str, _LastSeen] = {}

    def offer(self, track_id: str, target_type: TargetType, rule_id: str, priority: int, *, now: float) -> None:
        """A rule asks for a target: its event begins.

        The highest priority of several rules counts. An event that begins when all earlier ones of this target are
        over is worth a capture of its own.
        """
        known = self._candidates.get(track_id)
        if known is None:
            known = Candidate(track_id, target_type, rule_id, priority, now, now, {rule_id}, {track_id})
            self._candidates[track_id] = known
            return
        if not known.active:
            known.renew(self.settings.good_grade, self.settings.repeat_after_s, now)
            known.priority, known.rule_id = priority, rule_id
        known.rules.add(rule_id)
        known.seen_at = max(known.seen_at, now)
        if priority > known.priority:
            known.priority, known.rule_id = priority, rule_id

    def withdraw(self, track_id: str, rule_id: str) -> None:
        """A rule's condition is over. A target that was not captured yet is still wanted while it can be seen.

        An event ends under the name that it began with, whatever the track is called by then.
        """
        for known in self._candidates.values():
            if track_id in known.names:
                known.rules.discard(rule_id)

    def follow_names(self, update: TrackUpdate, exclude: Collection[str] = ()) -> None:
        """Lets targets that wait keep their place when the tracker gives them other names.

        The rules' own notion of a successor is used, for their events go on under it. The tracks in `exclude` are
        left to whoever follows them.
        """
        for track in update.tracks:
            if track.detected and track.confirmed:
                self._follow_name(track, update.aspect, exclude)

    def _follow_name(self, track: Track, aspect: float, exclude: Collection[str]) -> None:
        if track.track_id not in self._candidates and track.track_id not in exclude:
            waiting = [memory for memory in self._sightings.values() if memory.track_id not in exclude]
            earlier = predecessor(track, aspect, waiting, _SUCCESSION_S)
            if earlier is not None:
                self.renamed(earlier.track_id, track.track_id)
        if track.track_id in self._candidates:
            self._sightings[track.track_id] = _LastSeen(track.track_id, Sighting.of(track, track.at))

    def seen(self, track_ids: Collection[str], now: float) -> None:
        """Notes which targets the overview shows, and forgets those that it has not shown for some time."""
        for track_id in track_ids:
            if track_id in self._candidates:
                self._candidates[track_id].seen_at = now
        gone = [c.track_id for c in self._candidates.values() if now - c.seen_at > self.settings.forget_after_s]
        for track_id in gone:
            self.drop(track_id)

    def renamed(self, old_id: str, new_id: str) -> None:
        """The overview's tracker gave a target another name."""
        known = self._candidates.pop(old_id, None)
        self._sightings.pop(old_id, None)
        if known is not None:
            known.track_id = new_id
            known.names.add(new_id)
            self._candidates[new_id] = known

    def find(self, track_id: str) -> Candidate | None:
        """A waiting (or served) target by its track."""
        return self._candidates.get(track_id)

    def drop(self, track_id: str) -> None:
        """Nobody wants this target any more, captured or not."""
        self._candidates.pop(track_id, None)
        self._sightings.pop(track_id, None)

    def served(self, track_id: str, *, now: float, grade: float, counted: bool = True) -> None:
        """The camera leaves a target with a capture of this grade (0: none). Not `counted`: it was interrupted."""
        known = self._candidates.get(track_id)
        if known is None:
            return
        known.grade = max(known.grade, grade)
        if counted:
            known.attempts += 1
            known.served_at = known.waiting_since = now

    def next(self, now: float, slew_s: Callable[[str], float], exclude: Collection[str] = ()) -> Candidate | None:
        """Whose turn it is; None when nobody waits. `slew_s` tells how long the camera takes to a target."""
        others = [c for c in self._candidates.values() if c.track_id not in exclude and self._waits(c, now)]
        # Who has a good picture already comes only when nobody is left who has none.
        waiting = [c for c in others if c.grade < self.settings.good_grade] or others
        return max(waiting, key=lambda c: c.urgency(now, slew_s(c.track_id)), default=None)

    def _waits(self, candidate: Candidate, now: float) -> bool:
        settings = self.settings
        if now < candidate.not_before:
            return False
        if candidate.served_at is None:
            return True
        well = candidate.grade >= settings.good_grade
        if not well and candidate.attempts < settings.attempts:
            return True
        return candidate.active and now - candidate.served_at >= settings.again_after_s
