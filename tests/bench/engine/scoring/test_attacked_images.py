"""What attacked images go through: the attack, then the degradation of their cell, where the run degrades."""

import numpy as np

from bench.engine.scoring.attacked_images import Attackers, labels_of
from detectors.checks import texture
from detectors.types import Facts, Sample
from protocols.api import Attack, Cell, Subset
from protocols.degradations.kind import TensorStep


class Linear:
    """A detector whose log odds rise with every value of the image."""

    def odds_and_gradient(self, pixels):
        return float(pixels.mean()), np.ones_like(pixels)


def attacked(make_bench, device):
    """The degradations of an attacked cell by label, where torch degrades on a device, and how many images each has."""
    bench = make_bench(degrading_device=device)
    train = Subset(("even",), "train")
    target = Cell("nearest_mean", train, Subset(("even",), "val"))
    test = Subset(("even",), "val", degradation="blur:1+jpeg:80")
    (item,) = bench.planned([Cell("nearest_mean", train, test, attack=Attack(target, "fgsm:4"))])
    attackers = Attackers({item.target.fit_key: Linear()}, labels_of([item], bench.selections))
    shown = attackers.shown(item, bench.selections[test].positions)
    return [(degradation, len(images)) for degradation, images in shown]


def test_after_an_attack_torch_degrades_where_the_run_asks_for_it(make_bench):
    by_pillow, by_torch = (attacked(make_bench, device) for device in ("", "cpu"))
    pixels = texture("attacked", 48, 64)
    sample = Sample(pixels, Facts("PNG", 64, 48, pixels.nbytes))
    for (plain, count), (moved, same), sign in zip(by_pillow, by_torch, (1, -1), strict=True):
        steps = [isinstance(kind.apply, TensorStep) for kind, _ in moved.steps]
        assert steps == [False, True, False]  # the attack by the detector itself, the blur by torch, JPEG by a codec
        assert count == same > 0
        assert plain.name == moved.name
        assert plain.key != moved.key
        changes = [one(sample).pixels.astype(int).mean() - pixels.mean() for one in (plain, moved)]
        assert np.allclose(changes, sign * 4, atol=0.5)  # real images are made brighter, generated ones darker
        assert abs(changes[0] - changes[1]) < 0.05
