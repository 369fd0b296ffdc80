"""An intrusion begins once, when a target has been in the region long enough, and ends once, when it has left."""

from __future__ import annotations

import cmath
import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rule_paths import ASPECT, CHANNEL, HEIGHT, standing, update, walk

from engine.core.events import RuleKind, RuleTriggered
from engine.core.geometry import Box, Point
from engine.core.values import TargetType
from engine.rules import Rule, RuleEngine, RuleTimes, SizeLimits
from engine.rules.geometry import distance_to_outline, inside

pytestmark = pytest.mark.ledger("VCA-2")

SQUARE = (Point(0.4, 0.4), Point(0.8, 0.4), Point(0.8, 0.8), Point(0.4, 0.8))
IN, OUT = (0.6, 0.6), (0.2, 0.6)
EXACT = RuleTimes(grace_s=1.0, margin=0.0)


def region(points: tuple[Point, ...] = SQUARE, **changes: object) -> Rule:
    return Rule(id="area", kind=RuleKind.INTRUSION, channel=CHANNEL, points=points, **changes)  # type: ignore[arg-type]


def engine(**changes: object) -> RuleEngine:
    return RuleEngine([region(**changes)])


def story(events: list[RuleTriggered]) -> list[tuple[bool, float]]:
    return [(event.active, round(event.at, 3)) for event in events]


def test_in_and_out_again() -> None:
    rules = engine()
    events = walk(rules, [OUT, OUT, IN, IN, IN, OUT, OUT, OUT, OUT, OUT, OUT, OUT], step_s=0.25)
    assert story(events) == [(True, 0.5), (False, 2.25)]  # last in at 1.0
    begin, end = events
    assert (begin.rule_id, begin.channel, begin.track_id) == ("area", CHANNEL, "yard-1")
    assert (begin.rule_kind, begin.kind, begin.direction) == (RuleKind.INTRUSION, "rule_triggered", None)
    assert begin.box.foot == Point(0.6, 0.6)
    assert begin.event_id != end.event_id
    assert rules.active_rules == frozenset()


def test_the_foot_counts_not_the_head() -> None:
    assert walk(engine(), [(0.6, 0.39), (0.6, 0.39)]) == []  # clear of the edge, though close to it
    head_inside = standing(0.6, 0.95, height=0.4)
    assert engine().update(update(0, head_inside)) == []


def test_it_has_to_stay_for_the_time_asked() -> None:
    assert story(walk(engine(min_seconds=1.0), [IN] * 10, step_s=0.25)) == [(True, 1.0)]
    assert walk(engine(min_seconds=1.0), [IN] * 5 + [OUT] * 10) == []


def test_a_short_step_outside_does_not_start_the_time_again() -> None:
    events = walk(engine(min_seconds=1.0), [IN, IN, OUT, IN, IN, IN], step_s=0.25)
    assert story(events) == [(True, 1.0)]


def test_flicker_at_the_edge_gives_one_event() -> None:
    assert story(walk(engine(), [IN, OUT] * 20)) == [(True, 0.0)]
    # Slowly too: this close to the edge it is neither in nor out.
    edge = [(0.401, 0.6)] * 10 + [(0.398, 0.6)] * 10
    assert story(walk(engine(), edge * 3)) == [(True, 0.0)]


def test_lost_detections_neither_repeat_nor_end_it() -> None:
    assert story(walk(engine(), [IN, IN, None, None, None, None, IN, IN])) == [(True, 0.0)]


def test_a_target_that_vanishes_ends_it() -> None:
    assert story(walk(engine(), [IN, IN, *[None] * 8], step_s=0.25)) == [(True, 0.0), (False, 1.5)]


def test_a_predicted_target_holds_the_event_but_begins_none() -> None:
    rules = engine()
    assert rules.update(update(0, standing(*IN, detected=False))) == []
    assert story(rules.update(update(0.2, standing(*IN)))) == [(True, 0.2)]
    for i in range(20):
        assert rules.update(update(0.4 + i / 5, standing(*IN, detected=False))) == []
    assert rules.active_rules == {"area"}


def test_a_track_under_a_new_name_continues_the_event_and_it_ends_under_the_first_name() -> None:
    rules = engine()
    assert len(rules.update(update(0, standing(0.6, 0.6, name="yard-1")))) == 1
    assert rules.update(update(0.2)) == []
    assert rules.update(update(0.8, standing(0.62, 0.6, name="yard-2", first_seen_at=0.4))) == []
    assert rules.update(update(1.4, standing(0.64, 0.6, name="yard-2", first_seen_at=0.4))) == []
    (end,) = rules.update(update(3.0))
    assert (end.active, end.track_id) == (False, "yard-1")
    assert end.box.foot.x == pytest.approx(0.64)


