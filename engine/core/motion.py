"""How one motor axis moves: at most so fast, with at most this acceleration, in closed form."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass

_STILL = 1e-9


@dataclass(frozen=True, slots=True)
class AxisState:
    """Position and speed of an axis."""

    position: float
    speed: float = 0.0


@dataclass(frozen=True, slots=True)
class _Segment:
    """A stretch of constant acceleration that begins at `start` in `state`."""

    start: float
    state: AxisState
    acceleration: float

    def state_at(self, time: float) -> AxisState:
        elapsed = time - self.start
        return AxisState(
            self.state.position + self.state.speed * elapsed + self.acceleration * elapsed * elapsed / 2,
            self.state.speed + self.acceleration * elapsed,
        )


@dataclass(frozen=True, slots=True)
class Motion:
    """A planned motion: the state of the axis at any time from its start on."""

    segments: tuple[_Segment, ...]

    @property
    def end(self) -> float:
        """When the axis stands still; infinite for a motion that has no end."""
        last = self.segments[-1]
        return last.start if abs(last.state.speed) <= _STILL else math.inf

    def state_at(self, time: float) -> AxisState:
        """Position and speed; before the start, those at the start."""
        index = bisect_right([segment.start for segment in self.segments], time) - 1
        segment = self.segments[max(index, 0)]
        return segment.state_at(max(time, segment.start))


def _chain(start: float, state: AxisState, stretches: list[tuple[float, float]], end: AxisState) -> Motion:
    """Joins stretches (duration, acceleration), and ends exactly in `end`."""
    segments: list[_Segment] = []
    time = start
    for duration, acceleration in stretches:
        if duration <= 0:
            continue
        segments.append(_Segment(time, state, acceleration))
        time += duration
        state = segments[-1].state_at(time)
    return Motion((*segments, _Segment(time, end, 0.0)))


def plan_rest(start: float, state: AxisState, acceleration: float) -> Motion:
    """Brakes as hard as the motor can."""
    duration = abs(state.speed) / acceleration
    end = AxisState(state.position + state.speed * duration / 2)
    return _chain(start, state, [(duration, -math.copysign(acceleration, state.speed))], end)


def plan_speed(start: float, state: AxisState, speed: float, acceleration: float) -> Motion:
    """Changes to a speed and keeps it for ever: an axis without ends."""
    change = speed - state.speed
    duration = abs(change) / acceleration
    end = AxisState(state.position + (state.speed + speed) / 2 * duration, speed)
    return _chain(start, state, [(duration, math.copysign(acceleration, change))], end)


def plan_move(start: float, state: AxisState, goal: float, speed: float, acceleration: float) -> Motion:
    """Goes to a position and stops there, as fast as `speed` and `acceleration` allow, from any state.

    An axis that cannot stop before the goal passes it and comes back.
    """
    braking = state.speed * abs(state.speed) / (2 * acceleration)
    way = goal - state.position
    if abs(way - braking) <= _STILL or speed <= _STILL:
        return plan_rest(start, state, acceleration)
    # Seen along the direction in which the motor must push, the whole motion is: change to a cruising speed, brake.
    sign = math.copysign(1.0, way - braking)
    distance, initial = way * sign, state.speed * sign
    first = math.copysign(acceleration, speed - initial)
    cruise = speed
    cruising = distance - (speed**2 - initial**2) / (2 * first) - speed**2 / (2 * acceleration)
    if cruising < 0:
        cruise = math.sqrt(max((2 * acceleration * distance + initial**2) / 2, 0.0))
        cruising, first = 0.0, acceleration
    stretches = [
        (abs(cruise - initial) / acceleration, first * sign),
        (cruising / cruise if cruise > _STILL else 0.0, 0.0),
        (cruise / acceleration, -acceleration * sign),
    ]
    return _chain(start, state, stretches, AxisState(goal))
