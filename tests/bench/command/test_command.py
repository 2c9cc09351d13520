"""What a user types and sees: results where they are promised, and one clear line for what cannot be used."""

import json
import re
import shutil

import pandas as pd
import pytest

from bench.evaluation.cells import TABLE_COLUMNS
from bench.records.columns import THROUGHPUT
from tests.support.command_line import call, one_line
from tests.support.miniature import SIZES
from tests.support.planted_shortcuts import as_png, write_planted


def test_a_run_leaves_what_it_promises(finished):
    root, _ = finished
    out = root / "cross_generator"
    names = {path.name for path in out.iterdir()}
    assert names >= {
        "manifest.json", "scores", "cells.parquet", "throughput.csv", "leaderboard.md", "leaderboard.csv",
        "leaderboard.json", "matrix-checkerboard.csv", "matrix-hog_svm.csv", "matrix.png",
    }  # fmt: skip
    cells = pd.read_parquet(out / "cells.parquet")
    assert tuple(cells.columns) == TABLE_COLUMNS
    assert len(cells) == 2 * 9
    assert set(cells["n"]) == {2 * SIZES["val"]}
    assert (cells["accuracy_low"] <= cells["accuracy"]).all()
    assert (cells["accuracy"] <= cells["accuracy_high"]).all()
    matrix = pd.read_csv(out / "matrix-checkerboard.csv", index_col=0)
    assert matrix.shape == (3, 3)
    assert matrix.loc["even", "odd"] == pytest.approx(
        cells.set_index(["detector", "train", "test"]).loc[("checkerboard", "even", "odd"), "accuracy"]
    )


def test_throughput_adds_up(finished):
    table = pd.read_csv(finished[0] / "cross_generator" / "throughput.csv")
    assert tuple(table.columns) == THROUGHPUT
    assert set(table["detector"]) == {"checkerboard", "hog_svm"}
    assert (table["images_per_s_low"] <= table["images_per_s"]).all()
    assert (table["images_per_s"] <= table["images_per_s_high"]).all()
    stages = table[["read_ms", "decode_ms", "prepare_ms", "copy_ms", "device_ms", "head_ms"]].sum(axis=1)
    assert (stages * table["images_per_s"] / 1000).between(0.5, 2).all()  # medians of parts and of the whole


def test_the_manifest_says_what_ran(finished):
    manifest = json.loads((finished[0] / "degradation" / "manifest.json").read_text())
    assert manifest["protocol"]["name"] == "degradation"
    assert manifest["setting"] == "small"
    assert manifest["data"]["kind"] == "folder"
    assert manifest["runtime"]["device"] == "cpu"
    assert manifest["detectors"]["hog_svm"]["card"]["paper"]
    assert manifest["detectors"]["hog_svm"]["card"]["trained_on"] == "the train subset of the run"
    assert {cell["degradation"] for cell in manifest["cells"]} >= {"none", "jpeg:65", "blur:3", "lr:64"}


def test_the_leaderboard_is_printed_with_its_data(finished):
    _, done = finished
    for protocol, title in (("cross_generator", "off-diagonal"), ("degradation", "degraded")):
        printed = done[protocol].stdout
        assert "Data: data. Setting: small." in printed
        assert title in printed
        assert "hog_svm" in printed


def test_repeating_a_command_decodes_nothing(finished, lineup, data):
    root, _ = finished
    again = lineup("run", "--data", data, "--detectors", "checkerboard,hog_svm", "--out", root / "cross_generator")
    assert "Done: 18 cells reused." in again.stderr
    assert again.stdout == finished[1]["cross_generator"].stdout


def test_leaderboard_and_matrix_come_from_result_folders(finished, lineup, lineup_process, tmp_path):
    root, done = finished
    shown = lineup_process("leaderboard", root / "cross_generator", root / "degradation", "--out", tmp_path / "tables")
    assert shown.returncode == 0
    for protocol in done:
        table, _, sections = done[protocol].stdout.partition("Over all conditions")
        assert table in shown.stdout
        assert bool(sections) == (protocol == "degradation")
    assert {path.name for path in (tmp_path / "tables").iterdir()} >= {"leaderboard.md", "leaderboard.csv"}
    matrix = lineup("matrix", root / "cross_generator", "checkerboard")
    assert matrix.returncode == 0
    assert "faint" in matrix.stdout
    whole = lineup("show", root / "cross_generator")
    assert whole.stdout.startswith(done["cross_generator"].stdout)
    assert matrix.stdout in whole.stdout
    assert f"As a picture: {root / 'cross_generator' / 'matrix.png'}" in whole.stdout.replace("\n", "")


