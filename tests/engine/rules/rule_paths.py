"""Makes the track updates of targets that walk."""

from __future__ import annotations

from collections.abc import Iterable

from engine.core.events import RuleTriggered
from engine.core.geometry import Box
from engine.core.values import TargetType, Track, TrackUpdate
from engine.rules import RuleEngine

HEIGHT = 0.1
WIDTH = 0.04
CHANNEL = "yard"
ASPECT = 16 / 9


def standing(
    x: float,
    y: float,
    *,
    name: str = "yard-1",
    at: float = 0.0,
    detected: bool = True,
    confirmed: bool = True,
    target_type: TargetType = TargetType.PERSON,
    height: float = HEIGHT,
    first_seen_at: float = 0.0,
) -> Track:
    """A target whose foot is there."""
    box = Box(x - WIDTH / 2, y - height, WIDTH, height)
    return Track(name, CHANNEL, target_type, box, 0.9, at, first_seen_at, detected, confirmed)


def update(at: float, *tracks: Track) -> TrackUpdate:
    return TrackUpdate(CHANNEL, at, tracks, ASPECT)


def walk(
    engine: RuleEngine, feet: Iterable[tuple[float, float] | None], *, step_s: float = 0.2, start: float = 0.0
) -> list[RuleTriggered]:
    """The events of one target that is seen at these feet, one after the other; None where it is not reported."""
    events = []
    for index, foot in enumerate(feet):
        at = start + index * step_s
        events += engine.update(update(at, standing(*foot)) if foot else update(at))
    return events
