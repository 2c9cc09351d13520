"""Collections of one's own: a folder per generator and folders of real images, in the ways that people lay them out."""

import pytest

from bench.images.data_sets import read
from bench.images.reading import Reading
from bench.platform.errors import InputError
from tests.support.small_data_sets import read_both_ways, table_columns, write_images

UNSURE = ["imagenet_dit", "imagenet_sd", "laion_sana", "ffhq_psp", "real_vis_xl", "lsun_bedroom", "Tampered", "edited"]


def test_every_folder_is_a_generator_or_real(tmp_path):
    write_images(
        tmp_path, "CelebA/a.jpg", "LFW/b.jpg", "DreamBooth/c.png", "StyleGAN2/d.png", "DALL-E/e.png", "Lora/f.png"
    )
    images = read_both_ways("folders", tmp_path)
    assert table_columns(images, "label", "generator", "source") == {
        "CelebA/a.jpg": (0, "real", "CelebA/a.jpg"),
        "LFW/b.jpg": (0, "real", "LFW/b.jpg"),
        "DreamBooth/c.png": (1, "DreamBooth", "DreamBooth/c.png"),
        "StyleGAN2/d.png": (1, "StyleGAN2", "StyleGAN2/d.png"),
        "DALL-E/e.png": (1, "DALL-E", "DALL-E/e.png"),
        "Lora/f.png": (1, "Lora", "Lora/f.png"),
    }
    assert set(images.pools.values()) == {"real"}
    assert images.families["DreamBooth"] == images.families["Lora"] == "stable diffusion"
    assert images.notes[0].endswith("the images in these folders were taken as real: CelebA, LFW")
    assert "drawn" in images.notes[1]


@pytest.mark.parametrize("shape", ["{split}/{kind}/x.png", "{kind}/{split}/x.png"])
def test_splits_are_at_the_top_or_below_a_generator(tmp_path, shape):
    for split in ("training", "valid", "Test"):
        write_images(tmp_path, *(shape.format(split=split, kind=kind) for kind in ("flux", "real")))
    images = read_both_ways("folders", tmp_path)
    assert sorted(table_columns(images, "split", "generator").values()) == [
        (split, generator) for split in ("test", "train", "val") for generator in ("flux", "real")
    ]
    assert images.notes == ()
    assert "folders taken as split: Test, training, valid" in images.reading


def test_deeper_folders_are_content_classes(tmp_path):
    write_images(tmp_path, "flux/animals/dogs/a.png", "flux/photo/b.png", "real/animals/c.png")
    images = read_both_ways("folders", tmp_path)
    assert table_columns(images, "label", "content") == {
        "flux/animals/dogs/a.png": (1, "animals/dogs"),
        "flux/photo/b.png": (1, "photo"),
        "real/animals/c.png": (0, "animals"),
    }


def test_numbered_content_classes_are_not_taken_for_real_and_generated(tmp_path):
    write_images(tmp_path, "flux/0/a.png", "flux/1/b.png", "real/0/c.png", "real/1/d.png")
    assert table_columns(read_both_ways("folders", tmp_path), "label", "content") == {
        "flux/0/a.png": (1, "0"),
        "flux/1/b.png": (1, "1"),
        "real/0/c.png": (0, "0"),
        "real/1/d.png": (0, "1"),
    }


def test_fake_is_the_generator_that_the_data_set_or_the_folder_above_names(tmp_path):
    write_images(tmp_path / "cifake", "train/real/a.png", "train/fake/b.png", "test/real/c.png", "test/fake/d.png")
    assert read_both_ways("folders", tmp_path / "cifake").generators == ("cifake",)
    write_images(
        tmp_path / "own", "flux/fake/a.png", "flux/photos/b.png", "sdxl/generated/cats/c.png", "sdxl/real/d.png"
    )
    images = read_both_ways("folders", tmp_path / "own")
    assert table_columns(images, "label", "generator", "content") == {
        "flux/fake/a.png": (1, "flux", ""),
        "flux/photos/b.png": (0, "real", ""),
        "sdxl/generated/cats/c.png": (1, "sdxl", "cats"),
        "sdxl/real/d.png": (0, "real", ""),
    }


def test_one_generator_is_enough_and_a_single_folder_above_all_is_passed_over(tmp_path):
    write_images(tmp_path / "a", "flux/a.png", "real/b.png")
    assert read_both_ways("folders", tmp_path / "a").generators == ("flux",)
    write_images(tmp_path / "b", "collection/flux/a.png", "collection/sdxl/a.png", "collection/coco/b.png")
    images = read_both_ways("folders", tmp_path / "b")
    assert images.generators == ("flux", "sdxl")
    assert table_columns(images, "label")["collection/coco/b.png"] == 0


