"""Words for classes and splits: those that do nothing but name one, those that may, and names that only hold one."""

import pytest

from bench.images.vocabulary.class_words import (
    filled_split,
    guessed_class,
    held_split,
    holds_split_word,
    is_unsure,
    label_of,
    label_of_name,
    may_be_real,
    split_of_class,
    split_word,
)

ONLY_REAL = ["real", "Real Images", "0_real", "REAL", "real_faces", "real-photos", "reals", "train_real"]
MAYBE_REAL = [
    "nature", "human", "photos", "Original", "authentic", "RAISE_1k", "coco2017", "imagenet", "LAION-5B", "lsun",
    "ffhq", "celeba_hq", "CelebA-HQ", "flickr30k", "openimages", "afhq", "imagenet_val", "imagenet-1k",
    "coco_val2017", "ms_coco", "real_RAISE_1k", "ffhq256", "celeba_hq_256x256", "coco_resized",
]  # fmt: skip
ONLY_GENERATED = [
    "fake",
    "1_fake",
    "AI",
    "AI-generated",
    "ai_generated_images",
    "Synthetic",
    "Fake Faces",
    "fakes",
    "AIGC",
]
NEITHER = [
    "imagenet_glide", "imagenet_ai_0508_adm", "imagenet_ai_0424_wukong", "imagenet_midjourney", "ffhq_stylegan2",
    "real_esrgan", "realistic_vision", "raised", "lsun_ldm", "flux", "photoreal", "coco_fake", "ffhq_fake",
    "imagenet_ai", "celeba_synthetic", "ffhq_generated", "real_fake", "deepfake", "GenAI", "cat", "0", "",
]  # fmt: skip
UNSURE = [
    "imagenet_dit", "imagenet_sd", "laion_sana", "ffhq_psp", "real_vis_xl", "lsun_bedroom", "RealArt", "not_real",
    "not_ai", "non-fake",
]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "sure", "label"),
    [(ONLY_REAL, 0, 0), (MAYBE_REAL, None, 0), (ONLY_GENERATED, 1, 1), (NEITHER, None, None), (UNSURE, None, None)],
)
def test_names_of_classes(names, sure, label):
    assert {name: label_of_name(name) for name in names} == dict.fromkeys(names, sure)
    assert {name: label_of(name) for name in names} == dict.fromkeys(names, label)
    assert {name: may_be_real(name) for name in MAYBE_REAL + UNSURE} == dict.fromkeys(MAYBE_REAL, True) | dict.fromkeys(
        UNSURE, False
    )


def test_names_that_begin_as_real_images_and_go_on_as_none_are_unsure():
    third = ["tampered", "Edited"]
    assert list(filter(is_unsure, [*ONLY_REAL, *MAYBE_REAL, *NEITHER, *UNSURE, *third])) == UNSURE + third


@pytest.mark.parametrize("number", [0, 1, True, 1.0, None])
def test_numbers_stand_for_no_class(number):
    assert label_of(number) is None


@pytest.mark.parametrize(
    ("names", "split"),
    [
        ("train Train TRAIN training train2017 train_2014 train-set TrainSet", "train"),
        ("val Valid validation dev VAL2017 val-2017", "val"),
        ("test Testing test_set testset eval evaluation PublicTest private_test", "test"),
        (
            "FLUX.1-dev train_and_test DF40_train trained latest contest test2 2017 set my_test real_train",
            "",
        ),
    ],
)
def test_a_split_is_a_split_word_and_nothing_else(names, split):
    assert {name: split_word(name) for name in names.split()} == dict.fromkeys(names.split(), split)


def test_classes_may_name_a_split_and_other_names_only_hold_one():
    assert [split_of_class(name) for name in ("real_train", "Fake-Val", "real", "DF40_train", "train_test_real")] == [
        "train", "val", "", "", "",
    ]  # fmt: skip
    assert list(filter(holds_split_word, ["DF40_train", "FLUX.1-dev", "train", "trained", "flux"])) == [
        "DF40_train",
        "FLUX.1-dev",
    ]


def test_suggestions_leave_open_what_a_name_does_not_say():
    assert [guessed_class(name) for name in ("RealArt", "AI_Art", "real_fake", "cat", "not_real", "non-fake")] == [
        "real",
        "generated",
        *["real|generated|skip"] * 4,
    ]


def test_split_words_with_fillers_and_within_names():
    names = [
        "train_images",
        "Test-Imgs",
        "valData",
        "train2017_images",
        "train",
        "val-set",
        "DF40_train",
        "train_test_data",
    ]
    assert list(map(filled_split, names)) == ["train", "test", "val", "train", "", "", "", ""]
    assert list(map(held_split, names)) == ["train", "test", "val", "train", "train", "val", "train", ""]
