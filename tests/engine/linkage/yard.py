"""A little world for the linkage tests: targets with paths, an overview, a PTZ camera, and an oracle that watches."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from simulated_motors import EVERYTHING, SimulatedMotors

from engine.captures import CaptureRecorder
from engine.core.bus import Bus
from engine.core.clock import VirtualClock
from engine.core.events import CaptureTaken, RuleKind, RuleTriggered, StorageError, TrackingEnded, TrackingStarted
from engine.core.geometry import Box, Direction, Pose
from engine.core.values import TargetType, Track, TrackUpdate
from engine.core.zoom import ZoomCurve
from engine.linkage import Director, Framing, LinkDirector, LinkModel, LinkSettings
from engine.linkage.measuring import box_in_picture
from engine.ptz import Arbiter, ArbiterSettings, Limits, MotorSpeeds

CURVE = ZoomCurve(((0.0, 60.0), (1.0, 4.0)))
ASPECT = 16 / 9
SOMEWHERE = Box(0.4, 0.4, 0.1, 0.2)


@dataclass
class Target:
    """`path` gives (x to the right, y forward) in metres at seconds from the start; None while it is not there."""

    name: str
    path: Callable[[float], tuple[float, float] | None]
    height_m: float = 1.75
    target_type: TargetType = TargetType.PERSON
    hidden: tuple[tuple[float, float], ...] = ()
    ptz_only: bool = False

    def look(self, t):
        """Its middle's direction and angular height from a camera 4 m above the ground; None while not there."""
        place = self.path(t)
        if place is None:
            return None
        x, y = place
        ground = math.hypot(x, y)
        low = math.degrees(math.atan2(-4.0, ground))
        high = math.degrees(math.atan2(self.height_m - 4.0, ground))
        return Direction(math.degrees(math.atan2(x, y)), (low + high) / 2), high - low

    def is_hidden(self, t):
        return any(start <= t < end for start, end in self.hidden)


def line(start, velocity, begin=0.0, end=math.inf):
    """A path straight on."""

    def path(t):
        if not begin <= t < end:
            return None
        return start[0] + velocity[0] * (t - begin), start[1] + velocity[1] * (t - begin)

    return path


