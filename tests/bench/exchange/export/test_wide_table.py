"""One row per image, one column per detector as it was trained."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from bench.evaluation.cells import evaluate
from bench.exchange.export.image_rows import image_rows
from bench.exchange.export.wide_table import column_names, wide_table
from bench.platform.errors import InputError
from tests.support.synthetic_runs import make_run, own_real_images


def test_a_column_has_the_scores_of_one_training():
    run = own_real_images(make_run(seeds=(0, 1), n=6))
    rows = image_rows(run)
    wide = wide_table(rows, "score")
    assert list(wide.columns[:9]) == [
        *("image", "path", "content_hash", "generator", "label", "class", "source", "split", "degradation")
    ]
    assert len(wide) == rows["image"].nunique()
    assert list(wide.columns[9:]) == list(dict.fromkeys(column_names(rows)))
    assert "alpha@fog@1" in wide
    cells = evaluate(run).table.set_index(["detector", "train", "test", "seed"])
    tested = set(rows.loc[rows["test"].eq("kiln"), "image"])
    own = wide[wide["image"].isin(tested)]
    area = roc_auc_score(own["label"], own["alpha@fog@1"])
    assert area == pytest.approx(cells.loc[("alpha", "fog", "kiln", 1), "roc_auc"], abs=1e-12)


def test_one_training_of_each_is_called_by_its_detector():
    rows = image_rows(make_run(degraded=True, n=4))
    wide = wide_table(rows, "score")
    assert list(wide.columns[-2:]) == ["alpha", "beta"]
    assert len(wide) == rows.groupby(["image", "degradation"]).ngroups
    assert wide.dtypes["alpha"] == np.float32


def test_what_a_detector_was_not_asked_is_missing():
    rows = image_rows(own_real_images(make_run(n=4)))
    few = rows[rows["detector"].ne("alpha") | rows["test"].ne("fog")]
    wide = wide_table(few, "score")
    untold = wide["image"].isin(set(rows.loc[rows["test"].eq("fog"), "image"]))
    assert wide.loc[untold, "alpha@fog"].isna().all()
    assert wide.loc[~untold, "alpha@fog"].notna().all()


def test_scores_that_cannot_be_told_apart_are_refused():
    rows = image_rows(make_run(n=4))  # in which an image is scored anew for every test set
    with pytest.raises(InputError, match=r"several scores of alpha@fog .* export the long table: --what scores"):
        wide_table(rows, "score")
    alike = rows["label"].eq(0)
    wide = wide_table(rows.assign(score=rows["score"].mask(alike, 0.25)), "score")
    assert len(wide) == rows["image"].nunique()


def test_names_that_repeat_in_text_are_not_mixed_up():
    rows = pd.DataFrame(
        {"detector": ["a", "a@b"], "train": ["b", ""], "seed": [0, 0], "image": "x", "score": 0.5, "test": "t"}
    )
    assert column_names(rows) == ["a@b", "a@b"]  # whose scores are then refused where they differ
