"""When a target had its turn: whether its capture is due, whether it begins again, and whether the camera leaves it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.linkage.following import Following
from engine.linkage.scheduler import Candidate, Scheduler
from engine.linkage.settings import LinkSettings


@dataclass(frozen=True, slots=True)
class Ending:
    """Why the camera leaves its target. `dropped`: nobody wants the target any more, captured or not."""

    reason: str
    dropped: bool = False


class Turns:
    """Judges the turn of the target that is followed against those that wait.

    `slew_s` tells how many seconds the camera takes to a track.
    """

    def __init__(self, settings: LinkSettings, scheduler: Scheduler, slew_s: Callable[[str], float]) -> None:
        self._settings = settings
        self._scheduler = scheduler
        self._slew_s = slew_s

    def next(self, now: float) -> Candidate | None:
        """Whose turn it is, whoever is followed."""
        return self._scheduler.next(now, self._slew_s)

    def capture_due(self, following: Following, now: float) -> bool:
        """Whether the capture is made now: a good one, and there is no time or no need for a better one."""
        settings, framed_s = self._settings, following.framed_s(now)
        if following.portrait.grade < settings.scheduler.good_grade or framed_s < settings.dwell_s:
            return False
        fine = following.portrait.grade >= settings.fine_grade
        return fine or framed_s >= settings.dwell_s + settings.polish_s or self._waiting(following, now) is not None

    def again(self, following: Following, now: float) -> Candidate | None:
        """The target itself, when it is its turn again after it was captured.

        So it is when a new event began for it: the tracker may have taken somebody else for it.
        """
        chosen = self.next(now)
        return chosen if chosen is not None and chosen.track_id == following.name else None

    def ending(self, following: Following, now: float, *, framed_s: float) -> Ending | None:
        """Why a target that a rule asked for is left now; None while it is not.

        `framed_s` is how long it had been framed when this round began.
        """
        taken = following.portrait.taken
        if now - following.since >= self._settings.max_tracking_s:
            return Ending("captured" if taken else "timeout")
        had_turn = taken or framed_s >= self._settings.patience_s
        return self._gives_way(following, now, had_turn=had_turn) or self._let_go(following, now, had_turn=had_turn)

    def _waiting(self, following: Following, now: float) -> Candidate | None:
        """Who is next after the target that is followed."""
        return self._scheduler.next(now, self._slew_s, exclude={following.name, following.track_id})

    def _gives_way(self, following: Following, now: float, *, had_turn: bool) -> Ending | None:
        """A target that had its turn is left when others wait, any when a more important one came."""
        other = self._waiting(following, now)
        if other is None or not (had_turn or self._outranks(other, following, now)):
            return None
        missed = "timeout" if had_turn else "preempted"
        return Ending("captured" if following.portrait.taken else missed)

    def _outranks(self, other: Candidate, following: Following, now: float) -> bool:
        own = self._scheduler.find(following.name)
        rank = own.priority if own is not None else self._settings.rules.get(following.reason, 0)
        return other.priority > rank and now - following.since >= self._settings.dwell_s

    def _let_go(self, following: Following, now: float, *, had_turn: bool) -> Ending | None:
        """A target that had its turn is left when no rule asks for it any more, after a while."""
        own = self._scheduler.find(following.name)
        if own is not None and own.active:
            following.asked_at = now
        if not had_turn or now - following.asked_at < self._settings.follow_after_s:
            return None
        # Had it its time in the picture and no good one came of it, it would be no better now.
        return Ending("left", dropped=not following.portrait.taken)
