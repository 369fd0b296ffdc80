"""ONVIF clients at the motors: through the arbiter, as operators."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.cameras.errors import CameraError
from engine.cameras.spaces import Interval
from engine.core.clock import Clock
from engine.core.geodesy import Mounting
from engine.core.geometry import Direction, Point
from engine.onvif_device.auxiliary import ChannelAuxiliary
from engine.onvif_device.places import PlaceFinder
from engine.onvif_device.tours import TOUR_LIMITS, TourDesk
from engine.ptz import Arbiter, Lease, LeaseRefused, Limits, Patrol, Priority, PtzError, UnknownPreset
from engine.store import StoreFailure
from onvif_server.backend import (
    Caller,
    GeoPosition,
    Ptz,
    PtzCapabilities,
    PtzPreset,
    PtzSpeed,
    PtzStatus,
    Range,
    Refusal,
    Refused,
    Tour,
    TourOperation,
)

MAXIMUM_PRESETS = 300
FRESH_S = 0.2
"""A status that is older than this is asked for again before a client gets it."""
RENEW_S = 2.0
"""How often the lease of a continuous move is renewed while the client's time-out runs."""

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
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


@dataclass(slots=True)
class _Turning:
    """A continuous move that runs, and the task that ends it."""

    pan: float
    tilt: float
    zoom: float | None
    task: asyncio.Task[None]


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


