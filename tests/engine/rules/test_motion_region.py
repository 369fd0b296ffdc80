"""The motion-region rule on masks of what moves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_paths import CHANNEL, standing, update

from engine.core.events import RuleKind, RuleTriggered
from engine.core.geometry import Point
from engine.core.values import MotionMask
from engine.rules import Rule, RuleEngine
from engine.rules.motion_region import HOLD_S, least_part

pytestmark = pytest.mark.ledger("ONVIF-3", "VCA-2")

SQUARE = (Point(0.25, 0.25), Point(0.75, 0.25), Point(0.75, 0.75), Point(0.25, 0.75))
SHAPE = (100, 100)
EVERY_S = 0.2


def rule(**changes: object) -> Rule:
    values: dict[str, object] = {"id": "m", "kind": RuleKind.MOTION_REGION, "channel": CHANNEL, "points": SQUARE}
    return Rule(**{**values, **changes})  # type: ignore[arg-type]


def mask(at: float, points: int = 0, *, channel: str = CHANNEL, left: int = 30) -> MotionMask:
    """So many points move, in columns from `left` on; 2500 points are in the square."""
    moving = np.zeros(SHAPE, np.bool_)
    for index in range(points):
        moving[30 + index % 40, left + index // 40] = True
    return MotionMask(channel, at, moving)


def run(engine: RuleEngine, counts: list[int], start: float = 0.0) -> list[RuleTriggered]:
    events = []
    for index, count in enumerate(counts):
        events += engine.motion(mask(start + index * EVERY_S, count))
    return events


@pytest.mark.parametrize(("sensitivity", "part"), [(0.0, 0.1), (50.0, 0.01), (100.0, 0.001)])
def test_sensitivity_is_the_part_of_the_region_that_must_move(sensitivity: float, part: float) -> None:
    assert least_part(sensitivity) == pytest.approx(part)


@given(st.floats(0, 100))
def test_a_little_less_than_that_is_not_enough(sensitivity: float) -> None:
    least = max(least_part(sensitivity) * 2500, 4)
    assert run(RuleEngine([rule(sensitivity=sensitivity)]), [int(np.ceil(least)) - 1] * 10) == []
    assert len(run(RuleEngine([rule(sensitivity=sensitivity)]), [int(np.ceil(least)) + 1] * 10)) == 1


def test_motion_begins_in_the_second_picture_and_ends_after_the_hold_time() -> None:
    engine = RuleEngine([rule()])
    begun, ended = run(engine, [0, 100, 100, 100] + [0] * 20)
    assert (begun.at, begun.active) == (pytest.approx(0.4), True)
    assert (ended.active, ended.box) == (False, begun.box)
    assert 0.6 + HOLD_S < ended.at <= 0.6 + HOLD_S + 2 * EVERY_S
    assert engine.active_rules == frozenset()


def test_one_picture_alone_is_no_motion() -> None:
    assert run(RuleEngine([rule()]), [0, 2500, 0, 0, 2500, 0]) == []


def test_motion_that_pauses_or_becomes_less_goes_on() -> None:
    engine = RuleEngine([rule()])
    events = run(engine, [100, 100] + [0] * 8 + [15] + [0] * 8 + [100] * 3)
    assert [event.active for event in events] == [True]


def test_motion_must_last_as_long_as_the_rule_says() -> None:
    engine = RuleEngine([rule(min_seconds=1.0)])
    assert run(engine, [100] * 5) == []
    (begun,) = run(engine, [100] * 3, start=1.0)
    assert begun.at == pytest.approx(1.0)


def test_what_moves_outside_the_region_or_on_another_channel_does_not_count() -> None:
    engine = RuleEngine([rule()])
    for index in range(10):
        assert engine.motion(mask(index * EVERY_S, 400, left=80)) == []
        assert engine.motion(mask(index * EVERY_S, 400, channel="gate")) == []


def test_a_region_may_reach_over_the_seam_of_a_panorama() -> None:
    over = (Point(0.8, 0.2), Point(1.2, 0.2), Point(1.2, 0.8), Point(0.8, 0.8))
    for left, moves in ((5, True), (85, True), (50, False)):
        engine = RuleEngine([rule(points=over)])
        found = [event for index in range(4) for event in engine.motion(mask(index * EVERY_S, 200, left=left))]
        assert bool(found) == moves


def test_the_box_is_around_what_moves_in_the_region() -> None:
    (begun,) = run(RuleEngine([rule()]), [80, 80])
    assert (begun.box.x, begun.box.right) == (pytest.approx(0.30), pytest.approx(0.32))
    assert (begun.box.y, begun.box.bottom) == (pytest.approx(0.30), pytest.approx(0.70))


def test_targets_do_not_matter_to_it_and_its_pictures_not_to_others() -> None:
    engine = RuleEngine([rule()])
    assert engine.update(update(0.0, standing(0.5, 0.5))) == []
    intrusion = RuleEngine([rule(kind=RuleKind.INTRUSION)])
    assert run(intrusion, [2500] * 5) == []
    assert engine.watches_motion(CHANNEL)
    assert not intrusion.watches_motion(CHANNEL)
    assert not engine.watches_motion("gate")


def test_it_ends_with_its_channel_with_its_rule_and_when_a_clock_is_set_back() -> None:
    for end in (
        lambda engine: engine.end_channel(CHANNEL, 9.0),
        lambda engine: engine.replace([], 9.0),
        lambda engine: engine.motion(mask(-5.0, 100)),
    ):
        engine = RuleEngine([rule()])
        run(engine, [100, 100])
        (ended,) = end(engine)
        assert (ended.active, engine.active_rules) == (False, frozenset())
