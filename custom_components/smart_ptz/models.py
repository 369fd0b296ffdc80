"""What the engine tells about itself, as values. The engine may send more than is read here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Self

type Json = Mapping[str, Any]


class _Part(Protocol):
    """A part of the state that has an id."""

    @property
    def id(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """What the engine tells everybody, without a token."""

    name: str
    version: str
    instance_id: str
    activated: bool

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """From the answer to `GET info`."""
        return cls(
            name=data["name"],
            version=data["version"],
            instance_id=data["instance_id"],
            activated=data["activated"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamCredentials:
    """The user with whom the engine's relay hands out video. Kept in memory only."""

    username: str
    password: str = field(repr=False)

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """From the answer to `GET stream-credentials`."""
        return cls(username=data["username"], password=data["password"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """A physical camera, which has one or several channels."""

    id: str
    name: str
    online: bool
    manufacturer: str | None
    model: str | None
    firmware: str | None

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """From `cameras` of the state."""
        return cls(
            id=data["id"],
            name=data["name"],
            online=data["online"],
            manufacturer=data.get("manufacturer"),
            model=data.get("model"),
            firmware=data.get("firmware"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A position that a PTZ channel can be sent to by name."""

    id: str
    name: str

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """From `presets` of a channel."""
        return cls(id=data["id"], name=data["name"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """Where a PTZ channel looks: degrees (pan right, tilt up), and zoom from 0 (wide) to 1."""

    pan_deg: float
    tilt_deg: float
    hfov_deg: float | None
    zoom: float | None

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """From `pose` of a channel."""
        return cls(
            pan_deg=data["pan_deg"], tilt_deg=data["tilt_deg"], hfov_deg=data.get("hfov_deg"), zoom=data.get("zoom")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who holds the motors of a PTZ channel, and what for."""

    owner: str
    purpose: str | None

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """From `owner` of a channel."""
        return cls(owner=data["owner"], purpose=data.get("purpose"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One video channel: an overview, or a PTZ view with motors."""

    id: str
    name: str
    camera_id: str
    role: str
    online: bool
    relay_url: str | None
    presets: tuple[Preset, ...]
    pose: Pose | None
    owner: Owner | None
    capabilities: frozenset[str]
    analysed_fps: float | None

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """From `channels` of the state, or from a message about one channel."""
        return cls(
            id=data["id"],
            name=data["name"],
            camera_id=data["camera_id"],
            role=data["role"],
            online=data["online"],
            relay_url=data.get("relay_url"),
            presets=tuple(Preset.from_json(preset) for preset in data.get("presets") or ()),
            pose=Pose.from_json(pose) if (pose := data.get("pose")) else None,
            owner=Owner.from_json(owner) if (owner := data.get("owner")) else None,
            capabilities=frozenset(data.get("capabilities") or ()),
            analysed_fps=data.get("analysed_fps"),
        )

    @property
    def is_ptz(self) -> bool:
        """Whether the channel has motors."""
        return self.role == "ptz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """The target that a link's PTZ channel follows at the moment."""

    track_id: str
    target_type: str
    since: float
    reason: str

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """From `tracking` of a link."""
        return cls(
            track_id=data["track_id"], target_type=data["target_type"], since=data["since"], reason=data["reason"]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A stored picture of a target: which, and when (Unix seconds)."""

    id: str
    at: float

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """From `last_capture` of a link."""
        return cls(id=data["id"], at=data["at"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An overview channel that sends a PTZ channel after what it sees."""

    id: str
    name: str
    overview: str
    ptz: str
    tracking: Tracking | None
    last_capture: Capture | None

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """From `links` of the state, or from a message about one link."""
        return cls(
            id=data["id"],
            name=data["name"],
            overview=data["overview"],
            ptz=data["ptz"],
            tracking=Tracking.from_json(tracking) if (tracking := data.get("tracking")) else None,
            last_capture=Capture.from_json(capture) if (capture := data.get("last_capture")) else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A smart event that the engine watches for on a channel; `active` while its condition holds for a target."""

    id: str
    name: str
    kind: str
    channel: str
    active: bool

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """From `rules` of the state, or from a message about one rule."""
        return cls(id=data["id"], name=data["name"], kind=data["kind"], channel=data["channel"], active=data["active"])


def _by_id[P: _Part](parts: Iterable[P]) -> dict[str, P]:
    return {part.id: part for part in parts}


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineState:
    """Everything that the entities show, by id."""

    instance_id: str
    name: str
    version: str
    cameras: Mapping[str, Camera]
    channels: Mapping[str, Channel]
    links: Mapping[str, Link]
    rules: Mapping[str, Rule]

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """From the answer to `GET state`, or from the WebSocket's first message."""
        return cls(
            instance_id=data["instance_id"],
            name=data["name"],
            version=data["version"],
            cameras=_by_id(Camera.from_json(camera) for camera in data["cameras"]),
            channels=_by_id(Channel.from_json(channel) for channel in data["channels"]),
            links=_by_id(Link.from_json(link) for link in data["links"]),
            rules=_by_id(Rule.from_json(rule) for rule in data["rules"]),
        )

    def with_camera(self, camera: Camera) -> EngineState:
        """The state after one camera changed."""
        return replace(self, cameras={**self.cameras, camera.id: camera})

    def with_channel(self, channel: Channel) -> EngineState:
        """The state after one channel changed."""
        return replace(self, channels={**self.channels, channel.id: channel})

    def with_link(self, link: Link) -> EngineState:
        """The state after one link changed."""
        return replace(self, links={**self.links, link.id: link})

    def with_rule(self, rule: Rule) -> EngineState:
        """The state after one rule changed."""
        return replace(self, rules={**self.rules, rule.id: rule})

    def links_of(self, channel_id: str) -> tuple[Link, ...]:
        """The links in which a channel takes part."""
        return tuple(link for link in self.links.values() if channel_id in {link.overview, link.ptz})


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTriggered:
    """A rule's condition began or ended for one target."""

    event_id: str
    rule_id: str
    track_id: str
    target_type: str | None
    """None, and no track: motion of whatever it may be."""
    active: bool
    direction: str | None
    """For a line crossing: `a_to_b` or `b_to_a`."""
    count: int | None = None
    """For counting: how many have crossed, this one included."""

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """From an event of the kind `rule_triggered`."""
        return cls(
            event_id=data["event_id"],
            rule_id=data["rule_id"],
            track_id=data["track_id"],
            target_type=data.get("target_type"),
            active=data["active"],
            direction=data.get("direction"),
            count=data.get("count"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureTaken:
    """A link took the picture of a target."""

    event_id: str
    at: float
    capture_id: str
    link_id: str
    track_id: str
    target_type: str
    rule_id: str | None
    grade: float

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """From an event of the kind `capture_taken`."""
        return cls(
            event_id=data["event_id"],
            at=data["at"],
            capture_id=data["capture_id"],
            link_id=data["link_id"],
            track_id=data["track_id"],
            target_type=data["target_type"],
            rule_id=data.get("rule_id"),
            grade=data["grade"],
        )

    @property
    def capture(self) -> Capture:
        """The capture, as a link's state would tell it."""
        return Capture(id=self.capture_id, at=self.at)


type EngineEvent = RuleTriggered | CaptureTaken
"""The events that entities show. What else happens reaches them as a new state."""


def event_from_json(data: Json) -> EngineEvent | None:
    """From an `event` message of the WebSocket; None for kinds that no entity shows."""
    match data["kind"]:
        case "rule_triggered":
            return RuleTriggered.from_json(data)
        case "capture_taken":
            return CaptureTaken.from_json(data)
    return None


type Message = EngineState | Camera | Channel | Link | Rule | EngineEvent
"""What arrives on the WebSocket: the whole state, a part of it that changed, or an event."""
