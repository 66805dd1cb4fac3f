"""Trips: the least expected minutes, within the limits, and never by a station that cannot work."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from model.frame import MINUTES, NO_FORECAST, Frame, Outlook
from model.records import Stations
from model.trip import (
    DETOUR,
    MISS_MINUTES,
    PLAIN_MINUTES,
    RIDING_KMH,
    WALKING_KMH,
    Ride,
    TripPlan,
    plan,
    walk,
    weigh,
)

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CENTRE = (53.345, -6.265)
KM = 1 / 111.19
"""A kilometre in degrees of latitude."""


def place(north_km: float, east_km: float = 0.0) -> tuple[float, float]:
    """Give the point so many kilometres from the centre."""
    return CENTRE[0] + north_km * KM, CENTRE[1] + east_km * KM / math.cos(math.radians(CENTRE[0]))


def outlook(chance: NDArray[np.uint8]) -> Outlook:
    counts = np.zeros(chance.shape[1:], dtype=np.int16)
    return Outlook(counts, counts, counts, chance)


def city(
    places: list[tuple[float, float]],
    bike: Any = 100,
    space: Any = 100,
    renting: Any = True,
    returning: Any = True,
) -> Frame:
    """Make a frame of stations there; a chance in per cent is stretched to `(4, H, S)`, a flag to `(S,)`."""
    size = len(places)
    shape = 4, len(MINUTES), size
    ids = np.array([f"s{row}" for row in range(size)], dtype=np.str_)
    counts = np.full(size, 5, dtype=np.int16)
    lat, lon = np.array(places, dtype=float).reshape(size, 2).T
    return Frame(
        at=NOON,
        learning_since=NOON,
        stations=Stations("test", "Europe/Dublin", "IE", ids, ids, lat, lon, np.full(size, 10)),
        minutes=np.array(MINUTES),
        bikes=counts,
        docks=counts,
        ebikes=counts,
        renting=np.array(np.broadcast_to(renting, size)),
        returning=np.array(np.broadcast_to(returning, size)),
        bike=outlook(np.array(np.broadcast_to(bike, shape), dtype=np.uint8)),
        space=outlook(np.array(np.broadcast_to(space, shape), dtype=np.uint8)),
    )


@st.composite
def cities(draw: Callable[..., Any]) -> Frame:
    """Draw stations within a few kilometres: some closed, some unknown, some sure, some never."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.integers(0, 25))

    def side() -> NDArray[np.int64]:
        chance = rng.integers(0, 101, (4, len(MINUTES), size))
        kind = rng.integers(0, 8, size)
        chance[..., kind == 0] = 0
        chance[..., kind == 1] = 100
        chance[..., kind == 2] = NO_FORECAST
        chance[rng.random(chance.shape) < 0.05] = NO_FORECAST
        return chance

    places = [place(north, east) for north, east in rng.uniform(-2, 2, (size, 2))]
    return city(places, side(), side(), rng.random(size) < 0.8, rng.random(size) < 0.8)


def points(length: float) -> st.SearchStrategy[tuple[float, float]]:
    return st.builds(place, st.floats(-length, length), st.floats(-length, length))


def kilometres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Give the distance by the spherical law of cosines, another formula than the code's."""
    (a, b), (c, d) = (tuple(map(math.radians, point)) for point in (one, other))
    cosine = math.sin(a) * math.sin(c) + math.cos(a) * math.cos(c) * math.cos(b - d)
    return 6371.0 * math.acos(min(cosine, 1.0))


def every_pair(
    frame: Frame,
    origin: tuple[float, float],
    destination: tuple[float, float],
    leaving: float,
    people: int,
    limits: tuple[float, float],
) -> dict[tuple[int, int], tuple[float, float]]:
    """Give the minutes and the chance of every pair that a plan may have, one by one."""
    points = list(zip(frame.stations.lat.tolist(), frame.stations.lon.tolist(), strict=True))

    def chance(side: Outlook, row: int, at: float) -> float:
        chances = side.chance[people - 1, :, row].astype(float)
        chances[chances == NO_FORECAST] = np.nan
        return float(np.interp(at, MINUTES, chances)) / 100

    found = {}
    for pickup, start in enumerate(points):
        for dropoff, end in enumerate(points):
            to, riding, back = (
                kilometres(*way) * DETOUR / pace * 60
                for way, pace in (
                    ((origin, start), WALKING_KMH),
                    ((start, end), RIDING_KMH),
                    ((end, destination), WALKING_KMH),
                )
            )
            both = chance(frame.bike, pickup, leaving + to) * chance(
                frame.space, dropoff, leaving + to + riding
            )
            open_now = frame.renting[pickup] and frame.returning[dropoff]
            if pickup != dropoff and open_now and to <= limits[0] and back <= limits[1] and both > 0:
                found[pickup, dropoff] = to + riding + back, both
    return found


