"""What an ONVIF device asks of the host that it stands for.

The library knows ONVIF; the host knows cameras. A host implements `Backend`, for each movable channel `Ptz`, and
`Users` (or takes `StaticUsers`). It speaks degrees, fractions and Unix seconds only: spaces, QNames, XML durations
and faults are the library's business. To refuse something, raise `Refused`.

Conventions: pan grows to the right (clockwise seen from above), tilt grows upwards, both in degrees; zoom runs
from 0 (wide) to 1 (tele); speeds are fractions of the fastest speed; times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Protocol
from uuid import UUID

# --- Who may ---------------------------------------------------------------------------------------------------


class Level(IntEnum):
    """The user levels of ONVIF Core, 5.9.4.2, from the weakest to the strongest."""

    ANONYMOUS = 0
    USER = 1
    OPERATOR = 2
    ADMINISTRATOR = 3


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request: the authenticated user's name, and the address the request came from."""

    username: str
    address: str


class Users(Protocol):
    """The users of the device. Digest needs the plain text of passwords, so the host keeps them retrievable."""

    def password_of(self, username: str) -> str | None:
        """The user's password; None if there is no such user, or if the user or address is locked out."""
        ...

    def level_of(self, username: str) -> Level:
        """The user's level; asked only for a user whose password was right."""
        ...

    def usernames(self) -> Sequence[str]:
        """All users, for GetUsers."""
        ...

    def record_failure(self, username: str, address: str) -> None:
        """Called once for each request with wrong credentials (never for one without any)."""
        ...


@dataclass(frozen=True, slots=True)
class Account:
    """A user of `StaticUsers`."""

    password: str = field(repr=False)
    level: Level = Level.ADMINISTRATOR


class StaticUsers:
    """A fixed set of users, by name. Failures are counted, nobody is locked out."""

    def __init__(self, accounts: Mapping[str, Account]) -> None:
        self._accounts = dict(accounts)
        self.failures = 0

    def password_of(self, username: str) -> str | None:
        """See `Users`."""
        account = self._accounts.get(username)
        return account.password if account else None

    def level_of(self, username: str) -> Level:
        """See `Users`."""
        return self._accounts[username].level

    def usernames(self) -> Sequence[str]:
        """See `Users`."""
        return tuple(self._accounts)

    def record_failure(self, username: str, address: str) -> None:
        """See `Users`."""
        self.failures += 1


# --- What there is ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInformation:
    """The name plate. `uuid` is the device's stable identity (endpoint reference), `mac` like `02:00:00:12:34:56`."""

    manufacturer: str
    model: str
    firmware_version: str
    serial_number: str
    hardware_id: str
    name: str
    uuid: UUID
    mac: str
    location: str = ""
    hostname: str = "smart-ptz"


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoChannel:
    """One picture source with one fixed profile. `token` is an NCName-like word, unique in the device."""

    token: str
    name: str
    width: int
    height: int
    fps: float
    bitrate_kbps: int = 4096
    encoding: str = "H264"
    """`H264` or `H265`; Media ver10 cannot express H265 and leaves such channels out."""
    gov_length: int = 50


@dataclass(frozen=True, slots=True)
class TopicItem:
    """A simple item of a message: its name, and its type as a QName with the prefix `xs` or `tt`."""

    name: str
    type: str = "xs:string"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """An event that the device can send. `path` is like `tns1:RuleEngine/FieldDetector/ObjectsInside`.

    A property has a state, which every new subscriber is told first. `onvif_server.events.topics` has ready ones.
    """

    path: str
    is_property: bool
    source: tuple[TopicItem, ...] = ()
    key: tuple[TopicItem, ...] = ()
    data: tuple[TopicItem, ...] = ()


class Backend(Protocol):
    """The host. All properties are constant while the device runs."""

    @property
    def information(self) -> DeviceInformation:
        """The name plate."""
        ...

    @property
    def channels(self) -> Sequence[VideoChannel]:
        """The picture sources."""
        ...

    @property
    def topics(self) -> Sequence[Topic]:
        """The events that `OnvifDevice.broker` may be given."""
        ...

    def ptz(self, channel: str) -> Ptz | None:
        """The motors of a channel (by token); None if it does not move."""
        ...

    def stream_uri(self, channel: str, host: str) -> str:
        """The RTSP address of a channel, without credentials, as seen by a client that reached us at `host`.

        `host` has no port; an IPv6 address comes in brackets. RTSP must accept the same users.
        """
        ...

    async def snapshot(self, channel: str) -> bytes:
        """The newest picture as JPEG. Raises `Refused(Refusal.UNAVAILABLE)` if there is none."""
        ...

    async def synchronize(self, channel: str) -> None:
        """A client asks for a key frame soon. A host that cannot order one from its encoder does nothing."""
        ...


# --- What moves ------------------------------------------------------------------------------------------------


