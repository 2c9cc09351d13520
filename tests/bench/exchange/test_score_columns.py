"""Roles of columns: by the names that other tools use, and as a user states."""

import pytest

from bench.exchange.score_columns import find_score_columns, parse_score_columns
from bench.images.annotations.records import TextRecords
from bench.platform.errors import InputError

NUMBERS = ["0.1", "0.9", "0.4"]


def found(stated="", **columns):
    values = {name: value or NUMBERS for name, value in columns.items()}
    return find_score_columns(TextRecords("t.csv", values), parse_score_columns(stated))


@pytest.mark.parametrize("image", ["image", "image_path", "Filename", "file_name", "path", "img_path", "name"])
@pytest.mark.parametrize("score", ["score", "y_score", "prob", "pred", "probability", "fake_prob"])
def test_the_names_of_other_tools_are_known(image, score):
    columns = found(**{image: ["a"] * 3, score: None})
    assert (columns.by_role, columns.scores, columns.named_logits) == ({"image": image}, (score,), False)


def test_what_lineup_itself_writes_is_known():
    columns = found(
        name=["a"] * 3, detector=["d"] * 3, degradation=["none"] * 3, score=None, log_odds=None, verdict=None
    )
    assert columns.scores == ("score",)
    assert columns.by_role == {
        "image": "name", "detector": "detector", "degradation": "degradation", "log_odds": "log_odds",
    }  # fmt: skip


def test_a_column_called_logit_is_of_scores_only_where_there_is_no_other():
    assert found(path=["a"] * 3, logit=None).scores == ("logit",)
    assert found(path=["a"] * 3, logit=None).named_logits
    assert found("score=logit", path=["a"] * 3, logit=None).named_logits
    both = found(path=["a"] * 3, logit=None, prob=None)
    assert (both.scores, both.by_role["log_odds"], both.named_logits) == (("prob",), "logit", False)


def test_several_columns_of_scores_are_detectors_each():
    columns = found("score=ours,score=theirs,image=file", file=["a"] * 3, ours=None, theirs=None, log_odds=None)
    assert columns.scores == ("ours", "theirs")
    assert columns.by_role == {"image": "file"}  # log odds beside several scores would be of none


def test_a_dash_takes_a_role_away():
    assert "source" in found(path=["a"] * 3, source=["s"] * 3, score=None).by_role
    assert "source" not in found("source=-", path=["a"] * 3, source=["s"] * 3, score=None).by_role
    assert found("label=-", path=["a"] * 3, y_true=["1"] * 3, score=None).by_role["label"] == "-"


def test_labels_of_the_names_of_data_sets_go_before_those_of_libraries():
    assert "label" not in found(label=["real"] * 3, y=None, score=None).by_role
    assert found(y_true=["real"] * 3, y=None, score=None).by_role["label"] == "y_true"


def test_a_column_of_models_is_asked_about_unless_all_are_known_generators():
    assert found(path=["a"] * 3, model=["ProGAN", "", "real"], score=None).by_role["generator"] == "model"
    with pytest.raises(InputError, match="--columns generator=model or --columns detector=model,generator=-"):
        found(path=["a"] * 3, model=["CNNDetection", "Ojha", "NPR"], score=None)
    stated = found("detector=model", path=["a"] * 3, model=["CNNDetection", "Ojha", "NPR"], score=None)
    assert stated.by_role["detector"] == "model"
    assert "generator" not in stated.by_role


def test_a_table_without_scores_names_what_may_be_some():
    with pytest.raises(InputError, match=r"score=ours,score=theirs; its columns are file, label, ours, theirs"):
        found(file=["a"] * 3, label=["0", "1", "1"], ours=None, theirs=None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour=a", "there is no colour"),
        ("image=a,image=b", "states image 2 times"),
        ("image=absent", "no column absent, which --columns image=absent names"),
    ],
)
def test_columns_that_cannot_be_stated_are_refused(text, message):
    with pytest.raises(InputError, match=message):
        found(text, file=["a"] * 3, score=None)
