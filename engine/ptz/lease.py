"""The right to move a camera: who has it, why, and what they may do with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum
from types import TracebackType
from typing import Protocol, Self

from engine.core.geometry import Direction
from engine.core.zoom import ZoomCurve
from engine.ptz.drive import Drive
from engine.ptz.limits import MotorSpeeds


class Priority(IntEnum):
    """Who goes first, from last to first.

    RULE is for single actions that a rule or an operator's tracking order demands, TRACKING for pursuits that the
    engine starts by itself.
    """

    PARK = 1
    PATROL = 2
    TRACKING = 3
    RULE = 4
    OPERATOR = 5


@dataclass(frozen=True, slots=True)
class Ownership:
    """Who holds a camera, for what, and since when (Unix seconds)."""

    owner: str
    purpose: str
    priority: Priority
    since: float


class Lessor(Protocol):
    """Who lends a camera, and carries out the commands of leases: the arbiter."""

    @property
    def zoom_curve(self) -> ZoomCurve:
        """Of the camera's lens."""
        ...

    @property
    def speeds(self) -> MotorSpeeds:
        """What normalised speeds mean."""
        ...

    def proportion(self) -> float:
        """How much slower than in the widest picture an operator's moves are made now."""
        ...

    def renew(self, lease: Lease) -> None:
        """Starts a lease's control time-out afresh; raises LeaseLost when it has ended."""
        ...

    async def release(self, lease: Lease) -> None:
        """Ends a lease by its holder's wish."""
        ...

    async def command(self, lease: Lease, action: Callable[[Drive], Awaitable[None]]) -> None:
        """Carries out one command of a lease."""
        ...

    async def goto_preset(self, lease: Lease, preset_id: str, speed: float) -> None:
        """Carries out `Lease.goto_preset`."""
        ...

    async def goto_home(self, lease: Lease, speed: float) -> None:
        """Carries out `Lease.goto_home`."""
        ...


class Lease:
    """The right to move one camera, from `Arbiter.acquire`. Every command raises LeaseLost once it has ended,
    PtzUnavailable when there are no motors, and CameraError when the camera does not do as told.

    What a command leaves out, head (pan and tilt) or lens, goes on with what it does. Use it as an asynchronous context
    manager, or call `release`. `lost` is set when it ends for any other reason.
    """

    def __init__(self, lessor: Lessor, ownership: Ownership, time_out_s: float | None, at: float) -> None:
        self._lessor = lessor
        self.ownership = ownership
        self.time_out_s = time_out_s
        self.renewed_at = at
        """By the clock that nobody sets."""
        self.lost = asyncio.Event()
        self.ended = False
        self.end_reason: str | None = None
        """Why it ended: `preempted`, `timeout`, `closed` or `released`."""

    @property
    def owner(self) -> str:
        """Who holds it."""
        return self.ownership.owner

    @property
    def purpose(self) -> str:
        """What for."""
        return self.ownership.purpose

    @property
    def priority(self) -> Priority:
        """How important that is."""
        return self.ownership.priority

    @property
    def active(self) -> bool:
        """Whether it still gives the right to move."""
        return not self.ended

    def end(self, reason: str) -> None:
        """Marks the lease as over; called by the arbiter."""
        self.ended = True
        self.end_reason = reason
        if reason != "released":
            self.lost.set()

    def renew(self) -> None:
        """Starts the control time-out afresh; every command does so too."""
        self._lessor.renew(self)

    async def move_absolute(
        self,
        *,
        pan_deg: float | None = None,
        tilt_deg: float | None = None,
        zoom: float | None = None,
        speed: float = 1.0,
    ) -> None:
        """Starts a move to angles and a zoom position, inside the limits; of pan and tilt, one that is None stays."""
        await self._lessor.command(self, lambda d: d.absolute(pan_deg, tilt_deg, zoom, speed))

    async def move_to(self, direction: Direction, hfov_deg: float | None = None, speed: float = 1.0) -> None:
        """Starts a move that centres a direction, with a horizontal field of view if one is given."""
        zoom = None if hfov_deg is None else self._lessor.zoom_curve.zoom(hfov_deg)
        await self.move_absolute(pan_deg=direction.pan_deg, tilt_deg=direction.tilt_deg, zoom=zoom, speed=speed)

    async def move_relative(
        self,
        *,
        pan_deg: float | None = None,
        tilt_deg: float | None = None,
        zoom: float | None = None,
        speed: float = 1.0,
    ) -> None:
        """Starts a move by angles and a part of the zoom range, inside the limits. By 0: it comes to rest."""
        await self._lessor.command(self, lambda d: d.relative(pan_deg, tilt_deg, zoom, speed))

    async def move_continuous(
        self,
        *,
        pan: float | None = None,
        tilt: float | None = None,
        zoom: float | None = None,
        proportional: bool = False,
    ) -> None:
        """Sets velocities (-1..1) that hold until the next command or a limit.

        With `proportional` pan and tilt are slower the narrower the picture is, as an operator wants it.
        """
        scale = self._lessor.proportion() if proportional else 1.0
        slow_pan, slow_tilt = (None if value is None else value * scale for value in (pan, tilt))
        await self._lessor.command(self, lambda d: d.velocity(slow_pan, slow_tilt, zoom))

    async def move_velocity(self, *, pan_dps: float, tilt_dps: float, zoom_per_s: float | None = None) -> None:
        """Sets velocities in degrees (and zoom range) a second."""
        speeds = self._lessor.speeds
        zoom = None if zoom_per_s is None else zoom_per_s / speeds.zoom_per_s
        await self.move_continuous(pan=pan_dps / speeds.pan_dps, tilt=tilt_dps / speeds.tilt_dps, zoom=zoom)

    async def stop(self, *, pan_tilt: bool = True, zoom: bool = True) -> None:
        """Stops the head, the lens or both."""
        await self._lessor.command(self, lambda d: d.stop(pan_tilt=pan_tilt, zoom=zoom))

    async def goto_preset(self, preset_id: str, speed: float = 1.0) -> None:
        """Starts a move to a preset; raises UnknownPreset."""
        await self._lessor.goto_preset(self, preset_id, speed)

    async def goto_home(self, speed: float = 1.0) -> None:
        """Starts a move to the home position: the configured one, else the camera's own."""
        await self._lessor.goto_home(self, speed)

    async def release(self) -> None:
        """Gives the camera back; a continuous move is stopped. Harmless when the lease has ended already."""
        await self._lessor.release(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.release()
