"""Many targets, one camera, and people who want it too."""

from __future__ import annotations

import pytest
from yard import Target, Yard, line, wander

from engine.core.geometry import Box, Point
from engine.core.values import TargetType
from engine.linkage import NoTarget, UnknownLink
from engine.linkage.fit import FitRefused
from engine.ptz import LeaseRefused, Limits, Priority
from engine.store.errors import StoreFailure

pytestmark = pytest.mark.ledger("LINK-7")


def crowd(count):
    return [Target(f"p{n}", wander((-6 + 12 * n / count, 12 + n), 1.2, n)) for n in range(count)]


async def test_everybody_who_enters_is_captured_and_then_the_camera_goes_home():
    # They leave one after the other, so that in the end nothing is left to do.
    targets = [Target(t.name, lambda at, path=t.path: path(at) if at < 35 else None) for t in crowd(4)]
    yard = Yard(targets, noise=0.03)
    await yard.open()
    await yard.run(60, "middle")
    assert {capture.track_id for capture in yard.captures} == {"p0", "p1", "p2", "p3"}
    assert all(capture.grade > 0.5 and capture.rule_id == "middle" for capture in yard.captures)
    assert yard.arbiter.owner is None
    assert yard.motors.pan == pytest.approx(-60.0, abs=0.3)
    assert len(yard.started) == len(yard.ended)
    await yard.close()


async def test_the_more_important_one_goes_first():
    yard = Yard([Target("a", line((-3, 12), (0.3, 0))), Target("b", line((5, 12), (0.3, 0)))])
    await yard.open()
    await yard.run(1.0)
    yard.trigger("low", "a")
    yard.trigger("high", "b")
    await yard.run(14.0)
    assert [event.track_id for event in yard.started][:2] == ["b", "a"]
    await yard.close()


async def test_a_more_important_one_takes_over_and_the_first_has_its_turn_later():
    yard = Yard([Target("a", line((-3, 12), (0.3, 0))), Target("b", line((5, 12), (0.3, 0)))], ptz_detects=False)
    await yard.open()
    await yard.run(1.0)
    yard.trigger("low", "a")
    await yard.run(2.0)
    yard.trigger("high", "b")
    await yard.run(40.0)
    order = [event.track_id for event in yard.started]
    assert order[:3] == ["a", "b", "a"]
    await yard.close()


async def test_rules_of_other_links_are_left_alone():
    yard = Yard([Target("a", line((0, 12), (0.3, 0)))])
    await yard.open()
    await yard.run(1.0)
    yard.trigger("somebody else's", "a")
    await yard.run(2.0)
    assert yard.started == []
    await yard.close()


@pytest.mark.ledger("LINK-8", "PTZ-9")
async def test_manual_control_always_wins_and_the_target_has_its_turn_afterwards():
    yard = Yard([Target("a", line((-3, 12), (0.2, 0)))])
    await yard.open()
    await yard.run(3.0, "middle")
    lease = await yard.arbiter.acquire("anna", "joystick", Priority.OPERATOR)
    await lease.move_absolute(pan_deg=120.0)
    await yard.run(5.0)
    assert yard.motors.pan == pytest.approx(120.0, abs=0.2)
    assert yard.link.tracking is None
    assert [event.reason for event in yard.ended] == ["preempted"]
    await yard.run(12.0)
    assert yard.started[-1].track_id == "a"
    assert [capture.track_id for capture in yard.captures][-1] == "a"
    await yard.close()


@pytest.mark.ledger("LINK-8")
async def test_what_an_operator_has_followed_waits_for_the_operators_own_hand():
    yard = Yard([Target("a", line((-6, 12), (0.4, 0)))])
    await yard.open()
    await yard.run(1.0)
    await yard.link.track(track_id="a")
    await yard.run(5.0)
    lease = await yard.arbiter.acquire("anna", "joystick", Priority.OPERATOR)
    await lease.move_continuous(pan=0.3, tilt=0.0)
    await yard.run(5.0)
    assert yard.link.tracking is not None
    await lease.release()
    await yard.run(5.0)
    assert yard.since("a", yard.t - 1.5)[0] == 0
    assert await yard.link.stop_tracking()
    assert not await yard.link.stop_tracking()
    assert [event.reason for event in yard.ended] == ["stopped"]
    assert yard.arbiter.owner is None
    await yard.close()


