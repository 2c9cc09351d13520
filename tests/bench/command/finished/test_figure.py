"""`lineup figure`: the list, a figure on the terminal, every kind of file, and what is refused."""

import io
from functools import partial
from shutil import copytree
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.support.command_line import call, one_line
from tests.support.result_folders import store_run
from tests.support.synthetic_runs import make_run, with_released


@pytest.fixture(scope="module")
def figure(kept_run):
    """Show or write a figure of the run that kept its detectors."""
    out, cache = kept_run
    return partial(call, {"LINEUP_CACHE": str(cache), "COLUMNS": "160"}, "figure", out)


def test_without_a_name_those_of_the_run_are_listed(figure):
    done = figure()
    assert done.returncode == 0, done.stderr
    names = [line.split()[0] for line in done.stdout.splitlines()]
    assert names == [
        *("averages", "matrix", "speed", "stages", "overlap", "roc", "reliability", "slices", "mistakes"),
        *("spectra", "saliency", "training"),
    ]
    assert all(line.endswith(("?", "? (of the images)")) for line in done.stdout.splitlines())
    assert sum(line.endswith("(of the images)") for line in done.stdout.splitlines()) == 3


def test_a_figure_is_shown_with_question_tables_and_legend(figure):
    shown = figure("overlap").stdout
    assert shown.startswith("Who is right where others fail?\nWho is right where another fails. ")
    assert "These 2 detectors together" in shown
    assert shown.rstrip().endswith("err on the same images.")


def test_a_figure_that_does_not_apply_says_why(figure):
    assert "Nothing is clustered: the matrix of degradation is one of" in figure("transfer").stdout
    assert "This run has nothing to show here." in figure("confusion").stdout


def test_every_kind_of_file(figure, tmp_path):
    written = {}
    for ending in (".svg", ".png", ".csv", ".md", ".tex"):
        done = figure("overlap", "--out", tmp_path / f"overlap{ending}")
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"Written: {tmp_path / 'overlap'}{ending}\n"
        written[ending] = (tmp_path / f"overlap{ending}").read_bytes()
    assert ET.fromstring(written[".svg"]).tag.endswith("svg")
    assert Image.open(io.BytesIO(written[".png"])).format == "PNG"
    assert {"first", "second", "kappa"} <= set(pd.read_csv(io.BytesIO(written[".csv"])))
    assert written[".md"].decode().startswith("### These 2 detectors together")
    assert rb"\toprule" in written[".tex"]


def test_several_charts_are_several_files_on_light_or_dark_ground(figure, tmp_path):
    done = figure("spectra", "--out", tmp_path / "spectra.PNG", "--dark")
    paths = [tmp_path / name for name in ("spectra.PNG", "spectra-2.PNG", "spectra-3.PNG")]
    assert done.stdout.splitlines() == [f"Written: {path}" for path in paths]
    assert all(np.asarray(Image.open(path).convert("L"))[0, 0] < 60 for path in paths)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("matrx",), "Did you mean matrix?"),
        (("matrix", "--out", "matrix.jpg"), "a figure is written as .svg, .png, .csv, .md, .tex, not as .jpg"),
        (("matrix", "--out", "matrix"), "not as a file without an ending"),
        (("mistakes", "--out", "mistakes.svg"), "nothing to write as .svg; it has .csv, .md, .tex"),
        (("averages", "--out", "averages.md"), "nothing to write as .md; it has .svg, .csv"),
        (("transfer", "--out", "transfer.tex"), "it has nothing to show: Nothing is clustered"),
        (("--out", "all.svg"), "without a figure; `lineup figure"),
        (("slices", "--data", "nowhere"), "nowhere does not exist"),
    ],
)
def test_what_cannot_be_written_is_one_line(figure, arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert words in one_line(figure(*arguments))
    assert list(tmp_path.iterdir()) == []


def test_images_are_found_at_another_place(kept_run, miniature, tmp_path):
    out, cache = kept_run
    other, moved = copytree(out, tmp_path / "other"), copytree(miniature, tmp_path / "moved")
    (other / "settings.toml").unlink()
    of_other = partial(call, {"LINEUP_CACHE": str(cache), "COLUMNS": "160"}, "figure", other, "slices")
    assert "does not say where its images lie" in of_other().stdout
    assert "by generator, and pool of real images" in of_other("--data", moved).stdout


def test_images_are_opened_for_the_figures_that_show_them_alone(figure, monkeypatch):
    opened = []
    monkeypatch.setattr("bench.command.finished.images.opened_images", opened.append)
    for name in ("matrix", "overlap", "training"):
        assert figure(name).returncode == 0
    assert opened == []
    assert "The images were not asked for." in figure("spectra").stdout
    assert opened == [""]


def test_a_folder_without_a_run_is_one_line(tmp_path):
    assert "holds no run" in one_line(call({}, "figure", tmp_path, "matrix"))


def test_a_run_of_trained_and_released_rows_is_one(tmp_path):
    folder = store_run(with_released(make_run(n=4), "beta"), tmp_path / "run")
    done = call({"COLUMNS": "160"}, "figure", folder, "averages")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("has the highest") == 2
