"""Colours: enough contrast on light and dark ground, and families that colour-blind eyes tell apart."""

import re
from itertools import combinations

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from bench.charts.palette import (
    HUES,
    MOST_SHADES,
    accuracy_colour,
    contrast,
    hues_of,
    page_style,
    standalone_style,
    text_colour,
)

# Machado, Oliveira and Fernandes 2009, severity 1, over linear RGB.
BLIND = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}
GROUNDS = (False, True)
TOLD_APART = 10.0  # of CIEDE2000; about 5 are needed


def colours(dark):
    """The value of every variable, on light or dark ground."""
    style = page_style()
    start = style.index(":root:not([data-theme=light])") if dark else 0
    return dict(re.findall(r"--([\w-]+):(#[0-9a-f]{6});", style[start : style.index("}", start)]))


def linear(colour):
    parts = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def seen(colour, matrix):
    """CIELAB of a colour as eyes of this kind see it."""
    found = np.clip(np.asarray(matrix) @ linear(colour), 0, 1)
    encoded = np.where(found <= 0.0031308, 12.92 * found, 1.055 * found ** (1 / 2.4) - 0.055)
    return rgb2lab(encoded)


@pytest.mark.parametrize("dark", GROUNDS)
@pytest.mark.parametrize("eyes", BLIND)
def test_families_are_told_apart(eyes, dark):
    hues = {family: seen(pair[dark], BLIND[eyes]) for family, pair in HUES.items()}
    assert len(hues) == 8
    apart = {(one, two): float(deltaE_ciede2000(hues[one], hues[two])) for one, two in combinations(hues, 2)}
    worst = min(apart, key=apart.__getitem__)
    assert apart[worst] >= TOLD_APART, f"{worst}: {apart[worst]:.1f}"


@pytest.mark.parametrize("dark", GROUNDS)
def test_texts_are_read_and_marks_are_seen(dark):
    known = colours(dark)
    texts = {name: contrast(known[name], known["ground"]) for name in ("ink", "faint", "accent", "warn")}
    raised = {name: contrast(known[name], known["raised"]) for name in ("ink", "faint", "accent")}
    assert min(texts.values()) >= 4.5, texts
    assert min(raised.values()) >= 4.5, raised
    assert contrast(known["faint"], known["missing"]) >= 4.5
    marks = {name: contrast(value, known["ground"]) for name, value in known.items() if re.match(r"c\d", name)}
    assert len(marks) == (len(HUES) + 1) * MOST_SHADES
    assert {name: value for name, value in marks.items() if value < 4.5} == {}  # names of lines have them too


@pytest.mark.parametrize("dark", GROUNDS)
@pytest.mark.parametrize("kind", "hs")
def test_numbers_are_read_on_the_colour_of_their_cell(kind, dark):
    known = colours(dark)
    found = {step: contrast(known[f"{kind}t{step}"], known[f"{kind}{step}"]) for step in range(101)}
    assert {step: value for step, value in found.items() if value < 4.5} == {}
    assert known["missing"] not in {known[f"{kind}{step}"] for step in range(101)}


def test_accuracies_diverge_around_chance_and_missing_is_grey():
    low, chance, high = (np.array(accuracy_colour(value)) for value in (0.1, 0.5, 0.9))
    assert low[0] > low[2]
    assert high[2] > high[0]
    assert chance.min() > 230
    missing = accuracy_colour(float("nan"))
    assert len(set(missing)) == 1
    assert missing not in {accuracy_colour(value / 100) for value in range(101)}
    assert text_colour(accuracy_colour(1.0)) != text_colour(accuracy_colour(0.5))


@pytest.mark.parametrize("dark", GROUNDS)
def test_a_larger_share_is_further_from_the_ground_and_a_small_one_is_seen(dark):
    known = colours(dark)
    light = [sum(linear(known[f"s{step}"])) for step in range(0, 101, 5)]
    assert (np.diff(light) * (1 if dark else -1) > 0).all()
    if not dark:
        assert contrast(known["s0"], known["s8"]) > 1.1


def test_detectors_have_the_hue_of_their_family_and_a_shade_and_marker_of_their_own():
    found = hues_of({"a": "network", "b": "frequency", "c": "network", "d": "network", "e": "network", "x": "else"})
    hue = {name: one.css.split("-")[0] for name, one in found.items()}
    assert hue["a"] == hue["c"] == hue["e"] != hue["b"]
    assert hue["x"] not in {hue["a"], hue["b"]}
    assert len({found[name].css for name in "acd"}) == 3
    assert len({(found[name].css, found[name].marker) for name in "acde"}) == 4
    assert hues_of({"b": "frequency", "a": "network"})["a"] == found["a"]


@pytest.mark.parametrize("dark", GROUNDS)
def test_a_file_has_the_colours_of_its_ground_and_no_variable(dark):
    style, known = standalone_style(dark=dark), colours(dark)
    assert "var(" not in style
    for name in ("c0-0", "h1", "h10", "h100", "s3"):
        assert f".{name}{{" in style
        assert re.search(rf"\.{name}\{{(fill|stroke):{known[name]}", style)


def test_contrast_is_that_of_the_guidelines():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == contrast("#ffffff", "#777777") == pytest.approx(4.48, abs=0.005)
