"""What was: pictures of past instants, events, captures."""

from __future__ import annotations

from typing import Annotated, Self

import msgspec
from msgspec import Meta

from engine.api.messages.base import Identifier, Instant, Request, Response, Time
from engine.core.events import CaptureTaken
from engine.core.geometry import Box
from engine.core.values import TargetType


class CaptureDescription(Response, frozen=True, kw_only=True):
    """A capture. Its pictures are at `captures/ID/picture.jpg` (the target) and `captures/ID/background.jpg`."""

    id: str
    at: Time
    link_id: str
    channel: str
    track_id: str
    target_type: TargetType
    rule_id: str | None
    grade: float
    box: Box
    """The target in the background picture."""

    @classmethod
    def of(cls, capture: CaptureTaken) -> Self:
        """The message for a capture."""
        return cls(
            id=capture.capture_id,
            at=capture.at,
            link_id=capture.link_id,
            channel=capture.channel,
            track_id=capture.track_id,
            target_type=capture.target_type,
            rule_id=capture.rule_id,
            grade=capture.grade,
            box=capture.box,
        )


class SnapshotQuery(Request, frozen=True, kw_only=True):
    """`at`: the instant wanted, within the last seconds; left out, the newest picture."""

    at: Instant | None = None


class EventQuery(Request, frozen=True, kw_only=True):
    """Events newest first, with `since` <= at < `before`."""

    since: Instant | None = None
    before: Instant | None = None
    kind: Identifier | None = None
    channel: Identifier | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class CaptureQuery(Request, frozen=True, kw_only=True):
    """Captures newest first, with `since` <= at < `before`."""

    since: Instant | None = None
    before: Instant | None = None
    channel: Identifier | None = None
    link: Identifier | None = None
    rule: Identifier | None = None
    target_type: TargetType | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class EventList(Response, frozen=True, kw_only=True):
    """Events, newest first; each has `kind`, `event_id`, `at` and the fields of its kind."""

    events: list[msgspec.Raw]


class CaptureList(Response, frozen=True, kw_only=True):
    """Captures, newest first."""

    captures: list[CaptureDescription]
