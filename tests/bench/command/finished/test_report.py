"""`lineup report`: one page of a run from what is stored, with and without its images, and what is refused."""

from functools import partial
from shutil import copytree

import pytest

from tests.support.command_line import call, one_line
from tests.support.pages import read
from tests.support.result_folders import store_run
from tests.support.synthetic_runs import make_run, with_data


@pytest.fixture(scope="module")
def report(kept_run):
    return partial(call, {"LINEUP_CACHE": str(kept_run[1]), "COLUMNS": "160"}, "report")


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_page_has_everything_of_the_run_and_leaves_it_as_it_is(report, kept_run, tmp_path):
    before = contents(kept_run[0])
    page = tmp_path / "page.html"
    done = report(kept_run[0], "--out", page)
    assert done.returncode == 0, done.stderr
    size = page.stat().st_size
    assert done.stdout == f"Written: {page} ({size / 1e6:.1f} MB)\n"
    assert contents(kept_run[0]) == before
    root = read(page.read_text())
    sections = [one.given["id"] for one in root.all("section")]
    for name in ("averages-1", "matrix-1", "slices-1", "spectra-1", "saliency-1", "training-1", "images-1", "data-1"):
        assert name in sections
    images = [one.given["src"] for one in root.all("img")]
    assert images
    assert all(source.startswith("data:image/webp;base64,") for source in images)


def test_without_thumbnails_and_without_images_the_page_says_why(report, kept_run, tmp_path):
    other = copytree(kept_run[0], tmp_path / "other")
    (other / "settings.toml").unlink()
    for arguments, words in (
        (["--thumbnails", "none"], "they were not asked for (--thumbnails none)"),
        ([], "the images could not be opened where the run found them"),
    ):
        page = tmp_path / "page.html"
        done = report(other, "--out", page, *arguments)
        assert done.returncode == 0
        assert "does not say where its images lie" in done.stderr
        assert str(tmp_path) not in page.read_text()
        text = page.read_text()
        assert words in read(text).text
        assert "<img" not in text


def test_runs_of_two_questions_have_two_chapters(report, tmp_path):
    runs = [with_data(make_run(n=4, degraded=steps), kind="folder") for steps in (False, True, False)]
    folders = [store_run(run, tmp_path / str(place)) for place, run in enumerate(runs)]
    page = tmp_path / "page.html"
    assert report(*folders, "--out", page).returncode == 0
    assert len(read(page.read_text()).all("h2")) == 3  # the first and the last are one question; the words have one too


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--thumbnails", "nonsense"), "thumbnails 'nonsense' are not known; choose webp, jpeg, none"),
        (("--data", "nowhere"), "nowhere does not exist"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_no_page(report, kept_run, arguments, words, tmp_path):
    page = tmp_path / "page.html"
    assert words in one_line(report(kept_run[0], "--out", page, *arguments))
    assert not page.exists()


def test_a_folder_without_a_run_is_one_line(report, kept_run, tmp_path):
    assert "holds no run" in one_line(report(kept_run[0], tmp_path, "--out", tmp_path / "page.html"))
    assert list(tmp_path.iterdir()) == []
