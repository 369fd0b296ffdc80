"""The filter: order of arrival, the seam, and what the two cameras disagree about."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.geometry import Direction, wrap_deg
from engine.linkage.estimator import Estimator, Measurement, Source

pytestmark = pytest.mark.ledger("LINK-8")


def seen(at, pan, source=Source.PTZ, sigma=0.1, height=8.0, tilt=-10.0):
    return Measurement(at, Direction(wrap_deg(pan), tilt), sigma, height, source)


@settings(deadline=None)
@given(st.permutations(range(1, 9)))
def test_the_order_of_arrival_does_not_matter_inside_the_window(order):
    track = {n: seen(n * 0.2, 3.0 * n * 0.2) for n in range(1, 9)}
    in_order, shuffled = Estimator(seen(0.0, 0.0)), Estimator(seen(0.0, 0.0))
    for n in sorted(track):
        in_order.add(track[n])
    for n in order:
        shuffled.add(track[n])
    a, b = in_order.at(2.0), shuffled.at(2.0)
    assert a.direction.angle_to(b.direction) < 1e-6
    assert a.pan_rate_dps == pytest.approx(b.pan_rate_dps, abs=1e-6)


def test_it_predicts_a_steady_walk_across_the_seam():
    filtered = Estimator(seen(0.0, 175.0))
    for n in range(1, 16):
        assert filtered.add(seen(n * 0.2, 175.0 + 4.0 * n * 0.2))
    ahead = filtered.at(3.4)
    assert wrap_deg(ahead.direction.pan_deg - (175.0 + 4.0 * 3.4)) == pytest.approx(0.0, abs=0.15)
    assert ahead.pan_rate_dps == pytest.approx(4.0, abs=0.2)


def test_the_overviews_offset_is_learnt_from_the_ptz_picture():
    noise = random.Random(4)
    filtered = Estimator(seen(0.0, 0.8, Source.OVERVIEW))
    for n in range(1, 20):
        at = n * 0.2
        filtered.add(seen(at, 2 * at + 0.8 + noise.gauss(0, 0.1), Source.OVERVIEW))
        filtered.add(seen(at + 0.05, 2 * (at + 0.05) + noise.gauss(0, 0.05), sigma=0.05))
    # The PTZ picture loses it; the overview's measurements alone keep it where the PTZ camera would see it.
    for n in range(20, 26):
        filtered.add(seen(n * 0.2, 2 * n * 0.2 + 0.8, Source.OVERVIEW))
    assert filtered.at(5.0).direction.pan_deg == pytest.approx(10.0, abs=0.35)


def test_what_cannot_be_the_target_is_not_believed():
    filtered = Estimator(seen(0.0, 0.0))
    for n in range(1, 10):
        filtered.add(seen(n * 0.2, 0.0))
    assert not filtered.add(seen(2.0, 40.0))
    assert filtered.at(2.0).direction.pan_deg == pytest.approx(0.0, abs=0.2)


def test_without_measurements_the_doubt_grows_and_the_rate_fades():
    filtered = Estimator(seen(0.0, 0.0))
    for n in range(1, 10):
        filtered.add(seen(n * 0.2, n * 0.2 * 5))
    soon, late, later = filtered.at(2.0), filtered.at(4.0), filtered.at(40.0)
    assert soon.sigma_deg < late.sigma_deg
    assert abs(later.pan_rate_dps) < 0.1
    assert later.direction.pan_deg < 9.0 + 5.0 * 4
