"""The figures of a run, named as in Chen et al. 2015 (arXiv:1505.04502), and those of a linkage.

All offsets are in widths of the PTZ picture, where a field of view's width is 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from benchmarks.ptz.course import Course, Sample
from benchmarks.ptz.head import ASPECT
from benchmarks.ptz.ours import FRAMING
from benchmarks.ptz.scenes import ORDER_S, Scene
from benchmarks.ptz.world import Look
from engine.core.geometry import Direction, Point, Pose
from engine.core.values import TargetType
from engine.linkage.measuring import box_in_picture

_FRAMED = 0.2
_SIZES = (0.5, 1.7)
_HELD = 3
"""Samples in a row that make a capture."""
_CALM = 0.04
"""A capture's picture moves by less than this over the time of a sample (fractions of the picture's width)."""
_SETTLED_S = 6.0
"""After so long from the order a standing target needs no more moves."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run was like. `captured` and `capturable` count targets; `capture_s` is the median time to a capture."""

    out_of_view: float
    offset: float
    error: float
    overlap: float
    size_error: float
    processed: float
    capture_s: float
    captured: int
    capturable: int
    moves_per_minute: float


def is_captured(look: Look, pose: Pose) -> bool:
    """Whether a picture of that moment would do: the target near the middle, and of about the wanted size."""
    point = _point(look, pose)
    if point is None or _off(point) > _FRAMED:
        return False
    wanted = FRAMING.ratio_at(look.height_deg, FRAMING.hfov_for(look.height_deg))
    return _SIZES[0] <= FRAMING.ratio_at(look.height_deg, pose.hfov_deg) / wanted <= _SIZES[1]


def figures(scene: Scene, course: Course) -> Figures:
    """Measures a run, from the order to its end."""
    samples = [sample for sample in course.samples if sample.t >= ORDER_S]
    names = [scene.wanted] if scene.wanted else [target.name for target in scene.targets]
    times = {name: _capture_s(name, samples) for name in names}
    captured = [seconds for seconds in times.values() if seconds is not None]
    followed = [_Followed(sample, sample.looks[scene.wanted]) for sample in samples] if scene.wanted else []
    return Figures(
        out_of_view=_share([not one.in_view for one in followed]),
        offset=_median([one.offset for one in followed if one.in_view]),
        error=_median([one.error for one in followed if one.error is not None]),
        overlap=_median([one.overlap for one in followed if one.overlap is not None]),
        size_error=_median([one.size_error for one in followed if one.in_view]),
        processed=course.processed,
        # Who was never captured counts as captured at the end.
        capture_s=median([*captured, *[scene.seconds - ORDER_S] * (len(names) - len(captured))]),
        captured=len(captured),
        capturable=len(names),
        moves_per_minute=_moves_per_minute(scene, course),
    )


def _capture_s(name: str, samples: list[Sample]) -> float | None:
    held = 0
    for earlier, sample in pairwise(samples):
        look, before = sample.looks.get(name), earlier.looks.get(name)
        good = look is not None and before is not None and is_captured(look, sample.pose)
        if good and look is not None and before is not None and _is_calm(before, look, earlier.pose, sample.pose):
            held += 1
            if held >= _HELD:
                return sample.t - ORDER_S
        else:
            held = 0
    return None


def _is_calm(before: Look, look: Look, earlier: Pose, pose: Pose) -> bool:
    a, b = _point(before, earlier), _point(look, pose)
    return a is not None and b is not None and math.hypot(a.x - b.x, (a.y - b.y) / ASPECT) < _CALM


def _moves_per_minute(scene: Scene, course: Course) -> float:
    since = ORDER_S + _SETTLED_S
    return sum(at >= since for at in course.sent) / (scene.seconds - since) * 60.0


def _point(look: Look, pose: Pose) -> Point | None:
    return pose.point_of(look.direction, ASPECT)


def _off(point: Point) -> float:
    return math.hypot(point.x - 0.5, (point.y - 0.5) / ASPECT)


class _Followed:
    """How one target stood in one picture."""

    def __init__(self, sample: Sample, look: Look) -> None:
        point = _point(look, sample.pose)
        self.in_view = point is not None and 0 <= point.x <= 1 and 0 <= point.y <= 1
        self.offset = math.inf if point is None else _off(point)
        ratio = FRAMING.ratio_at(look.height_deg, sample.pose.hfov_deg)
        wanted = FRAMING.ratio_at(look.height_deg, FRAMING.hfov_for(look.height_deg))
        self.size_error = abs(math.log(ratio / wanted))
        self.error, self.overlap = None, None
        if sample.belief is not None:
            self._judge(sample.belief.direction, sample.belief.height_deg, look, sample.pose)

    error: float | None
    overlap: float | None

    def _judge(self, direction: Direction, height_deg: float, look: Look, pose: Pose) -> None:
        self.error = direction.angle_to(look.direction) / pose.hfov_deg
        believed = box_in_picture(direction, height_deg, TargetType.PERSON, pose, ASPECT)
        true = box_in_picture(look.direction, look.height_deg, TargetType.PERSON, pose, ASPECT)
        if believed is not None and true is not None:
            self.overlap = believed.intersection_over_union(true)


def _share(values: list[bool]) -> float:
    return sum(values) / len(values) if values else 0.0


def _median(values: list[float]) -> float:
    return median(values) if values else 0.0
