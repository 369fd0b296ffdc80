"""Tiles find what is too small in the whole picture, and nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.core.geometry import Box
from engine.core.values import Detection, Image, TargetType
from engine.vision import Detector, TiledDetector

pytestmark = pytest.mark.ledger("VCA-1")

CLIP = "360tracking_demo.mp4"
WIDTH, HEIGHT = 1000, 500


class PaintedTargets:
    """Finds white rectangles, exactly: a detector whose answers in each tile are known."""

    name = "painted targets"

    def detect(self, image: Image) -> list[Detection]:
        height, width = image.shape[:2]
        _, _, rectangles, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(image[..., 0]))
        boxes = [Box(x / width, y / height, w / width, h / height) for x, y, w, h, _ in rectangles[1:].tolist()]
        return [Detection(box, TargetType.PERSON, 0.5 + 0.4 * box.area) for box in boxes]


def painted(left: int, top: int, width: int, height: int) -> Image:
    """A picture with one white rectangle; on the right it goes on at the left."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[top : top + height, np.arange(left, left + width) % WIDTH] = 255
    return image


@given(
    tiles_x=st.integers(1, 5),
    tiles_y=st.integers(1, 3),
    left=st.integers(0, WIDTH - 1),
    top=st.integers(0, HEIGHT - 60),
    width=st.integers(10, 60),
    height=st.integers(10, 60),
)
@example(tiles_x=1, tiles_y=1, left=424, top=0, width=10, height=10)
@settings(max_examples=60, deadline=None)
def test_one_target_is_found_once_at_its_place_wherever_it_stands(
    tiles_x: int, tiles_y: int, left: int, top: int, width: int, height: int
) -> None:
    detector = TiledDetector(PaintedTargets(), tiles_x, tiles_y, overlap=0.3, wrap=True)
    found = detector.detect(painted(left, top, width, height))
    assert len(found) == 1
    box = found[0].box
    assert 0 <= box.centre.x < 1
    apart = box.centre.x - (left + width / 2) / WIDTH
    assert abs(apart - round(apart)) < 2 / WIDTH
    assert box.y == pytest.approx(top / HEIGHT, abs=2 / HEIGHT)
    assert box.width == pytest.approx(width / WIDTH, abs=2 / WIDTH)
    assert box.height == pytest.approx(height / HEIGHT, abs=2 / HEIGHT)


@given(left=st.integers(0, WIDTH - 60), width=st.integers(10, 60))
@settings(max_examples=30, deadline=None)
def test_without_wrap_a_box_stays_in_the_picture(left: int, width: int) -> None:
    (found,) = TiledDetector(PaintedTargets(), 3, 1, overlap=0.3).detect(painted(left, 100, width, 80))
    assert found.box.x == pytest.approx(left / WIDTH, abs=2 / WIDTH)
    assert found.box.right == pytest.approx((left + width) / WIDTH, abs=2 / WIDTH)


def test_a_target_wider_than_the_overlap_is_put_together_from_its_parts() -> None:
    (found,) = TiledDetector(PaintedTargets(), 2, 1, overlap=0.1).detect(painted(400, 100, 250, 200))
    assert found.box.x == pytest.approx(0.4, abs=0.01)
    assert found.box.right == pytest.approx(0.65, abs=0.01)


@pytest.mark.parametrize("arguments", [(0, 1, 0.2), (1, 0, 0.2), (2, 2, 1.0), (2, 2, -0.1)])
def test_impossible_tiles_are_refused(arguments: tuple[int, int, float]) -> None:
    with pytest.raises(ValueError, match="tiles are counted from 1"):
        TiledDetector(PaintedTargets(), arguments[0], arguments[1], overlap=arguments[2])


def true_box(shared_data: Path, frame: int) -> Box:
    for line in (shared_data / "media/360tracking_demo_groundtruth.txt").read_text().splitlines():
        number, x, y, width, height = (float(value) for value in line.split(",")[:5])
        if number == frame:
            return Box(x / 1280, y / 720, width / 1280, height / 720)
    raise AssertionError(frame)


def finds(detector: Detector, image: Image, truth: Box) -> bool:
    turns = [Box(truth.x + turn, truth.y, truth.width, truth.height) for turn in (-1, 0, 1)]
    return any(
        found.target_type is TargetType.PERSON and found.score > 0.3 and found.box.intersection_over_union(turn) > 0.4
        for found in detector.detect(image)
        for turn in turns
    )


def test_the_walker_in_a_panorama_is_found_in_tiles_and_seldom_in_the_whole_picture(
    yolox: Detector, shared_data: Path, footage: Callable[[str, int, int, int], Iterator[Image]]
) -> None:
    tiled = TiledDetector(yolox, 4, 2, wrap=True)
    frames = [(30 * index + 1, image) for index, image in enumerate(footage(CLIP, 0, 30, 15))]
    truths = [true_box(shared_data, number) for number, _ in frames]
    whole = [finds(yolox, image, truth) for (_, image), truth in zip(frames, truths, strict=True)]
    in_tiles = [finds(tiled, image, truth) for (_, image), truth in zip(frames, truths, strict=True)]
    assert sum(in_tiles) >= 14
    assert sum(whole) <= 5


def test_the_walker_on_the_seam_is_found_over_it(
    yolox: Detector, shared_data: Path, footage: Callable[[str, int, int, int], Iterator[Image]]
) -> None:
    (image,) = footage(CLIP, 384, 1, 1)
    truth = true_box(shared_data, 385)
    assert truth.x < 0.99
    assert truth.right > 1.01
    assert not finds(yolox, image, truth)
    over_seam, cut = (TiledDetector(yolox, 4, 2, wrap=wrap).detect(image) for wrap in (True, False))

    def at_the_seam(found: list[Detection]) -> list[Detection]:
        return [d for d in found if d.score > 0.4 and (d.box.x < 0.01 or d.box.right > 0.99)]

    (whole,) = at_the_seam(over_seam)
    assert whole.box.intersection_over_union(truth) > 0.6
    assert len(at_the_seam(cut)) == 2  # her two halves
