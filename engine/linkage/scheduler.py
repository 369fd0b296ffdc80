"""Which of several targets the camera serves next.

A higher rule priority goes first, then the more important type, then who has waited longer, then who is nearer. All of
this is counted in seconds of waiting, and waiting has no bound: everybody is served in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from engine.core.values import TargetType

SECONDS_PER_PRIORITY = 0.6
"""What one step of a rule's priority (0 to 100) is worth."""
SECONDS_PER_ATTEMPT = 40.0
"""How far a target that could not be captured goes back in the queue."""
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
    again. `attempts`: how often a target is tried that could not be captured well. `forget_after_s`: a target not seen
    for so long is gone.
    """

    good_grade: float = 0.5
    again_after_s: float = 60.0
    attempts: int = 3
    forget_after_s: float = 3.0


@dataclass(slots=True)
class Candidate:
    """A target that a rule asks for. `grade` is that of its best capture so far; times are Unix seconds."""

    track_id: str
    target_type: TargetType
    rule_id: str
    priority: int
    waiting_since: float
    seen_at: float
    active: bool = True
    grade: float = 0.0
    served_at: float | None = None
    attempts: int = 0

    def urgency(self, now: float, slew_s: float) -> float:
        """How much it is its turn, in seconds of waiting."""
        waited = now - self.waiting_since
        merit = SECONDS_PER_PRIORITY * self.priority + _TYPE_SECONDS[self.target_type]
        return merit + waited - slew_s - SECONDS_PER_ATTEMPT * self.attempts


class Scheduler:
    """The targets that wait for one camera."""

    def __init__(self, settings: SchedulerSettings | None = None) -> None:
        self.settings = settings or SchedulerSettings()
        self._candidates: dict[str, Candidate] = {}

    def offer(self, track_id: str, target_type: TargetType, rule_id: str, priority: int, *, now: float) -> None:
        """A rule asks for a target. The highest priority of several rules counts."""
        known = self._candidates.get(track_id)
        if known is None:
            self._candidates[track_id] = Candidate(track_id, target_type, rule_id, priority, now, now)
            return
        known.active = True
        known.seen_at = max(known.seen_at, now)
        if priority > known.priority:
            known.priority, known.rule_id = priority, rule_id

    def withdraw(self, track_id: str) -> None:
        """The rule's condition is over. A target that was not captured yet is still wanted while it can be seen."""
        known = self._candidates.get(track_id)
        if known is not None:
            known.active = False

    def seen(self, track_ids: Collection[str], now: float) -> None:
        """Notes which targets the overview shows, and forgets those that it has not shown for some time."""
        for track_id in track_ids:
            if track_id in self._candidates:
                self._candidates[track_id].seen_at = now
        gone = [c.track_id for c in self._candidates.values() if now - c.seen_at > self.settings.forget_after_s]
        for track_id in gone:
            del self._candidates[track_id]

    def renamed(self, old_id: str, new_id: str) -> None:
        """The overview's tracker gave a target another name."""
        known = self._candidates.pop(old_id, None)
        if known is not None:
            known.track_id = new_id
            self._candidates[new_id] = known

    def find(self, track_id: str) -> Candidate | None:
        """A waiting (or served) target by its track."""
        return self._candidates.get(track_id)

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
        if candidate.served_at is None:
            return True
        well = candidate.grade >= settings.good_grade
        if not well and candidate.attempts < settings.attempts:
            return True
        return candidate.active and now - candidate.served_at >= settings.again_after_s
