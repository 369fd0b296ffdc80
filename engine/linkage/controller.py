"""Keeps a PTZ camera on a moving target: which command to send now, if any.

Far from the target: one absolute move to where they will meet. Near it: velocities, the target's own plus a share of
what is still missing, both taken for the moment when the command has its effect. A target that stands in the middle
of the picture causes no commands at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.core.geometry import Direction, Pose
from engine.linkage.estimator import Estimate
from engine.linkage.model import Framing
from engine.ptz import Arbiter, Lease

GAIN = 5.0
"""Degrees a second for each degree that is missing, as long as that can be braked away."""
BRAKES = 0.6
"""The share of the motors' acceleration that is counted on for braking."""
FAR = 1.0
"""Missing more than this fraction of the picture's width the camera slews; below `NEAR` it follows again."""
NEAR = 0.8
DEAD_ZONE = 0.06
"""A standing target may be off the middle by this fraction of the picture's width."""
SETTLED = 0.03
RESTLESS_S = 0.15
"""A standing camera follows a target that is just outside the dead zone, or seems to move, when that lasts so long."""
STILL_PER_S = 0.05
"""A target slower than this fraction of the picture's width a second, or than what is not known of its speed (one
standard deviation), counts as standing."""
RESEND_S = 0.5
"""How often a slew is corrected at most."""
STEP_S = 0.25
"""How often a camera without continuous moves is sent on."""
ZOOM_STEP = 0.12
"""Zoom moves smaller than this (in the logarithm of the field of view) are not worth the blur."""
ZOOM_EVERY_S = 0.4
CERTAINTY = 7.0
"""The picture is at least so many standard deviations of the target's direction wide."""
LOOK_AHEAD_S = 0.45
"""The picture is at least so wide that the target needs so many seconds across it."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What the camera should do: look there (at the time when a command has its effect), that wide, moving so fast.

    `rate_sigma_dps` is how well that speed is known: a standard deviation.
    """

    direction: Direction
    pan_rate_dps: float
    tilt_rate_dps: float
    hfov_deg: float
    rate_sigma_dps: float = 0.0


@dataclass(frozen=True, slots=True)
class _Gap:
    """What is missing between where the camera will look and where it should, in pan and tilt degrees."""

    pose: Pose
    pan_deg: float
    tilt_deg: float

    @property
    def squeeze(self) -> float:
        """Degrees of arc for a degree of pan, at this tilt."""
        return math.cos(math.radians(self.pose.tilt_deg))

    @property
    def off_deg(self) -> float:
        """The distance, in degrees of arc."""
        return math.hypot(self.pan_deg * self.squeeze, self.tilt_deg)


def aim_at(estimate: Estimate, framing: Framing) -> Aim:
    """Frames a target as asked, wider when it is fast or its place is not well known."""
    tilt = framing.aim_tilt(estimate.direction.tilt_deg, estimate.height_deg)
    wanted = framing.hfov_for(estimate.height_deg)
    enough = max(CERTAINTY * estimate.sigma_deg, LOOK_AHEAD_S * estimate.speed_dps)
    return Aim(
        Direction(estimate.direction.pan_deg, min(max(tilt, -90.0), 90.0)),
        estimate.pan_rate_dps,
        estimate.tilt_rate_dps,
        min(max(wanted, enough), framing.widest_deg),
        estimate.rate_sigma_dps,
    )


def _closing(gap_deg: float, acceleration_dps2: float) -> float:
    """How fast to close a gap so that it can still be braked away, in degrees a second."""
    fastest = math.sqrt(2 * BRAKES * acceleration_dps2 * abs(gap_deg))
    return math.copysign(min(GAIN * abs(gap_deg), fastest), gap_deg)


