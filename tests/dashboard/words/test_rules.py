"""The words for a limit name the number that the rule has."""

from __future__ import annotations

from dashboard.screens.accuracy import tables
from dashboard.words import accuracy, rules, shell


def test_each_step_of_chance_has_a_word_and_its_bounds() -> None:
    assert list(shell.STEPS) == list(range(len(rules.BOUNDS) + 1))
    for index, bound in enumerate(rules.BOUNDS):
        assert rules.step(bound) == index
        assert rules.step(bound - 1) == index + 1
        assert str(bound) in shell.bounds(index)
        assert shell.chance_word(bound) == shell.STEPS[index]


def test_likely_is_the_second_step() -> None:
    assert shell.chance_word(rules.LIKELY) == "likely"
    assert shell.chance_word(rules.LIKELY - 1) == "even"


def test_each_step_of_skill_names_its_bound() -> None:
    assert list(accuracy.SKILL_STEPS) == list(range(len(rules.SKILL_BOUNDS) + 1))
    large, small, minus_small, minus_large = rules.SKILL_BOUNDS
    assert (minus_small, minus_large) == (-small, -large)
    for index in (0, len(rules.SKILL_BOUNDS)):
        assert f"over {large:.0%}".replace("%", " %") in accuracy.SKILL_STEPS[index]
    for index in (1, len(rules.SKILL_BOUNDS) - 1):
        assert f"{100 * small:.0f}–{100 * large:.0f} %" in accuracy.SKILL_STEPS[index]


def test_a_missed_forecast_names_its_bound() -> None:
    assert f"off by {tables.OFF} or more" in accuracy.ISSUED_SHOWN["missed"]
