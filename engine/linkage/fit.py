"""Fits a link model to point pairs, and refuses pairs that cannot carry one, with a reason."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, least_squares
from scipy.spatial.transform import Rotation

from engine.config.schema import PointPair
from engine.core.geometry import Direction, Point, wrap_deg
from engine.linkage.model import LinkModel, Projection

MIN_PAIRS = 4
PAIRS_FOR_DISTORTION = 6
ROBUST_SCALE_DEG = 0.7
"""Residuals beyond this weigh less and less (soft L1)."""
CONTRADICTION_DEG = 3.0
"""A pair that is off by more than this from what the others say is a mistake, not noise."""
POINT_NOISE = 0.002
"""How exactly people click: a fraction of the picture's width (2.5 pixels of 1280)."""
MAX_EXPECTED_ERROR_DEG = 4.0
_START_HFOVS = (40.0, 60.0, 80.0, 100.0, 125.0)
_GRID = 5


class FitRefused(ValueError):  # noqa: N818 - what happens, in the words of the manual
    """The pairs cannot carry a model. The message says why; `pairs` are the numbers (from 0) of the ones to blame."""

    def __init__(self, reason: str, pairs: Sequence[int] = ()) -> None:
        super().__init__(reason)
        self.pairs = tuple(pairs)


@dataclass(frozen=True, slots=True)
class LinkFit:
    """A fitted model and how far to trust it.

    `residuals_deg` is the angle between each pair's direction and the model's. `expected_error_deg` is the error to
    expect from clicks that are a little off, over a grid of the picture, rows from top to bottom.
    """

    model: LinkModel
    residuals_deg: tuple[float, ...]
    expected_error_deg: tuple[tuple[float, ...], ...]


def fit_link(
    pairs: Sequence[PointPair],
    projection: Projection,
    aspect: float,
    hfov_deg: float | None = None,
    *,
    blame: bool = True,
) -> LinkFit:
    """The model that fits the pairs best (robust least squares on the sphere).

    `aspect` is the overview picture's width-to-height ratio, `hfov_deg` what is known of its field of view. Radial
    distortion is fitted from six well spread pairs on. Raises FitRefused. Not to `blame` saves the fits that find out
    which pair contradicts the others.
    """
    if len(pairs) < MIN_PAIRS:
        raise FitRefused(f"{len(pairs)} pairs are not enough: set at least {MIN_PAIRS}, spread over the picture")
    _refuse_contradictions(pairs)
    problem = _Problem.of(pairs, projection, aspect, hfov_deg)
    solution = problem.solve()
    residuals = problem.angles(solution.x)
    if max(residuals) > CONTRADICTION_DEG:
        if not blame:
            raise FitRefused("the pairs contradict each other")
        _blame(pairs, problem, residuals)
    model = problem.model(solution.x)
    expected = _expected_errors(problem, solution.x)
    if not np.all(np.isfinite(expected)) or expected.max() > MAX_EXPECTED_ERROR_DEG:
        near = _closest(pairs)
        raise FitRefused(
            f"the pairs lie too close together to say where the rest of the picture looks (pairs {near[0] + 1} and "
            f"{near[1] + 1} are the closest): spread them towards the corners",
            near,
        )
    return LinkFit(model, tuple(residuals), tuple(tuple(float(v) for v in row) for row in expected))