def test_a_dry_run_says_what_it_would_do_and_does_nothing(data, tmp_path):
    usual = ("run", "--data", data, "--detectors", "checkerboard", "--no-baselines", "--out", tmp_path / "out")
    done = call({"LINEUP_CACHE": str(tmp_path / "cache")}, *usual, "--dry-run")
    assert done.returncode == 0
    images = 3 * 2 * (SIZES["train"] + SIZES["val"])
    assert f"To answer: 9 of 9 cells, 3 fits, {images} images to decode, 0 to degrade, 0 to embed" in done.stderr
    assert "Expected time: unknown, for nothing was measured on this machine; add --measure" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_dry_run_of_counts_measures_and_needs_no_image_and_nothing_else_takes_them(lineup, tmp_path):
    table = tmp_path / "mine.csv"
    kinds = [f"{name},{label},{split},900,64,64" for name in "ab" for label in ("real", "generated") for split in SIZES]
    table.write_text("\n".join(["generator,label,split,images,width,height", *kinds]))
    usual = (
        "run",
        "--data",
        f"counts:{table}",
        "--detectors",
        "checkerboard",
        "--no-baselines",
        "--out",
        tmp_path / "out",
    )
    done = lineup(*usual, "--dry-run", "--measure")
    assert done.returncode == 0, done.stderr
    assert f"Data: {table} (7200 images, 2 generators, counts:{table})" in done.stderr
    assert "To answer: 4 of 4 cells, 2 fits, 7,200 images to decode, 0 to degrade, 0 to embed" in done.stderr
    assert "Expected time: " in done.stderr
    assert "unknown" not in done.stderr
    assert f"{table} are numbers of images, and none is here to be read; add --dry-run" in one_line(lineup(*usual))
    assert "add --dry-run, or leave it out" in one_line(lineup(*usual, "--measure"))
    table.write_text("generator,label\na,real")
    assert f"counts {table} have no column split" in one_line(lineup(*usual, "--dry-run"))
    assert "neither a file nor among those that ship, genimage" in one_line(
        lineup(*usual[:2], "counts:genimag", *usual[3:])
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("protocol", ["cross_generator", "degradation"])
def test_a_dry_run_writes_nothing_whatever_is_not_there_yet(data, tmp_path, protocol):
    cache = {"LINEUP_CACHE": str(tmp_path / "cache")}
    usual = ("run", "--dry-run", "--protocol", protocol, "--detectors", "hog_svm", "--out", tmp_path / "out")
    embedded = call(cache, *usual, "--train-on", "GAN_PS")
    assert embedded.returncode == 0, embedded.stderr
    assert "the embedded corpus is not there yet: the run will make it first" in embedded.stderr
    assert {"cross_generator": "8 of 8 cells", "degradation": "11 of 11 cells"}[protocol] in embedded.stderr
    mine = call(cache, *usual, "--data", data)
    assert mine.returncode == 0, mine.stderr
    assert "files were never inspected: the run will decode each of them first" in mine.stderr
    assert list(tmp_path.iterdir()) == []


def test_names_are_checked_before_the_embedded_corpus_is_made(tmp_path):
    cache = {"LINEUP_CACHE": str(tmp_path / "cache")}
    usual = ("run", "--protocol", "degradation", "--detectors", "hog_svm", "--out", tmp_path / "out")
    assert "the embedded corpus: generator 'gan_px' is not known; did you mean gan_ps?" in one_line(
        call(cache, *usual, "--train-on", "gan_px")
    )
    assert "degradation 'blurr:1' is not known; did you mean blur:1?" in one_line(
        call(cache, *usual, "--degradations", "blurr:1")
    )
    assert list(tmp_path.iterdir()) == []


def test_generators_are_named_as_folders_spell_them_in_any_case(lineup, data, tmp_path):
    out = tmp_path / "out"
    done = lineup("run", "--data", data, "--detectors", "checkerboard", "--train-on", "EVEN+odd,Faint", "--out", out)
    assert done.returncode == 0, done.stderr
    assert set(pd.read_parquet(out / "cells.parquet")["train"]) == {"even+odd", "faint"}


def test_seeds_and_limits_are_taken(lineup, data, tmp_path):
    options = (
        "--data",
        data,
        "--detectors",
        "checkerboard",
        "--seed",
        "0,1",
        "--limit",
        "3",
        "--out",
        tmp_path / "out",
    )
    assert lineup("run", "--detectors", "checkerboard", *options).returncode == 0
    cells = pd.read_parquet(tmp_path / "out" / "cells.parquet")
    assert set(cells["seed"]) == {0, 1}
    assert set(cells["n"]) == {6}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--detectors", "hog_svn"), "no detector is named 'hog_svn'. Did you mean hog_svm? Installed:"),
        (("--protocol", "cross"), "no protocol is named 'cross'."),
        (("--device", "tpu"), "device 'tpu' is not known; choose auto, cpu, cuda or cuda:N"),
        (("--device", "cuda:99"), "device 'cuda:99' was asked for, but torch sees"),
        (("--data", "/nowhere"), "data /nowhere does not exist"),
        (("--detectors", ","), "no detector was named; give some of"),
        (("--seed", "one"), "seed 'one' is not a whole number"),
        (("--setting", "big"), "setting 'big' is not known; choose auto, paper, small"),
        (("--precision", "int8"), "precision 'int8' is not known"),
        (("--degrade-on", "gpu"), "--degrade-on gpu is not known; choose cpu or device"),
        (("--train-on", "even,nobody"), "data: generator 'nobody' is not known; there are even, faint, odd"),
        (("--train-on", "fiant"), "data: generator 'fiant' is not known; did you mean faint?"),
        (("--base-degradation", "jpg:90"), "degradation 'jpg:90' is not known; did you mean jpeg:90?"),
        (("--data", "genimag:/nowhere"), "layout 'genimag' is not known; there are artifact, "),
        (("--base-degradation", "fog:3"), "degradation 'fog:3' is not known"),
        (("--data", "counts:genimage", "--validation", "0.2"), "numbers of images have none"),
        (("--out", "/proc/nothing"), "OUT /proc/nothing cannot be written"),
    ],
)
def test_what_cannot_be_used_is_one_clear_line(lineup, data, tmp_path, options, words):
    usual = {"--data": data, "--detectors": "checkerboard", "--out": tmp_path / "out"}
    usual.update(zip(options[::2], options[1::2], strict=True))
    assert words in one_line(lineup("run", *(part for pair in usual.items() for part in pair)))


