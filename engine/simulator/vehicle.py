"""Cars and vans: a side profile extruded to a solid, with windows, wheels and lights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from engine.core.geometry import Vector3
from engine.simulator.sculpture import Part
from engine.simulator.textures import Colour
from engine.simulator.viewpoint import Points3

type _Outline = tuple[tuple[float, float], ...]
"""Points (forward, up) in metres, seen from the side."""

_GLASS: Colour = (70, 62, 54)
_TYRE: Colour = (30, 30, 32)


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of vehicle. The profile runs clockwise from the lower rear; an edge in `glazed` is a pane."""

    profile: _Outline
    glazed: tuple[int, ...]
    windows: tuple[_Outline, ...]
    wheels: tuple[float, ...]
    wheel_radius: float
    half_width: float
    roof_half_width: float
    shoulder: float
    """The height above which the sides lean inwards."""


CAR = Shape(
    profile=(
        (-2.12, 0.3),
        (-2.2, 0.62),
        (-2.12, 0.92),
        (-1.62, 0.98),
        (-1.02, 1.42),
        (0.22, 1.44),
        (1.0, 0.98),
        (1.92, 0.86),
        (2.16, 0.66),
        (2.16, 0.3),
    ),
    glazed=(3, 5),
    windows=(
        ((-1.38, 0.98), (-0.94, 1.34), (-0.42, 1.36), (-0.42, 0.98)),
        ((-0.34, 0.98), (-0.34, 1.36), (0.18, 1.36), (0.76, 0.98)),
    ),
    wheels=(-1.32, 1.32),
    wheel_radius=0.33,
    half_width=0.88,
    roof_half_width=0.66,
    shoulder=0.95,
)

