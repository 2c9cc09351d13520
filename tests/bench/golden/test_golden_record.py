from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.evaluation.cells import cells_table
from bench.golden.golden_record import (
    describe_update,
    golden_from,
    pack,
    quantise,
    read_golden,
    restore,
    unpack,
    with_detectors_of,
    write_golden,
)
from bench.metrics.metric import called_generated
from bench.platform.errors import InputError
from tests.support.synthetic_runs import (
    GENERATORS,
    falling,
    make_run,
    with_data,
    with_detector,
    with_manifest,
    with_scores,
    without,
)

EDGES = [0.0, 1e-7, float(np.nextafter(np.float32(0.5), 0)), 0.5, float(np.nextafter(np.float32(0.5), 1)), 1.0]


@given(arrays(np.float32, st.integers(1, 30), elements=st.sampled_from(EDGES) | st.floats(0, 1, width=32)))
def test_rounding_keeps_every_decision(scores):
    back = restore(quantise(scores))
    assert (called_generated(back) == called_generated(scores)).all()
    assert np.abs(back.astype(float) - scores).max() <= 2**-17 + 1e-7
    assert ((back >= 0) & (back <= 1)).all()
    assert (quantise(back) == quantise(scores)).all()


def test_a_record_reads_back_as_the_run(tmp_path):
    run = make_run(seeds=(0, 1))
    write_golden(golden_from([run]), tmp_path / "golden")
    back = read_golden(tmp_path / "golden")
    assert back.manifest == run.manifest
    pd.testing.assert_frame_equal(back.cells, run.cells)
    found, expected = (
        one.scores.sort_values(["key", "name"], ignore_index=True).astype({"label": int}) for one in (back, run)
    )
    pd.testing.assert_frame_equal(found.drop(columns="score"), expected.drop(columns="score"))
    assert np.abs(found["score"] - expected["score"]).max() < 1e-5
    accuracies = ["accuracy", "accuracy_low", "accuracy_high", "real_accuracy", "generated_accuracy"]
    pd.testing.assert_frame_equal(cells_table(back)[accuracies], cells_table(run)[accuracies])


def test_a_record_of_full_size_is_small():
    """64 cells and 11 degradations of 6 detectors with 3 seeds, 200 images each, uniform scores."""
    questions = make_run(detectors=["a"], n=100).cells
    copies = 76 * 6 * 3 // len(questions) + 1
    run = make_run(detectors=[f"d{i}" for i in range(copies)], n=100)
    assert len(run.cells) >= 76 * 6 * 3
    sizes = {name: len(data) for name, data in pack(golden_from([run])).items()}
    assert sum(sizes.values()) < 900_000, sizes


def test_packing_is_deterministic_and_ignores_row_order():
    run = golden_from([make_run()])
    shuffled = with_scores(run, run.scores.sample(frac=1, random_state=0))
    packed = pack(run)
    assert packed == pack(shuffled)
    assert pack(unpack(packed)) == packed


def test_seeds_are_joined_and_throughput_is_left_out():
    golden = golden_from([make_run(seeds=(0,)), make_run(seeds=(1,)), make_run(seeds=(2,))])
    assert golden.manifest.seeds == (0, 1, 2)
    assert len(golden.cells) == 3 * 2 * len(GENERATORS) ** 2
    assert golden.throughput.empty


def test_two_questions_make_no_record():
    with pytest.raises(InputError, match="holds one question, these 2 runs ask 2"):
        golden_from([make_run(), make_run(degraded=True)])


def test_a_hole_makes_no_record():
    run = make_run()
    with pytest.raises(InputError, match="1 of 32 were not scored; alpha was failed: OSError: no room"):
        golden_from([without(run, run.cells.index == 2, "failed", "OSError: no room")])


def test_a_missing_or_damaged_record_is_told(tmp_path):
    with pytest.raises(InputError, match=r"holds no golden record \(manifest.json is missing\)"):
        read_golden(tmp_path)
    write_golden(golden_from([make_run()]), tmp_path)
    (tmp_path / "scores.parquet").write_bytes(b"PAR1 cut off")
    with pytest.raises(InputError, match="is damaged"):
        read_golden(tmp_path)


def test_an_update_is_described():
    old = golden_from([make_run(detectors=["alpha", "beta", "gone"])])

    def better(detector, *where):
        return falling(home=0.99)(detector, *where) if detector == "alpha" else falling()(detector, *where)

    new = golden_from([make_run(better, detectors=["alpha", "beta", "fresh"])])
    new = with_data(with_detector(new, "alpha", key="alpha.2.small"), digest="d2")
    lines = describe_update(old, new).splitlines()
    assert "record: 48 cells, 3 detectors, seeds [0]" in lines
    assert "alpha: alpha.1.small -> alpha.2.small" in lines
    assert "data digest: d1 -> d2" in lines
    assert "gone: gone.1.small -> absent" in lines
    assert "fresh: absent -> fresh.1.small" in lines
    assert "1600 decisions are gone" in lines
    assert "1600 decisions are added" in lines
    assert "beta: all 1600 decisions as before" in lines
    assert any(line.startswith("alpha: mean accuracy") and "4 of 16 cells" in line for line in lines)


