"""The simulated cameras as ONVIF devices: what `onvif_server` asks of a host, answered by scene and dynamics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

import cv2

from engine.core.geometry import Point
from engine.core.values import Image
from engine.simulator.accessories import LIGHT_COMMANDS, WIPER_COMMANDS, Accessories
from engine.simulator.dynamics import PtzDynamics
from engine.simulator.equipment import Equipment
from engine.simulator.scene import SceneFacts
from engine.simulator.terminals import TOPICS as TERMINAL_TOPICS
from onvif_server.backend import (
    Backend,
    Caller,
    DeviceInformation,
    Encoder,
    Imaging,
    Osd,
    Ptz,
    PtzCapabilities,
    PtzPreset,
    PtzSpeed,
    PtzStatus,
    Range,
    Refusal,
    Refused,
    StreamRequest,
    Terminals,
    Topic,
    VideoChannel,
)

MAXIMUM_PRESETS = 64
_FULL_CIRCLE = Range(-180.0, 180.0)


def name_plate(role: str, scene: str) -> DeviceInformation:
    """The name plate of a simulated camera: stable for a role in a scene."""
    identity = uuid5(NAMESPACE_URL, f"smart-ptz-simulator/{scene}/{role}")
    digits = identity.hex
    return DeviceInformation(
        manufacturer="Smart PTZ",
        model=f"Simulated {role} camera",
        firmware_version="1.0",
        serial_number=digits[:12].upper(),
        hardware_id="simulator",
        name=f"{role.capitalize()} camera",
        uuid=identity,
        # The second hexadecimal digit 2 marks an address that no manufacturer owns.
        mac=":".join(["02", *(digits[i : i + 2] for i in range(0, 10, 2))]),
        location=scene,
        hostname=f"simulated-{role}",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraBackend(Backend):
    """One simulated camera with one channel. See `onvif_server.backend.Backend`."""

    information: DeviceInformation
    channel: VideoChannel
    rtsp_port: int
    rtsp_path: str
    take_picture: Callable[[], Image]
    order_key_frame: Callable[[], None]
    motors: SimulatedMotors | None = None
    equipment: Equipment

    @property
    def channels(self) -> Sequence[VideoChannel]:
        """See `Backend`."""
        return (self.equipment.encoder.described(self.channel),)

    @property
    def topics(self) -> Sequence[Topic]:
        """See `Backend`: a simple camera, without analytics."""
        return TERMINAL_TOPICS if self.equipment.terminals else ()

    @property
    def terminals(self) -> Terminals | None:
        """See `Backend`."""
        return self.equipment.terminals

    def ptz(self, channel: str) -> Ptz | None:
        """See `Backend`."""
        return self.motors if channel == self.channel.token else None

    def imaging(self, channel: str) -> Imaging:
        """See `Backend`."""
        return self.equipment.imaging

    def encoder(self, channel: str) -> Encoder:
        """See `Backend`."""
        return self.equipment.encoder

    def osd(self, channel: str) -> Osd:
        """See `Backend`."""
        return self.equipment.captions

    @property
    def auxiliary_commands(self) -> Sequence[str]:
        """See `Backend`: a camera without a head has its light here."""
        return LIGHT_COMMANDS if self.motors is None else ()

    async def auxiliary(self, caller: Caller, command: str) -> str:
        """See `Backend`."""
        self.equipment.accessories.carry_out(command)
        return ""

    def stream_uri(self, channel: str, request: StreamRequest) -> str:
        """See `Backend`."""
        return f"rtsp://{request.host}:{self.rtsp_port}/{self.rtsp_path}"

    async def snapshot(self, channel: str) -> bytes:
        """See `Backend`."""
        return await asyncio.to_thread(self._jpeg)

    async def synchronize(self, channel: str) -> None:
        """See `Backend`."""
        self.order_key_frame()

    def _jpeg(self) -> bytes:
        done, packed = cv2.imencode(".jpg", self.take_picture())
        if not done:
            raise Refused(Refusal.UNAVAILABLE, "the picture could not be packed as JPEG")
        return packed.tobytes()


class SimulatedMotors(Ptz):
    """The PTZ camera's motors for ONVIF clients. See `onvif_server.backend.Ptz`."""

    def __init__(
        self,
        facts: SceneFacts,
        dynamics: PtzDynamics,
        now: Callable[[], float] = time.time,
        accessories: Accessories | None = None,
    ) -> None:
        self._accessories = accessories
        self._facts = facts
        self._dynamics = dynamics
        self._now = now
        limits = facts.motors
        self._capabilities = PtzCapabilities(
            pan_deg=Range(*limits.pan_deg) if limits.pan_deg else _FULL_CIRCLE,
            tilt_deg=Range(*limits.tilt_deg),
            maximum_presets=MAXIMUM_PRESETS,
            auxiliary_commands=(*WIPER_COMMANDS, *LIGHT_COMMANDS) if accessories else (),
        )
        home = facts.home
        self._home = (home.pan_deg, home.tilt_deg, facts.zoom_curve.zoom(home.hfov_deg))
        self._presets: dict[str, PtzPreset] = {}
        for name, pan_deg in (("Left", -22.0), ("Right", 22.0)):
            self._store(None, name, (home.pan_deg + pan_deg, home.tilt_deg, 0.3))

    @property
    def capabilities(self) -> PtzCapabilities:
        """See `Ptz`."""
        return self._capabilities

    async def move_absolute(
        self,
        caller: Caller,
        *,
        pan_deg: float | None,
        tilt_deg: float | None,
        zoom: float | None,
        speed: PtzSpeed,
    ) -> None:
        """See `Ptz`."""
        self._go(pan_deg, tilt_deg, zoom, speed)

    async def move_relative(
        self,
        caller: Caller,
        *,
        pan_deg: float | None,
        tilt_deg: float | None,
        zoom: float | None,
        speed: PtzSpeed,
    ) -> None:
        """See `Ptz`."""
        pan_speed, tilt_speed, zoom_speed = _fractions(speed)
        self._dynamics.move_relative(
            self._now(),
            pan_deg=pan_deg,
            tilt_deg=tilt_deg,
            zoom=zoom,
            pan_speed=pan_speed,
            tilt_speed=tilt_speed,
            zoom_speed=zoom_speed,
        )

    async def move_relative_fov(
        self, caller: Caller, *, x: float | None, y: float | None, zoom: float | None, speed: PtzSpeed
    ) -> None:
        """See `Ptz`."""
        if x is not None and y is not None:
            pose = self._dynamics.pose_at(self._now())
            goal = pose.direction_of(Point((x + 1) / 2, (1 - y) / 2), self._facts.ptz_size.aspect)
            self._go(goal.pan_deg, goal.tilt_deg, None, speed)
        await self.move_relative(caller, pan_deg=None, tilt_deg=None, zoom=zoom, speed=speed)

    async def move_continuous(
        self,
        caller: Caller,
        *,
        pan: float | None,
        tilt: float | None,
        zoom: float | None,
        timeout_s: float,
    ) -> None:
        """See `Ptz`."""
        self._dynamics.move_continuous(self._now(), pan=pan, tilt=tilt, zoom=zoom, timeout_s=timeout_s)

    async def stop(self, caller: Caller, *, pan_tilt: bool, zoom: bool) -> None:
        """See `Ptz`."""
        self._dynamics.stop(self._now(), pan_tilt=pan_tilt, zoom=zoom)

    async def status(self) -> PtzStatus:
        """See `Ptz`."""
        at = self._now()
        state, pose = self._dynamics.state_at(at), self._dynamics.pose_at(at)
        return PtzStatus(
            pan_deg=pose.pan_deg,
            tilt_deg=pose.tilt_deg,
            zoom=state.zoom.position,
            pan_tilt_moving=state.pan_tilt_moving,
            zoom_moving=state.zoom_moving,
            at=at,
        )

    async def presets(self) -> Sequence[PtzPreset]:
        """See `Ptz`."""
        return tuple(self._presets.values())

    async def set_preset(self, caller: Caller, *, token: str | None, name: str | None) -> str:
        """See `Ptz`."""
        status = await self.status()
        if status.pan_tilt_moving or status.zoom_moving:
            raise Refused(Refusal.MOVING)
        if token is not None and token not in self._presets:
            raise Refused(Refusal.NO_SUCH_PRESET, token)
        if token is None and len(self._presets) >= MAXIMUM_PRESETS:
            raise Refused(Refusal.TOO_MANY_PRESETS)
        if any(preset.name == name and preset.token != token for preset in self._presets.values()):
            raise Refused(Refusal.PRESET_EXISTS, name or "")
        return self._store(token, name, (status.pan_deg, status.tilt_deg, status.zoom))

    async def goto_preset(self, caller: Caller, token: str, speed: PtzSpeed) -> None:
        """See `Ptz`."""
        preset = self._presets.get(token)
        if preset is None:
            raise Refused(Refusal.NO_SUCH_PRESET, token)
        self._go(preset.pan_deg, preset.tilt_deg, preset.zoom, speed)

    async def remove_preset(self, caller: Caller, token: str) -> None:
        """See `Ptz`."""
        if self._presets.pop(token, None) is None:
            raise Refused(Refusal.NO_SUCH_PRESET, token)

    async def goto_home(self, caller: Caller, speed: PtzSpeed) -> None:
        """See `Ptz`."""
        self._go(*self._home, speed)

    async def set_home(self, caller: Caller) -> None:
        """See `Ptz`."""
        status = await self.status()
        self._home = (status.pan_deg, status.tilt_deg, status.zoom)

    async def auxiliary(self, caller: Caller, command: str) -> str:
        """See `Ptz`."""
        if self._accessories is None:
            raise Refused(Refusal.NOT_SUPPORTED)
        self._accessories.carry_out(command)
        return ""

    def _go(self, pan_deg: float | None, tilt_deg: float | None, zoom: float | None, speed: PtzSpeed) -> None:
        pan_speed, tilt_speed, zoom_speed = _fractions(speed)
        self._dynamics.move_absolute(
            self._now(),
            pan_deg=pan_deg,
            tilt_deg=tilt_deg,
            zoom=zoom,
            pan_speed=pan_speed,
            tilt_speed=tilt_speed,
            zoom_speed=zoom_speed,
        )

    def _store(self, token: str | None, name: str | None, position: tuple[float, float, float]) -> str:
        if token is None:
            token = str(next(number for number in range(1, MAXIMUM_PRESETS + 2) if str(number) not in self._presets))
        if name is None:
            name = self._presets[token].name if token in self._presets else f"Preset {token}"
        self._presets[token] = PtzPreset(token, name, *position)
        return token


def _fractions(speed: PtzSpeed) -> tuple[float, float, float]:
    pan, tilt, zoom = (1.0 if value is None else value for value in (speed.pan, speed.tilt, speed.zoom))
    return pan, tilt, zoom
