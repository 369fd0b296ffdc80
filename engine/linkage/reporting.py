"""What a link tells of its work: whom it follows, since when and why, and what keeps it from moving its camera."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from engine.core.bus import Bus
from engine.core.events import Event, TrackingEnded, TrackingStarted
from engine.core.values import TargetType
from engine.linkage.following import Following
from engine.linkage.lifecycle import Phase
from engine.linkage.settings import LinkSettings

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tracking:
    """Whom a link follows: the track it was started with, its type, since when, and why (a rule's id or `operator`)."""

    track_id: str
    target_type: TargetType
    since: float
    reason: str
    phase: Phase


def tracking_of(following: Following, now: float) -> Tracking:
    """How a pursuit stands at `now` (Unix seconds)."""
    phase = following.pursuit.phase(now)
    return Tracking(following.track_id, following.target_type, following.since, following.reason, phase)


class Reporter:
    """Publishes where pursuits begin and end, and logs each fault once while it lasts."""

    def __init__(self, settings: LinkSettings, bus: Bus[Event]) -> None:
        self._link_id = settings.link_id
        self._channel = settings.ptz
        self._bus = bus
        self._fault: str | None = None

    def started(self, following: Following) -> None:
        """A pursuit begins."""
        self._bus.publish(
            TrackingStarted(
                at=following.since,
                link_id=self._link_id,
                channel=self._channel,
                track_id=following.track_id,
                target_type=following.target_type,
                reason=following.reason,
            )
        )

    def ended(self, following: Following, reason: str, now: float) -> None:
        """A pursuit is over; `now` in Unix seconds."""
        self._bus.publish(
            TrackingEnded(
                at=now,
                link_id=self._link_id,
                channel=self._channel,
                track_id=following.track_id,
                reason=reason,
            )
        )

    def cannot_move(self, fault: str) -> None:
        """The camera does not do what it is told."""
        if fault != self._fault:
            _LOG.warning("link %s cannot move its camera for now: %s", self._link_id, fault)
        self._fault = fault

    def moves(self) -> None:
        """The camera does what it is told (again)."""
        self._fault = None

    def failed(self, error: Exception) -> None:
        """A turn of the work failed by a mistake in the program."""
        _LOG.error("link %s failed in a turn of its work; it goes on", self._link_id, exc_info=error)

    def stopped(self, error: BaseException) -> None:
        """The work ended, which it never should."""
        _LOG.critical("link %s stopped working", self._link_id, exc_info=error)