class ArbiterPtz(Ptz):
    """`onvif_server.backend.Ptz` on an arbiter. `aspect` is the picture's width to its height.

    With a `tracker` it can MoveAndStartTracking; every other move, and a stop, ends the tracking. With a `patrol` it
    has preset tours, with a `mounting` it looks at places on Earth.

    Each client user is an operator of its own, `onvif:USER`. The lease stays for the arbiter's control time-out after
    a command, so that the engine's own tracking does not fight with somebody at an NVR.
    """

    def __init__(
        self,
        arbiter: Arbiter,
        clock: Clock,
        aspect: float,
        tracker: Tracker | None = None,
        auxiliary: ChannelAuxiliary | None = None,
        patrol: Patrol | None = None,
        mounting: Mounting | None = None,
    ) -> None:
        self._auxiliary = auxiliary
        self._arbiter = arbiter
        self._tracker = tracker
        self._tracking = False
        self._clock = clock
        self._aspect = aspect
        # The device must not change while it runs, so the limits are those of the settings, not of the camera that may
        # come later.
        self._pan = pan_interval(arbiter.settings.limits)
        self._tilt = Interval(*arbiter.settings.limits.tilt_deg)
        self._desk = None if patrol is None else TourDesk(patrol, arbiter.zoom_curve, self._pan, self._tilt)
        self._places = None if mounting is None else PlaceFinder(mounting, self._pan, self._tilt, aspect)
        self._turning: _Turning | None = None
        self._commanded_at = float("-inf")
        self._capabilities = PtzCapabilities(
            pan_deg=Range(self._pan.low, self._pan.high),
            tilt_deg=Range(self._tilt.low, self._tilt.high),
            maximum_presets=MAXIMUM_PRESETS,
            home=arbiter.settings.home is not None,
            fixed_home=True,
            geo_move=mounting is not None,
            tracking=tracker is not None,
            tours=None if patrol is None else TOUR_LIMITS,
            auxiliary_commands=auxiliary.commands if auxiliary else (),
        )

    @property
    def capabilities(self) -> PtzCapabilities:
        """What the arbiter makes any camera do; constant."""
        return self._capabilities

    async def close(self) -> None:
        """Ends what runs."""
        await self._end_tracking()
        await self._forget_turning()

    async def _end_tracking(self) -> None:
        if self._tracker is not None and self._tracking:
            self._tracking = False
            await self._tracker.stop()

    async def _lease(self, caller: Caller) -> Lease:
        return await self._arbiter.acquire(
            f"onvif:{caller.username}", f"ONVIF client at {caller.address}", Priority.OPERATOR
        )

    async def _begin_move(self, caller: Caller) -> Lease:
        """The right to move, for a move that replaces what runs."""
        lease = await self._lease(caller)
        await self._end_tracking()
        await self._forget_turning()
        self._commanded_at = self._clock.now()
        return lease

    async def _forget_turning(self) -> None:
        turning, self._turning = self._turning, None
        if turning:
            turning.task.cancel()
            await asyncio.gather(turning.task, return_exceptions=True)

    async def move_absolute(
        self, caller: Caller, *, pan_deg: float | None, tilt_deg: float | None, zoom: float | None, speed: PtzSpeed
    ) -> None:
        """Goes to a position."""
        with _refusals():
            lease = await self._begin_move(caller)
            await lease.move_absolute(pan_deg=pan_deg, tilt_deg=tilt_deg, zoom=zoom, speed=_speed(speed))

    async def move_relative(
        self, caller: Caller, *, pan_deg: float, tilt_deg: float, zoom: float, speed: PtzSpeed
    ) -> None:
        """Moves by degrees."""
        with _refusals():
            lease = await self._begin_move(caller)
            await lease.move_relative(pan_deg=pan_deg, tilt_deg=tilt_deg, zoom=zoom, speed=_speed(speed))

    async def move_relative_fov(self, caller: Caller, *, x: float, y: float, zoom: float, speed: PtzSpeed) -> None:
        """Centres a point of the picture, by where the camera looks now."""
        with _refusals():
            lease = await self._begin_move(caller)
            await self._freshen()
            pose, status = self._arbiter.pose, self._arbiter.status
            if pose is None or status is None:
                raise Refused(Refusal.UNAVAILABLE, "where the camera looks is not known now")
            direction = pose.direction_of(Point((x + 1) / 2, (1 - y) / 2), self._aspect)
            await lease.move_absolute(
                pan_deg=direction.pan_deg,
                tilt_deg=direction.tilt_deg,
                zoom=min(max(status.zoom + zoom, 0.0), 1.0) if zoom else None,
                speed=_speed(speed),
            )

    async def move_continuous(
        self, caller: Caller, *, pan: float | None, tilt: float | None, zoom: float | None, timeout_s: float
    ) -> None:
        """Turns until the time-out, a stop, or another move. An axis that is not named goes on as it was."""
        with _refusals():
            lease = await self._lease(caller)
            await self._end_tracking()
            before = self._turning
            pan = pan if pan is not None else before.pan if before else 0.0
            tilt = tilt if tilt is not None else before.tilt if before else 0.0
            lens = zoom if zoom is not None else before.zoom if before else None
            await self._forget_turning()
            self._commanded_at = self._clock.now()
            await lease.move_continuous(pan=pan, tilt=tilt, zoom=lens, proportional=True)
        self._turning = _Turning(pan, tilt, lens, asyncio.create_task(self._end_after(lease, timeout_s)))

    async def _end_after(self, lease: Lease, timeout_s: float) -> None:
        end = self._clock.now() + timeout_s
        try:
            while (left := end - self._clock.now()) > 0:
                await self._clock.sleep(min(left, RENEW_S))
                lease.renew()
            await lease.stop()
        except (PtzError, CameraError) as error:
            # Somebody else has the camera now, or it is gone: nothing of ours turns any more.
            _log.info("the end of a continuous move was not sent: %s", error)

    async def stop(self, caller: Caller, *, pan_tilt: bool, zoom: bool) -> None:
        """Stops, whatever moves; a client that did not hold the camera does not keep it."""
        with _refusals():
            owner = self._arbiter.owner
            held = owner is not None and owner.owner == f"onvif:{caller.username}"
            lease = await self._lease(caller)
            await self._end_tracking()
            await self._forget_turning()
            self._commanded_at = float("-inf")
            await lease.stop(pan_tilt=pan_tilt, zoom=zoom)
            if not held:
                await lease.release()

    async def _freshen(self) -> None:
        status = self._arbiter.status
        oldest = max(self._clock.now() - FRESH_S, self._commanded_at)
        if status is None or status.at < oldest:
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
        begins = status.at < self._commanded_at + self._arbiter.settings.command_delay_s
        moving = status.moving or begins
        return PtzStatus(
            pan_deg=self._pan.fit_angle(status.pan_deg),
            tilt_deg=self._tilt.clamp(status.tilt_deg),
            zoom=status.zoom,
            pan_tilt_moving=moving,
            zoom_moving=moving,
            at=status.at,
        )

    async def presets(self) -> Sequence[PtzPreset]:
        """The engine's presets, and the camera's own."""
        found = []
        for preset in self._arbiter.presets:
            pose = preset.pose
            if pose is None:
                found.append(PtzPreset(preset.preset_id, preset.name))
            else:
                pan, tilt = self._pan.fit_angle(pose.pan_deg), self._tilt.clamp(pose.tilt_deg)
                zoom = self._arbiter.zoom_curve.zoom(pose.hfov_deg)
                found.append(PtzPreset(preset.preset_id, preset.name, pan, tilt, zoom))
        return found

    async def set_preset(self, caller: Caller, *, token: str | None, name: str | None) -> str:
        """Keeps the present position among the engine's presets."""
        known = self._arbiter.presets
        if token is None and len(known) >= MAXIMUM_PRESETS:
            raise Refused(Refusal.TOO_MANY_PRESETS, f"there are {len(known)} presets already")
        await self._freshen()
        status = self._arbiter.status
        if status is not None and status.moving:
            raise Refused(Refusal.MOVING, "the camera still moves")
        with _refusals():
            if name is None:
                name = next((preset.name for preset in known if preset.preset_id == token), f"Preset {len(known) + 1}")
            return (await self._arbiter.set_preset(name, token)).preset_id

    async def goto_preset(self, caller: Caller, token: str, speed: PtzSpeed) -> None:
        """Goes to a preset."""
        with _refusals():
            lease = await self._begin_move(caller)
            await lease.goto_preset(token, _speed(speed))

    async def remove_preset(self, caller: Caller, token: str) -> None:
        """Forgets a preset."""
        with _refusals():
            await self._arbiter.remove_preset(token)

    async def goto_home(self, caller: Caller, speed: PtzSpeed) -> None:
        """Goes to the configured home position."""
        if self._arbiter.settings.home is None:
            raise Refused(Refusal.NO_HOME, "no home position is configured")
        with _refusals():
            lease = await self._begin_move(caller)
            await lease.goto_home(_speed(speed))

    async def geo_move(
        self, caller: Caller, target: GeoPosition, *, speed: PtzSpeed, area_m: tuple[float, float] | None
    ) -> None:
        """Looks at a place on Earth."""
        direction, hfov_deg = self._place(target, area_m)
        with _refusals():
            lease = await self._begin_move(caller)
            await lease.move_to(direction, hfov_deg, _speed(speed))

    def _place(self, target: GeoPosition, area_m: tuple[float, float] | None = None) -> tuple[Direction, float | None]:
        if self._places is None:
            raise Refused(Refusal.NOT_SUPPORTED)
        return self._places.find(target, area_m)

    async def move_and_track(
        self,
        caller: Caller,
        *,
        preset: str | None,
        position: tuple[float | None, float | None, float | None] | None,
        geo: GeoPosition | None,
        speed: PtzSpeed,
        object_id: int | None,
    ) -> None:
        """Sends the camera to the goal, gives it back, and lets the tracker follow from there."""
        if self._tracker is None:
            raise Refused(Refusal.NOT_SUPPORTED)
        if geo is not None:
            place = self._place(geo)[0]
            position = (place.pan_deg, place.tilt_deg, None)
        if object_id is not None and not self._tracker.knows(object_id):
            # Nobody loses the camera for an object that is not there.
            raise Refused(Refusal.NO_SUCH_TARGET, f"object {object_id} is not seen now")
        with _refusals():
            lease = await self._begin_move(caller)
            if preset is not None:
                await lease.goto_preset(preset, _speed(speed))
            elif position is not None:
                pan_deg, tilt_deg, zoom = position
                await lease.move_absolute(pan_deg=pan_deg, tilt_deg=tilt_deg, zoom=zoom, speed=_speed(speed))
            # A move to a place goes on when its lease is given back; the tracker could not have the camera otherwise.
            await lease.release()
            self._tracking = True
            await self._tracker.track(self._goal(preset, position), object_id)

    def _goal(
        self, preset: str | None, position: tuple[float | None, float | None, float | None] | None
    ) -> Direction | None:
        """Where the goal is; None for a preset that only the camera knows, and where no goal is named."""
        if preset is not None:
            pose = next((one.pose for one in self._arbiter.presets if one.preset_id == preset), None)
            return None if pose is None else pose.direction
        present = self._arbiter.pose
        if position is None or present is None:
            return None
        pan_deg, tilt_deg, _ = position
        return Direction(
            present.pan_deg if pan_deg is None else pan_deg, present.tilt_deg if tilt_deg is None else tilt_deg
        )

    async def auxiliary(self, caller: Caller, command: str) -> str:
        """Lets the camera carry it out: it moves nothing, so the arbiter is not asked."""
        if self._auxiliary is None:
            raise Refused(Refusal.NOT_SUPPORTED)
        return await self._auxiliary.send(command)

    def _tour_desk(self) -> TourDesk:
        if self._desk is None:
            raise Refused(Refusal.NOT_SUPPORTED)
        return self._desk

    async def tours(self) -> Sequence[Tour]:
        """The engine's tours."""
        return self._tour_desk().tours()

    async def create_tour(self, caller: Caller) -> str:
        """Adds an empty tour."""
        with _refusals():
            return await self._tour_desk().create()

    async def modify_tour(self, caller: Caller, tour: Tour) -> None:
        """Replaces a tour."""
        with _refusals():
            await self._tour_desk().modify(tour)

    async def operate_tour(self, caller: Caller, token: str, operation: TourOperation) -> None:
        """Starts a tour at once, also where this client has the camera; stops or pauses it."""
        desk = self._tour_desk()
        with _refusals():
            if operation is TourOperation.START:
                lease = await self._begin_move(caller)
                try:
                    await desk.operate(token, operation)
                finally:
                    await lease.release()
            else:
                await desk.operate(token, operation)

    async def remove_tour(self, caller: Caller, token: str) -> None:
        """Forgets a tour."""
        with _refusals():
            await self._tour_desk().remove(token)

    async def set_home(self, caller: Caller) -> None:
        """Refused: the home position is part of the settings."""
        raise Refused(Refusal.UNAVAILABLE, "the home position is set in the site file")


def _speed(speed: PtzSpeed) -> float:
    """One speed for all axes: the fastest that was named; full speed where none was."""
    named = [value for value in (speed.pan, speed.tilt, speed.zoom) if value is not None]
    return max(named) if named else 1.0
