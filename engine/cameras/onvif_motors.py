"""The motors of a channel of an ONVIF camera."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from engine.cameras.errors import CameraFault, CameraUnreachable
from engine.cameras.onvif_device_extras import LONGEST_ANSWER, auxiliary_commands
from engine.cameras.protocols import CameraPreset, MotorCapabilities, MotorStatus
from engine.cameras.soap import SoapClient
from engine.cameras.soap_services import Service
from engine.cameras.spaces import SIGNED, UNIT, HeadGeometry, Line, Spaces
from engine.core.clock import Clock

CONTINUOUS_LIMIT_S = 30.0
"""How long a continuous move lasts at most without a new command: an engine that dies leaves no head turning."""


@dataclass(frozen=True, slots=True)
class Head:
    """What was learnt of a channel's PTZ node at the last connection; `profile` is the token that moves name."""

    profile: str
    geometry: HeadGeometry
    capabilities: MotorCapabilities
    auxiliary_commands: tuple[str, ...]


async def learn_head(
    client: SoapClient,
    profile: str,
    node_token: str,
    pan_range_deg: tuple[float, float],
    tilt_range_deg: tuple[float, float],
) -> Head:
    """Asks the camera about a PTZ node. Raises CameraError."""
    node = await client.call(Service.PTZ, "GetNode", NodeToken=node_token)
    spaces = Spaces.from_node(node.SupportedPTZSpaces)
    geometry = HeadGeometry.of(spaces, pan_range_deg, tilt_range_deg)
    reports_position, reports_moves = await _status_abilities(client, profile)
    presets = int(node.MaximumNumberOfPresets or 0)
    capabilities = MotorCapabilities(
        absolute=bool(spaces.spherical or spaces.position),
        relative=bool(spaces.translation or ((spaces.spherical or spaces.position) and reports_position)),
        relative_fov=spaces.fov is not None,
        continuous=spaces.velocity is not None,
        zoom=bool(spaces.zoom_position or spaces.zoom_velocity),
        presets=presets > 0,
        home=bool(node.HomeSupported),
        status=reports_position,
        move_status=reports_moves,
        pan_range_deg=(geometry.pan.low, geometry.pan.high),
        tilt_range_deg=(geometry.tilt.low, geometry.tilt.high),
        pan_endless=geometry.pan_endless,
        spherical=spaces.spherical is not None,
        tracking=await _tracks_by_itself(client),
        max_presets=presets,
    )
    return Head(profile, geometry, capabilities, auxiliary_commands(node.AuxiliaryCommands))


async def _status_abilities(client: SoapClient, profile: str) -> tuple[bool, bool]:
    """Whether GetStatus tells the position, and whether the head moves: asked, as claims are often wrong."""
    try:
        status = await client.call(Service.PTZ, "GetStatus", ProfileToken=profile)
    except CameraFault:
        return False, False
    position = getattr(getattr(status, "Position", None), "PanTilt", None)
    return position is not None, getattr(status, "MoveStatus", None) is not None


async def _tracks_by_itself(client: SoapClient) -> bool:
    try:
        capabilities = await client.call(Service.PTZ, "GetServiceCapabilities")
    except CameraFault:
        return False
    # The service description of the client library is older than this attribute.
    unknown = getattr(capabilities, "_attr_1", None) or {}
    return any(name.rpartition("}")[2] == "MoveAndTrack" and value.strip() for name, value in unknown.items())


