"""The document that FiftyOne reads with `Dataset.from_json`."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from bench.exchange.export.fiftyone import field_names, fiftyone_document, sample_notes
from bench.exchange.export.image_rows import ImageFacts, image_rows
from bench.platform.errors import InputError
from tests.support.synthetic_runs import make_run, own_real_images, with_scores


def placed(run):
    """Rows of a run whose images lie in files."""
    run = own_real_images(run)
    names = run.scores["name"].unique()
    facts = pd.DataFrame({"path": [f"/data/{name}" for name in names]}, index=names, dtype=object)
    facts = facts.assign(content_hash="ab", split="val", generator=None)
    return image_rows(run, ImageFacts(facts))


def test_a_sample_has_a_path_a_truth_and_an_answer_of_each_detector():
    run = make_run(degraded=True, n=4)
    odds = np.log(run.scores["score"] / (1 - run.scores["score"])).astype(np.float32)
    rows = placed(with_scores(run, run.scores.assign(log_odds=odds)))
    document = json.loads(json.dumps(fiftyone_document(rows, "mine"), allow_nan=False))
    clean = rows[rows["degradation"].eq("none")]
    assert document["num_samples"] == len(document["samples"]) == clean["image"].nunique()
    scores = clean.set_index(["image", "detector"])
    for sample in document["samples"]:
        assert set(sample) == set(document["sample_fields"])
        assert sample["filepath"] == f"/data/{sample['image']}"
        assert sample["tags"] == ["val"]
        for detector in ("alpha", "beta"):
            answer, own = sample[f"by_{detector}"], scores.loc[(sample["image"], detector)]
            generated = answer["confidence"] if answer["label"] == "generated" else 1 - answer["confidence"]
            assert generated == pytest.approx(own["score"], abs=1e-12)
            assert (answer["label"] == "generated") == (own["score"] > 0.5)
            softmax = np.exp(answer["logits"]) / np.exp(answer["logits"]).sum()
            assert softmax[1] == pytest.approx(own["score"], abs=1e-6)
    truths = {sample["image"]: sample["ground_truth"]["label"] for sample in document["samples"]}
    assert set(truths.items()) == set(clean[["image", "class"]].itertuples(index=False, name=None))


def test_a_detector_without_log_odds_has_no_logits():
    sample = fiftyone_document(placed(make_run(n=4)), "mine")["samples"][0]
    assert "logits" not in sample["by_alpha_fog"]


def test_fields_are_plain_names_and_stay_apart():
    found = field_names(["a@b.pth", "a b.pth", "a_b_pth_2", "größe"])
    assert len(set(found.values())) == len(found)
    assert all(re.fullmatch(r"by_\w+", name, re.ASCII) for name in found.values())


def test_what_samples_do_not_show_is_said():
    rows = placed(make_run(degraded=True, n=4))
    copies = rows.loc[rows["degradation"].ne("none"), ["image", "degradation"]].drop_duplicates()
    (note,) = sample_notes(rows)
    assert f" {len(copies)} degraded copies " in note
    assert list(sample_notes(rows[rows["degradation"].eq("none")])) == []
    clean = rows[rows["degradation"].eq("none")].assign(base_degradation="jpeg:65")
    assert list(sample_notes(clean)) == ["the scores that fiftyone has are of its files after jpeg:65"]


def test_images_without_files_and_degraded_copies_alone_are_refused():
    with pytest.raises(InputError, match=r"lies in no file of its own .* with --data"):
        fiftyone_document(image_rows(make_run(n=4)), "mine")
    rows = placed(make_run(degraded=True, n=4))
    with pytest.raises(InputError, match="degraded copies are no files"):
        fiftyone_document(rows[rows["degradation"].ne("none")], "mine")
    with pytest.raises(InputError, match="differ in data"):
        fiftyone_document(placed(make_run(n=4)).assign(data=lambda rows: rows["test"]), "mine")
