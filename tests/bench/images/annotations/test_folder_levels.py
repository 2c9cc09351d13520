"""What the folders above images say of them: classes, splits, generators, contents, copies, and what they leave out."""

import pytest

from bench.images.annotations import folder_roles
from bench.images.annotations.folder_levels import read_folders
from bench.images.annotations.stated_facts import StatedFacts
from bench.images.reading import AS_STATED, Reading
from bench.platform.errors import InputError

REAL, FAKE = StatedFacts(0), StatedFacts(1)


def reading_of(*folders, files=("0.png",), **stated):
    return read_folders(dict.fromkeys(folders, files), "/data", Reading(**stated))


def facts(*folders, **stated):
    """By folder; None for one that is left out."""
    found = reading_of(*folders, **stated).facts
    return {folder: found.get(folder) for folder in folders}


def made_by(generator, **more):
    return StatedFacts(None, generator, **more)


@pytest.mark.parametrize("word", ["photos", "human", "nature", "Original", "natural"])
def test_words_of_the_second_kind_wrap_where_words_of_the_first_stand_below(word):
    assert facts(f"{word}/fake", f"{word}/real") == {f"{word}/fake": FAKE, f"{word}/real": REAL}
    assert facts(f"{word}/fake", "x/real")[f"{word}/fake"].label == 1


@pytest.mark.parametrize("word", ["photos", "human", "nature", "Original", "natural", "coco"])
def test_words_of_the_second_kind_are_real_beside_generated_ones_and_beside_generators(word):
    assert facts(word, "ai") == {word: REAL, "ai": FAKE}
    assert facts(word, "flux", "sdxl")[word] == REAL
    assert facts(f"{word}/cats", "ai/flux/cats", "ai/sdxl/cats")[f"{word}/cats"] == StatedFacts(0, content="cats")


@pytest.mark.parametrize("word", ["human", "nature", "photos"])
def test_words_of_the_second_kind_are_contents_below_generators(word):
    below = facts(f"flux/{word}", "flux/city", f"real/{word}", "real/city")
    assert below[f"flux/{word}"] == made_by("flux", content=word)
    assert below[f"real/{word}"] == StatedFacts(0, content=word)
    assert facts(f"ai/{word}", "ai/city", "photos/city")[f"ai/{word}"] == StatedFacts(1, content=word)


@pytest.mark.parametrize("path", ["real/fake", "fake/x/real", "0_real/ai", "REAL/AI-generated"])
def test_two_classes_in_one_path_are_refused_with_both(path):
    first, *_, second = path.split("/")
    with pytest.raises(InputError, match=rf"/data/{path} names the classes {first} and {second}; .* --levels"):
        facts(path, "real/x")


def test_real_beside_a_class_of_generators_keeps_them():
    assert facts("real/cats", "ai/flux/cats", "ai/sdxl/cats") == {
        "real/cats": StatedFacts(0, content="cats"),
        "ai/flux/cats": StatedFacts(1, "flux", content="cats"),
        "ai/sdxl/cats": StatedFacts(1, "sdxl", content="cats"),
    }


def test_real_images_are_known_below_any_branch():
    found = facts("a/deep/real", "a/deep/flux", "b/coco", "b/sdxl", "c/0_real", "c/1_fake")
    assert [one.label for one in found.values()] == [0, None, 0, None, 0, 1]
    assert [one.generator for one in found.values()] == ["", "flux", "", "sdxl", "", "c"]


@pytest.mark.parametrize("word", ["train", "Train", "TRAINING", "train2017", "Train_2014", "train-set"])
@pytest.mark.parametrize(
    "shape", ["{split}/{kind}", "{kind}/{split}", "set/{split}/deep/{kind}", "{kind}/{split}/cats"]
)
def test_a_folder_that_is_a_split_word_is_a_split_anywhere(word, shape):
    folders = [shape.format(split=split, kind=kind) for split in (word, "Val") for kind in ("flux", "real")]
    found = facts(*folders)
    assert [one.split for one in found.values()] == ["train", "train", "val", "val"]
    assert [one.generator for one in found.values()] == ["flux", ""] * 2


@pytest.mark.parametrize("name", ["FLUX.1-dev", "HiDream-I1-Dev", "test_of_time", "trainedGAN", "my_val"])
def test_a_split_word_inside_a_longer_name_is_none(name):
    found = facts(name, "real", "sdxl")
    assert found[name] == made_by(name)


def test_a_class_may_name_its_split_and_two_splits_in_one_path_are_refused():
    assert facts("real_train", "Fake_Test", "train/real_train") == {
        "real_train": StatedFacts(0, split="train"),
        "Fake_Test": StatedFacts(1, split="test"),
        "train/real_train": StatedFacts(0, split="train"),
    }
    for path in ("train/test/real", "train/real_test"):
        with pytest.raises(InputError, match=f"/data/{path} names the splits train and"):
            facts(path, "train/fake")


def test_train_beside_contents_is_a_railway_train():
    assert facts("progan/car/real", "progan/car/fake", "progan/train/real", "progan/bus/fake")["progan/train/real"] == (
        StatedFacts(0, content="train")
    )


@pytest.mark.parametrize("content", ["coco", "ffhq", "photos", "cats"])
def test_the_photographs_that_generated_images_stand_against_are_no_generator(content):
    found = facts(*(f"{name}/{kind}" for name in (content, "dogs") for kind in ("real", "fake")))
    assert {one.generator for one in found.values()} == {""}


