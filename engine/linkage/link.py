"""One link at work: an overview camera and the PTZ camera that it sends, from target to target.

Here everything comes together. Who a target is: `pursuit`, with what `estimator` knows of it, `lifecycle` of how it
stands and `controller` of how the camera gets there. Whose turn it is: `scheduler`, and `turns` for whom is followed
now. The camera: `holding`; the pictures: `portrait`; what is told of all this: `reporting`.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from engine.cameras.protocols import CameraError
from engine.captures import CaptureRecorder, Snapshotter
from engine.core.bus import Bus
from engine.core.clock import Clock
from engine.core.events import Event, RuleTriggered
from engine.core.geometry import Box, Direction, Point
from engine.core.values import TrackUpdate
from engine.linkage.estimator import Estimate
from engine.linkage.following import OPERATOR, Following
from engine.linkage.holding import CameraHold
from engine.linkage.lifecycle import Phase
from engine.linkage.model import LinkModel
from engine.linkage.portrait import Portrait, Portraits
from engine.linkage.pursuit import Pursuit
from engine.linkage.reporting import Reporter, Tracking, tracking_of
from engine.linkage.scheduler import Scheduler
from engine.linkage.settings import LinkSettings
from engine.linkage.spotting import NoTarget, Spotter
from engine.linkage.turns import Turns
from engine.ptz import Arbiter, Lease, LeaseLost, Priority, PtzError


class LinkDirector:
    """Sends one PTZ camera after the targets that rules and operators ask for.

    Feed it with `on_tracks` and `on_rule`; `start` lets it work. It asks the arbiter with priority RULE for what an
    operator wants tracked and TRACKING for what rules ask, so that manual control always wins. A pursuit that a rule
    began ends when it is pre-empted, and its target waits again; one that an operator began waits for the camera.
    """

    def __init__(
        self,
        settings: LinkSettings,
        model: LinkModel | None,
        arbiter: Arbiter,
        *,
        clock: Clock,
        bus: Bus[Event],
        snapshotter: Snapshotter,
        recorder: CaptureRecorder,
    ) -> None:
        self.settings = settings
        self._arbiter = arbiter
        self._clock = clock
        self._reporter = Reporter(settings, bus)
        self._portraits = Portraits(settings.link_id, settings.ptz, snapshotter, recorder, arbiter.pose_at)
        self._scheduler = Scheduler(settings.scheduler)
        self._spotter = Spotter(settings, model, arbiter, clock)
        self._turns = Turns(settings, self._scheduler, self._spotter.slew_s)
        self._camera = CameraHold(settings, arbiter, clock)
        self._work: Following | None = None
        self._task: asyncio.Task[None] | None = None
        # Held around everything that begins, steers or ends a pursuit.
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Begins to work."""
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(self._stopped)

    async def close(self) -> None:
        """Ends the work: the target is left, its capture made, the camera given back."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._leave("stopped")
        await self._portraits.close()

    @property
    def model(self) -> LinkModel | None:
        """The calibration of the overview; a new one counts from the next pursuit on."""
        return self._spotter.model

    @model.setter
    def model(self, model: LinkModel | None) -> None:
        self._spotter.model = model

    @property
    def tracking(self) -> Tracking | None:
        """Whom it follows now."""
        return None if self._work is None else tracking_of(self._work, self._clock.now())

    def estimate(self) -> Estimate | None:
        """Where the target that it follows should be now; None while it follows nobody."""
        return None if self._work is None else self._work.pursuit.estimate(self._clock.now())

    # --- what comes in ----------------------------------------------------------------------------------------

    def on_tracks(self, update: TrackUpdate) -> None:
        """Takes in the tracks of the overview's or the PTZ channel's newest frame."""
        if update.channel == self.settings.overview:
            self._on_overview(update)
        if update.channel == self.settings.ptz:
            self._on_ptz(update)

    def _on_overview(self, update: TrackUpdate) -> None:
        self._spotter.overview = update
        now = self._clock.now()
        if self._work is not None:
            pursuit = self._work.pursuit
            before = pursuit.overview_id
            pursuit.on_overview(update, now)
            if before is not None and pursuit.overview_id not in {None, before}:
                self._scheduler.renamed(before, pursuit.overview_id or before)
        visible = {track.track_id for track in update.tracks}
        if self._work is not None and self._work.pursuit.overview_id is not None:
            visible.add(self._work.pursuit.overview_id)
        followed = {self._work.name, self._work.track_id} if self._work is not None else set()
        self._scheduler.follow_names(update, exclude=followed)
        self._scheduler.seen(visible, now)

    def _on_ptz(self, update: TrackUpdate) -> None:
        self._spotter.ptz = update
        if self.settings.overview is None:
            self._scheduler.seen({track.track_id for track in update.tracks}, self._clock.now())
        self._spotter.framing = replace(self._spotter.framing, aspect=update.aspect)
        work = self._work
        if work is None:
            return
        work.pursuit.framing = self._spotter.framing
        pose = update.pose or self._arbiter.pose_at(update.captured_at)
        work.on_ptz(update, pose, self._clock.now())

    def on_rule(self, event: RuleTriggered) -> None:
        """Takes in a rule's event; those of rules that do not send this link are left alone."""
        priority = self.settings.rules.get(event.rule_id)
        if priority is None or event.channel not in {self.settings.overview, self.settings.ptz}:
            return
        if event.target_type is None:  # motion: there is no target to go after
            return
        if event.active:
            self._scheduler.offer(event.track_id, event.target_type, event.rule_id, priority, now=self._clock.now())
        else:
            self._scheduler.withdraw(event.track_id, event.rule_id)

    # --- what operators ask for -------------------------------------------------------------------------------

    def sees(self, track_id: str) -> bool:
        """Whether `track` could follow that track now."""
        return self._spotter.sees(track_id)

    async def track(
        self,
        *,
        track_id: str | None = None,
        point: Point | None = None,
        in_ptz: bool = False,
        direction: Direction | None = None,
    ) -> str:
        """Follows a target till it is lost or `stop_tracking`: a track, or whatever is at a point of the overview
        (of the PTZ picture with `in_ptz`, or when the link has no overview), or in a direction of the PTZ's sphere.

        Returns the track's id. A click on nothing is followed too: the camera goes and looks who is there. Raises
        NoTarget for a track that is not seen, or a point that cannot be looked at.
        """
        if track_id is not None:
            pursuit = self._spotter.pursuit_of(track_id)
        elif point is not None:
            pursuit, track_id = self._spotter.pursuit_at(point, in_ptz=in_ptz or self.model is None)
        elif direction is not None:
            pursuit, track_id = self._spotter.pursuit_towards(direction)
        else:
            raise NoTarget("name a track, a point or a direction to follow")
        async with self._turn:
            await self._leave("stopped")
            await self._begin(track_id, OPERATOR, pursuit)
        return track_id

    async def stop_tracking(self) -> bool:
        """Leaves the target that is followed; tells whether there was one."""
        async with self._turn:
            work = self._work
            await self._leave("stopped")
            if work is not None:
                # Whom the operator does not want followed is not taken up again at once by a rule.
                self._scheduler.served(work.name, now=self._clock.now(), grade=1.0)
        return work is not None

    async def look_at(self, *, point: Point | None = None, box: Box | None = None, owner: str = OPERATOR) -> Lease:
        """Centres a point of the overview, or frames a box, as an operator's move.

        The lease ends by the control time-out. Raises NoTarget without a calibrated overview, and what the arbiter
        raises.
        """
        if self.model is None:
            raise NoTarget(f"link {self.settings.link_id} has no calibrated overview to point in")
        hfov: float | None = None
        if box is not None:
            direction, hfov = self.model.frame_box(box, replace(self._spotter.framing, ratio=0.8, vertical_offset=50.0))
        elif point is not None:
            direction = self.model.direction(point)
        else:
            raise NoTarget("name a point or a box to look at")
        lease = await self._arbiter.acquire(owner, "look at", Priority.OPERATOR)
        await lease.move_to(direction, hfov)
        return lease

    # --- the work ---------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            try:
                async with self._turn:
                    await self._tick()
            except (PtzError, CameraError) as error:
                self._reporter.cannot_move(str(error))
            except Exception as error:  # noqa: BLE001 - logged, and one mistake must not end the link for good
                self._reporter.failed(error)
            await self._clock.sleep(self.settings.tick_s)

    def _stopped(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._reporter.stopped(error)

    async def _tick(self) -> None:
        if self._work is None:
            await self._choose()
        work = self._work
        if work is None:
            await self._camera.park()
            return
        now = self._clock.now()
        phase = work.pursuit.tick(now)
        work.portrait.develop(now)
        if await self._ended(work, phase, now) or not await self._hold(work):
            return
        lease = self._camera.lease
        if lease is not None and self._work is work:
            try:
                await work.pursuit.steer(lease, now)
                self._reporter.moves()
            except LeaseLost:
                await self._preempted(work)

    async def _choose(self) -> None:
        candidate = self._turns.next(self._clock.now())
        if candidate is None:
            return
        try:
            pursuit = self._spotter.pursuit_of(candidate.track_id)
        except NoTarget:
            # Not in the newest picture; the scheduler forgets it when it does not come back.
            return
        await self._begin(candidate.track_id, candidate.rule_id, pursuit)

    async def _begin(self, track_id: str, reason: str, pursuit: Pursuit) -> None:
        now = self._clock.now()
        portrait = self._portrait(track_id, None if reason == OPERATOR else reason)
        work = Following(track_id, reason, pursuit, portrait, now, now)
        if not await self._hold(work) and not work.by_operator:
            return
        self._work = work
        self._reporter.started(work)

    def _portrait(self, track_id: str, rule_id: str | None) -> Portrait:
        return self._portraits.begin(track_id, rule_id, self._spotter.framing)

    async def _hold(self, work: Following) -> bool:
        """Makes sure that the camera is ours; False when somebody else has it."""
        if self._camera.held:
            return True
        if self._camera.lease is not None and self._work is work and not work.by_operator:
            await self._preempted(work)
            return False
        if not await self._camera.take(f"track {work.track_id}", by_operator=work.by_operator):
            return False
        work.pursuit.resume()
        return True

    async def _preempted(self, work: Following) -> None:
        self._camera.forget()
        if not work.by_operator:
            await self._leave("preempted")

    async def _ended(self, work: Following, phase: Phase, now: float) -> bool:
        """Makes what captures are due, and leaves the target when it is lost, done, or out of time."""
        if phase is Phase.LOST:
            await self._leave("lost")
            return True
        framed_s = work.framed_s(now)
        self._portray(work, now)
        ending = None if work.by_operator else self._turns.ending(work, now, framed_s=framed_s)
        if ending is None:
            return False
        await self._leave(ending.reason)
        if ending.dropped:
            self._scheduler.drop(work.name)
        return True

    def _portray(self, work: Following, now: float) -> None:
        """Makes the capture when it is due, and begins another portrait when the target's turn comes again."""
        if not work.portrait.taken:
            if self._turns.capture_due(work, now):
                self._capture(work)
            return
        again = self._turns.again(work, now)
        if again is not None:
            work.portray_anew(self._portrait(work.name, again.rule_id))

    def _capture(self, work: Following, *, counted: bool = True) -> None:
        self._scheduler.served(work.name, now=self._clock.now(), grade=work.portrait.grade, counted=counted)
        self._portraits.finish(work.portrait, work.target_type)

    async def _leave(self, reason: str) -> None:
        """Ends the pursuit. A capture that was not made yet is made of what there is."""
        work, self._work = self._work, None
        self._camera.rest()
        if work is not None:
            grade = work.portrait.grade
            # Whoever is interrupted has not had a turn, unless the capture was made already.
            interrupted = reason == "preempted" and grade < self.settings.scheduler.good_grade
            now = self._clock.now()
            if not work.portrait.taken and grade > 0.0:
                self._capture(work, counted=not interrupted)
            elif not work.portrait.taken:
                self._scheduler.served(work.name, now=now, grade=0.0, counted=not interrupted)
            self._reporter.ended(work, reason, now)
        await self._camera.release()
