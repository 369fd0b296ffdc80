"""Real footage as a scene: the mapping is exact, also across the seam, and the truth is where the person is."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.geometry import Direction, Point, Pose, wrap_deg
from engine.core.values import TargetType
from engine.simulator.footage import ANNOTATED, Clip, FootageError, FootageScene, Sphere, read_annotation
from engine.simulator.scene import PictureSize
from engine.vision import ModelStore, load_detector

pytestmark = pytest.mark.ledger("SITE-1")

SPHERE = Sphere(PictureSize(1280, 720))
VIEW = PictureSize(960, 540)


@pytest.fixture(scope="module")
def clip_of_stripes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short clip in which the brightness tells the frame."""
    path = tmp_path_factory.mktemp("clip") / "stripes.mp4"
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 30.0, (128, 64))
    for number in range(20):
        video.write(np.full((64, 128, 3), 10 * number + 20, np.uint8))
    video.release()
    return path


@given(pan=st.floats(-180, 179.99), tilt=st.floats(-90, 90))
def test_directions_and_points_are_inverse(pan, tilt):
    direction = Direction(pan, tilt)
    again = SPHERE.direction(SPHERE.point(direction))
    assert wrap_deg(again.pan_deg - pan) == pytest.approx(0.0, abs=1e-6)
    assert again.tilt_deg == pytest.approx(tilt, abs=1e-6)


@given(x=st.floats(0, 0.2))
def test_a_point_beyond_the_seam_is_the_same_as_on_the_other_side(x):
    beyond, here = SPHERE.direction(Point(1 + x, 0.5)), SPHERE.direction(Point(x, 0.5))
    assert wrap_deg(beyond.pan_deg - here.pan_deg) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("pan", [-180.0, -179.0, 178.0, 90.0, 0.0, -45.0])
@pytest.mark.parametrize("tilt", [-60.0, -12.0, 30.0])
def test_a_mark_in_the_panorama_appears_where_the_pose_says(pan, tilt):
    direction = Direction(wrap_deg(pan + 7), tilt + 4)
    panorama = np.zeros((720, 1280, 3), np.uint8)
    point = SPHERE.point(direction)
    for shift in (-1280, 0, 1280):
        centre = (round(point.x * 1280 - 0.5) + shift, round(point.y * 720 - 0.5))
        cv2.circle(panorama, centre, 5, (255, 255, 255), -1)
    pose = Pose(pan, tilt, 60.0)
    rows, columns = np.nonzero(SPHERE.cut(panorama, pose, VIEW)[:, :, 0] > 128)
    expected = pose.point_of(direction, VIEW.aspect)
    assert expected is not None
    assert columns.mean() == pytest.approx(expected.x * VIEW.width, abs=4)
    assert rows.mean() == pytest.approx(expected.y * VIEW.height, abs=4)


def test_the_clip_goes_forwards_and_backwards(clip_of_stripes: Path):
    clip = Clip(clip_of_stripes, fps=15.0)
    assert (clip.step, len(clip)) == (2, 10)
    shown = [clip.number_at(tick / 15) for tick in range(40)]
    assert shown[:20] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1]
    assert all(abs(a - b) == 1 for a, b in pairwise(shown))
    assert clip.picture(3).mean() == pytest.approx(80, abs=6)


def test_a_clip_without_annotation_has_no_truth(clip_of_stripes: Path):
    scene = FootageScene(clip_of_stripes)
    assert scene.facts.annotated_target is None
    assert scene.truth(0.0, scene.facts.home) == ()
    assert scene.ptz(0.0, scene.facts.home).shape == (540, 960, 3)


def test_what_is_no_video_is_refused(tmp_path: Path):
    (tmp_path / "x.mp4").write_bytes(b"nothing of the kind")
    with pytest.raises(FootageError, match=r"x\.mp4: cannot be opened"):
        FootageScene(tmp_path / "x.mp4")


def test_a_bad_annotation_names_file_and_line(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("1,2,3,4,5\n2,3,4\n")
    with pytest.raises(FootageError, match=r"a\.txt:2: expected frame,x,y,width,height"):
        read_annotation(path, VIEW)


def test_the_annotated_person_is_in_the_picture_that_looks_at_the_truth(shared_data: Path, tmp_path: Path):
    scene = FootageScene(shared_data / "media" / "360tracking_demo.mp4")
    detector = load_detector("yolox_nano", ModelStore(shared_data / "models", tmp_path))
    assert scene.facts.annotated_target == ANNOTATED
    overlaps, seam = [], 0
    for at in np.arange(0.0, 28.0, 1.4):
        (target,) = scene.truth(float(at), scene.facts.home)
        seam += target.overview_box.x < 0.01 or target.overview_box.right > 0.99
        pose = Pose(target.direction.pan_deg, target.direction.tilt_deg, 60.0)
        (target,) = scene.truth(float(at), pose)
        assert target.ptz_visible == 1.0
        assert target.ptz_box.contains(Point(0.5, 0.5))
        found = [d.box for d in detector.detect(scene.ptz(float(at), pose)) if d.target_type is TargetType.PERSON]
        overlaps.append(max((target.ptz_box.intersection_over_union(box) for box in found), default=0.0))
    assert seam >= 2
    assert np.mean([overlap > 0.5 for overlap in overlaps]) >= 0.9


def test_a_pose_that_looks_away_does_not_see_the_person(shared_data: Path):
    scene = FootageScene(shared_data / "media" / "360tracking_demo.mp4")
    (target,) = scene.truth(0.0, scene.facts.home)
    (away,) = scene.truth(0.0, Pose(wrap_deg(target.direction.pan_deg + 180), 0.0, 60.0))
    assert away.ptz_box is None
    assert away.ptz_visible == 0.0


def test_point_pairs_are_exact_but_for_the_click(clip_of_stripes: Path):
    scene = FootageScene(clip_of_stripes)
    assert len(scene.facts.pairs) >= 6
    for pair in scene.facts.pairs:
        exact = SPHERE.point(pair.direction)
        assert abs(exact.x - pair.point.x) * scene.facts.overview_size.width < 5
        assert abs(exact.y - pair.point.y) * scene.facts.overview_size.height < 5
