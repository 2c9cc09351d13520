from shutil import copytree, rmtree

import numpy as np
import pytest
from PIL import Image

from bench.analyses.images.run_images import Workplace, images_of_run
from bench.engine.caching import inspections
from bench.platform.errors import InputError
from detectors.checks import texture
from tests.support.command_line import call


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def made(miniature, cache, tmp_path_factory):
    """A finished run over a copy of the miniature: its data and its folder."""
    data, out = copytree(miniature, tmp_path_factory.mktemp("made") / "data"), tmp_path_factory.mktemp("out")
    done = call(
        {"LINEUP_CACHE": str(cache), "COLUMNS": "200"},
        *("run", "--data", data, "--detectors", "checkerboard", "--out", out, "--limit", 4),
    )
    assert done.returncode == 0, done.stderr
    return data, out


@pytest.fixture
def workplace(cache, quiet):
    return Workplace(cache, 2, quiet)


def test_the_images_are_those_of_the_scores_and_nothing_is_decoded(made, workplace, monkeypatch):
    data, out = made
    monkeypatch.setattr(inspections, "inspect_files", None)  # every file is known
    found = images_of_run(out, workplace)
    assert found.place.data == str(data)
    assert len(found.images) == 3 * 2 * 2 * 4  # generators, splits, classes and the limit
    assert (data / found.images.names[0]).is_file()
    assert found.images[0].pixels.shape == (40, 40, 3)
    assert len(found.inspected.hashes) == len(found.images)


def test_an_empty_cache_costs_one_inspection(made, workplace, tmp_path, quiet):
    _, out = made
    again = images_of_run(out, Workplace(tmp_path / "other", 1, quiet))
    assert (again.inspected.hashes == images_of_run(out, workplace).inspected.hashes).all()


def test_another_place_of_the_same_images_is_taken_and_other_content_refused(made, workplace, tmp_path):
    data, out = made
    moved = copytree(data, tmp_path / "moved")
    found = images_of_run(out, workplace, data=str(moved))
    assert found.images.names == images_of_run(out, workplace).images.names
    changed = moved / found.images.names[0]
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(changed, "PNG")
    with pytest.raises(InputError) as error:
        images_of_run(out, workplace, data=str(moved))
    assert "was made of 48 images of digest" in str(error.value)
    assert "has 48 of digest" in str(error.value)
    assert "--data" in str(error.value)
    assert "\n" not in str(error.value)


def test_images_that_are_gone_are_told_with_what_to_do(made, workplace, tmp_path):
    _, out = made
    settings = (out / "settings.toml").read_text()
    other = copytree(out, tmp_path / "other")
    (other / "settings.toml").write_text(settings.replace(str(made[0]), str(tmp_path / "gone")))
    with pytest.raises(InputError, match=r"cannot be read again: .*gone does not exist.*--data"):
        images_of_run(other, workplace)
    (other / "settings.toml").unlink()
    with pytest.raises(InputError, match=r"does not say where its images lie.*--data"):
        images_of_run(other, workplace)
    assert len(images_of_run(other, workplace, data=str(made[0])).images) == 48
    rmtree(other / "scores")  # which say nothing of the images
    assert len(images_of_run(other, workplace, data=str(made[0])).images) == 48
    (other / "manifest.json").unlink()
    with pytest.raises(InputError, match="holds no run"):
        images_of_run(other, workplace)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--base-degradation", "jpeg:65"), 84),
        (("--train-on", "even"), 52),
        (("--protocol", "degradation", "--train-on", "odd"), 28),
    ],
)
def test_runs_of_some_images_alone(made, workplace, cache, tmp_path, options, count):
    data, _ = made
    done = call(
        {"LINEUP_CACHE": str(cache), "COLUMNS": "200"},
        *("run", "--data", data, "--detectors", "checkerboard", "--out", tmp_path / "run", *options),
    )
    assert done.returncode == 0, done.stderr
    found = images_of_run(tmp_path / "run", workplace)
    assert len(found.images) == count
    assert set(found.images.degradations) == ({"jpeg:65"} if "jpeg:65" in options else {""})


def test_several_base_degradations_share_the_settings_above_them(made, workplace, cache, tmp_path):
    data, _ = made
    done = call(
        {"LINEUP_CACHE": str(cache), "COLUMNS": "200"},
        *("run", "--data", data, "--detectors", "checkerboard", "--out", tmp_path / "run"),
        *("--base-degradation", "none,jpeg:65"),
    )
    assert done.returncode == 0, done.stderr
    found = {chain: images_of_run(tmp_path / "run" / chain, workplace).images for chain in ("none", "jpeg-65")}
    assert {chain: set(images.degradations) for chain, images in found.items()} == {
        "none": {""},
        "jpeg-65": {"jpeg:65"},
    }


def test_drawn_splits_added_real_images_and_stated_classes_are_those_of_the_run(workplace, cache, tmp_path):
    for class_name, count in (("made", 30), ("photo", 0)):
        for index in range(count):
            path = tmp_path / "data" / class_name / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(texture(f"{class_name}{index}", 40, 40)).save(path)
    for index in range(30):
        path = tmp_path / "real" / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(texture(f"real{index}", 40, 40)).save(path)
    done = call(
        {"LINEUP_CACHE": str(cache), "COLUMNS": "200"},
        *("run", "--data", tmp_path / "data", "--real", tmp_path / "real", "--detectors", "checkerboard"),
        *("--classes", "made=generated", "--out", tmp_path / "run"),
    )
    assert done.returncode == 0, done.stderr
    found = images_of_run(tmp_path / "run", workplace)
    assert found.place.real == str(tmp_path / "real")
    assert set(found.images.table["split"]) >= {"train", "test"}
    assert found.images.labels.sum() * 2 == len(found.images)


def test_a_run_of_imported_scores_records_no_content(made, workplace, tmp_path):
    table = tmp_path / "scores.csv"
    names = [(label, f"{generator}{index}.png") for index in range(4) for label, generator in enumerate("rg")]
    table.write_text(
        "name,label,generator,score\n" + "".join(f"{name},{label},odd,0.{label}5\n" for label, name in names)
    )
    done = call(
        {"COLUMNS": "200"},
        "import",
        table,
        "--detector",
        "theirs",
        "--classes",
        "0=real,1=generated",
        "--out",
        tmp_path / "run",
    )
    assert done.returncode == 0, done.stderr
    with pytest.raises(InputError, match="records no content of its images"):
        images_of_run(tmp_path / "run", workplace, data=str(made[0]))
