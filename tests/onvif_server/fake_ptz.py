"""What a head of the tests can do besides moving: auxiliary commands, tours, places on Earth, tracking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from onvif_server.backend import (
    Caller,
    GeoPosition,
    PtzSpeed,
    PtzTourLimits,
    Refusal,
    Refused,
    Tour,
    TourOperation,
    TourState,
)

ABLE = {
    "auxiliary_commands": ("tt:Wiper|On", "tt:Wiper|Off"),
    "tours": PtzTourLimits(tours=2, spots=3, maximum_stay_s=600.0, pausable=True, reversible=True),
    "geo_move": True,
    "tracking": True,
}
"""Arguments of `PtzCapabilities` for a head that can all of it."""


class VersatileHead:
    """Derive a head from it; `_told` is the head's."""

    def __init__(self) -> None:
        self.kept_tours: dict[str, Tour] = {}

    def _told(self, caller: Caller, command: str, **arguments: object) -> None:
        raise NotImplementedError

    async def auxiliary(self, caller: Caller, command: str) -> str:
        self._told(caller, "auxiliary", data=command)
        return "wiping"

    async def tours(self) -> Sequence[Tour]:
        return tuple(self.kept_tours.values())

    async def create_tour(self, caller: Caller) -> str:
        self._told(caller, "create_tour")
        if len(self.kept_tours) >= 2:
            raise Refused(Refusal.TOO_MANY)
        token = f"t{len(self.kept_tours) + 1}"
        self.kept_tours[token] = Tour(token=token, name=token)
        return token

    async def modify_tour(self, caller: Caller, tour: Tour) -> None:
        self._told(caller, "modify_tour", tour=tour)
        self.kept_tours[tour.token] = tour

    async def operate_tour(self, caller: Caller, token: str, operation: TourOperation) -> None:
        self._told(caller, "operate_tour", token=token, operation=operation)
        tour = self.kept_tours[token]
        if not tour.spots:
            raise Refused(Refusal.INVALID, "the tour has no spots")
        states = {TourOperation.START: TourState.TOURING, TourOperation.PAUSE: TourState.PAUSED}
        state = states.get(operation, TourState.IDLE)
        self.kept_tours[token] = replace(tour, state=state, current=None if state is TourState.IDLE else 0)

    async def remove_tour(self, caller: Caller, token: str) -> None:
        self._told(caller, "remove_tour", token=token)
        if self.kept_tours.pop(token, None) is None:
            raise Refused(Refusal.NOT_FOUND)

    async def geo_move(
        self, caller: Caller, target: GeoPosition, *, speed: PtzSpeed, area_m: tuple[float, float] | None
    ) -> None:
        self._told(caller, "geo_move", target=target, speed=speed, area_m=area_m)

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
        goal = {"preset": preset, "position": position, "geo": geo, "object_id": object_id}
        self._told(caller, "move_and_track", **{name: value for name, value in goal.items() if value is not None})