@pytest.mark.parametrize(
    ("x", "first_seen_at", "target_type"),
    [(0.75, 0.4, TargetType.PERSON), (0.5, -0.2, TargetType.PERSON), (0.5, 0.4, TargetType.ANIMAL)],
    ids=["elsewhere", "was there before", "another type"],
)
def test_another_target_has_its_own_event(x: float, first_seen_at: float, target_type: TargetType) -> None:
    rules = engine(targets=frozenset({TargetType.PERSON, TargetType.ANIMAL}))
    rules.update(update(0, standing(0.5, 0.6, name="yard-1")))
    newcomer = standing(x, 0.6, name="yard-2", first_seen_at=first_seen_at, target_type=target_type)
    assert [event.track_id for event in rules.update(update(0.6, newcomer))] == ["yard-2"]


def test_two_targets_two_events() -> None:
    rules = engine()
    events = rules.update(update(0, standing(0.5, 0.6, name="yard-1"), standing(0.7, 0.6, name="yard-2")))
    assert [event.track_id for event in events] == ["yard-1", "yard-2"]
    events = rules.update(update(2.0, standing(0.7, 0.6, name="yard-2")))
    assert [(event.track_id, event.active) for event in events] == [("yard-1", False)]
    assert rules.active_rules == {"area"}


def test_unconfirmed_tracks_and_other_types_and_sizes_do_not_count() -> None:
    rules = engine(sizes=SizeLimits(min_height=0.05, max_height=0.2))
    assert rules.update(update(0, standing(*IN, confirmed=False))) == []
    assert rules.update(update(1, standing(*IN, target_type=TargetType.VEHICLE))) == []
    assert rules.update(update(2, standing(*IN, height=0.04))) == []
    assert rules.update(update(3, standing(*IN, height=0.21))) == []
    assert len(rules.update(update(4, standing(*IN)))) == 1


def test_feet_that_the_picture_cuts_off_are_on_its_edge() -> None:
    whole = (Point(0, 0), Point(1, 0), Point(1, 1), Point(0, 1))
    for foot in ((0.5, 1.0), (0.5, 1.04), (0.0, 0.5), (1.0, 1.0)):
        assert len(walk(RuleEngine([region(whole)]), [foot])) == 1


def test_a_region_over_the_seam_of_a_panorama() -> None:
    over = (Point(0.9, 0.4), Point(1.1, 0.4), Point(1.1, 0.8), Point(0.9, 0.8))
    left = tuple(Point(point.x - 1, point.y) for point in over)
    for points in (over, left):
        assert story(walk(RuleEngine([region(points)]), [(0.85, 0.6), (0.95, 0.6), (0.05, 0.6), (0.08, 0.6)])) == [
            (True, 0.2)
        ]
        assert walk(RuleEngine([region(points)]), [(0.5, 0.6), (0.2, 0.6)]) == []


def test_a_channel_that_goes_ends_its_events() -> None:
    rules = engine()
    walk(rules, [IN, IN])
    assert rules.end_channel("other", 5.0) == []
    assert story(rules.end_channel(CHANNEL, 5.0)) == [(False, 5.0)]
    assert rules.end_channel(CHANNEL, 6.0) == []


def test_a_clock_that_is_set_back_ends_and_begins_afresh() -> None:
    rules = engine()
    walk(rules, [IN, IN], start=100.0)
    assert story(rules.update(update(50.0, standing(*IN)))) == [(False, 50.0), (True, 50.0)]


def test_updates_of_other_channels_do_not_matter() -> None:
    other = Rule(id="other", kind=RuleKind.INTRUSION, channel="gate", points=SQUARE)
    assert walk(RuleEngine([other]), [IN, IN]) == []


def winding(point: complex, polygon: list[complex]) -> int:
    """The oracle: how often the polygon goes round the point, by the sum of the angles that its sides span."""
    turns = [cmath.phase((b - point) / (a - point)) for a, b in zip(polygon, polygon[1:] + polygon[:1], strict=True)]
    return round(sum(turns) / math.tau)


def polar_polygon(radii: list[float]) -> list[complex]:
    """A star-shaped polygon round (0.5, 0.5), convex or not."""
    return [
        complex(0.5, 0.5) + radius * cmath.exp(1j * math.tau * index / len(radii)) for index, radius in enumerate(radii)
    ]


coordinates = st.floats(0, 1)