def test_forgotten_real_images_are_one_clear_line_and_may_come_from_elsewhere(tmp_path):
    write_images(tmp_path / "data", "flux/a.png", "sdxl/b.png")
    told = r"images of generators \(flux, sdxl\) and none that are real; call .* real, or name one with --real FOLDER"
    for text in (f"{tmp_path / 'data'}", f"folders:{tmp_path / 'data'}"):
        with pytest.raises(InputError, match=told):
            read(text)
    write_images(tmp_path / "photos", "deep/c.png")
    images = read_both_ways("folders", tmp_path / "data", str(tmp_path / "photos"))
    assert table_columns(images, "label")["real/deep/c.png"] == 0


def test_images_at_the_top_are_no_part_and_say_so(tmp_path):
    write_images(tmp_path, "flux/a.png", "real/b.png", "stray.png")
    images = read_both_ways("folders", tmp_path)
    assert images.names == ["flux/a.png", "real/b.png"]
    assert images.notes[-1] == "1 images are not part of the layout and were left out, in the top"


def test_more_images_at_the_top_than_a_readme_has_are_asked_about(tmp_path):
    write_images(tmp_path, "flux/a.png", "real/b.png", *(f"{index}.png" for index in range(11)))
    with pytest.raises(InputError, match="only in part laid out as folders; name one, as in DATA=folders:"):
        read(str(tmp_path))


@pytest.mark.parametrize("shape", ["flux/train/{ai}/x.png", "flux/car/{old}/x.png"])
def test_the_folders_of_other_layouts_are_told_apart_by_class_when_read_as_folders(tmp_path, shape):
    words = ({"ai": "ai", "old": "1_fake"}, {"ai": "nature", "old": "0_real"})
    write_images(tmp_path, *(shape.format(**word) for word in words))
    images = read(f"folders:{tmp_path}")
    assert sorted(table_columns(images, "label", "generator").values()) == [(0, "real"), (1, "flux")]


@pytest.mark.parametrize("name", UNSURE)
def test_a_folder_that_may_be_real_or_generated_is_refused_with_the_ways_out(tmp_path, name):
    write_images(tmp_path, f"{name}/a.png", "flux/b.png", "real/c.png")
    told = f"the folder {name} may hold real images or generated ones; say which: --classes {name}=real, {name}=gen"
    with pytest.raises(InputError, match=told):
        read(str(tmp_path))
    for meaning, label in (("real", 0), ("generated", 1), ("skip", None)):
        found = table_columns(read(str(tmp_path), reading=Reading({name.lower(): meaning})), "label")
        assert (found.get(f"{name}/a.png"), len(found)) == (label, 3 if meaning != "skip" else 2)
    (tmp_path / name).rename(tmp_path / "real" / name)
    assert read_both_ways("folders", tmp_path).labels.tolist() == [1, 0, 0]


def test_a_folder_that_may_be_either_does_not_matter_to_another_layout(tmp_path):
    write_images(
        tmp_path, *(f"imagenet_dit/{split}/{kind}/1.png" for split in ("train", "val") for kind in ("ai", "nature"))
    )
    assert read(str(tmp_path)).generators == ("imagenet_dit",)


@pytest.mark.parametrize("folders", [("",), ("train/", "val/", "test/")])
def test_a_flat_folder_of_generated_images_is_one_generator_beside_real_images_given(tmp_path, folders):
    write_images(tmp_path / "flux", *(f"{folder}{index}.png" for folder in folders for index in range(10)))
    write_images(tmp_path / "photos", *(f"{index}.jpg" for index in range(12)))
    for text in (f"{tmp_path / 'flux'}", f"folders:{tmp_path / 'flux'}"):
        with pytest.raises(InputError, match=r"images of generators \(flux\) and none that are real; .* --real FOLDER"):
            read(text)
    images = read_both_ways("folders", tmp_path / "flux", str(tmp_path / "photos"))
    assert images.generators == ("flux",)
    assert images.labels.tolist().count(0) == 12
    assert set(images.table.loc[images.table["label"] == 0, "split"]) == {"train", "val", "test"}
    assert "flux: the images that no folder names a generator of were taken as those of one generator" in images.notes
    assert images[images.names.index("real/3.jpg")].facts.format == "JPEG"


def test_one_folder_of_one_generator_is_enough_beside_real_images_given(tmp_path):
    write_images(tmp_path / "data", "flux/a.png")
    write_images(tmp_path / "photos", "b.jpg")
    assert read_both_ways("folders", tmp_path / "data", str(tmp_path / "photos")).generators == ("flux",)


