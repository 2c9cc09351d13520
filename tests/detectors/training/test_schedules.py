"""Rules that set the rate, choose the epoch that is kept and end a training."""

import pytest

from detectors.training.schedules import CosineSchedule, EarlyStopping, StepSchedule


def follow(rule, accuracies):
    """Rates before each epoch, which epochs are kept, and whether training is over after the last."""
    state = rule.start()
    rates, kept = [], []
    for accuracy in accuracies:
        assert not state.stopped
        rates.append(state.rate)
        kept.append(state.update(accuracy))
    return rates, kept, state.stopped


def test_published_rule_on_a_flat_course():
    rates, kept, stopped = follow(EarlyStopping(), [0.5] * 18)
    # three stages: 1e-4 / 10 / 10 is 1.0000000000000002e-06 in floating point, which is not below 1e-6
    assert rates == [1e-4] * 6 + [1e-4 / 10] * 6 + [1e-4 / 10 / 10] * 6
    assert kept == ([True] + [False] * 5) * 3
    assert stopped


def test_a_lowest_rate_above_the_quirk_ends_a_stage_earlier():
    _, _, stopped = follow(EarlyStopping(lowest_rate=1e-6 * 1.01), [0.5] * 12)
    assert stopped


@pytest.mark.parametrize(
    ("accuracies", "kept"),
    [
        ([0.5, 0.6, 0.7], [True, True, True]),
        ([0.5, 0.5005, 0.5011], [True, False, True]),  # against the best, not against the last
        ([0.5, 0.4, 0.4, 0.4, 0.4, 0.6], [True, False, False, False, False, True]),  # four misses are forgiven
        ([0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.1, 0.1015, 0.1021], [True] + [False] * 5 + [True, False, True]),
    ],
    ids=["rising", "margin", "forgiven", "later margin"],
)
def test_published_rule_epoch_by_epoch(accuracies, kept):
    assert follow(EarlyStopping(), accuracies)[1] == kept


def test_misses_count_in_a_row():
    rates, _, _ = follow(EarlyStopping(), [0.5, 0.4, 0.4, 0.4, 0.4, 0.6, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    assert rates == [1e-4] * 11 + [1e-4 / 10]


def test_a_cosine_falls_to_nothing_and_keeps_the_best_epoch():
    rates, kept, stopped = follow(CosineSchedule(1.0, 4), [0.5, 0.7, 0.6, 0.7])
    assert rates == pytest.approx([1, 0.5 + 0.5**1.5, 0.5, 0.5 - 0.5**1.5])
    assert kept == [True, True, False, True]
    assert stopped


def test_steps_lower_the_rate_and_keep_the_last_weights():
    state, rates = StepSchedule(rate=1.0, factor=0.5, every=2).start(), []
    for accuracy in (0.9, 0.1, 0.1, 0.1, 0.1):
        rates.append(state.rate)
        assert state.update(accuracy)
        assert not state.stopped
    assert rates == [1, 1, 0.5, 0.5, 0.25]
    constant = StepSchedule(rate=0.3).start()
    constant.update(0)
    assert constant.rate == 0.3


def test_delayed_steps_come_later_by_as_many_epochs():
    rates, _, _ = follow(StepSchedule(rate=1.0, factor=0.5, every=2, delay=1), [0.5] * 7)
    assert rates == [1, 1, 1, 0.5, 0.5, 0.25, 0.25]
