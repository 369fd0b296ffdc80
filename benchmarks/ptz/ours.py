"""The product's own pursuit: the real estimator, controller, director and arbiter, before simulated cameras."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from benchmarks.ptz.course import VIDEO_DELAY_S, Belief, Course, Stage, is_frame
from benchmarks.ptz.head import ASPECT, COMMAND_DELAY_S, CURVE, HOME, REPORT_LAG_S, HeadClass
from benchmarks.ptz.scenes import ORDER_S, Scene
from benchmarks.ptz.sight import CALIBRATED_OVERVIEW, EXPOSURE_S, TRUE_OVERVIEW, Eyes
from engine.cameras.protocols import MotorCapabilities
from engine.captures import CaptureRecorder, Snapshot
from engine.core.bus import Bus
from engine.core.events import CaptureTaken, Event, RuleKind, RuleTriggered
from engine.core.geometry import Point
from engine.core.values import Frame, TrackUpdate
from engine.linkage import Framing, LinkDirector, LinkSettings, NoTarget
from engine.ptz import Arbiter, ArbiterSettings, MotorSpeeds

FRAMING = Framing(0.5, 50.0, ASPECT, CURVE.narrowest_deg, CURVE.widest_deg)
_RULE = "everybody"
_PICTURE = np.random.default_rng(1).integers(0, 255, (90, 160, 3), dtype=np.uint8)
"""All captures show noise: it is sharp, and costs nothing."""


class _Sink:
    async def add(self, capture: CaptureTaken, *, picture: bytes, background: bytes) -> CaptureTaken:
        """Keeps nothing: the truth tells what was captured."""
        del picture, background
        return capture


async def _snapshot(channel: str, at: float | None) -> Snapshot:
    return Frame(channel, _PICTURE, at or 0.0, at or 0.0, 0)


async def _inline(function: Callable[[], tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    """In the event loop: under a virtual clock threads would be outside time."""
    return function()


async def pursue(scene: Scene, head: HeadClass, capabilities: MotorCapabilities, seed: int) -> Course:
    """One run."""
    stage = Stage(scene, head, capabilities)
    bus: Bus[Event] = Bus()
    # Both delays as they are measured when a camera is set up.
    settings = ArbiterSettings(
        speeds=MotorSpeeds(head.speed, head.speed, 0.4),
        home=HOME,
        command_delay_s=COMMAND_DELAY_S,
        report_delay_s=REPORT_LAG_S,
    )
    arbiter = Arbiter("ptz", CURVE, stage.clock, bus, settings=settings)
    link = LinkDirector(
        LinkSettings(link_id="yard", overview="overview", ptz="ptz", framing=FRAMING, rules={_RULE: 50}),
        CALIBRATED_OVERVIEW,
        arbiter,
        clock=stage.clock,
        bus=bus,
        snapshotter=_snapshot,
        recorder=CaptureRecorder(_Sink(), bus, stage.clock, _inline),
    )
    desk = _Desk(stage, link, arbiter, seed)
    await arbiter.start(stage.head)
    await link.start()
    try:
        return await stage.play(desk.step, desk.belief)
    finally:
        await link.close()
        await arbiter.close()


class _Desk:
    """Brings the pictures to the engine, and gives the orders."""

    def __init__(self, stage: Stage, link: LinkDirector, arbiter: Arbiter, seed: int) -> None:
        self._stage = stage
        self._link = link
        self._arbiter = arbiter
        self._overview = Eyes("overview", stage.scene.targets, seed)
        self._ptz = Eyes("ptz", stage.scene.targets, seed)
        self._under_way: deque[float] = deque()
        self._ordered = False
        self._told: set[str] = set()

    async def step(self) -> None:
        """Pictures come and go."""
        t = self._stage.t
        if is_frame(t):
            self._under_way.append(t)
        while self._under_way and self._under_way[0] <= t - VIDEO_DELAY_S + 1e-6:
            self._deliver(self._under_way.popleft())
        if t >= ORDER_S - 1e-6 and not self._ordered and self._stage.scene.wanted:
            self._ordered = True
            await self._order(t)

    def _deliver(self, t: float) -> None:
        at = self._stage.began + t
        overview = self._overview.overview(t, at)
        self._link.on_tracks(overview)
        pose, before = self._stage.pose_at(t), self._stage.pose_at(t - EXPOSURE_S)
        self._link.on_tracks(self._ptz.ptz(t, at, pose, before, self._arbiter.pose_at(at)))
        if not self._stage.scene.wanted and self._stage.t >= ORDER_S:
            self._tell_rule(overview)

    def _tell_rule(self, update: TrackUpdate) -> None:
        for track in update.tracks:
            if track.confirmed and track.track_id not in self._told:
                self._told.add(track.track_id)
                self._link.on_rule(
                    RuleTriggered(
                        at=self._stage.clock.now(),
                        rule_id=_RULE,
                        rule_kind=RuleKind.INTRUSION,
                        channel="overview",
                        track_id=track.track_id,
                        target_type=track.target_type,
                        box=track.box,
                        active=True,
                    )
                )

    async def _order(self, t: float) -> None:
        """Somebody clicks on the target in the picture that they see."""
        wanted = next(one for one in self._stage.scene.targets if one.name == self._stage.scene.wanted)
        look = wanted.look(t - VIDEO_DELAY_S)
        point = None if look is None else TRUE_OVERVIEW.point(look.direction)
        if point is None:
            raise NoTarget(f"{wanted.name} cannot be clicked on")
        await self._link.track(point=Point(point.x, point.y))

    def belief(self) -> Belief | None:
        """What the engine takes to be true."""
        estimate = self._link.estimate()
        return None if estimate is None else Belief(estimate.direction, estimate.height_deg)
