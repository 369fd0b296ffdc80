"""Moves of ONVIF clients, through the arbiter."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from enum import Enum
from typing import Protocol

from engine.cameras.errors import CameraError
from engine.cameras.spaces import Interval
from engine.core.clock import Clock
from engine.core.geometry import Direction, Point
from engine.ptz import Arbiter, Lease, LeaseRefused, Limits, Priority, PtzError, UnknownPreset
from engine.store import StoreFailure
from onvif_server.backend import Caller, PtzSpeed, PtzStatus, Refusal, Refused

FRESH_S = 0.2
"""A status that is older than this is asked for again before a client gets it."""
RENEW_S = 2.0
"""How often the lease of a continuous move is renewed while the client's time-out runs."""

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def in_our_words() -> Iterator[None]:
    """Says the errors of our rooms in the library's words."""
    try:
        yield
    except LeaseRefused as error:
        raise Refused(Refusal.BUSY, str(error)) from error
    except UnknownPreset as error:
        raise Refused(Refusal.NO_SUCH_PRESET, str(error)) from error
    except (PtzError, CameraError, StoreFailure) as error:
        raise Refused(Refusal.UNAVAILABLE, str(error)) from error


def pan_interval(limits: Limits) -> Interval:
    """The pan arc as an interval that rises, e.g. the arc (170, -170) as 170..190."""
    if limits.pan_deg is None:
        return Interval(-180.0, 180.0)
    return Interval(limits.pan_deg[0], limits.pan_deg[0] + limits.pan_span_deg)


class _Part(Enum):
    """What moves by itself: each has continuous moves, and their time-outs, of its own."""

    HEAD = "head"
    LENS = "lens"


class Tracker(Protocol):
    """What follows objects with one PTZ channel, for MoveAndStartTracking."""

    def knows(self, object_id: int) -> bool:
        """Whether the object of that number is seen now."""
        ...

    async def track(self, direction: Direction | None, object_id: int | None) -> None:
        """Follows from now on: the object of that number, or what is at (else first appears at) the direction.

        Without both, what is where the camera comes to rest. Takes the camera from the arbiter by itself. Raises
        Refused (NO_SUCH_TARGET…).
        """
        ...

    async def stop(self) -> None:
        """Ends what `track` began; harmless when nothing is followed."""
        ...


