"""CNNDetection's and UniversalFakeDetect's folders, read back exactly."""

from shutil import make_archive

import pytest

from bench.images.data_sets import read
from bench.platform.errors import InputError
from tests.support.small_data_sets import read_both_ways, table_columns, write_images


def test_generators_with_and_without_class_folders_are_read(tmp_path):
    write_images(
        tmp_path, "stylegan/car/0_real/a.png", "stylegan/car/1_fake/a.png", "biggan/0_real/b.png", "biggan/1_fake/b.png"
    )
    images = read_both_ways("cnnspot", tmp_path)
    assert table_columns(images, "label", "generator", "content") == {
        "biggan/0_real/b.png": (0, "biggan", ""),
        "biggan/1_fake/b.png": (1, "biggan", ""),
        "stylegan/car/0_real/a.png": (0, "stylegan", "car"),
        "stylegan/car/1_fake/a.png": (1, "stylegan", "car"),
    }
    assert images.pools == {"biggan": "biggan", "stylegan": "stylegan"}
    assert images.families == {"biggan": "gan", "stylegan": "gan"}
    assert "drawn" in images.notes[0]


def test_the_classes_under_train_and_val_are_progan_and_the_folders_under_test_are_generators(tmp_path):
    for place in ("train/car", "val/train", "test/progan/cat", "test/san"):
        write_images(tmp_path, f"{place}/0_real/1.png", f"{place}/1_fake/1.png")
    images = read_both_ways("cnnspot", tmp_path)
    fake = {
        name: values
        for name, values in table_columns(images, "split", "generator", "content").items()
        if "fake" in name
    }
    assert fake == {
        "test/progan/cat/1_fake/1.png": ("test", "progan", "cat"),
        "test/san/1_fake/1.png": ("test", "san", ""),
        "train/car/1_fake/1.png": ("train", "progan", "car"),
        "val/train/1_fake/1.png": ("val", "progan", "train"),
    }
    assert images.notes == ()


def test_a_generator_of_ones_own_under_train_is_not_taken_for_a_class_of_progan(tmp_path):
    for split in ("train", "val"):
        write_images(tmp_path, f"{split}/biggan/0_real/1.png", f"{split}/biggan/1_fake/1.png")
    assert read_both_ways("cnnspot", tmp_path).generators == ("biggan",)


def test_generators_without_real_images_stand_against_imagenet_or_laion(tmp_path):
    write_images(tmp_path, "imagenet/0_real/i.png", "laion/0_real/l.png", "san/0_real/s.png", "san/1_fake/s.png")
    write_images(tmp_path, "guided/1_fake/g.png", "dalle/1_fake/d.png", "ldm_200_cfg/1_fake/m.png")
    images = read_both_ways("cnnspot", tmp_path)
    assert images.pools == {"guided": "imagenet", "dalle": "laion", "ldm_200_cfg": "laion", "san": "san"}
    assert table_columns(images, "generator")["laion/0_real/l.png"] == "laion"
    assert images.families["dalle"] == "codebook transformer"
    assert set(images.generators) == {"guided", "dalle", "ldm_200_cfg", "san"}


def test_a_generator_whose_pool_is_not_there_is_named(tmp_path):
    write_images(tmp_path, "laion/0_real/l.png", "guided/1_fake/g.png")
    with pytest.raises(InputError, match="no real images stand against guided"):
        read(str(tmp_path))


def test_several_archives_in_a_folder_are_no_generators(tmp_path):
    write_images(tmp_path / "made", "progan/cat/0_real/a.png", "progan/cat/1_fake/a.png")
    make_archive(str(tmp_path / "zips" / "CNN_synth_testset"), "zip", tmp_path / "made")
    images = read_both_ways("cnnspot", tmp_path / "zips")
    assert set(table_columns(images, "generator", "content").values()) == {("progan", "cat")}


def test_a_tree_that_is_one_generator_is_called_by_its_own_name(tmp_path):
    write_images(tmp_path / "crn", "0_real/a.png", "1_fake/a.png")
    images = read_both_ways("cnnspot", tmp_path / "crn")
    assert images.generators == ("crn",)
    assert images.families == {"crn": "perceptual loss"}


@pytest.mark.parametrize(
    ("place", "generator"), [("ProGAN", "ProGAN"), ("train", "progan"), ("stylegan3", "stylegan3"), ("mine", "progan")]
)
def test_a_tree_of_content_classes_is_one_generator(tmp_path, place, generator):
    for content in ("airplane", "bicycle", "train"):
        write_images(tmp_path / place, f"{content}/0_real/a.png", f"{content}/1_fake/a.png")
    images = read_both_ways("cnnspot", tmp_path / place)
    assert table_columns(images, "generator", "content")["bicycle/1_fake/a.png"] == (generator, "bicycle")
    assert table_columns(images, "generator", "content")["train/0_real/a.png"] == (generator, "train")
    assert images.families == {generator: "gan"}


def test_other_classes_than_those_of_progan_are_classes_below_a_known_generator_only(tmp_path):
    for place in ("stylegan", "mine"):
        write_images(
            tmp_path / place, *(f"{name}/{kind}/a.png" for name in ("bedroom", "car") for kind in ("0_real", "1_fake"))
        )
    assert read_both_ways("cnnspot", tmp_path / "stylegan").generators == ("stylegan",)
    assert set(read_both_ways("cnnspot", tmp_path / "mine").generators) == {"bedroom", "car"}


def test_the_archives_of_both_data_sets_beside_each_other_are_read(tmp_path):
    write_images(
        tmp_path / "a", "progan/cat/0_real/a.png", "progan/cat/1_fake/a.png", "crn/0_real/a.png", "crn/1_fake/a.png"
    )
    write_images(tmp_path / "b", "laion/0_real/a.png", "dalle/1_fake/a.png")
    for place, name in (("a", "CNN_synth_testset"), ("b", "diffusion_datasets")):
        make_archive(str(tmp_path / "zips" / name), "zip", tmp_path / place)
    images = read_both_ways("cnnspot", tmp_path / "zips")
    assert set(images.generators) == {"progan", "crn", "dalle"}
    assert images.pools["dalle"] == "laion"


def test_split_words_with_fillers_are_no_generators(tmp_path):
    write_images(
        tmp_path, *(f"{split}_images/{kind}/1.png" for split in ("train", "val") for kind in ("0_real", "1_fake"))
    )
    with pytest.raises(InputError, match=r"may be the split .* such as --levels split,class$"):
        read(str(tmp_path))
