"""Links and tracks: what a PTZ camera is sent to look at, and whom it may follow."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import Meta

from engine.api.messages.base import Identifier, Request, Response, Time, Unit
from engine.core.geometry import Box
from engine.core.values import TargetType, Track, TrackUpdate


class LookAtRequest(Request, frozen=True, kw_only=True):
    """A point of the overview; with width and height, (x, y) is the upper left corner of a box to be framed."""

    x: Unit
    y: Unit
    width: Annotated[float, Meta(gt=0.0, le=1.0)] | None = None
    height: Annotated[float, Meta(gt=0.0, le=1.0)] | None = None

    def __post_init__(self) -> None:
        if (self.width is None) != (self.height is None):
            raise ValueError("a box needs both width and height")


class TrackRequest(Request, frozen=True, kw_only=True):
    """Whom to follow: the target nearest to a point of the overview, or the one with this id."""

    x: Unit | None = None
    y: Unit | None = None
    track_id: Identifier | None = None

    def __post_init__(self) -> None:
        if (self.x is None) != (self.y is None):
            raise ValueError("a point needs both x and y")
        if (self.x is None) == (self.track_id is None):
            raise ValueError("give either x and y, or track_id")


class TrackAnswer(Response, frozen=True, kw_only=True):
    """Whom the link follows now."""

    track_id: str


class TrackState(Response, frozen=True, kw_only=True):
    """A target followed over the frames of a channel. `detected`: seen in this frame, not predicted."""

    track_id: str
    target_type: TargetType
    box: Box
    score: float
    detected: bool
    confirmed: bool
    first_seen_at: Time

    @classmethod
    def of(cls, track: Track) -> Self:
        """The message for a track."""
        return cls(
            track_id=track.track_id,
            target_type=track.target_type,
            box=track.box,
            score=track.score,
            detected=track.detected,
            confirmed=track.confirmed,
            first_seen_at=track.first_seen_at,
        )


class ChannelTracks(Response, frozen=True, kw_only=True):
    """The tracks of a channel after its newest frame; `captured_at` is null before the first one."""

    channel: str
    captured_at: Time | None
    tracks: list[TrackState]

    @classmethod
    def of(cls, update: TrackUpdate) -> Self:
        """The message for a tracker's update."""
        return cls(
            channel=update.channel,
            captured_at=update.captured_at,
            tracks=[TrackState.of(track) for track in update.tracks],
        )
