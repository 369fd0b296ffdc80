"""A scene from real footage: an equirectangular clip is the overview, the PTZ camera cuts perspective views from it.

The clip is played forwards and backwards in turn, so that every motion in it is continuous. In the overview picture
x from 0 to 1 is pan from -180 to 180 degrees, and y from 0 to 1 is tilt from 90 to -90 degrees.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.core.geometry import Box, Direction, Point, Pose, wrap_deg
from engine.core.values import Image, TargetType
from engine.core.zoom import ZoomCurve
from engine.simulator.scene import MotorLimits, PictureSize, PointPair, SceneFacts, TargetTruth

ANNOTATED = "annotated"
"""The id of the target that the annotation follows."""

_ZOOM_CURVE = ZoomCurve(((0.0, 90.0), (0.5, 44.0), (1.0, 20.0)))
_MOTORS = MotorLimits(pan_deg=None, tilt_deg=(-80.0, 60.0))
_HOME = Pose(0.0, -5.0, 90.0)
_PTZ_SIZE = PictureSize(960, 540)
_JPEG_QUALITY = 93
_GRID = 16
_PAIR_DIRECTIONS = ((-150, -10), (-110, 15), (-70, -20), (-25, 8), (20, -30), (60, 12), (100, -8), (145, 20))


class FootageError(Exception):
    """A clip or its annotation cannot be used; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Sphere:
    """The mapping between an equirectangular picture and directions."""

    size: PictureSize

    def direction(self, point: Point) -> Direction:
        """What a point of the picture shows; x may lie beyond the seam."""
        return Direction(wrap_deg((point.x - 0.5) * 360), (0.5 - point.y) * 180)

    def point(self, direction: Direction) -> Point:
        """Where a direction is in the picture."""
        return Point((wrap_deg(direction.pan_deg) + 180) / 360, 0.5 - direction.tilt_deg / 180)

    def cut(self, panorama: Image, pose: Pose, size: PictureSize) -> Image:
        """The perspective view of a pose."""
        # The map is smooth: computed on a coarse grid and enlarged it is right to a fraction of a pixel.
        columns, rows = size.width // _GRID + 1, size.height // _GRID + 1
        half = math.tan(math.radians(pose.hfov_deg) / 2)
        x = (np.arange(columns) * _GRID * 2 / size.width - 1) * half
        z = (1 - np.arange(rows) * _GRID * 2 / size.height) * half / size.aspect
        across, up = np.meshgrid(x, z)
        rays = np.stack([across, np.ones_like(across), up], axis=-1) @ pose.rotation()
        pan = np.degrees(np.arctan2(rays[..., 0], rays[..., 1]))
        tilt = np.degrees(np.arctan2(rays[..., 2], np.hypot(rays[..., 0], rays[..., 1])))
        # Unwrapped around the view's own pan, so that nothing jumps at the seam; remap wraps it again.
        unwrapped = pose.pan_deg + (pan - pose.pan_deg + 180) % 360 - 180
        map_x = (unwrapped / 360 + 0.5) * self.size.width - 0.5
        map_y = (0.5 - tilt / 180) * self.size.height - 0.5
        full_x, full_y = (self._enlarged(grid.astype(np.float32), size) for grid in (map_x, map_y))
        picture = cv2.remap(panorama, full_x, full_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        return np.asarray(picture, np.uint8)

    @staticmethod
    def _enlarged(grid: NDArray[np.float32], size: PictureSize) -> NDArray[np.float32]:
        """Values at pixel centres from values at the corners of the grid's cells."""
        scale = np.array([[_GRID, 0, -0.5], [0, _GRID, -0.5]], np.float64)
        warped = cv2.warpAffine(
            grid, scale, (size.width, size.height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(warped, np.float32)


class Clip:
    """The pictures of a video file, packed in memory, so that they can be shown in any order.

    Raises FootageError if the file cannot be read or is not equirectangular (twice as wide as high, or nearly).
    """

    def __init__(self, path: Path, fps: float) -> None:
        video = cv2.VideoCapture(str(path))
        native = video.get(cv2.CAP_PROP_FPS)
        if not video.isOpened() or not math.isfinite(native) or native <= 0:
            raise FootageError(f"{path}: cannot be opened as a video; give the path of an equirectangular clip")
        self.step = max(round(native / fps), 1)
        """Every n-th frame of the file is kept."""
        self.native_fps = native
        self._frames: list[NDArray[np.uint8]] = []
        index = 0
        while video.grab():
            if index % self.step == 0:
                read, picture = video.retrieve()
                if read:
                    _, packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
                    self._frames.append(np.asarray(packed, np.uint8))
            index += 1
        video.release()
        if len(self._frames) < 2:
            raise FootageError(f"{path}: holds fewer than two frames that can be decoded")
        height, width = self.picture(0).shape[:2]
        self.size = PictureSize(width, height)

    def __len__(self) -> int:
        return len(self._frames)

    def number_at(self, at: float) -> int:
        """Which of the kept frames is shown at a time: forwards, backwards, and so on."""
        position = math.floor(at * self.native_fps / self.step + 1e-6) % (2 * (len(self) - 1))
        return min(position, 2 * (len(self) - 1) - position)

    def picture(self, number: int) -> Image:
        """A kept frame."""
        return np.asarray(cv2.imdecode(self._frames[number], cv2.IMREAD_COLOR), np.uint8)


def read_annotation(path: Path, size: PictureSize) -> dict[int, Box]:
    """The boxes of the annotated target by frame (from 0): lines `frame,x,y,width,height` in pixels, frames from 1.

    A box that crosses the seam reaches beyond the right edge (x + width > 1). Raises FootageError on a bad line.
    """
    boxes = {}
    with path.open(newline="", encoding="utf-8") as file:
        for line, row in enumerate(csv.reader(file), start=1):
            try:
                number, x, y, width, height = (float(value) for value in row)
            except ValueError as error:
                raise FootageError(
                    f"{path}:{line}: expected frame,x,y,width,height, found {','.join(row)!r}"
                ) from error
            boxes[int(number) - 1] = Box(x / size.width, y / size.height, width / size.width, height / size.height)
    return boxes


class FootageScene:
    """Real footage as a site. See `Scene`. The annotation is `NAME_groundtruth.txt` beside `NAME.mp4`, if there."""

    def __init__(self, path: Path, seed: int = 1, fps: float = 15.0) -> None:
        self._clip = Clip(path, fps)
        self._sphere = Sphere(self._clip.size)
        annotation = path.with_name(f"{path.stem}_groundtruth.txt")
        self._boxes = read_annotation(annotation, self._clip.size) if annotation.is_file() else {}
        self._shown: tuple[int, Image] | None = None
        self._facts = SceneFacts(
            name=path.stem,
            projection="equirectangular",
            overview_size=self._clip.size,
            ptz_size=_PTZ_SIZE,
            overview_hfov_deg=360.0,
            zoom_curve=_ZOOM_CURVE,
            motors=_MOTORS,
            home=_HOME,
            pairs=self._pairs(seed),
            annotated_target=ANNOTATED if self._boxes else None,
            fps=self._clip.native_fps / self._clip.step,
        )

    @property
    def facts(self) -> SceneFacts:
        """See `Scene`."""
        return self._facts

    def prepare(self) -> None:
        """See `Scene`: everything is ready."""

    def overview(self, at: float) -> Image:
        """See `Scene`."""
        number = self._clip.number_at(at)
        shown = self._shown
        if shown is None or shown[0] != number:
            shown = self._shown = (number, self._clip.picture(number))
        return shown[1]

    def ptz(self, at: float, pose: Pose) -> Image:
        """See `Scene`."""
        return self._sphere.cut(self.overview(at), pose, _PTZ_SIZE)

    def truth(self, at: float, pose: Pose) -> tuple[TargetTruth, ...]:
        """See `Scene`; only the annotated target is known."""
        box = self._boxes.get(self._clip.number_at(at) * self._clip.step)
        if box is None:
            return ()
        ptz_box, visible = self._seen(box, pose)
        return (
            TargetTruth(
                target_id=ANNOTATED,
                target_type=TargetType.PERSON,
                direction=self._sphere.direction(box.centre),
                overview_box=box,
                ptz_box=ptz_box,
                overview_visible=1.0,
                ptz_visible=visible,
                inside_region=False,
            ),
        )

    def _seen(self, box: Box, pose: Pose) -> tuple[Box | None, float]:
        """The box in the PTZ picture (cut to it), and how much of the target is in the picture."""
        steps = np.linspace(0, 1, 9)
        rim = [(u, v) for u in steps for v in steps]
        directions = (self._sphere.direction(Point(box.x + u * box.width, box.y + v * box.height)) for u, v in rim)
        points = [pose.point_of(direction, _PTZ_SIZE.aspect) for direction in directions]
        inside = [p is not None and 0 <= p.x <= 1 and 0 <= p.y <= 1 for p in points]
        known = [point for point in points if point is not None]
        if not any(inside) or len(known) < len(points):
            return None, 0.0
        xs, ys = [point.x for point in known], [point.y for point in known]
        return Box.from_corners(min(xs), min(ys), max(xs), max(ys)).clipped(), sum(inside) / len(inside)

    def _pairs(self, seed: int) -> tuple[PointPair, ...]:
        generator = np.random.default_rng((seed, 77))
        pairs = []
        for pan, tilt in _PAIR_DIRECTIONS:
            direction = Direction(float(pan), float(tilt))
            point = self._sphere.point(direction)
            shift = generator.normal(0, 1.0, 2) / (self._clip.size.width, self._clip.size.height)
            pairs.append(PointPair(Point(point.x + float(shift[0]), point.y + float(shift[1])), direction))
        return tuple(pairs)
