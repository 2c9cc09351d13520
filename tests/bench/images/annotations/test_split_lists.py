"""Lists of names, each called by its split."""

import json

import pytest

from bench.images.annotations.split_lists import split_lists, split_of_list
from bench.images.files.tree import Folder
from bench.platform.errors import InputError
from tests.support.small_data_sets import write_images

IMAGES = ("real/000/1.png", "real/001/1.png", "fake/000_001/1.png", "fake/002/x.png", "top.png")


@pytest.fixture
def lists(tmp_path):
    """Reads lists of these texts by their names, beside the images."""
    write_images(tmp_path, *IMAGES)

    def read(**texts):
        names = [f"{name}.{'json' if text[:1] in '[{' else 'txt'}" for name, text in texts.items()]
        for name, text in zip(names, texts.values(), strict=True):
            (tmp_path / name).write_text(text)
        return split_lists(Folder(tmp_path), names)

    return read


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("test.txt", "test"),
        ("List_of_testing_videos.txt", "test"),
        ("splits/train_list.json", "train"),
        ("Val-Images.csv", "val"),
        ("train_set.csv", "train"),
        ("testset_labels.csv", "test"),
        ("val2017.txt", "val"),
        ("testing_notes.txt", ""),
        ("train_and_test.txt", ""),
        ("contest.txt", ""),
        ("list.txt", ""),
    ],
)
def test_a_list_is_called_by_its_split(name, split):
    assert split_of_list(name) == split


def test_names_are_of_folders_or_of_files_and_the_rest_is_for_training(lists):
    found = lists(List_of_testing_videos="1 Celeb/000.mp4\n0 fake/000_001.mp4\n\n", val="x\n")
    assert found.splits == {
        "real/000/1.png": "test",
        "fake/000_001/1.png": "test",
        "fake/002/x.png": "val",
        "real/001/1.png": "train",
        "top.png": "train",
    }
    assert found.notes[0] == "List_of_testing_videos.txt was taken as the names of what is of the split test"
    assert found.notes[-1] == "images that are in no list of a split were taken as training images"


def test_beside_a_list_of_training_nothing_is_guessed(lists):
    assert lists(train="000\n", test="001\n").splits == {"real/000/1.png": "train", "real/001/1.png": "test"}


@pytest.mark.parametrize("pair", [["000", "001"], ["001", "000"]])
def test_pairs_name_both_videos_and_what_was_made_of_them_in_both_orders(lists, pair):
    found = lists(test=json.dumps([pair])).splits
    assert {path for path, split in found.items() if split == "test"} == set(IMAGES[:3])


@pytest.mark.parametrize("text", ["a boat\nanother boat\n", "000\nx1\nx2\n", "[", "[1, 2]", "", "{}"])
def test_texts_of_other_things_are_no_lists(lists, text):
    assert lists(test=text) == ({}, [], [])


def test_an_image_in_lists_of_two_splits_is_refused(lists):
    with pytest.raises(
        InputError, match=r"real/000/1\.png is in lists of two splits, test and train; mend one of them"
    ):
        lists(train="000\n", test="000\n")


def test_an_object_of_names_by_split_lists_all_of_them(lists):
    found = lists(splits=json.dumps({"train": ["000"], "Validation": ["002"], "test": ["001"]}))
    assert found.splits == {"real/000/1.png": "train", "fake/002/x.png": "val", "real/001/1.png": "test"}
    assert found.notes == ["splits.json was taken as the names of what is of the split train and val and test"]


@pytest.mark.parametrize("text", ['{"train": ["000"], "other": ["001"]}', '{"real": ["000"]}', "{", '{"train": 3}'])
def test_other_objects_are_no_lists(lists, text):
    assert lists(splits=text) == ({}, [], [])
