"""The engine's channels as an ONVIF device sees them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.cameras.extras import Extras
from engine.core.geodesy import Mounting
from engine.media import SoundFormat
from engine.onvif_device.auxiliary import ChannelAuxiliary, DeviceAuxiliary
from engine.onvif_device.events import TOPICS
from engine.onvif_device.key_frames import KeyFrames
from engine.onvif_device.moves import Tracker
from engine.onvif_device.ptz import ArbiterPtz
from engine.onvif_device.terminals import CameraTerminals
from engine.ptz import Patrol
from onvif_server.backend import (
    Analytics,
    AudioFormat,
    Backend,
    Caller,
    DeviceInformation,
    Encoder,
    Imaging,
    Memory,
    Multicast,
    Osd,
    Refusal,
    Refused,
    StreamingAbilities,
    StreamRequest,
    System,
    Topic,
    UserAdministration,
    VideoChannel,
)
from onvif_server.events import topics


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceChannel:
    """One of the engine's channels. Size, rate and codec are those of the relayed stream."""

    id: str
    name: str
    width: int
    height: int
    fps: float
    codec: str = "H264"
    audio: SoundFormat | None = None
    extras: Extras = field(default_factory=Extras)
    """What its camera can do beside showing and moving: a device with other extras is another device."""

    @property
    def aspect(self) -> float:
        """Width to height."""
        return self.width / self.height


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFacets:
    """What the engine's device can do besides showing pictures and moving; what is not there is not advertised."""

    memory: Memory | None = None
    system: System | None = None
    user_administration: UserAdministration | None = None
    analytics: Mapping[str, Analytics] = field(default_factory=dict)
    streaming: StreamingAbilities = field(default_factory=StreamingAbilities)
    multicasts: Mapping[str, Multicast] = field(default_factory=dict)
    imaging: Mapping[str, Imaging] = field(default_factory=dict)
    auxiliary: Mapping[str, ChannelAuxiliary] = field(default_factory=dict)
    """Of the PTZ channels."""
    terminals: CameraTerminals | None = None
    encoders: Mapping[str, Encoder] = field(default_factory=dict)
    osds: Mapping[str, Osd] = field(default_factory=dict)
    device_auxiliary: DeviceAuxiliary | None = None
    trackers: Mapping[str, Tracker] = field(default_factory=dict)
    patrols: Mapping[str, Patrol] = field(default_factory=dict)
    mountings: Mapping[str, Mounting] = field(default_factory=dict)
    key_frames: Mapping[str, KeyFrames] = field(default_factory=dict)


class EngineBackend(Backend):
    """`onvif_server.backend.Backend` on the engine.

    `stream_url(channel, request)` is the RTSP address of a channel for a client as it asks for it.
    `snapshot(channel)` is the newest picture as JPEG, None while there is none.
    """

    def __init__(
        self,
        information: DeviceInformation,
        channels: Sequence[DeviceChannel],
        motors: Mapping[str, ArbiterPtz],
        stream_url: Callable[[str, StreamRequest], str],
        snapshot: Callable[[str], Awaitable[bytes | None]],
        facets: EngineFacets,
    ) -> None:
        self._information = information
        self._facets = facets
        self._motors = motors
        self._stream_url = stream_url
        self._snapshot = snapshot
        self._channels = tuple(
            VideoChannel(
                token=one.id,
                name=one.name,
                width=one.width,
                height=one.height,
                fps=one.fps,
                encoding="H265" if one.codec.upper() in ("H265", "HEVC") else "H264",
                audio=_audio(one.audio) if one.audio is not None else None,
                # What the relay takes, whatever the camera does.
                back_channel=AudioFormat() if one.extras.back_channel else None,
            )
            for one in channels
        )

    @property
    def information(self) -> DeviceInformation:
        """The name plate."""
        return self._information

    @property
    def channels(self) -> Sequence[VideoChannel]:
        """The engine's channels."""
        return self._channels

    @property
    def topics(self) -> Sequence[Topic]:
        """What the engine's events become; those of relays and inputs only where a camera has some."""
        terminals = self._facets.terminals
        idle = {
            topics.RELAY: not (terminals and terminals.relays()),
            topics.DIGITAL_INPUT: not (terminals and terminals.inputs()),
        }
        return tuple(topic for topic in TOPICS if not idle.get(topic))

    def ptz(self, channel: str) -> ArbiterPtz | None:
        """The motors of a channel."""
        return self._motors.get(channel)

    def stream_uri(self, channel: str, request: StreamRequest) -> str:
        """The relay's address."""
        return self._stream_url(channel, request)

    async def snapshot(self, channel: str) -> bytes:
        """The newest picture."""
        picture = await self._snapshot(channel)
        if picture is None:
            raise Refused(Refusal.UNAVAILABLE, f"there is no picture of {channel} now")
        return picture

    async def synchronize(self, channel: str) -> None:
        """Has the camera send a key frame, which the relay passes on."""
        key_frames = self._facets.key_frames.get(channel)
        if key_frames is not None:
            key_frames.request()

    @property
    def memory(self) -> Memory | None:
        """Where the device keeps what clients set."""
        return self._facets.memory

    @property
    def streaming(self) -> StreamingAbilities:
        """What the relay can do."""
        return self._facets.streaming

    def analytics(self, channel: str) -> Analytics | None:
        """The engine's rules of a channel."""
        return self._facets.analytics.get(channel)

    def imaging(self, channel: str) -> Imaging | None:
        """The camera's picture settings and focus."""
        return self._facets.imaging.get(channel)

    def multicast(self, channel: str) -> Multicast | None:
        """The relay's multicast of a channel."""
        return self._facets.multicasts.get(channel)

    def encoder(self, channel: str) -> Encoder | None:
        """The camera's encoder."""
        return self._facets.encoders.get(channel)

    def osd(self, channel: str) -> Osd | None:
        """The texts in the camera's picture."""
        return self._facets.osds.get(channel)

    @property
    def terminals(self) -> CameraTerminals | None:
        """The cameras' relays and inputs."""
        return self._facets.terminals

    @property
    def auxiliary_commands(self) -> Sequence[str]:
        """Those of the cameras as a whole."""
        return self._facets.device_auxiliary.commands if self._facets.device_auxiliary else ()

    async def auxiliary(self, caller: Caller, command: str) -> str:
        """Lets the cameras carry it out."""
        if self._facets.device_auxiliary is None:
            raise Refused(Refusal.NOT_SUPPORTED)
        return await self._facets.device_auxiliary.send(command)

    @property
    def system(self) -> System | None:
        """The engine's power switch and papers."""
        return self._facets.system

    @property
    def user_administration(self) -> UserAdministration | None:
        """The device users."""
        return self._facets.user_administration


def _audio(sound: SoundFormat) -> AudioFormat:
    """The relay gives AAC out as MP4A-LATM. The bit rate is the usual one: a camera does not tell its own."""
    encoding = "MP4A-LATM" if sound.encoding == "AAC" else sound.encoding
    return AudioFormat(encoding=encoding, sample_rate_hz=sound.rate_hz, channels=sound.channels)
