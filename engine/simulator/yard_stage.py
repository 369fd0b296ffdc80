"""What stands still in the yard: ground, buildings, a wall, a tree, a parked van, and the sky above."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.core.geometry import Vector3
from engine.core.values import Image
from engine.simulator import textures
from engine.simulator.sculpture import cover_of_parts, draw_parts
from engine.simulator.surfaces import Surface
from engine.simulator.vehicle import VAN, Vehicle
from engine.simulator.viewpoint import Points3, Viewpoint, Window

_GROUND_PX_PER_M = 48
_GROUND_X, _GROUND_Y = (-24.0, 24.0), (4.0, 28.0)
_LANE_Y = (12.9, 16.4)
PARKED_VAN = Vehicle(VAN, (196, 198, 200), -8.4, 10.4, 0.0)


def _vector(x: float, y: float, z: float) -> Vector3:
    return np.array([x, y, z])


@dataclass(frozen=True, slots=True, eq=False)
class Obstacle:
    """Something that stands in the yard and may hide somebody. `surfaces` are what rays are stopped by.

    `cover` tells how much it covers of each pixel of a window, 0 to 255.
    """

    name: str
    draw: Callable[[Image, Viewpoint], None]
    cover: Callable[[Viewpoint, Window], NDArray[np.uint8]]
    surfaces: tuple[Surface, ...]

    def hides(self, eye: Vector3, points: Points3) -> NDArray[np.bool_]:
        """Which of the points (n, 3) it hides from `eye`."""
        return hidden_by(self.surfaces, eye, points)


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """Everything that stands still: what is behind everybody, and the obstacles, the farthest first."""

    backdrop: tuple[Surface, ...]
    obstacles: tuple[Obstacle, ...]

    def draw(self, canvas: Image, view: Viewpoint) -> None:
        """Fills the canvas with the empty yard."""
        draw_sky(canvas, view)
        for surface in self.backdrop:
            surface.draw(canvas, view)
        for obstacle in self.obstacles:
            obstacle.draw(canvas, view)


def hidden_by(surfaces: tuple[Surface, ...], eye: Vector3, points: Points3) -> NDArray[np.bool_]:
    """Which of the points (n, 3) are behind any of the surfaces, seen from `eye`."""
    hidden = np.zeros(len(points), np.bool_)
    for surface in surfaces:
        hidden |= surface.hides(eye, points)
    return hidden


def _ground(generator: np.random.Generator) -> Image:
    """The paved yard with its lane, path, parking places and grass, seen from above, the far side at the top."""
    scale = _GROUND_PX_PER_M
    width, height = int((_GROUND_X[1] - _GROUND_X[0]) * scale), int((_GROUND_Y[1] - _GROUND_Y[0]) * scale)
    picture = textures.plain(generator, width, height, (128, 132, 134), 6.0)

    def corner(x: float, y: float) -> tuple[int, int]:
        return int((x - _GROUND_X[0]) * scale), int((_GROUND_Y[1] - y) * scale)

    def area(x: tuple[float, float], y: tuple[float, float], colour: textures.Colour, roughness: float) -> None:
        (left, top), (right, bottom) = corner(x[0], y[1]), corner(x[1], y[0])
        picture[top:bottom, left:right] = textures.plain(generator, right - left, bottom - top, colour, roughness)

    area(_GROUND_X, (22.5, _GROUND_Y[1]), (62, 108, 84), 11.0)
    area((-24.0, -14.0), (17.0, 28.0), (62, 108, 84), 11.0)
    area(_GROUND_X, _LANE_Y, (94, 96, 98), 5.0)
    for door in (-6.0, 5.2):
        area((door - 0.9, door + 0.9), (_LANE_Y[1], 28.0), (150, 156, 160), 5.0)
    for y in _LANE_Y:
        cv2.line(picture, corner(_GROUND_X[0], y), corner(_GROUND_X[1], y), (168, 172, 174), 7, cv2.LINE_AA)
    for x in (-12.6, -9.6, -6.6):
        cv2.line(picture, corner(x, 7.4), corner(x, 12.6), (205, 208, 210), 5, cv2.LINE_AA)
    for x in range(-24, 24, 3):
        cv2.line(picture, corner(x, 4.0), corner(x, _LANE_Y[0]), (112, 116, 118), 2, cv2.LINE_AA)
    cv2.ellipse(picture, corner(2.2, 10.6), (18, 18), 0, 0, 360, (80, 82, 84), -1, cv2.LINE_AA)
    shade = np.zeros((height, width), np.uint8)
    cv2.ellipse(shade, corner(-1.3, 9.6), (int(2.4 * scale), int(1.0 * scale)), -20, 0, 360, (90,), -1)
    cv2.ellipse(
        shade, corner(PARKED_VAN.x + 0.3, PARKED_VAN.y), (int(1.25 * scale), int(2.8 * scale)), 0, 0, 360, (120,), -1
    )
    soft = cv2.blur(shade, (25, 25)).astype(np.float32)[:, :, None] / 255
    return np.asarray(picture * (1 - soft), np.uint8)


def _ground_surfaces(generator: np.random.Generator) -> list[Surface]:
    """The ground in bands, so that each can have the detail that suits its distance."""
    far = textures.plain(generator, 900, 900, (70, 104, 88), 12.0)
    result = [Surface(_vector(-150, 150, -0.02), _vector(300, 0, 0), _vector(0, -300, 0), far)]
    picture = _ground(generator)
    width = _GROUND_X[1] - _GROUND_X[0]
    for near, distant in ((18.0, 28.0), (11.5, 18.0), (7.5, 11.5), (4.0, 7.5)):
        rows = slice(int((_GROUND_Y[1] - distant) * _GROUND_PX_PER_M), int((_GROUND_Y[1] - near) * _GROUND_PX_PER_M))
        corner, down = _vector(_GROUND_X[0], distant, 0), _vector(0, near - distant, 0)
        result.append(Surface(corner, _vector(width, 0, 0), down, np.ascontiguousarray(picture[rows])))
    return result


def _buildings(generator: np.random.Generator) -> list[Surface]:
    back = textures.facade(generator, 30, 7.5, (104, 132, 168), 48)
    left = textures.facade(generator, 20, 7.0, (150, 158, 162), 32)
    behind = textures.facade(generator, 24, 8.0, (120, 140, 158), 24)
    hedge = textures.plain(generator, 640, 64, (44, 86, 58), 16.0)
    return [
        Surface(_vector(12, -1.5, 8), _vector(-24, 0, 0), _vector(0, 0, -8), behind),
        Surface(_vector(-15, 6, 7), _vector(0, 20, 0), _vector(0, 0, -7), left),
        Surface(_vector(16, 26, 1.6), _vector(0, -20, 0), _vector(0, 0, -1.6), hedge),
        Surface(_vector(-15, 26, 7.5), _vector(30, 0, 0), _vector(0, 0, -7.5), back),
    ]


def _obstacles(generator: np.random.Generator) -> list[Obstacle]:
    bricks = textures.bricks(generator, 480, 240, (92, 104, 150), 16)
    wall = Surface(_vector(2.0, 16.9, 1.5), _vector(3.0, 0, 0), _vector(0, 0, -1.5), bricks)
    cap = textures.plain(generator, 240, 32, (168, 172, 176), 5.0)
    top = Surface(_vector(2.0, 17.2, 1.5), _vector(3.0, 0, 0), _vector(0, -0.3, 0), cap)
    leaves, opacity = textures.foliage(generator, 640, (62, 128, 88))
    tree = Surface(_vector(-5.6, 9.0, 6.0), _vector(6, 0, 0), _vector(0, 0, -6.0), leaves, opacity)
    blank = np.zeros((64, 64, 3), np.uint8)

    def draw_wall(canvas: Image, view: Viewpoint) -> None:
        wall.draw(canvas, view)
        top.draw(canvas, view)

    def cover_wall(view: Viewpoint, window: Window) -> NDArray[np.uint8]:
        return np.maximum(wall.cover(view, window), top.cover(view, window))

    def cover_van(view: Viewpoint, window: Window) -> NDArray[np.uint8]:
        return cover_of_parts(view, PARKED_VAN.parts(view.position), window)

    def draw_van(canvas: Image, view: Viewpoint) -> None:
        draw_parts(canvas, view, PARKED_VAN.parts(view.position))

    van_faces = tuple(Surface(*face, blank) for face in PARKED_VAN.faces())
    return [
        Obstacle("wall", draw_wall, cover_wall, (wall,)),
        Obstacle("parked-van", draw_van, cover_van, van_faces),
        Obstacle("tree", tree.draw, tree.cover, (tree,)),
    ]


@lru_cache(maxsize=1)
def yard_stage() -> Stage:
    """The yard, made once."""
    # The place itself does not depend on the seed: a site stays what it is, only what happens there changes.
    generator = np.random.default_rng(20240501)
    backdrop = (*_ground_surfaces(generator), *_buildings(generator))
    return Stage(backdrop, tuple(_obstacles(generator)))


def draw_sky(canvas: Image, view: Viewpoint) -> None:
    """Rows have one colour each: without roll the horizon is level, and so is the haze above it."""
    height = canvas.shape[0]
    rows = (np.arange(height) + 0.5 - height / 2) / view.focal_px
    tilt = np.degrees(np.arctan(-rows)) + view.pose.tilt_deg
    stops = [-90, -0.5, 0.0, 12, 45]
    colours = np.array([[96, 108, 104], [104, 116, 112], [222, 214, 204], [214, 186, 160], [196, 150, 110]])
    column = np.stack([np.interp(tilt, stops, colours[:, channel]) for channel in range(3)], axis=1)
    canvas[:] = column.astype(np.uint8)[:, None, :]
