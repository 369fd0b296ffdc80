"""The engine's tours as ONVIF's preset tours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from engine.cameras.spaces import Interval
from engine.core.geometry import Direction
from engine.core.zoom import ZoomCurve
from engine.ptz import MoveSpeeds, Patrol, PatrolState, Spot, TourBusy, TourRefused, TourStatus, UnknownTour
from engine.ptz import Tour as EngineTour
from engine.ptz.tours import MAXIMUM_SPOTS, MAXIMUM_STAY_S, MAXIMUM_TOURS
from onvif_server.backend import PtzSpeed, PtzTourLimits, Refusal, Refused, Tour, TourOperation, TourSpot, TourState

TOUR_LIMITS = PtzTourLimits(
    tours=MAXIMUM_TOURS,
    spots=MAXIMUM_SPOTS,
    maximum_stay_s=MAXIMUM_STAY_S,
    auto_start=True,
    pausable=True,
    reversible=True,
    random=True,
    positions=True,
    maximum_duration_s=30 * 86400.0,
)
_STATES = {
    PatrolState.IDLE: TourState.IDLE,
    PatrolState.TOURING: TourState.TOURING,
    PatrolState.PAUSED: TourState.PAUSED,
}


class TourDesk:
    """Translates between a patrol and the library. `pan` is the interval in which pan angles are told."""

    def __init__(self, patrol: Patrol, zoom_curve: ZoomCurve, pan: Interval, tilt: Interval) -> None:
        self._patrol = patrol
        self._curve = zoom_curve
        self._pan = pan
        self._tilt = tilt

    def tours(self) -> Sequence[Tour]:
        """All tours with their states."""
        return tuple(self._told(status) for status in self._patrol.tours)

    async def create(self) -> str:
        """Adds an empty tour; returns its id. Raises Refused (TOO_MANY)."""
        try:
            return (await self._patrol.create()).tour_id
        except TourRefused as error:
            raise Refused(Refusal.TOO_MANY, str(error)) from error

    async def modify(self, tour: Tour) -> None:
        """Replaces a tour. Raises Refused (NOT_FOUND, INVALID)."""
        with _refusals():
            await self._patrol.modify(
                EngineTour(
                    tour_id=tour.token,
                    name=tour.name,
                    spots=tuple(self._spot(spot) for spot in tour.spots),
                    rounds=tour.rounds,
                    duration_s=tour.duration_s,
                    backward=tour.backward,
                    shuffled=tour.random,
                    auto_start=tour.auto_start,
                )
            )

    async def operate(self, token: str, operation: TourOperation) -> None:
        """Starts, stops or pauses a tour. Raises Refused (NOT_FOUND, INVALID, BUSY)."""
        orders = {
            TourOperation.START: self._patrol.begin,
            TourOperation.STOP: self._patrol.end,
            TourOperation.PAUSE: self._patrol.pause,
        }
        with _refusals():
            await orders[operation](token)

    async def remove(self, token: str) -> None:
        """Forgets a tour. Raises Refused (NOT_FOUND)."""
        with _refusals():
            await self._patrol.remove(token)

    def _told(self, status: TourStatus) -> Tour:
        tour = status.tour
        return Tour(
            token=tour.tour_id,
            name=tour.name,
            spots=tuple(self._told_spot(spot) for spot in tour.spots),
            auto_start=tour.auto_start,
            rounds=tour.rounds,
            duration_s=tour.duration_s,
            backward=tour.backward,
            random=tour.shuffled,
            state=_STATES[status.state],
            current=status.spot,
        )

    def _told_spot(self, spot: Spot) -> TourSpot:
        speeds = PtzSpeed(spot.speeds.pan, spot.speeds.tilt, spot.speeds.zoom)
        position = None
        if spot.direction is not None:
            zoom = None if spot.hfov_deg is None else self._curve.zoom(spot.hfov_deg)
            pan_deg, tilt_deg = self._pan.fit_angle(spot.direction.pan_deg), self._tilt.clamp(spot.direction.tilt_deg)
            position = (pan_deg, tilt_deg, zoom)
        return TourSpot(preset=spot.preset_id, stay_s=spot.stay_s, speed=speeds, position=position)

    def _spot(self, spot: TourSpot) -> Spot:
        speeds = MoveSpeeds(spot.speed.pan, spot.speed.tilt, spot.speed.zoom)
        if spot.position is None:
            return Spot(preset_id=spot.preset, stay_s=spot.stay_s, speeds=speeds)
        pan_deg, tilt_deg, zoom = spot.position
        return Spot(
            direction=Direction(pan_deg, tilt_deg),
            hfov_deg=None if zoom is None else self._curve.hfov_deg(zoom),
            stay_s=spot.stay_s,
            speeds=speeds,
        )


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except UnknownTour as error:
        raise Refused(Refusal.NOT_FOUND, str(error)) from error
    except TourBusy as error:
        raise Refused(Refusal.BUSY, str(error)) from error
    except TourRefused as error:
        raise Refused(Refusal.INVALID, str(error)) from error
