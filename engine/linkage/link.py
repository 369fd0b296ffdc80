"""One link at work: an overview camera and the PTZ camera that it sends, from target to target."""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import dataclass, replace

from engine.cameras.protocols import CameraError
from engine.captures import CaptureRecorder, Snapshotter
from engine.core.bus import Bus
from engine.core.clock import Clock
from engine.core.events import Event, RuleTriggered, TrackingEnded, TrackingStarted
from engine.core.geometry import Box, Direction, Point, Pose
from engine.core.values import TargetType, TrackUpdate
from engine.linkage.model import LinkModel
from engine.linkage.portrait import UNSEEN_SCORE, Portrait, Subject
from engine.linkage.pursuit import Phase, Pursuit
from engine.linkage.scheduler import Candidate, Scheduler
from engine.linkage.settings import LinkSettings
from engine.linkage.spotting import NoTarget, Spotter
from engine.ptz import Arbiter, Lease, LeaseLost, LeaseRefused, Priority, PtzError

_LOG = logging.getLogger(__name__)

OPERATOR = "operator"
"""The reason of a pursuit that a person asked for."""


@dataclass(frozen=True, slots=True)
class Tracking:
    """Whom a link follows: the track it was started with, its type, since when, and why (a rule's id or `operator`)."""

    track_id: str
    target_type: TargetType
    since: float
    reason: str
    phase: Phase


