"""The relation between a lens's zoom position and its field of view."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True, slots=True)
class ZoomCurve:
    """Zoom position (0 wide to 1 tele, the generic ONVIF space) against horizontal field of view in degrees.

    Between the measured points the logarithm of the field of view is linear in the position.
    Raises ValueError unless positions rise and fields of view fall strictly, with at least two points.
    """

    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if len(self.points) < 2:
            raise ValueError("a zoom curve needs at least two points (zoom, hfov_deg)")
        for (zoom_a, fov_a), (zoom_b, fov_b) in pairwise(self.points):
            if zoom_b <= zoom_a or fov_b >= fov_a:
                raise ValueError("the zoom of a curve must rise, and its field of view fall, from point to point")
        if self.points[-1][1] <= 0 or self.points[0][1] >= 180:
            raise ValueError("fields of view lie between 0 and 180 degrees")

    @property
    def widest_deg(self) -> float:
        """The largest field of view."""
        return self.points[0][1]

    @property
    def narrowest_deg(self) -> float:
        """The smallest field of view."""
        return self.points[-1][1]

    def hfov_deg(self, zoom: float) -> float:
        """The field of view at a zoom position; positions beyond the ends count as the ends."""
        zooms = [point[0] for point in self.points]
        logs = [math.log(point[1]) for point in self.points]
        return float(math.exp(np.interp(zoom, zooms, logs)))

    def zoom(self, hfov_deg: float) -> float:
        """The zoom position for a field of view; one that the lens does not reach gives the nearest end."""
        zooms = [point[0] for point in reversed(self.points)]
        logs = [math.log(point[1]) for point in reversed(self.points)]
        return float(np.interp(math.log(max(hfov_deg, 1e-6)), logs, zooms))