async def test_a_rule_does_not_take_the_camera_from_whom_an_operator_has_followed():
    yard = Yard([Target("a", line((-3, 12), (0.3, 0))), Target("b", line((5, 12), (0.3, 0)))])
    await yard.open()
    await yard.run(1.0)
    await yard.link.track(track_id="a")
    await yard.run(1.0)
    yard.trigger("high", "b")
    await yard.run(20.0)
    assert yard.link.tracking.track_id == "a"
    with pytest.raises(LeaseRefused):
        await yard.arbiter.acquire("another link", "track", Priority.TRACKING)
    await yard.close()


async def test_a_click_beside_a_target_means_it_and_unknown_names_are_refused():
    yard = Yard([Target("a", line((0, 12), (0.0, 0)))])
    await yard.open()
    await yard.run(1.0)
    box = yard.link._spotter.overview.tracks[0].box
    assert await yard.link.track(point=Point(box.right + 0.02, box.centre.y)) == "a"
    with pytest.raises(NoTarget, match="'zz' is not seen"):
        await yard.link.track(track_id="zz")
    with pytest.raises(NoTarget, match="name a track"):
        await yard.link.track()
    with pytest.raises(UnknownLink, match="no link 'x'"):
        yard.director.link("x")
    await yard.close()


@pytest.mark.ledger("LINK-4")
async def test_a_point_is_looked_at_and_a_box_is_framed():
    yard = Yard([])
    await yard.open()
    lease = await yard.link.look_at(point=Point(0.7, 0.4), owner="anna")
    await yard.run(4.0)
    assert yard.pose().direction.angle_to(yard.model.direction(Point(0.7, 0.4))) < 0.2
    await yard.link.look_at(box=Box(0.2, 0.4, 0.05, 0.2), owner="anna")
    await yard.run(4.0)
    box = yard.model.direction(Point(0.225, 0.5))
    assert yard.pose().direction.angle_to(box) < 0.3
    assert yard.pose().hfov_deg < 30
    await yard.run(12.0)
    assert not lease.active
    await yard.close()


@pytest.mark.ledger("PTZ-1")
async def test_a_pursuit_respects_the_limits():
    yard = Yard([Target("a", line((-8, 12), (1.4, 0)))], limits=Limits(pan_deg=(-90.0, 5.0), tilt_deg=(-30.0, 0.0)))
    await yard.open()
    await yard.run(14, "middle")
    assert all(pan <= 5.5 for _, pan, _, _ in yard.motors.past)
    await yard.close()


async def test_a_full_disk_does_not_end_the_work():
    yard = Yard(crowd(2), noise=0.03)
    yard.sink.fault = StoreFailure("store a blob", "the disk is full")
    await yard.open()
    await yard.run(6, "middle")
    assert len(yard.storage_errors) >= 1
    yard.sink.fault = None
    await yard.run(30)
    assert len(yard.captures) >= 1
    await yard.close()


async def test_a_camera_that_vanishes_during_a_pursuit_is_taken_up_again_when_it_is_back():
    yard = Yard([Target("a", line((-6, 12), (0.5, 0)))], noise=0.03)
    await yard.open()
    await yard.run(1.0)
    await yard.link.track(track_id="a")
    await yard.run(4.0)
    await yard.arbiter.detach()
    await yard.run(3.0)
    yard.motors.broken = True
    await yard.arbiter.attach(yard.motors)
    await yard.run(2.0)
    yard.motors.broken = False
    await yard.run(5.0)
    assert yard.link.tracking is not None
    assert yard.since("a", yard.t - 2.0)[0] == 0
    await yard.close()


async def test_a_better_picture_of_the_same_target_is_worth_a_second_try():
    yard = Yard([Target("a", line((-3, 12), (0.2, 0)))], ptz_detects=False, settings={"max_tracking_s": 6.0})
    await yard.open()
    await yard.run(30.0, "middle")
    assert 1 <= len(yard.started) <= 3
    assert yard.captures
    assert yard.captures[0].target_type is TargetType.PERSON
    assert all(capture.grade < 0.5 for capture in yard.captures)
    await yard.close()


def test_a_refused_fit_says_which_pairs():
    assert FitRefused("bad", (1, 2)).pairs == (1, 2)


