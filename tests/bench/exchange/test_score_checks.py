"""Probabilities and log odds from what other tools write, and what is odd about them."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from bench.exchange.score_checks import as_probabilities, check_kind, score_notices, without_repeats
from bench.platform.errors import InputError


def rows(scores, log_odds=np.nan, images="abcdefghij"):
    size = len(scores)
    fit = {"detector": "d", "train": "", "seed": 0, "degradation": "none"}
    return pd.DataFrame({"image": list(images[:size]), **fit, "score": scores, "log_odds": log_odds}).astype(
        {"score": float, "log_odds": float}
    )


def test_logits_are_kept_and_their_probability_is_that_of_float64():
    logits = [-800.0, -3.0, 0.0, 20.0, np.nan]
    found = as_probabilities("t", rows(logits), "logit", "generated")
    assert found["score"].tolist()[:4] == [*expit(np.array(logits[:4]))]
    assert found["score"][3] < 1
    assert np.array_equal(found["log_odds"], logits, equal_nan=True)


def test_the_probability_of_real_is_turned_round_only_where_it_is_said():
    found = as_probabilities("t", rows([0.9, 0.2], [2.0, -1.0]), None, "real")
    assert found["score"].tolist() == pytest.approx([0.1, 0.8])
    assert found["log_odds"].tolist() == [-2.0, 1.0]
    assert as_probabilities("t", rows([0.9, 0.2]), None, "generated")["score"].tolist() == [0.9, 0.2]


@pytest.mark.parametrize(
    ("scores", "kind", "message"),
    [
        ([0.5, 3.25], None, r"1 of 2 scores are outside \[0, 1\], such as 3.25 of b; .*--scores logit; .*percentages"),
        ([-1.0, 3.25], None, r"2 of 2 scores are outside .* say --scores logit$"),
        ([0.5, 3.25], "probability", "1 scores are no probabilities"),
        ([0.5, np.inf], None, "1 of 2 scores are outside"),
        ([0.5, -np.inf], "logit", "1 logits are infinite, such as -inf of b"),
    ],
)
def test_numbers_that_are_not_what_they_should_be_are_counted(scores, kind, message):
    with pytest.raises(InputError, match=message):
        as_probabilities("t", rows(scores), kind, "generated")


def test_log_odds_that_contradict_the_scores_are_refused():
    as_probabilities("t", rows([0.5, 0.9], [1e-5, 3.0]), None, "generated")
    with pytest.raises(InputError, match=r"1 scores are on one side of 0.5 and their log odds on the other"):
        as_probabilities("t", rows([0.1, 0.9], [1.0, 3.0]), None, "generated")


def test_images_that_come_twice_count_once_or_are_refused():
    table = rows([0.1, 0.2, 0.1], images="aba")
    kept, said = without_repeats("t", table)
    assert (kept["image"].tolist(), said[:6]) == (["a", "b"], "1 rows")
    with pytest.raises(InputError, match="1 images have several scores that differ, such as a by d"):
        without_repeats("t", rows([0.1, 0.2, 0.3], images="aba"))
    other = table.assign(degradation=["none", "none", "jpeg:65"])
    assert len(without_repeats("t", other)[0]) == 3


def scored(real, generated):
    labels = [0] * len(real) + [1] * len(generated)
    return pd.DataFrame({"label": labels, "score": [*real, *generated], "log_odds": np.nan})


def test_a_positive_class_that_seems_inverted_is_a_notice_and_chance_is_none():
    random = np.random.default_rng(3)
    low, high = random.uniform(0, 0.4, 30), random.uniform(0.6, 1, 30)
    assert list(score_notices(scored(low, high))) == []
    (said,) = score_notices(scored(high, low))
    assert "ROC AUC 0.0%" in said
    assert "--positive real" in said
    chance = [list(score_notices(scored(random.random(30), random.random(30)))) for _ in range(200)]
    assert sum(map(bool, chance)) <= 2


def test_decisions_alone_are_a_notice():
    assert ["decisions" in said for said in score_notices(scored([0, 0, 1], [1, 1, 0]))] == [True]


def test_a_column_that_is_called_logits_must_be_said_to_be_what():
    with pytest.raises(InputError, match="the column logit; say what they are"):
        check_kind("", "logit")
    assert (check_kind("logit", "logit"), check_kind("probability", "logit"), check_kind("", "")) == (
        "logit",
        "probability",
        None,
    )
