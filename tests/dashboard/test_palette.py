"""The colours: all eyes can tell them apart, they stand out, and numbers on them are legible."""

from __future__ import annotations

import colorsys
import itertools

import numpy as np
import pytest

from dashboard import palette
from dashboard.words import shell as shell_words
from model.arrays import Floats

# How people with one kind of cone missing see linear RGB: Machado, Oliveira, Fernandes,
# "A physiologically-based model for simulation of color vision deficiency", IEEE TVCG 2009, severity 1.0.
_EYES = {
    "all cones": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def _linear(colour: str) -> Floats:
    srgb = np.array([*bytes.fromhex(colour[1:])]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _lab(linear: Floats) -> Floats:
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.072175],
            [0.0193339, 0.119192, 0.9503041],
        ]
    )
    xyz = to_xyz @ np.clip(linear, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("eyes", _EYES)
def test_the_five_steps_are_told_apart_by_all_eyes(eyes: str) -> None:
    """A difference of 2.3 is just seen side by side; marks are small and lie apart, so ten times that."""
    seen = [_lab(_EYES[eyes] @ _linear(colour)) for colour in palette.STEPS]
    for (i, one), (j, other) in itertools.combinations(enumerate(seen), 2):
        difference = float(np.linalg.norm(one - other))
        assert difference > 23, f"{palette.STEPS[i]} and {palette.STEPS[j]} differ by {difference:.0f}"


@pytest.mark.parametrize("eyes", _EYES)
def test_neighbouring_steps_differ_in_more_than_brightness_or_much_in_it(eyes: str) -> None:
    """People confuse neighbours: they must be at least an eighth of the scale apart."""
    seen = [_lab(_EYES[eyes] @ _linear(colour)) for colour in palette.STEPS]
    apart = [float(np.linalg.norm(one - other)) for one, other in itertools.pairwise(seen)]
    assert min(apart) > sum(apart) / 8


def test_there_is_a_colour_for_every_word_and_none_says_red_against_green() -> None:
    assert len(palette.STEPS) == len(shell_words.STEPS)
    for colour in palette.STEPS:
        hue, _, saturation = colorsys.rgb_to_hls(*(value / 255 for value in bytes.fromhex(colour[1:])))
        assert saturation < 0.2 or not 0.2 < hue < 0.5, f"{colour} is green"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("fill", [*palette.STEPS, palette.UNKNOWN])
def test_a_mark_stands_out_from_its_ground(fill: str, dark: bool) -> None:
    """WCAG 2.2, 1.4.11: what must be seen to understand a graphic has a contrast of 3, by fill or by edge."""
    ground = palette.GROUND[dark]
    edge = palette.contrast(palette.EDGE[dark], ground)
    assert max(palette.contrast(fill, ground), edge) >= 3
    assert edge >= 4.5  # a hollow mark has nothing else


@pytest.mark.parametrize("fill", [*palette.STEPS, palette.UNKNOWN])
def test_a_number_on_a_mark_is_legible(fill: str) -> None:
    """WCAG 2.2, 1.4.3: text has a contrast of 4.5."""
    assert palette.contrast(palette.ink(fill), fill) >= 4.5


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_viewers_own_place_is_no_step_of_the_scale(dark: bool) -> None:
    here = _lab(_linear(palette.HERE))
    assert min(float(np.linalg.norm(here - _lab(_linear(step)))) for step in palette.STEPS) > 23
    assert palette.contrast(palette.RING[dark], palette.GROUND[dark]) >= 4.5
