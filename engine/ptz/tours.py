"""Tours: the spots that a camera visits one after the other, and the order in which it does."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from engine.core.events import new_id
from engine.core.geometry import Direction
from engine.ptz.errors import PtzError

MAXIMUM_TOURS = 8
MAXIMUM_SPOTS = 32
MAXIMUM_STAY_S = 3600.0
MAXIMUM_NAME = 64


class TourRefused(PtzError):  # noqa: N818 - a statement about the request
    """The tour cannot be made, changed or begun that way; the message says why."""


class UnknownTour(PtzError):  # noqa: N818 - a statement about the id
    """There is no tour of that id on the channel."""

    def __init__(self, channel: str, tour_id: str) -> None:
        super().__init__(f"{channel} has no tour {tour_id!r}")


class TourBusy(PtzError):  # noqa: N818 - a state, not a mistake
    """Another tour of the channel is under way."""


@dataclass(frozen=True, slots=True)
class MoveSpeeds:
    """Fractions of the fastest speeds, as somebody named them; None where nobody did."""

    pan: float | None = None
    tilt: float | None = None
    zoom: float | None = None

    @property
    def fastest(self) -> float:
        """One speed for all axes: the fastest that was named, else full speed."""
        return max((value for value in (self.pan, self.tilt, self.zoom) if value is not None), default=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A stop: a preset, else a direction (with a horizontal field of view if one is given), else the home position."""

    preset_id: str | None = None
    direction: Direction | None = None
    hfov_deg: float | None = None
    stay_s: float = 10.0
    speeds: MoveSpeeds = MoveSpeeds()

    def __post_init__(self) -> None:
        if self.preset_id is not None and self.direction is not None:
            raise TourRefused("a spot is a preset or a direction, not both")
        if not 0.0 <= self.stay_s <= MAXIMUM_STAY_S:
            raise TourRefused(f"the camera stays at a spot for at most {MAXIMUM_STAY_S:g} s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tour:
    """A tour. It ends after `rounds`, or after `duration_s`, whichever is earlier; with neither it goes on for ever.

    `backward`: the last spot first. `shuffled`: each round in an order of its own (then `backward` says nothing).
    `auto_start`: it begins by itself with the engine; of one channel at most one tour does.
    """

    tour_id: str
    name: str
    spots: tuple[Spot, ...] = ()
    rounds: int | None = None
    duration_s: float | None = None
    backward: bool = False
    shuffled: bool = False
    auto_start: bool = False

    def __post_init__(self) -> None:
        if len(self.spots) > MAXIMUM_SPOTS:
            raise TourRefused(f"a tour has at most {MAXIMUM_SPOTS} spots")
        if self.rounds is not None and self.rounds < 1:
            raise TourRefused("a tour has at least one round")
        if self.duration_s is not None and not self.duration_s > 0.0:
            raise TourRefused("a tour lasts longer than nothing")
        if len(self.name) > MAXIMUM_NAME:
            raise TourRefused(f"a tour's name has at most {MAXIMUM_NAME} characters")


class Itinerary:
    """Where a tour is: `spot` is the number of the spot to visit now, None when it is over. `rng` shuffles."""

    def __init__(self, tour: Tour, rng: random.Random) -> None:
        self._tour = tour
        self._rng = rng
        self._rounds_done = 0
        self._order: list[int] = []
        self.spot: int | None = None
        self._begin_round(None)

    def advance(self) -> None:
        """Goes on to the next spot."""
        if self.spot is None:
            return
        visited = self._order.pop(0)
        if self._order:
            self.spot = self._order[0]
        else:
            self._rounds_done += 1
            self._begin_round(visited)

    def _begin_round(self, visited: int | None) -> None:
        tour = self._tour
        over = tour.rounds is not None and self._rounds_done >= tour.rounds
        self._order = [] if over else list(range(len(tour.spots)))
        if tour.shuffled:
            self._rng.shuffle(self._order)
            if len(self._order) > 1 and self._order[0] == visited:
                # To stay where it is would look as if the tour had stopped.
                self._order.append(self._order.pop(0))
        elif tour.backward:
            self._order.reverse()
        self.spot = self._order[0] if self._order else None


class TourRepository(Protocol):
    """Where tours last, as one text a channel; the store offers it."""

    async def text(self, channel: str) -> str | None:
        """What was kept; None if nothing was."""
        ...

    async def save(self, channel: str, text: str) -> None:
        """Keeps a text in the place of the one before."""
        ...


class TourBook:
    """The tours of one channel. Without a repository they last as long as the process."""

    def __init__(self, channel: str, repository: TourRepository | None) -> None:
        self._channel = channel
        self._repository = repository
        self._tours: dict[str, Tour] = {}

    @property
    def tours(self) -> tuple[Tour, ...]:
        """All, in the order of their making."""
        return tuple(self._tours.values())

    def find(self, tour_id: str) -> Tour:
        """A tour by its id; raises UnknownTour."""
        try:
            return self._tours[tour_id]
        except KeyError:
            raise UnknownTour(self._channel, tour_id) from None

    async def load(self) -> None:
        """Reads the tours. Raises what the repository raises, ValueError for a text that is none of ours."""
        text = None if self._repository is None else await self._repository.text(self._channel)
        self._tours = {tour.tour_id: tour for tour in tours_from(text)} if text else {}

    async def create(self, name: str | None = None) -> Tour:
        """Adds an empty tour; raises TourRefused where there are too many already."""
        if len(self._tours) >= MAXIMUM_TOURS:
            raise TourRefused(f"{self._channel} has {MAXIMUM_TOURS} tours already")
        tour = Tour(tour_id=new_id(), name=name or f"Tour {len(self._tours) + 1}")
        await self._keep([*self._tours.values(), tour])
        return tour

    async def replace(self, tour: Tour) -> None:
        """Puts a tour into the place of the one of its id; raises UnknownTour. Only one starts by itself: this one."""
        self.find(tour.tour_id)
        others = (replace(other, auto_start=other.auto_start and not tour.auto_start) for other in self._tours.values())
        await self._keep(tour if other.tour_id == tour.tour_id else other for other in others)

    async def remove(self, tour_id: str) -> None:
        """Forgets a tour; raises UnknownTour."""
        self.find(tour_id)
        await self._keep(tour for tour in self._tours.values() if tour.tour_id != tour_id)

    async def _keep(self, tours: Iterable[Tour]) -> None:
        kept = {tour.tour_id: tour for tour in tours}
        if self._repository is not None:
            await self._repository.save(self._channel, text_of(kept.values()))
        self._tours = kept


def text_of(tours: Iterable[Tour]) -> str:
    """Tours as JSON."""
    return json.dumps([asdict(tour) for tour in tours], ensure_ascii=False)


def tours_from(text: str) -> list[Tour]:
    """Tours from JSON. Raises ValueError for a text that is none of ours."""
    try:
        return [Tour(**{**kept, "spots": tuple(_spot(one) for one in kept["spots"])}) for kept in json.loads(text)]
    except (TypeError, KeyError, AttributeError, TourRefused) as error:
        raise ValueError(f"not a text of tours: {error}") from error


def _spot(kept: dict[str, Any]) -> Spot:
    direction = kept["direction"]
    return Spot(
        **{
            **kept,
            "direction": None if direction is None else Direction(**direction),
            "speeds": MoveSpeeds(**kept["speeds"]),
        }
    )
