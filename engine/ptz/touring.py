"""Carrying a tour out: from spot to spot, giving way to everybody else, and telling what becomes of each visit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from engine.cameras.protocols import CameraError
from engine.core.clock import Clock
from engine.ptz.arbiter import Arbiter
from engine.ptz.arrival import wait_until_settled
from engine.ptz.errors import ArbiterClosed, LeaseLost, PtzError
from engine.ptz.lease import Lease, Priority
from engine.ptz.presets import Preset, UnknownPreset
from engine.ptz.tours import Itinerary, Spot, Tour

_LOG = logging.getLogger(__name__)

RESUME_AFTER_S = 10.0
"""So long the camera stays where an operator left it, before a tour goes on."""
TROUBLE_S = 5.0
"""Between two tries to move a camera that does not move."""


class Stage(StrEnum):
    """What becomes of a visit of a preset: invoked, then reached and left, or aborted."""

    INVOKED = "invoked"
    REACHED = "reached"
    ABORTED = "aborted"
    LEFT = "left"


@dataclass(slots=True)
class TourRun:
    """A tour under way, or paused (then without a task)."""

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


class Touring:
    """Carries out the tours of one channel, one at a time, with the priority PATROL.

    `tell_visit` is told what becomes of the visits of presets, `tell_progress` that a spot is done.
    """

    def __init__(
        self,
        arbiter: Arbiter,
        clock: Clock,
        tell_visit: Callable[[Stage, Preset], None],
        tell_progress: Callable[[], None],
    ) -> None:
        self._arbiter = arbiter
        self._clock = clock
        self._tell_visit = tell_visit
        self._tell_progress = tell_progress
        self._visited: tuple[Preset, bool] | None = None
        self._troubled = False

    async def carry_out(self, run: TourRun) -> None:
        """Works until the tour is over, or this is cancelled: then the camera stops where it is."""
        lease: Lease | None = None
        rest_s = 0.0
        try:
            while not run.over(self._clock.monotonic()):
                lease = await self._acquire(run)
                if run.over(self._clock.monotonic()):
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
        except ArbiterClosed as error:
            _LOG.info("the tour %r ends: %s", run.tour.name, error)
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

    async def _acquire(self, run: TourRun) -> Lease:
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

    def _pass_over(self, run: TourRun) -> None:
        """Leaves a spot out whose preset is gone; a tour of which nothing is left is over."""
        run.missing += 1
        if run.missing >= len(run.tour.spots):
            _LOG.warning("the tour %r of %s ends: its presets are gone", run.tour.name, self._arbiter.channel)
            run.left_s = 0.0
        run.itinerary.advance()

    async def _visit(self, lease: Lease, run: TourRun) -> None:
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
        self._tell_progress()

    def _stay_s(self, run: TourRun, spot: Spot) -> float:
        if run.left_s is None:
            return spot.stay_s
        return max(min(spot.stay_s, run.left_s - (self._clock.monotonic() - run.begun_at)), 0.0)

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

    def _depart(self) -> None:
        """The camera is about to move on, or is no longer ours."""
        visited, self._visited = self._visited, None
        if visited is not None:
            preset, reached = visited
            self._tell_visit(Stage.LEFT if reached else Stage.ABORTED, preset)