@given(st.lists(st.floats(0.05, 0.45), min_size=3, max_size=9), coordinates, coordinates)
@settings(max_examples=300, deadline=None)
def test_inside_agrees_with_the_winding_number(radii: list[float], x: float, y: float) -> None:
    polygon = polar_polygon(radii)
    pairs = [(corner.real, corner.imag) for corner in polygon]
    assume(distance_to_outline((x, y), pairs) > 1e-6)
    assert inside((x, y), pairs) == (winding(complex(x, y), polygon) != 0)


@given(st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=7), coordinates, coordinates)
@settings(max_examples=300, deadline=None)
def test_inside_of_any_tangle_is_an_odd_winding_number(corners: list[tuple[float, float]], x: float, y: float) -> None:
    polygon = [complex(*corner) for corner in corners]
    assume(distance_to_outline((x, y), corners) > 1e-6)
    assert inside((x, y), corners) == (winding(complex(x, y), polygon) % 2 == 1)


def oracle(
    radii: list[float], feet: list[tuple[float, float] | None], min_seconds: float, step_s: float
) -> list[tuple[bool, float]]:
    """The events by another way: all times inside first, then stays (times less than the grace apart), then events."""
    polygon = polar_polygon(radii)
    times = [index * step_s for index, foot in enumerate(feet) if foot and winding(complex(*foot), polygon) != 0]
    stays: list[list[float]] = []
    for at in times:
        # An absence is over the grace when an update within it came later than the grace.
        if stays and not any(stays[-1][-1] + 1.0 < i * step_s < at for i in range(len(feet))):
            stays[-1].append(at)
        else:
            stays.append([at])
    events = []
    for stay in stays:
        fired = [at for at in stay if at - stay[0] >= min_seconds]
        ends = [i * step_s for i in range(len(feet)) if i * step_s > stay[-1] + 1.0]
        if fired:
            events.append((True, fired[0]))
            events += [(False, ends[0])] if ends else []
    return events


feet_lists = st.lists(st.one_of(st.none(), st.tuples(coordinates, coordinates)), max_size=40)


@given(
    st.lists(st.floats(0.1, 0.45), min_size=3, max_size=8),
    feet_lists,
    st.sampled_from([0.0, 0.5, 1.25]),
    st.sampled_from([0.125, 0.25, 0.75]),
)
@settings(max_examples=200, deadline=None)
def test_events_agree_with_an_oracle(
    radii: list[float], feet: list[tuple[float, float] | None], min_seconds: float, step_s: float
) -> None:
    polygon = polar_polygon(radii)
    pairs = [(corner.real, corner.imag) for corner in polygon]
    assume(all(foot is None or distance_to_outline(foot, pairs) > 1e-6 for foot in feet))
    rule = region(tuple(Point(*pair) for pair in pairs), min_seconds=min_seconds)
    events = walk(RuleEngine([rule], EXACT), feet, step_s=step_s)
    assert [(event.active, event.at) for event in events] == oracle(radii, feet, min_seconds, step_s)


@given(feet_lists, st.floats(0, 3))
@settings(max_examples=100, deadline=None)
def test_beginnings_and_ends_alternate(feet: list[tuple[float, float] | None], min_seconds: float) -> None:
    rules = engine(min_seconds=min_seconds)
    events = walk(rules, feet)
    assert [event.active for event in events] == [index % 2 == 0 for index in range(len(events))]
    assert rules.active_rules == ({"area"} if len(events) % 2 else frozenset())
    assert [event.at for event in events] == sorted(event.at for event in events)


def test_the_margin_is_measured_in_the_targets_height_on_the_picture_as_shown() -> None:
    margin = RuleTimes().margin * HEIGHT
    for foot, held in (
        ((0.6, 0.8 + 0.9 * margin), True),
        ((0.6, 0.8 + 1.1 * margin), False),
        ((0.8 + 0.9 * margin / ASPECT, 0.6), True),
        ((0.8 + 1.1 * margin / ASPECT, 0.6), False),
    ):
        assert len(walk(engine(), [IN, *[foot] * 8])) == (1 if held else 2)


def test_size_limits_admit_their_bounds() -> None:
    limits = SizeLimits(min_width=0.1, max_width=0.2, min_height=0.3, max_height=0.4)
    assert limits.admits(Box(0, 0, 0.1, 0.3))
    assert limits.admits(Box(0, 0, 0.2, 0.4))
    assert not limits.admits(Box(0, 0, 0.09, 0.3))
    assert not limits.admits(Box(0, 0, 0.1, 0.41))