def test_chosen_degradations_and_repeated_seeds(lineup, data, tmp_path):
    options = ("--protocol", "degradation", "--data", data, "--detectors", "checkerboard", "--out", tmp_path / "out")
    done = lineup("run", *options, "--degradations", "lr:20+jpeg:30", "--seed", "0,00")
    assert done.returncode == 0, done.stderr
    cells = pd.read_parquet(tmp_path / "out" / "cells.parquet")
    assert list(cells["degradation"]) == ["none", "lr:20+jpeg:30"]
    assert "is not known" in one_line(lineup("run", *options, "--degradations", "fog:2"))


def test_a_folder_holds_one_question_to_which_detectors_and_seeds_are_added(lineup, data, tmp_path):
    out = tmp_path / "out"
    usual = ("run", "--data", data, "--out", out, "--detectors")
    assert lineup(*usual, "checkerboard").returncode == 0
    other = shutil.copytree(data, tmp_path / "other")
    changes = {
        "no checkerboard (name all detectors to add some)": ("hog_svm",),
        "the protocol degradation": ("checkerboard", "--protocol", "degradation"),
        "train_on ['even'], not []": ("checkerboard", "--train-on", "even"),
        "the limit 3, not none": ("checkerboard", "--limit", "3"),
        "the base degradation jpeg:90, not none": ("checkerboard", "--base-degradation", "jpeg:90"),
        "no training seed 0": ("checkerboard", "--seed", "1"),
        "the data other, not data": ("checkerboard", "--data", other),
        "base degradations in folders of their own": ("checkerboard", "--base-degradation", "none,jpeg:90"),
    }
    for place, (said, change) in enumerate(changes.items()):
        for dry in ((), ("--dry-run",)) if place in {0, len(changes) - 1} else ((),):
            refused = one_line(lineup(*usual, *change, *dry))
            assert f"OUT {out} holds cross_generator on data with checkerboard, and this run has " in refused
            assert said in refused
            assert f"give another --out (`lineup leaderboard {out} OTHER` joins them), or --replace" in refused
    assert {path.name for path in out.iterdir() if path.is_dir()} == {"scores"}
    more = lineup(*usual, "checkerboard,hog_svm", "--seed", "0,1")
    assert more.returncode == 0, more.stderr
    assert int(re.search(r"(\d+) cells reused", more.stderr)[1]) >= 9
    assert lineup(*usual, "hog_svm", "--replace").returncode == 0
    assert [path.name for path in out.glob("matrix-*.csv")] == ["matrix-hog_svm.csv"]
    assert set(pd.read_csv(out / "throughput.csv")["detector"]) == {"checkerboard", "hog_svm"}


