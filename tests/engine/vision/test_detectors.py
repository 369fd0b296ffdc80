"""Detectors find people and cars in real pictures, at the right place."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from engine.core.geometry import Box
from engine.core.values import Detection, Image, TargetType
from engine.vision import Detector, DetectorError, ModelStore, load_detector
from engine.vision.detector import Network, suppress
from engine.vision.tiling import TiledDetector

pytestmark = pytest.mark.ledger("VCA-1")

PETS = "pets09-s2l1_vtest_480x360.mp4"
type Footage = Callable[[str, int, int, int], Iterator[Image]]


def persons(detections: list[Detection], least: float = 0.35) -> list[Box]:
    return [d.box for d in detections if d.target_type is TargetType.PERSON and d.score >= least]


def true_boxes(shared_data: Path, frame: int) -> list[Box]:
    with (shared_data / "media/mot15/PETS09-S2L1/gt/gt.txt").open() as file:
        rows = [[float(value) for value in row] for row in csv.reader(file)]
    return [Box(x / 768, y / 576, w / 768, h / 576) for number, _, x, y, w, h, *_ in rows if number == frame]


@pytest.fixture(params=["yolox_nano", "nanodet_g"])
def detector(request: pytest.FixtureRequest) -> Detector:
    if request.param == "yolox_nano":
        found: Detector = request.getfixturevalue("yolox")
        return found
    return load_detector("nanodet_g", ModelStore(None, request.getfixturevalue("registry_cache")))


def test_at_least_five_of_the_six_people_are_found(detector: Detector, footage: Footage, shared_data: Path) -> None:
    (image,) = footage(PETS, 99, 1, 1)
    found = persons(detector.detect(image))
    truth = true_boxes(shared_data, 100)
    hits = [any(box.intersection_over_union(other) >= 0.5 for other in found) for box in truth]
    assert len(truth) == 6
    assert sum(hits) >= 5
    assert detector.name.endswith(" on CPUExecutionProvider")
    # What the catalogue says of the model reaches the tracker, through tiles too.
    assert TiledDetector(detector, 2, 1).strong_score == detector.strong_score >= 0.4


def test_parked_cars_are_vehicles(detector: Detector, footage: Footage) -> None:
    (image,) = footage(PETS, 99, 1, 1)
    cars = [d.box for d in detector.detect(image) if d.target_type is TargetType.VEHICLE and d.score > 0.4]
    assert any(box.contains(Box(0.88, 0.1, 0.04, 0.04).centre) for box in cars)


@pytest.mark.parametrize("shape", [(360, 480, 3), (1080, 400, 3), (200, 1600, 3), (7, 5, 3), (1, 1, 3)])
def test_any_shape_of_picture_is_taken_and_nothing_is_seen_in_grey(detector: Detector, shape: tuple[int, ...]) -> None:
    assert [d for d in detector.detect(np.full(shape, 90, np.uint8)) if d.score > 0.4] == []


def test_boxes_keep_their_place_when_the_picture_gets_borders(yolox: Detector, footage: Footage) -> None:
    (image,) = footage(PETS, 99, 1, 1)
    wide = np.zeros((360, 960, 3), np.uint8)
    wide[:, 240:720] = image
    framed = persons(yolox.detect(wide))
    moved = [Box(0.25 + box.x / 2, box.y, box.width / 2, box.height) for box in persons(yolox.detect(image))]
    # The others have become too small.
    assert sum(any(box.intersection_over_union(other) > 0.5 for other in moved) for box in framed) >= 4


def test_several_threads_get_the_same_answers(yolox: Detector, footage: Footage) -> None:
    images = list(footage(PETS, 0, 20, 4))
    alone = [yolox.detect(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(yolox.detect, images * 3)) == alone * 3


def test_a_missing_execution_provider_falls_back_to_the_processor_and_says_so(
    store: ModelStore, caplog: pytest.LogCaptureFixture
) -> None:
    detector = load_detector("yolox_nano", store, providers=["ImaginaryExecutionProvider"])
    assert detector.name == "yolox_nano on CPUExecutionProvider"
    assert "ImaginaryExecutionProvider is not there" in caplog.text


def test_a_file_that_is_no_network_is_named(tmp_path: Path) -> None:
    path = tmp_path / "garbage.onnx"
    path.write_bytes(b"not a network")
    with pytest.raises(DetectorError, match=r"garbage\.onnx cannot be run"):
        Network(path)


def test_suppression_keeps_the_best_of_each_type() -> None:
    def found(x: float, target_type: TargetType, score: float) -> Detection:
        return Detection(Box(x, 0.2, 0.2, 0.4), target_type, score)

    person, repeat = found(0.3, TargetType.PERSON, 0.8), found(0.31, TargetType.PERSON, 0.6)
    bicycle, other = found(0.3, TargetType.TWO_WHEELER, 0.5), found(0.6, TargetType.PERSON, 0.9)
    assert suppress([repeat, person, bicycle, other], 0.5) == [other, person, bicycle]
    assert suppress([], 0.5) == []
