"""Tours: in which order their spots are visited, and what is kept of them."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.geometry import Direction
from engine.ptz.tours import (
    MAXIMUM_SPOTS,
    MAXIMUM_TOURS,
    Itinerary,
    MoveSpeeds,
    Spot,
    Tour,
    TourBook,
    TourRefused,
    UnknownTour,
    text_of,
    tours_from,
)

pytestmark = pytest.mark.ledger("PTZ-3")

fractions = st.none() | st.floats(0, 1)
stays = st.floats(0, 3600)
speeds = st.builds(MoveSpeeds, fractions, fractions, fractions)
places = st.one_of(
    st.builds(dict),
    st.builds(lambda name: {"preset_id": name}, st.text(min_size=1, max_size=9)),
    st.builds(
        lambda pan, tilt, wide: {"direction": Direction(pan, tilt), "hfov_deg": wide},
        st.floats(-180, 180),
        st.floats(-90, 90),
        st.none() | st.floats(1, 90),
    ),
)
spots = st.builds(lambda place, stay, speed: Spot(**place, stay_s=stay, speeds=speed), places, stays, speeds)
tours = st.builds(
    Tour,
    tour_id=st.text(min_size=1, max_size=9),
    name=st.text(max_size=64),
    spots=st.lists(spots, max_size=6).map(tuple),
    rounds=st.none() | st.integers(1, 4),
    duration_s=st.none() | st.floats(1, 1e6),
    backward=st.booleans(),
    shuffled=st.booleans(),
    auto_start=st.booleans(),
)


def course(tour, seed=0, most=100):
    """The numbers of the spots as they are visited."""
    itinerary = Itinerary(tour, random.Random(seed))
    visited = []
    while itinerary.spot is not None and len(visited) < most:
        visited.append(itinerary.spot)
        itinerary.advance()
    return visited


def tour_of(count, **ways):
    return Tour(tour_id="t", name="Night", spots=(Spot(),) * count, **ways)


def test_spots_are_visited_in_order_round_after_round():
    assert course(tour_of(3, rounds=2)) == [0, 1, 2, 0, 1, 2]
    assert course(tour_of(3, rounds=2, backward=True)) == [2, 1, 0, 2, 1, 0]
    assert course(tour_of(2), most=7) == [0, 1, 0, 1, 0, 1, 0]
    assert course(tour_of(0)) == []


@given(st.integers(1, 8), st.integers(1, 5), st.integers())
def test_a_shuffled_tour_visits_each_spot_once_a_round_and_never_stays_where_it_is(count, rounds, seed):
    visited = course(tour_of(count, rounds=rounds, shuffled=True, backward=True), seed)
    assert len(visited) == count * rounds
    for number in range(rounds):
        assert sorted(visited[number * count : (number + 1) * count]) == list(range(count))
    if count > 1:
        assert all(here != there for here, there in itertools.pairwise(visited))


@given(st.lists(tours, max_size=5))
def test_what_is_kept_of_tours_is_all_of_them(several):
    assert tours_from(text_of(several)) == several


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"tour_id": "t"}]', "no json", '[{"spots": [{}]}]'])
def test_a_text_that_is_none_of_ours_is_told_as_that(text):
    if text == "{}":
        assert tours_from(text) == []
    else:
        with pytest.raises(ValueError):
            tours_from(text)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Spot(preset_id="p", direction=Direction(0, 0)),
        lambda: Spot(stay_s=-1.0),
        lambda: Spot(stay_s=float("nan")),
        lambda: Spot(stay_s=3601.0),
        lambda: tour_of(MAXIMUM_SPOTS + 1),
        lambda: tour_of(1, rounds=0),
        lambda: tour_of(1, duration_s=0.0),
        lambda: Tour(tour_id="t", name="n" * 65),
    ],
)
def test_what_cannot_be_is_refused(make):
    with pytest.raises(TourRefused):
        make()


def test_the_speed_of_a_move_is_the_fastest_that_was_named():
    assert MoveSpeeds().fastest == 1.0
    assert MoveSpeeds(0.2, 0.5, None).fastest == 0.5


class Shelf:
    """A repository in memory."""

    def __init__(self):
        self.texts = {}

    async def text(self, channel):
        return self.texts.get(channel)

    async def save(self, channel, text):
        self.texts[channel] = text


async def test_tours_are_kept_and_found_again():
    shelf = Shelf()
    book = TourBook("dome", shelf)
    await book.load()
    night, day = await book.create(), await book.create("Day")
    assert (night.name, day.name) == ("Tour 1", "Day")
    changed = replace(night, spots=(Spot(preset_id="p"),), rounds=3)
    await book.replace(changed)
    again = TourBook("dome", shelf)
    await again.load()
    assert again.tours == (changed, day)
    await again.remove(day.tour_id)
    assert again.tours == (changed,)
    with pytest.raises(UnknownTour, match="dome has no tour"):
        again.find(day.tour_id)
    other = TourBook("attic", shelf)
    await other.load()
    assert other.tours == ()


async def test_one_tour_of_a_channel_starts_by_itself():
    book = TourBook("dome", None)
    one, two = await book.create(), await book.create()
    await book.replace(replace(one, auto_start=True))
    await book.replace(replace(two, auto_start=True))
    assert [tour.auto_start for tour in book.tours] == [False, True]


async def test_there_is_room_for_so_many():
    book = TourBook("dome", None)
    for _ in range(MAXIMUM_TOURS):
        await book.create()
    with pytest.raises(TourRefused, match="already"):
        await book.create()