@settings(max_examples=60)
@given(
    frame=cities(),
    origin=points(2),
    destination=points(2),
    leaving=st.integers(0, 1440),
    people=st.integers(1, 4),
    limits=st.tuples(st.floats(0, 60), st.floats(0, 60)),
)
def test_plans_are_the_best_of_all_pairs_that_may_be_offered(
    frame: Frame,
    origin: tuple[float, float],
    destination: tuple[float, float],
    leaving: int,
    people: int,
    limits: tuple[float, float],
) -> None:
    plans = plan(frame, origin, destination, leaving, people=people, to_limit=limits[0], from_limit=limits[1])
    pairs = every_pair(frame, origin, destination, leaving, people, limits)
    cost = {pair: minutes + MISS_MINUTES * (1 - both) for pair, (minutes, both) in pairs.items()}
    assert len(plans) == min(len(pairs), 3)
    assert len({(made.pickup, made.dropoff) for made in plans}) == len(plans)
    for made in plans:
        minutes, both = pairs[made.pickup, made.dropoff]
        assert made.minutes == pytest.approx(minutes, abs=1e-3)
        assert made.chance == pytest.approx(both, abs=1e-3)
        assert made.expected_minutes == pytest.approx(cost[made.pickup, made.dropoff], abs=0.03)
        check(made, frame, leaving, limits)
    if plans:
        assert plans[0].expected_minutes == pytest.approx(min(cost.values()), abs=0.03)
        assert all(one.expected_minutes <= other.expected_minutes for one, other in pairwise(plans))


def check(made: TripPlan, frame: Frame, leaving: float, limits: tuple[float, float]) -> None:
    """Check what holds for every plan by itself."""
    assert 0 < made.chance <= min(made.chance_bike, made.chance_space) <= 1
    assert made.chance == pytest.approx(made.chance_bike * made.chance_space)
    assert frame.renting[made.pickup]
    assert frame.returning[made.dropoff]
    assert made.pickup != made.dropoff
    assert 0 <= made.to_minutes <= limits[0]
    assert 0 <= made.from_minutes <= limits[1]
    assert made.minutes == pytest.approx(made.to_minutes + made.riding_minutes + made.from_minutes)
    assert made.at_pickup_minutes == pytest.approx(leaving + made.to_minutes)
    assert made.at_dropoff_minutes == pytest.approx(made.at_pickup_minutes + made.riding_minutes)


@settings(max_examples=60)
@given(frame=cities(), origin=points(2), destination=points(2))
def test_if_either_end_fails_another_plan_avoids_it(
    frame: Frame, origin: tuple[float, float], destination: tuple[float, float]
) -> None:
    plans = plan(frame, origin, destination)
    pairs = every_pair(frame, origin, destination, 0, 1, (15, 15))
    for end in (0, 1):
        if len({pair[end] for pair in pairs}) > 1:
            assert len({(made.pickup, made.dropoff)[end] for made in plans}) > 1


@given(one=points(50), other=points(50))
def test_the_way_back_is_as_long(one: tuple[float, float], other: tuple[float, float]) -> None:
    assert walk(one, other) == pytest.approx(walk(other, one), abs=1e-9)
    assert walk(one, other) == pytest.approx(kilometres(one, other) * 1.3 / 4.8 * 60, abs=0.01)


def test_a_kilometre_as_the_crow_flies_is_sixteen_minutes_on_foot_and_not_six_by_bike() -> None:
    made = plan(city([place(0), place(1)]), place(0), place(1))[0]
    assert walk(place(0), place(1)) == pytest.approx(16.25, abs=0.01)
    assert made.riding_minutes == pytest.approx(1.3 / 14 * 60, abs=0.01)
    assert made.to_minutes == made.from_minutes == 0


def test_the_way_across_the_date_line_is_short() -> None:
    assert walk((0.0, 179.99), (0.0, -179.99)) == pytest.approx(walk((0.0, 0.01), (0.0, -0.01)))


NEAR, FAR, THERE = place(0.1), place(-0.5), place(3)


@pytest.mark.parametrize(("near", "chosen"), [(99, 0), (90, 0), (40, 1)])
def test_nobody_walks_on_for_one_per_cent_but_for_sixty(near: int, chosen: int) -> None:
    """FAR takes nine minutes more than NEAR, and is certain."""
    plans = plan(city([NEAR, FAR, THERE], bike=[near, 100, 100]), place(0), THERE)
    assert [made.pickup for made in plans[:2]] == [chosen, 1 - chosen]


