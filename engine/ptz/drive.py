"""Turns wishes (go there, turn that fast) into what the motors can do, and keeps every limit while they run."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.cameras.protocols import MotorCapabilities, Motors, MotorStatus
from engine.core.clock import Clock
from engine.core.geometry import wrap_deg
from engine.ptz.command_log import CommandLog, Velocity
from engine.ptz.lease import PtzUnavailable
from engine.ptz.limits import Limits, MotorSpeeds

BRAKING_S = 0.5
"""Before a limit the velocity falls so that the rest of the way would take this long."""
RENEW_TURN_S = 10.0
"""How often a turn that goes on unchanged is told to the camera again."""
STEP_S = 0.4
"""How often a camera without continuous moves is sent a step further."""
SERVO_GAIN = 2.0
"""Velocity in degrees a second for each degree that is left, where absolute moves are made of continuous ones."""
TOLERANCE_DEG = 0.2
TOLERANCE_ZOOM = 0.01
LEG_DEG = 120.0
"""The longest way that is sent as one absolute move to a head that turns endlessly.

The rest up to a half turn is what a fast head may go on while its last known position grows old and a command is on its
way: from there, too, the way to the goal must be the shorter one.
"""


@dataclass(frozen=True, slots=True)
class _Goal:
    pan_deg: float | None
    tilt_deg: float | None
    zoom: float | None
    speed: float


@dataclass(slots=True)
class _Turn:
    """A continuous move, normalised."""

    pan: float
    tilt: float
    zoom: float | None
    sent_at: float = -math.inf
    sent: tuple[float, float, float | None] | None = None


class Drive:
    """The only caller of a channel's motors. Not safe for concurrent use: the arbiter's lock is held around it.

    `command_delay_s` is the time from a command to its first effect.
    """

    def __init__(self, clock: Clock, limits: Limits, speeds: MotorSpeeds, command_delay_s: float) -> None:
        self._clock = clock
        self._own_limits = limits
        self.limits = limits
        self.speeds = speeds
        self.command_delay_s = command_delay_s
        self.motors: Motors | None = None
        self.status: MotorStatus | None = None
        self._wish: _Goal | _Turn | None = None
        self._waypoint_pan: float | None = None
        self._place_sent_at = -math.inf
        self._log = CommandLog()

    def attach(self, motors: Motors) -> None:
        """Takes over motors; what was going on before is forgotten."""
        self.motors = motors
        self.status = None
        self._wish = None
        capabilities = motors.capabilities
        pan_range = None if capabilities.pan_endless else capabilities.pan_range_deg
        self.limits = self._own_limits.within(pan_range, capabilities.tilt_range_deg)

    def detach(self) -> None:
        """The motors are gone."""
        self.motors = None
        self.status = None
        self._wish = None

    @property
    def capabilities(self) -> MotorCapabilities | None:
        """What the motors can do; None while there are none."""
        return self.motors.capabilities if self.motors else None

    @property
    def turning(self) -> bool:
        """Whether a continuous move holds."""
        return isinstance(self._wish, _Turn)

    @property
    def busy(self) -> bool:
        """Whether something asked for is not finished, as far as is known."""
        return self._wish is not None or (self.status is not None and self.status.moving)

    @property
    def settled(self) -> bool:
        """Whether the last move has had its time to begin, and has ended."""
        return self._wish is None and self.status is not None and self._rests(self.status)

    def displacement(self, since: float) -> Velocity | None:
        """What the commands sent, whose effect lies between `since` and one command delay from now, add up to."""
        return self._log.displacement(since - self.command_delay_s, self._clock.now())

    async def absolute(self, pan_deg: float | None, tilt_deg: float | None, zoom: float | None, speed: float) -> None:
        """Starts a move to a place inside the limits, by whichever kind of move the camera has."""
        capabilities = self._require().capabilities
        goal = _Goal(
            None if pan_deg is None else self.limits.clamp_pan(pan_deg),
            None if tilt_deg is None else self.limits.clamp_tilt(tilt_deg),
            None if zoom is None or not capabilities.zoom else self.limits.clamp_zoom(zoom),
            min(max(speed, 0.01), 1.0),
        )
        if capabilities.absolute:
            await self._send_goal(goal)
        elif self.status is not None and (capabilities.continuous or capabilities.relative):
            self._wish = goal
            await self._approach(goal, self.status)
        else:
            raise PtzUnavailable("the camera has no absolute moves, and cannot say where it looks to make up for it")

    async def relative(self, pan_deg: float, tilt_deg: float, zoom: float, speed: float) -> None:
        """Starts a move by angles, cut off at the limits."""
        motors = self._require()
        status = self.status
        if status is None:
            if not motors.capabilities.relative:
                raise PtzUnavailable("the camera has no relative moves, and cannot say where it looks")
            await self._send_relative(pan_deg, tilt_deg, zoom, speed)
            return
        # Sent as a place: where a relative move ends depends on where the head is when the command arrives, and
        # that could be beyond a limit.
        await self.absolute(
            self.limits.pan_advance(status.pan_deg, pan_deg) if pan_deg else None,
            status.tilt_deg + tilt_deg if tilt_deg else None,
            status.zoom + zoom if zoom else None,
            speed,
        )

    async def velocity(self, pan: float, tilt: float, zoom: float | None) -> None:
        """Sets normalised velocities; what exceeds 1 is cut off. Zoom None leaves the lens alone."""
        capabilities = self._require().capabilities
        if not (capabilities.continuous or capabilities.absolute or capabilities.relative):
            raise PtzUnavailable("the camera has no moves at all")
        turn = _Turn(_unit(pan), _unit(tilt), None if zoom is None or not capabilities.zoom else _unit(zoom))
        self._waypoint_pan = None
        self._wish = turn
        await self._keep_turning(turn, force=True)

    async def stop(self, *, pan_tilt: bool = True, zoom: bool = True) -> None:
        """Stops the head, the lens or both."""
        motors = self._require()
        wish = self._wish
        if pan_tilt:
            self._log.add(self._clock.now(), Velocity())
        # Only then is it forgotten: a stop that was lost on the way is sent again at the end of the lease.
        await motors.stop(pan_tilt=pan_tilt, zoom=zoom)
        if pan_tilt and self._wish is wish:
            self._wish = None
            self._waypoint_pan = None
        elif isinstance(self._wish, _Turn):
            self._wish.zoom = None

    async def goto_camera_preset(self, token: str, speed: float) -> None:
        """Starts a move to a position that the camera keeps."""
        motors = self._require()
        self._begin_unknown_move()
        await motors.goto_preset(token, speed)

    async def goto_camera_home(self) -> None:
        """Starts a move to the camera's own home position."""
        motors = self._require()
        if not motors.capabilities.home:
            raise PtzUnavailable("no home position is configured, and the camera has none")
        self._begin_unknown_move()
        await motors.goto_home()

    async def on_status(self, status: MotorStatus) -> None:
        """Goes on with what was asked for, from a fresh status."""
        self.status = status
        if isinstance(self._wish, _Turn):
            await self._keep_turning(self._wish, force=False)
        elif isinstance(self._wish, _Goal):
            if self._waypoint_pan is None:
                await self._approach(self._wish, status)
            elif abs(wrap_deg(self._waypoint_pan - status.pan_deg)) < 20.0 or self._rests(status):
                await self._send_goal(self._wish)

    def _require(self) -> Motors:
        if self.motors is None:
            raise PtzUnavailable("the camera's motors cannot be reached now")
        return self.motors

    def _rests(self, status: MotorStatus) -> bool:
        """Whether the last move to a place has ended; one that was just sent has not begun yet."""
        return not status.moving and status.at - self._place_sent_at > self.command_delay_s + 0.2

    def _begin_unknown_move(self) -> None:
        self._wish = None
        self._waypoint_pan = None
        self._place_sent_at = self._clock.now()
        self._log.add(self._place_sent_at, None)

    async def _send_goal(self, goal: _Goal) -> None:
        """One absolute move; in legs where a head that turns endlessly might take the other way."""
        motors = self._require()
        pan = goal.pan_deg
        if pan is None and goal.tilt_deg is None:
            # The lens alone: what the head does goes on.
            await motors.move_absolute(zoom=goal.zoom, speed=goal.speed)
            return
        self._begin_unknown_move()
        status = self.status
        if pan is not None and status is not None and motors.capabilities.pan_endless:
            path = self.limits.pan_path(status.pan_deg, pan)
            # Also where the shorter way is the right one now: a head that still moves may have passed the middle.
            if abs(path) > LEG_DEG:
                pan = self.limits.pan_advance(status.pan_deg, math.copysign(LEG_DEG, path))
                self._wish, self._waypoint_pan = goal, pan
        await motors.move_absolute(
            pan_deg=self._as_camera_counts(pan), tilt_deg=goal.tilt_deg, zoom=goal.zoom, speed=goal.speed
        )

    def _as_camera_counts(self, pan_deg: float | None) -> float | None:
        """The same angle inside the camera's own range, which may be 0..350 where ours is -180..180."""
        capabilities = self._require().capabilities
        if pan_deg is None or capabilities.pan_endless or capabilities.pan_range_deg is None:
            return pan_deg
        left, right = capabilities.pan_range_deg
        turned = left + (pan_deg - left) % 360.0
        # Rounding just below the left stop must not become a full turn to the right.
        return left if turned > right and turned - 360.0 > left - 1.0 else turned

    async def _approach(self, goal: _Goal, status: MotorStatus) -> None:
        """One step of an absolute move that is made of continuous or relative ones, by looking where it got to."""
        pan = 0.0 if goal.pan_deg is None else self.limits.pan_path(status.pan_deg, goal.pan_deg)
        tilt = 0.0 if goal.tilt_deg is None else goal.tilt_deg - status.tilt_deg
        zoom = 0.0 if goal.zoom is None else goal.zoom - status.zoom
        arrived = max(abs(pan), abs(tilt)) < TOLERANCE_DEG and abs(zoom) < TOLERANCE_ZOOM
        motors = self._require()
        if motors.capabilities.continuous:
            if arrived:
                await self.stop()
                return
            coming = self.displacement(status.at) or Velocity()
            await self._send_velocity(
                _unit(SERVO_GAIN * (pan - coming.pan_dps) / self.speeds.pan_dps, goal.speed),
                _unit(SERVO_GAIN * (tilt - coming.tilt_dps) / self.speeds.tilt_dps, goal.speed),
                None if goal.zoom is None else _unit(SERVO_GAIN * (zoom - coming.zoom_per_s) / self.speeds.zoom_per_s),
            )
        elif arrived:
            self._wish = None
        elif self._rests(status):
            self._place_sent_at = self._clock.now()
            self._log.add(self._place_sent_at, None)
            await motors.move_relative(pan_deg=pan, tilt_deg=tilt, zoom=zoom, speed=goal.speed)

    async def _send_relative(self, pan_deg: float, tilt_deg: float, zoom: float, speed: float) -> None:
        self._begin_unknown_move()
        await self._require().move_relative(pan_deg=pan_deg, tilt_deg=tilt_deg, zoom=zoom, speed=speed)

    async def _keep_turning(self, turn: _Turn, *, force: bool) -> None:
        pan, tilt, zoom = self._governed(turn)
        if not self._require().capabilities.continuous:
            await self._step(turn, pan, tilt, zoom)
            return
        changed = turn.sent is None or any(
            abs((new or 0.0) - (old or 0.0)) > 0.002 for new, old in zip((pan, tilt, zoom), turn.sent, strict=True)
        )
        # A camera ends a long turn by itself: it is told again in time.
        lasting = pan != 0.0 or tilt != 0.0 or bool(zoom)
        due = lasting and self._clock.now() - turn.sent_at >= RENEW_TURN_S
        if force or changed or due:
            turn.sent_at = self._clock.now()
            turn.sent = (pan, tilt, zoom)
            await self._send_velocity(pan, tilt, zoom)

    async def _send_velocity(self, pan: float, tilt: float, zoom: float | None) -> None:
        speeds = self.speeds
        velocity = Velocity(pan * speeds.pan_dps, tilt * speeds.tilt_dps, (zoom or 0.0) * speeds.zoom_per_s)
        self._log.add(self._clock.now(), velocity)
        await self._require().move_continuous(pan=pan, tilt=tilt, zoom=zoom)

    async def _step(self, turn: _Turn, pan: float, tilt: float, zoom: float | None) -> None:
        """Continuous motion out of absolute or relative moves that reach a little further than the next step."""
        now = self._clock.now()
        status = self.status
        speed = max(abs(pan), abs(tilt))
        if status is None or now - turn.sent_at < STEP_S or (speed == 0.0 and not zoom):
            return
        turn.sent_at = now
        seconds = 2 * STEP_S
        by_pan, by_tilt = pan * self.speeds.pan_dps * seconds, tilt * self.speeds.tilt_dps * seconds
        by_zoom = (zoom or 0.0) * self.speeds.zoom_per_s * seconds
        motors = self._require()
        self._log.add(now, None)
        if motors.capabilities.absolute:
            await motors.move_absolute(
                pan_deg=self._as_camera_counts(self.limits.pan_advance(status.pan_deg, by_pan)),
                tilt_deg=self.limits.clamp_tilt(status.tilt_deg + by_tilt),
                zoom=self.limits.clamp_zoom(status.zoom + by_zoom) if zoom else None,
                speed=max(speed, 0.01),
            )
        else:
            await motors.move_relative(pan_deg=by_pan, tilt_deg=by_tilt, zoom=by_zoom, speed=max(speed, 0.01))

    def _governed(self, turn: _Turn) -> tuple[float, float, float | None]:
        """The wanted velocities, slowed down before the limits by where the head will be when they take effect."""
        status = self.status
        if status is None:
            return turn.pan, turn.tilt, turn.zoom
        coming = self.displacement(status.at) or Velocity()
        pan_at = self.limits.pan_advance(status.pan_deg, coming.pan_dps)
        tilt_at, zoom_at = status.tilt_deg + coming.tilt_dps, status.zoom + coming.zoom_per_s
        low, high = self.limits.tilt_deg
        tilt_room = high - tilt_at if turn.tilt > 0 else tilt_at - low
        zoom = turn.zoom
        if zoom is not None:
            zoom_room = self.limits.zoom[1] - zoom_at if zoom > 0 else zoom_at - self.limits.zoom[0]
            zoom = _slowed(zoom, zoom_room, self.speeds.zoom_per_s)
        return (
            _slowed(turn.pan, self.limits.pan_room(pan_at, rightwards=turn.pan > 0), self.speeds.pan_dps),
            _slowed(turn.tilt, tilt_room, self.speeds.tilt_dps),
            zoom,
        )


def _unit(value: float, bound: float = 1.0) -> float:
    return min(max(value, -bound), bound)


def _slowed(velocity: float, room: float, speed_per_s: float) -> float:
    allowed = max(room, 0.0) / BRAKING_S / speed_per_s
    slowed = math.copysign(min(abs(velocity), allowed), velocity)
    return slowed if abs(slowed) > 0.002 else 0.0