VAN = Shape(
    profile=(
        (-2.6, 0.35),
        (-2.65, 1.2),
        (-2.55, 2.15),
        (1.35, 2.2),
        (2.05, 1.25),
        (2.5, 1.05),
        (2.6, 0.75),
        (2.6, 0.35),
    ),
    glazed=(3,),
    windows=(((0.75, 1.2), (0.75, 1.9), (1.3, 1.9), (1.8, 1.2)),),
    wheels=(-1.7, 1.7),
    wheel_radius=0.36,
    half_width=0.98,
    roof_half_width=0.9,
    shoulder=1.15,
)


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle at a place. `heading_deg` is the pan of its nose, `rolled` how far it has gone, in metres."""

    shape: Shape
    colour: Colour
    x: float
    y: float
    heading_deg: float
    rolled: float = 0.0

    def centre(self) -> Vector3:
        """The middle of the body."""
        return np.array([self.x, self.y, self._height() / 2])

    def corners(self) -> Points3:
        """Points of the outline on both sides: what a tight box is made of."""
        rims = [
            (wheel + self.shape.wheel_radius * cosine, max(self.shape.wheel_radius * (1 + sine), 0.0))
            for wheel in self.shape.wheels
            for cosine, sine in ((-1.0, 0.0), (1.0, 0.0), (0.0, -1.0))
        ]
        return np.concatenate([self._side((*self.shape.profile, *rims), sign) for sign in (-1.0, 1.0)])

    def samples(self) -> Points3:
        """Points spread over the body: what is looked at to tell how much of it is hidden."""
        length = np.linspace(self.shape.profile[0][0], self.shape.profile[-1][0], 9) * 0.94
        return self._places([(f, s, u) for f in length for s in (-0.7, 0.7) for u in (0.4, 0.8)])

    def ground_outline(self) -> Points3:
        """The shadow under and beside it."""
        rear, front = self.shape.profile[0][0], self.shape.profile[-1][0]
        wide = self.shape.half_width + 0.12
        corners = [(rear - 0.1, -wide), (front + 0.1, -wide), (front + 0.1, wide), (rear - 0.1, wide)]
        outline = self._places([(forward, side, 0.01) for forward, side in corners])
        outline += np.array([0.25, 0.1, 0.0])
        return outline

    def faces(self) -> list[tuple[Vector3, Vector3, Vector3]]:
        """Rectangles (corner, along, down) that stand for it when something is hidden behind it."""
        rear, front, top = self.shape.profile[0][0], self.shape.profile[-1][0], self._height()
        down = np.array([0.0, 0.0, -top])
        faces = []
        for start, end in (((rear, -0.8), (front, -0.8)), ((rear, 0.8), (front, 0.8)), ((front, -0.8), (front, 0.8))):
            corner = self._place(*start, top)
            faces.append((corner, self._place(*end, top) - corner, down))
        return faces

    def parts(self, eye: Vector3) -> list[Part]:
        """What is to be drawn for somebody who looks from `eye`, in drawing order."""
        side = math.copysign(1.0, float((eye - self._place(0, 0, 0)) @ self._axes()[1]))
        wheels = [part for wheel in self.shape.wheels for part in self._wheel(wheel, -side)]
        return [*wheels, *self._strips(eye), *self._flank(side), *self._lights(eye, side)]

    def _height(self) -> float:
        return max(up for _, up in self.shape.profile)

    def _axes(self) -> tuple[Vector3, Vector3]:
        heading = math.radians(self.heading_deg)
        forward = np.array([math.sin(heading), math.cos(heading), 0.0])
        right = np.array([math.cos(heading), -math.sin(heading), 0.0])
        return forward, right

    def _place(self, forward: float, right: float, up: float) -> Vector3:
        place: Vector3 = self._places([(forward, right, up)])[0]
        return place

    def _places(self, points: Sequence[tuple[float, float, float]]) -> Points3:
        """World points of points (forward, right, up) of the vehicle's own frame."""
        forward, right = self._axes()
        frame = np.stack([forward, right, np.array([0.0, 0.0, 1.0])])
        places: Points3 = np.array(points) @ frame + (self.x, self.y, 0.0)
        return places

    def _half_width(self, up: float) -> float:
        shape = self.shape
        lean = max(up - shape.shoulder, 0.0) / max(self._height() - shape.shoulder, 1e-6)
        return shape.half_width + (shape.roof_half_width - shape.half_width) * lean

    def _side(self, outline: _Outline, sign: float, out: float = 0.0) -> Points3:
        return self._places([(f, sign * (self._half_width(u) + out), u) for f, u in outline])

    def _flat(self, points: Points3, colour: Colour, light: float = 1.0) -> Part:
        blue, green, red = (min(channel * light, 255.0) for channel in colour)
        return Part(points, np.zeros(len(points)), (blue, green, red), rounded=False)

    def _strips(self, eye: Vector3) -> list[Part]:
        """The bands across the vehicle that face the eye, the farthest first."""
        profile = self.shape.profile
        visible: list[tuple[float, Part]] = []
        for index, (start, end) in enumerate(pairwise(profile)):
            left, right = self._side((start, end), -1.0), self._side((start, end), 1.0)
            quad = np.stack([left[0], left[1], right[1], right[0]])
            normal = np.cross(quad[3] - quad[0], quad[1] - quad[0])
            if float(normal @ (eye - quad.mean(axis=0))) <= 0:
                continue
            upwards = float(normal[2] / np.linalg.norm(normal))
            glazed = index in self.shape.glazed
            part = self._flat(quad, _GLASS if glazed else self.colour, 0.75 + 0.4 * max(upwards, 0.0) + 0.5 * glazed)
            visible.append((float(np.linalg.norm(quad.mean(axis=0) - eye)), part))
        return [part for _, part in sorted(visible, key=lambda item: -item[0])]

    def _flank(self, side: float) -> list[Part]:
        shape = self.shape
        parts = [self._flat(self._side(shape.profile, side), self.colour, 0.86)]
        rear, front = shape.profile[0][0], shape.profile[-1][0]
        sill: _Outline = ((rear, 0.3), (rear, 0.42), (front, 0.42), (front, 0.3))
        parts.append(self._flat(self._side(sill, side, 0.005), self.colour, 0.5))
        parts += [self._flat(self._side(window, side, 0.005), _GLASS, 1.1) for window in shape.windows]
        for seam in (window[-1][0] + 0.04 for window in shape.windows[:1]):
            line: _Outline = ((seam, 0.42), (seam, shape.shoulder), (seam + 0.03, shape.shoulder), (seam + 0.03, 0.42))
            parts.append(self._flat(self._side(line, side, 0.006), self.colour, 0.6))
        for wheel in shape.wheels:
            parts += self._wheel(wheel, side)
        return parts

    def _wheel(self, forward: float, side: float) -> list[Part]:
        radius, turn = self.shape.wheel_radius, self.rolled / self.shape.wheel_radius

        def disc(scale: float, out: float, colour: Colour, corners: int = 22) -> Part:
            angles = np.linspace(0, 2 * np.pi, corners, endpoint=False) - turn
            outline = tuple(
                (forward + radius * scale * math.cos(a), radius + radius * scale * math.sin(a)) for a in angles
            )
            points = self._places([(f, side * (self.shape.half_width + out), u) for f, u in outline])
            return self._flat(points, colour)

        return [
            disc(1.18, 0.004, (26, 26, 28)),
            disc(1.0, 0.01, _TYRE),
            disc(0.62, 0.014, (168, 170, 172)),
            disc(0.5, 0.016, (110, 112, 116), 5),
            disc(0.16, 0.018, (60, 60, 62)),
        ]

    def _lights(self, eye: Vector3, side: float) -> list[Part]:
        forward = self._axes()[0]
        ahead = float((eye - self._place(0, 0, 0)) @ forward) > 0
        index = -2 if ahead else 1
        place, up = self.shape.profile[index]
        colour: Colour = (225, 240, 245) if ahead else (40, 36, 190)
        out = 0.015 if ahead else -0.015
        parts = []
        for sign in (-side, side):
            inner, outer = sign * (self.shape.half_width - 0.38), sign * (self.shape.half_width - 0.04)
            corners = [(inner, up - 0.08), (inner, up + 0.06), (outer, up + 0.06), (outer, up - 0.08)]
            parts.append(self._flat(self._places([(place + out, s, u) for s, u in corners]), colour))
        plate = [(-0.26, 0.42), (-0.26, 0.54), (0.26, 0.54), (0.26, 0.42)]
        edge = self.shape.profile[-1 if ahead else 0][0] + (0.02 if ahead else -0.06)
        parts.append(self._flat(self._places([(edge, s, u) for s, u in plate]), (215, 218, 220)))
        if abs(float((eye - self._place(0, 0, 0)) @ forward)) < 2.3:
            return []
        return parts