def test_chances_are_interpolated_linearly_between_horizons() -> None:
    frame = city([place(0), place(3)], bike=np.arange(len(MINUTES))[:, None])
    # 0, 1, 2, … per cent at 0, 5, 10, … minutes, 13 at 110, 14 at 120, 15 at 150
    for leaving, per_cent in ((5, 1), (7.5, 1.5), (119, 13.9), (135, 14.5), (1440, len(MINUTES) - 1)):
        made = plan(frame, place(0), place(3), leaving)[0]
        assert made.chance_bike == pytest.approx(per_cent / 100)


def test_the_chance_of_a_space_is_that_of_the_arrival_time() -> None:
    """Two kilometres are 11.1 minutes by bike: the station is full at the start and free at the arrival."""
    space = np.where(np.array(MINUTES) < 10, 0, 80)[:, None]
    made = plan(city([place(0), place(2)], space=space), place(0), place(2))[0]
    assert made.chance_space == pytest.approx(0.8)


def test_the_last_horizon_holds_for_later_arrivals() -> None:
    space = np.where(np.array(MINUTES) < 1440, 0, 70)[:, None]
    made = plan(city([place(0), place(2)], space=space), place(0), place(2), 1440)[0]
    assert made.at_dropoff_minutes > 1440
    assert made.chance_space == pytest.approx(0.7)


def test_a_family_asks_for_as_many_bikes_as_it_has_riders() -> None:
    chance = np.array([90, 80, 70, 60])[:, None, None]
    frame = city([place(0), place(2)], bike=chance)
    for people, odds in ((1, 0.9), (2, 0.8), (3, 0.7), (4, 0.6)):
        assert plan(frame, place(0), place(2), people=people)[0].chance_bike == pytest.approx(odds)


@pytest.mark.parametrize(
    "wrong",
    [
        {"renting": [False, True, True]},
        {"bike": [0, 100, 100]},
        {"bike": [NO_FORECAST, 100, 100]},
    ],
)
def test_a_pick_up_that_cannot_work_is_not_offered_however_near(wrong: dict[str, Any]) -> None:
    places = [NEAR, FAR, THERE]
    assert plan(city(places), place(0), THERE)[0].pickup == 0
    assert [made.pickup for made in plan(city(places, **wrong), place(0), THERE)] == [1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"returning": [True, True, False]},
        {"space": [100, 100, 0]},
        {"space": [100, 100, NO_FORECAST]},
    ],
)
def test_without_a_place_to_leave_the_bike_there_is_no_plan(wrong: dict[str, Any]) -> None:
    assert plan(city([NEAR, FAR, THERE], **wrong), place(0), THERE) == []


def test_a_missing_forecast_is_not_extrapolated() -> None:
    bike = np.where(np.array(MINUTES) <= 60, 90, NO_FORECAST)[:, None]
    frame = city([place(0), place(2)], bike=bike)
    assert len(plan(frame, place(0), place(2), 60)) == 1
    assert plan(frame, place(0), place(2), 62) == []


def test_one_station_at_both_ends_is_no_ride() -> None:
    assert plan(city([place(0)]), place(-0.1), place(0.1)) == []


def test_the_plans_to_fall_back_on_come_in_the_order_of_what_they_cost() -> None:
    """One end has three stations side by side, the other two far apart: all the best plans share one."""
    three, two = [place(3), place(3.05), place(3.1)], [place(0), place(-0.8)]
    there = plan(city([*two, *three]), place(0), place(3))
    assert [(made.pickup, made.dropoff) for made in there] == [(0, 2), (0, 3), (1, 2)]
    back = plan(city([*two, *three]), place(3), place(0))
    assert [(made.pickup, made.dropoff) for made in back] == [(2, 0), (3, 0), (2, 1)]


def test_with_one_pick_up_alone_the_drop_offs_differ() -> None:
    places = [place(0), place(3), place(3.2), place(3.4), place(3.6)]
    plans = plan(city(places), place(0), place(3))
    assert [(made.pickup, made.dropoff) for made in plans] == [(0, 1), (0, 2), (0, 3)]


def test_going_on_foot_may_be_quicker() -> None:
    """A bike half a kilometre away is no help for three hundred metres."""
    made = plan(city([place(-0.5), place(0.35)]), place(0), place(0.3))[0]
    assert walk(place(0), place(0.3)) < made.minutes


