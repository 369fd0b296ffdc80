"""What moves in a picture, and what only looks as if it moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest
from watched_pictures import COLUMNS, HEIGHT, START, WIDTH, Camera, Light, Picture, Thing, night, spot

from engine.core.events import RuleKind
from engine.core.geometry import Point, Pose
from engine.core.values import Frame
from engine.rules import Rule, RuleEngine
from engine.vision.background import Background

pytestmark = pytest.mark.ledger("ONVIF-3", "VCA-2")

EVERY_S = 0.2
CHANGE_S = 6.0
"""Until then nothing happens, so that the background is known."""
MOST_SENSITIVE = 100.0
LEFT_HALF = (Point(0.0, 0.0), Point(0.5, 0.0), Point(0.5, 1.0), Point(0.0, 1.0))


def parts(frames: Iterator[Frame], pose: Callable[[float], Pose | None] = lambda _: None) -> list[float]:
    """Which part of each picture moves."""
    background = Background()
    return [float(background.observe(one, pose(one.captured_at - START)).moving.mean()) for one in frames]


def times(until_s: float = 10.0) -> list[float]:
    return [index * EVERY_S for index in range(round(until_s / EVERY_S))]


def walker(after_s: float) -> tuple[Thing, ...]:
    """From left to right, 60 points a second."""
    walked = after_s - CHANGE_S
    return (Thing(round(40 + 60 * walked), 150, 30, 90),) if walked > 0 else ()


def dimmed(factor: float) -> Light:
    return lambda picture: picture * factor


def gamma(picture: Picture) -> Picture:
    return 255 * (picture / 255) ** 0.5


def lamp(picture: Picture) -> Picture:
    return picture * (1 + spot(200, 200, 90))


def half_in_the_sun(picture: Picture) -> Picture:
    return picture * np.where(COLUMNS < WIDTH // 2, 1.5, 1.0)[..., None]


def covered(picture: Picture) -> Picture:
    return np.zeros_like(picture) + 6


def pushed(picture: Picture) -> Picture:
    return np.roll(picture, 150, axis=1)


LIGHTS = {
    "darker": dimmed(0.6),
    "much darker": dimmed(0.1),
    "brighter": gamma,
    "burnt out": dimmed(1.8),
    "a lamp": lamp,
    "the sun on a half": half_in_the_sun,
    "night": night,
}


@pytest.mark.parametrize("light", LIGHTS.values(), ids=LIGHTS)
def test_light_that_is_switched_does_not_move(light: Light) -> None:
    """At the highest sensitivity a rule would ask for a thousandth of its region, in two pictures in a row."""
    camera = Camera()
    seen = parts(camera.take(at, light if at >= CHANGE_S else None) for at in times())
    assert sum(part >= 0.002 for part in seen) == 0


def test_light_that_flickers_or_fades_does_not_move() -> None:
    camera = Camera()
    assert max(parts(camera.take(at, dimmed(1 + 0.2 * np.sin(7 * at))) for at in times())) < 0.0005
    assert max(parts(camera.take(at, dimmed(1 - 0.05 * at)) for at in times())) < 0.0005


@pytest.mark.parametrize("light", [covered, pushed])
def test_another_picture_altogether_does_not_move(light: Light) -> None:
    camera = Camera()
    assert max(parts(camera.take(at, light if at >= CHANGE_S else None) for at in times())) == 0


@pytest.mark.parametrize("light", [None, dimmed(0.6), gamma, lamp], ids=["day", "darker", "brighter", "a lamp"])
def test_a_walker_moves_also_while_the_light_changes(light: Light | None) -> None:
    """30 by 90 of 640 by 360 points are 1.2 % of the picture."""
    camera = Camera()
    seen = parts(camera.take(at, light if at >= CHANGE_S else None, walker(at)) for at in times())
    known = round(CHANGE_S / EVERY_S) + 1
    assert max(seen[:known]) < 0.0005
    # Where the lamp shines some of it is taken for light.
    assert sum(part > 0.004 for part in seen[known:]) > 0.7 * len(seen[known:])


def test_what_has_stopped_is_background_after_a_while() -> None:
    camera = Camera()
    seen = parts(camera.take(at, None, [Thing(300, 150, 40, 100)] if at >= CHANGE_S else []) for at in times(25.0))
    assert seen[round(CHANGE_S / EVERY_S) + 5] > 0.01
    assert max(seen[round(20.0 / EVERY_S) :]) < 0.0005


def test_a_camera_that_turns_does_not_see_motion_until_its_new_view_is_known() -> None:
    camera = Camera()

    def view(after_s: float) -> float:
        return 20.0 * min(max(after_s - CHANGE_S, 0.0), 1.5)

    def turning(after_s: float) -> Light:
        return lambda picture: np.roll(picture, -round(8 * view(after_s)), axis=1)

    walk = [(Thing(400, 150, 40, 100),) if at >= 12.0 else () for at in times(14.0)]
    seen = parts(
        (camera.take(at, turning(at), things) for at, things in zip(times(14.0), walk, strict=True)),
        lambda after_s: Pose(view(after_s), 0.0, 60.0),
    )
    assert max(seen[: round(12.0 / EVERY_S)]) == 0
    assert seen[-1] > 0.005


def test_a_clock_that_is_set_back_and_a_picture_of_another_size_begin_anew() -> None:
    camera, background = Camera(), Background()
    for at in times(4.0):
        background.observe(camera.take(at))
    assert not background.observe(camera.take(1.0, None, [Thing(300, 100, 60, 120)])).moving.any()
    frame = camera.take(5.0)
    smaller = Frame("yard", np.asarray(cv2.resize(frame.image, (480, 360)), np.uint8), START + 5, START + 5, 0)
    assert not background.observe(smaller).moving.any()


def test_a_rule_tells_a_walker_once_and_where() -> None:
    camera, background = Camera(), Background()
    engine = RuleEngine(
        [Rule(id="m", kind=RuleKind.MOTION_REGION, channel="yard", points=LEFT_HALF, sensitivity=MOST_SENSITIVE)]
    )
    events = []
    for at in times(16.0):
        events += engine.motion(background.observe(camera.take(at, None, walker(at))))
    begun, ended = events
    assert (begun.active, begun.target_type, begun.track_id) == (True, None, "")
    assert CHANGE_S < begun.at - START < CHANGE_S + 1.0
    # Half the width is walked in five seconds, and motion lasts two seconds longer.
    assert 11.0 < ended.at - START < 15.0
    assert begun.box.y == pytest.approx(150 / HEIGHT, abs=0.02)
    assert begun.box.bottom == pytest.approx(240 / HEIGHT, abs=0.02)
