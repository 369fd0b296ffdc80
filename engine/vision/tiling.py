"""Looks at a large picture tile by tile, so that small targets keep enough pixels for the network's input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from engine.core.geometry import Box
from engine.core.values import Detection, Image
from engine.vision.detector import Detector

_EDGE = 0.004
"""A box side this close to its tile's edge (as a fraction of the picture) is taken to be cut off there."""
_ABSORBED = 0.6
"""A cut-off box of which this part lies in another tile's box shows the same target."""


@dataclass(frozen=True, slots=True)
class _Tile:
    """A tile in normalised coordinates; on a panorama it may reach beyond 1 (over the seam)."""

    box: Box
    cut_left: bool
    cut_top: bool
    cut_right: bool
    cut_bottom: bool


@dataclass(frozen=True, slots=True)
class _Found:
    """A detection in picture coordinates, the tile it came from, and which of its sides the tile cuts off."""

    detection: Detection
    tile: int
    cut: tuple[bool, bool, bool, bool]

    @property
    def whole(self) -> bool:
        return not any(self.cut)


class TiledDetector:
    """Runs another detector on overlapping tiles and merges what they find.

    `overlap` is the part of a tile that its neighbour shows too; targets up to that width are seen whole by one of
    them. With `wrap` the picture is a full circle (equirectangular): a tile goes over the seam, and a box there has
    its centre within the picture but may reach beyond 0 or 1. Each frame costs `tiles_x * tiles_y` inferences.
    """

    def __init__(
        self,
        detector: Detector,
        tiles_x: int,
        tiles_y: int,
        *,
        overlap: float = 0.2,
        wrap: bool = False,
        suppression: float = 0.5,
    ) -> None:
        if tiles_x < 1 or tiles_y < 1 or not 0 <= overlap < 1:
            raise ValueError("tiles are counted from 1, and their overlap lies between 0 and 1")
        self._detector = detector
        self._wrap = wrap
        self._suppression = suppression
        self._tiles = list(_tiles(tiles_x, tiles_y, overlap, wrap=wrap))
        self.name = f"{detector.name}, {tiles_x}x{tiles_y} tiles"

    @property
    def strong_score(self) -> float:
        """See Detector."""
        return self._detector.strong_score

    def detect(self, image: Image) -> list[Detection]:
        """See Detector."""
        height, width = image.shape[:2]
        beyond = round((max(tile.box.right for tile in self._tiles) - 1) * width)
        canvas = np.concatenate([image, image[:, :beyond]], axis=1) if beyond > 0 else image
        found: list[_Found] = []
        for index, tile in enumerate(self._tiles):
            left, right = round(tile.box.x * width), round(tile.box.right * width)
            top, bottom = round(tile.box.y * height), round(tile.box.bottom * height)
            part = self._detector.detect(canvas[top:bottom, left:right])
            found += [_placed(detection, tile, index) for detection in part]
        return self._merged(found)

    def _merged(self, found: list[_Found]) -> list[Detection]:
        """One detection a target: whole boxes first, then those cut off by a tile's edge that add something."""
        kept: list[_Found] = []
        for candidate in sorted(found, key=lambda item: (not item.whole, -item.detection.score)):
            for position, other in enumerate(kept):
                if other.detection.target_type is not candidate.detection.target_type:
                    continue
                near = self._near(candidate, other)
                # One wide tile of a panorama may show a target twice, a full turn apart.
                turned = near is not candidate
                if self._same(near, other, apart=turned or candidate.tile != other.tile):
                    kept[position] = _joined(near, other)
                    break
            else:
                kept.append(candidate)
        result = [replace(item.detection, box=self._canonical(item.detection.box)) for item in kept]
        return sorted(result, key=lambda detection: detection.score, reverse=True)

    def _near(self, item: _Found, other: _Found) -> _Found:
        """The same item on the turn of the panorama on which the other one lies."""
        if not self._wrap:
            return item
        box = item.detection.box
        turns = round(other.detection.box.centre.x - box.centre.x)
        return replace(item, detection=replace(item.detection, box=replace(box, x=box.x + turns))) if turns else item

    def _same(self, item: _Found, other: _Found, *, apart: bool) -> bool:
        """Whether two boxes are one target; `apart`: they are not of one look at it."""
        a, b = item.detection.box, other.detection.box
        if a.intersection_over_union(b) >= self._suppression:
            return True
        if not apart:
            return False
        shared_width = min(a.right, b.right) - max(a.x, b.x)
        shared_height = min(a.bottom, b.bottom) - max(a.y, b.y)
        if shared_width <= 0 or shared_height <= 0:
            return False
        if not item.whole and shared_width * shared_height >= _ABSORBED * a.area:
            return True
        return _halves(item, other, shared_width, shared_height)

    def _canonical(self, box: Box) -> Box:
        if not self._wrap:
            return box.clipped()
        return replace(box, x=box.x - (box.centre.x // 1.0))


def _halves(item: _Found, other: _Found, shared_width: float, shared_height: float) -> bool:
    """Whether two boxes are parts of one target that is wider or higher than the overlap of the tiles."""
    a, b = item.detection.box, other.detection.box
    (a_left, a_top, a_right, a_bottom), (b_left, b_top, b_right, b_bottom) = item.cut, other.cut
    side_by_side = (a_left and b_right) or (a_right and b_left)
    one_above = (a_top and b_bottom) or (a_bottom and b_top)
    same_rows = shared_height >= _ABSORBED * max(a.height, b.height)
    same_columns = shared_width >= _ABSORBED * max(a.width, b.width)
    return (side_by_side and same_rows) or (one_above and same_columns)


def _joined(item: _Found, other: _Found) -> _Found:
    """What remains of two boxes of one target: the whole one, or the rectangle around two parts."""
    if other.whole or item.tile == other.tile:
        return other
    a, b = item.detection.box, other.detection.box
    around = Box.from_corners(min(a.x, b.x), min(a.y, b.y), max(a.right, b.right), max(a.bottom, b.bottom))
    cut = tuple(mine and theirs for mine, theirs in zip(item.cut, other.cut, strict=True))
    score = max(item.detection.score, other.detection.score)
    left, top, right, bottom = cut
    return _Found(replace(other.detection, box=around, score=score), other.tile, (left, top, right, bottom))


def _tiles(tiles_x: int, tiles_y: int, overlap: float, *, wrap: bool) -> Iterator[_Tile]:
    columns, rows = list(_spans(tiles_x, overlap, wrap=wrap)), list(_spans(tiles_y, overlap, wrap=False))
    for row, (top, bottom) in enumerate(rows):
        for column, (left, right) in enumerate(columns):
            inner_left, inner_right = (wrap, wrap) if tiles_x > 1 or wrap else (False, False)
            yield _Tile(
                Box.from_corners(left, top, right, bottom),
                cut_left=column > 0 or inner_left,
                cut_top=row > 0,
                cut_right=column < tiles_x - 1 or inner_right,
                cut_bottom=row < tiles_y - 1,
            )


def _spans(count: int, overlap: float, *, wrap: bool) -> Iterator[tuple[float, float]]:
    """Equal spans over 0..1 that share `overlap` of their length with the next one (on a circle: the last with the
    first, beyond 1).
    """
    length = 1 / (count * (1 - overlap)) if wrap else 1 / (count - (count - 1) * overlap)
    step = length * (1 - overlap)
    for index in range(count):
        yield index * step, index * step + length


def _placed(detection: Detection, tile: _Tile, index: int) -> _Found:
    """A tile's detection in picture coordinates."""
    inner, outer = detection.box, tile.box
    box = Box(
        outer.x + inner.x * outer.width,
        outer.y + inner.y * outer.height,
        inner.width * outer.width,
        inner.height * outer.height,
    )
    cut = (
        tile.cut_left and box.x - outer.x < _EDGE,
        tile.cut_top and box.y - outer.y < _EDGE,
        tile.cut_right and outer.right - box.right < _EDGE,
        tile.cut_bottom and outer.bottom - box.bottom < _EDGE,
    )
    return _Found(replace(detection, box=box), index, cut)
