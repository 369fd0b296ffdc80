"""The calibration of a link follows the shape of the overview's pictures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.app.engine import Engine
from engine.app.links import USUAL_ASPECTS, Calibration
from engine.core.clock import VirtualClock
from engine.core.geometry import Point
from engine.core.values import TrackUpdate
from engine.linkage import FitRefused, LinkModel
from tests.engine.app.app_sites import make_site

pytestmark = pytest.mark.ledger("LINK-9")

POINTS = [Point(0.1, 0.2), Point(0.9, 0.25), Point(0.5, 0.9), Point(0.2, 0.7), Point(0.8, 0.75), Point(0.5, 0.5)]


def pairs_of(model: LinkModel) -> str:
    """What somebody measures who clicks well, as it stands in the site file."""
    directions = [(point, model.direction(point)) for point in POINTS]
    # JSON is YAML.
    return json.dumps([{"x": p.x, "y": p.y, "pan_deg": d.pan_deg, "tilt_deg": d.tilt_deg} for p, d in directions])


def update(channel: str, aspect: float) -> TrackUpdate:
    return TrackUpdate(channel, 1.0, (), aspect)


@pytest.mark.parametrize("aspect", USUAL_ASPECTS)
def test_pairs_from_pictures_of_any_usual_shape_are_accepted_before_the_first_picture(
    tmp_path: Path, aspect: float
) -> None:
    truth = LinkModel("pinhole", aspect, (20.0, -25.0, 2.0), 70.0)
    site = make_site(tmp_path, pairs=pairs_of(truth))
    model = Calibration(site.links[0], site).model
    assert model.direction(Point(0.3, 0.4)).angle_to(truth.direction(Point(0.3, 0.4))) < 5.0


def test_the_first_picture_tells_the_shape(tmp_path: Path) -> None:
    truth = LinkModel("pinhole", 1.42, (20.0, -25.0, 2.0), 70.0)
    engine = Engine(make_site(tmp_path, pairs=pairs_of(truth)), VirtualClock())
    director = engine.director.link("yard-dome")
    assumed = director.model

    engine._on_tracks(update("dome", 1.42))
    assert director.model is assumed, "the PTZ camera's pictures say nothing about the overview's"

    engine._on_tracks(update("wide", 1.42))
    fitted = director.model
    assert fitted is not None
    assert fitted.aspect == 1.42
    assert fitted.direction(Point(0.3, 0.4)).angle_to(truth.direction(Point(0.3, 0.4))) < 0.05

    engine._on_tracks(update("wide", 1.42))
    assert director.model is fitted, "fitted once"


def test_pairs_that_contradict_the_pictures_are_told_once_and_the_old_model_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    truth = LinkModel("pinhole", 16 / 9, (20.0, -25.0, 2.0), 70.0)
    engine = Engine(make_site(tmp_path, pairs=pairs_of(truth)), VirtualClock())
    director = engine.director.link("yard-dome")
    before = director.model
    for _ in range(3):
        engine._on_tracks(update("wide", 0.5))
    assert director.model is before
    messages = [record.message for record in caplog.records if "calibrated badly" in record.message]
    assert len(messages) == 1
    assert "yard-dome" in messages[0]


def test_pairs_that_fit_to_no_shape_are_refused_with_the_links_name(tmp_path: Path) -> None:
    contradictory = json.dumps(
        [
            {"x": p.x, "y": p.y, "pan_deg": 37 * i % 120 - 60, "tilt_deg": -17 * i % 50 - 25}
            for i, p in enumerate(POINTS)
        ]
    )
    site = make_site(tmp_path, pairs=contradictory)
    with pytest.raises(FitRefused, match="link 'yard-dome': "):
        Calibration(site.links[0], site)