def test_one_detector_is_replaced_and_the_others_stay_to_the_last_bit(tmp_path):
    old = golden_from([make_run(detectors=["alpha", "beta"], seeds=(0, 1))])
    new = golden_from([with_detector(make_run(detectors=["beta"], seeds=(0, 1), noise=1), "beta", key="beta.2.small")])
    new = replace(new, cells=new.cells.assign(key="new/" + new.cells["key"]).sample(frac=1, random_state=0))
    new = with_scores(new, new.scores.assign(key="new/" + new.scores["key"]))
    write_golden(with_detectors_of(old, new, ["beta"]), tmp_path)
    back = read_golden(tmp_path)
    identity = ["detector", "train", "test", "degradation", "seed"]
    pd.testing.assert_frame_equal(back.cells[identity], old.cells[identity])
    lines = describe_update(unpack(pack(old)), back).splitlines()
    assert "alpha: all 3200 decisions as before" in lines
    assert "beta: beta.1.small -> beta.2.small" in lines
    assert "commit: abc -> abc; beta: abc" in lines
    assert any(line.startswith("beta: mean accuracy") for line in lines)
    first, second = (
        run.scores[run.scores["key"].str.startswith("alpha")].sort_values(["key", "name"], ignore_index=True)
        for run in (unpack(pack(old)), back)
    )
    assert np.array_equal(first["score"], second["score"])
    accuracies = cells_table(new).set_index(identity)["accuracy"]
    replaced = cells_table(back).set_index(identity)["accuracy"].loc[["beta"]]
    pd.testing.assert_series_equal(replaced.sort_index(), accuracies.sort_index())


@pytest.mark.parametrize("other", [{"seeds": (0,)}, {"degraded": True}, {"n": 20}, {"n": 5}])
def test_a_detector_of_other_cells_or_images_does_not_replace_one(other):
    old = golden_from([make_run(detectors=["alpha", "beta"], seeds=(0, 1), n=10)])
    new = golden_from([make_run(**({"detectors": ["beta"], "seeds": (0, 1), "n": 10} | other))])
    with pytest.raises(
        InputError, match="holds other cells or images of beta: make all of it anew, with --update alone"
    ):
        with_detectors_of(old, new, ["beta"])


def test_a_detector_of_another_setting_or_version_of_the_data_does_not_replace_one():
    old = golden_from([make_run()])
    for new in (with_manifest(old, setting="paper"), with_data(old, version="2")):
        with pytest.raises(InputError, match="make all of it anew"):
            with_detectors_of(old, new, ["beta"])


def test_a_first_record_is_described():
    assert describe_update(None, golden_from([make_run()])) == "new record: 32 cells, 2 detectors, seeds [0]"


def test_files_of_two_records_are_not_read_as_one(tmp_path):
    """An update that was killed between two files."""
    write_golden(golden_from([make_run()]), tmp_path)
    newer = pack(golden_from([make_run(noise=1)]))
    (tmp_path / "scores.parquet").write_bytes(newer["scores.parquet"])
    with pytest.raises(InputError, match=r"is damaged \(manifest.json was not written with these tables\); restore it"):
        read_golden(tmp_path)


def test_a_record_of_an_older_schema_is_told_how_to_be_made_anew(tmp_path):
    write_golden(golden_from([make_run()]), tmp_path)
    (tmp_path / "manifest.json").write_text('{"protocol": "cross_generator", "setting": "embedded"}')
    with pytest.raises(InputError, match=r"an older version of Lineup \(schema 1, .*\); make a new one with --update$"):
        read_golden(tmp_path)


@pytest.mark.parametrize(
    ("protocol", "leading"), [("cross_generator", ["diagonal", "off-diagonal"]), ("degradation", ["none", "degraded"])]
)
def test_the_committed_record_reads(protocol, leading):
    golden = read_golden(Path(__file__).parents[3] / "results" / "golden" / protocol)
    asked = golden.manifest.protocol
    assert (asked.name, golden.manifest.setting) == (protocol, "small")
    assert [asked.group("home"), asked.group("away")] == leading
    members = {name for names in golden.cells["groups"] for name in names}
    assert members == {group.name for group in asked.groups}
    packed = pack(golden)
    assert packed["scores.parquet"] == pack(unpack(packed))["scores.parquet"]
