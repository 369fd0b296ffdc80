"""The tours of one PTZ channel: kept, begun, paused and ended; at most one is under way."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from engine.core.clock import Clock
from engine.ptz.arbiter import Arbiter
from engine.ptz.presets import Preset
from engine.ptz.touring import Stage, Touring, TourRun
from engine.ptz.tours import Itinerary, Tour, TourBook, TourBusy, TourRefused, TourRepository

_LOG = logging.getLogger(__name__)


class PatrolState(StrEnum):
    """What a tour does. A touring one may wait for the camera while somebody else has it."""

    IDLE = "idle"
    TOURING = "touring"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class TourStatus:
    """A tour and what it does; `spot` is the number of the spot where it is or goes."""

    tour: Tour
    state: PatrolState
    spot: int | None = None


class PatrolListener:
    """Is told what happens. Derive from it, and override what is of interest."""

    def on_tours(self) -> None:
        """A tour was made, changed or removed, or does something else now."""

    def on_visit(self, stage: Stage, preset: Preset) -> None:
        """A visit of a preset has come to a stage."""


class Patrol:
    """Keeps the tours of a channel and carries them out, with the priority PATROL.

    Whoever takes the camera away has it for as long as they want; then the tour goes on with the spot where it was
    (after a while, if it was an operator). `rng` shuffles tours.
    """

    def __init__(
        self,
        arbiter: Arbiter,
        clock: Clock,
        repository: TourRepository | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._arbiter = arbiter
        self._clock = clock
        self._book = TourBook(arbiter.channel, repository)
        self._rng = rng or random.Random()  # noqa: S311 - an order of spots is no secret
        self._run: TourRun | None = None
        self._listeners: list[PatrolListener] = []
        self._touring = Touring(arbiter, clock, self._tell_visit, self._tell_tours)
        # Held around everything that makes, changes, begins or ends a tour.
        self._turn = asyncio.Lock()

    # --- life -------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Reads the tours, and begins the one that starts by itself. Raises what the repository raises."""
        try:
            await self._book.load()
        except ValueError as error:
            _LOG.warning("the tours of %s cannot be used: %s", self._arbiter.channel, error)
        for tour in self._book.tours:
            if tour.auto_start and tour.spots:
                self._begin(tour)

    async def close(self) -> None:
        """Ends what is under way."""
        async with self._turn:
            await self._end()

    def listen(self, listener: PatrolListener) -> Callable[[], None]:
        """Tells `listener` everything from now on; the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # --- tours ------------------------------------------------------------------------------------------------

    @property
    def tours(self) -> tuple[TourStatus, ...]:
        """All tours, and what they do."""
        return tuple(self._status(tour) for tour in self._book.tours)

    def _status(self, tour: Tour) -> TourStatus:
        run = self._run
        if run is None or run.tour.tour_id != tour.tour_id:
            return TourStatus(tour, PatrolState.IDLE)
        state = PatrolState.PAUSED if run.task is None else PatrolState.TOURING
        return TourStatus(tour, state, run.itinerary.spot)

    async def create(self, name: str | None = None) -> Tour:
        """Adds an empty tour; raises TourRefused where there are too many."""
        async with self._turn:
            tour = await self._book.create(name)
            self._tell_tours()
            return tour

    async def modify(self, tour: Tour) -> None:
        """Puts a tour into the place of the one of its id; raises UnknownTour.

        One that is under way begins anew, one that is paused will. One that starts by itself does so now, unless
        another is under way.
        """
        async with self._turn:
            await self._book.replace(tour)
            run = self._run
            if run is not None and run.tour.tour_id == tour.tour_id:
                paused = run.task is None
                await self._end()
                if tour.spots:
                    self._begin(tour, paused=paused)
            elif run is None and tour.auto_start and tour.spots:
                self._begin(tour)
            self._tell_tours()

    async def remove(self, tour_id: str) -> None:
        """Forgets a tour; one that is under way ends. Raises UnknownTour."""
        async with self._turn:
            await self._book.remove(tour_id)
            if self._is_active(tour_id):
                await self._end()
            self._tell_tours()

    async def begin(self, tour_id: str) -> None:
        """Starts a tour, resumes a paused one, starts a touring one anew.

        Raises UnknownTour, TourRefused for one without spots, TourBusy while another is under way.
        """
        async with self._turn:
            tour = self._book.find(tour_id)
            if not tour.spots:
                raise TourRefused(f"the tour {tour.name!r} has no spots")
            run = self._run
            if run is not None and run.tour.tour_id != tour_id:
                raise TourBusy(f"the tour {run.tour.name!r} is under way")
            if run is not None and run.task is None:
                run.begun_at = self._clock.monotonic()
                run.task = self._work_on(run)
            else:
                await self._end()
                # Who starts or stops a tour by hand decides from then on.
                tour = await self._by_hand(tour)
                self._begin(tour)
            self._tell_tours()

    async def pause(self, tour_id: str) -> None:
        """Lets a tour rest where it is, and gives the camera back; harmless for one that is not touring."""
        async with self._turn:
            self._book.find(tour_id)
            run = self._run
            if run is None or run.tour.tour_id != tour_id or run.task is None:
                return
            await self._halt(run)
            if run.left_s is not None:
                run.left_s -= self._clock.monotonic() - run.begun_at
            self._tell_tours()

    async def end(self, tour_id: str) -> None:
        """Ends a tour; harmless for one that is idle. Raises UnknownTour."""
        async with self._turn:
            tour = self._book.find(tour_id)
            if self._is_active(tour_id):
                await self._end()
            await self._by_hand(tour)
            self._tell_tours()

    def _is_active(self, tour_id: str) -> bool:
        return self._run is not None and self._run.tour.tour_id == tour_id

    async def _by_hand(self, tour: Tour) -> Tour:
        if not tour.auto_start:
            return tour
        changed = replace(tour, auto_start=False)
        await self._book.replace(changed)
        return changed

    # --- the work ---------------------------------------------------------------------------------------------

    def _begin(self, tour: Tour, *, paused: bool = False) -> None:
        run = TourRun(tour, Itinerary(tour, self._rng), tour.duration_s, self._clock.monotonic())
        self._run = run
        if not paused:
            run.task = self._work_on(run)

    def _work_on(self, run: TourRun) -> asyncio.Task[None]:
        task = asyncio.create_task(
            self._touring.carry_out(run), name=f"tour {run.tour.name} of {self._arbiter.channel}"
        )
        task.add_done_callback(self._stopped)
        return task

    def _stopped(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            _LOG.error("a tour of %s failed", self._arbiter.channel, exc_info=error)
        if self._run is not None and self._run.task is task:
            self._run = None
            self._tell_tours()

    async def _end(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            await self._halt(run)

    async def _halt(self, run: TourRun) -> None:
        task, run.task = run.task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # --- telling ----------------------------------------------------------------------------------------------

    def _tell_visit(self, stage: Stage, preset: Preset) -> None:
        for listener in tuple(self._listeners):
            listener.on_visit(stage, preset)

    def _tell_tours(self) -> None:
        for listener in tuple(self._listeners):
            listener.on_tours()
