"""Plane geometry of regions and lines. Coordinates are plain pairs; y grows downwards, as in pictures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

type Pair = tuple[float, float]


def inside(point: Pair, polygon: Sequence[Pair]) -> bool:
    """Whether the point lies in the polygon, by the even-odd rule (of a figure of eight both loops count).

    Points on the edge belong to exactly one of two regions that share it, up to rounding.
    """
    x, y = point
    odd = False
    for (ax, ay), (bx, by) in pairwise((*polygon, polygon[0])):
        if (ay > y) != (by > y) and x < ax + (y - ay) / (by - ay) * (bx - ax):
            odd = not odd
    return odd


def distance_to_path(point: Pair, path: Iterable[Pair]) -> float:
    """The distance from a point to an open path of at least two points."""
    return min(_distance_to_segment(point, a, b) for a, b in pairwise(path))


def distance_to_outline(point: Pair, polygon: Sequence[Pair]) -> float:
    """The distance from a point to a polygon's outline."""
    return distance_to_path(point, (*polygon, polygon[0]))


def _distance_to_segment(point: Pair, a: Pair, b: Pair) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length_squared = dx * dx + dy * dy
    along = ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / length_squared if length_squared else 0.0
    along = min(max(along, 0.0), 1.0)
    return math.hypot(point[0] - a[0] - along * dx, point[1] - a[1] - along * dy)


def signed_crossings(path: Sequence[Pair], line: Sequence[Pair]) -> int:
    """How often the path crosses the open polyline from its left to its right side, less the crossings back.

    Left is the left hand of somebody who walks along the line from its first point to its last, on the picture as
    shown. Where the path stops on the line, runs along it or hits one of its corners, it is treated as if it lay an
    infinitesimal step further right and, infinitely less, further down (simulation of simplicity; Edelsbrunner, Mücke
    1990), so that every way over the line is counted exactly once.
    """
    return sum(_signed_crossing(p, q, a, b) for p, q in pairwise(path) for a, b in pairwise(line))


def _signed_crossing(p: Pair, q: Pair, a: Pair, b: Pair) -> int:
    p_left, q_left = _left(p, a, b, 1.0), _left(q, a, b, 1.0)
    if p_left == q_left or _left(a, p, q, -1.0) == _left(b, p, q, -1.0):
        return 0
    return 1 if p_left else -1


def _left(point: Pair, a: Pair, b: Pair, shift: float) -> bool:
    """Whether the point is on the left hand of somebody who walks from a to b.

    `shift` is 1 if the point belongs to the path that is thought to be shifted, -1 if the points a and b do.
    """
    dx, dy = b[0] - a[0], b[1] - a[1]
    # With y downwards the left hand has the negative cross product.
    cross = dx * (point[1] - a[1]) - dy * (point[0] - a[0])
    return (cross or -dy * shift or dx * shift) < 0
