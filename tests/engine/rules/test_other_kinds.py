"""Loitering, counting, object detection; and rules that are exchanged while they work."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_paths import CHANNEL, standing, update, walk

from engine.core.events import RuleKind, RuleTriggered
from engine.core.geometry import Point
from engine.core.values import TargetType
from engine.rules import Counts, CrossingDirection, Rule, RuleEngine, RuleTimes

pytestmark = pytest.mark.ledger("VCA-2", "VCA-3", "ONVIF-3")

SQUARE = (Point(0.4, 0.4), Point(0.8, 0.4), Point(0.8, 0.8), Point(0.4, 0.8))
LINE = (Point(0.5, 1.5), Point(0.5, -0.5))
IN, OUT = (0.6, 0.6), (0.2, 0.6)


def rule(kind: RuleKind, rule_id: str = "r", **changes: object) -> Rule:
    values: dict[str, object] = {"points": LINE if kind.has_line else SQUARE}
    return Rule(id=rule_id, kind=kind, channel=CHANNEL, **{**values, **changes})  # type: ignore[arg-type]


def story(events: list[RuleTriggered]) -> list[tuple[str, bool, float]]:
    return [(event.rule_id, event.active, round(event.at, 3)) for event in events]


# --- loitering ------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 30)), min_size=1, max_size=8))
@settings(max_examples=150, deadline=None)
def test_loitering_is_told_once_for_each_stay_that_is_long_enough(stays: list[tuple[bool, int]]) -> None:
    """Oracle: runs of pictures inside, joined over gaps within the grace time, that last two seconds or more."""
    inside = [here for here, count in stays for _ in range(count)]
    events = walk(
        RuleEngine([rule(RuleKind.LOITERING, min_seconds=2.0)], RuleTimes(grace_s=1.0, margin=0.0)),
        [IN if here else OUT for here in inside],
        step_s=0.25,
    )
    expected, since, last = 0, None, -100
    told = False
    for index, here in enumerate(inside):
        if not here:
            continue
        if since is None or index - last > 5 or (index - last) * 0.25 > 1.25:
            since, told = index, False
        last = index
        if not told and (index - since) * 0.25 >= 2.0:
            expected, told = expected + 1, True
    assert sum(event.active for event in events) == expected
    assert all(a.active != b.active for a, b in pairwise(events))


def test_loitering_without_a_time_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="needs min_seconds above 0"):
        rule(RuleKind.LOITERING)


# --- counting -------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.floats(0.3, 0.7), st.floats(0.3, 0.7)), min_size=2, max_size=25),
    st.sampled_from(CrossingDirection),
)
@settings(max_examples=150, deadline=None)
def test_counts_are_the_numbers_of_the_line_crossings(
    feet: list[tuple[float, float]], direction: CrossingDirection
) -> None:
    engine = RuleEngine(
        [rule(RuleKind.COUNTING, "c", direction=direction), rule(RuleKind.LINE_CROSSING, "l", direction=direction)]
    )
    events = walk(engine, feet)
    counted = [event for event in events if event.rule_id == "c"]
    crossed = [event for event in events if event.rule_id == "l"]
    assert [event.direction for event in counted] == [event.direction for event in crossed]
    assert [event.count for event in counted] == list(range(1, len(counted) + 1))
    assert all(event.count is None for event in crossed)
    for number, event in enumerate(counted, 1):
        directions = [one.direction for one in counted[:number]]
        assert event.count_a_to_b == directions.count("a_to_b")
        assert event.count_b_to_a == directions.count("b_to_a")
    assert engine.counts("c") == Counts(
        sum(one.direction == "a_to_b" for one in crossed), sum(one.direction == "b_to_a" for one in crossed)
    )
    assert engine.counts("l") is None
    assert engine.reset_counts("c")
    assert engine.counts("c") == Counts(0, 0)
    assert not engine.reset_counts("l")
    assert not engine.reset_counts("nobody")


def test_a_counter_goes_on_when_pictures_stop_for_a_while() -> None:
    engine = RuleEngine([rule(RuleKind.COUNTING)])
    walk(engine, [(0.3, 0.5), (0.7, 0.5)])
    engine.end_channel(CHANNEL, 1.0)
    events = walk(engine, [(0.7, 0.5), (0.3, 0.5)], start=2.0)
    assert [(event.count, event.count_a_to_b, event.count_b_to_a) for event in events] == [(2, 1, 1)]


# --- object detection -----------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
@settings(max_examples=150, deadline=None)
def test_an_object_detection_is_on_while_any_target_is_there(there: list[tuple[bool, bool]]) -> None:
    """Oracle: an intrusion rule on the same region is active for the same pictures."""
    engine = RuleEngine([rule(RuleKind.OBJECT_DETECTION, "o"), rule(RuleKind.INTRUSION, "i")], RuleTimes(margin=0.0))
    events: list[RuleTriggered] = []
    on = False
    for index, feet in enumerate(there):
        at = index * 0.3
        tracks = [standing(0.5 + n / 5, 0.6, name=f"yard-{n}", at=at) for n, here in enumerate(feet) if here]
        new = [event for event in engine.update(update(at, *tracks)) if event.rule_id == "o"]
        events += new
        for event in new:
            on = event.active
        assert on == ("o" in engine.active_rules) == ("i" in engine.active_rules)
    events += [event for event in engine.end_channel(CHANNEL, 100.0) if event.rule_id == "o"]
    assert [event.active for event in events] == [True, False] * (len(events) // 2)
    for begin, end in zip(events[::2], events[1::2], strict=True):
        assert (begin.track_id, begin.target_type) == (end.track_id, end.target_type)


def test_only_wanted_targets_of_which_the_detector_is_sure_enough_are_detected() -> None:
    engine = RuleEngine([rule(RuleKind.OBJECT_DETECTION, targets=frozenset({TargetType.VEHICLE}), min_score=0.95)])
    unsure = standing(*IN, target_type=TargetType.VEHICLE)
    assert not engine.update(update(0.0, standing(*IN), unsure))
    assert story(engine.update(update(0.2, replace(unsure, score=0.96)))) == [("r", True, 0.2)]


# --- exchanging rules -----------------------------------------------------------------------------------------------


def test_a_rule_that_stays_keeps_its_memory_and_one_that_goes_ends() -> None:
    kept, gone = rule(RuleKind.INTRUSION, "kept"), rule(RuleKind.OBJECT_DETECTION, "gone")
    engine = RuleEngine([kept, gone])
    walk(engine, [IN, IN])
    assert story(engine.replace([rule(RuleKind.COUNTING, "new"), kept], 5.0)) == [("gone", False, 5.0)]
    assert engine.active_rules == {"kept"}
    assert engine.counts("new") == Counts(0, 0)
    assert not walk(engine, [IN, IN], start=0.4)


@pytest.mark.parametrize("afresh", [True, False])
def test_a_rule_that_changes_ends_and_begins_afresh(afresh: bool) -> None:
    first = rule(RuleKind.INTRUSION)
    engine = RuleEngine([first])
    walk(engine, [IN])
    second = first if afresh else replace(first, min_seconds=1.0)
    assert story(engine.replace([second], 3.0, afresh={"r"} if afresh else ())) == [("r", False, 3.0)]
    assert engine.active_rules == frozenset()
    assert story(walk(engine, [IN] * 7, start=3.2))[0] == ("r", True, 3.2 if afresh else 4.2)


def test_two_rules_of_one_id_change_nothing() -> None:
    engine = RuleEngine([rule(RuleKind.INTRUSION, "old")])
    walk(engine, [IN])
    with pytest.raises(ValueError, match="two rules"):
        engine.replace([rule(RuleKind.COUNTING), rule(RuleKind.COUNTING)], 1.0)
    assert engine.active_rules == {"old"}


# --- what is under way ----------------------------------------------------------------------------------------------


def test_what_has_begun_is_known_until_it_ends() -> None:
    rules = [rule(RuleKind.INTRUSION, "in"), rule(RuleKind.OBJECT_DETECTION, "any"), rule(RuleKind.LINE_CROSSING, "by")]
    engine = RuleEngine(rules)
    begun = walk(engine, [(0.45, 0.6), IN])
    assert [(one.rule_id, one.active) for one in begun] == [("in", True), ("any", True), ("by", True)]
    assert engine.under_way == tuple(begun[:2]), "a crossing is over when it is told"
    engine.replace(rules[1:], 9.0)
    assert engine.under_way == (begun[1],)
    engine.end_channel(CHANNEL, 10.0)
    assert engine.under_way == ()
