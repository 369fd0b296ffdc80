"""A small host for the device under test: one fixed channel and one that moves, all in memory."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from fake_analytics import FakeAnalytics
from fake_imaging import Lens
from fake_media import ABILITIES, Captions, Chip, Sender
from fake_ptz import ABLE, VersatileHead
from fake_system import FakeSystem, FakeUserAdministration
from fake_terminals import FakeTerminals

from onvif_server import DeviceSettings, OnvifDevice
from onvif_server.backend import (
    Account,
    AudioFormat,
    Backend,
    Caller,
    DeviceInformation,
    Imaging,
    Level,
    Memory,
    Ptz,
    PtzCapabilities,
    PtzPreset,
    PtzSpeed,
    PtzStatus,
    Range,
    Refusal,
    Refused,
    StaticUsers,
    StreamingAbilities,
    StreamRequest,
    System,
    Terminals,
    Topic,
    Tour,
    TourSpot,
    UserAdministration,
    VideoChannel,
)
from onvif_server.events import topics

JPEG = b"\xff\xd8\xff\xe0 a picture \xff\xd9"


class Head(VersatileHead):
    """Motors that are where they were sent at once, and keep a list of what they were told."""

    def __init__(self, capabilities: PtzCapabilities) -> None:
        super().__init__()
        self._capabilities = capabilities
        self.commands: list[tuple[str, dict[str, object]]] = []
        self.callers: list[Caller] = []
        self.position = [0.0, 0.0, 0.0]
        self.moving = False
        self.refusal: Refused | None = None
        self.stored: dict[str, PtzPreset] = {}

    @property
    def capabilities(self) -> PtzCapabilities:
        return self._capabilities

    def _told(self, caller: Caller, command: str, **arguments: object) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.callers.append(caller)
        self.commands.append((command, arguments))

    async def move_absolute(
        self, caller: Caller, *, pan_deg: float | None, tilt_deg: float | None, zoom: float | None, speed: PtzSpeed
    ) -> None:
        self._told(caller, "absolute", pan_deg=pan_deg, tilt_deg=tilt_deg, zoom=zoom, speed=speed)
        for axis, value in enumerate((pan_deg, tilt_deg, zoom)):
            if value is not None:
                self.position[axis] = value

    async def move_relative(
        self, caller: Caller, *, pan_deg: float | None, tilt_deg: float | None, zoom: float | None, speed: PtzSpeed
    ) -> None:
        self._told(caller, "relative", pan_deg=pan_deg, tilt_deg=tilt_deg, zoom=zoom, speed=speed)

    async def move_relative_fov(
        self, caller: Caller, *, x: float | None, y: float | None, zoom: float | None, speed: PtzSpeed
    ) -> None:
        self._told(caller, "relative_fov", x=x, y=y, zoom=zoom, speed=speed)

    async def move_continuous(
        self, caller: Caller, *, pan: float | None, tilt: float | None, zoom: float | None, timeout_s: float
    ) -> None:
        self._told(caller, "continuous", pan=pan, tilt=tilt, zoom=zoom, timeout_s=timeout_s)
        self.moving = True

    async def stop(self, caller: Caller, *, pan_tilt: bool, zoom: bool) -> None:
        self._told(caller, "stop", pan_tilt=pan_tilt, zoom=zoom)
        self.moving = False

    async def status(self) -> PtzStatus:
        pan_deg, tilt_deg, zoom = self.position
        return PtzStatus(
            pan_deg=pan_deg, tilt_deg=tilt_deg, zoom=zoom, pan_tilt_moving=self.moving, zoom_moving=False, at=1.7e9
        )

    async def presets(self) -> Sequence[PtzPreset]:
        return tuple(self.stored.values())

    async def set_preset(self, caller: Caller, *, token: str | None, name: str | None) -> str:
        self._told(caller, "set_preset", token=token, name=name)
        if token is not None and token not in self.stored:
            raise Refused(Refusal.NO_SUCH_PRESET, f"there is no preset {token}")
        if len(self.stored) >= self._capabilities.maximum_presets:
            raise Refused(Refusal.TOO_MANY_PRESETS)
        token = token or f"p{len(self.stored) + 1}"
        self.stored[token] = PtzPreset(token, name or token, *self.position)
        return token

    async def goto_preset(self, caller: Caller, token: str, speed: PtzSpeed) -> None:
        self._told(caller, "goto_preset", token=token, speed=speed)
        self._preset(token)

    async def remove_preset(self, caller: Caller, token: str) -> None:
        self._told(caller, "remove_preset", token=token)
        self._preset(token)
        del self.stored[token]

    async def goto_home(self, caller: Caller, speed: PtzSpeed) -> None:
        self._told(caller, "goto_home", speed=speed)

    async def set_home(self, caller: Caller) -> None:
        self._told(caller, "set_home")

    def _preset(self, token: str) -> PtzPreset:
        if token not in self.stored:
            raise Refused(Refusal.NO_SUCH_PRESET, f"there is no preset {token}")
        return self.stored[token]


class Host(Backend):
    """The backend: channels `yard` (fixed) and `dome` (moves, hears and speaks)."""

    terminals: Terminals | None = None
    system: System | None = None
    user_administration: UserAdministration | None = None
    auxiliary_commands: Sequence[str] = ("tt:Wiper|On", "tt:Wiper|Off")

    def __init__(self) -> None:
        self.terminals, self.system = FakeTerminals(), FakeSystem()
        self.auxiliaries: list[str] = []
        self.head = Head(PtzCapabilities(tilt_deg=Range(-20.0, 90.0), maximum_presets=3, **ABLE))
        self.head.kept_tours["tour"] = Tour(token="tour", name="Round", spots=(TourSpot(preset=None, stay_s=2.0),))
        self.lens = Lens()
        self.chip, self.captions, self.sender = Chip(), Captions(), Sender()
        self.abilities = ABILITIES
        self.kept: Memory | None = None
        self.requested: list[StreamRequest] = []
        self.rules = FakeAnalytics()
        self.picture: bytes | None = JPEG
        self.synchronized: list[str] = []
        self.extra_channels: tuple[VideoChannel, ...] = ()

    @property
    def information(self) -> DeviceInformation:
        return DeviceInformation(
            manufacturer="Acme",
            model="Dome 1",
            firmware_version="1.0",
            serial_number="0001",
            hardware_id="A",
            name="Yard & gate",
            uuid=UUID("6f1a4f0e-3a2b-4a5c-9d3e-0123456789ab"),
            mac="02:00:00:12:34:56",
            location="Käsestraße 1",
        )

    @property
    def channels(self) -> Sequence[VideoChannel]:
        yard = VideoChannel(token="yard", name="Yard", width=1280, height=720, fps=12.5)
        dome = VideoChannel(
            token="dome",
            name="Dome",
            width=1920,
            height=1080,
            fps=25.0,
            audio=AudioFormat(),
            back_channel=AudioFormat(),
        )
        return (yard, dome, *self.extra_channels)

    @property
    def topics(self) -> Sequence[Topic]:
        ours = (topics.OBJECTS_INSIDE, topics.LINE_CROSSED, topics.MOTION_ALARM, topics.PRESET_REACHED)
        return (*ours, topics.GLOBAL_SCENE_CHANGE)

    def ptz(self, channel: str) -> Ptz | None:
        return self.head if channel == "dome" else None

    def analytics(self, channel: str) -> FakeAnalytics | None:
        return self.rules if channel == "yard" else None

    def encoder(self, channel: str) -> Chip | None:
        return self.chip if channel == "dome" else None

    def osd(self, channel: str) -> Captions | None:
        return self.captions if channel == "dome" else None

    def multicast(self, channel: str) -> Sender | None:
        return self.sender if channel == "dome" else None

    @property
    def streaming(self) -> StreamingAbilities:
        return self.abilities

    @property
    def memory(self) -> Memory | None:
        return self.kept

    def imaging(self, channel: str) -> Imaging | None:
        return self.lens if channel == "dome" else None

    def stream_uri(self, channel: str, request: StreamRequest) -> str:
        self.requested.append(request)
        return f"rtsp://{request.host}:8554/{channel}"

    async def snapshot(self, channel: str) -> bytes:
        if self.picture is None:
            raise Refused(Refusal.UNAVAILABLE, "the camera is offline")
        return self.picture

    async def auxiliary(self, caller: Caller, command: str) -> str:
        self.auxiliaries.append(command)
        return "wiping"

    async def synchronize(self, channel: str) -> None:
        self.synchronized.append(channel)


class HandClock:
    """A clock that the test moves."""

    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


ACCOUNTS = {
    "admin": Account("secret-a", Level.ADMINISTRATOR),
    "operator": Account("secret-o", Level.OPERATOR),
    "viewer": Account("secret-v", Level.USER),
}


class Running:
    """A started device and everything around it."""

    def __init__(self, memory: Memory | None = None, **settings: object) -> None:
        self.host = Host()
        self.host.kept = memory
        self.users = StaticUsers(ACCOUNTS)
        self.host.user_administration = FakeUserAdministration(self.users)
        self.settings = DeviceSettings(**settings)  # type: ignore[arg-type]
        self.device = OnvifDevice(self.host, self.users, self.settings)
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self.port = await self.device.start("127.0.0.1")