def test_a_change_of_clocks_makes_no_difference() -> None:
    frame = city([NEAR, FAR, THERE], bike=np.arange(len(MINUTES))[:, None] + 30)
    changing = replace(frame, at=datetime(2026, 3, 29, 0, 30, tzinfo=UTC))
    assert plan(changing, place(0), THERE, 90) == plan(frame, place(0), THERE, 90)


def test_a_chosen_pair_can_be_weighed_again() -> None:
    """The page keeps a plan that was chosen before under a newer frame."""
    frame = city([NEAR, FAR, THERE], bike=[60, 90, 90], space=50)
    pairs = weigh(frame, place(0), THERE, np.array([1]), np.array([2]), 30)
    assert pairs.chance.tolist() == [[pytest.approx(0.45)]]
    assert pairs.plan(0, 0) == next(made for made in plan(frame, place(0), THERE, 30) if made.pickup == 1)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"leaving": -1}, "give 0 to 1440"),
        ({"leaving": 1441}, "give 0 to 1440"),
        ({"leaving": math.nan}, "give 0 to 1440"),
        ({"people": 0}, "give 1 to 4 people"),
        ({"people": 5}, "give 1 to 4 people"),
        ({"to_limit": -1}, "give 0 to 60 minutes"),
        ({"from_limit": 61}, "give 0 to 60 minutes"),
        ({"from_limit": math.nan}, "give 0 to 60 minutes"),
        ({"origin": (91.0, 0.0)}, "latitude and longitude in degrees"),
        ({"destination": (0.0, 181.0)}, "latitude and longitude in degrees"),
        ({"destination": (math.nan, 0.0)}, "latitude and longitude in degrees"),
    ],
)
def test_a_trip_out_of_range_is_refused_with_a_reason(wrong: dict[str, Any], words: str) -> None:
    arguments: dict[str, Any] = {"origin": place(0), "destination": THERE, **wrong}
    with pytest.raises(ValueError, match=words):
        plan(city([NEAR, FAR, THERE]), **arguments)


@pytest.mark.parametrize("wrong", [(91.0, 0.0), (0.0, -181.0), (math.inf, 0.0)])
def test_a_point_off_the_earth_is_refused(wrong: tuple[float, float]) -> None:
    for ends in ((wrong, CENTRE), (CENTRE, wrong)):
        with pytest.raises(ValueError, match="latitude and longitude in degrees"):
            walk(*ends)


def kinds(frame: Frame, plain: Any, electric: Any) -> Frame:
    """Tell kinds of bikes apart, by chances in per cent up to two hours ahead."""
    made = []
    for odds in (plain, electric):
        chance = np.array(np.broadcast_to(odds, frame.bike.chance.shape), dtype=np.uint8)
        chance[:, frame.minutes > 120] = NO_FORECAST
        made.append(outlook(chance))
    return replace(frame, plain_bike=made[0], ebike=made[1])


def test_a_ride_on_one_kind_is_judged_by_the_odds_of_that_kind() -> None:
    frame = kinds(city([place(0), place(0.1), place(3)], bike=95), [90, 20, 90], [20, 80, 20])
    ways: tuple[Ride, ...] = ("bike", "plain_bike", "ebike")
    first = [plan(frame, place(0), place(3), ride=ride)[0] for ride in ways]
    assert [(each.pickup, round(100 * each.chance_bike)) for each in first] == [(0, 95), (0, 90), (1, 80)]
    assert plan(frame, place(0), place(3), 121, ride="ebike") == []
    with pytest.raises(LookupError):
        plan(city([place(0), place(3)]), place(0), place(3), ride="ebike")


@pytest.mark.parametrize(("away_km", "pickup"), [(0.1, 1), (0.3, 0)])
def test_for_an_ebike_a_rider_walks_as_far_as_a_plain_one_costs(away_km: float, pickup: int) -> None:
    """Three quarters more of an e-bike are worth 3.75 minutes; 100 m off, the way takes 2.2 minutes more."""
    frame = kinds(city([place(0), place(-away_km), place(3)], bike=95), 90, [10, 85, 50])
    best = plan(frame, place(0), place(3), ride="ebike_first")[0]
    assert (best.pickup, round(100 * best.chance_bike)) == (pickup, 95)
    assert best.chance_ebike is not None
    assert best.chance_ebike == pytest.approx([0.1, 0.85][pickup])
    expected = best.minutes + MISS_MINUTES * (1 - best.chance) + PLAIN_MINUTES * (0.95 - best.chance_ebike)
    assert best.expected_minutes == pytest.approx(expected)
    later = plan(frame, place(0), place(3), 130, ride="ebike_first")[0]
    assert (later.pickup, later.chance_ebike) == (0, 0), "kinds are forecast for two hours, bikes for a day"
