"""The report's figures on small truths made by hand."""

from __future__ import annotations

import json

import pytest

from demo.engine_client import Heard
from demo.home_assistant import StateChange
from demo.onvif_listener import Notification
from demo.report import OBJECTS_INSIDE, Measured, find_entries, find_visits, make_report
from demo.truth import Moment, TargetTruth, Truth
from engine.core.geometry import Box, Direction, Pose

START, STEP = 1000.0, 0.1
IN_OVERVIEW = Box(0.4, 0.4, 0.1, 0.2)
IN_PTZ = Box(0.4, 0.3, 0.2, 0.4)
ELSEWHERE = Box(0.1, 0.1, 0.1, 0.2)
BESIDE = Box(1.4, 0.3, 0.2, 0.4)
POSE = Pose(0.0, 0.0, 20.0)


def target(name="ann", *, inside=True, **changes):
    values = {
        "target_id": name,
        "target_type": "person",
        "direction": Direction(1.0, 0.0),
        "overview_box": IN_OVERVIEW,
        "ptz_box": IN_PTZ,
        "overview_visible": 1.0,
        "ptz_visible": 1.0,
        "inside_region": inside,
    }
    return TargetTruth(**{**values, **changes})


def truth_of(states, seconds=20.0, since=-5.0):
    """`states` gives who is there at seconds from the start of the measurement."""
    moments = []
    for index in range(round((seconds - since) / STEP)):
        t = since + index * STEP
        moments.append(Moment(START + t, POSE, {one.target_id: one for one in states(t)}))
    return Truth(moments)


def ann_is_inside_between(begin, end):
    return lambda t: [target(inside=begin <= t < end)]


def heard(kind, at, *, delay=0.2, **values):
    """An event of the engine about a picture `at` seconds after the start, decided `delay` seconds later."""
    decided_ms = round((START + at + delay) * 1000)
    event = {"kind": kind, "at": START + at, "event_id": f"{decided_ms:012x}{id(values):020x}", **values}
    return Heard(event, START + at + delay + 0.01)


def box(values):
    return {"x": values.x, "y": values.y, "width": values.width, "height": values.height}


def rule(at, track="t1", where=IN_OVERVIEW, *, active=True, **more):
    return heard("rule_triggered", at, track_id=track, active=active, box=box(where), **more)


def capture(at, track="t1", where=IN_PTZ):
    return heard("capture_taken", at, track_id=track, box=box(where), grade=0.8)


def tracking(begin, end, track="t1"):
    return [
        heard("tracking_started", begin, delay=0.0, track_id=track),
        heard("tracking_ended", end, delay=0.0, track_id=track),
    ]


def measured(states, events=(), **changes):
    values = {
        "truth": truth_of(states),
        "events": list(events),
        "state_changes": [],
        "notifications": [],
        "start": START,
        "end": START + 15.0,
        "finished": START + 20.0,
        "cpu_per_channel": 0.3,
        "frames_analysed_per_s": 12.0,
    }
    return Measured(**{**values, **changes})


def report_of(states, events=(), **changes):
    return make_report("yard", measured(states, events, **changes))


def test_everybody_captured_is_a_complete_run():
    report = report_of(ann_is_inside_between(2, 8), [rule(2.2), *tracking(2.4, 9), capture(4.0)])
    assert report.complete
    assert (report.targets_seen, report.targets_captured, report.captures, report.missed) == (1, 1, 1, [])
    assert report.time_to_capture_s == pytest.approx(2.0, abs=STEP)
    assert report.out_of_view_ratio == 0
    assert report.target_offset_median == pytest.approx(1.0 / 20.0, abs=1e-6)
    assert report.frame_to_event_ms == pytest.approx(200, abs=1)
    assert report.seconds == 15.0
    json.dumps(report.as_json())


def test_nobody_at_all_is_not_a_complete_run():
    report = report_of(ann_is_inside_between(100, 200))
    assert not report.complete
    assert (report.targets_seen, report.out_of_view_ratio, report.time_to_capture_s) == (0, None, None)


def test_who_entered_and_was_not_captured_is_named():
    report = report_of(ann_is_inside_between(2, 8), [rule(2.2), *tracking(2.4, 9)])
    assert not report.complete
    assert report.missed == ["ann"]


def test_a_picture_of_somebody_else_does_not_count():
    def states(t):
        return [target("ann", ptz_box=ELSEWHERE), target("bob", inside=False)] if t >= 1 else []

    assert report_of(states, [capture(4.0)]).missed == ["ann"]


def test_a_picture_in_which_somebody_is_hidden_does_not_count():
    def states(t):
        return [target(inside=t >= 1, ptz_visible=0.1)]

    assert report_of(states, [capture(4.0)]).missed == ["ann"]


@pytest.mark.parametrize(
    ("begin", "end", "entered"),
    [
        pytest.param(2, 8, True, id="walks in"),
        pytest.param(2, 2.7, False, id="too short"),
        pytest.param(-3, 8, False, id="inside at the start"),
        pytest.param(14.5, 19, False, id="at the very end"),
        pytest.param(16, 19, False, id="after the end"),
    ],
)
def test_who_counts_as_entering(begin, end, entered):
    entries = find_entries(measured(ann_is_inside_between(begin, end)))
    assert [entry.target_id for entry in entries] == (["ann"] if entered else [])
    assert all(entry.at == pytest.approx(START + begin, abs=STEP) for entry in entries)


