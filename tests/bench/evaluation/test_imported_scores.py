"""Imported scores over degraded copies, copies that data ship and plain data, against scikit-learn and by hand."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from bench.evaluation.imported_scores import imported_outcomes
from bench.images.data_sets import read
from bench.images.degraded_copies import OriginalImages, write_copies
from bench.platform.errors import InputError
from bench.records import columns
from tests.support.small_data_sets import write_images

CHAINS = ("jpeg:90", "jpeg:30", "blur:1")
NAMES = [f"{kind}/{number}.png" for kind in ("flux", "sdxl", "real") for number in range(12)]


@pytest.fixture(scope="module")
def degraded(tmp_path_factory):
    """Two generators and their real images under three degradations, as `lineup degrade` writes them."""
    root = tmp_path_factory.mktemp("imported")
    write_images(root / "data", *NAMES)
    images = read(str(root / "data"))
    originals = OriginalImages("data", images.names, images.__getitem__, images.table.drop(columns="split"))
    write_copies(originals, root / "copies", CHAINS, 1, lambda _: None)
    return read(str(root / "copies"))


@pytest.fixture(scope="module")
def made(degraded):
    """Made scores, some equal, and the manifest with them."""
    random = np.random.default_rng(3)
    manifest = pd.read_csv(f"{degraded.files.where}/manifest.csv", keep_default_na=False)
    manifest["pred"] = np.round(np.clip(random.normal(0.4 + 0.2 * manifest["label"], 0.25), 0, 1), 1)
    return manifest


@pytest.fixture(scope="module")
def found(degraded, made):
    return imported_outcomes("theirs", degraded, dict(zip(made["path"], made["pred"], strict=True)))


def test_areas_are_those_of_scikit_learn(found, made):
    clean = made["copy"] == "none"
    overall = found.overall
    assert overall.clean_auc == pytest.approx(roc_auc_score(made["label"][clean], made["pred"][clean]))
    assert overall.pooled_auc == pytest.approx(roc_auc_score(made["label"][~clean], made["pred"][~clean]))
    assert found.by_condition[columns.DEGRADATION].tolist()[0] == "none"
    assert set(found.by_condition[columns.DEGRADATION]) == {"none", *CHAINS}
    for row in found.by_condition.itertuples():
        own = made[made["copy"] == row.degradation]
        assert row.roc_auc == pytest.approx(roc_auc_score(own["label"], own["pred"]))
        assert row.balanced_accuracy == pytest.approx(balanced_accuracy_score(own["label"], own["pred"] > 0.5))
        assert (row.n, row.n_generated) == (36, 24)


def test_flips_are_counted_by_original(found, made):
    verdicts = made.assign(called=made["pred"] > 0.5).groupby("original")["called"].nunique()
    assert len(verdicts) == found.overall.images == 36
    assert found.overall.flip_rate == pytest.approx((verdicts > 1).mean())
    assert 0 < found.overall.flip_low < found.overall.flip_rate < found.overall.flip_high < 1


def test_the_worst_generator_and_condition_are_means_of_balanced_accuracy(found, made):
    kind = made["original"].str.split("/").str[0]
    accuracy = {
        (generator, copy): balanced_accuracy_score(own["label"], own["pred"] > 0.5)
        for generator in ("flux", "sdxl")
        for copy in ("none", *CHAINS)
        if len(own := made[kind.isin([generator, "real"]) & (made["copy"] == copy)])
    }
    by_generator = {
        one: np.mean([value for (name, _), value in accuracy.items() if name == one]) for one in ("flux", "sdxl")
    }
    worst = min(by_generator, key=by_generator.get)
    assert (found.overall.worst_generator.where, found.overall.worst_generator.value) == (
        worst,
        pytest.approx(by_generator[worst]),
    )
    assert found.overall.worst_real is None  # both have the same real images
    assert found.overall.conditions == found.overall.planned == 1 + len(CHAINS)
    assert found.overall.mean == pytest.approx(np.mean(list(accuracy.values())))


def test_data_without_degradation_have_one_condition_and_nothing_flips(tmp_path):
    write_images(tmp_path, *NAMES)
    images = read(str(tmp_path))
    scores = {name: (0.2 if name.startswith("real") else 0.7) for name in images.names}
    found = imported_outcomes("theirs", images, scores)
    assert (found.overall.clean_auc, found.overall.flip_rate, found.overall.conditions) == (1.0, 0.0, 1)
    assert np.isnan(found.overall.pooled_auc)
    assert len(found.by_condition) == 1


def test_copies_that_data_ship_are_conditions(tmp_path):
    write_images(tmp_path, *(f"{copy}/{name}" for copy in ("original", "facebook") for name in NAMES))
    images = read(str(tmp_path))
    scores = {name: float(name == "facebook/flux/3.png") for name in images.names}
    found = imported_outcomes("theirs", images, scores)
    assert found.overall.images == 36
    assert found.overall.flip_rate == pytest.approx(1 / 36)
    assert found.by_condition[columns.DEGRADATION].tolist() == ["none", "facebook"]


def test_copies_of_which_it_is_not_known_whose_they_are_are_refused(tmp_path):
    write_images(tmp_path, *NAMES)
    rows = [f"{name},{int(not name.startswith('real'))},same,q_{number % 2}\n" for number, name in enumerate(NAMES)]
    (tmp_path / "manifest.csv").write_text("path,label,source,copy\n" + "".join(rows))
    images = read(str(tmp_path))
    with pytest.raises(InputError, match="is not the only one of its source of its kind; name what each is a copy of"):
        imported_outcomes("theirs", images, dict.fromkeys(images.names, 0.5))