class Controller:
    """The commands for one pursuit on one camera."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter
        self._slewing = True
        self._moving = False
        self._restless_since: float | None = None
        self._sent_at = -math.inf
        self._sent_to: Direction | None = None
        self._zoomed_at = -math.inf
        self._zoomed_to: float | None = None

    @property
    def slewing(self) -> bool:
        """Whether the camera is on its way to the target, and not following it yet."""
        return self._slewing

    def restart(self) -> None:
        """The camera was somewhere else meanwhile."""
        self.__init__(self._arbiter)  # type: ignore[misc]

    def slew_seconds(self, direction: Direction) -> float:
        """How long the camera takes to a direction at full speed, roughly."""
        pose = self._arbiter.pose
        if pose is None:
            return 0.0
        speeds = self._arbiter.speeds
        pan = abs(self._arbiter.limits.pan_path(pose.pan_deg, direction.pan_deg)) / speeds.pan_dps
        return max(pan, abs(direction.tilt_deg - pose.tilt_deg) / speeds.tilt_dps)

    async def steer(self, lease: Lease, aim: Aim, now: float) -> None:
        """Sends what is needed. Raises what the lease's commands raise."""
        pose = self._arbiter.pose_in_effect()
        capabilities = self._arbiter.capabilities
        if pose is None or capabilities is None:
            await self._slew(lease, aim, now)
            return
        limits = self._arbiter.limits
        gap = _Gap(
            pose,
            limits.pan_path(pose.pan_deg, limits.clamp_pan(aim.direction.pan_deg)),
            limits.clamp_tilt(aim.direction.tilt_deg) - pose.tilt_deg,
        )
        # Measured in the wider of the two pictures: a slew towards a narrow one begins wide, and need not be exact.
        off = gap.off_deg / max(pose.hfov_deg, aim.hfov_deg)
        self._slewing = off > (NEAR if self._slewing else FAR)
        if self._slewing and (capabilities.absolute or not capabilities.continuous):
            await self._slew(lease, aim, now)
        elif capabilities.continuous:
            await self._follow(lease, aim, now, gap)
        else:
            await self._step(lease, aim, now, gap)

    async def _slew(self, lease: Lease, aim: Aim, now: float) -> None:
        seconds = min(self.slew_seconds(aim.direction), 3.0)
        meet = Direction(
            aim.direction.pan_deg + aim.pan_rate_dps * seconds, aim.direction.tilt_deg + aim.tilt_rate_dps * seconds
        )
        if self._sent_to is not None and now - self._sent_at < RESEND_S:
            return
        if self._sent_to is not None and self._sent_to.angle_to(meet) < 0.1 * aim.hfov_deg:
            return
        self._sent_at, self._sent_to = now, meet
        self._zoomed_at, self._zoomed_to = now, aim.hfov_deg
        self._moving = True
        await lease.move_to(meet, aim.hfov_deg)

    async def _follow(self, lease: Lease, aim: Aim, now: float, gap: _Gap) -> None:
        """Velocities; zoom goes with them on cameras that cannot be told a zoom position."""
        self._sent_to = None
        zoom = await self._zoom(lease, aim, now, gap.pose)
        resting = self._rests(aim, gap, now)
        if resting and not self._moving and not zoom:
            return
        pan_dps = tilt_dps = 0.0
        if not resting:
            speeds = self._arbiter.speeds
            pan_dps = aim.pan_rate_dps + _closing(gap.pan_deg, speeds.pan_dps / speeds.ramp_s)
            tilt_dps = aim.tilt_rate_dps + _closing(gap.tilt_deg, speeds.tilt_dps / speeds.ramp_s)
        self._moving = not resting or bool(zoom)
        await lease.move_velocity(pan_dps=pan_dps, tilt_dps=tilt_dps, zoom_per_s=zoom)

    def _rests(self, aim: Aim, gap: _Gap, now: float) -> bool:
        speed = math.hypot(aim.pan_rate_dps * gap.squeeze, aim.tilt_rate_dps)
        width = gap.pose.hfov_deg
        still = max(STILL_PER_S * width, aim.rate_sigma_dps)
        if self._moving:
            self._restless_since = None
            return gap.off_deg < SETTLED * width and speed < still
        if gap.off_deg < DEAD_ZONE * width and speed < 2 * still:
            self._restless_since = None
            return True
        if self._restless_since is None:
            self._restless_since = now
        return gap.off_deg < 2 * DEAD_ZONE * width and now - self._restless_since < RESTLESS_S

    async def _zoom(self, lease: Lease, aim: Aim, now: float, pose: Pose) -> float | None:
        """Sends an absolute zoom where that is possible; otherwise returns the zoom velocity to go with the pan."""
        capabilities = self._arbiter.capabilities
        if capabilities is None or not capabilities.zoom:
            return None
        curve = self._arbiter.zoom_curve
        if not capabilities.absolute:
            missing = curve.zoom(aim.hfov_deg) - curve.zoom(pose.hfov_deg)
            return 0.0 if abs(missing) < 0.02 else min(max(2.0 * missing, -0.3), 0.3)
        goal = pose.hfov_deg if self._zoomed_to is None else self._zoomed_to
        if now - self._zoomed_at >= ZOOM_EVERY_S and abs(math.log(aim.hfov_deg / goal)) > ZOOM_STEP:
            self._zoomed_at, self._zoomed_to = now, aim.hfov_deg
            await lease.move_absolute(zoom=curve.zoom(aim.hfov_deg))
        return None

    async def _step(self, lease: Lease, aim: Aim, now: float, gap: _Gap) -> None:
        """Absolute moves one after the other, a little ahead of the target, at the speed that gets there in time."""
        if now - self._sent_at < STEP_S:
            return
        rezoom = abs(math.log(aim.hfov_deg / (self._zoomed_to or gap.pose.hfov_deg))) > ZOOM_STEP
        resting = self._rests(aim, gap, now)
        self._moving = not resting
        if resting and not rezoom:
            return
        self._sent_at, self._sent_to = now, None
        if rezoom:
            self._zoomed_to = aim.hfov_deg
        speed = math.hypot(aim.pan_rate_dps, aim.tilt_rate_dps) + GAIN * gap.off_deg
        ahead = Direction(
            aim.direction.pan_deg + aim.pan_rate_dps * STEP_S, aim.direction.tilt_deg + aim.tilt_rate_dps * STEP_S
        )
        slowest = min(self._arbiter.speeds.pan_dps, self._arbiter.speeds.tilt_dps)
        await lease.move_to(ahead, aim.hfov_deg if rezoom else None, min(max(speed / slowest, 0.02), 1.0))