def test_validation_is_an_option_that_a_settings_file_repeats(lineup, data, tmp_path):
    out = tmp_path / "out"
    usual = ("run", "--data", data, "--detectors", "checkerboard", "--out", out)
    done = lineup(*usual, "--validation", "0.25")
    assert done.returncode == 0, done.stderr
    assert "Thresholds and calibration from 25% of each train set, held out" in done.stdout
    assert "validation = 0.25" in (out / "settings.toml").read_text()
    again = lineup("run", "--settings", out / "settings.toml")
    assert again.returncode == 0, again.stderr
    assert "12 cells reused" in again.stderr
    assert "the share for validation none, not 0.25" in one_line(lineup(*usual))


def test_changed_images_are_other_data(lineup, data, tmp_path):
    changed, out = shutil.copytree(data, tmp_path / "data"), tmp_path / "out"
    usual = ("run", "--data", changed, "--detectors", "checkerboard", "--out", out)
    assert lineup(*usual).returncode == 0
    (changed / "odd" / "val" / "ai" / "odd_val_ai_0.png").unlink()
    assert "this run has other images or labels of data (83, not 84)" in one_line(lineup(*usual))


def test_a_leaderboard_of_several_runs_is_not_written_over(lineup, data, tmp_path):
    usual = ("run", "--data", data, "--detectors", "checkerboard", "--limit", "3", "--out", tmp_path / "out")
    assert lineup(*usual, "--base-degradation", "none,jpeg:90").returncode == 0
    for chains in ("none", "none,jpeg:80"):
        refused = one_line(lineup(*usual, "--base-degradation", chains))
        assert "holds the leaderboard of several runs (jpeg:90" in refused
    assert lineup(*usual, "--base-degradation", "none,jpeg:90,jpeg:80").returncode == 0


def test_an_unreadable_image_is_named(lineup, data, tmp_path):
    broken = shutil.copytree(data, tmp_path / "broken")
    victim = broken / "odd" / "train" / "ai" / "odd_train_ai_0.png"
    victim.write_bytes(victim.read_bytes()[:50])
    options = ("--detectors", "checkerboard", "--out", tmp_path / "out", "--data", broken)
    refused = one_line(lineup("run", *options))
    assert "1 of 84 images cannot be used, such as odd/train/ai/odd_train_ai_0.png (" in refused
    assert "--max-unreadable (now 0.01)" in refused


