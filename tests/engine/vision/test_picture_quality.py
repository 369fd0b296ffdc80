"""Pictures that are of no use are told, ordinary ones in any light are not."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import pytest
from watched_pictures import COLUMNS, START, WIDTH, Camera, Light, Picture, Thing, night, spot

from engine.core.events import PictureFault
from engine.core.geometry import Pose
from engine.core.values import Frame
from engine.vision.picture_quality import BEGIN_S, END_S, LEARN_S, PictureWatch

pytestmark = pytest.mark.ledger("ONVIF-2")

CHANGE_S = 15.0

type Told = list[tuple[float, PictureFault, bool]]


def told(frames: Iterable[Frame], pose: Pose | None = None) -> Told:
    """What is told, and when."""
    watch = PictureWatch()
    return [
        (frame.captured_at - START, fault, wrong)
        for frame in frames
        for fault, wrong in watch.observe(frame, pose).items()
    ]


def changing(light: Light, until_s: float = 30.0, *, back_s: float = 1e9, noise: float = 3.0) -> list[Frame]:
    """A picture a second; the light changes once, and perhaps back."""
    camera = Camera(noise=noise)
    return [
        camera.take(at, light if CHANGE_S <= at < back_s else None) for at in (float(n) for n in range(round(until_s)))
    ]


def black(picture: Picture) -> Picture:
    return picture * 0.04


def white(picture: Picture) -> Picture:
    return picture * 0 + 250


def blurred(picture: Picture) -> Picture:
    return cv2.GaussianBlur(picture, (0, 0), 9.0)[..., None]


def turned(picture: Picture) -> Picture:
    return np.roll(picture, 220, axis=1)


def covered(picture: Picture) -> Picture:
    return picture * 0 + 110


FAULTS = {
    PictureFault.TOO_DARK: black,
    PictureFault.TOO_BRIGHT: white,
    PictureFault.TOO_BLURRY: blurred,
    PictureFault.SCENE_CHANGED: turned,
}


@pytest.mark.parametrize(("fault", "light"), FAULTS.items())
def test_a_fault_is_told_when_it_lasts_and_so_is_its_end(fault: PictureFault, light: Light) -> None:
    seen = told(changing(light, 45.0, back_s=30.0))
    assert [(at, fault_, wrong) for at, fault_, wrong in seen if fault_ is fault] == [
        (CHANGE_S + BEGIN_S, fault, True),
        (30.0 + END_S, fault, False),
    ]
    # Out of focus nothing is where it was; else nothing but the fault itself is told.
    others = {fault_ for _, fault_, _ in seen} - {fault}
    assert others <= ({PictureFault.SCENE_CHANGED} if fault is PictureFault.TOO_BLURRY else set())


def test_a_covered_lens_is_another_scene() -> None:
    assert told(changing(covered)) == [(CHANGE_S + BEGIN_S, PictureFault.SCENE_CHANGED, True)]


@pytest.mark.parametrize("light", FAULTS.values())
def test_what_lasts_a_moment_is_no_fault(light: Light) -> None:
    assert told(changing(light, back_s=CHANGE_S + BEGIN_S - 1)) == []


def lamp(picture: Picture) -> Picture:
    return picture * (0.4 + spot(200, 200, 120))


def half_in_the_sun(picture: Picture) -> Picture:
    return picture * np.where(COLUMNS < WIDTH // 2, 1.5, 0.4)[..., None]


ORDINARY = {
    "night": night,
    "dusk": lambda picture: picture * 0.4,
    "sun": lambda picture: np.clip(picture * 1.6, 0, 255),
    "haze": lambda picture: 170 + (picture - 120) * 0.4,
    "a lamp": lamp,
    "a half in the sun": half_in_the_sun,
}


@pytest.mark.parametrize("light", ORDINARY.values(), ids=ORDINARY)
@pytest.mark.parametrize("noise", [2.0, 6.0])
def test_ordinary_light_is_no_fault_not_even_when_it_is_switched(light: Light, noise: float) -> None:
    assert told(changing(light, 45.0, back_s=30.0, noise=noise)) == []
    camera = Camera(noise=noise)
    assert told(camera.take(float(at), light) for at in range(20)) == []


def test_a_lorry_before_the_camera_is_no_other_scene() -> None:
    camera = Camera()
    lorry = Thing(80, 60, 420, 240, 90)
    assert told(camera.take(float(at), None, [lorry] if at >= CHANGE_S else []) for at in range(40)) == []


def test_a_scene_that_stays_is_the_scene_from_then_on() -> None:
    seen = told(changing(turned, CHANGE_S + LEARN_S + 10.0))
    assert [(fault, wrong) for _, fault, wrong in seen] == [
        (PictureFault.SCENE_CHANGED, True),
        (PictureFault.SCENE_CHANGED, False),
    ]
    assert seen[1][0] >= CHANGE_S + LEARN_S


def test_a_camera_that_turns_by_itself_shows_no_other_scene() -> None:
    camera, watch = Camera(), PictureWatch()
    told_ = []
    for at in range(40):
        light = turned if at >= CHANGE_S else None
        told_ += list(watch.observe(camera.take(float(at), light), Pose(40.0 if light else 0.0, 0.0, 60.0)))
    assert told_ == []


def test_it_looks_once_a_second_whatever_comes() -> None:
    camera, watch = Camera(), PictureWatch()
    for at in range(50):
        watch.observe(camera.take(at * 0.2, black))
    assert watch.faults == {PictureFault.TOO_DARK}
