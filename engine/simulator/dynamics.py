"""The PTZ camera's mechanics: what its motors and lens do with commands, as a function of time only."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from engine.core.geometry import Pose, wrap_deg
from engine.core.motion import AxisState, Motion, plan_move, plan_rest, plan_speed
from engine.core.zoom import ZoomCurve
from engine.simulator.scene import MotorLimits

_HISTORY_S = 5.0
_SLOWEST = 0.01


class Axis(Enum):
    """The three things that move."""

    PAN = "pan"
    TILT = "tilt"
    ZOOM = "zoom"


@dataclass(frozen=True, slots=True)
class MechanicalState:
    """The state of all axes at an instant."""

    at: float
    pan: AxisState
    tilt: AxisState
    zoom: AxisState
    pan_tilt_moving: bool
    zoom_moving: bool


@dataclass(frozen=True, slots=True)
class _AxisLimits:
    ends: tuple[float, float] | None
    speed: float
    acceleration: float

    def clamp(self, position: float) -> float:
        return position if self.ends is None else min(max(position, self.ends[0]), self.ends[1])


@dataclass(frozen=True, slots=True)
class _Command:
    """Something that an axis shall begin to do at `at`; `is_timeout` ends a continuous move unless it was replaced."""

    at: float
    axis: Axis
    plan: Callable[[float, AxisState], Motion]
    is_timeout: bool = False


class PtzDynamics:
    """Motors and lens. Commands come with the time at which they arrive; states can be asked for any later time,
    and for the last seconds.

    A command takes effect `command_delay_s` after it arrived. A new command replaces an older one on its axes.
    Positions: degrees for pan and tilt, 0 (wide) to 1 (tele) for the zoom. Speeds are fractions of the fastest.
    """

    def __init__(
        self, limits: MotorLimits, zoom_curve: ZoomCurve, home: Pose, *, start: float, command_delay_s: float = 0.08
    ) -> None:
        self._curve = zoom_curve
        self._delay = command_delay_s
        self._limits = {
            Axis.PAN: _AxisLimits(limits.pan_deg, limits.pan_speed, limits.pan_acceleration),
            Axis.TILT: _AxisLimits(limits.tilt_deg, limits.tilt_speed, limits.tilt_acceleration),
            Axis.ZOOM: _AxisLimits((0.0, 1.0), limits.zoom_speed, limits.zoom_acceleration),
        }
        positions = {Axis.PAN: home.pan_deg, Axis.TILT: home.tilt_deg, Axis.ZOOM: zoom_curve.zoom(home.hfov_deg)}
        self._motions = {
            axis: deque([(start, plan_rest(start, AxisState(self._limits[axis].clamp(position)), 1.0))])
            for axis, position in positions.items()
        }
        self._pending: list[_Command] = []
        # Commands come from the network's thread, states are asked for by the cameras' thread.
        self._lock = threading.Lock()

    def move_absolute(
        self,
        at: float,
        *,
        pan_deg: float | None = None,
        tilt_deg: float | None = None,
        zoom: float | None = None,
        pan_speed: float = 1.0,
        tilt_speed: float = 1.0,
        zoom_speed: float = 1.0,
    ) -> None:
        """Goes to positions; they are clamped to the ranges."""
        for axis, goal, speed in (
            (Axis.PAN, pan_deg, pan_speed),
            (Axis.TILT, tilt_deg, tilt_speed),
            (Axis.ZOOM, zoom, zoom_speed),
        ):
            if goal is not None:
                self._submit(at, axis, self._to(axis, goal, speed, relative=False))

    def move_relative(
        self,
        at: float,
        *,
        pan_deg: float | None = None,
        tilt_deg: float | None = None,
        zoom: float | None = None,
        pan_speed: float = 1.0,
        tilt_speed: float = 1.0,
        zoom_speed: float = 1.0,
    ) -> None:
        """Moves by an amount from where the axis is when the command takes effect; None lets an axis go on."""
        for axis, amount, speed in (
            (Axis.PAN, pan_deg, pan_speed),
            (Axis.TILT, tilt_deg, tilt_speed),
            (Axis.ZOOM, zoom, zoom_speed),
        ):
            if amount is not None:
                self._submit(at, axis, self._to(axis, amount, speed, relative=True))

    def move_continuous(
        self,
        at: float,
        *,
        pan: float | None = None,
        tilt: float | None = None,
        zoom: float | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        """Moves with speeds -1..1 until something else is asked for, an end is reached, or the time-out."""
        for axis, speed in ((Axis.PAN, pan), (Axis.TILT, tilt), (Axis.ZOOM, zoom)):
            if speed is not None:
                self._submit(at, axis, self._with(axis, speed), timeout_s)

    def stop(self, at: float, *, pan_tilt: bool = True, zoom: bool = True) -> None:
        """Brakes."""
        axes = ((Axis.PAN, Axis.TILT) if pan_tilt else ()) + ((Axis.ZOOM,) if zoom else ())
        for axis in axes:
            self._submit(at, axis, self._rest(axis))

    def state_at(self, time: float) -> MechanicalState:
        """The state of all axes; `time` may lie up to five seconds before the newest time ever asked for."""
        with self._lock:
            self._apply_until(time)
            pan, tilt, zoom = (self._motion(axis, time) for axis in Axis)
        return MechanicalState(
            time,
            pan.state_at(time),
            tilt.state_at(time),
            zoom.state_at(time),
            pan_tilt_moving=time < pan.end or time < tilt.end,
            zoom_moving=time < zoom.end,
        )

    def pose_at(self, time: float) -> Pose:
        """Where the camera looks."""
        state = self.state_at(time)
        return Pose(wrap_deg(state.pan.position), state.tilt.position, self._curve.hfov_deg(state.zoom.position))

    def _submit(
        self, at: float, axis: Axis, plan: Callable[[float, AxisState], Motion], timeout_s: float | None = None
    ) -> None:
        effective = at + self._delay
        with self._lock:
            # What is newer wins: the time-outs of older continuous moves go with them.
            self._pending = [c for c in self._pending if not (c.axis is axis and c.is_timeout)]
            self._pending.append(_Command(effective, axis, plan))
            if timeout_s is not None:
                self._pending.append(_Command(effective + timeout_s, axis, self._rest(axis), is_timeout=True))

    def _apply_until(self, time: float) -> None:
        due = sorted((command for command in self._pending if command.at <= time), key=lambda command: command.at)
        if due:
            self._pending = [command for command in self._pending if command.at > time]
        for command in due:
            # A command that arrives after its time was already looked at begins now: the past stays as it was seen.
            history = self._motions[command.axis]
            begin = max(command.at, history[-1][0])
            history.append((begin, command.plan(begin, history[-1][1].state_at(begin))))
            while len(history) > 1 and history[1][0] < time - _HISTORY_S:
                history.popleft()

    def _motion(self, axis: Axis, time: float) -> Motion:
        history = self._motions[axis]
        return next((motion for begin, motion in reversed(history) if begin <= time), history[0][1])

    def _to(self, axis: Axis, goal: float, speed: float, *, relative: bool) -> Callable[[float, AxisState], Motion]:
        limits = self._limits[axis]

        def plan(start: float, state: AxisState) -> Motion:
            target = goal + state.position if relative else goal
            if limits.ends is None and not relative:
                target = state.position + wrap_deg(goal - state.position)
            fastest = limits.speed * min(max(speed, _SLOWEST), 1.0)
            return plan_move(start, state, limits.clamp(target), fastest, limits.acceleration)

        return plan

    def _with(self, axis: Axis, speed: float) -> Callable[[float, AxisState], Motion]:
        limits = self._limits[axis]
        wanted = limits.speed * min(max(speed, -1.0), 1.0)

        def plan(start: float, state: AxisState) -> Motion:
            if limits.ends is None or wanted == 0:
                return plan_speed(start, state, wanted, limits.acceleration)
            end = limits.ends[1] if wanted > 0 else limits.ends[0]
            return plan_move(start, state, end, abs(wanted), limits.acceleration)

        return plan

    def _rest(self, axis: Axis) -> Callable[[float, AxisState], Motion]:
        limits = self._limits[axis]
        return lambda start, state: plan_rest(start, state, limits.acceleration)