def test_a_generator_without_a_class_loses_its_cells_and_takes_no_rank_away(lineup, data, tmp_path):
    broken = shutil.copytree(data, tmp_path / "broken")
    for split, emptied in (("train", "ai"), ("val", "nature")):
        shutil.rmtree(broken / "odd" / split / emptied)
    out = tmp_path / "out"
    done = lineup("run", "--data", broken, "--detectors", "checkerboard,hog_svm", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "Note: odd has no generated image in the train split" in done.stderr
    cells = pd.read_parquet(out / "cells.parquet")
    assert set(cells["train"]) == {"even", "faint"}
    assert set(cells.loc[cells["test"] == "odd", "status"]) == {"unasked"}
    assert set(cells.loc[cells["test"] == "odd", "reason"]) == {"odd has no real images in its val split"}
    assert set(cells.loc[cells["test"] != "odd", "status"]) == {"scored"}
    board = (out / "leaderboard.md").read_text()
    assert "> Left out: 4 of 12 cells, of every average alike: odd has no real images in its val split." in board
    ranked = pd.read_csv(out / "leaderboard.csv")
    assert ranked[["rank", "last_rank"]].values.tolist() == [[1, 2], [1, 2]]  # chance, with one cell fewer for both
    assert set(ranked["off-diagonal planned"]) == {2}
    assert pd.read_csv(out / "matrix-hog_svm.csv", index_col=0)["odd"].isna().all()
    one_less = lineup("leaderboard", out)
    assert one_less.returncode == 0


def test_data_that_answer_nothing_say_which_class_is_missing(lineup, data, tmp_path):
    broken = shutil.copytree(data, tmp_path / "broken")
    options = ("--data", broken, "--detectors", "checkerboard", "--out", tmp_path / "out")
    for folder in broken.glob("*/train/nature"):
        shutil.rmtree(folder)
    assert "has no real images in its train split" in one_line(lineup("run", *options))
    for folder in broken.glob("*/*/ai"):
        shutil.rmtree(folder)
    # all that is left is real
    assert "no generated images at all, and real ones alone train nothing" in one_line(lineup("run", *options))


def test_a_few_unreadable_images_are_excluded_for_every_detector_alike_and_listed(lineup, data, tmp_path):
    broken = shutil.copytree(data, tmp_path / "broken")
    victim = broken / "odd" / "val" / "ai" / "odd_val_ai_0.png"
    victim.write_bytes(victim.read_bytes()[:50])
    out = tmp_path / "out"
    done = lineup(
        "run", "--data", broken, "--detectors", "checkerboard,hog_svm", "--out", out, "--max-unreadable", "0.05"
    )
    assert done.returncode == 0, done.stderr
    cells = pd.read_parquet(out / "cells.parquet")
    assert set(cells.loc[cells["test"] == "odd", "n"]) == {2 * SIZES["val"] - 1}
    assert set(cells.loc[cells["test"] != "odd", "n"]) == {2 * SIZES["val"]}
    listed = pd.read_csv(out / "excluded.csv")
    assert listed["name"].tolist() == ["odd/val/ai/odd_val_ai_0.png"]
    assert listed["reason"].str.len().gt(5).all()
    for told in (done.stderr, done.stdout, (out / "leaderboard.md").read_text()):
        assert "1 files cannot be used and were excluded for every detector" in " ".join(told.split())
    census = json.loads((out / "manifest.json").read_text())["data"]["census"]
    assert census["images"] == 83


def test_baselines_stand_on_the_leaderboard_and_a_shortcut_is_said_above_it(lineup, tmp_path):
    folder = write_planted(tmp_path / "data", generated=as_png, size=16)
    done = lineup("run", "--data", folder, "--detectors", "checkerboard", "--out", tmp_path / "out", "--baselines")
    assert done.returncode == 0, done.stderr
    cells = pd.read_parquet(tmp_path / "out" / "cells.parquet").set_index("detector")
    assert set(cells.index) == {"checkerboard", "metadata", "colour"}
    assert cells.loc["metadata", "accuracy"] == 1
    said = " ".join(done.stdout.split())
    sentence = "metadata, which sees nothing but the format, size and compression of the files, reaches 100.0%"
    assert said.index(sentence) < said.index("# detector")


def test_base_degradations_stand_side_by_side_and_a_canonical_encoding_takes_the_format_away(lineup, tmp_path):
    folder = write_planted(tmp_path / "data", generated=as_png, size=16)
    options = ("--data", folder, "--detectors", "metadata", "--out", tmp_path / "out")
    done = lineup("run", *options, "--base-degradation", "none,canonical:jpeg96")
    assert done.returncode == 0, done.stderr
    table = done.stdout[done.stdout.index("Base degradations side by side") :]
    assert "canonical:jpeg96 - none" in table
    accuracy = {
        chain: pd.read_parquet(tmp_path / "out" / chain / "cells.parquet")["accuracy"].iloc[0]
        for chain in ("none", "canonical-jpeg96")
    }
    assert accuracy["none"] == 1
    assert accuracy["canonical-jpeg96"] < 1
    assert "Base degradations side by side" in (tmp_path / "out" / "leaderboard.md").read_text()


def test_a_census_an_audit_and_a_matched_subset_come_from_one_command(lineup, tmp_path):
    folder = write_planted(tmp_path / "data", generated=as_png, size=40)
    done = lineup("data", folder, "--audit", "--match", tmp_path / "matched")
    assert done.returncode == 0, done.stderr
    assert "120 images, 1 generators" in done.stdout
    assert "Audit: format tells real from generated in 100.0% for g" in " ".join(done.stdout.split())
    assert f"120 of 120 images are matched; manifest in {tmp_path / 'matched'}" in done.stderr
    again = lineup("data", tmp_path / "matched", "--audit")
    assert "Audit: no attribute of the files tells real from generated in 60% or more" in again.stdout
    assert "--match-by 'shrink' is not known: write crop or scale" in one_line(
        lineup("data", folder, "--match", tmp_path / "new", "--match-by", "shrink")
    )
    assert "is there already" in one_line(lineup("data", folder, "--match", tmp_path / "matched"))


def test_a_folder_without_a_run_is_one_clear_line(lineup, tmp_path):
    assert "holds no run" in one_line(lineup("leaderboard", tmp_path))


def test_an_unknown_detector_of_a_run_is_one_clear_line(finished, lineup):
    asked = lineup("matrix", finished[0] / "cross_generator", "nobody")
    assert "the run has no detector 'nobody'; it has checkerboard, hog_svm" in one_line(asked)


def test_help_lists_every_command(lineup_process):
    shown = lineup_process("--help").stdout
    names = "run data leaderboard rescore matrix compare list explain regress corpus weights"
    for command in names.split():
        assert command in shown
