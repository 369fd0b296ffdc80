"""Motors with inertia and delay under a virtual clock: the camera of the tests."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field, replace

from engine.cameras.protocols import (
    CameraPreset,
    CameraUnreachable,
    MotorCapabilities,
    MotorStatus,
)
from engine.core.clock import VirtualClock
from engine.core.geometry import wrap_deg

EVERYTHING = MotorCapabilities(
    absolute=True,
    relative=True,
    continuous=True,
    zoom=True,
    presets=True,
    home=True,
    status=True,
    move_status=True,
    pan_range_deg=(-180.0, 180.0),
    tilt_range_deg=(-90.0, 30.0),
    pan_endless=True,
    spherical=True,
)
STEP_S = 0.01


@dataclass
class SimulatedMotors:
    """Integrates its motion in steps of a hundredth of a second. `order` records the commands as they arrive."""

    clock: VirtualClock
    capabilities: MotorCapabilities = EVERYTHING
    pan: float = 0.0
    tilt: float = 0.0
    zoom: float = 0.0
    max_pan: float = 100.0
    max_tilt: float = 60.0
    max_zoom: float = 0.4
    acceleration: float = 250.0
    command_delay: float = 0.15
    broken: bool = False
    order: list[str] = field(default_factory=list)
    sent: list[tuple[float, str]] = field(default_factory=list)
    extremes: dict[str, tuple[float, float]] = field(default_factory=dict)
    in_flight: int = 0
    most_in_flight: int = 0

    def __post_init__(self):
        self._at = self.clock.monotonic()
        self._velocity = [0.0, 0.0, 0.0]
        self._wanted = [0.0, 0.0, 0.0]
        self._goal = [None, None, None]
        self._speed = 1.0
        self._queue = []
        self._presets = {}
        self.past = []

    # --- dynamics

    def settle(self):
        """Brings the simulation to the present."""
        now = self.clock.monotonic()
        while self._at + STEP_S <= now + 1e-9:
            self._at += STEP_S
            while self._queue and self._queue[0][0] <= self._at:
                self._queue.pop(0)[1]()
            self._step()
            self.past.append((self._at, self.pan, self.tilt, self.zoom))

    def _step(self):
        places = [self.pan, self.tilt, self.zoom]
        tops = [self.max_pan, self.max_tilt, self.max_zoom]
        accelerations = [self.acceleration, self.acceleration, 1000.0]
        for axis in range(3):
            wanted = self._wanted[axis]
            goal = self._goal[axis]
            if goal is not None:
                gap = goal - places[axis]
                if axis == 0 and self.capabilities.pan_endless:
                    gap = wrap_deg(gap)
                top = tops[axis] * (self._speed if axis < 2 else 1.0)
                brake = math.sqrt(2 * accelerations[axis] * abs(gap)) * 0.9
                wanted = math.copysign(min(top, brake, abs(gap) / STEP_S), gap)
                if abs(gap) < 0.01 and abs(self._velocity[axis]) < 3.0:
                    self._goal[axis] = None
                    wanted = self._velocity[axis] = 0.0
            change = accelerations[axis] * STEP_S
            self._velocity[axis] += min(max(wanted - self._velocity[axis], -change), change)
            places[axis] += self._velocity[axis] * STEP_S
        self.pan = wrap_deg(places[0]) if self.capabilities.pan_endless else self._bounded(places[0])
        low, high = self.capabilities.tilt_range_deg or (-90.0, 90.0)
        self.tilt = min(max(places[1], low), high)
        self.zoom = min(max(places[2], 0.0), 1.0)

    def _bounded(self, pan):
        left, right = self.capabilities.pan_range_deg
        return min(max(pan, left), right)

    async def _command(self, name, effect):
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(0)
            if self.broken:
                raise CameraUnreachable("dome", "192.0.2.7", "does not answer", "check its cable")
            self.settle()
            self.order.append(name)
            self.sent.append((self.clock.monotonic(), name))
            self._queue.append((self.clock.monotonic() + self.command_delay, effect))
        finally:
            self.in_flight -= 1

    # --- the protocol

    async def move_absolute(self, *, pan_deg=None, tilt_deg=None, zoom=None, speed=1.0):
        assert self.capabilities.absolute

        def effect():
            if pan_deg is not None or tilt_deg is not None:
                self._goal[0], self._goal[1] = pan_deg, tilt_deg
                self._wanted[0] = self._wanted[1] = 0.0
                self._speed = speed
            if zoom is not None:
                self._goal[2], self._wanted[2] = zoom, 0.0

        await self._command("absolute", effect)

    async def move_relative(self, *, pan_deg=None, tilt_deg=None, zoom=None, speed=1.0):
        assert self.capabilities.relative

        def effect():
            if pan_deg is not None or tilt_deg is not None:
                self._goal[0], self._goal[1] = self.pan + (pan_deg or 0.0), self.tilt + (tilt_deg or 0.0)
                self._wanted[0] = self._wanted[1] = 0.0
                self._speed = speed
            if zoom is not None:
                self._goal[2], self._wanted[2] = self.zoom + zoom, 0.0

        await self._command("relative", effect)

    async def move_continuous(self, *, pan=None, tilt=None, zoom=None):
        assert self.capabilities.continuous
        assert (pan is None) == (tilt is None)
        assert all(abs(value) <= 1 for value in (pan, tilt, zoom) if value is not None)

        def effect():
            if pan is not None:
                self._goal[0] = self._goal[1] = None
                self._wanted[0], self._wanted[1] = pan * self.max_pan, tilt * self.max_tilt
            if zoom is not None:
                self._goal[2], self._wanted[2] = None, zoom * self.max_zoom

        await self._command("continuous", effect)

    async def stop(self, *, pan_tilt=True, zoom=True):
        def effect():
            axes = ([0, 1] if pan_tilt else []) + ([2] if zoom else [])
            for axis in axes:
                self._goal[axis], self._wanted[axis] = None, 0.0

        await self._command("stop", effect)

    async def status(self):
        await asyncio.sleep(0)
        if self.broken:
            raise CameraUnreachable("dome", "192.0.2.7", "does not answer", "check its cable")
        self.settle()
        return MotorStatus(self.clock.now(), self.pan, self.tilt, self.zoom, self.moving)

    @property
    def moving(self):
        return any(abs(v) > 0.05 for v in self._velocity[:2]) or any(g is not None for g in self._goal)

    async def presets(self):
        return [CameraPreset(token, name) for token, (name, _) in self._presets.items()]

    async def set_preset(self, name, token=None):
        token = token or str(len(self._presets) + 1)
        self._presets[token] = (name, (self.pan, self.tilt, self.zoom))
        return token

    async def remove_preset(self, token):
        del self._presets[token]

    async def goto_preset(self, token, speed=1.0):
        pan, tilt, zoom = self._presets[token][1]
        await self.move_absolute(pan_deg=pan, tilt_deg=tilt, zoom=zoom, speed=speed)

    async def goto_home(self):
        await self.move_absolute(pan_deg=0.0, tilt_deg=0.0, zoom=0.0)


def having(**changes):
    """The capabilities of a camera that lacks some things."""
    return replace(EVERYTHING, **changes)