class OnvifMotors:
    """Motors of one channel; see the protocol `Motors`. It stays the same object over reconnections."""

    def __init__(self, client: SoapClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._head: Head | None = None

    def attach(self, head: Head | None) -> None:
        """Takes over what the camera said at this connection; None where the channel has no motors after all."""
        self._head = head

    @property
    def capabilities(self) -> MotorCapabilities:
        """What they can do; nothing before the first connection."""
        return self._head.capabilities if self._head else MotorCapabilities()

    def _attached(self, needed: str = "") -> Head:
        if self._head is None:
            raise CameraUnreachable(
                self._client.name, self._client.address, "its motors are not known", "wait until it is connected"
            )
        if needed and not getattr(self._head.capabilities, needed):
            word = needed.replace("_", " ")
            raise CameraFault(
                self._client.name, self._client.address, f"its motors cannot do {word}", "use a move that they can do"
            )
        return self._head

    async def _do(self, operation: str, head: Head, **parameters: Any) -> Any:
        return await self._client.call(Service.PTZ, operation, ProfileToken=head.profile, **parameters)

    async def move_absolute(
        self,
        *,
        pan_deg: float | None = None,
        tilt_deg: float | None = None,
        zoom: float | None = None,
        speed: float = 1.0,
    ) -> None:
        """Starts a move to a direction and zoom."""
        head = self._attached("absolute")
        if (pan_deg is None) != (tilt_deg is None):
            now = await self.status()
            pan_deg = now.pan_deg if pan_deg is None else pan_deg
            tilt_deg = now.tilt_deg if tilt_deg is None else tilt_deg
        position: dict[str, Any] = {}
        if pan_deg is not None and tilt_deg is not None:
            x, y, uri = head.geometry.to_position(pan_deg, tilt_deg)
            position["PanTilt"] = {"x": x, "y": y, "space": uri}
        line = head.geometry.spaces.zoom_position
        if zoom is not None and line:
            position["Zoom"] = {"x": head.geometry.to_zoom(zoom), "space": line.uri}
        if position:
            await self._do("AbsoluteMove", head, Position=position, **_speed(head, speed, set(position)))

    async def move_relative(
        self,
        *,
        pan_deg: float | None = None,
        tilt_deg: float | None = None,
        zoom: float | None = None,
        speed: float = 1.0,
    ) -> None:
        """Starts a move by so many degrees and so much of the zoom range.

        Where the camera knows its position this is an absolute move, as the unit of the relative space is anyone's
        guess on many cameras.
        """
        head = self._attached("relative")
        if head.capabilities.absolute and head.capabilities.status:
            now = await self.status()
            await self.move_absolute(
                # A head with stops must not go the other way round because the angle wrapped.
                pan_deg=None if pan_deg is None else self._pan_within(head, now.pan_deg, pan_deg),
                tilt_deg=None if tilt_deg is None else now.tilt_deg + tilt_deg,
                zoom=None if zoom is None else now.zoom + zoom,
                speed=speed,
            )
            return
        translation: dict[str, Any] = {}
        if pan_deg is not None or tilt_deg is not None:
            x, y, uri = head.geometry.to_translation(pan_deg or 0.0, tilt_deg or 0.0)
            translation["PanTilt"] = {"x": x, "y": y, "space": uri}
        line = head.geometry.spaces.zoom_translation
        if zoom is not None and line:
            translation["Zoom"] = {"x": line.x.clamp(zoom * line.x.high), "space": line.uri}
        if translation:
            await self._do("RelativeMove", head, Translation=translation, **_speed(head, speed, set(translation)))

    @staticmethod
    def _pan_within(head: Head, now_deg: float, by_deg: float) -> float:
        geometry = head.geometry
        return (
            now_deg + by_deg if geometry.pan_endless else geometry.pan.clamp(geometry.pan.fit_angle(now_deg) + by_deg)
        )

    async def move_continuous(
        self, *, pan: float | None = None, tilt: float | None = None, zoom: float | None = None
    ) -> None:
        """Sets velocities (-1..1) that hold until the next command, at most `CONTINUOUS_LIMIT_S`."""
        head = self._attached("continuous")
        spaces = head.geometry.spaces
        velocity: dict[str, Any] = {}
        if spaces.velocity and (pan is not None or tilt is not None):
            x, y = SIGNED.map_to(spaces.velocity.x, pan or 0.0), SIGNED.map_to(spaces.velocity.y, tilt or 0.0)
            velocity["PanTilt"] = {"x": x, "y": y, "space": spaces.velocity.uri}
        if zoom is not None and spaces.zoom_velocity:
            line = spaces.zoom_velocity
            velocity["Zoom"] = {"x": SIGNED.map_to(line.x, zoom), "space": line.uri}
        if velocity:
            limit = dt.timedelta(seconds=CONTINUOUS_LIMIT_S)
            await self._do("ContinuousMove", head, Velocity=velocity, Timeout=limit)

    async def stop(self, *, pan_tilt: bool = True, zoom: bool = True) -> None:
        """Stops the head, the lens, or both."""
        await self._do("Stop", self._attached(), PanTilt=pan_tilt, Zoom=zoom)

    async def status(self) -> MotorStatus:
        """Where the head points, at the middle of the request's round trip."""
        head = self._attached("status")
        sent = self._clock.monotonic()
        answer = await self._do("GetStatus", head)
        at = self._clock.now() - (self._clock.monotonic() - sent) / 2
        with self._client.making_sense("status"):
            position, zoom = answer.Position.PanTilt, answer.Position.Zoom
            pan_deg, tilt_deg = head.geometry.to_direction(float(position.x), float(position.y), position.space)
            zoom_position = head.geometry.from_zoom(float(zoom.x)) if zoom is not None else 0.0
            return MotorStatus(at, pan_deg, tilt_deg, zoom_position, _moving(answer.MoveStatus))

    async def presets(self) -> list[CameraPreset]:
        """The positions that the camera keeps."""
        answer = await self._do("GetPresets", self._attached())
        with self._client.making_sense("list of presets"):
            return [CameraPreset(str(one.token), str(one.Name or one.token)) for one in answer or () if one.token]

    async def goto_preset(self, token: str, speed: float = 1.0) -> None:
        """Starts a move to one of them."""
        head = self._attached("presets")
        await self._do("GotoPreset", head, PresetToken=token, **_speed(head, speed, {"PanTilt", "Zoom"}))

    async def set_preset(self, name: str, token: str | None = None) -> str:
        """Keeps the present position; returns its token."""
        head = self._attached("presets")
        named = {"PresetToken": token} if token else {}
        return str(await self._do("SetPreset", head, PresetName=name, **named))

    async def remove_preset(self, token: str) -> None:
        """Forgets a position."""
        await self._do("RemovePreset", self._attached("presets"), PresetToken=token)

    async def goto_home(self) -> None:
        """Starts a move to the camera's home position."""
        await self._do("GotoHomePosition", self._attached("home"))

    async def auxiliary(self, command: str) -> str:
        """Sends one of the node's auxiliary commands, e.g. `tt:Wiper|On`; returns the camera's answer to it."""
        answer = await self._do("SendAuxiliaryCommand", self._attached(), AuxiliaryData=command)
        return str(answer or "")[:LONGEST_ANSWER]


def _speed(head: Head, speed: float, axes: set[str]) -> dict[str, Any]:
    """The Speed parameter for the axes that move; nothing where the node has no speed spaces."""

    def value(line: Line) -> dict[str, Any]:
        return {"x": UNIT.map_to(line.x, speed), "space": line.uri}

    speeds: dict[str, Any] = {}
    spaces = head.geometry.spaces
    if "PanTilt" in axes and spaces.speed:
        speeds["PanTilt"] = value(spaces.speed)
        speeds["PanTilt"]["y"] = speeds["PanTilt"]["x"]
    if "Zoom" in axes and spaces.zoom_speed:
        speeds["Zoom"] = value(spaces.zoom_speed)
    return {"Speed": speeds} if speeds else {}


def _moving(move_status: Any) -> bool:
    return "MOVING" in (getattr(move_status, "PanTilt", None), getattr(move_status, "Zoom", None))
