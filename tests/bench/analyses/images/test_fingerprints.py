from itertools import product

import numpy as np
import pytest

from bench.analyses.images.fingerprints import (
    CORRELATIONS,
    FINGERPRINTS,
    agreement,
    correlation_table,
    correlations,
    fingerprint_table,
    normalised,
    peak,
)
from bench.analyses.images.residuals import power
from bench.analyses.images.spectra import BLOCKS, AverageSpectrum, Spectra, SpectraRequest, average_spectra


def spectrum_of(residuals, name="a"):
    """The spectrum of some residuals, float (N, side, side)."""
    powers = np.mean([power(one) for one in residuals], axis=0)
    blocks = np.array([residuals[start::BLOCKS].sum(axis=0) for start in range(min(BLOCKS, len(residuals)))])
    return AverageSpectrum(name, "none", len(residuals), np.log10(powers + 1), powers, blocks)


def noise(seed, count=40, side=16):
    return np.random.default_rng(seed).normal(size=(count, side, side))


def pattern(seed, side=16):
    return np.random.default_rng(1000 + seed).normal(size=(side, side))


@pytest.mark.parametrize("step", [(3, 5), (-4, 6), (0, 7), (8, 0), (8, 8), (8, 3), (0, 8)])
def test_a_planted_wave_is_the_peak(step):
    y, x = np.mgrid[:16, :16]
    residuals = noise(1) + 0.4 * np.cos(2 * np.pi * (step[0] * y + step[1] * x) / 16)
    found = peak(spectrum_of(residuals))
    near = [(sign * part / 16 + 0.5) % 1 for sign in (1, -1) for part in step]
    assert ((found.y + 0.5) % 1, (found.x + 0.5) % 1) in {tuple(near[:2]), tuple(near[2:])}
    assert found.p < 1e-3
    assert found.ratio > 15


def test_chance_is_no_peak():
    assert sum(peak(spectrum_of(noise(seed))).p < 0.05 for seed in range(100)) <= 5


def test_agreement_is_1_by_chance_and_the_number_of_images_where_all_agree():
    assert agreement(spectrum_of(noise(2, 200))).mean() == pytest.approx(1, abs=0.1)
    same = np.repeat(pattern(1)[None], 12, axis=0)
    assert agreement(spectrum_of(same)) == pytest.approx(12)
    assert (agreement(spectrum_of(np.zeros((5, 16, 16)))) == 0).all()


def test_a_common_pattern_correlates_and_others_do_not():
    made = {
        "one": noise(1) + 0.5 * pattern(1),
        "two": noise(2) + 0.5 * pattern(1),
        "other": noise(3) + 0.5 * pattern(2),
        "none": noise(4),
    }
    found = correlations({name: spectrum_of(values, name) for name, values in made.items()})
    assert (found.values == found.values.T).all()
    table = dict(zip(product(made, made), found.values.ravel(), strict=True))
    p = dict(zip(product(made, made), found.p.ravel(), strict=True))
    assert min(table["one", "one"], table["two", "two"], table["one", "two"], table["other", "other"]) > 0.6
    assert max(abs(table["one", "other"]), abs(table["none", "one"]), abs(table["none", "none"])) < 0.25
    assert max(p["one", "one"], p["one", "two"], p["other", "other"]) < 0.005
    assert p["none", "none"] > 0.05
    assert p["one", "none"] > 0.05


def test_correlations_are_those_of_the_mean_residuals_of_halves():
    one, two = noise(5, 23) + 0.2 * pattern(3), noise(6, 31) + 0.2 * pattern(3)
    found = correlations({"one": spectrum_of(one, "one"), "two": spectrum_of(two, "two")})

    def half(values, start):
        return np.mean([value for place, value in enumerate(values) if place % BLOCKS % 2 == start], axis=0).ravel()

    across = [np.corrcoef(half(one, start), half(two, 1 - start))[0, 1] for start in (0, 1)]
    assert found.values[0, 1] == pytest.approx(np.mean(across))
    assert found.values[1, 1] == pytest.approx(np.corrcoef(half(two, 0), half(two, 1))[0, 1])


def test_p_counts_flips_as_a_loop_does():
    one, two = noise(7, 12), noise(8, 6)
    found = correlations({"one": spectrum_of(one, "one"), "two": spectrum_of(two, "two")})

    def flipped(fixed, other):
        fixed, other = spectrum_of(fixed).blocks, spectrum_of(other).blocks
        values = []
        for signs in product((1, -1), repeat=len(other)):
            turned = other * np.array(signs)[:, None, None]
            halves = [(fixed[start::2].sum(0), turned[1 - start :: 2].sum(0)) for start in (0, 1)]
            values.append(np.mean([np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in halves]))
        return np.mean(np.array(values) >= values[0] - 1e-12)

    assert found.p[0, 1] == pytest.approx(max(flipped(one, two), flipped(two, one)))


def test_p_is_uniform_by_chance():
    own, pair = [], []
    for seed in range(60):
        found = correlations({name: spectrum_of(noise(2 * seed + place, 20), name) for place, name in enumerate("ab")})
        own.append(found.p[0, 0])
        pair.append(found.p[0, 1])
    assert sum(one < 0.05 for one in own) <= 8
    assert sum(one < 0.05 for one in pair) <= 6
    assert sum(one < 0.5 for one in own) >= 15


def test_too_few_images_have_no_correlation():
    found = correlations({"few": spectrum_of(noise(1, 3), "few"), "many": spectrum_of(noise(2), "many")})
    assert np.isnan(found.values).tolist() == [[True, True], [True, False]]


def test_a_normalised_fingerprint_has_no_mean_and_unit_energy():
    found = normalised(pattern(4) + 3)
    assert (found.mean(), np.square(found).sum()) == pytest.approx((0, 1))
    assert (normalised(np.full((4, 4), 2.0)) == 0).all()


def test_tables_of_a_planted_fingerprint(planted):
    spectra = average_spectra(planted, SpectraRequest(("none", "jpeg:65")), 1)
    table = fingerprint_table(spectra)
    assert tuple(table.columns) == FINGERPRINTS
    assert set(table.loc[table["peak_p"] < 0.05, "generator"]) == {"wave"}
    wave = table[table["generator"] == "wave"]
    assert wave[["peak_frequency_y", "peak_frequency_x"]].to_numpy().tolist() == [[-5 / 64, 12 / 64]] * 2
    related = correlation_table(spectra)
    assert tuple(related.columns) == CORRELATIONS
    assert len(related) == 2 * 4 * 4
    assert len(correlation_table(Spectra((), ()))) == 0
