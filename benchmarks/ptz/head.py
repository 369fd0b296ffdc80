"""The simulated PTZ cameras of the pursuit benchmark: two classes of motors, and what of them the camera offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from engine.cameras.protocols import CameraPreset, MotorCapabilities, MotorStatus
from engine.core.clock import VirtualClock
from engine.core.geometry import Pose, wrap_deg
from engine.core.zoom import ZoomCurve
from engine.simulator.dynamics import PtzDynamics
from engine.simulator.scene import MotorLimits

CURVE = ZoomCurve(((0.0, 60.0), (1.0, 2.4)))
"""25 times."""
ASPECT = 16 / 9
HOME = Pose(-60.0, -12.0, 60.0)
COMMAND_DELAY_S = 0.2
REPORT_LAG_S = 0.1

_EVERYTHING = MotorCapabilities(
    absolute=True,
    relative=True,
    continuous=True,
    zoom=True,
    status=True,
    move_status=True,
    pan_range_deg=(-180.0, 180.0),
    tilt_range_deg=(-90.0, 20.0),
    pan_endless=True,
    spherical=True,
)

VARIANTS: Mapping[str, MotorCapabilities] = {
    "everything": _EVERYTHING,
    "only absolute": replace(_EVERYTHING, relative=False, continuous=False),
    "only continuous": replace(_EVERYTHING, absolute=False, relative=False),
    "only relative": replace(_EVERYTHING, absolute=False, continuous=False),
    "no position": replace(_EVERYTHING, status=False, move_status=False),
}
"""What the cameras can be told, and tell."""


@dataclass(frozen=True, slots=True)
class HeadClass:
    """How strong the motors are. Speeds in degrees a second, accelerations in degrees a second squared."""

    name: str
    speed: float
    acceleration: float

    @property
    def limits(self) -> MotorLimits:
        """For the dynamics."""
        return MotorLimits(
            pan_deg=None,
            tilt_deg=(-90.0, 20.0),
            pan_speed=self.speed,
            tilt_speed=self.speed,
            zoom_speed=0.4,
            pan_acceleration=self.acceleration,
            tilt_acceleration=self.acceleration,
            zoom_acceleration=4.0,
        )

    def dynamics(self, start: float) -> PtzDynamics:
        """The motors, at home."""
        return PtzDynamics(self.limits, CURVE, HOME, start=start, command_delay_s=COMMAND_DELAY_S)


FAST = HeadClass("fast", 300.0, 900.0)
SLOW = HeadClass("slow", 60.0, 180.0)
HEADS = {head.name: head for head in (FAST, SLOW)}


@dataclass(slots=True)
class Head:
    """The motors as a camera's driver offers them. `sent` are the times of the commands that move something."""

    dynamics: PtzDynamics
    clock: VirtualClock
    capabilities: MotorCapabilities
    sent: list[float] = field(default_factory=list)

    def _note(self) -> float:
        now = self.clock.now()
        self.sent.append(now)
        return now

    async def move_absolute(
        self,
        *,
        pan_deg: float | None = None,
        tilt_deg: float | None = None,
        zoom: float | None = None,
        speed: float = 1.0,
    ) -> None:
        """See `Motors`."""
        _require(self.capabilities.absolute)
        self.dynamics.move_absolute(
            self._note(), pan_deg=pan_deg, tilt_deg=tilt_deg, zoom=zoom, pan_speed=speed, tilt_speed=speed
        )

    async def move_relative(
        self,
        *,
        pan_deg: float | None = None,
        tilt_deg: float | None = None,
        zoom: float | None = None,
        speed: float = 1.0,
    ) -> None:
        """See `Motors`."""
        _require(self.capabilities.relative)
        self.dynamics.move_relative(
            self._note(),
            pan_deg=pan_deg or 0.0,
            tilt_deg=tilt_deg or 0.0,
            zoom=zoom or 0.0,
            pan_speed=speed,
            tilt_speed=speed,
        )

    async def move_continuous(
        self, *, pan: float | None = None, tilt: float | None = None, zoom: float | None = None
    ) -> None:
        """See `Motors`."""
        _require(self.capabilities.continuous)
        self.dynamics.move_continuous(self._note(), pan=pan, tilt=tilt, zoom=zoom, timeout_s=60.0)

    async def stop(self, *, pan_tilt: bool = True, zoom: bool = True) -> None:
        """See `Motors`."""
        self.dynamics.stop(self._note(), pan_tilt=pan_tilt, zoom=zoom)

    async def status(self) -> MotorStatus:
        """The position of a moment ago, taken for the present one: no camera tells its reports' lag."""
        _require(self.capabilities.status)
        now = self.clock.now()
        state = self.dynamics.state_at(now - REPORT_LAG_S)
        return MotorStatus(
            now,
            wrap_deg(state.pan.position),
            state.tilt.position,
            state.zoom.position,
            state.pan_tilt_moving or state.zoom_moving,
        )

    async def presets(self) -> list[CameraPreset]:
        """None."""
        return []

    async def goto_preset(self, token: str, speed: float = 1.0) -> None:
        """There are none."""
        raise AssertionError(f"the benchmark's camera has no preset {token} (speed {speed})")

    async def set_preset(self, name: str, token: str | None = None) -> str:
        """There are none."""
        raise AssertionError(f"the benchmark's camera keeps no preset {name} ({token})")

    async def remove_preset(self, token: str) -> None:
        """There are none."""
        raise AssertionError(f"the benchmark's camera has no preset {token}")

    async def goto_home(self) -> None:
        """The engine knows its own home."""
        raise AssertionError("the benchmark's camera has no home")


def _require(offered: bool) -> None:
    if not offered:
        raise AssertionError("the engine asked for what this camera does not offer")
