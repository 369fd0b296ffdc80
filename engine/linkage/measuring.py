"""Turns boxes into measurements of directions, and back."""

from __future__ import annotations

import math

from engine.captures import touches_edge
from engine.core.geometry import Box, Direction, Point, Pose
from engine.core.values import TargetType, Track
from engine.linkage.estimator import Measurement, Source
from engine.linkage.model import LinkModel

_OVERVIEW_JITTER = 0.05
_PTZ_JITTER = 0.04
"""How much the middle of a detector's box trembles, as a fraction of the box's height."""
_CUT = 0.4
"""How far off the middle of a target may be that the picture's edge cuts, as a fraction of what is seen of it."""
_WIDTHS = {TargetType.VEHICLE: 1.8, TargetType.TWO_WHEELER: 0.9, TargetType.ANIMAL: 1.3, TargetType.FACE: 0.75}
"""Typical widths for a height of one; a person's is 0.4."""


def measure_overview(track: Track, model: LinkModel) -> Measurement:
    """A track of the overview as a measurement."""
    _, height_deg = model.angular_size(track.box)
    cut = touches_edge(track.box)
    sigma = max((_CUT if cut else _OVERVIEW_JITTER) * height_deg, 0.1)
    height = None if cut else max(height_deg, 0.05)
    return Measurement(track.at, model.direction(track.box.centre), sigma, height, Source.OVERVIEW)


def measure_ptz(track: Track, pose: Pose, aspect: float, slew_dps: float) -> Measurement:
    """A track of the PTZ picture as a measurement, by the pose at the frame's time.

    `slew_dps` is how fast the camera turned then: what is not known of the frame's time counts that much.
    """
    box = track.box
    top = pose.direction_of(Point(box.centre.x, box.y), aspect)
    bottom = pose.direction_of(Point(box.centre.x, box.bottom), aspect)
    height_deg = top.angle_to(bottom)
    cut = touches_edge(box)
    jitter = max((_CUT if cut else _PTZ_JITTER) * height_deg, 0.02)
    sigma = math.hypot(jitter, 0.04 * slew_dps)
    height = None if cut else max(height_deg, 0.05)
    return Measurement(track.at, pose.direction_of(box.centre, aspect), sigma, height, Source.PTZ)


def box_in_picture(
    direction: Direction, height_deg: float, target_type: TargetType | None, pose: Pose, aspect: float
) -> Box | None:
    """Where a target should appear in the PTZ picture; None when that is not in front of the camera."""
    centre = pose.point_of(direction, aspect)
    if centre is None:
        return None
    half = math.tan(math.radians(pose.hfov_deg) / 2)
    height = math.tan(math.radians(min(height_deg, 170.0)) / 2) / half * aspect
    width = height / aspect * (_WIDTHS.get(target_type, 0.4) if target_type is not None else 0.4)
    return Box(centre.x - width / 2, centre.y - height / 2, width, height)
