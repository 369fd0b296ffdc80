"""Which moment is the best, and what is kept of it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.captures import (
    BestShot,
    CaptureRecorder,
    Moment,
    Shot,
    ShotFraming,
    crop,
    encode_jpeg,
    grade_moment,
    sharpness,
)
from engine.core.bus import Bus
from engine.core.clock import VirtualClock
from engine.core.events import CaptureTaken, StorageError
from engine.core.geometry import Box, Direction, Pose
from engine.core.values import TargetType
from engine.media.values import SnapshotUnavailable
from engine.store.errors import StoreFailure

pytestmark = pytest.mark.ledger("VCA-7", "LINK-9")


def moment(x=0.5, y=0.5, height=0.5, score=0.9, motion=0.0, at=0.0):
    width = height * 0.25
    return Moment(
        at=at,
        box=Box(x - width / 2, y - height / 2, width, height),
        pose=Pose(0.0, 0.0, 30.0),
        score=score,
        motion=motion,
    )


def total(**changes):
    return grade_moment(moment(**changes), 0.5).total


def test_a_moment_as_asked_for_is_graded_near_one():
    assert total() > 0.9


@pytest.mark.parametrize(
    "worse", [{"height": 0.2}, {"x": 0.8}, {"score": 0.3}, {"motion": 1.0}, {"y": 0.9}, {"height": 1.4}]
)
def test_small_off_centre_doubtful_blurred_or_cut_is_worse(worse):
    assert total(**worse) < total() - 0.03


@given(st.floats(-1, 2), st.floats(-1, 2), st.floats(0.01, 3), st.floats(0, 1), st.floats(0, 10), st.floats(0.05, 1))
def test_a_grade_is_always_between_zero_and_one(x, y, height, score, motion, wanted):
    assert 0 <= grade_moment(moment(x, y, height, score, motion), wanted).total <= 1


def textured(blur=0):
    rng = np.random.default_rng(3)
    image = cv2.resize(rng.integers(0, 255, (60, 30, 3), dtype=np.uint8), (120, 240), interpolation=cv2.INTER_NEAREST)
    return cv2.GaussianBlur(image, (0, 0), blur) if blur else image


def test_a_blurred_picture_is_less_sharp():
    assert sharpness(textured()) > sharpness(textured(2)) > sharpness(textured(6))


def test_a_crop_has_a_margin_and_stays_inside_the_picture():
    image = np.zeros((100, 200, 3), np.uint8)
    assert crop(image, Box(0.4, 0.4, 0.1, 0.2), margin=0.5).shape == (40, 40, 3)
    assert crop(image, Box(0.9, 0.9, 0.5, 0.5)).shape[0] > 0
    assert crop(image, Box(3.0, 3.0, 0.1, 0.1)).size > 0
    with pytest.raises(ValueError, match="without pixels"):
        encode_jpeg(np.zeros((0, 0, 3), np.uint8))


@dataclass
class Snap:
    image: np.ndarray
    captured_at: float


class Camera:
    """Pictures that are sharp only at some moments, and are forgotten after ten seconds."""

    def __init__(self, sharp=(), oldest=0.0):
        self.sharp, self.oldest, self.asked = sharp, oldest, []

    async def __call__(self, channel, at):
        self.asked.append(at)
        if at < self.oldest:
            raise SnapshotUnavailable(f"no picture of {channel} at {at}")
        picture = textured() if at in self.sharp or not self.sharp else textured(6)
        return Snap(cv2.resize(picture, (640, 360)), at)


async def test_the_best_moment_is_kept_even_when_it_was_long_ago():
    camera = Camera()
    shot = BestShot("ptz", camera, ShotFraming(0.5))
    for second in range(30):
        shot.observe(moment(at=float(second), x=0.5 if second == 4 else 0.7))
        camera.oldest = second - 10.0
        await shot.develop(float(second))
    best = await shot.finish()
    assert best.moment.at == 4.0
    assert len(camera.asked) < 8


async def test_of_like_moments_the_sharper_picture_wins():
    shot = BestShot("ptz", Camera(sharp=(2.0,)), ShotFraming(0.5))
    for second in (0.0, 1.0, 2.0):
        shot.observe(moment(at=second, score=0.9 - second / 100))
    assert (await shot.finish()).moment.at == 2.0


async def test_pictures_that_cannot_be_had_are_no_end():
    shot = BestShot("ptz", Camera(oldest=5.0), ShotFraming(0.5))
    shot.observe(moment(at=1.0))
    assert await shot.finish() is None


class Sink:
    def __init__(self, fault=None):
        self.fault, self.kept = fault, []

    async def add(self, capture, *, picture, background):
        if self.fault:
            raise self.fault
        self.kept.append((picture, background))
        return capture


async def record(sink):
    bus = Bus()
    events = bus.subscribe()
    recorder = CaptureRecorder(sink, bus, VirtualClock())
    snap = Snap(cv2.resize(textured(), (640, 360)), 5.0)
    capture = CaptureTaken(
        at=5.0,
        capture_id="c",
        link_id="l",
        channel="ptz",
        track_id="t",
        target_type=TargetType.PERSON,
        rule_id=None,
        picture="",
        background="",
        box=moment().box,
        grade=0.9,
        target_direction=Direction(0, 0),
    )
    taken = await recorder.record(capture, Shot(moment(), grade_moment(moment(), 0.5), snap))
    return taken, list(events._queue)


async def test_a_capture_is_two_jpegs_and_an_event():
    sink = Sink()
    taken, events = await record(sink)
    picture, background = (cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) for data in sink.kept[0])
    assert background.shape == (360, 640, 3)
    assert picture.shape[0] < 360
    assert events == [taken]


@pytest.mark.parametrize("fault", [StoreFailure("store a blob", "the disk is full"), OSError(28, "No space left")])
async def test_a_full_disk_is_an_event_and_not_an_end(fault):
    taken, events = await record(Sink(fault))
    assert taken is None
    (error,) = events
    assert isinstance(error, StorageError)
    assert error.what == "capture"
