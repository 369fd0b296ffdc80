"""One target and one camera, watched by an oracle: is it in the picture, in the middle, and of the right size?"""

from __future__ import annotations

import math

import pytest
from simulated_motors import having
from yard import Target, Yard, line, wander

from engine.core.events import TargetType
from engine.linkage import LinkModel, NoTarget, Phase

pytestmark = pytest.mark.ledger("LINK-8", "LINK-9")

ARRIVED = 4.0


async def watched(yard, seconds, rule="middle"):
    await yard.open()
    await yard.run(seconds, rule)
    await yard.close()
    return yard


async def followed(yard, seconds, after=1.0, **what):
    """The operator has a target followed."""
    await yard.open()
    await yard.run(after)
    await yard.link.track(**(what or {"track_id": yard.targets[0].name}))
    await yard.run(seconds)
    return yard


def stroller(seed=0, speed=1.4, distance=13):
    return Target("w", wander((0, distance), speed, seed))


def walker(**more):
    return Target("w", line((-8, 12), (1.4, 0)), **more)


@pytest.mark.parametrize(
    "capabilities",
    [having(), having(continuous=False), having(absolute=False)],
    ids=["all moves", "absolute only", "continuous only"],
)
async def test_a_walker_is_kept_in_the_middle_and_as_large_as_asked(capabilities):
    yard = await watched(Yard([walker()], capabilities=capabilities, noise=0.04), 12)
    out, offset, ratio = yard.since("w", ARRIVED)
    assert out == 0
    assert offset < 0.05
    assert ratio == pytest.approx(0.5, abs=0.1)


async def test_a_camera_with_relative_moves_only_keeps_a_walker_in_view():
    yard = await watched(Yard([walker()], capabilities=having(absolute=False, continuous=False)), 12)
    assert yard.since("w", ARRIVED)[0] == 0


@pytest.mark.parametrize("seed", range(3))
async def test_a_stroller_who_turns_without_warning_stays_in_view(seed):
    yard = await watched(Yard([stroller(seed)], noise=0.04, seed=seed), 25)
    out, offset, _ = yard.since("w", ARRIVED)
    assert out <= 0.01
    assert offset < 0.06


@pytest.mark.parametrize("seed", range(3))
async def test_a_runner_who_doubles_back_is_rarely_out_of_view(seed):
    yard = await watched(Yard([stroller(seed, speed=4.0, distance=15)], noise=0.04, seed=seed), 25)
    out, offset, _ = yard.since("w", ARRIVED)
    assert out <= 0.08
    assert offset < 0.13


async def test_somebody_near_who_crosses_fast_is_kept():
    yard = await watched(Yard([Target("w", line((-4, 5), (1.4, 0)))]), 6)
    assert yard.since("w", 3.0)[0] == 0


async def test_the_overview_alone_is_enough():
    yard = await watched(Yard([walker()], ptz_detects=False, calibration_error=(0.0, 0.0), noise=0.04), 12)
    out, offset, _ = yard.since("w", ARRIVED)
    assert out == 0
    assert offset < 0.06


async def test_the_ptz_picture_alone_is_enough():
    yard = Yard([walker()], overview=False, start_pose=(-32.0, -12.0, 0.0), noise=0.04)
    await yard.open()
    await yard.run(1.0)
    with pytest.raises(NoTarget, match="no calibrated overview"):
        await yard.link.look_at(point=None)
    await yard.link.track(track_id="ptz-w")
    await yard.run(11)
    await yard.close()
    out, offset, _ = yard.since("w", ARRIVED)
    assert out == 0
    assert offset < 0.05


async def test_two_seconds_behind_a_tree_are_bridged():
    yard = await watched(Yard([walker(hidden=((5, 7),))], noise=0.04), 12)
    out, offset, _ = yard.since("w", ARRIVED)
    assert out == 0
    assert offset < 0.05


async def test_a_standing_target_causes_no_moves():
    yard = Yard([Target("s", line((3, 12), (0, 0)))], noise=0.02)
    await yard.open()
    await yard.run(6, "middle")
    before = len(yard.motors.sent)
    await yard.run(10)
    assert len(yard.motors.sent) - before <= 2
    out, offset, _ = yard.since("s", 6)
    assert out == 0
    assert offset < 0.08
    await yard.close()


async def test_a_panorama_is_followed_all_the_way_round():
    def circle(t):
        return 8 * math.sin(0.3 * t), 8 * math.cos(0.3 * t)

    model = LinkModel("equirectangular", 2.0, (30.0, 0.0, 0.0))
    yard = await followed(Yard([Target("w", circle)], model=model, noise=0.04), 25)
    await yard.close()
    out, offset, _ = yard.since("w", ARRIVED)
    assert out == 0
    assert offset < 0.05