@dataclass(frozen=True, slots=True)
class _Problem:
    points: NDArray[np.float64]
    rays: NDArray[np.float64]
    projection: Projection
    aspect: float
    hint_deg: float | None
    distortion: bool

    @classmethod
    def of(cls, pairs: Sequence[PointPair], projection: Projection, aspect: float, hint_deg: float | None) -> _Problem:
        points = np.array([[pair.x, pair.y] for pair in pairs])
        rays = np.array([Direction(pair.pan_deg, pair.tilt_deg).vector() for pair in pairs])
        radii = np.hypot(2 * points[:, 0] - 1, (1 - 2 * points[:, 1]) / aspect)
        spread = bool(radii.max() > 0.7 and radii.max() - radii.min() > 0.35)
        distortion = projection == "pinhole" and len(pairs) >= PAIRS_FOR_DISTORTION and spread
        return cls(points, rays, projection, aspect, hint_deg, distortion)

    def model(self, x: NDArray[np.float64]) -> LinkModel:
        """Parameters: pan, tilt, roll in degrees, then the logarithm of the half-width, then the distortion."""
        pinhole = self.projection == "pinhole"
        hfov = math.degrees(2 * math.atan(math.exp(min(max(float(x[3]), -6.0), 6.0)))) if pinhole else 90.0
        k1 = float(x[4]) if self.distortion else 0.0
        rotation = (wrap_deg(float(x[0])), float(x[1]), wrap_deg(float(x[2])))
        return LinkModel(self.projection, self.aspect, rotation, hfov, k1)

    def solve(self) -> OptimizeResult:
        """The best of the solutions from several starts; the cost has other minima for very wide pictures."""
        hfovs: tuple[float, ...] = (90.0,)
        if self.projection == "pinhole":
            hfovs = _START_HFOVS if self.hint_deg is None else (self.hint_deg, *_START_HFOVS)
        solutions = [
            least_squares(self._residuals, self._start(hfov), loss="soft_l1", f_scale=ROBUST_SCALE_DEG, x_scale="jac")
            for hfov in hfovs
        ]
        return min(solutions, key=lambda solution: float(solution.cost))

    def angles(self, x: NDArray[np.float64]) -> list[float]:
        """The residual of each pair in degrees."""
        rays = self.model(x).rays(self.points)
        chords = np.linalg.norm(rays - self.rays, axis=1)
        return [float(value) for value in np.degrees(2 * np.arcsin(np.clip(chords / 2, 0, 1)))]

    def _start(self, hfov_deg: float) -> NDArray[np.float64]:
        """The rotation that suits this field of view best, in closed form (Kabsch), as the point to start from."""
        flat = LinkModel(self.projection, self.aspect, (0.0, 0.0, 0.0), hfov_deg)
        u, _, vt = np.linalg.svd(self.rays.T @ flat.rays(self.points))
        sign = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
        minus_pan, tilt, roll = Rotation.from_matrix(u @ sign @ vt).as_euler("ZXY", degrees=True)
        start = [-float(minus_pan), float(tilt), float(roll)]
        if self.projection == "pinhole":
            start.append(math.log(math.tan(math.radians(hfov_deg) / 2)))
        if self.distortion:
            start.append(0.0)
        return np.array(start)

    def _residuals(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        rays = self.model(x).rays(self.points)
        residuals = [np.degrees(rays - self.rays).ravel()]
        if self.projection == "pinhole" and self.hint_deg is not None:
            # A weak opinion: a fifth of the field of view counts as much as one degree of one pair.
            known = math.log(math.tan(math.radians(self.hint_deg) / 2))
            residuals.append(np.array([(x[3] - known) / 0.2 * 0.3]))
        if self.distortion:
            residuals.append(np.array([x[4] / 0.3 * 0.3]))
        return np.concatenate(residuals)


def _refuse_contradictions(pairs: Sequence[PointPair]) -> None:
    for (i, a), (j, b) in combinations(enumerate(pairs), 2):
        apart = math.hypot(a.x - b.x, a.y - b.y)
        angle = Direction(a.pan_deg, a.tilt_deg).angle_to(Direction(b.pan_deg, b.tilt_deg))
        if apart < 0.01 and angle > CONTRADICTION_DEG:
            raise FitRefused(
                f"pairs {i + 1} and {j + 1} are the same point of the picture but {angle:.0f} degrees apart", (i, j)
            )
        if angle < 0.05 and apart > 0.05:
            raise FitRefused(
                f"pairs {i + 1} and {j + 1} look in the same direction but are different points of the picture", (i, j)
            )
        if apart < 0.01:
            raise FitRefused(f"pairs {i + 1} and {j + 1} are the same point twice: remove one of them", (i, j))


def _blame(pairs: Sequence[PointPair], problem: _Problem, residuals: Sequence[float]) -> None:
    """Names the pair without which the others agree; if there is no such pair, those that are off the most."""
    suspects: list[tuple[float, int]] = []
    for index in range(len(pairs)):
        rest = [pair for other, pair in enumerate(pairs) if other != index]
        without = _Problem.of(rest, problem.projection, problem.aspect, problem.hint_deg)
        suspects.append((max(without.angles(without.solve().x)), index))
    suspects.sort()
    best, culprit = suspects[0]
    if best < 1.0 and suspects[1][0] > 2 * best + 0.5:
        raise FitRefused(f"pair {culprit + 1} contradicts the others, which agree without it: set it again", (culprit,))
    wrong = tuple(index for index, value in enumerate(residuals) if value > CONTRADICTION_DEG)
    names = ", ".join(f"{index + 1} ({residuals[index]:.1f} degrees off)" for index in wrong)
    raise FitRefused(f"the pairs contradict each other, most of all {names}: set them again", wrong)


def _closest(pairs: Sequence[PointPair]) -> tuple[int, int]:
    def apart(numbers: tuple[int, int]) -> float:
        a, b = pairs[numbers[0]], pairs[numbers[1]]
        return math.hypot(a.x - b.x, a.y - b.y)

    return min(combinations(range(len(pairs)), 2), key=apart)


def _jacobian(
    function: Callable[[NDArray[np.float64]], NDArray[np.float64]], x: NDArray[np.float64]
) -> NDArray[np.float64]:
    step = 1e-4
    columns = [(function(x + step * unit) - function(x - step * unit)) / (2 * step) for unit in np.eye(len(x))]
    return np.stack(columns, axis=1)


def _expected_errors(problem: _Problem, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Propagates the noise of the clicks through the fit to a grid of picture points (first order), shape (5, 5)."""
    centre = problem.model(x)
    width_deg = centre.direction(Point(0.49, 0.5)).angle_to(centre.direction(Point(0.51, 0.5))) / 0.02
    sigma = POINT_NOISE * width_deg
    information = _jacobian(problem._residuals, x)  # noqa: SLF001 - the problem's own module
    covariance = np.linalg.pinv(information.T @ information, rcond=1e-10) * sigma**2
    # A direction of the parameters that no residual feels is unknown, and must not vanish in the pseudo-inverse.
    if np.linalg.matrix_rank(information, tol=1e-6) < len(x):
        return np.full((_GRID, _GRID), np.inf)
    steps = np.linspace(0.05, 0.95, _GRID)
    errors = np.empty((_GRID, _GRID))
    for row, y in enumerate(steps):
        for column, across in enumerate(steps):
            at = np.array([[across, y]])
            spread = _jacobian(lambda p, at=at: np.degrees(problem.model(p).rays(at)[0]), x)  # type: ignore[misc]
            errors[row, column] = math.sqrt(max(float(np.trace(spread @ covariance @ spread.T)), 0.0))
    return errors
