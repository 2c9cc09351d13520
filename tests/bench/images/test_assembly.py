"""Splits that a data set does not have are assigned by source, the same in every order."""

import numpy as np
import pandas as pd

from bench.images.assembly import draw_splits
from bench.images.layouts.api import ImageRow


def divided(order):
    """Two generators and a pool of 100 sources each; every source of `a` has three images."""
    rows = [ImageRow(f"a/{n}/{k}", 1, "a", source=f"s{n}") for n in range(100) for k in range(3)]
    rows += [ImageRow(f"b/{n}", 1, "b", source=f"s{n}") for n in range(100)]
    rows += [ImageRow(f"r/{n}", 0, "real", source=f"s{n}") for n in range(100)]
    table = pd.DataFrame([rows[place] for place in order])
    return table.assign(split=draw_splits(table))


def test_assigned_splits_are_exact_and_keep_sources_together():
    table = divided(range(500))
    counts = table.groupby(["generator", "label"])["split"].value_counts().unstack()[["train", "val", "test"]]
    assert counts.to_numpy().tolist() == [[240, 30, 30], [80, 10, 10], [80, 10, 10]]
    assert (table.groupby("source")["split"].nunique() == 1).all()


def test_assigned_splits_are_the_same_in_every_order():
    table = divided(range(500))
    again = divided(np.random.default_rng(0).permutation(500)).sort_values("name", ignore_index=True)
    assert again.equals(table.sort_values("name", ignore_index=True))
    assert set(table.loc[table["name"] == "r/0", "split"]) == {"train"}


def test_too_few_images_to_divide_are_for_training():
    table = pd.DataFrame([ImageRow(name, 1, "g", source=name) for name in "ab"])
    assert draw_splits(table).tolist() == ["train", "train"]
