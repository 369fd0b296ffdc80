"""Whose turn it is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.geometry import Box
from engine.core.values import TargetType, Track, TrackUpdate
from engine.linkage import Scheduler, SchedulerSettings

pytestmark = pytest.mark.ledger("LINK-7")


def scheduler(*targets, **changes):
    waiting = Scheduler(SchedulerSettings(forget_after_s=1e9, **changes))
    for name, kind, priority, since in targets:
        waiting.offer(name, kind, f"rule {priority}", priority, now=since)
    return waiting


def here(_):
    return 0.0


def test_the_higher_priority_goes_first_then_the_type_then_the_wait_then_the_way():
    person, car = TargetType.PERSON, TargetType.VEHICLE
    waiting = scheduler(("a", person, 50, 0), ("b", car, 90, 0))
    assert waiting.next(1.0, here).track_id == "b"
    assert scheduler(("a", car, 50, 0), ("b", person, 50, 0)).next(1.0, here).track_id == "b"
    assert scheduler(("a", person, 50, 3), ("b", person, 50, 0)).next(4.0, here).track_id == "b"
    far = {"a": 2.0, "b": 0.5}
    assert scheduler(("a", person, 50, 0), ("b", person, 50, 0)).next(1.0, far.__getitem__).track_id == "b"


def test_who_was_captured_well_waits_and_who_was_not_is_tried_again_a_few_times():
    waiting = scheduler(("a", TargetType.PERSON, 50, 0))
    waiting.served("a", now=5.0, grade=0.2)
    assert waiting.next(6.0, here).track_id == "a"
    waiting.served("a", now=10.0, grade=0.8)
    assert waiting.next(11.0, here) is None
    assert waiting.next(71.0, here).track_id == "a"
    waiting.withdraw("a", "rule 50")
    assert waiting.next(71.0, here) is None


def test_who_is_gone_is_forgotten():
    waiting = Scheduler()
    waiting.offer("a", TargetType.PERSON, "r", 50, now=0.0)
    waiting.seen({"b"}, 2.0)
    assert waiting.find("a") is not None
    waiting.seen({"b"}, 4.0)
    assert waiting.find("a") is None


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(st.sampled_from(list(TargetType)), st.integers(0, 100), st.floats(0, 60), st.floats(0, 3)),
        min_size=1,
        max_size=8,
    ),
    st.floats(2, 15),
)
def test_nobody_starves_even_when_important_targets_keep_coming(targets, service_s):
    waiting = scheduler()
    arrivals = sorted((since, f"t{n}", kind, priority, slew) for n, (kind, priority, since, slew) in enumerate(targets))
    slews = {name: slew for _, name, _, _, slew in arrivals}
    arrived, served, now, extra = {}, {}, 0.0, 0
    while now < 1200 and len([name for name in served if name in slews]) < len(targets):
        while arrivals and arrivals[0][0] <= now:
            _, name, kind, priority, _ = arrivals.pop(0)
            waiting.offer(name, kind, "r", priority, now=now)
            arrived[name] = now
        extra += 1
        waiting.offer(f"vip {extra}", TargetType.FACE, "vip", 100, now=now)
        chosen = waiting.next(now, lambda name: slews.get(name, 0.0))
        now += service_s
        waiting.served(chosen.track_id, now=now, grade=0.9)
        served.setdefault(chosen.track_id, now)
    for name in slews:
        # The head start that priority, type and nearness can give, and one round of everybody who waited then.
        assert served[name] - arrived[name] <= (60 + 12 + 3 + service_s * (len(targets) + 1)) + service_s * 10


def captured(waiting, name="a", at=5.0, grade=0.8):
    waiting.served(name, now=at, grade=grade)
    return waiting


def test_a_new_event_of_a_captured_target_is_worth_a_new_capture_after_a_moment():
    waiting = captured(scheduler(("a", TargetType.PERSON, 50, 0), repeat_after_s=4.0))
    waiting.withdraw("a", "rule 50")
    assert waiting.next(8.0, here) is None
    waiting.offer("a", TargetType.PERSON, "rule 50", 50, now=8.0)
    assert waiting.next(8.5, here) is None
    assert waiting.next(9.0, here).track_id == "a"
    captured(waiting, at=9.5)
    assert waiting.next(20.0, here) is None


def test_a_second_rule_during_an_event_is_no_new_event():
    waiting = captured(scheduler(("a", TargetType.PERSON, 50, 0)))
    waiting.offer("a", TargetType.PERSON, "other", 90, now=6.0)
    waiting.withdraw("a", "rule 50")
    waiting.offer("a", TargetType.PERSON, "rule 50", 50, now=8.0)
    assert waiting.find("a").active
    assert waiting.next(30.0, here) is None


def test_who_was_not_captured_yet_goes_before_who_was_captured_and_comes_again():
    waiting = captured(scheduler(("a", TargetType.PERSON, 50, 0)))
    waiting.withdraw("a", "rule 50")
    waiting.offer("a", TargetType.PERSON, "rule 50", 50, now=10.0)
    waiting.offer("b", TargetType.PERSON, "rule 50", 50, now=20.0)
    assert waiting.next(21.0, here).track_id == "b"
    # But not for ever.
    waiting.offer("c", TargetType.PERSON, "rule 50", 50, now=40.0)
    assert waiting.next(40.0, here).track_id == "b"
    captured(waiting, "b", at=41.0)
    assert waiting.next(41.0, here).track_id == "a"


def update_of(name, x, at, since):
    track = Track(name, "overview", TargetType.PERSON, Box(x, 0.5, 0.05, 0.2), 0.8, at, since, True, True)
    return TrackUpdate("overview", at, (track,), 16 / 9)


def test_who_waits_keeps_the_place_when_the_tracker_finds_another_name():
    waiting = scheduler(("a", TargetType.PERSON, 50, 0))
    waiting.follow_names(update_of("a", 0.4, 10.0, 0.0))
    waiting.follow_names(update_of("far", 0.8, 10.6, 10.5))
    assert waiting.find("far") is None
    waiting.follow_names(update_of("a2", 0.42, 10.7, 10.6))
    assert waiting.find("a2").waiting_since == 0
    assert waiting.find("a") is None
    # The rule's event ends under the name that it began with.
    waiting.withdraw("a", "rule 50")
    assert not waiting.find("a2").active


def test_the_name_of_whom_the_camera_follows_is_left_to_the_pursuit():
    waiting = scheduler(("a", TargetType.PERSON, 50, 0))
    waiting.follow_names(update_of("a", 0.4, 10.0, 0.0), exclude={"a"})
    waiting.follow_names(update_of("a2", 0.42, 10.7, 10.6), exclude={"a"})
    assert waiting.find("a2") is None
