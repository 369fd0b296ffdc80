"""The scenes of the pursuit benchmark: who moves how, whom the camera is sent after, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.ptz.world import Target, along, around, stop_and_go, to_and_fro, wander
from engine.core.values import TargetType

ORDER_S = 6.0
"""When the order to follow comes: the overview knows its targets by then."""


@dataclass(frozen=True, slots=True)
class Scene:
    """`wanted` is who is to be followed; empty: everybody in turn, as a rule asks."""

    name: str
    targets: tuple[Target, ...]
    wanted: str
    seconds: float
    standing: bool = False
    """Nobody moves: the camera has no reason to, either, once it is there."""


def _one(name: str, target: Target, seconds: float = 30.0, *, standing: bool = False) -> Scene:
    return Scene(name, (target,), target.name, seconds, standing)


def _walker(name: str, points: tuple[tuple[float, float], ...]) -> Target:
    return Target(name, along(points, 1.4))


_CYCLIST = Target("cyclist", around((0.0, 22.0), 9.0, 7.0), TargetType.TWO_WHEELER, 1.7)
_CAR = Target("car", around((0.0, 58.0), 28.0, 14.0), TargetType.VEHICLE, 1.5)
_CROWD = tuple(
    Target(
        f"guest{number}", wander((-14.0 + 4.0 * (number % 8), 12.0 + 9.0 * (number // 4)), 1.0 + 0.08 * number, number)
    )
    for number in range(12)
)

SCENES = (
    _one("standing, 20 m", Target("still", lambda _: (3.0, 20.0)), 30.0, standing=True),
    _one("walker, 5 m", Target("near", to_and_fro((-5.0, 5.0), (5.0, 5.0), 1.4, 0.8)), 30.0),
    _one("walker, 25 m", Target("middle", to_and_fro((-14.0, 25.0), (14.0, 25.0), 1.4, 0.8)), 40.0),
    _one("walker, 60 m", Target("far", to_and_fro((-15.0, 60.0), (15.0, 60.0), 1.4, 0.8)), 40.0),
    _one("walker, 5 to 60 m", _walker("leaver", ((-2.0, 5.0), (6.0, 60.0))), 40.0),
    _one("runner, 15 m", Target("runner", to_and_fro((-10.0, 15.0), (10.0, 17.0), 4.0, 2.0)), 30.0),
    _one("sudden turns, 15 m", Target("dodger", to_and_fro((-5.0, 15.0), (5.0, 15.0), 3.5, 1.2)), 30.0),
    _one("cyclist, 13 to 31 m", _CYCLIST),
    _one("car, 30 to 86 m", _CAR),
    _one("stop and go", Target("hesitant", stop_and_go((-12.0, 18.0), (1.0, 0.1), 1.4, 4.0, 2.5)), 35.0),
    Scene(
        "crossing pair",
        (
            Target("left", to_and_fro((-10.0, 15.0), (10.0, 15.0), 1.4, 0.8)),
            Target("right", to_and_fro((10.0, 14.2), (-10.0, 14.2), 1.4, 0.8)),
        ),
        "left",
        35.0,
    ),
    _one(
        "hidden for 1.5 s",
        Target("diver", to_and_fro((-10.0, 15.0), (10.0, 15.0), 1.4, 0.8), hidden=((8.0, 9.5), (18.0, 19.5))),
        30.0,
    ),
    Scene("twelve at once", _CROWD, "", 90.0),
)
