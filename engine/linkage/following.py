"""Whom a link follows now: the target, why it is followed, its pursuit and its portrait."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.core.geometry import Box, Pose
from engine.core.values import TargetType, TrackUpdate
from engine.linkage.portrait import UNSEEN_SCORE, Portrait
from engine.linkage.pursuit import Pursuit

OPERATOR = "operator"
"""The reason of a pursuit that a person asked for."""
_FRAMED_RADIUS = 0.35
"""A target no further from the middle (in fractions of the picture's sides) is in the picture as it should be."""
_OVERVIEW_FRESH_S = 1.0
"""While the overview has shown the target within so long, the PTZ picture is taken to show it where it should be."""


@dataclass(slots=True)
class Following:
    """The pursuit that is going on. `reason` is the id of the rule that asked for it, or `operator`.

    Times are Unix seconds: `since` when it began, `asked_at` when a rule asked for the target last, `framed_at` when
    the target was first near the middle of the PTZ picture.
    """

    track_id: str
    reason: str
    pursuit: Pursuit
    portrait: Portrait
    since: float
    asked_at: float
    framed_at: float | None = None

    @property
    def by_operator(self) -> bool:
        """Whether a person asked for it."""
        return self.reason == OPERATOR

    @property
    def name(self) -> str:
        """The overview's name for the target now, as the scheduler knows it."""
        return self.pursuit.overview_id or self.track_id

    @property
    def target_type(self) -> TargetType:
        """What the target is; a person until it is known."""
        return self.pursuit.target_type or TargetType.PERSON

    def framed_s(self, now: float) -> float:
        """How long ago the target was framed first, in seconds; 0 while it never was."""
        return 0.0 if self.framed_at is None else now - self.framed_at

    def portray_anew(self, portrait: Portrait) -> None:
        """Begins another portrait of the same target."""
        self.portrait = portrait
        self.framed_at = None

    def on_ptz(self, update: TrackUpdate, pose: Pose | None, now: float) -> None:
        """Takes in the PTZ picture's tracks after a frame taken at `pose`, and notes how the target appears."""
        track = self.pursuit.on_ptz(update, pose, now)
        if pose is None:
            return
        if track is not None:
            self._observe(track.at, track.box, track.score, pose)
        elif update.captured_at - self.pursuit.seen_by_overview_at < _OVERVIEW_FRESH_S:
            expected = self.pursuit.expected_box(update.captured_at, pose, update.aspect)
            if expected is not None:
                self._observe(update.captured_at, expected, UNSEEN_SCORE, pose)

    def _observe(self, at: float, box: Box, score: float, pose: Pose) -> None:
        framed = math.hypot(box.centre.x - 0.5, box.centre.y - 0.5) < _FRAMED_RADIUS
        if framed and self.framed_at is None:
            self.framed_at = at
        if self.framed_at is not None:
            self.portrait.observe(at, box, score, pose)
