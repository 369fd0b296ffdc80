"""How a pursuit stands while its target is not seen: coasting, searching, lost; and where the camera searches."""

from __future__ import annotations

import math
from enum import Enum

from engine.core.geometry import Direction, wrap_deg
from engine.linkage.controller import Aim
from engine.linkage.estimator import Estimate
from engine.linkage.model import Framing
from engine.linkage.settings import PursuitSettings

_FEED_ALIVE_S = 1.0
"""Pictures that come at least so often are taken to come all the time."""
_WIDENING_PER_S = 1.25
_SWEEP_S = 3.0
"""How long half a sweep to and fro takes."""


class Phase(Enum):
    """How a pursuit stands."""

    SLEWING = "slewing"
    FOLLOWING = "following"
    COASTING = "coasting"
    SEARCHING = "searching"
    LOST = "lost"


class Sight:
    """How long the target has not been seen, and what that counts as.

    The search is counted in the time in which pictures came that did not show the target: while the video is down
    nothing can be seen, and nothing is lost. Times are Unix seconds.
    """

    def __init__(self, settings: PursuitSettings, seen_at: float, now: float) -> None:
        self._settings = settings
        self.seen_at = seen_at
        """The time of the last picture that showed the target."""
        self._fed_at = now
        self._ticked_at = now
        self._absent_s = 0.0

    @property
    def searched_s(self) -> float:
        """For how long the target has been searched for."""
        return self._absent_s - self._settings.search_after_s

    def fed(self, now: float) -> None:
        """A picture came, whatever it shows."""
        self._fed_at = now

    def seen(self, at: float) -> bool:
        """A picture of that time showed the target; False when it says nothing new."""
        if at <= self.seen_at and self._absent_s <= 0:
            return False
        self.seen_at = max(at, self.seen_at)
        self._absent_s = 0.0
        return True

    def tick(self, now: float) -> None:
        """Counts the time."""
        passed, self._ticked_at = now - self._ticked_at, now
        if now - self._fed_at < _FEED_ALIVE_S and now - self.seen_at > self._settings.coast_after_s:
            if self._absent_s == 0.0:
                self._absent_s = self._settings.coast_after_s
            self._absent_s += passed

    def phase(self, now: float, *, slewing: bool) -> Phase:
        """How the pursuit stands; `slewing`: the camera is on its way to the target."""
        settings = self._settings
        if self._absent_s > settings.lost_after_s:
            return Phase.LOST
        if self._absent_s > settings.search_after_s:
            return Phase.SEARCHING
        if now - self.seen_at > settings.coast_after_s:
            return Phase.COASTING
        return Phase.SLEWING if slewing else Phase.FOLLOWING


def search_aim(last: Estimate, coasted: Aim, searched_s: float, settings: PursuitSettings, framing: Framing) -> Aim:
    """Widens, and sweeps along the path the target was on, from where it was `last` seen and ahead.

    `coasted` is where the target would be framed now, had it gone on; `searched_s` how long the search goes on.
    """
    # Begins where coasting ended, a few seconds ahead, and goes to and fro.
    ahead_s = settings.search_after_s * (1.0 + math.sin(math.pi * searched_s / _SWEEP_S))
    tilt = last.direction.tilt_deg + last.tilt_rate_dps * ahead_s
    hfov = coasted.hfov_deg * _WIDENING_PER_S**searched_s
    return Aim(
        Direction(wrap_deg(last.direction.pan_deg + last.pan_rate_dps * ahead_s), min(max(tilt, -90.0), 90.0)),
        0.0,
        0.0,
        min(max(hfov, framing.narrowest_deg), framing.widest_deg),
    )
