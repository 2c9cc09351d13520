"""How long a fit takes, of a head, of a network, and of what cannot be told."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
from lineup_checkerboard import Checkerboard

from bench.rehearsal import fit_measuring
from bench.rehearsal.fit_measuring import Unmeasured, measure_fit
from detectors import catalogue
from detectors.api import Card, Runtime
from detectors.checks import sample, texture

SAMPLES = [sample(texture(name, 48, 48)) for name in "abcdefgh"]


@dataclass(frozen=True)
class Paced(Checkerboard):
    """A fit whose time is known: a start and so much for each image, by a clock that it turns itself."""

    card: ClassVar[Card] = replace(Checkerboard.card, name="paced")
    start: float = 3.0
    each: float = 0.25

    def fit(self, train, seed, runtime):
        Clock.now += self.start + self.each * len(train)
        return super().fit(train, seed, runtime)


class Clock:
    now = 0.0

    @classmethod
    def perf_counter(cls):
        return cls.now


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(fit_measuring, "time", Clock)


@pytest.mark.parametrize(("start", "each"), [(3.0, 0.25), (0.0, 0.5)])
def test_two_fits_tell_the_start_from_what_an_image_takes(clock, start, each):
    found = measure_fit(Paced("small", start=start, each=each), SAMPLES, Runtime())
    assert (found.start_s, found.image_s) == pytest.approx((start, each))


def test_fits_that_take_no_longer_for_more_images_are_taken_as_a_whole(clock):
    found = measure_fit(Paced("small", start=9.6, each=0.0), SAMPLES, Runtime())
    assert (found.start_s, found.image_s) == pytest.approx((0.0, 9.6 / max(fit_measuring.IMAGE_SIZES)))


@pytest.mark.parametrize("budget", [0.0, 1000.0])
def test_a_network_is_measured_by_its_epochs_whether_they_end_or_not(monkeypatch, budget):
    monkeypatch.setattr(fit_measuring, "BUDGET", budget)
    found = measure_fit(catalogue.recipe("resnet18", "small"), SAMPLES, Runtime())
    assert found.image_s > 0
    assert found.start_s == 0
    assert len(found.detector.score([found.detector.prepare(one) for one in SAMPLES])) == len(SAMPLES)
    assert bool(found.detector.history) == (budget > 0)


def test_what_needs_its_whole_training_is_not_measured_beyond_the_budget(monkeypatch):
    monkeypatch.setattr(fit_measuring, "BUDGET", 0.0)
    with pytest.raises(Unmeasured, match="its training takes longer than 0 s"):
        measure_fit(catalogue.recipe("coding_cost", "small"), SAMPLES, Runtime())


def test_networks_within_a_composite_are_not_told_apart():
    recipe = catalogue.recipe("ensemble_mean", "small", members=("colour", "resnet18"))
    with pytest.raises(Unmeasured, match="networks are trained in it"):
        measure_fit(recipe, SAMPLES, Runtime())
