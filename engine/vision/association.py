"""Which detection belongs to which track: overlaps of boxes, and the best assignment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from engine.vision.motion import Four

type Matrix = NDArray[np.float64]


def overlaps(tracks: Sequence[Four], detections: Sequence[Four], buffer: float, *, wrap: bool) -> Matrix:
    """The intersection over union of each track with each detection, shape (tracks, detections).

    All boxes are enlarged by the fraction `buffer` of their sides on each side, so that fast or badly predicted
    targets still meet (buffered IoU; Yang et al. 2023, arXiv:2211.14317). With `wrap` x is a full circle of length 1.
    """
    if not tracks or not detections:
        return np.zeros((len(tracks), len(detections)))
    a, b = np.stack(tracks)[:, np.newaxis], np.stack(detections)[np.newaxis]
    apart_x = a[..., 0] - b[..., 0]
    if wrap:
        apart_x = apart_x - np.round(apart_x)
    apart_y = a[..., 1] - b[..., 1]
    grow = 1 + 2 * buffer
    widths_a, heights_a, widths_b, heights_b = a[..., 2] * grow, a[..., 3] * grow, b[..., 2] * grow, b[..., 3] * grow
    shared = _shared(apart_x, widths_a, widths_b) * _shared(apart_y, heights_a, heights_b)
    union = widths_a * heights_a + widths_b * heights_b - shared
    return shared / union


def _shared(apart: Matrix, lengths_a: Matrix, lengths_b: Matrix) -> Matrix:
    """The common length of intervals whose middles are `apart`."""
    right: Matrix = np.minimum(apart + lengths_a / 2, lengths_b / 2)
    left: Matrix = np.maximum(apart - lengths_a / 2, -lengths_b / 2)
    return np.clip(right - left, 0.0, None)


def assign(similarity: Matrix, least: float) -> list[tuple[int, int]]:
    """Pairs of (row, column) with the largest total similarity, none of less than `least`."""
    if not similarity.size:
        return []
    # Pairs that may not be made must not tempt the assignment to give up a good one.
    allowed = np.where(similarity >= least, similarity, 0.0)
    rows, columns = linear_sum_assignment(allowed, maximize=True)
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if allowed[r, c] > 0]
