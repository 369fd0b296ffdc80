"""Events are facts: small frozen values, written to the store first, then handed to everybody who listens."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from enum import StrEnum

from engine.core.geometry import Box, Direction
from engine.core.values import TargetType


def new_id() -> str:
    """An identifier that sorts by the time of its making (UUID version 7 where Python has it)."""
    maker = getattr(uuid, "uuid7", uuid.uuid4)
    return str(maker())


class RuleKind(StrEnum):
    """The kinds of smart events."""

    INTRUSION = "intrusion"
    LINE_CROSSING = "line_crossing"
    LOITERING = "loitering"
    COUNTING = "counting"
    OBJECT_DETECTION = "object_detection"
    MOTION_REGION = "motion_region"

    @property
    def has_line(self) -> bool:
        """Whether it watches a line; else it watches a region."""
        return self in {RuleKind.LINE_CROSSING, RuleKind.COUNTING}

    @property
    def whole_picture(self) -> bool:
        """Whether its region may be left out, and is the whole picture then."""
        return self in {RuleKind.OBJECT_DETECTION, RuleKind.MOTION_REGION}

    @property
    def sends(self) -> bool:
        """Whether its events are about a target, so that a link can be sent after it."""
        return self is not RuleKind.MOTION_REGION


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact: what happened, and when (Unix seconds). `event_id` tells repeats apart."""

    at: float
    event_id: str = field(default_factory=new_id)

    @property
    def kind(self) -> str:
        """The event's name on the wire, e.g. `camera_offline`."""
        name = type(self).__name__
        return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTriggered(Event):
    """A rule's condition began (`active`) or ended for one target. A line crossing only begins.

    An object detection begins with its first target and ends, under that target's name, when none is left. Motion in a
    region is of no target: `track_id` is empty, `target_type` None, and `box` is around all that moved at first.
    """

    rule_id: str
    rule_kind: RuleKind
    channel: str
    track_id: str
    target_type: TargetType | None
    box: Box
    active: bool
    direction: str | None = None
    """For a line crossing: `a_to_b` or `b_to_a`."""
    count: int | None = None
    """For counting: how many have crossed since the counter was started or set back, this one included."""
    count_a_to_b: int | None = None
    count_b_to_a: int | None = None
    """For counting: the same, each way alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingStarted(Event):
    """A PTZ channel was sent after a target."""

    link_id: str
    channel: str
    track_id: str
    target_type: TargetType
    reason: str
    """The rule's id, or `operator`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingEnded(Event):
    """A PTZ channel left a target; `reason`: `captured`, `left`, `lost`, `timeout`, `preempted`, `stopped`."""

    link_id: str
    channel: str
    track_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureTaken(Event):
    """The picture that matters was taken and stored.

    `picture` and `background` are blob keys in the store; `box` is the target in the background picture.
    """

    capture_id: str
    link_id: str
    channel: str
    track_id: str
    target_type: TargetType
    rule_id: str | None
    picture: str
    background: str
    box: Box
    grade: float
    target_direction: Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraOffline(Event):
    """A channel's video or control connection was lost."""

    channel: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraOnline(Event):
    """A channel works (again)."""

    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraRefused(Event):
    """A camera refused our user or password. Tried again once a minute at most, so that nobody is locked out."""

    channel: str
    reason: str


class PictureFault(StrEnum):
    """What can be wrong with a picture."""

    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    TOO_BLURRY = "too_blurry"
    SCENE_CHANGED = "scene_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureQuality(Event):
    """A channel's picture is of less use from now on (`active`), or again as it was."""

    channel: str
    fault: PictureFault
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageError(Event):
    """Something could not be stored."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRestarted(Event):
    """The media process ended unexpectedly and was started again."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PtzOwnerChanged(Event):
    """Who holds a PTZ channel now, and why; None when nobody does."""

    channel: str
    owner: str | None
    purpose: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetsChanged(Event):
    """The list of presets of a channel changed."""

    channel: str
