"""How many images, and how many pixels, stand behind rows, formats and degradations."""

import numpy as np
import pytest

from bench.engine.selections import Selections
from bench.images.assembly import with_base_degradation
from bench.images.counts.counted_images import counted_images
from bench.rehearsal.amounts import Amount, ImageAmounts, added, beginnings, by_format
from tests.support.miniature import Bench


@pytest.fixture
def pool(miniature, tmp_path):
    bench = Bench(miniature, tmp_path, {})
    bench.planned([])
    return bench.selections.pool


def test_beginnings_of_a_chain():
    assert beginnings("lr:112+jpeg:75") == ["lr:112", "lr:112+jpeg:75"]
    assert beginnings("none") == beginnings("") == []


def test_steps_that_chains_share_are_counted_once_and_decoding_too(pool):
    amounts = ImageAmounts(pool)
    few, more = np.arange(4), np.arange(2, 8)
    reading = amounts.reading([("none", few), ("lr:20+jpeg:75", few), ("lr:20+jpeg:50", more), ("blur:1", more[:0])])
    assert {name: one.images for name, one in reading.decoded.items()} == {"PNG": 8}
    assert {name: one.images for name, one in reading.degraded.items() if one.images} == {
        "lr:20": 8, "lr:20+jpeg:75": 4, "lr:20+jpeg:50": 6,
    }  # fmt: skip
    assert reading.decoded["PNG"].pixels == 8 * 40 * 40
    twice = reading + reading.times(0.5)
    assert twice.degraded["lr:20"] == Amount(12, 12 * 40 * 40)


def test_what_the_data_has_degraded_is_degraded_whenever_it_is_read(miniature, tmp_path):
    bench = Bench(miniature, tmp_path, {})
    bench.planned([])
    whole = bench.inspections[""]
    degraded = type(whole)(with_base_degradation(whole.images, "jpeg:50+blur:1"), whole.records)
    reading = ImageAmounts(Selections({"": degraded}).pool).reading([("none", np.arange(5))])
    assert {name: one.images for name, one in reading.degraded.items()} == {"jpeg:50": 5, "jpeg:50+blur:1": 5}


def test_all_of_a_table_of_counts_by_format():
    formats = by_format(counted_images("genimage"))
    assert {name: one.images for name, one in formats.items()} == {"PNG": 1_350_000, "JPEG": 1_331_167}
    assert formats["JPEG"].pixels == 1_331_167 * 469 * 387


def test_amounts_add_up_by_name():
    assert added([{"a": Amount(1, 2.0)}, {"a": Amount(2, 3.0), "b": Amount(1, 1.0)}]) == {
        "a": Amount(3, 5.0),
        "b": Amount(1, 1.0),
    }