async def test_a_head_with_a_stop_unwinds_and_goes_on():
    def circle(t):
        return 8 * math.sin(0.3 * t), 8 * math.cos(0.3 * t)

    model = LinkModel("equirectangular", 2.0, (30.0, 0.0, 0.0))
    capabilities = having(pan_endless=False, pan_range_deg=(-170.0, 170.0), tilt_range_deg=(-90.0, 30.0))
    yard = await followed(Yard([Target("w", circle)], model=model, capabilities=capabilities), 30)
    await yard.close()
    assert yard.since("w", 20)[0] == 0
    assert all(-170.01 <= pan <= 170.01 for _, pan, _, _ in yard.motors.past)


async def test_it_goes_on_when_the_video_comes_back_after_a_restart():
    yard = Yard([Target("w", line((-6, 12), (1.0, 0)))], noise=0.04, feeds_dead=((5, 8),))
    await followed(yard, 20)
    assert yard.link.tracking is not None
    await yard.close()
    assert yard.since("w", 9.5)[0] == 0


async def test_a_target_that_the_tracker_renames_is_still_the_target():
    yard = Yard([Target("w", line((-6, 12), (1.0, 0)))], names={"w": ((6, "w2"), (9, "w3"))}, ptz_detects=False)
    await followed(yard, 15)
    assert yard.link.tracking.track_id == "w"
    assert yard.since("w", ARRIVED)[0] == 0
    await yard.close()


async def test_two_who_cross_are_not_confused():
    other = Target("b", line((4, 11), (-1.2, 0)))
    yard = await followed(Yard([walker(), other], noise=0.04), 11)
    await yard.close()
    assert yard.since("w", ARRIVED)[0] == 0


async def test_a_lost_target_is_searched_for_in_a_wide_picture_and_then_given_up():
    yard = Yard([Target("w", line((-6, 12), (1.0, 0)), hidden=((8, 1000),))])
    await followed(yard, 12)
    assert yard.link.tracking.phase is Phase.SEARCHING
    wide = yard.pose().hfov_deg
    await yard.run(10)
    assert yard.link.tracking is None
    assert [event.reason for event in yard.ended] == ["lost"]
    assert wide > 25
    await yard.close()


async def test_a_click_on_nobody_goes_and_looks_who_is_there():
    yard = Yard([Target("w", line((-6, 12), (1.0, 0)), hidden=((0, 1.6),))], noise=0.04)
    await yard.open()
    await yard.run(1.0)
    place = yard.model.point(yard.targets[0].look(yard.t)[0])
    await yard.link.track(point=place)
    await yard.run(12)
    assert yard.link.tracking.target_type is TargetType.PERSON
    assert yard.since("w", ARRIVED)[0] == 0
    await yard.close()


def passing_a_parked_car(hidden_since, seed):
    """The parked one is not among the overview's tracks: the PTZ picture alone has to tell them apart."""
    parked = Target("parked", line((0, 12.5), (0, 0)), 1.6, TargetType.VEHICLE, ptz_only=True)
    car = Target("car", line((-12, 14.5), (2.5, 0)), 1.6, TargetType.VEHICLE, hidden=((hidden_since, 5.8),))
    return Yard([car, parked], noise=0.04, seed=seed)


@pytest.mark.parametrize("seed", range(3))
async def test_a_car_that_passes_behind_a_parked_one_is_not_taken_for_it(seed):
    yard = await followed(passing_a_parked_car(4.4, seed), 8)
    await yard.close()
    # It may stop behind the parked one, so the camera waits a little before it goes on.
    assert yard.since("car", ARRIVED)[0] < 0.05


async def test_when_a_parked_car_was_taken_for_the_target_the_overview_sets_it_right():
    yard = await followed(passing_a_parked_car(4.0, seed=1), 9)
    assert yard.since("car", 8.0)[0] == 0
    assert yard.link.tracking is not None
    await yard.close()


async def test_when_the_overviews_track_goes_over_to_somebody_beside_the_ptz_goes_too():
    """Both were in the PTZ picture, so the second was known there as somebody else."""
    first = Target("w", line((-1, 12), (-0.4, 0), end=6.0))
    second = Target("b", line((-2.5, 13), (-0.05, 0)))
    yard = await followed(Yard([first, second], names={"b": ((6.2, "w"),)}, noise=0.03), 14)
    assert yard.link.tracking is not None
    assert yard.link._work.pursuit.ptz_id == "ptz-b"
    assert yard.since("b", 11.0)[1] < 0.08
    await yard.close()