class Refusal(StrEnum):
    """Why the host refuses. The library turns each into the ONVIF fault for the operation."""

    INVALID_POSITION = "invalid position"
    NO_SUCH_PRESET = "no such preset"
    TOO_MANY_PRESETS = "too many presets"
    PRESET_EXISTS = "preset name exists"
    MOVING = "cannot store while moving"
    NO_HOME = "no home position"
    BUSY = "held by somebody with a higher priority"
    UNAVAILABLE = "not available now"


class Refused(Exception):  # noqa: N818 - it is an answer, not an error of the host
    """The host does not do what was asked. `detail` is shown to the client."""

    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        super().__init__(f"{refusal.value}: {detail}" if detail else refusal.value)
        self.refusal = refusal
        self.detail = detail or refusal.value


@dataclass(frozen=True, slots=True)
class Range:
    """A closed interval."""

    minimum: float
    maximum: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PtzCapabilities:
    """What a channel's motors can do. Generic positions -1..1 are mapped linearly to `pan_deg` and `tilt_deg`."""

    pan_deg: Range = Range(-180.0, 180.0)
    tilt_deg: Range = Range(-90.0, 90.0)
    absolute: bool = True
    relative: bool = True
    relative_fov: bool = True
    continuous: bool = True
    zoom: bool = True
    maximum_presets: int = 256
    home: bool = True
    fixed_home: bool = False
    default_timeout_s: float = 10.0
    """How long a continuous move lasts that names no time-out."""
    maximum_timeout_s: float = 60.0


@dataclass(frozen=True, slots=True)
class PtzSpeed:
    """Speeds as fractions of the fastest, 0 to 1; None where the client named none (then the fastest)."""

    pan: float | None = None
    tilt: float | None = None
    zoom: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PtzStatus:
    """Where a channel looks, and whether it moves. `at` is the time of the measurement."""

    pan_deg: float
    tilt_deg: float
    zoom: float
    pan_tilt_moving: bool
    zoom_moving: bool
    at: float


@dataclass(frozen=True, slots=True)
class PtzPreset:
    """A stored position; the three values are None where the host does not know them."""

    token: str
    name: str
    pan_deg: float | None = None
    tilt_deg: float | None = None
    zoom: float | None = None


class Ptz(Protocol):
    """The motors of one channel. An axis given as None stays as it is. Any method may raise `Refused`.

    A move returns when it has been accepted, not when it is over. A new move replaces the old one on its axes.
    """

    @property
    def capabilities(self) -> PtzCapabilities:
        """Constant while the device runs."""
        ...

    async def move_absolute(
        self, caller: Caller, *, pan_deg: float | None, tilt_deg: float | None, zoom: float | None, speed: PtzSpeed
    ) -> None:
        """Goes to a position; it lies within the capabilities' ranges."""
        ...

    async def move_relative(
        self, caller: Caller, *, pan_deg: float, tilt_deg: float, zoom: float, speed: PtzSpeed
    ) -> None:
        """Moves by degrees and by a part of the zoom range; beyond the ranges it ends at their ends."""
        ...

    async def move_relative_fov(self, caller: Caller, *, x: float, y: float, zoom: float, speed: PtzSpeed) -> None:
        """Brings a point of the picture to its centre: x, y from (-1, -1) lower left to (1, 1) upper right."""
        ...

    async def move_continuous(
        self, caller: Caller, *, pan: float | None, tilt: float | None, zoom: float | None, timeout_s: float
    ) -> None:
        """Moves with speeds -1..1 until `stop`, another move, or until `timeout_s` is over: the host sees to it."""
        ...

    async def stop(self, caller: Caller, *, pan_tilt: bool, zoom: bool) -> None:
        """Stops the named axes, whatever moves them."""
        ...

    async def status(self) -> PtzStatus:
        """Where it looks now."""
        ...

    async def presets(self) -> Sequence[PtzPreset]:
        """The stored positions."""
        ...

    async def set_preset(self, caller: Caller, *, token: str | None, name: str | None) -> str:
        """Stores the present position: a new preset (token None; name None lets the host choose) or over `token`.

        Returns the token. Raises Refused: NO_SUCH_PRESET, TOO_MANY_PRESETS, PRESET_EXISTS, MOVING.
        """
        ...

    async def goto_preset(self, caller: Caller, token: str, speed: PtzSpeed) -> None:
        """Goes to a stored position. Raises Refused: NO_SUCH_PRESET."""
        ...

    async def remove_preset(self, caller: Caller, token: str) -> None:
        """Forgets a stored position. Raises Refused: NO_SUCH_PRESET."""
        ...

    async def goto_home(self, caller: Caller, speed: PtzSpeed) -> None:
        """Goes to the home position. Raises Refused: NO_HOME."""
        ...

    async def set_home(self, caller: Caller) -> None:
        """Makes the present position the home position (never called where the home is fixed)."""
        ...