def test_who_was_inside_at_the_start_and_comes_again_has_entered():
    entries = find_entries(measured(lambda t: [target(inside=t < 1 or 5 <= t < 8)]))
    assert [entry.at for entry in entries] == [pytest.approx(START + 5, abs=STEP)]


def test_who_comes_twice_counts_once():
    assert len(find_entries(measured(lambda t: [target(inside=2 <= t < 4 or 6 <= t < 8)]))) == 1


def test_who_cannot_be_seen_in_the_region_has_not_entered():
    assert find_entries(measured(lambda t: [target(inside=2 <= t < 8, overview_visible=0.3)])) == []


def test_out_of_view_counts_from_the_first_arrival():
    def states(t):
        # Arrives at 4, is out of the picture from 6 to 7, is left at 8.
        return [target(inside=2 <= t < 8, ptz_box=IN_PTZ if t >= 4 and not 6 <= t < 7 else BESIDE)]

    report = report_of(states, [rule(2.2), *tracking(2.5, 8.0), capture(5.0)])
    assert report.out_of_view_ratio == pytest.approx(0.25, abs=0.03)


def test_who_left_the_scene_or_is_hidden_for_good_is_not_out_of_view():
    def states(t):
        if t >= 9:
            return []
        gone = t >= 6
        seen = 0.0 if gone else 1.0
        hidden = 3.5 <= t < 4
        return [
            target(
                inside=2 <= t < 5,
                ptz_box=BESIDE if gone or hidden else IN_PTZ,
                overview_visible=0.0 if hidden else seen,
                ptz_visible=0.0 if hidden else seen,
            )
        ]

    report = report_of(states, [rule(2.2), *tracking(2.5, 10.0), capture(4.5)])
    # Who is hidden for a moment only still counts.
    assert report.out_of_view_ratio == pytest.approx(0.5 / 3.5, abs=0.04)


def test_a_pursuit_that_still_goes_on_counts_till_the_end():
    visits = find_visits(measured(ann_is_inside_between(2, 8), [rule(2.2), tracking(2.5, 0)[0]]))
    assert [(visit.target_id, visit.end) for visit in visits] == [("ann", START + 20.0)]


def test_an_operators_target_is_the_only_one():
    def states(t):
        return [target("ann", inside=False), target("bob", ptz_box=ELSEWHERE)]

    report = report_of(states, [*tracking(1.0, 15.0), capture(2.0)], followed="ann")
    assert report.complete
    assert report.targets_seen == 1
    assert report.time_to_capture_s == pytest.approx(2.0)
    assert report.out_of_view_ratio == 0


def test_delays_are_counted_from_the_decision():
    event = rule(2.2)
    decided = event.decided_at
    changes = [
        StateChange("sensor.other", "1", {"event_id": event.event["event_id"]}, decided + 9),
        StateChange("event.yard", "x", {"event_id": event.event["event_id"]}, decided + 0.05),
        StateChange("event.yard", "x", {"event_id": event.event["event_id"]}, decided + 5),
    ]
    notifications = [
        Notification(OBJECTS_INSIDE, {"IsInside": "false"}, None, START + 2.2, decided + 7),
        Notification("tns1:Other", {"IsInside": "true"}, None, START + 2.2, decided + 8),
        Notification(OBJECTS_INSIDE, {"IsInside": "true"}, None, START + 2.2, decided + 0.03),
    ]
    report = report_of(
        ann_is_inside_between(2, 8),
        [event, rule(8.5, active=False)],
        state_changes=changes,
        notifications=notifications,
    )
    assert report.event_to_ha_ms == pytest.approx(50, abs=0.1)
    assert report.event_to_onvif_ms == pytest.approx(30, abs=0.1)


def test_home_returns_are_counted():
    events = [heard("ptz_owner_changed", t, owner="link:x", purpose=why) for t, why in ((1, "track"), (5, "park"))]
    events.append(heard("ptz_owner_changed", 6, owner=None, purpose=None))
    assert report_of(ann_is_inside_between(2, 8), events).home_returns == 1


def test_a_line_that_is_still_being_written_is_left_out(tmp_path):
    entry = {
        "t": 1.0,
        "pose": {"pan_deg": 1.0, "tilt_deg": 2.0, "hfov_deg": 30.0},
        "targets": [
            {
                "id": "ann",
                "type": "person",
                "pan_deg": 1.0,
                "tilt_deg": 0.0,
                "overview_box": [0.1, 0.2, 0.3, 0.4],
                "ptz_box": None,
                "overview_visible": 1.0,
                "ptz_visible": 0.0,
                "inside_region": True,
            }
        ],
    }
    path = tmp_path / "truth.jsonl"
    path.write_text(json.dumps(entry) + "\n" + json.dumps(entry)[:40])
    truth = Truth.read(path)
    assert len(truth.moments) == 1
    assert truth.who_in_overview(1.1, Box(0.1, 0.2, 0.3, 0.4)) == "ann"
    assert truth.who_in_ptz(1.1, Box(0.1, 0.2, 0.3, 0.4)) is None
    assert truth.at(2.0) is None