def test_a_flat_folder_with_a_folder_real_of_its_own_is_not_taken_for_a_generator(tmp_path):
    write_images(tmp_path, "a.png", "real/b.png")
    with pytest.raises(InputError, match=r"holds folders of real images \(real\) and none of a generator"):
        read(f"folders:{tmp_path}")


def test_real_images_that_are_given_with_splits_keep_them_and_without_are_assigned_some(tmp_path):
    write_images(tmp_path / "data", *(f"{split}/flux/{index}.png" for split in ("train", "val") for index in range(4)))
    write_images(tmp_path / "split", "train/a.png", "val/b.png", "val/c.png")
    write_images(tmp_path / "flat", "deep/a.png", "deep/b.png")
    kept = read_both_ways("folders", tmp_path / "data", str(tmp_path / "split"))
    assert [split for name, split in table_columns(kept, "split").items() if name.startswith("real/")] == [
        "train",
        "val",
        "val",
    ]
    assigned = read_both_ways("folders", tmp_path / "data", str(tmp_path / "flat"))
    real = {values for name, values in table_columns(assigned, "split", "content").items() if name.startswith("real/")}
    assert real == {("train", "deep"), ("val", "deep")}


@pytest.mark.parametrize(
    ("masks", "left_out"),
    [
        (("flux/masks/a.png", "flux/masks/b.png"), "2 images are masks, previews or to be skipped and were left out"),
        (("docs/teaser.png",), "1 images are masks, previews or to be skipped and were left out, in docs"),
        (("flux/a_mask.png", "flux/b_gt.png"), "2 images are not part of the layout and were left out, in flux"),
    ],
)
def test_masks_and_previews_are_left_out_and_named_by_folder_and_by_suffix(tmp_path, masks, left_out):
    write_images(tmp_path, "flux/a.png", "flux/b.png", "real/a.png", "real/b.png", *masks)
    images = read_both_ways("folders", tmp_path)
    assert images.names == ["flux/a.png", "flux/b.png", "real/a.png", "real/b.png"]
    assert any(left_out in note for note in images.notes)


def test_copies_of_one_image_are_one_source_and_other_images_of_the_same_platforms_are_not(tmp_path):
    for platform in ("original", "facebook", "twitter"):
        write_images(tmp_path / "same", *(f"{platform}/{kind}/{n}.png" for kind in ("real", "flux") for n in range(10)))
        write_images(tmp_path / "other", *(f"{platform}/{kind}/{platform}.png" for kind in ("real", "flux")))
    same = read(str(tmp_path / "same")).table
    assert same.groupby("source")["name"].count().tolist() == [3] * 20
    assert (same.groupby("source")["split"].nunique() == 1).all()
    assert set(same["generator"]) == {"flux", "real"}
    assert same["copy"].tolist() == [{"original": ""}.get(name, name) for name in same["name"].str.split("/").str[0]]
    other = read(str(tmp_path / "other")).table
    assert other["source"].is_unique
    assert set(other["copy"]) == {""}


@pytest.mark.parametrize("wrapper", ["photos", "human", "data/photos"])
def test_words_that_wrap_classes_are_no_real_images(tmp_path, wrapper):
    write_images(tmp_path, f"{wrapper}/fake/a.png", f"{wrapper}/real/b.png")
    assert list(table_columns(read_both_ways("folders", tmp_path), "label").values()) == [1, 0]


def test_folders_that_contradict_themselves_are_refused_and_read_as_levels_say(tmp_path):
    write_images(tmp_path, "real/fake/a.png", "ai/x/b.png", "real/real/c.png")
    with pytest.raises(InputError, match="real/fake names the classes real and fake; say what is meant with --levels"):
        read(str(tmp_path))
    images = read(str(tmp_path), reading=Reading(levels=("class", "content")))
    assert table_columns(images, "label", "content") == {
        "real/fake/a.png": (0, "fake"),
        "ai/x/b.png": (1, "x"),
        "real/real/c.png": (0, "real"),
    }


def test_folders_that_are_numbers_are_refused_and_read_as_stated(tmp_path):
    write_images(tmp_path, "0/a.png", "1/b.png")
    with pytest.raises(InputError, match="--classes"):
        read(str(tmp_path))
    images = read(str(tmp_path), reading=Reading({"0": "generated", "1": "real"}))
    assert table_columns(images, "label") == {"0/a.png": 1, "1/b.png": 0}


def test_levels_that_are_stated_are_taken(tmp_path):
    names = [
        f"{take}/{maker}/{split}/x.png" for take in ("t1", "t2") for maker in ("A", "B") for split in ("train", "test")
    ]
    write_images(tmp_path, *names)
    stated = Reading({"b": "real"}, levels=("group", "class", "split"))
    with pytest.raises(InputError, match="the folder A is a class by --levels; say which: --classes A=generated"):
        read(str(tmp_path), reading=stated)
    images = read(str(tmp_path), reading=Reading({"a": "generated", "b": "real"}, levels=("group", "class", "split")))
    assert table_columns(images, "label", "split", "source")["t1/A/test/x.png"] == (1, "test", "t1")
    assert set(images.table["source"]) == {"t1", "t2"}