class ArbiterMoves:
    """The part of `onvif_server.backend.Ptz` that moves, stops and tells where the camera looks.

    Each client user is an operator of its own, `onvif:USER`. The lease stays for the arbiter's control time-out after
    a command, so that the engine's own tracking does not fight with somebody at an NVR.
    """

    def __init__(self, arbiter: Arbiter, clock: Clock, aspect: float, tracker: Tracker | None) -> None:
        self._arbiter = arbiter
        self._clock = clock
        self._aspect = aspect
        self._tracker = tracker
        self._tracking = False
        # The device must not change while it runs, so the limits are those of the settings, not of the camera that may
        # come later.
        self._pan = pan_interval(arbiter.settings.limits)
        self._tilt = Interval(*arbiter.settings.limits.tilt_deg)
        self._ends: dict[_Part, asyncio.Task[None]] = {}
        """What ends the continuous moves that run."""
        self._commanded_at = float("-inf")
        """By the clock that nobody sets."""

    async def close(self) -> None:
        """Ends what runs."""
        await self._end_tracking()
        await self._forget_ends(_Part)

    async def _end_tracking(self) -> None:
        if self._tracker is not None and self._tracking:
            self._tracking = False
            await self._tracker.stop()

    async def _lease(self, caller: Caller) -> Lease:
        return await self._arbiter.acquire(
            f"onvif:{caller.username}", f"ONVIF client at {caller.address}", Priority.OPERATOR
        )

    async def _begin_move(self, caller: Caller, parts: Iterable[_Part] = _Part) -> Lease:
        """The right to move, for a move that replaces what runs of those parts."""
        lease = await self._lease(caller)
        await self._end_tracking()
        await self._forget_ends(parts)
        self._commanded_at = self._clock.monotonic()
        return lease

    @contextlib.asynccontextmanager
    async def _moving(self, caller: Caller, parts: Iterable[_Part] = _Part) -> AsyncIterator[Lease]:
        """`_begin_move`, and what comes of the move in the library's words."""
        with in_our_words():
            yield await self._begin_move(caller, parts)
            # A camera that is slow to answer begins no sooner than now.
            self._commanded_at = self._clock.monotonic()

    async def _forget_ends(self, parts: Iterable[_Part]) -> None:
        ends = [self._ends.pop(part) for part in parts if part in self._ends]
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)

    async def move_absolute(
        self, caller: Caller, *, pan_deg: float | None, tilt_deg: float | None, zoom: float | None, speed: PtzSpeed
    ) -> None:
        """Goes to a position."""
        async with self._moving(caller, parts_of(pan_deg, tilt_deg, zoom)) as lease:
            await lease.move_absolute(pan_deg=pan_deg, tilt_deg=tilt_deg, zoom=zoom, speed=speed_of(speed))

    async def move_relative(
        self, caller: Caller, *, pan_deg: float | None, tilt_deg: float | None, zoom: float | None, speed: PtzSpeed
    ) -> None:
        """Moves by degrees."""
        async with self._moving(caller, parts_of(pan_deg, tilt_deg, zoom)) as lease:
            await lease.move_relative(pan_deg=pan_deg, tilt_deg=tilt_deg, zoom=zoom, speed=speed_of(speed))

    async def move_relative_fov(
        self, caller: Caller, *, x: float | None, y: float | None, zoom: float | None, speed: PtzSpeed
    ) -> None:
        """Centres a point of the picture, by where the camera looks now."""
        if x is None or y is None:
            await self.move_relative(caller, pan_deg=None, tilt_deg=None, zoom=zoom, speed=speed)
            return
        async with self._moving(caller, parts_of(x, y, zoom)) as lease:
            await self._freshen()
            pose, status = self._arbiter.pose, self._arbiter.status
            if pose is None or status is None:
                raise Refused(Refusal.UNAVAILABLE, "where the camera looks is not known now")
            direction = pose.direction_of(Point((x + 1) / 2, (1 - y) / 2), self._aspect)
            if zoom == 0:
                await lease.move_relative(zoom=0.0)
            await lease.move_absolute(
                pan_deg=direction.pan_deg,
                tilt_deg=direction.tilt_deg,
                zoom=min(max(status.zoom + zoom, 0.0), 1.0) if zoom else None,
                speed=speed_of(speed),
            )

    async def move_continuous(
        self, caller: Caller, *, pan: float | None, tilt: float | None, zoom: float | None, timeout_s: float
    ) -> None:
        """Turns until the time-out, a stop, or another move."""
        parts = parts_of(pan, tilt, zoom)
        async with self._moving(caller, parts) as lease:
            await lease.move_continuous(pan=pan, tilt=tilt, zoom=zoom, proportional=True)
        for part in parts:
            self._ends[part] = asyncio.create_task(self._end_after(lease, part, timeout_s))

    async def _end_after(self, lease: Lease, part: _Part, timeout_s: float) -> None:
        end = self._clock.monotonic() + timeout_s
        try:
            while (left := end - self._clock.monotonic()) > 0:
                await self._clock.sleep(min(left, RENEW_S))
                lease.renew()
            await lease.stop(pan_tilt=part is _Part.HEAD, zoom=part is _Part.LENS)
        except (PtzError, CameraError) as error:
            # Somebody else has the camera now, or it is gone: nothing of ours turns any more.
            _log.info("the end of a continuous move was not sent: %s", error)

    async def stop(self, caller: Caller, *, pan_tilt: bool, zoom: bool) -> None:
        """Stops, whatever moves; a client that did not hold the camera does not keep it."""
        with in_our_words():
            owner = self._arbiter.owner
            held = owner is not None and owner.owner == f"onvif:{caller.username}"
            lease = await self._lease(caller)
            await self._end_tracking()
            await self._forget_ends(part for part, stops in ((_Part.HEAD, pan_tilt), (_Part.LENS, zoom)) if stops)
            self._commanded_at = float("-inf")
            await lease.stop(pan_tilt=pan_tilt, zoom=zoom)
            if not held:
                await lease.release()

    async def _freshen(self) -> None:
        oldest = max(self._clock.monotonic() - FRESH_S, self._commanded_at)
        if self._arbiter.status_at < oldest:
            await self._arbiter.poll()

    async def status(self) -> PtzStatus:
        """Where it looks."""
        await self._freshen()
        status = self.newest_status()
        if status is None:
            raise Refused(Refusal.UNAVAILABLE, self._arbiter.fault or "the camera's position is not known now")
        return status

    def newest_status(self) -> PtzStatus | None:
        """Where it looked when the camera was asked last; None if that is not known."""
        status = self._arbiter.status
        if status is None:
            return None
        # Clients that wait for the end of their move take one that has not begun yet for one that is over.
        begins = self._arbiter.status_at < self._commanded_at + self._arbiter.settings.command_delay_s
        moving = status.moving or begins
        return PtzStatus(
            pan_deg=self._pan.fit_angle(status.pan_deg),
            tilt_deg=self._tilt.clamp(status.tilt_deg),
            zoom=status.zoom,
            pan_tilt_moving=moving,
            zoom_moving=moving,
            at=status.at,
        )


def parts_of(pan: float | None, tilt: float | None, zoom: float | None) -> list[_Part]:
    """What a move concerns that names those axes."""
    head = [] if pan is None and tilt is None else [_Part.HEAD]
    return head if zoom is None else [*head, _Part.LENS]


def speed_of(speed: PtzSpeed) -> float:
    """One speed for all axes: the fastest that was named; full speed where none was."""
    named = [value for value in (speed.pan, speed.tilt, speed.zoom) if value is not None]
    return max(named) if named else 1.0
