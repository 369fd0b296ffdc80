"""Where a head is, and will be, by what it was told: a model of its motors that every report puts right.

A camera tells where it is some time after it was there, and what it is told takes effect some time after that. In
between the model runs: axes with a highest speed and an even acceleration (`engine.core.motion`), each going on with
the newest command that has taken effect. Times are of the clock that nobody sets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from engine.core.geometry import wrap_deg
from engine.core.motion import AxisState, Motion, plan_move, plan_rest, plan_speed
from engine.ptz.limits import Limits, MotorSpeeds

_FORGET_S = 10.0
_RESTED_S = 0.3
"""A head that says it stands, so long after the last command took effect, does."""

type _Plan = Callable[[float, AxisState], Motion]


class _Axis(IntEnum):
    PAN = 0
    TILT = 1
    ZOOM = 2


@dataclass(frozen=True, slots=True)
class HeadState:
    """Head and lens at a moment: degrees, zoom position, and how fast they change a second."""

    pan_deg: float
    tilt_deg: float
    zoom: float
    pan_dps: float = 0.0
    tilt_dps: float = 0.0
    zoom_per_s: float = 0.0

    @property
    def moving(self) -> bool:
        """Whether anything of it moves."""
        return max(abs(self.pan_dps), abs(self.tilt_dps), 100.0 * abs(self.zoom_per_s)) > 0.1


@dataclass(frozen=True, slots=True)
class _Command:
    at: float
    plan: _Plan


class HeadModel:
    """The model of one head. `command_delay_s`: from a command to its first effect.

    It knows nothing before the first report, or the first place that all axes were sent to.
    """

    def __init__(self, limits: Limits, speeds: MotorSpeeds, command_delay_s: float) -> None:
        self._limits = limits
        self._delay_s = command_delay_s
        self._tops = (speeds.pan_dps, speeds.tilt_dps, speeds.zoom_per_s)
        self._accelerations = tuple(top / speeds.ramp_s for top in self._tops)
        self._known: tuple[float, tuple[AxisState, AxisState, AxisState]] | None = None
        self._commands: tuple[deque[_Command], deque[_Command], deque[_Command]] = (deque(), deque(), deque())
        self._blind_since: float | None = None
        self._arrives_at: float | None = None
        """When the head will have arrived at the place that is all that is known of it."""

    # --- what it is told --------------------------------------------------------------------------------------

    def place(
        self,
        now: float,
        *,
        pan_deg: float | None = None,
        tilt_deg: float | None = None,
        zoom: float | None = None,
        speed: float = 1.0,
    ) -> None:
        """The head was sent to a place; None: the axis goes on."""
        for axis, goal, pace in ((_Axis.PAN, pan_deg, speed), (_Axis.TILT, tilt_deg, speed), (_Axis.ZOOM, zoom, 1.0)):
            if goal is not None:
                self._tell(axis, now, self._to(axis, goal, pace))
        if self._known is None and pan_deg is not None and tilt_deg is not None and zoom is not None:
            self._know_after(now, (AxisState(pan_deg), AxisState(tilt_deg), AxisState(zoom)), speed)

    def step(
        self, now: float, *, pan_deg: float = 0.0, tilt_deg: float = 0.0, zoom: float = 0.0, speed: float = 1.0
    ) -> None:
        """The head was sent on by so much from where it will be then; an axis that is sent nowhere goes on."""
        ahead = self.in_effect(now)
        if ahead is None:
            self.lose(now)
            return
        self.place(
            now,
            pan_deg=wrap_deg(ahead.pan_deg + pan_deg) if pan_deg else None,
            tilt_deg=ahead.tilt_deg + tilt_deg if tilt_deg else None,
            zoom=ahead.zoom + zoom if zoom else None,
            speed=speed,
        )

    def turn(self, now: float, *, pan: float | None, tilt: float | None, zoom: float | None) -> None:
        """The head was given velocities (-1 to 1)."""
        for axis, speed in ((_Axis.PAN, pan), (_Axis.TILT, tilt), (_Axis.ZOOM, zoom)):
            if speed is not None:
                self._tell(axis, now, self._with(axis, speed))

    def halt(self, now: float, *, pan_tilt: bool, zoom: bool) -> None:
        """The head, the lens or both were stopped."""
        axes = ((_Axis.PAN, _Axis.TILT) if pan_tilt else ()) + ((_Axis.ZOOM,) if zoom else ())
        for axis in axes:
            self._tell(axis, now, self._rest(axis))

    def lose(self, now: float) -> None:
        """The head was sent to where only the camera knows: nothing is known till it stands there."""
        self._blind_since = now
        self._known = self._arrives_at = None
        for commands in self._commands:
            commands.clear()

    def report(self, at: float, pan_deg: float, tilt_deg: float, zoom: float, *, moving: bool) -> None:
        """Where the head was at a moment."""
        if self._blind_since is not None:
            if moving or at < self._blind_since + self._delay_s + _RESTED_S:
                return
            self._blind_since = None
        state = self.state_at(at)
        rests = not moving and all(not line or at > line[-1].at + _RESTED_S for line in self._commands)
        speeds = (0.0, 0.0, 0.0) if state is None or rests else (state.pan_dps, state.tilt_dps, state.zoom_per_s)
        places = (pan_deg, tilt_deg, zoom)
        pan, tilt, lens = (AxisState(place, speed) for place, speed in zip(places, speeds, strict=True))
        self._known = (at, (pan, tilt, lens))
        self._arrives_at = None
        for commands in self._commands:
            # The one before still holds.
            while len(commands) > 1 and commands[1].at <= at - _FORGET_S:
                commands.popleft()

    # --- what it knows ----------------------------------------------------------------------------------------

    def in_effect(self, now: float) -> HeadState | None:
        """The head when a command sent now takes effect; None while nothing is known."""
        return self.state_at(now + self._delay_s)

    def state_at(self, at: float) -> HeadState | None:
        """The head at a moment, also one to come; None while nothing is known."""
        if self._known is None or at < (self._arrives_at or at):
            return None
        since, states = self._known
        pan, tilt, zoom = (self._axis_at(axis, since, states[axis], max(at, since)) for axis in _Axis)
        return HeadState(wrap_deg(pan.position), tilt.position, zoom.position, pan.speed, tilt.speed, zoom.speed)

    def _axis_at(self, axis: _Axis, since: float, state: AxisState, at: float) -> AxisState:
        motion: Motion | None = None
        for command in self._commands[axis]:
            if command.at > at:
                break
            if command.at > since and motion is not None:
                state = motion.state_at(command.at)
            motion = command.plan(max(command.at, since), state)
        return state if motion is None else motion.state_at(at)

    def _tell(self, axis: _Axis, now: float, plan: _Plan) -> None:
        if self._arrives_at is not None and now < self._arrives_at:
            # It will not arrive where it was sent.
            self._known = self._arrives_at = None
        if self._known is None:
            # There is nothing that the commands before could have moved.
            self._commands[axis].clear()
        self._commands[axis].append(_Command(now + self._delay_s, plan))

    def _know_after(self, now: float, states: tuple[AxisState, AxisState, AxisState], speed: float) -> None:
        """Nothing was known: after the longest time that any way takes the head is where it was sent."""
        pace = max(speed, 0.01)
        longest = max(180.0 / self._tops[0] / pace, 90.0 / self._tops[1] / pace, 1.0 / self._tops[2])
        self._arrives_at = now + self._delay_s + longest + 0.5
        self._known = (self._arrives_at, states)
        self._blind_since = None

    # --- plans ------------------------------------------------------------------------------------------------

    def _to(self, axis: _Axis, goal: float, speed: float) -> _Plan:
        fastest = self._tops[axis] * min(max(speed, 0.01), 1.0)

        def plan(start: float, state: AxisState) -> Motion:
            target = goal
            if axis is _Axis.PAN:
                target = state.position + self._limits.pan_path(wrap_deg(state.position), goal)
            return plan_move(start, state, self._bounded(axis, target), fastest, self._accelerations[axis])

        return plan

    def _with(self, axis: _Axis, speed: float) -> _Plan:
        wanted = self._tops[axis] * min(max(speed, -1.0), 1.0)

        def plan(start: float, state: AxisState) -> Motion:
            end = self._end(axis, wanted > 0)
            if wanted == 0 or end is None:
                return plan_speed(start, state, wanted, self._accelerations[axis])
            return plan_move(start, state, end, abs(wanted), self._accelerations[axis])

        return plan

    def _rest(self, axis: _Axis) -> _Plan:
        return lambda start, state: plan_rest(start, state, self._accelerations[axis])

    def _end(self, axis: _Axis, upwards: bool) -> float | None:
        """Where an axis must stop; None where it never does (pan: the arbiter stops it at its limits)."""
        if axis is _Axis.PAN:
            return None
        return (self._limits.tilt_deg if axis is _Axis.TILT else (0.0, 1.0))[upwards]

    def _bounded(self, axis: _Axis, position: float) -> float:
        low, high = self._end(axis, upwards=False), self._end(axis, upwards=True)
        return position if low is None or high is None else min(max(position, low), high)