def wander(start, speed, seed, turn_s=2.0):
    """A path of straight pieces with sharp turns, the way people stroll about; it keeps within some metres."""
    rng = random.Random(seed)
    points = [start]
    for _ in range(100):
        heading = rng.uniform(0, 2 * math.pi)
        x, y = points[-1][0] + speed * turn_s * math.cos(heading), points[-1][1] + speed * turn_s * math.sin(heading)
        points.append((min(max(x, start[0] - 6), start[0] + 6), min(max(y, start[1] - 4), start[1] + 4)))

    def path(t):
        index, part = int(t // turn_s), t % turn_s / turn_s
        (ax, ay), (bx, by) = points[index], points[index + 1]
        return ax + (bx - ax) * part, ay + (by - ay) * part

    return path


class MemorySink:
    """Keeps captures in memory; refuses them while `fault` is set."""

    def __init__(self):
        self.kept = []
        self.fault = None

    async def add(self, capture, *, picture, background):
        if self.fault:
            raise self.fault
        assert picture[:2] == b"\xff\xd8"
        assert background[:2] == b"\xff\xd8"
        self.kept.append(capture)
        return capture


@dataclass
class Snap:
    image: np.ndarray
    captured_at: float


async def inline(function):
    """Encodes in the event loop: under a virtual clock threads would be outside time."""
    return function()


@dataclass
class Yard:
    """Runs everything under a virtual clock, with the noise and delays of real video."""

    targets: list[Target]
    overview: bool = True
    ptz_detects: bool = True
    model: LinkModel | None = field(default_factory=lambda: LinkModel("pinhole", ASPECT, (0.0, -15.0, 0.0), 90.0))
    capabilities: object = EVERYTHING
    settings: dict = field(default_factory=dict)
    framing: Framing = field(default_factory=lambda: Framing(0.5, 50.0, ASPECT, 4.0, 60.0))
    limits: Limits = field(default_factory=Limits)
    start_pose: tuple[float, float, float] = (-60.0, -10.0, 0.0)
    noise: float = 0.02
    video_delay: float = 0.35
    overview_fps: float = 5.0
    ptz_fps: float = 5.0
    calibration_error: tuple[float, float] = (0.3, -0.2)
    seed: int = 1
    feeds_dead: tuple[tuple[float, float], ...] = ()
    names: dict = field(default_factory=dict)
    first_seen: dict = field(default_factory=dict)

    def __post_init__(self):
        self.random = random.Random(self.seed)
        self.clock = VirtualClock()
        self.t0 = self.clock.now()
        self.bus = Bus()
        self.events = self.bus.subscribe(100000)
        pan, tilt, zoom = self.start_pose
        self.motors = SimulatedMotors(self.clock, self.capabilities, pan=pan, tilt=tilt, zoom=zoom)
        arbiter_settings = ArbiterSettings(
            limits=self.limits, speeds=MotorSpeeds(100.0, 60.0, 0.4), home=Pose(-60.0, -10.0, 60.0)
        )
        self.arbiter = Arbiter("ptz", CURVE, self.clock, self.bus, settings=arbiter_settings)
        self.sink = MemorySink()
        recorder = CaptureRecorder(self.sink, self.bus, self.clock, inline)
        settings = LinkSettings(
            link_id="yard",
            overview="overview" if self.overview else None,
            ptz="ptz",
            framing=self.framing,
            rules={"low": 10, "middle": 50, "high": 90},
            **self.settings,
        )
        self.link = LinkDirector(
            settings,
            self.model if self.overview else None,
            self.arbiter,
            clock=self.clock,
            bus=self.bus,
            snapshotter=self.snapshot,
            recorder=recorder,
        )
        self.director = Director([self.link])
        self.offsets = {}
        self.framed = []
        self._pending = []
        self._first_seen = {}

    async def snapshot(self, channel, at):
        rng = np.random.default_rng(int(at * 10) % 1000)
        return Snap(rng.integers(0, 255, (180, 320, 3), dtype=np.uint8), at)

    async def open(self):
        await self.arbiter.start(self.motors)
        await self.director.start()

    async def close(self):
        await self.director.close()
        await self.arbiter.close()

    @property
    def t(self):
        return self.clock.now() - self.t0

    async def run(self, seconds, rule=None):
        """Runs on; `rule` is triggered for every overview track when it appears."""
        step = 0.02
        for _ in range(round(seconds / step)):
            await self.clock.advance(step)
            self._tick(rule)

    def _tick(self, rule):
        self.motors.settle()
        index = round(self.t / 0.02)
        if self.overview and index % round(50 / self.overview_fps) == 0:
            self._pending.append((self.t + self.video_delay, self._overview_update(self.t)))
        if index % round(50 / self.ptz_fps) == 0:
            self._pending.append((self.t + self.video_delay, self._ptz_update(self.t)))
        for due, update in [entry for entry in self._pending if entry[0] <= self.t]:
            self._pending.remove((due, update))
            if any(start <= self.t < end for start, end in self.feeds_dead):
                continue
            self.director.on_tracks(update)
            if rule and update.channel == "overview":
                self._trigger(rule, update)
        self._watch()

    def _trigger(self, rule, update):
        for track in update.tracks:
            if track.track_id not in self._first_seen:
                self._first_seen[track.track_id] = self.t
                self.trigger(rule if isinstance(rule, str) else rule(track.track_id), track.track_id, track.box)

    def end(self, rule, track_id):
        """The rule's condition is over."""
        self.trigger(rule, track_id, active=False)

    def trigger(self, rule, track_id, box=SOMEWHERE, *, active=True):
        self.director.on_rule(
            RuleTriggered(
                at=self.clock.now(),
                rule_id=rule,
                rule_kind=RuleKind.INTRUSION,
                channel="overview",
                track_id=track_id,
                target_type=TargetType.PERSON,
                box=box,
                active=active,
            )
        )

    def _track(self, name, channel, target, box, at):
        def jitter(scale):
            return self.random.gauss(0, self.noise * scale)

        box = Box(
            box.x + jitter(box.width),
            box.y + jitter(box.height),
            box.width * (1 + jitter(1)),
            box.height * (1 + jitter(1)),
        )
        since = self.t0 + self.first_seen.get(name, at - 1 - self.t0)
        return Track(name, channel, target.target_type, box, 0.8, at, since, True, True)

    def name_of(self, target, t):
        """The overview's track name, which may change with time."""
        names = self.names.get(target.name, ())
        current = target.name
        for since, name in names:
            if t >= since:
                current = name
        return current

    def _overview_update(self, t):
        at = self.t0 + t
        tracks = []
        for target in self.targets:
            look = target.look(t)
            if look is None or target.is_hidden(t) or target.ptz_only:
                continue
            direction, height = look
            off = Direction(
                direction.pan_deg + self.calibration_error[0], direction.tilt_deg + self.calibration_error[1]
            )
            centre = self.model.point(off)
            top = self.model.point(Direction(off.pan_deg, off.tilt_deg + height / 2))
            if centre is None or not 0 <= centre.x <= 1 or not 0 <= centre.y <= 1:
                continue
            tall = 2 * (centre.y - top.y)
            box = Box(centre.x - tall * 0.4 / ASPECT / 2, centre.y - tall / 2, tall * 0.4 / ASPECT, tall)
            tracks.append(self._track(self.name_of(target, t), "overview", target, box, at))
        return TrackUpdate("overview", at, tuple(tracks), ASPECT)

    def pose(self):
        return Pose(self.motors.pan, self.motors.tilt, CURVE.hfov_deg(self.motors.zoom))

    def _ptz_update(self, t):
        at = self.t0 + t
        pose = self.pose()
        tracks = []
        for target in self.targets:
            look = target.look(t)
            if look is None or target.is_hidden(t) or not self.ptz_detects:
                continue
            box = box_in_picture(look[0], look[1], target.target_type, pose, ASPECT)
            if box is None or box.clipped().area < 0.5 * box.area or not 0.06 < box.height < 1.5:
                continue
            tracks.append(self._track(f"ptz-{target.name}", "ptz", target, box.clipped(), at))
        return TrackUpdate("ptz", at, tuple(tracks), ASPECT)

    def _watch(self):
        """The oracle: how far each target is off the middle of the PTZ picture, as a fraction of its width."""
        pose = self.pose()
        for target in self.targets:
            look = target.look(self.t)
            if look is None:
                continue
            point = pose.point_of(look[0], ASPECT)
            inside = point is not None and 0 <= point.x <= 1 and 0 <= point.y <= 1
            off = math.inf if point is None else math.hypot(point.x - 0.5, (point.y - 0.5) / ASPECT)
            ratio = Framing(aspect=ASPECT).ratio_at(look[1], pose.hfov_deg)
            self.offsets.setdefault(target.name, []).append((self.t, inside, off, ratio))

    def since(self, name, t, until=math.inf):
        """(share of the time out of view, median offset, median height ratio) of a target."""
        rows = [row for row in self.offsets[name] if t <= row[0] < until]
        out = sum(not row[1] for row in rows) / len(rows)
        return out, sorted(row[2] for row in rows)[len(rows) // 2], sorted(row[3] for row in rows)[len(rows) // 2]

    def told(self, kind):
        """The events of a kind so far."""
        return [event for event in self.events._queue if isinstance(event, kind)]

    @property
    def captures(self):
        return self.told(CaptureTaken)

    @property
    def ended(self):
        return self.told(TrackingEnded)

    @property
    def started(self):
        return self.told(TrackingStarted)

    @property
    def storage_errors(self):
        return self.told(StorageError)
