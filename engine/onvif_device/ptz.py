"""ONVIF clients at the motors: through the arbiter, as operators."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core.clock import Clock
from engine.core.geodesy import Mounting
from engine.core.geometry import Direction
from engine.onvif_device.auxiliary import ChannelAuxiliary
from engine.onvif_device.moves import ArbiterMoves, Tracker, in_our_words, parts_of, speed_of
from engine.onvif_device.places import PlaceFinder
from engine.onvif_device.tours import TOUR_LIMITS, TourDesk
from engine.ptz import Arbiter, Patrol
from onvif_server.backend import (
    Caller,
    GeoPosition,
    Ptz,
    PtzCapabilities,
    PtzPreset,
    PtzSpeed,
    Range,
    Refusal,
    Refused,
    Tour,
    TourOperation,
)

MAXIMUM_PRESETS = 300


class ArbiterPtz(ArbiterMoves, Ptz):
    """`onvif_server.backend.Ptz` on an arbiter. `aspect` is the picture's width to its height.

    With a `tracker` it can MoveAndStartTracking; every other move, and a stop, ends the tracking. With a `patrol` it
    has preset tours, with a `mounting` it looks at places on Earth.
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
        super().__init__(arbiter, clock, aspect, tracker)
        self._desk = None if patrol is None else TourDesk(patrol, arbiter.zoom_curve, self._pan, self._tilt)
        self._places = None if mounting is None else PlaceFinder(mounting, self._pan, self._tilt, aspect)
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
        with in_our_words():
            if name is None:
                name = next((preset.name for preset in known if preset.preset_id == token), f"Preset {len(known) + 1}")
            return (await self._arbiter.set_preset(name, token)).preset_id

    async def goto_preset(self, caller: Caller, token: str, speed: PtzSpeed) -> None:
        """Goes to a preset."""
        async with self._moving(caller) as lease:
            await lease.goto_preset(token, speed_of(speed))

    async def remove_preset(self, caller: Caller, token: str) -> None:
        """Forgets a preset."""
        with in_our_words():
            await self._arbiter.remove_preset(token)

    async def goto_home(self, caller: Caller, speed: PtzSpeed) -> None:
        """Goes to the configured home position."""
        if self._arbiter.settings.home is None:
            raise Refused(Refusal.NO_HOME, "no home position is configured")
        async with self._moving(caller) as lease:
            await lease.goto_home(speed_of(speed))

    async def geo_move(
        self, caller: Caller, target: GeoPosition, *, speed: PtzSpeed, area_m: tuple[float, float] | None
    ) -> None:
        """Looks at a place on Earth."""
        direction, hfov_deg = self._place(target, area_m)
        async with self._moving(caller, parts_of(direction.pan_deg, direction.tilt_deg, hfov_deg)) as lease:
            await lease.move_to(direction, hfov_deg, speed_of(speed))

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
        async with self._moving(caller) as lease:
            if preset is not None:
                await lease.goto_preset(preset, speed_of(speed))
            elif position is not None:
                pan_deg, tilt_deg, zoom = position
                await lease.move_absolute(pan_deg=pan_deg, tilt_deg=tilt_deg, zoom=zoom, speed=speed_of(speed))
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
        with in_our_words():
            return await self._tour_desk().create()

    async def modify_tour(self, caller: Caller, tour: Tour) -> None:
        """Replaces a tour."""
        with in_our_words():
            await self._tour_desk().modify(tour)

    async def operate_tour(self, caller: Caller, token: str, operation: TourOperation) -> None:
        """Starts a tour at once, also where this client has the camera; stops or pauses it."""
        desk = self._tour_desk()
        with in_our_words():
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
        with in_our_words():
            await self._tour_desk().remove(token)

    async def set_home(self, caller: Caller) -> None:
        """Refused: the home position is part of the settings."""
        raise Refused(Refusal.UNAVAILABLE, "the home position is set in the site file")
