"""A channel's motors together with the model of their head: each command that goes to them is known to it, too."""

from __future__ import annotations

from dataclasses import replace

from engine.cameras.protocols import CameraPreset, MotorCapabilities, Motors, MotorStatus
from engine.core.clock import Clock
from engine.ptz.head_model import HeadModel


class KnownMotors:
    """See `Motors`. A command that fails is not told to the model."""

    def __init__(self, motors: Motors, model: HeadModel, clock: Clock) -> None:
        self._motors = motors
        self._model = model
        self._clock = clock

    @property
    def capabilities(self) -> MotorCapabilities:
        """The motors' own."""
        return self._motors.capabilities

    async def move_absolute(
        self,
        *,
        pan_deg: float | None = None,
        tilt_deg: float | None = None,
        zoom: float | None = None,
        speed: float = 1.0,
    ) -> None:
        """See `Motors`."""
        now = self._clock.monotonic()
        await self._motors.move_absolute(pan_deg=pan_deg, tilt_deg=tilt_deg, zoom=zoom, speed=speed)
        self._model.place(now, pan_deg=pan_deg, tilt_deg=tilt_deg, zoom=zoom, speed=speed)

    async def move_relative(
        self,
        *,
        pan_deg: float | None = None,
        tilt_deg: float | None = None,
        zoom: float | None = None,
        speed: float = 1.0,
    ) -> None:
        """See `Motors`."""
        now = self._clock.monotonic()
        await self._motors.move_relative(pan_deg=pan_deg, tilt_deg=tilt_deg, zoom=zoom, speed=speed)
        self._model.step(now, pan_deg=pan_deg or 0.0, tilt_deg=tilt_deg or 0.0, zoom=zoom or 0.0, speed=speed)

    async def move_continuous(
        self, *, pan: float | None = None, tilt: float | None = None, zoom: float | None = None
    ) -> None:
        """See `Motors`."""
        now = self._clock.monotonic()
        await self._motors.move_continuous(pan=pan, tilt=tilt, zoom=zoom)
        self._model.turn(now, pan=pan, tilt=tilt, zoom=zoom)

    async def stop(self, *, pan_tilt: bool = True, zoom: bool = True) -> None:
        """See `Motors`."""
        now = self._clock.monotonic()
        await self._motors.stop(pan_tilt=pan_tilt, zoom=zoom)
        self._model.halt(now, pan_tilt=pan_tilt, zoom=zoom)

    async def status(self) -> MotorStatus:
        """See `Motors`."""
        return await self._motors.status()

    async def look(self, report_delay_s: float) -> tuple[MotorStatus, float] | None:
        """Where the head is, and when that was (by the clock that nobody sets): as the camera tells, whose reports are
        so old already when they come, or as the model has it where the camera cannot tell. None: nobody knows.
        """
        asked_at = self._clock.monotonic()
        if not self.capabilities.status:
            state = self._model.state_at(asked_at)
            if state is None:
                return None
            # Nothing puts it right; but it goes on from here, and need not remember how it came here.
            self._model.report(asked_at, state.pan_deg, state.tilt_deg, state.zoom, moving=state.moving)
            now = self._clock.now()
            return MotorStatus(now, state.pan_deg, state.tilt_deg, state.zoom, moving=state.moving), asked_at
        told = await self._motors.status()
        told_at = self._clock.monotonic()
        # When the camera was asked the position was no older than this.
        at = told_at - min(max(self._clock.now() - told.at, 0.0), told_at - asked_at) - report_delay_s
        self._model.report(at, told.pan_deg, told.tilt_deg, told.zoom, moving=told.moving)
        return replace(told, at=told.at - report_delay_s), at

    async def presets(self) -> list[CameraPreset]:
        """See `Motors`."""
        return await self._motors.presets()

    async def goto_preset(self, token: str, speed: float = 1.0) -> None:
        """See `Motors`."""
        now = self._clock.monotonic()
        await self._motors.goto_preset(token, speed)
        self._model.lose(now)

    async def set_preset(self, name: str, token: str | None = None) -> str:
        """See `Motors`."""
        return await self._motors.set_preset(name, token)

    async def remove_preset(self, token: str) -> None:
        """See `Motors`."""
        await self._motors.remove_preset(token)

    async def goto_home(self) -> None:
        """See `Motors`."""
        now = self._clock.monotonic()
        await self._motors.goto_home()
        self._model.lose(now)