@pytest.mark.parametrize(
    "folder", ["masks", "mask", "gt", "ground_truth", "Depth", "annotations", "assets", "previews"]
)
@pytest.mark.parametrize("place", ["{}", "flux/{}", "real/{}", "{}/flux"])
def test_masks_maps_and_previews_are_left_out(folder, place):
    path = place.format(folder)
    found = reading_of(path, "flux/images", "real/images")
    assert found.left_out == {path}
    assert found.facts.keys() == {"flux/images", "real/images"}


@pytest.mark.parametrize("copies", [("facebook", "twitter", "original"), ("q_50", "q_90"), ("eps4", "eps8", "clean")])
def test_copies_of_the_same_files_are_one_image(copies):
    for shape in ("{copy}/{kind}", "{kind}/{copy}"):
        folders = [shape.format(copy=copy, kind=kind) for copy in copies for kind in ("flux", "real")]
        same = facts(*folders, files=("1.png", "2.png"))
        assert {(one.generator, one.unit) for one in same.values()} == {("flux", "flux"), ("", "real")}
        kept = {"original": "", "clean": ""}
        assert {one.copy for one in same.values()} == {kept.get(copy, copy) for copy in copies}
        images = {folder: [f"{copy}.png"] for copy in copies for folder in folders if copy in folder}
        other = read_folders(images, "/data", Reading()).facts
        assert {one.unit for one in other.values()} == {""}


@pytest.mark.parametrize("levels", [(), ("class", "copy")])
def test_originals_may_lie_above_the_folders_of_their_copies(levels):
    images = {
        f"{kind}{copy}": ["1.png", "2.png"] for kind in ("fake", "real") for copy in ("", "/facebook", "/twitter")
    }
    found = read_folders(images, "/data", Reading(levels=levels)).facts
    assert {name: (one.unit, one.copy) for name, one in found.items()} == {
        f"{kind}{copy}": (kind, copy[1:]) for kind in ("fake", "real") for copy in ("", "/facebook", "/twitter")
    }
    others = images | {"real": ["other.png"]}
    assert read_folders(others, "/data", Reading(levels=levels)).facts["real"].unit == ""


def test_copies_may_have_another_format_and_miss_a_few_files():
    images = {"facebook/real": ["1.jpg", "2.jpg"], "original/real": ["1.png", "2.png", "3.png"], "flux": ["1.png"]}
    found = read_folders(images, "/data", Reading()).facts
    assert [found[name].unit for name in ("facebook/real", "original/real", "flux")] == ["real", "real", ""]


def test_numbers_and_parts_are_generators_beside_real_images_alone():
    assert facts("set/000", "set/001", "set/part-0002") == dict.fromkeys(
        ("set/000", "set/001", "set/part-0002"), StatedFacts(None)
    ) | {"set/000": StatedFacts(None, content="000"), "set/001": StatedFacts(None, content="001")}
    assert facts("00", "01", "real")["01"] == made_by("01")


def test_classes_that_a_user_states_are_of_any_name():
    found = facts("Tp", "Au", "Sp", classes={"tp": "generated", "au": "real", "sp": "skip"})
    assert found == {"Tp": FAKE, "Au": REAL, "Sp": None}


def test_levels_that_a_user_states_decide():
    levels = ("skip", "split", "class", "generator", "content")
    assert facts("v1/train/real/x", "v1/dev/fake/x/cats", levels=levels) == {
        "v1/train/real/x": StatedFacts(0, "x", "train"),
        "v1/dev/fake/x/cats": StatedFacts(1, "x", "val", "cats"),
    }
    grouped = facts("v1/real", "v1/fake", levels=("group", "class"))
    assert [one.group for one in grouped.values()] == ["v1", "v1"]
    copied = facts("real/a", "real/b", "fake/a", levels=("class", "copy"))
    assert [(one.unit, one.copy) for one in copied.values()] == [("real", "a"), ("real", "b"), ("fake", "a")]


@pytest.mark.parametrize(
    ("levels", "told"),
    [
        (("class",), "the folder flux is a class by --levels; say which: --classes flux=generated"),
        (("split",), "the folder flux is a split by --levels; call it train, val or test"),
    ],
)
def test_a_folder_that_cannot_be_what_its_level_says_is_refused(levels, told):
    with pytest.raises(InputError, match=told):
        facts("flux", levels=levels)


def test_what_each_level_was_taken_for_is_told():
    lines = reading_of("train/flux/cats", "test/real", "masks").description()
    assert "folders taken as split: test, train" in lines
    assert "folders taken as generator: flux" in lines
    assert "folders taken as content: cats" in lines
    assert "folders taken as left out: masks" in lines
    many = reading_of("real", *(f"generator{number}" for number in range(8))).description()
    assert any(line.endswith("generator4, and 3 more") for line in many)


def test_every_folder_is_looked_at_a_few_times_however_many_there_are(monkeypatch):
    looked_at = []
    known = folder_roles.is_known_generator
    monkeypatch.setattr(folder_roles, "is_known_generator", lambda name: looked_at.append(name) or known(name))
    folders = {f"photo_{number:04d}": ["a.png"] for number in range(300)} | {"flux": ["b.png"]}
    found = read_folders(folders, "data", AS_STATED)
    assert [facts.label for facts in found.facts.values()] == [0] * 300 + [None]
    assert len(looked_at) < 20 * len(folders)
