"""The drawn yard: the same for the same seed, true to its geometry, and good enough for a real detector."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.geometry import Box, Point, Pose
from engine.core.values import TargetType
from engine.simulator.scene import PictureSize, TargetTruth
from engine.simulator.viewpoint import Viewpoint
from engine.simulator.yard import HOME, OVERVIEW_AT, OVERVIEW_POSE, PTZ_AT, YardScene
from engine.simulator.yard_backdrop import FaceBackdrop, direct_backdrop
from engine.vision import Detector, ModelStore, load_detector

pytestmark = pytest.mark.ledger("SITE-1")

SMALL = PictureSize(320, 180)
FULL = PictureSize(1280, 720)


@pytest.fixture
def detector(shared_data: Path, tmp_path: Path) -> Detector:
    return load_detector("yolox_nano", ModelStore(shared_data / "models", tmp_path))


def best_overlap(detector: Detector, picture, box: Box, kind: TargetType) -> float:
    found = [one.box for one in detector.detect(picture) if one.target_type is kind]
    return max((box.intersection_over_union(one) for one in found), default=0.0)


def looking_at(target: TargetTruth, hfov_deg: float) -> Pose:
    return Pose(target.direction.pan_deg, target.direction.tilt_deg, hfov_deg)


def the_same(scene: YardScene, at: float, pose: Pose, target: TargetTruth) -> TargetTruth:
    return next(other for other in scene.truth(at, pose) if other.target_id == target.target_id)


def test_the_same_seed_makes_the_same_pictures_and_truth():
    one, two, other = YardScene(3, SMALL), YardScene(3, SMALL), YardScene(4, SMALL)
    pose = Pose(-8.0, -13.0, 20.0)
    for at in (5.0, 71.5):
        assert one.truth(at, pose) == two.truth(at, pose)
        assert np.array_equal(one.overview(at), two.overview(at))
        assert np.array_equal(one.ptz(at, pose), two.ptz(at, pose))
    assert one.truth(5.0, pose) != other.truth(5.0, pose)


def test_pictures_do_not_depend_on_what_was_drawn_before():
    one, two = YardScene(1, SMALL), YardScene(1, SMALL)
    one.overview(3.0)
    one.ptz(30.0, Pose(30.0, -20.0, 40.0))
    assert np.array_equal(one.overview(12.0), two.overview(12.0))
    assert np.array_equal(one.ptz(12.0, HOME), two.ptz(12.0, HOME))


def test_another_round_has_other_people():
    scene = YardScene(1, SMALL)
    first, second = scene.truth(6.0, HOME), scene.truth(66.0, HOME)
    assert {target.target_id for target in first} & {target.target_id for target in second} == {"parked-van"}


@pytest.mark.parametrize("seed", [1, 2])
def test_in_a_minute_several_people_and_a_car_enter_the_region_and_stay_a_while(seed):
    scene = YardScene(seed, SMALL)
    step = 0.25
    stays: dict[str, int] = {}
    crowd = 0
    for at in np.arange(60.0, 120.0, step):
        inside = [target.target_id for target in scene.truth(float(at), HOME) if target.inside_region]
        crowd = max(crowd, len(inside))
        for target_id in inside:
            stays[target_id] = stays.get(target_id, 0) + 1
    long_enough = [target_id for target_id, count in stays.items() if count * step >= 4]
    assert 5 <= len(long_enough) <= 8
    assert any(target_id.startswith("car") for target_id in long_enough)
    assert 2 <= crowd <= 3


def test_an_obstacle_hides_whom_it_stands_before():
    scene = YardScene(1, SMALL)
    lowest = {}
    for at in np.arange(0.0, 60.0, 0.5):
        for target in scene.truth(float(at), HOME):
            if target.overview_box is not None and 0.05 < target.overview_box.centre.x < 0.95:
                lowest[target.target_id] = min(lowest.get(target.target_id, 1.0), target.overview_visible)
    behind_the_wall = next(part for name, part in lowest.items() if name.endswith("-4"))
    assert behind_the_wall < 0.6


@settings(max_examples=100, deadline=None)
@given(
    x=st.floats(-6, 6),
    y=st.floats(9, 22),
    pan=st.floats(-40, 40),
    tilt=st.floats(-40, 5),
    hfov=st.floats(3, 60),
)
def test_world_to_picture_to_direction_and_back(x, y, pan, tilt, hfov):
    place = np.array([x, y, 0.0])
    view = Viewpoint(PTZ_AT, Pose(pan, tilt, hfov), FULL)
    direction = view.direction_to(place)
    point = view.pose.point_of(direction, FULL.aspect)
    assert point is not None
    pixels, _ = view.project(place[None])
    assert pixels[0] == pytest.approx((point.x * FULL.width, point.y * FULL.height), rel=1e-6, abs=1e-6)
    assert view.pose.direction_of(point, FULL.aspect).angle_to(direction) < 1e-6
    ground = view.on_ground(point)
    assert ground is not None
    assert ground == pytest.approx(place, abs=1e-5)


def test_point_pairs_agree_with_the_world_within_a_click():
    scene = YardScene(1)
    overview = Viewpoint(OVERVIEW_AT, OVERVIEW_POSE, FULL)
    assert len(scene.facts.pairs) >= 6
    for pair in scene.facts.pairs:
        exact = overview.pose.point_of(pair.direction, FULL.aspect)
        assert exact is not None
        # A pixel or so of clicking, and the few centimetres between the cameras.
        assert abs(exact.x - pair.point.x) * FULL.width < 14
        assert abs(exact.y - pair.point.y) * FULL.height < 10


def test_the_region_is_where_the_flag_says():
    scene = YardScene(1, SMALL)
    outline = np.array([(point.x, point.y) for point in scene.facts.region], np.float32)
    checked = 0
    for at in np.arange(0.0, 60.0, 0.5):
        for target in scene.truth(float(at), HOME):
            if target.overview_box is not None and target.overview_visible > 0.95:
                low, high = outline.min(axis=0), outline.max(axis=0)
                foot = target.overview_box.foot
                if target.inside_region and target.target_type is TargetType.PERSON:
                    checked += 1
                    assert low[0] - 0.02 <= foot.x <= high[0] + 0.02
                    assert low[1] - 0.02 <= foot.y <= high[1] + 0.03
    assert checked > 20


@pytest.mark.parametrize("pose", [Pose(5.0, -12.0, 20.0), Pose(-31.0, -18.0, 40.0), Pose(12.0, -9.0, 58.0)])
def test_a_view_cut_from_a_face_is_the_view_drawn_directly(pose):
    view = Viewpoint(PTZ_AT, pose, SMALL)
    cut, direct = FaceBackdrop(PTZ_AT)(view), direct_backdrop(view)
    blur = (slice(None, None, 4), slice(None, None, 4))
    assert np.abs(cut.astype(int) - direct.astype(int))[blur].mean() < 12


@pytest.mark.parametrize("pose", [Pose(170.0, -60.0, 60.0), Pose(-100.0, 20.0, 60.0), Pose(0.0, -90.0, 60.0)])
def test_every_view_can_be_drawn(pose):
    assert YardScene(1, SMALL).ptz(0.0, pose).shape == (180, 320, 3)


def test_the_box_of_the_truth_is_where_the_figure_was_drawn():
    scene, empty = YardScene(1), Viewpoint(PTZ_AT, HOME, FULL)
    target = next(t for t in scene.truth(19.0, HOME) if t.inside_region)
    pose = looking_at(target, 20.0)
    box = the_same(scene, 19.0, pose, target).ptz_box
    background = FaceBackdrop(PTZ_AT)(Viewpoint(empty.position, pose, FULL))
    changed = np.abs(scene.ptz(19.0, pose).astype(int) - background.astype(int)).max(axis=2) > 40
    changed[:, : int((box.x - 0.02) * 1280)] = False
    changed[:, int((box.right + 0.005) * 1280) :] = False
    rows, columns = np.nonzero(changed)
    drawn = Box.from_corners(columns.min() / 1280, rows.min() / 720, columns.max() / 1280, rows.max() / 720)
    assert drawn.intersection_over_union(box) > 0.85


def test_a_detector_finds_the_figures_in_both_views(detector: Detector):
    scene = YardScene(1)
    overview, zoomed = [], []
    for at in np.arange(4.0, 60.0, 2.0):
        for target in scene.truth(float(at), HOME):
            clear = target.inside_region and target.overview_visible > 0.9 and target.overview_box is not None
            if not clear or target.target_type is not TargetType.PERSON:
                continue
            overview.append(best_overlap(detector, scene.overview(float(at)), target.overview_box, TargetType.PERSON))
            pose = looking_at(target, 24.0)
            near = the_same(scene, float(at), pose, target)
            zoomed.append(best_overlap(detector, scene.ptz(float(at), pose), near.ptz_box, TargetType.PERSON))
    assert len(overview) >= 12
    assert np.mean([overlap > 0.5 for overlap in overview]) >= 0.7
    assert np.mean([overlap > 0.5 for overlap in zoomed]) >= 0.85


def test_a_detector_finds_the_car(detector: Detector):
    scene = YardScene(1)
    found = []
    for at in np.arange(23.0, 40.0, 0.5):
        for target in scene.truth(float(at), HOME):
            clear = target.target_id.startswith("car") and target.overview_visible > 0.9
            if clear and target.overview_box is not None:
                picture = scene.overview(float(at))
                found.append(best_overlap(detector, picture, target.overview_box, TargetType.VEHICLE))
    assert len(found) >= 4
    assert np.mean([overlap > 0.5 for overlap in found]) >= 0.7


def test_a_point_above_the_horizon_is_no_ground():
    assert Viewpoint(PTZ_AT, Pose(0.0, 0.0, 60.0), FULL).on_ground(Point(0.5, 0.4)) is None