UNSURE = {  # folders, the option that is suggested, and the splits
    "train_images/{}/1.png test_imgs/{}/2.png": "split,class",
    "data/train_data/{}/1.png data/val-images/{}/2.png": "skip,split,class",
    "{}/training_frames/1.png {}/test/2.png": "class,split",
    "TrainImages/0_{}/1.png test-dataset/0_{}/2.png": "split,class",
}


@pytest.mark.parametrize("names", UNSURE)
def test_split_words_with_fillers_are_refused_and_read_as_told(tmp_path, names):
    write_images(tmp_path, *(name.format(kind) for name in names.split() for kind in ("real", "fake")))
    with pytest.raises(InputError, match=rf"may be the split .*, such as --levels {UNSURE[names]}$") as error:
        read(str(tmp_path))
    assert "\n" not in str(error.value)
    images = read(str(tmp_path), reading=Reading(levels=tuple(UNSURE[names].split(","))))
    assert images.generators == (tmp_path.name,)
    assert {split for name, split in table_columns(images, "split").items() if name.endswith("1.png")} == {"train"}
    assert {split for name, split in table_columns(images, "split").items() if name.endswith("2.png")} <= {
        "val",
        "test",
    }
    assert not images.drawn_splits


def test_generators_below_split_words_with_fillers_stay_as_told(tmp_path):
    write_images(
        tmp_path, *(f"{split}_images/{kind}/1.png" for split in ("train", "test") for kind in ("real", "flux"))
    )
    with pytest.raises(InputError, match=r"such as --levels split,generator$"):
        read(str(tmp_path))
    images = read(str(tmp_path), reading=Reading(levels=("split", "generator")))
    assert table_columns(images, "generator", "split") == {
        f"{split}_images/{kind}/1.png": (kind, split) for split in ("train", "test") for kind in ("real", "flux")
    }


def test_a_table_may_state_the_split_of_such_folders_and_the_class_is_in_the_other(tmp_path):
    names = [f"{split}_images/{kind}/1.png" for split in ("train", "test") for kind in ("real", "fake")]
    write_images(tmp_path, *names)
    (tmp_path / "metadata.csv").write_text(
        "file_name,split\n" + "".join(f"{name},{name.partition('_')[0]}\n" for name in names)
    )
    assert table_columns(read(str(tmp_path)), "split") == {name: name.partition("_")[0] for name in names}


def test_one_such_folder_above_all_is_no_generator_and_asks_nothing(tmp_path):
    write_images(tmp_path, "train_images/real/1.png", "train_images/fake/1.png")
    assert read(str(tmp_path)).generators == (tmp_path.name,)


@pytest.mark.parametrize("name", ["real_train_images", "train-fakes"])
def test_classes_that_name_a_split_ask_nothing(tmp_path, name):
    write_images(tmp_path, f"{name}/1.png", "flux/1.png", "real/2.png")
    with pytest.raises(InputError, match="gives some images a split and others none"):
        read(str(tmp_path))


def test_a_longer_name_is_a_split_only_where_that_is_told(tmp_path):
    write_images(tmp_path, *(f"{top}/{kind}/1.png" for top in ("DF40_train", "DF40_test") for kind in ("real", "fake")))
    assert read(str(tmp_path)).drawn_splits
    images = read(str(tmp_path), reading=Reading(levels=("split", "class")))
    assert set(table_columns(images, "split").values()) == {"train", "test"}
    assert not any("not taken as splits" in note for note in images.notes)
    with pytest.raises(InputError, match="the folder DF40_test is a class by --levels"):
        read(str(tmp_path), reading=Reading(levels=("class", "split")))


def test_a_third_class_below_a_class_is_asked_about(tmp_path):
    write_images(
        tmp_path, *(f"{folder}/{index}.png" for folder in ("real", "ai/flux", "ai/tampered") for index in (1, 2))
    )
    with pytest.raises(InputError, match="--classes tampered=real, tampered=generated or tampered=skip"):
        read(str(tmp_path))
    skipped = read(str(tmp_path), reading=Reading({"tampered": "skip"}))
    assert (skipped.generators, len(skipped)) == (("flux",), 4)
    generated = read(str(tmp_path), reading=Reading({"tampered": "generated"}))
    assert (generated.labels.tolist(), len(generated)) == ([1, 1, 1, 1, 0, 0], 6)
