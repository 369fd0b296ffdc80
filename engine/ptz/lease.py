"""The right to move a camera: who has it, why, and what they may do with it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import IntEnum
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from engine.core.geometry import Direction
    from engine.ptz.arbiter import Arbiter


class Priority(IntEnum):
    """Who goes first, from last to first.

    RULE is for single actions that a rule or an operator's tracking order demands, TRACKING for pursuits that the
    engine starts by itself.
    """

    PARK = 1
    PATROL = 2
    SCHEDULE = 3
    TRACKING = 4
    RULE = 5
    OPERATOR = 6


class PtzError(Exception):
    """A camera could not be moved; the message says why."""


class LeaseRefused(PtzError):  # noqa: N818 - what happens, in the words of the arbiter
    """Somebody of the same or a higher priority holds the camera. `holder` is who."""

    def __init__(self, channel: str, owner: str, holder: str, purpose: str) -> None:
        super().__init__(f"{owner} cannot have {channel}: {holder} holds it ({purpose})")
        self.holder = holder


class LeaseLost(PtzError):  # noqa: N818 - what happens, in the words of the arbiter
    """The lease has ended: pre-empted, timed out or released."""


class PtzUnavailable(PtzError):  # noqa: N818 - a state, not a mistake
    """The camera's motors are not there now, or it cannot do what was asked."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """Who holds a camera, for what, and since when."""

    owner: str
    purpose: str
    priority: Priority
    since: float


class Lease:
    """The right to move one camera, from `Arbiter.acquire`. Every command raises LeaseLost once it has ended,
    PtzUnavailable when there are no motors, and CameraError when the camera does not do as told.

    Use it as an asynchronous context manager, or call `release`. `lost` is set when it ends for any other reason.
    """

    def __init__(self, arbiter: Arbiter, ownership: Ownership, time_out_s: float | None) -> None:
        self._arbiter = arbiter
        self.ownership = ownership
        self.time_out_s = time_out_s
        self.renewed_at = ownership.since
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
        self._arbiter.renew(self)

    async def move_absolute(
        self,
        *,
        pan_deg: float | None = None,
        tilt_deg: float | None = None,
        zoom: float | None = None,
        speed: float = 1.0,
    ) -> None:
        """Starts a move to angles and a zoom position (what is None stays), inside the limits."""
        await self._arbiter.command(self, lambda d: d.absolute(pan_deg, tilt_deg, zoom, speed))

    async def move_to(self, direction: Direction, hfov_deg: float | None = None, speed: float = 1.0) -> None:
        """Starts a move that centres a direction, with a horizontal field of view if one is given."""
        zoom = None if hfov_deg is None else self._arbiter.zoom_curve.zoom(hfov_deg)
        await self.move_absolute(pan_deg=direction.pan_deg, tilt_deg=direction.tilt_deg, zoom=zoom, speed=speed)

    async def move_relative(
        self, *, pan_deg: float = 0.0, tilt_deg: float = 0.0, zoom: float = 0.0, speed: float = 1.0
    ) -> None:
        """Starts a move by angles and a part of the zoom range, inside the limits."""
        await self._arbiter.command(self, lambda d: d.relative(pan_deg, tilt_deg, zoom, speed))

    async def move_continuous(
        self, *, pan: float, tilt: float, zoom: float | None = None, proportional: bool = False
    ) -> None:
        """Sets velocities (-1..1) that hold until the next command or a limit.

        With `proportional` pan and tilt are slower the narrower the picture is, as an operator wants it.
        """
        scale = self._arbiter.proportion() if proportional else 1.0
        await self._arbiter.command(self, lambda d: d.velocity(pan * scale, tilt * scale, zoom))

    async def move_velocity(self, *, pan_dps: float, tilt_dps: float, zoom_per_s: float | None = None) -> None:
        """Sets velocities in degrees (and zoom range) a second."""
        speeds = self._arbiter.speeds
        zoom = None if zoom_per_s is None else zoom_per_s / speeds.zoom_per_s
        await self.move_continuous(pan=pan_dps / speeds.pan_dps, tilt=tilt_dps / speeds.tilt_dps, zoom=zoom)

    async def stop(self, *, pan_tilt: bool = True, zoom: bool = True) -> None:
        """Stops the head, the lens or both."""
        await self._arbiter.command(self, lambda d: d.stop(pan_tilt=pan_tilt, zoom=zoom))

    async def goto_preset(self, preset_id: str, speed: float = 1.0) -> None:
        """Starts a move to a preset; raises UnknownPreset."""
        await self._arbiter.goto_preset(self, preset_id, speed)

    async def goto_home(self, speed: float = 1.0) -> None:
        """Starts a move to the home position: the configured one, else the camera's own."""
        await self._arbiter.goto_home(self, speed)

    async def release(self) -> None:
        """Gives the camera back; a continuous move is stopped. Harmless when the lease has ended already."""
        await self._arbiter.release(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.release()
