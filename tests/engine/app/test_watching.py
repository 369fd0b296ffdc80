"""A channel's pictures are looked at on their way to the analysis."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest

from engine.app.watching import ChannelWatch
from engine.core.events import PictureFault, PictureQuality, RuleKind, RuleTriggered
from engine.core.geometry import Point
from engine.core.values import Frame
from engine.rules import Rule, RuleEngine
from engine.vision.analysis import InferencePool

pytestmark = pytest.mark.ledger("ONVIF-2", "ONVIF-3")

WHOLE = (Point(0.0, 0.0), Point(1.0, 0.0), Point(1.0, 1.0), Point(0.0, 1.0))
MOTION = Rule(id="m", kind=RuleKind.MOTION_REGION, channel="yard", points=WHOLE)
GROUND = np.random.default_rng(1).integers(60, 200, (45, 80, 1)).repeat(4, axis=0).repeat(4, axis=1)


def frame(at: float, *, thing: bool = False, dark: bool = False) -> Frame:
    image = np.repeat(GROUND, 3, axis=2).astype(np.uint8)
    if thing:
        image[60:120, 100 + round(40 * at) : 140 + round(40 * at)] = 20
    return Frame("yard", image // 50 if dark else image, at, at, 0)


@pytest.fixture
def pool() -> Iterator[InferencePool]:
    with InferencePool() as pool:
        yield pool


async def pictures(*frames: Frame) -> AsyncIterator[Frame]:
    for one in frames:
        yield one


async def test_motion_is_looked_for_only_while_a_rule_asks_for_it(pool: InferencePool) -> None:
    events: list[RuleTriggered] = []
    rules = RuleEngine([])
    watch = ChannelWatch("yard", rules, pool, events.append, lambda _: None)
    frames = [frame(at / 5) for at in range(20)]
    passed = [one async for one in watch.passed_on(pictures(*frames, frame(4.0, thing=True), frame(4.2, thing=True)))]
    assert passed[:20] == frames
    assert events == []

    rules.replace([MOTION], 4.2)
    for at in range(25, 48):
        await watch.look(frame(at / 5))
    assert events == []
    for at in (9.6, 9.8, 10.0):
        await watch.look(Frame("yard", frame(1.0 + at - 9.6, thing=True).image, at, at, 0))
    (begun,) = events
    assert (begun.rule_id, begun.active, begun.at) == ("m", True, 9.8)


async def test_a_picture_that_is_of_no_use_is_told(pool: InferencePool) -> None:
    told: list[PictureQuality] = []
    watch = ChannelWatch("yard", RuleEngine([]), pool, lambda _: None, told.append)
    for at in range(20):
        await watch.look(frame(float(at), dark=at >= 5))
    (event,) = told
    assert (event.channel, event.fault, event.active, event.at) == ("yard", PictureFault.TOO_DARK, True, 10.0)
    assert event.kind == "picture_quality"
