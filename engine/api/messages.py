"""What travels over the API: one struct a request, a query or a response. The OpenAPI document is made of these.

Conventions: times are Unix seconds, angles degrees, picture coordinates normalised (0 to 1, origin in the upper left
corner), zoom positions 0 (wide) to 1 (tele). Requests with unknown fields are refused, so that a misspelt name is an
error and not a silence. Clients must ignore response fields that they do not know.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

import msgspec
from msgspec import Meta, Struct

from engine.access.roles import Role
from engine.core.events import CaptureTaken, RuleKind
from engine.core.geometry import Box
from engine.core.values import TargetType, Track, TrackUpdate

type Unit = Annotated[float, Meta(ge=0.0, le=1.0)]
type UnitPoint = Annotated[list[Unit], Meta(description="[x, y]", min_length=2, max_length=2)]
type Signed = Annotated[float, Meta(ge=-1.0, le=1.0)]
type Degrees = Annotated[float, Meta(ge=-360.0, le=360.0)]
type Time = Annotated[float, Meta(description="Unix seconds")]
type Instant = Annotated[float, Meta(description="Unix seconds", ge=0.0, le=1e11)]
type Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
type Username = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9_.@-]+$")]
type Password = Annotated[str, Meta(min_length=1, max_length=128)]
type Identifier = Annotated[str, Meta(min_length=1, max_length=128)]

ChannelRole = Literal["overview", "ptz"]
CrossingDirection = Literal["both", "a_to_b", "b_to_a"]
MoveMode = Literal["continuous", "relative", "absolute"]


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client sends: read whole, and refused when anything in it is not understood."""


class Response(Struct, frozen=True, kw_only=True):
    """What the engine answers."""


class SecretRequest(Request, frozen=True, kw_only=True):
    """A request whose fields never appear in a log or a traceback."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


class SecretResponse(Response, frozen=True, kw_only=True):
    """A response whose fields never appear in a log or a traceback."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


# --- errors ---------------------------------------------------------------------------------------------------------


class ErrorDetail(Response, frozen=True, kw_only=True):
    """`code` is for programs and stable (e.g. `not_found`), `message` is for people."""

    code: str
    message: str


class ErrorAnswer(Response, frozen=True, kw_only=True):
    """The body of every answer with a status of 400 or above."""

    error: ErrorDetail


# --- who may --------------------------------------------------------------------------------------------------------


class Info(Response, frozen=True, kw_only=True):
    """What anybody may know: which engine this is, and whether it waits for its activation."""

    name: str
    version: str
    instance_id: str
    activated: bool


class ActivationRequest(SecretRequest, frozen=True, kw_only=True):
    """Makes the first administrator. The password must be strong (8 to 128 characters; see the error's message)."""

    username: Username
    password: Password


class SessionRequest(SecretRequest, frozen=True, kw_only=True):
    """Logs in."""

    username: Username
    password: Password


class SessionAnswer(SecretResponse, frozen=True, kw_only=True):
    """A token of a session, sent as `Authorization: Bearer TOKEN`, and when it ends."""

    token: str
    expires_at: Time
    username: str
    role: Role


class TokenRequest(Request, frozen=True, kw_only=True):
    """Asks for a token that lasts until it is revoked, with the rights of the asking user."""

    name: Name


class TokenAnswer(SecretResponse, frozen=True, kw_only=True):
    """The new token. It is shown this once: the engine keeps only its hash."""

    token_id: str
    name: str
    token: str


class TokenDescription(Response, frozen=True, kw_only=True):
    """One long-lived token or session of the asking user."""

    token_id: str
    name: str
    created_at: Time
    expires_at: Time | None


class TokenList(Response, frozen=True, kw_only=True):
    """The tokens of the asking user."""

    tokens: list[TokenDescription]


class UserRequest(SecretRequest, frozen=True, kw_only=True):
    """Makes a user."""

    username: Username
    password: Password
    role: Role


class PasswordRequest(SecretRequest, frozen=True, kw_only=True):
    """Changes one's own password. Every session and token of the user ends."""

    old_password: Password
    new_password: Password


class UserDescription(Response, frozen=True, kw_only=True):
    """One user."""

    username: str
    role: Role
    created_at: Time


class UserList(Response, frozen=True, kw_only=True):
    """All users."""

    users: list[UserDescription]


class DeviceUserDescription(Response, frozen=True, kw_only=True):
    """One user of ONVIF and RTSP."""

    username: str
    role: Role


class DeviceUserList(Response, frozen=True, kw_only=True):
    """All users of ONVIF and RTSP."""

    users: list[DeviceUserDescription]


class StreamCredentials(SecretResponse, frozen=True, kw_only=True):
    """User and password (digest) of the RTSP relay."""

    username: str
    password: str


# --- what there is --------------------------------------------------------------------------------------------------


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


# --- rules ----------------------------------------------------------------------------------------------------------


class RuleSettings(Request, frozen=True, kw_only=True):
    """What a rule watches for; what is left out has its default.

    `points` are the corners of a region, or the points of a line; none: the whole picture, where the kind allows it.
    `confidence`: so sure the detector must be of a target. `sensitivity` is of motion: a tenth of the region must move
    at 0, a hundredth at 50, a thousandth at 100. A rule that is not `armed` sleeps.
    """

    name: Name | None = None
    points: Annotated[list[UnitPoint], Meta(max_length=64)] = []
    direction: CrossingDirection = "both"
    min_seconds: Annotated[float, Meta(ge=0.0, le=3600.0)] = 0.0
    targets: Annotated[list[TargetType], Meta(min_length=1, max_length=5)] = msgspec.field(
        default_factory=lambda: [TargetType.PERSON, TargetType.VEHICLE, TargetType.TWO_WHEELER]
    )
    confidence: Unit = 0.0
    sensitivity: Annotated[float, Meta(ge=0.0, le=100.0)] = 50.0
    link: Identifier | None = None
    priority: Annotated[int, Meta(ge=0, le=100)] = 50
    armed: bool = True


