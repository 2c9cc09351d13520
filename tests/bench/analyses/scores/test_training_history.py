"""Epochs of trainings as a tidy table."""

import numpy as np
import pandas as pd
import pytest

from bench.analyses.scores.training_history import mean_history, training_history
from bench.records.store import TRAINING, Store


def written(folder, rows):
    """The epochs of a result folder, read as a report reads them."""
    store = Store.at(folder)
    store.write(TRAINING, pd.DataFrame(rows).to_csv(index=False).encode())
    return store.training()


def rows(fit, seed, losses, train="fog", validation=None):
    return [
        {
            "fit": fit,
            "detector": "npr",
            "train": train,
            "seed": seed,
            "epoch": epoch,
            "rate": 0.1,
            "train_loss": loss,
            "train_accuracy": 1 - loss,
            "validation_loss": np.nan if validation is None else validation,
            "validation_accuracy": np.nan if validation is None else 0.5,
            "forward_s": 3.0,
        }
        for epoch, loss in enumerate(losses)
    ]


def test_every_number_is_a_row(tmp_path):
    found = training_history(written(tmp_path, rows("01", 0, [0.5, 0.25], validation=0.75)))
    assert len(found) == 2 * 4
    assert set(found["fit"]) == {"01"}
    picked = found[(found["part"] == "train") & (found["measure"] == "loss")]
    assert list(zip(picked["epoch"], picked["value"], strict=True)) == [(0, 0.5), (1, 0.25)]
    assert found[found["part"].eq("validation") & found["measure"].eq("loss")]["value"].tolist() == [0.75, 0.75]
    assert list(found["part"].unique()) == ["train", "validation"]


def test_a_part_without_numbers_has_no_rows(tmp_path):
    found = training_history(written(tmp_path, rows("01", 0, [0.5])))
    assert list(found["part"].unique()) == ["train"]
    assert set(found["measure"]) == {"loss", "accuracy"}


def test_nothing_where_nothing_was_trained(tmp_path):
    for nothing in (Store.at(tmp_path).training(), pd.DataFrame({"fit": ["a"], "epoch": [0], "other": [1.0]})):
        found = training_history(nothing)
        assert found.empty
        assert "value" in found.columns
        assert mean_history(found).empty


def test_means_are_over_trainings_that_all_reached_the_epoch(tmp_path):
    whole = [*rows("01", 0, [0.5, 0.2, 0.1]), *rows("02", 1, [0.7, 0.4]), *rows("03", 0, [0.9], train="")]
    found = mean_history(training_history(written(tmp_path, whole)))
    losses = found[found["measure"].eq("loss")].set_index(["train", "epoch"])
    assert losses.loc[("fog", 0), "value"] == pytest.approx(0.6)
    assert losses.loc[("fog", 1), "value"] == pytest.approx(0.3)
    assert losses["seeds"].to_dict() == {("fog", 0): 2, ("fog", 1): 2, ("fog", 2): 1, ("", 0): 1}
    assert np.isnan(losses.loc[("fog", 2), "value"])
    assert losses.loc[("", 0), "value"] == pytest.approx(0.9)


def test_trainings_that_a_seed_does_not_tell_apart_have_no_mean(tmp_path):
    whole = [*rows("01", 0, [0.5]), *rows("02", 1, [0.7]), *rows("03", 1, [0.6])]
    assert mean_history(training_history(written(tmp_path, whole)))["value"].isna().all()
