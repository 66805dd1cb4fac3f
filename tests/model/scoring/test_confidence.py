"""Luck and skill: null runs are hardly ever told apart, an edge is, and overlaps do not matter."""

from __future__ import annotations

import numpy as np
import pytest

from model.arrays import Floats
from model.scoring.confidence import LEAST, LEVEL, Differences, issue_streams, streams
from model.scoring.issue import SCORED_MINUTES
from model.scoring.verdict import told_apart, verdict

RUNS, PEEKS = 600, 1000


def ever_told_apart(runs: Floats, count: int) -> float:
    """Give the share of runs `(R, T)` whose sequence ever excludes zero, dealt out to so many streams."""
    stream = np.arange(runs.shape[1]) % count
    bounds = [Differences.over_time(run, stream, count).bounds() for run in runs]
    return float(np.mean([((least > 0) | (greatest < 0)).any() for least, greatest in bounds]))


@pytest.mark.parametrize("kind", ["normal", "whole numbers", "rare"])
def test_at_most_one_null_stream_in_twenty_is_ever_told_apart_in_a_thousand_peeks(kind: str) -> None:
    random = np.random.default_rng(1)
    size = RUNS, PEEKS
    runs = {
        "normal": random.normal(size=size),
        "whole numbers": random.poisson(0.4, size) - random.poisson(0.4, size).astype(np.float64),
        "rare": np.where(random.random(size) < 0.03, random.choice([-1.0, 1.0], size), 0.0),
    }
    assert ever_told_apart(runs[kind], 2) <= LEVEL


def test_forecasts_that_overlap_are_alike_and_their_turns_allow_for_it() -> None:
    """Six errors in a row share a rush hour. In one stream they would look like six times as many."""
    random = np.random.default_rng(2)
    shocks = random.normal(size=(RUNS, PEEKS + 6))
    runs = sum(shocks[:, lag : PEEKS + lag] for lag in range(6))
    assert isinstance(runs, np.ndarray)
    assert ever_told_apart(runs, 7) <= LEVEL
    assert ever_told_apart(runs, 1) > 0.3


def test_an_edge_is_found_and_its_size_is_within_the_bounds() -> None:
    random = np.random.default_rng(3)
    stream = np.arange(PEEKS) % 2
    delays, held = [], []
    for _ in range(100):
        least, greatest = Differences.over_time(random.normal(0.5, 1, PEEKS), stream, 2).bounds()
        held.append(((least <= 0.5) & (greatest >= 0.5)).all())
        delays.append(int(np.flatnonzero(least > 0)[0]))
    assert np.mean(held) >= 1 - LEVEL
    assert np.median(delays) < 200


def test_few_differences_say_nothing_and_two_equal_models_are_never_told_apart() -> None:
    least, greatest = Differences.over_time(np.ones(2 * LEAST + 1), np.arange(2 * LEAST + 1) % 2, 2).bounds()
    assert np.isinf(least[: 2 * LEAST - 2]).all()
    assert np.isinf(greatest[: 2 * LEAST - 2]).all()
    assert least[-1] == greatest[-1] == 1
    assert told_apart(np.ones(500), np.ones(500), np.arange(500) % 2, 2, LEVEL)[0] == 0


@pytest.mark.parametrize("minutes", SCORED_MINUTES)
def test_two_issues_of_one_turn_lie_farther_apart_than_the_horizon(minutes: int) -> None:
    """The first snapshot of twenty minutes may be its last, and that of the next the first."""
    seconds, count = issue_streams(minutes)
    assert (count - 1) * seconds >= 60 * minutes > (count - 2) * seconds
    assert streams(minutes, seconds) == count


def losses(**edges: float) -> tuple[tuple[str, ...], Floats, np.ndarray]:
    """Make 600 bins of losses with noise that the models share, and a little of their own."""
    random = np.random.default_rng(4)
    shared = random.gamma(4, 0.25, 600)
    table = [shared + edge + random.normal(0, 0.1, 600) for edge in edges.values()]
    return tuple(edges), np.stack(table, axis=1), np.arange(600)


def test_the_best_model_is_told_apart_or_those_that_may_be_as_good_are_named() -> None:
    models, table, number = losses(pool=0, chain=0.0005, naive=0.3)
    near = verdict(("chain", "naive", "pool"), table[:9, [1, 2, 0]], number[:9], 2)
    assert near is not None
    assert near.alike[-1] == "naive", "the worst comes last"
    found = verdict(models, table, number, 2)
    assert found is not None
    assert ({found.best, *found.alike}, found.since) == ({"pool", "chain"}, None)
    found = verdict(("pool", "naive"), table[:, [0, 2]], number, 2)
    assert found is not None
    assert (found.best, found.alike) == ("pool", ())
    assert found.since is not None
    assert 2 * LEAST - 2 <= found.since < 100
    assert verdict(models, table[:0], number[:0], 2) is None


def test_a_model_that_began_later_may_be_the_best_of_its_part() -> None:
    models, table, number = losses(pool=0, seed=-0.3)
    table[:300, 1] = np.nan
    found = verdict(models, table, number, 2)
    assert found is not None
    assert (found.best, found.alike) == ("seed", ())
    assert found.since is not None
    assert found.since >= 300


def test_since_is_the_beginning_of_the_last_stretch_without_a_break() -> None:
    first = np.concatenate([np.full(200, 1.0), np.full(600, 3.0), np.full(900, 0.0)])
    first += np.random.default_rng(5).normal(0, 0.1, len(first))
    sign, place = told_apart(first, np.full(len(first), 2.0), np.arange(len(first)) % 2, 2, LEVEL)
    assert sign == 1
    assert place > 800, "the 600 bins in which it was worse undid what 200 had shown"
