"""Stop, look, move: what the best open tracker does, by its published behaviour. For comparison only.

It looks at pictures only while the head stands still, draws a line through where the target was in those, and makes one
relative move to where it will be when the move has ended. The overview's part is a gift: it is sent to where the target
is when the order comes, and told where its own head looks without any lag.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from benchmarks.ptz.course import VIDEO_DELAY_S, Belief, Course, Stage, is_frame
from benchmarks.ptz.head import ASPECT, COMMAND_DELAY_S, CURVE, VARIANTS, HeadClass
from benchmarks.ptz.ours import FRAMING
from benchmarks.ptz.scenes import ORDER_S, Scene
from benchmarks.ptz.sight import EXPOSURE_S, Eyes
from engine.core.geometry import Direction, Pose, wrap_deg
from engine.core.values import Track

_MEMORY = 10
_MEMORY_S = 3.0
_DEAD_ZONE = 0.08
_REZOOM = 0.25
"""In the logarithm of the field of view."""
_NEAR = 0.35
"""How far from where it is expected (in widths of the picture) a track of another name may be taken for the target."""
_WIDEN_AFTER_S = 2.5
_NEXT_AFTER_S = 3.0
"""So long it stays with each where there are many, once it stands."""
_GIVE_UP_S = 8.0


async def stop_look_move(scene: Scene, head: HeadClass, seed: int) -> Course:
    """One run."""
    stage = Stage(scene, head, VARIANTS["everything"])
    tracker = _StopLookMove(stage, head, seed)
    course = await stage.play(tracker.step, tracker.belief)
    course.processed = tracker.looked / max(tracker.frames, 1)
    return course


class _StopLookMove:
    def __init__(self, stage: Stage, head: HeadClass, seed: int) -> None:
        self._stage = stage
        self._head = head
        self._eyes = Eyes("ptz", stage.scene.targets, seed)
        self._under_way: deque[float] = deque()
        self._memory: deque[tuple[float, Direction, float]] = deque(maxlen=_MEMORY)
        self._track_id: str | None = None
        self._busy_until = math.inf
        self._seen_at = 0.0
        self._sent_to_at = 0.0
        self._queue = [one.name for one in stage.scene.targets if scene_wants(stage.scene, one.name)]
        self.frames = self.looked = 0

    async def step(self) -> None:
        """Looks, while the head stands still."""
        t = self._stage.t
        if t >= ORDER_S - 1e-6 and self._must_go_on(t):
            await self._begin(t)
        if is_frame(t):
            self._under_way.append(t)
        while self._under_way and self._under_way[0] <= t - VIDEO_DELAY_S + 1e-6:
            taken = self._under_way.popleft()
            if t >= ORDER_S:
                self.frames += 1
                if taken > self._busy_until and not self._is_moving():
                    self.looked += 1
                    await self._look(taken, t)

    def _must_go_on(self, t: float) -> bool:
        if not self._queue:
            return False
        if math.isinf(self._busy_until):
            return True
        return t - self._busy_until > _NEXT_AFTER_S or t - self._sent_to_at > _GIVE_UP_S

    async def _begin(self, t: float) -> None:
        name = self._queue.pop(0)
        look = next(one for one in self._stage.scene.targets if one.name == name).look(t - VIDEO_DELAY_S)
        if look is None:
            return
        self._memory.clear()
        self._track_id = None
        self._memory.append((t - VIDEO_DELAY_S, look.direction, look.height_deg))
        self._seen_at = self._sent_to_at = t
        hfov = min(FRAMING.hfov_for(look.height_deg) * 2, CURVE.widest_deg)
        await self._move(look.direction, hfov, t)

    def _is_moving(self) -> bool:
        state = self._stage.dynamics.state_at(self._stage.clock.now())
        return state.pan_tilt_moving or state.zoom_moving

    async def _look(self, taken: float, now: float) -> None:
        pose = self._stage.pose_at(taken)
        at = self._stage.began + taken
        before = self._stage.pose_at(taken - EXPOSURE_S)
        update = self._eyes.ptz(taken, at, pose, before, pose)
        track = self._target_among(update.tracks, pose, taken)
        if track is None:
            await self._widen(pose, now)
            return
        self._track_id = track.track_id
        self._seen_at = now
        top = pose.direction_of(track.box.centre, ASPECT)
        self._memory.append((taken, top, _height_deg(track, pose)))
        await self._correct(pose, now)

    def _target_among(self, tracks: tuple[Track, ...], pose: Pose, taken: float) -> Track | None:
        seen = [track for track in tracks if track.detected]
        own = next((track for track in seen if track.track_id == self._track_id), None)
        if own is not None:
            return own
        expected = pose.point_of(self._expected(taken)[0], ASPECT)
        if expected is None:
            return None
        near = [
            (math.hypot(one.box.centre.x - expected.x, (one.box.centre.y - expected.y) / ASPECT), one) for one in seen
        ]
        distance, track = min(near, key=lambda known: known[0], default=(math.inf, None))
        return track if distance < _NEAR else None

    async def _widen(self, pose: Pose, now: float) -> None:
        if now - self._seen_at > _WIDEN_AFTER_S and pose.hfov_deg < 0.9 * CURVE.widest_deg:
            self._seen_at = now
            await self._move(pose.direction, min(pose.hfov_deg * 2, CURVE.widest_deg), now)

    async def _correct(self, pose: Pose, now: float) -> None:
        hfov = FRAMING.hfov_for(self._memory[-1][2])
        direction, _ = self._expected(now)
        # The move itself takes its time: twice round is near enough.
        for _ in range(2):
            direction, _ = self._expected(now + self._move_s(pose.direction, direction))
        off = pose.direction.angle_to(direction)
        rezoom = abs(math.log(hfov / pose.hfov_deg)) > _REZOOM
        if off > _DEAD_ZONE * pose.hfov_deg or rezoom:
            await self._move(direction, hfov if rezoom else None, now)

    def _move_s(self, start: Direction, end: Direction) -> float:
        return COMMAND_DELAY_S + start.angle_to(end) / self._head.speed

    async def _move(self, direction: Direction, hfov_deg: float | None, now: float) -> None:
        pose = self._stage.pose_at(now)
        zoom = 0.0 if hfov_deg is None else CURVE.zoom(hfov_deg) - CURVE.zoom(pose.hfov_deg)
        await self._stage.head.move_relative(
            pan_deg=wrap_deg(direction.pan_deg - pose.pan_deg), tilt_deg=direction.tilt_deg - pose.tilt_deg, zoom=zoom
        )
        self._busy_until = now + COMMAND_DELAY_S + 0.05
        self._seen_at = max(self._seen_at, now - 1.0)

    def _expected(self, t: float) -> tuple[Direction, float]:
        """Where the target is by a line through where it was."""
        known = [one for one in self._memory if self._memory[-1][0] - one[0] <= _MEMORY_S]
        last = known[-1]
        if len(known) < 3:
            return last[1], last[2]
        times = np.array([one[0] for one in known]) - last[0]
        pans = np.array([wrap_deg(one[1].pan_deg - last[1].pan_deg) for one in known])
        tilts = np.array([one[1].tilt_deg for one in known])
        ahead = t - last[0]
        pan = float(np.polyval(np.polyfit(times, pans, 1), ahead))
        tilt = float(np.polyval(np.polyfit(times, tilts, 1), ahead))
        return Direction(wrap_deg(last[1].pan_deg + pan), min(max(tilt, -90.0), 20.0)), last[2]

    def belief(self) -> Belief | None:
        """Where the line ends now."""
        return Belief(*self._expected(self._stage.t)) if self._memory else None


def scene_wants(scene: Scene, name: str) -> bool:
    """Whether a scene's order is for somebody."""
    return scene.wanted in {"", name}


def _height_deg(track: Track, pose: Pose) -> float:
    half = math.tan(math.radians(pose.hfov_deg) / 2)
    return 2 * math.degrees(math.atan(track.box.height * half / ASPECT))
