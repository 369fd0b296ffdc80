"""Who moves through the yard, when, and along which way: for ever, never quite repeating, the same for a seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.core.geometry import wrap_deg
from engine.core.values import TargetType
from engine.simulator.person import Look, Stance
from engine.simulator.textures import Colour
from engine.simulator.vehicle import CAR, Vehicle

CYCLE_S = 60.0
"""The order of events repeats with this period; clothes, speeds and ways vary."""

_TURN_S = 0.3
_CAR_COLOURS: tuple[Colour, ...] = ((60, 50, 170), (165, 110, 50), (190, 195, 198), (70, 72, 76), (70, 120, 70))


@dataclass(frozen=True, slots=True)
class Stop:
    """A point of a way, and how long one rests there."""

    x: float
    y: float
    rest_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Route:
    """A way on the ground, gone with one speed (m/s) from a time on."""

    start: float
    speed: float
    stops: tuple[Stop, ...]

    def _timeline(self) -> tuple[list[float], list[Stop], list[float]]:
        times, stops, walked = [self.start], [self.stops[0]], [0.0]
        for before, after in zip(self.stops[:-1], self.stops[1:], strict=True):
            length = math.hypot(after.x - before.x, after.y - before.y)
            for duration, distance in ((length / self.speed, length), (after.rest_s, 0.0)):
                if duration > 0:
                    times.append(times[-1] + duration)
                    stops.append(after)
                    walked.append(walked[-1] + distance)
        return times, stops, walked

    @property
    def end(self) -> float:
        """When the end of the way is reached."""
        return self._timeline()[0][-1]

    def stance_at(self, time: float) -> Stance:
        """Place, heading and gait; corners are turned within a fraction of a second."""
        times, stops, walked = self._timeline()
        xs, ys = [stop.x for stop in stops], [stop.y for stop in stops]

        def place(at: float) -> tuple[float, float]:
            return float(np.interp(at, times, xs)), float(np.interp(at, times, ys))

        (ahead_x, ahead_y), (behind_x, behind_y) = place(time + _TURN_S), place(time - _TURN_S)
        way_x, way_y = ahead_x - behind_x, ahead_y - behind_y
        if math.hypot(way_x, way_y) < 0.05:
            # Standing: keep looking where the way came from.
            index = min(max(int(np.searchsorted(times, time)) - 1, 1), len(stops) - 1)
            previous = next(
                (s for s in reversed(stops[:index]) if (s.x, s.y) != (stops[index].x, stops[index].y)), None
            )
            origin = previous or stops[0]
            way_x, way_y = stops[index].x - origin.x, stops[index].y - origin.y
        x, y = place(time)
        speed = math.hypot(ahead_x - behind_x, ahead_y - behind_y) / (2 * _TURN_S)
        heading = wrap_deg(math.degrees(math.atan2(way_x, way_y)))
        return Stance(x, y, heading, float(np.interp(time, times, walked)), speed)


@dataclass(frozen=True, slots=True)
class Actor:
    """A person (with a look) or a car (with a colour) on a route."""

    target_id: str
    route: Route
    look: Look | None = None
    colour: Colour | None = None

    @property
    def target_type(self) -> TargetType:
        """Person or vehicle."""
        return TargetType.PERSON if self.look else TargetType.VEHICLE

    def vehicle_at(self, time: float) -> Vehicle:
        """The car; only for actors that are one. It keeps its lane, so that it never turns on the spot."""
        stance = self.route.stance_at(time)
        return Vehicle(CAR, self.colour or _CAR_COLOURS[0], stance.x, stance.y, stance.heading_deg, stance.walked)


@dataclass(frozen=True, slots=True)
class _Cue:
    """A part in the play: when it begins in the cycle, and the way (metres)."""

    begin: float
    stops: tuple[Stop, ...]
    speed: float = 1.25
    is_car: bool = False


_PLAY = (
    # From behind the parked van straight through the region.
    _Cue(0.0, (Stop(-11.5, 12.2), Stop(-5, 12.0), Stop(5, 11.6), Stop(12, 11.0))),
    # Along the far façade, never inside the region.
    _Cue(4.0, (Stop(-15, 21.5), Stop(15, 21.0)), 1.2),
    # Out of the left door, into the region, a rest, and away to the right.
    _Cue(9.0, (Stop(-6, 24.5), Stop(-2.5, 14.5), Stop(-1.0, 12.6, 2.5), Stop(3.5, 12.8), Stop(7, 18), Stop(11, 24))),
    # The car, slowly, along the lane.
    _Cue(23.0, (Stop(18, 14.5), Stop(-19, 14.5)), 2.5, is_car=True),
    # Out of the right door, behind the wall, into the region from the back.
    _Cue(24.0, (Stop(5.2, 24.5), Stop(4.2, 18.3), Stop(0.9, 17.6), Stop(-0.5, 12.5), Stop(3.5, 11.2), Stop(10.5, 9.0))),
    # From the right through the region while the one before is still there.
    _Cue(33.5, (Stop(13.5, 13.2), Stop(5, 13.2), Stop(-5, 12.6), Stop(-12, 12.0))),
    # From the near left corner to the back.
    _Cue(46.5, (Stop(-7.5, 7.2), Stop(-4, 11), Stop(2.5, 14.2), Stop(0.5, 17.6), Stop(-5, 24.5)), 1.2),
)


@lru_cache(maxsize=16)
def _cast(seed: int, cycle: int) -> tuple[Actor, ...]:
    """Everybody who begins in one cycle."""
    generator = np.random.default_rng((seed, cycle))
    cast = []
    for number, cue in enumerate(_PLAY):
        delay, pace = float(generator.uniform(0, 1.2)), float(generator.uniform(0.92, 1.08))
        shift = generator.uniform(-0.25, 0.25, (len(cue.stops), 2)) * (0 if cue.is_car else 1)
        stops = tuple(
            Stop(s.x + float(d[0]), s.y + float(d[1]), s.rest_s) for s, d in zip(cue.stops, shift, strict=True)
        )
        route = Route(cycle * CYCLE_S + cue.begin + delay, cue.speed * pace, stops)
        if cue.is_car:
            colour = _CAR_COLOURS[int(generator.integers(len(_CAR_COLOURS)))]
            cast.append(Actor(f"car-{cycle}-{number}", route, colour=colour))
        else:
            cast.append(Actor(f"person-{cycle}-{number}", route, look=Look.drawn(generator)))
    return tuple(cast)


def actors_at(seed: int, time: float) -> tuple[Actor, ...]:
    """Everybody who is in the yard at a time (seconds since the beginning)."""
    cycle = math.floor(time / CYCLE_S)
    candidates = [actor for number in (cycle - 1, cycle) if number >= 0 for actor in _cast(seed, number)]
    return tuple(actor for actor in candidates if actor.route.start <= time < actor.route.end)
