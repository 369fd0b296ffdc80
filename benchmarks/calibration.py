"""How exactly a link is fitted to pairs that were clicked a little off: a Monte Carlo against the truth.

Each seed sets up a site: an overview camera with a random direction, roll and field of view, whose picture points are
clicked with noise. The error is the angle between the fitted model's direction and the true one, over the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.registry import Say
from benchmarks.report import Result
from engine.config.schema import PointPair
from engine.core.geometry import Point
from engine.linkage import FitRefused, LinkModel, fit_link

SEEDS = 200
ASPECT = 16 / 9
PICTURE = np.array([1280.0, 720.0])
NOISE_PX = 2.0
"""The standard deviation of a click in x and in y."""
HFOV_DEG = (50.0, 110.0)
JITTER = 0.08
"""How far the points lie from a regular pattern, at most: nobody finds a landmark exactly in the corner."""
_EDGES = np.linspace(0.02, 0.98, 13)
_GRID = np.array([[x, y] for y in _EDGES for x in _EDGES])


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    columns: tuple[float, ...]
    rows: tuple[float, ...]
    k1: tuple[float, float]
    aim_deg: float | None

    @property
    def pattern(self) -> NDArray[np.float64]:
        return np.array([[x, y] for y in self.rows for x in self.columns])


_CASES = (
    _Case("4 pairs", (0.2, 0.8), (0.25, 0.8), (0.0, 0.0), 0.5),
    _Case("9 pairs", (0.12, 0.5, 0.88), (0.15, 0.5, 0.85), (0.0, 0.0), 0.2),
    _Case("9 pairs, distorted lens", (0.12, 0.5, 0.88), (0.15, 0.5, 0.85), (-0.05, 0.15), None),
)


def run(say: Say) -> Sequence[Result]:
    """See `Benchmark`."""
    results: list[Result] = []
    for case in _CASES:
        say(f"{case.name}: {SEEDS} sites, clicks {NOISE_PX:g} pixels off")
        errors, refused = _errors(case)
        per_site = np.sqrt((errors**2).mean(axis=1))
        results += [
            Result(
                f"{case.name}: error over the picture, RMS", float(np.sqrt((errors**2).mean())), "deg", case.aim_deg
            ),
            Result(f"{case.name}: RMS of a site, 95th percentile", float(np.percentile(per_site, 95)), "deg"),
            Result(f"{case.name}: RMS of a site, worst", float(per_site.max()), "deg"),
            Result(f"{case.name}: fits refused", refused, "sites", 0),
        ]
    return results


def _errors(case: _Case) -> tuple[NDArray[np.float64], int]:
    """The errors in degrees, shape (sites, grid points), and how many sites the fit refused."""
    rows, refused = [], 0
    for seed in range(SEEDS):
        generator = np.random.default_rng((seed, len(case.pattern)))
        truth = _camera(generator, case)
        points = case.pattern + generator.uniform(-JITTER, JITTER, case.pattern.shape)
        clicked = points + generator.normal(0, NOISE_PX, points.shape) / PICTURE
        try:
            fitted = fit_link(_pairs(truth, points, clicked), "pinhole", ASPECT).model
        except FitRefused:
            refused += 1
            continue
        chords = np.linalg.norm(fitted.rays(_GRID) - truth.rays(_GRID), axis=1)
        rows.append(np.degrees(2 * np.arcsin(np.clip(chords / 2, 0, 1))))
    return np.array(rows), refused


def _camera(generator: np.random.Generator, case: _Case) -> LinkModel:
    pan, tilt, roll = generator.uniform(-180, 180), generator.uniform(-50, 0), generator.uniform(-5, 5)
    rotation = (float(pan), float(tilt), float(roll))
    hfov_deg, k1 = generator.uniform(*HFOV_DEG), generator.uniform(*case.k1)
    return LinkModel("pinhole", ASPECT, rotation, float(hfov_deg), float(k1))


def _pairs(truth: LinkModel, points: NDArray[np.float64], clicked: NDArray[np.float64]) -> list[PointPair]:
    """The directions are those of the true points: a PTZ camera is centred on the landmark far more exactly."""
    directions = [truth.direction(Point(float(x), float(y))) for x, y in points]
    return [
        PointPair(float(x), float(y), direction.pan_deg, direction.tilt_deg)
        for (x, y), direction in zip(clicked, directions, strict=True)
    ]
