"""Settings files: what they cannot say is refused, and what is written reads the same."""

import tomllib
from pathlib import Path

import pytest

from bench.platform.errors import InputError
from bench.records.settings import SettingsFile
from bench.records.settings import read_settings as read
from bench.request.settings_file import to_toml as written
from bench.request.settings_file import with_absolute_options, with_absolute_paths, with_relative_paths
from protocols.transfer.release_dates import ReleaseDates
from protocols.transfer.transfer_to import TransferTo


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("limit = [", "cannot be read ("),
        ("[limit]\na = 3", "limit is a table or a date"),
        ("options = 3", "holds one table per detector"),
    ],
)
def test_what_a_file_cannot_say_is_one_clear_line(settings_file, text, words):
    with pytest.raises(InputError) as raised:
        read(settings_file(text))
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_is_written_reads_the_same():
    values = {"data": 'a "quoted"\npath', "limit": None, "test_all": True, "max_unreadable": 0.25}
    values |= {"sizes": [1, 2], "share": float("inf"), "tiny": 1e-300, "named": "😀\x7f", "flags": [True]}
    options = {"cnnspot": {"curriculum": ["a", "b"]}}
    again = tomllib.loads(written(values, options))
    assert again.pop("options") == options
    assert again == {name: value for name, value in values.items() if value is not None}


def test_relative_paths_become_absolute_and_names_stay(tmp_path):
    for name in ("tower.onnx", "a.pth", "x,y"):
        (tmp_path / name).touch()
    values = {
        "data": "here,genimage:there,embedded,https://x.org/y.zip",
        "real": "",
        "out": "out",
        "weights_dir": "/weights",
        "detectors": ["hog_svm", "clip_probe:weights=tower.onnx", "npr@a.pth", "npr@NPR", "what@"],
        "base_degradation": "none",
    }
    options = {"cnnspot": {"start": "a.pth", "tune": "top"}, "nobody": {"start": "a.pth"}}
    found = with_absolute_paths(SettingsFile(values, options), tmp_path)
    assert found.values == {
        "data": f"{tmp_path}/here,genimage:{tmp_path}/there,embedded,https://x.org/y.zip",
        "real": "",
        "out": f"{tmp_path}/out",
        "weights_dir": "/weights",
        "detectors": [
            "hog_svm",
            f"clip_probe:weights={tmp_path}/tower.onnx",
            f"npr@{tmp_path}/a.pth",
            "npr@NPR",
            "what@",
        ],
        "base_degradation": "none",
    }
    assert found.recipe_options == {
        "cnnspot": {"start": f"{tmp_path}/a.pth", "tune": "top"},
        "nobody": {"start": "a.pth"},
    }
    assert with_absolute_paths(SettingsFile({"data": "x,y"}), tmp_path).values["data"] == f"{tmp_path}/x,y"


def test_paths_below_a_folder_become_relative_and_read_the_same_from_there(tmp_path):
    for name in ("a.pth", "golden/record/x"):
        (tmp_path / "repository" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "repository" / name).touch()
    repository, record = tmp_path / "repository", tmp_path / "repository" / "golden" / "record"
    values = {"data": f"genimage:{repository}/images", "real": f"{tmp_path}/elsewhere"}
    values |= {"detectors": ["hog_svm", f"npr@{repository}/a.pth", "npr@NPR"]}
    found = with_relative_paths(SettingsFile(values, {"cnnspot": {"start": f"{repository}/a.pth"}}), record, repository)
    assert found.values == {
        "data": "genimage:../../images",
        "real": f"{tmp_path}/elsewhere",
        "detectors": ["hog_svm", "npr@../../a.pth", "npr@NPR"],
    }
    assert found.recipe_options == {"cnnspot": {"start": "../../a.pth"}}
    again = with_absolute_paths(found, record)
    assert again.values["detectors"][1] == f"npr@{record}/../../a.pth"


def test_files_of_profiles_and_data_sets_among_the_options_of_a_protocol_become_absolute(tmp_path):
    values = {"protocol": "degradation", "degradations": ["jpeg:50", "own.toml"], "base_degradation": "none,own.toml"}
    found = with_absolute_paths(SettingsFile(values), tmp_path).values
    assert found["degradations"] == ["jpeg:50", f"{tmp_path}/own.toml"]
    assert found["base_degradation"] == f"none,{tmp_path}/own.toml"
    assert with_absolute_options(TransferTo, {"to": "d2,embedded", "train_on": "a"}, tmp_path) == {
        "to": f"{tmp_path}/d2,embedded", "train_on": "a",
    }  # fmt: skip
    assert with_absolute_options(ReleaseDates, {"table": "", "window": "year"}, tmp_path)["table"] == ""
    home = with_absolute_options(ReleaseDates, {"table": "~/dates.toml"}, tmp_path)
    assert home["table"] == str(Path.home() / "dates.toml")
