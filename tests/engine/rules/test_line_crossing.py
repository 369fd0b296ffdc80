"""A line crossing is reported once for each time a target gets over the line, with its direction."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_paths import CHANNEL, standing, update, walk

from engine.core.events import RuleKind, RuleTriggered
from engine.core.geometry import Point
from engine.core.values import TargetType
from engine.rules import CrossingDirection, Rule, RuleEngine, RuleTimes
from engine.rules.geometry import Pair, signed_crossings

pytestmark = pytest.mark.ledger("VCA-2")

UPWARDS = ((0.5, 0.9), (0.5, 0.1))
"""From the bottom of the picture to its top: A is on the left."""
RIGHTWARDS = ((0.1, 0.5), (0.9, 0.5))
"""From left to right: A is above."""
CORNER = ((0.5, 0.9), (0.5, 0.5), (0.9, 0.5))
"""Up, then to the right: A is the left and upper side."""

A_TO_B, B_TO_A = "a_to_b", "b_to_a"


def line(points: tuple[Pair, ...] = UPWARDS, **changes: object) -> Rule:
    corners = tuple(Point(*point) for point in points)
    return Rule(id="gate", kind=RuleKind.LINE_CROSSING, channel=CHANNEL, points=corners, **changes)  # type: ignore[arg-type]


def directions(events: list[RuleTriggered]) -> list[str | None]:
    assert all(event.active and event.rule_kind is RuleKind.LINE_CROSSING for event in events)
    return [event.direction for event in events]


@pytest.mark.parametrize(
    ("points", "feet", "expected"),
    [
        (UPWARDS, [(0.4, 0.5), (0.6, 0.5)], [A_TO_B]),
        (UPWARDS, [(0.6, 0.5), (0.4, 0.5)], [B_TO_A]),
        (UPWARDS[::-1], [(0.4, 0.5), (0.6, 0.5)], [B_TO_A]),
        (RIGHTWARDS, [(0.5, 0.4), (0.5, 0.6)], [A_TO_B]),
        (RIGHTWARDS, [(0.5, 0.6), (0.5, 0.4)], [B_TO_A]),
        (UPWARDS, [(0.4, 0.5), (0.6, 0.5), (0.4, 0.5)], [A_TO_B, B_TO_A]),
        (UPWARDS, [(0.4, 0.5), (0.5, 0.5), (0.6, 0.5)], [A_TO_B]),
        (UPWARDS, [(0.4, 0.5), (0.5, 0.5), (0.5, 0.6), (0.6, 0.6)], [A_TO_B]),
        (UPWARDS, [(0.4, 0.5), (0.5, 0.5), (0.4, 0.5)], []),
        (UPWARDS, [(0.6, 0.5), (0.5, 0.5), (0.6, 0.5)], []),
        (UPWARDS, [(0.4, 0.95), (0.6, 0.95)], []),
        (UPWARDS, [(0.4, 0.85), (0.45, 0.97), (0.55, 0.97), (0.6, 0.85)], []),
        (UPWARDS, [(0.4, 0.5), (0.4, 0.6), (0.45, 0.5)], []),
        (UPWARDS, [(0.499, 0.5), (0.501, 0.5)], []),
        (UPWARDS, [(0.45, 0.5), (0.501, 0.5), (0.499, 0.5), (0.502, 0.5), (0.55, 0.5)], [A_TO_B]),
        (UPWARDS, [(0.45, 0.5), (0.501, 0.5), (0.499, 0.5), (0.502, 0.5), (0.45, 0.5)], []),
        (CORNER, [(0.4, 0.4), (0.6, 0.6)], [A_TO_B]),
        (CORNER, [(0.6, 0.6), (0.4, 0.4)], [B_TO_A]),
        (CORNER, [(0.4, 0.7), (0.6, 0.7), (0.6, 0.4)], [A_TO_B, B_TO_A]),
        (CORNER, [(0.4, 0.6), (0.6, 0.4)], []),
        (CORNER, [(0.45, 0.7), (0.7, 0.45)], []),
    ],
    ids=[
        "left to right",
        "right to left",
        "the line drawn the other way",
        "down",
        "up",
        "there and back",
        "with a stop on the line",
        "a walk along the line",
        "onto the line and back",
        "onto the line and back from the other side",
        "past the end",
        "around the end",
        "never over it",
        "a tremble at the line",
        "a tremble, then over",
        "a tremble, then back",
        "through the corner",
        "through the corner, back",
        "over both parts",
        "past the corner outside",
        "over both parts in one step",
    ],
)
def test_table(points: tuple[Pair, ...], feet: list[Pair], expected: list[str]) -> None:
    assert directions(walk(RuleEngine([line(points)]), feet)) == expected


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        (CrossingDirection.BOTH, [A_TO_B, B_TO_A]),
        (CrossingDirection.A_TO_B, [A_TO_B]),
        (CrossingDirection.B_TO_A, [B_TO_A]),
    ],
)
def test_only_the_wanted_direction(direction: CrossingDirection, expected: list[str]) -> None:
    events = walk(RuleEngine([line(direction=direction)]), [(0.4, 0.5), (0.6, 0.5), (0.4, 0.5)])
    assert directions(events) == expected


def test_a_target_that_is_lost_on_the_line_and_found_behind_it() -> None:
    feet = [(0.4, 0.5), (0.48, 0.5), None, None, (0.58, 0.5)]
    assert directions(walk(RuleEngine([line()]), feet)) == [A_TO_B]


def test_a_target_that_gets_a_new_name_on_the_line() -> None:
    rules = RuleEngine([line()])
    rules.update(update(0.0, standing(0.47, 0.5, name="yard-1")))
    rules.update(update(0.2, standing(0.49, 0.5, name="yard-1", detected=False)))
    (event,) = rules.update(update(0.8, standing(0.52, 0.5, name="yard-2", first_seen_at=0.4)))
    assert (event.track_id, event.direction) == ("yard-2", A_TO_B)


def test_a_target_that_appears_behind_the_line_has_not_crossed_it() -> None:
    rules = RuleEngine([line()])
    rules.update(update(0.0, standing(0.4, 0.5, name="yard-1")))
    assert rules.update(update(3.0, standing(0.6, 0.5, name="yard-2", first_seen_at=2.6))) == []


def test_predictions_are_not_believed() -> None:
    rules = RuleEngine([line()])
    rules.update(update(0.0, standing(0.45, 0.5)))
    assert rules.update(update(0.2, standing(0.6, 0.5, detected=False))) == []
    assert rules.update(update(0.4, standing(0.46, 0.5))) == []
    assert rules.active_rules == frozenset()


def test_types_count() -> None:
    rules = RuleEngine([line(targets=frozenset({TargetType.VEHICLE}))])
    assert walk(rules, [(0.4, 0.5), (0.6, 0.5)]) == []


@pytest.mark.parametrize("x", [1.02, 0.02, -0.98])
def test_a_line_near_the_seam_of_a_panorama(x: float) -> None:
    # Walking to the right, over the seam, and over the line behind it; upwards drawn, so from A to B.
    feet = [(0.95, 0.5), (0.99, 0.5), (0.03, 0.5), (0.07, 0.5)]
    points = ((x, 0.9), (x, 0.1))
    assert directions(walk(RuleEngine([line(points)]), feet)) == [A_TO_B]
    assert directions(walk(RuleEngine([line(points)]), feet[::-1])) == [B_TO_A]


def test_walking_over_the_seam_crosses_no_line_elsewhere() -> None:
    assert walk(RuleEngine([line()]), [(0.95, 0.5), (0.99, 0.5), (0.03, 0.5)]) == []


# On a fine grid, so that the arithmetic is exact and points really lie on lines.
coordinates = st.integers(0, 64).map(lambda value: value / 64)
pairs = st.tuples(coordinates, coordinates)


@given(st.lists(pairs, min_size=1, max_size=12), coordinates)
@settings(max_examples=200, deadline=None)
def test_over_an_endless_line_the_sum_is_the_change_of_sides(path: list[Pair], x: float) -> None:
    """The oracle for a line through the whole picture: only the first and the last side matter."""
    expected = int(path[-1][0] >= x) - int(path[0][0] >= x)  # on the line counts as right of it
    assert signed_crossings(path, [(x, 2.0), (x, -1.0)]) == expected


@given(st.lists(pairs, min_size=2, max_size=10), st.lists(pairs, min_size=2, max_size=6))
@settings(max_examples=200, deadline=None)
def test_the_way_back_undoes_the_way(path: list[Pair], drawn: list[Pair]) -> None:
    forward = signed_crossings(path, drawn)
    assert signed_crossings(path[::-1], drawn) == -forward
    closed = [*path, *path[::-1]]
    assert signed_crossings(closed, drawn) == 0


@given(
    st.lists(st.tuples(st.integers(2, 8), st.integers(0, 8)), min_size=2, max_size=10),
    st.lists(st.integers(3, 7), min_size=6, max_size=6),
)
@settings(max_examples=300, deadline=None)
def test_corners_hit_exactly_are_counted_once(path: list[tuple[int, int]], columns: list[int]) -> None:
    """A zigzag through the whole picture, on a grid on which paths hit its corners and run along its parts.

    Oracle: the zigzag rises steadily, so at each height it has one place, and sides are told by comparison.
    """
    zigzag = [(float(x), 8.0 - 2 * index) for index, x in enumerate(columns)]
    drawn = [(zigzag[0][0], 20.0), *zigzag, (zigzag[-1][0], -20.0)]

    def right_of_it(point: tuple[int, int]) -> bool:
        x, y = point
        for (ax, ay), (bx, by) in pairwise(drawn):
            if by <= y <= ay:
                return x >= ax + (ay - y) / (ay - by) * (bx - ax)
        raise AssertionError(point)

    feet = [(float(x), float(y)) for x, y in path]
    expected = int(right_of_it(path[-1])) - int(right_of_it(path[0]))
    assert signed_crossings(feet, drawn) == expected


@given(st.lists(st.tuples(st.floats(0.3, 0.7), st.floats(0.3, 0.7)), min_size=2, max_size=25))
@settings(max_examples=150, deadline=None)
def test_events_over_an_endless_line_alternate(feet: list[Pair]) -> None:
    points = ((0.5, 1.5), (0.5, -0.5))
    events = directions(walk(RuleEngine([line(points)], RuleTimes(margin=0.0)), feet))
    assert all(a != b for a, b in pairwise(events))


def test_rules_are_checked() -> None:
    with pytest.raises(ValueError, match="at least two points, and neighbours that differ"):
        line(((0.5, 0.5),))
    with pytest.raises(ValueError, match="at least two points, and neighbours that differ"):
        line(((0.5, 0.5), (0.5, 0.5)))
    with pytest.raises(ValueError, match="not a number"):
        line(((0.5, 0.5), (float("nan"), 0.5)))
    with pytest.raises(ValueError, match="enclose an area"):
        Rule(id="r", kind=RuleKind.INTRUSION, channel="c", points=(Point(0, 0), Point(0.5, 0.5), Point(1, 1)))
    with pytest.raises(ValueError, match="at least one target type"):
        line(targets=frozenset())
    with pytest.raises(ValueError, match="min_seconds is -1"):
        line(min_seconds=-1)
    with pytest.raises(ValueError, match="two rules with the id 'gate'"):
        RuleEngine([line(), line()])
