"""A mistyped name or path is answered at once: before anything heavy is imported, and with the words of the reader."""

import subprocess
import sys

import pytest

from bench.images import data_names, data_sets
from bench.images.data_names import check_data, layout_and_place
from bench.platform.errors import InputError

HEAVY = ("pandas", "pyarrow", "cv2", "scipy", "torch", "sklearn", "PIL")


def imported(code):
    """The heavy modules that a fresh interpreter has imported after this code."""
    report = f"\nimport sys\nprint(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize("module", ["data_names", "data_sets", "layouts.api", "files.local"])
def test_modules_that_answer_first_import_nothing_heavy(module):
    assert imported(f"import bench.images.{module}") == []


@pytest.mark.parametrize("text", ["/no/such/folder", "genimage:/no/such/folder", "no_such_layout:/tmp"])
def test_a_wrong_name_is_refused_without_anything_heavy(text):
    refuse = f"""
from pathlib import Path
from bench.images.data_sets import open_data
from bench.platform.errors import InputError
try:
    open_data({text!r}, Path(), 1, None)
except InputError:
    pass
else:
    raise SystemExit("it was not refused")
"""
    assert imported(refuse) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("/no/such/folder", "data /no/such/folder does not exist: give a folder, a .zip or .tar archive, a .csv or"),
        ("manifest:/no/such/folder", "data /no/such/folder does not exist: give a folder"),
        (
            "genimages:/data",
            "layout 'genimages' is not known; there are artifact, cnnspot, elsa_d3, folders, genimage,",
        ),
    ],
)
def test_names_are_refused_in_the_words_of_the_reader(text, message):
    with pytest.raises(InputError) as early:
        check_data(text)
    with pytest.raises(InputError) as late:
        data_sets.read(text)
    assert str(early.value) == str(late.value)
    assert str(early.value).startswith(message)


def test_the_folder_of_real_images_is_checked_too(tmp_path):
    with pytest.raises(InputError, match=r"data /no/such/photos does not exist"):
        check_data(str(tmp_path), "/no/such/photos")


@pytest.mark.parametrize("text", ["s3://bucket/set", "genimage:hf://datasets/owner/name"])
def test_urls_are_not_looked_up(text):
    check_data(text, "gs://bucket/photos")


def test_the_corpus_takes_no_real_images():
    check_data(data_names.EMBEDDED)
    with pytest.raises(InputError, match="embedded corpus has real images of its own; leave --real out"):
        check_data(data_names.EMBEDDED, "gs://bucket/photos")


def test_a_layout_is_split_from_its_path(tmp_path, monkeypatch):
    assert layout_and_place("genimage:/data/x:y") == ("genimage", "/data/x:y")
    assert layout_and_place("s3://bucket/set") == ("", "s3://bucket/set")
    assert layout_and_place("C:/data") == ("", "C:/data")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd:name").mkdir()
    assert layout_and_place("odd:name") == ("", "odd:name")
