"""A sheet of pictures: for each capture the overview with the target's path, the PTZ picture, and the capture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.core.geometry import Box, Point

CELL = (480, 270)
MARGIN = 8
CAPTION = 26
INK = (40, 40, 40)
GREEN = (70, 190, 60)
ORANGE = (20, 140, 240)


@dataclass(slots=True)
class Row:
    """One capture: three JPEGs, and what is drawn into them."""

    caption: str
    overview: bytes | None = None
    background: bytes | None = None
    picture: bytes | None = None
    overview_box: Box | None = None
    box: Box | None = None
    path: Sequence[Point] = field(default_factory=list)


def write_contact_sheet(path: Path, rows: Sequence[Row]) -> None:
    """Writes the sheet as PNG."""
    lines = [_line(row) for row in rows] or [_note("nobody was captured")]
    if not cv2.imwrite(str(path), np.vstack(lines)):
        raise OSError(f"{path} could not be written")


def _line(row: Row) -> NDArray[np.uint8]:
    overview = _decoded(row.overview)
    if overview is not None:
        _draw(overview, row.overview_box, row.path)
    background = _decoded(row.background)
    if background is not None:
        _draw(background, row.box, ())
    cells = [_cell(overview), _cell(background), _cell(_decoded(row.picture))]
    strip = np.hstack([_framed(cell) for cell in cells])
    return np.vstack([_note(row.caption), strip])


def _note(text: str) -> NDArray[np.uint8]:
    width = 3 * (CELL[0] + 2 * MARGIN)
    note = np.full((CAPTION, width, 3), 255, np.uint8)
    cv2.putText(note, text, (MARGIN, CAPTION - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, INK, 1, cv2.LINE_AA)
    return note


def _decoded(jpeg: bytes | None) -> NDArray[np.uint8] | None:
    if jpeg is None:
        return None
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return None if image is None else np.asarray(image, np.uint8)


def _draw(image: NDArray[np.uint8], box: Box | None, path: Sequence[Point]) -> None:
    height, width = image.shape[:2]
    points = [(round(point.x * width), round(point.y * height)) for point in path]
    for a, b in pairwise(points):
        # A path that goes over a panorama's seam is not drawn across the whole picture.
        if abs(a[0] - b[0]) < width / 2:
            cv2.line(image, a, b, ORANGE, 3, cv2.LINE_AA)
    if box is not None:
        upper_left = (round(box.x * width), round(box.y * height))
        cv2.rectangle(image, upper_left, (round(box.right * width), round(box.bottom * height)), GREEN, 3)


def _cell(image: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """The picture in a cell, as large as it fits."""
    cell = np.full((CELL[1], CELL[0], 3), 235, np.uint8)
    if image is None:
        return cell
    scale = min(CELL[0] / image.shape[1], CELL[1] / image.shape[0])
    size = (max(int(image.shape[1] * scale), 1), max(int(image.shape[0] * scale), 1))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    x, y = (CELL[0] - size[0]) // 2, (CELL[1] - size[1]) // 2
    cell[y : y + size[1], x : x + size[0]] = small
    return cell


def _framed(cell: NDArray[np.uint8]) -> NDArray[np.uint8]:
    framed = cv2.copyMakeBorder(cell, 0, MARGIN, MARGIN, MARGIN, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    return np.asarray(framed, np.uint8)
