"""Draws tracks and rules into a picture."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import cv2
import numpy as np

from engine.core.geometry import Box, Point
from engine.core.values import Image, TargetType, Track
from engine.rules import Rule

type Colour = tuple[int, int, int]
"""Blue, green, red."""

_TYPE_COLOURS: dict[TargetType, Colour] = {
    TargetType.PERSON: (80, 200, 60),
    TargetType.FACE: (200, 180, 60),
    TargetType.VEHICLE: (230, 140, 40),
    TargetType.TWO_WHEELER: (200, 90, 200),
    TargetType.ANIMAL: (60, 190, 220),
}
_RULE_COLOUR: Colour = (0, 150, 215)
_ACTIVE_COLOUR: Colour = (40, 40, 235)
_WHITE: Colour = (255, 255, 255)


def annotate(image: Image, tracks: Iterable[Track], rules: Iterable[Rule] = (), active: Collection[str] = ()) -> Image:
    """A copy of the picture with the rules' regions and lines and the confirmed tracks.

    Rules whose id is in `active` are drawn in red. Predicted tracks have a thin frame.
    """
    canvas = image.copy()
    for rule in rules:
        _draw_rule(canvas, rule, _ACTIVE_COLOUR if rule.id in active else _RULE_COLOUR)
    for track in tracks:
        if track.confirmed:
            _draw_track(canvas, track)
    return canvas


def _pixel(canvas: Image, point: Point) -> tuple[int, int]:
    height, width = canvas.shape[:2]
    return round(point.x * (width - 1)), round(point.y * (height - 1))


def _thickness(canvas: Image) -> int:
    return max(int(canvas.shape[0]) // 360, 1)


def _draw_rule(canvas: Image, rule: Rule, colour: Colour) -> None:
    points = np.array([_pixel(canvas, point) for point in rule.points], np.int32)
    closed = not rule.kind.has_line
    cv2.polylines(canvas, [points], closed, colour, _thickness(canvas) + 1, cv2.LINE_AA)
    _label(canvas, (int(points[0][0]), int(points[0][1])), rule.id, colour)


def _draw_track(canvas: Image, track: Track) -> None:
    colour = _TYPE_COLOURS[track.target_type]
    upper_left, lower_right = _corners(canvas, track.box)
    thickness = _thickness(canvas) * (2 if track.detected else 1)
    cv2.rectangle(canvas, upper_left, lower_right, colour, thickness, cv2.LINE_AA)
    number = track.track_id.rsplit("-", 1)[-1]
    _label(canvas, upper_left, f"{track.target_type.value} {number}", colour)


def _corners(canvas: Image, box: Box) -> tuple[tuple[int, int], tuple[int, int]]:
    return _pixel(canvas, Point(box.x, box.y)), _pixel(canvas, Point(box.right, box.bottom))


def _label(canvas: Image, at: tuple[int, int], text: str, colour: Colour) -> None:
    """White text on a coloured ground above the point, or below it at the picture's upper edge."""
    scale = max(canvas.shape[0] / 1080, 0.4)
    (width, height), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    x = min(max(at[0], 0), max(canvas.shape[1] - width, 0))
    y = at[1] if at[1] - height - base >= 0 else at[1] + height + base
    cv2.rectangle(canvas, (x, y - height - base), (x + width, y), colour, cv2.FILLED)
    cv2.putText(canvas, text, (x, y - base // 2), cv2.FONT_HERSHEY_SIMPLEX, scale, _WHITE, 1, cv2.LINE_AA)