async def test_who_left_the_region_is_left_after_a_while_and_the_camera_goes_home():
    yard = Yard([Target("a", line((-6, 12), (0.5, 0)))], settings={"follow_after_s": 3.0})
    await yard.open()
    await yard.run(6.0, "middle")
    assert len(yard.captures) == 1
    yard.end("middle", "a")
    await yard.run(2.5)
    assert yard.link.tracking is not None
    await yard.run(5.0)
    assert [event.reason for event in yard.ended] == ["left"]
    assert yard.motors.pan == pytest.approx(-60.0, abs=0.3)
    await yard.run(20.0)
    assert len(yard.captures) == 1
    await yard.close()


async def test_who_was_not_captured_yet_is_not_left():
    yard = Yard([Target("a", line((-6, 12), (0.5, 0)))], settings={"follow_after_s": 0.5})
    await yard.open()
    await yard.run(1.0)
    yard.trigger("middle", "a")
    yard.end("middle", "a")
    await yard.run(8.0)
    assert [capture.track_id for capture in yard.captures] == ["a"]
    assert [event.reason for event in yard.ended] == ["left"]
    await yard.close()


async def test_an_event_under_another_name_of_the_tracker_ends_under_its_first_one():
    names = {"a": ((4.0, "a2"),)}
    yard = Yard([Target("a", line((-6, 12), (0.5, 0)))], names=names, settings={"follow_after_s": 2.0})
    await yard.open()
    await yard.run(1.0)
    yard.trigger("middle", "a")
    await yard.run(9.0)
    assert yard.link.tracking is not None
    yard.end("middle", "a")
    await yard.run(3.0)
    assert [event.reason for event in yard.ended] == ["left"]
    await yard.close()


async def test_somebody_else_under_the_same_track_is_captured_too():
    first = Target("a", line((-4, 12), (-0.8, 0), end=7.0))
    second = Target("b", line((-9.5, 12), (0.8, 0), begin=7.0))
    yard = Yard([first, second], names={"b": ((0.0, "a"),)})
    await yard.open()
    await yard.run(1.0)
    yard.trigger("middle", "a")
    await yard.run(5.0)
    assert len(yard.captures) == 1
    yard.end("middle", "a")
    await yard.run(2.5)
    assert yard.link.tracking is not None
    yard.trigger("middle", "a")
    await yard.run(6.0)
    assert len(yard.captures) == 2
    assert yard.captures[1].at > yard.t0 + 8.5
    # The camera stayed with the track all the while.
    assert len(yard.started) == 1
    await yard.close()


async def test_who_steps_out_and_in_again_waits_for_those_who_were_not_captured_yet():
    yard = Yard([Target("a", line((-3, 12), (0.1, 0))), Target("b", line((5, 12), (0.1, 0)))])
    await yard.open()
    await yard.run(1.0)
    yard.trigger("middle", "a")
    await yard.run(7.0)
    yard.end("middle", "a")
    await yard.run(1.0)
    yard.trigger("middle", "a")
    yard.trigger("middle", "b")
    await yard.run(14.0)
    assert [event.track_id for event in yard.started][:2] == ["a", "b"]
    assert [capture.track_id for capture in yard.captures] == ["a", "b", "a"]
    await yard.close()


async def test_who_waits_is_not_forgotten_when_the_tracker_gives_another_name():
    waiting = Target("b", line((5, 12), (0.2, 0)))
    yard = Yard([Target("a", line((-3, 12), (0.2, 0))), waiting], names={"b": ((3.0, "b2"),)})
    yard.first_seen = {"b2": 3.0}
    await yard.open()
    await yard.run(1.0)
    yard.trigger("high", "a")
    yard.trigger("low", "b")
    await yard.run(20.0)
    assert {capture.track_id for capture in yard.captures} == {"a", "b2"}
    await yard.close()


@pytest.mark.parametrize(("waiting", "longer"), [(False, True), (True, False)], ids=["alone", "another waits"])
async def test_a_better_picture_is_waited_for_while_nobody_else_waits(waiting, longer):
    # So small that no picture is fine, but good enough.
    others = [Target("b", line((5, 12), (0.1, 0)))] if waiting else []
    yard = Yard(
        [Target("a", line((-3, 12), (0.1, 0))), *others], settings={"fine_grade": 0.99, "polish_s": 4.0, "dwell_s": 1.0}
    )
    await yard.open()
    await yard.run(1.0)
    yard.trigger("middle", "a")
    while yard.link.tracking is None or yard.link._work.framed_at is None:
        await yard.run(0.1)
    if waiting:
        yard.trigger("low", "b")
    await yard.run(3.5)
    assert bool(yard.captures) != longer
    await yard.run(3.0)
    assert yard.captures[0].track_id == "a"
    await yard.close()