@dataclass(slots=True)
class _Work:
    """The pursuit that is going on."""

    track_id: str
    reason: str
    pursuit: Pursuit
    portrait: Portrait
    since: float
    asked_at: float
    """When a rule asked for the target last."""
    framed_at: float | None = None

    @property
    def by_operator(self) -> bool:
        return self.reason == OPERATOR

    @property
    def name(self) -> str:
        """The overview's name for the target now, as the scheduler knows it."""
        return self.pursuit.overview_id or self.track_id

    @property
    def target_type(self) -> TargetType:
        return self.pursuit.target_type or TargetType.PERSON


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
        self._bus = bus
        self._snapshotter = snapshotter
        self._recorder = recorder
        self._scheduler = Scheduler(settings.scheduler)
        self._spotter = Spotter(settings, model, arbiter, clock)
        self._work: _Work | None = None
        self._lease: Lease | None = None
        self._away = False
        self._idle_since = clock.now()
        self._fault: str | None = None
        self._task: asyncio.Task[None] | None = None
        self._captures: set[asyncio.Task[object]] = set()
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
        if self._captures:
            await asyncio.gather(*self._captures, return_exceptions=True)

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
        work = self._work
        if work is None:
            return None
        phase = work.pursuit.phase(self._clock.now())
        return Tracking(work.track_id, work.target_type, work.since, work.reason, phase)

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
        track = work.pursuit.on_ptz(update, pose, self._clock.now())
        if pose is None:
            return
        if track is not None:
            self._observe(work, track.at, track.box, track.score, pose)
        elif update.captured_at - work.pursuit.seen_by_overview_at < 1.0:
            expected = work.pursuit.expected_box(update.captured_at, pose, update.aspect)
            if expected is not None:
                self._observe(work, update.captured_at, expected, UNSEEN_SCORE, pose)

    def _observe(self, work: _Work, at: float, box: Box, score: float, pose: Pose) -> None:
        framed = math.hypot(box.centre.x - 0.5, box.centre.y - 0.5) < 0.35
        if framed and work.framed_at is None:
            work.framed_at = at
        if work.framed_at is not None:
            work.portrait.observe(at, box, score, pose)

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
                self._note_fault(str(error))
            except Exception:  # noqa: BLE001 - logged, and one mistake must not end the link for good
                _LOG.exception("link %s failed in a turn of its work; it goes on", self.settings.link_id)
            await self._clock.sleep(self.settings.tick_s)

    def _stopped(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.critical("link %s stopped working", self.settings.link_id, exc_info=error)

    def _note_fault(self, fault: str | None) -> None:
        if fault is not None and fault != self._fault:
            _LOG.warning("link %s cannot move its camera for now: %s", self.settings.link_id, fault)
        self._fault = fault

    async def _tick(self) -> None:
        if self._work is None:
            await self._choose()
        work = self._work
        if work is None:
            await self._park()
            return
        now = self._clock.now()
        phase = work.pursuit.tick(now)
        work.portrait.develop(now)
        if await self._ended(work, phase, now):
            return
        if not await self._hold(work):
            return
        if self._lease is not None and self._work is work:
            try:
                await work.pursuit.steer(self._lease, now)
                self._note_fault(None)
            except LeaseLost:
                await self._preempted(work)

    async def _choose(self) -> None:
        candidate = self._scheduler.next(self._clock.now(), self._spotter.slew_s)
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
        work = _Work(track_id, reason, pursuit, portrait, now, now)
        if not await self._hold(work) and not work.by_operator:
            return
        self._work = work
        self._bus.publish(
            TrackingStarted(
                at=work.since,
                link_id=self.settings.link_id,
                channel=self.settings.ptz,
                track_id=track_id,
                target_type=work.target_type,
                reason=reason,
            )
        )

    def _portrait(self, track_id: str, rule_id: str | None) -> Portrait:
        subject = Subject(self.settings.link_id, self.settings.ptz, track_id, rule_id)
        return Portrait(subject, self._spotter.framing, self._snapshotter, self._recorder, self._arbiter.pose_at)

    async def _hold(self, work: _Work) -> bool:
        """Makes sure that the camera is ours; False when somebody else has it."""
        if self._lease is not None and self._lease.active:
            return True
        if self._lease is not None and self._work is work and not work.by_operator:
            await self._preempted(work)
            return False
        priority = Priority.RULE if work.by_operator else Priority.TRACKING
        owner = f"link:{self.settings.link_id}"
        try:
            self._lease = await self._arbiter.acquire(owner, f"track {work.track_id}", priority)
        except LeaseRefused:
            return False
        self._away = True
        work.pursuit.resume()
        return True

    async def _preempted(self, work: _Work) -> None:
        self._lease = None
        if not work.by_operator:
            await self._leave("preempted")

    async def _ended(self, work: _Work, phase: Phase, now: float) -> bool:
        """Whether the target is left now: lost, done, or out of time."""
        if phase is Phase.LOST:
            await self._leave("lost")
            return True
        framed_s = 0.0 if work.framed_at is None else now - work.framed_at
        if work.portrait.taken:
            self._portray_again(work, now)
        elif self._is_ready(work, now, framed_s):
            self._capture(work)
        if work.by_operator:
            return False
        if now - work.since >= self.settings.max_tracking_s:
            await self._leave("captured" if work.portrait.taken else "timeout")
            return True
        had_turn = work.portrait.taken or framed_s >= self.settings.patience_s
        return await self._give_way(work, now, had_turn=had_turn) or await self._let_go(work, now, had_turn=had_turn)

    def _is_ready(self, work: _Work, now: float, framed_s: float) -> bool:
        """Whether the capture is made now: a good one, and there is no time or no need for a better one."""
        settings = self.settings
        if work.portrait.grade < settings.scheduler.good_grade or framed_s < settings.dwell_s:
            return False
        fine = work.portrait.grade >= settings.fine_grade
        return fine or framed_s >= settings.dwell_s + settings.polish_s or self._waiting(work, now) is not None

    def _waiting(self, work: _Work, now: float) -> Candidate | None:
        """Who is next after the target that is followed."""
        return self._scheduler.next(now, self._spotter.slew_s, exclude={work.name, work.track_id})

    def _portray_again(self, work: _Work, now: float) -> None:
        """Begins another portrait of a target that was captured already, when it is its turn again.

        So it is when a new event began for it: the tracker may have taken somebody else for it.
        """
        chosen = self._scheduler.next(now, self._spotter.slew_s)
        if chosen is not None and chosen.track_id == work.name:
            work.portrait = self._portrait(work.name, chosen.rule_id)
            work.framed_at = None

    async def _let_go(self, work: _Work, now: float, *, had_turn: bool) -> bool:
        """Leaves a target that had its turn when no rule asks for it any more, after a while."""
        own = self._scheduler.find(work.name)
        if own is not None and own.active:
            work.asked_at = now
        if not had_turn or now - work.asked_at < self.settings.follow_after_s:
            return False
        captured = work.portrait.taken
        await self._leave("left")
        if not captured:
            # It had its time in the picture and no good one came of it: it would be no better now.
            self._scheduler.drop(work.name)
        return True

    async def _give_way(self, work: _Work, now: float, *, had_turn: bool) -> bool:
        """Leaves a target that had its turn when others wait, or a more important one came."""
        other = self._waiting(work, now)
        if other is None:
            return False
        if had_turn or self._outranks(other, work, now):
            missed = "timeout" if had_turn else "preempted"
            await self._leave("captured" if work.portrait.taken else missed)
            return True
        return False

    def _outranks(self, other: Candidate, work: _Work, now: float) -> bool:
        own = self._scheduler.find(work.name)
        rank = own.priority if own is not None else self.settings.rules.get(work.reason, 0)
        return other.priority > rank and now - work.since >= self.settings.dwell_s

    def _capture(self, work: _Work, *, counted: bool = True) -> None:
        work.portrait.taken = True
        self._scheduler.served(work.name, now=self._clock.now(), grade=work.portrait.grade, counted=counted)
        task: asyncio.Task[object] = asyncio.create_task(work.portrait.finish(work.target_type))
        self._captures.add(task)
        task.add_done_callback(self._captures.discard)

    async def _leave(self, reason: str) -> None:
        """Ends the pursuit. A capture that was not made yet is made of what there is."""
        work, self._work = self._work, None
        now = self._clock.now()
        self._idle_since = now
        if work is not None:
            grade = work.portrait.grade
            # Whoever is interrupted has not had a turn, unless the capture was made already.
            interrupted = reason == "preempted" and grade < self.settings.scheduler.good_grade
            if not work.portrait.taken and grade > 0.0:
                self._capture(work, counted=not interrupted)
            elif not work.portrait.taken:
                self._scheduler.served(work.name, now=now, grade=0.0, counted=not interrupted)
            self._bus.publish(
                TrackingEnded(
                    at=now,
                    link_id=self.settings.link_id,
                    channel=self.settings.ptz,
                    track_id=work.track_id,
                    reason=reason,
                )
            )
        lease, self._lease = self._lease, None
        if lease is not None:
            await lease.release()

    async def _park(self) -> None:
        wait_s = self.settings.park_after_s
        if not self._away or wait_s is None or self._clock.now() - self._idle_since < wait_s:
            return
        if not self._arbiter.available:
            return
        try:
            async with await self._arbiter.acquire(f"link:{self.settings.link_id}", "park", Priority.PARK) as lease:
                await lease.goto_home()
        except (LeaseRefused, LeaseLost):
            # Somebody else uses the camera; it is parked when they are done.
            self._idle_since = self._clock.now()
            return
        except (PtzError, CameraError) as error:
            # It has no home, or does not go there: once is enough, until it is sent out again.
            self._note_fault(str(error))
        self._away = False
