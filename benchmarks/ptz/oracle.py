"""Who knows the truth, the future included: nothing holds it back but the motors and the command's delay."""

from __future__ import annotations

import math

from benchmarks.ptz.course import Belief, Course, Stage
from benchmarks.ptz.head import COMMAND_DELAY_S, CURVE, VARIANTS, HeadClass
from benchmarks.ptz.measures import is_captured
from benchmarks.ptz.ours import FRAMING
from benchmarks.ptz.scenes import ORDER_S, Scene
from benchmarks.ptz.world import Look, Target
from engine.core.geometry import wrap_deg
from engine.linkage import LinkSettings

_GAIN_PER_S = 8.0
_DIFFERENCE_S = 0.05
_BRAKES = 0.7
"""The share of the acceleration that it counts on."""
_ZOOM_GAIN_PER_S = 6.0


async def foresee(scene: Scene, head: HeadClass) -> Course:
    """One run."""
    stage = Stage(scene, head, VARIANTS["everything"])
    seer = _Seer(stage, head)
    return await stage.play(seer.step, seer.belief)


class _Seer:
    def __init__(self, stage: Stage, head: HeadClass) -> None:
        self._stage = stage
        self._head = head
        self._dwell_s = LinkSettings(link_id="yard", ptz="ptz").dwell_s
        self._done: set[str] = set()
        self._target: Target | None = None
        self._framed_since: float | None = None

    async def step(self) -> None:
        """Tells the motors what brings them to where the target will be."""
        t = self._stage.t
        if t < ORDER_S - 1e-6:
            return
        self._choose(t)
        if self._target is None:
            return
        effect = t + COMMAND_DELAY_S
        look, later = self._target.look(effect), self._target.look(effect + _DIFFERENCE_S)
        if look is None or later is None:
            return
        state = self._stage.dynamics.state_at(self._stage.began + effect)
        pan_rate = wrap_deg(later.direction.pan_deg - look.direction.pan_deg) / _DIFFERENCE_S
        tilt_rate = (later.direction.tilt_deg - look.direction.tilt_deg) / _DIFFERENCE_S
        aim_tilt = FRAMING.aim_tilt(look.direction.tilt_deg, look.height_deg)
        pan = self._velocity(wrap_deg(look.direction.pan_deg - state.pan.position), pan_rate)
        tilt = self._velocity(aim_tilt - state.tilt.position, tilt_rate)
        missing = CURVE.zoom(FRAMING.hfov_for(look.height_deg)) - state.zoom.position
        zoom = min(max(_ZOOM_GAIN_PER_S * missing / 0.4, -1.0), 1.0)
        self._stage.dynamics.move_continuous(self._stage.clock.now(), pan=pan, tilt=tilt, zoom=zoom)

    def _velocity(self, gap_deg: float, rate_dps: float) -> float:
        """The target's own rate, and as much more as can still be braked away."""
        reachable = math.sqrt(2 * _BRAKES * self._head.acceleration * abs(gap_deg))
        more = math.copysign(min(reachable, _GAIN_PER_S * abs(gap_deg)), gap_deg)
        return min(max((rate_dps + more) / self._head.speed, -1.0), 1.0)

    def _choose(self, t: float) -> None:
        """The one that is wanted; or each in turn, the nearest first, for as long as the product stays."""
        scene = self._stage.scene
        if scene.wanted:
            self._target = next(one for one in scene.targets if one.name == scene.wanted)
            return
        if self._target is not None and self._is_finished(self._target, t):
            self._done.add(self._target.name)
            self._target, self._framed_since = None, None
        if self._target is None:
            pose = self._stage.pose_at(t)
            looks = [(one, one.look(t)) for one in scene.targets if one.name not in self._done]
            there = [(one, look) for one, look in looks if look is not None]
            self._target = min(
                there, key=lambda known: pose.direction.angle_to(known[1].direction), default=(None, None)
            )[0]

    def _is_finished(self, target: Target, t: float) -> bool:
        look = target.look(t)
        if look is None:
            return True
        if self._framed_since is None and is_captured(look, self._stage.pose_at(t)):
            self._framed_since = t
        return self._framed_since is not None and t - self._framed_since >= self._dwell_s

    def belief(self) -> Belief | None:
        """The truth."""
        look: Look | None = None if self._target is None else self._target.look(self._stage.t)
        return None if look is None else Belief(look.direction, look.height_deg)
