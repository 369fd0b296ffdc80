"""The tours of one PTZ channel at work: at most one is under way, and gives way to everybody else."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from engine.cameras.protocols import CameraError
from engine.core.clock import Clock
from engine.ptz.arbiter import Arbiter
from engine.ptz.arrival import wait_until_settled
from engine.ptz.lease import Lease, LeaseLost, Priority, PtzError
from engine.ptz.presets import Preset, UnknownPreset
from engine.ptz.tours import Itinerary, Spot, Tour, TourBook, TourBusy, TourRefused, TourRepository

_LOG = logging.getLogger(__name__)

RESUME_AFTER_S = 10.0
"""So long the camera stays where an operator left it, before a tour goes on."""
TROUBLE_S = 5.0
"""Between two tries to move a camera that does not move."""


class PatrolState(StrEnum):
    """What a tour does. A touring one may wait for the camera while somebody else has it."""

    IDLE = "idle"
    TOURING = "touring"
    PAUSED = "paused"


class Stage(StrEnum):
    """What becomes of a visit of a preset: invoked, then reached and left, or aborted."""

    INVOKED = "invoked"
    REACHED = "reached"
    ABORTED = "aborted"
    LEFT = "left"


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


@dataclass(slots=True)
class _Run:
    tour: Tour
    itinerary: Itinerary
    left_s: float | None
    """What is left of the tour's duration when it begins or resumes; None: no end."""
    begun_at: float
    task: asyncio.Task[None] | None = None
    missing: int = 0
    """How many spots one after the other could not be visited because their presets are gone."""

    def over(self, now: float) -> bool:
        """Whether all rounds are made, or the time is up."""
        return self.itinerary.spot is None or (self.left_s is not None and now - self.begun_at >= self.left_s)


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
        self._run: _Run | None = None
        self._visited: tuple[Preset, bool] | None = None
        self._listeners: list[PatrolListener] = []
        self._troubled = False
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
                run.begun_at = self._clock.now()
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
                run.left_s -= self._clock.now() - run.begun_at
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
        run = _Run(tour, Itinerary(tour, self._rng), tour.duration_s, self._clock.now())
        self._run = run
        if not paused:
            run.task = self._work_on(run)

    def _work_on(self, run: _Run) -> asyncio.Task[None]:
        task = asyncio.create_task(self._work(run), name=f"tour {run.tour.name} of {self._arbiter.channel}")
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

    async def _halt(self, run: _Run) -> None:
        task, run.task = run.task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _work(self, run: _Run) -> None:
        lease: Lease | None = None
        rest_s = 0.0
        try:
            while not run.over(self._clock.now()):
                lease = await self._acquire(run)
                if run.over(self._clock.now()):
                    break
                try:
                    await self._unless_lost(lease, self._clock.sleep(rest_s))
                    rest_s = 0.0
                    await self._visit(lease, run)
                except LeaseLost:
                    self._depart()
                    rest_s = RESUME_AFTER_S if self._taken_by_hand() else 0.0
                except UnknownPreset:
                    self._pass_over(run)
                except (PtzError, CameraError) as error:
                    self._note_trouble(error)
                    self._depart()
                    await lease.release()
                    if self._arbiter.available and self._arbiter.fault is None:
                        # It is this spot that the camera does not take.
                        run.itinerary.advance()
                    await self._clock.sleep(TROUBLE_S)
        except asyncio.CancelledError:
            await self._stand_still(lease)
            raise
        finally:
            self._depart()
            if lease is not None:
                await lease.release()

    async def _stand_still(self, lease: Lease | None) -> None:
        """Stops on the way: a tour that somebody pauses or ends does not go on to its next spot."""
        if lease is None or not lease.active or self._arbiter.settled:
            return
        try:
            await lease.stop()
        except (PtzError, CameraError) as error:
            self._note_trouble(error)

    async def _acquire(self, run: _Run) -> Lease:
        owner, purpose = f"patrol:{self._arbiter.channel}", f"tour {run.tour.name}"
        return await self._arbiter.acquire(owner, purpose, Priority.PATROL, wait=True)

    def _taken_by_hand(self) -> bool:
        """Whether it was an operator who took the camera; those who are gone already were, for all others stay."""
        holder = self._arbiter.owner
        return holder is None or holder.priority >= Priority.OPERATOR

    def _note_trouble(self, error: Exception) -> None:
        if not self._troubled:
            _LOG.warning("a tour cannot move %s for now: %s", self._arbiter.channel, error)
        self._troubled = True

    def _pass_over(self, run: _Run) -> None:
        """Leaves a spot out whose preset is gone; a tour of which nothing is left is over."""
        run.missing += 1
        if run.missing >= len(run.tour.spots):
            _LOG.warning("the tour %r of %s ends: its presets are gone", run.tour.name, self._arbiter.channel)
            run.left_s = 0.0
        run.itinerary.advance()

    async def _visit(self, lease: Lease, run: _Run) -> None:
        number = run.itinerary.spot
        if number is None:
            return
        spot = run.tour.spots[number]
        preset = self._preset_of(spot)
        self._depart()
        if preset is not None:
            self._tell_visit(Stage.INVOKED, preset)
            self._visited = (preset, False)
        await self._go(lease, spot)
        self._troubled = False
        run.missing = 0
        arrived = await self._unless_lost(lease, wait_until_settled(self._arbiter, self._clock))
        if preset is not None and arrived:
            self._visited = (preset, True)
            self._tell_visit(Stage.REACHED, preset)
        await self._unless_lost(lease, self._clock.sleep(self._stay_s(run, spot)))
        run.itinerary.advance()
        self._tell_tours()

    def _stay_s(self, run: _Run, spot: Spot) -> float:
        if run.left_s is None:
            return spot.stay_s
        return max(min(spot.stay_s, run.left_s - (self._clock.now() - run.begun_at)), 0.0)

    def _preset_of(self, spot: Spot) -> Preset | None:
        if spot.preset_id is None:
            return None
        for preset in self._arbiter.presets:
            if preset.preset_id == spot.preset_id:
                return preset
        raise UnknownPreset(self._arbiter.channel, spot.preset_id)

    @staticmethod
    async def _go(lease: Lease, spot: Spot) -> None:
        speed = spot.speeds.fastest
        if spot.preset_id is not None:
            await lease.goto_preset(spot.preset_id, speed)
        elif spot.direction is not None:
            await lease.move_to(spot.direction, spot.hfov_deg, speed)
        else:
            await lease.goto_home(speed)

    async def _unless_lost[T](self, lease: Lease, work: Coroutine[Any, Any, T]) -> T:
        """The result of something that takes time; raises LeaseLost in the moment in which the lease is lost."""
        task = asyncio.create_task(work)
        lost = asyncio.create_task(lease.lost.wait())
        try:
            await asyncio.wait((task, lost), return_when=asyncio.FIRST_COMPLETED)
            if not lease.active:
                raise LeaseLost(f"the tour no longer holds {self._arbiter.channel}: {lease.end_reason}")
            return await task
        finally:
            for one in (task, lost):
                one.cancel()
            await asyncio.gather(task, lost, return_exceptions=True)

    # --- telling ----------------------------------------------------------------------------------------------

    def _depart(self) -> None:
        """The camera is about to move on, or is no longer ours."""
        visited, self._visited = self._visited, None
        if visited is not None:
            preset, reached = visited
            self._tell_visit(Stage.LEFT if reached else Stage.ABORTED, preset)

    def _tell_visit(self, stage: Stage, preset: Preset) -> None:
        for listener in tuple(self._listeners):
            listener.on_visit(stage, preset)

    def _tell_tours(self) -> None:
        for listener in tuple(self._listeners):
            listener.on_tours()
