"""What there is: cameras, channels, links and rules as they stand now."""

from __future__ import annotations

from typing import Literal

from engine.api.messages.base import Response, Time
from engine.api.messages.history import CaptureDescription
from engine.core.events import RuleKind
from engine.core.values import TargetType

ChannelRole = Literal["overview", "ptz"]


class CameraState(Response, frozen=True, kw_only=True):
    """A camera: one network device, with one or several channels."""

    id: str
    name: str
    online: bool
    model: str | None = None
    manufacturer: str | None = None
    firmware: str | None = None


class PresetState(Response, frozen=True, kw_only=True):
    """A place to go back to."""

    id: str
    name: str


class PresetList(Response, frozen=True, kw_only=True):
    """The presets of a channel."""

    presets: list[PresetState]


class PoseState(Response, frozen=True, kw_only=True):
    """Where a PTZ channel looks."""

    pan_deg: float
    tilt_deg: float
    hfov_deg: float
    zoom: float | None = None


class OwnerState(Response, frozen=True, kw_only=True):
    """Who moves a PTZ channel now, and for what."""

    owner: str
    purpose: str | None = None


class ChannelState(Response, frozen=True, kw_only=True):
    """A channel: one view of a camera. `capabilities` of a PTZ channel: some of absolute, relative, continuous, zoom,
    presets, home, status.
    """

    id: str
    name: str
    camera_id: str
    role: ChannelRole
    online: bool
    relay_url: str | None = None
    """Address of the RTSP relay, without credentials (`stream-credentials` has them)."""
    presets: list[PresetState] = []
    pose: PoseState | None = None
    owner: OwnerState | None = None
    capabilities: list[str] = []
    analysed_fps: float | None = None
    last_capture: CaptureDescription | None = None


class TrackingState(Response, frozen=True, kw_only=True):
    """Whom a link follows now. `reason` is the rule's id, or `operator`."""

    track_id: str
    target_type: TargetType
    since: Time
    reason: str


class LinkState(Response, frozen=True, kw_only=True):
    """An overview channel joined with the PTZ channel that it sends."""

    id: str
    name: str
    overview: str
    ptz: str
    tracking: TrackingState | None = None
    last_capture: CaptureDescription | None = None


class RuleState(Response, frozen=True, kw_only=True):
    """A rule; `active` while its condition holds for at least one target.

    A counting rule tells what it has counted since the engine started or its counter was set back.
    """

    id: str
    name: str
    kind: RuleKind
    channel: str
    active: bool
    armed: bool = True
    count: int | None = None
    count_a_to_b: int | None = None
    count_b_to_a: int | None = None


class State(Response, frozen=True, kw_only=True):
    """Everything that a client shows."""

    instance_id: str
    name: str
    version: str
    cameras: list[CameraState] = []
    channels: list[ChannelState] = []
    links: list[LinkState] = []
    rules: list[RuleState] = []