class RuleRequest(RuleSettings, frozen=True, kw_only=True):
    """Makes a rule. Without an `id` it gets one that is made of its name."""

    id: Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?$")] | None = None
    kind: RuleKind
    channel: Identifier


class RuleDescription(Response, frozen=True, kw_only=True):
    """A rule with its settings; whether it is active is in the state."""

    id: str
    name: str
    kind: RuleKind
    channel: str
    points: list[UnitPoint]
    direction: CrossingDirection
    min_seconds: float
    targets: list[TargetType]
    confidence: float
    sensitivity: float
    link: str | None
    priority: int
    armed: bool


class RuleList(Response, frozen=True, kw_only=True):
    """All rules."""

    rules: list[RuleDescription]


# --- motors ---------------------------------------------------------------------------------------------------------


class MoveRequest(Request, frozen=True, kw_only=True):
    """Moves a PTZ channel.

    * `continuous`: pan, tilt and zoom are speeds, -1 to 1 (right, up, tele positive); the move ends after `duration_s`
      or with `stop`.
    * `relative`: pan and tilt are degrees from here, zoom a difference of zoom position, -1 to 1.
    * `absolute`: pan and tilt are degrees, zoom a position 0 to 1; what is left out stays as it is.
    """

    mode: MoveMode
    pan: Degrees | None = None
    tilt: Degrees | None = None
    zoom: Signed | None = None
    speed: Annotated[float, Meta(gt=0.0, le=1.0)] = 1.0
    duration_s: Annotated[float, Meta(gt=0.0, le=60.0)] | None = None

    def __post_init__(self) -> None:
        if self.pan is None and self.tilt is None and self.zoom is None:
            raise ValueError("a move needs at least one of pan, tilt and zoom")
        if self.mode == "continuous":
            for axis, value in (("pan", self.pan), ("tilt", self.tilt)):
                if value is not None and not -1.0 <= value <= 1.0:
                    raise ValueError(f"{axis} of a continuous move is a speed from -1 to 1")
        elif self.duration_s is not None:
            raise ValueError("duration_s belongs to continuous moves only")
        if self.mode == "absolute":
            if self.zoom is not None and self.zoom < 0.0:
                raise ValueError("zoom of an absolute move is a position from 0 to 1")
            if self.tilt is not None and not -90.0 <= self.tilt <= 90.0:
                raise ValueError("tilt of an absolute move lies between -90 and 90 degrees")


class PresetRequest(Request, frozen=True, kw_only=True):
    """Keeps the present pose as a preset."""

    name: Name


class GotoRequest(Request, frozen=True, kw_only=True):
    """How fast to go."""

    speed: Annotated[float, Meta(gt=0.0, le=1.0)] = 1.0


# --- links ----------------------------------------------------------------------------------------------------------


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


# --- history --------------------------------------------------------------------------------------------------------


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


# --- the WebSocket --------------------------------------------------------------------------------------------------


class AuthMessage(SecretRequest, frozen=True, kw_only=True, tag_field="type", tag="auth"):
    """From the client, first, unless the request had an Authorization header."""

    token: Annotated[str, Meta(min_length=1, max_length=256)]


class SubscribeMessage(Request, frozen=True, kw_only=True, tag_field="type", tag="subscribe"):
    """From the client: which topics it wants beside events and states; replaces the last list."""

    topics: list[Literal["tracks"]]


class HelloMessage(Response, frozen=True, kw_only=True, tag_field="type", tag="hello"):
    """From the engine, first: everything."""

    state: State


class StateMessage(Response, frozen=True, kw_only=True, tag_field="type", tag="state"):
    """From the engine: everything, when things came or went."""

    state: State


class CameraMessage(Response, frozen=True, kw_only=True, tag_field="type", tag="camera"):
    """From the engine: a camera changed."""

    camera: CameraState


class ChannelMessage(Response, frozen=True, kw_only=True, tag_field="type", tag="channel"):
    """From the engine: a channel changed."""

    channel: ChannelState


class LinkMessage(Response, frozen=True, kw_only=True, tag_field="type", tag="link"):
    """From the engine: a link changed."""

    link: LinkState


class RuleMessage(Response, frozen=True, kw_only=True, tag_field="type", tag="rule"):
    """From the engine: a rule changed."""

    rule: RuleState


class EventMessage(Response, frozen=True, kw_only=True, tag_field="type", tag="event"):
    """From the engine: something happened."""

    event: msgspec.Raw


class TracksMessage(Response, frozen=True, kw_only=True, tag_field="type", tag="tracks"):
    """From the engine, to those who subscribed: the tracks of a channel. Newest wins: a slow client misses some."""

    channel: str
    captured_at: Time | None
    tracks: list[TrackState]


class ErrorMessage(Response, frozen=True, kw_only=True, tag_field="type", tag="error"):
    """From the engine, before it closes the connection for that reason."""

    error: ErrorDetail


type ClientMessage = AuthMessage | SubscribeMessage
type ServerMessage = (
    HelloMessage
    | StateMessage
    | CameraMessage
    | ChannelMessage
    | LinkMessage
    | RuleMessage
    | EventMessage
    | TracksMessage
    | ErrorMessage
)
