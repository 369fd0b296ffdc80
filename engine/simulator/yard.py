"""The yard as a scene: who passes through it, as two cameras see it, and the truth about them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.core.geometry import Box, Point, Pose, Vector3
from engine.core.values import Image, TargetType
from engine.core.zoom import ZoomCurve
from engine.simulator.actors import Actor, actors_at
from engine.simulator.person import Body, shadow_of
from engine.simulator.scene import MotorLimits, PictureSize, PointPair, SceneFacts, TargetTruth
from engine.simulator.sculpture import Part, draw_parts, draw_shadow, window_around
from engine.simulator.surfaces import Surface, blend
from engine.simulator.vehicle import Vehicle
from engine.simulator.viewpoint import Points3, Viewpoint
from engine.simulator.yard_backdrop import Backdrop, FaceBackdrop, fine_backdrop
from engine.simulator.yard_stage import PARKED_VAN, hidden_by, yard_stage

OVERVIEW_AT = np.array([0.0, 0.0, 4.0])
OVERVIEW_POSE = Pose(0.0, -13.5, 60.0)
PTZ_AT = np.array([0.06, 0.0, 3.95])
"""Beside the overview on the same bracket: so near that only rotations matter."""

HOME = Pose(0.0, -14.0, 55.0)
ZOOM_CURVE = ZoomCurve(((0.0, 60.0), (0.25, 30.0), (0.5, 14.5), (0.75, 6.8), (1.0, 3.0)))

_REGION_M = ((-5.0, 10.0), (5.0, 10.0), (6.2, 15.6), (-6.2, 15.6))
_LANDMARKS_M = (
    (-4.2, 8.6, 0.0),
    (4.6, 9.2, 0.0),
    (-7.0, 14.0, 0.0),
    (0.2, 12.4, 0.0),
    (7.4, 14.6, 0.0),
    (2.0, 16.9, 1.5),
    (-9.0, 26.0, 1.2),
    (8.5, 26.0, 3.4),
    (-1.0, 20.0, 0.0),
)
"""Things that somebody who sets up the site would click on in both pictures."""

_CLICK_NOISE_PX = 1.0
_BLANK = np.zeros((32, 32, 3), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class _Figure:
    """Somebody at an instant, ready to be drawn or measured."""

    target_id: str
    target_type: TargetType
    x: float
    y: float
    parts: tuple[Part, ...]
    shadow: Points3
    centre: Vector3
    samples: Points3
    outline: Points3
    outline_radii: NDArray[np.float64]
    blockers: tuple[Surface, ...]

    @property
    def distance(self) -> float:
        return math.hypot(self.x, self.y)


def _person(actor: Actor, at: float) -> _Figure:
    assert actor.look is not None
    stance = actor.route.stance_at(at)
    body = Body(actor.look, stance)
    parts = body.parts(OVERVIEW_AT)
    sideways = np.array([stance.y, -stance.x, 0.0]) / max(math.hypot(stance.x, stance.y), 1e-6) * 0.4
    corner = np.array([stance.x, stance.y, actor.look.height * 0.97]) - sideways / 2
    blocker = Surface(corner, sideways, np.array([0.0, 0.0, -actor.look.height * 0.97]), _BLANK)
    return _Figure(
        actor.target_id,
        TargetType.PERSON,
        stance.x,
        stance.y,
        tuple(parts),
        shadow_of(stance, actor.look.height),
        body.centre(),
        body.samples(),
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.radii for part in parts]),
        (blocker,),
    )


def _car(target_id: str, vehicle: Vehicle) -> _Figure:
    outline = vehicle.corners()
    return _Figure(
        target_id,
        TargetType.VEHICLE,
        vehicle.x,
        vehicle.y,
        tuple(vehicle.parts(OVERVIEW_AT)),
        vehicle.ground_outline(),
        vehicle.centre(),
        vehicle.samples(),
        outline,
        np.zeros(len(outline)),
        tuple(Surface(*face, _BLANK) for face in vehicle.faces()),
    )


class _Camera:
    """Draws the yard from one place. The picture of what stands still is kept while the pose stays the same."""

    def __init__(self, position: Vector3, size: PictureSize, backdrop: Backdrop) -> None:
        self.position = position
        self._size = size
        self._backdrop = backdrop
        self._still: tuple[Pose, Image] | None = None

    def view(self, pose: Pose) -> Viewpoint:
        return Viewpoint(self.position, pose, self._size)

    def picture(self, pose: Pose, figures: list[_Figure]) -> Image:
        """`figures` come the farthest first."""
        view = self.view(pose)
        if self._still is None or self._still[0] != pose:
            self._still = (pose, self._backdrop(view))
        empty = self._still[1]
        canvas = empty.copy()
        for figure in figures:
            window = window_around(figure.parts, view)
            if window is None:
                continue
            draw_shadow(canvas, view, figure.shadow, 0.5)
            draw_parts(canvas, view, figure.parts)
            for obstacle in yard_stage().obstacles:
                # The empty yard shows the obstacle already: where it hides somebody, that picture is laid over them.
                if obstacle.hides(self.position, figure.samples).any():
                    blend(canvas[window.slices], empty[window.slices], obstacle.cover(view, window))
        return canvas


class YardScene:
    """The drawn site. See `Scene`."""

    def __init__(self, seed: int = 1, size: PictureSize | None = None, fps: float = 12.0) -> None:
        size = size or PictureSize(1280, 720)
        self._seed = seed
        self._overview = _Camera(OVERVIEW_AT, size, fine_backdrop)
        self._ptz_backdrop = FaceBackdrop(PTZ_AT)
        self._ptz = _Camera(PTZ_AT, size, self._ptz_backdrop)
        self._region = np.array(_REGION_M, np.float32)
        self._facts = SceneFacts(
            name="yard",
            projection="pinhole",
            overview_size=size,
            ptz_size=size,
            overview_hfov_deg=OVERVIEW_POSE.hfov_deg,
            zoom_curve=ZOOM_CURVE,
            motors=MotorLimits(),
            home=HOME,
            pairs=self._pairs(size),
            region=tuple(point for x, y in _REGION_M if (point := self._overview_point(np.array([x, y, 0.0])))),
            fps=fps,
        )

    @property
    def facts(self) -> SceneFacts:
        """See `Scene`."""
        return self._facts

    def prepare(self) -> None:
        """Draws what the first pictures need."""
        self._ptz_backdrop.prepare()
        self.overview(0.0)

    def overview(self, at: float) -> Image:
        """See `Scene`."""
        return self._overview.picture(OVERVIEW_POSE, self._figures(at))

    def ptz(self, at: float, pose: Pose) -> Image:
        """See `Scene`."""
        return self._ptz.picture(pose, self._figures(at))

    def truth(self, at: float, pose: Pose) -> tuple[TargetTruth, ...]:
        """See `Scene`."""
        # The parked van is part of the empty yard's picture, and hides others as an obstacle of it.
        figures = [_car("parked-van", PARKED_VAN), *self._figures(at)]
        overview, ptz = self._overview.view(OVERVIEW_POSE), self._ptz.view(pose)
        result = []
        for index, figure in enumerate(figures):
            nearer = tuple(surface for other in figures[index + 1 :] for surface in other.blockers)
            obstacles = (o for o in yard_stage().obstacles if o.name != figure.target_id)
            nearer += tuple(surface for obstacle in obstacles for surface in obstacle.surfaces)
            result.append(
                TargetTruth(
                    target_id=figure.target_id,
                    target_type=figure.target_type,
                    direction=ptz.direction_to(figure.centre),
                    overview_box=_box(overview, figure),
                    ptz_box=_box(ptz, figure),
                    overview_visible=_visible(overview, figure, nearer),
                    ptz_visible=_visible(ptz, figure, nearer),
                    inside_region=cv2.pointPolygonTest(self._region, (figure.x, figure.y), measureDist=False) >= 0,
                )
            )
        return tuple(result)

    def _figures(self, at: float) -> list[_Figure]:
        """Everybody, the farthest first."""
        figures = [
            _person(actor, at) if actor.look else _car(actor.target_id, actor.vehicle_at(at))
            for actor in actors_at(self._seed, at)
        ]
        return sorted(figures, key=lambda figure: -figure.distance)

    def _overview_point(self, place: Vector3) -> Point | None:
        return self._overview.view(OVERVIEW_POSE).point_of(place)

    def _pairs(self, size: PictureSize) -> tuple[PointPair, ...]:
        generator = np.random.default_rng((self._seed, 77))
        pairs = []
        for landmark in _LANDMARKS_M:
            place = np.array(landmark)
            point = self._overview_point(place)
            if point is not None:
                shift = generator.normal(0, _CLICK_NOISE_PX, 2) / (size.width, size.height)
                clicked = Point(point.x + float(shift[0]), point.y + float(shift[1]))
                pairs.append(PointPair(clicked, self._ptz.view(HOME).direction_to(place)))
        return tuple(pairs)


def _box(view: Viewpoint, figure: _Figure) -> Box | None:
    return view.box_of(figure.outline, figure.outline_radii)


def _visible(view: Viewpoint, figure: _Figure, nearer: tuple[Surface, ...]) -> float:
    pixels, depth = view.project(figure.samples)
    size = (view.size.width, view.size.height)
    seen = (depth > 0) & (pixels >= 0).all(axis=1) & (pixels < size).all(axis=1)
    return float((seen & ~hidden_by(nearer, view.position, figure.samples)).mean())
