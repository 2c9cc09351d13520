"""Which files of a WebDataset share a key: names end at their last dot, or at the first that pairs every picture."""

import pytest

from bench.images.annotations.sample_keys import find_samples

LAST, FIRST = "keys end at the last dot of a name", "keys end at the first dot of a name"


def found(*names):
    images = [name for name in names if name.lower().endswith((".png", ".jpg", ".webp"))]
    samples = find_samples(images, [name for name in names if name not in images])
    keys = {sample.key: (sample.image, *sorted(sample.fields.values())) for sample in samples.samples}
    return keys, list(samples.unpaired), samples.rule


@pytest.mark.parametrize("picture", ["png", "JPG", "webp"])
@pytest.mark.parametrize("label", ["cls", "CLS", "json", "txt", "label"])
def test_any_picture_and_any_field_of_a_label(picture, label):
    assert found(f"s/a.{picture}", f"s/a.{label}") == ({"s/a": (f"s/a.{picture}", f"s/a.{label}")}, [], LAST)


def test_keys_with_dots_stay_apart():
    names = [f"sd1.5_{number:04d}.{field}" for number in (1, 2) for field in ("png", "cls", "json")]
    keys, unpaired, rule = found(*names)
    assert keys.keys() == {"sd1.5_0001", "sd1.5_0002"}
    assert (unpaired, rule) == ([], LAST)


def test_fields_with_dots_are_paired_at_the_first():
    keys, unpaired, rule = found("k.input.png", "k.target.cls", "l.input.png", "l.target.cls")
    assert keys == {"k": ("k.input.png", "k.target.cls"), "l": ("l.input.png", "l.target.cls")}
    assert (unpaired, rule) == ([], FIRST)


def test_where_neither_pairs_all_what_is_left_is_named():
    keys, unpaired, _ = found("sd1.5_1.input.png", "sd1.5_1.target.cls", "sd1.5_2.input.png", "sd1.5_2.target.cls")
    assert keys == {}
    assert unpaired == ["sd1.5_1.input.png", "sd1.5_2.input.png"]
    assert found("a.png", "a.cls", "b.png")[1] == ["b.png"]


def test_one_label_for_several_pictures_pairs_none_of_them():
    assert found("k.left.png", "k.right.png", "k.cls")[:2] == ({}, ["k.left.png", "k.right.png"])


def test_shards_have_keys_of_their_own_and_other_fields_pair_nothing():
    keys, unpaired, _ = found("s1/a.png", "s1/a.cls", "s2/a.png", "s2/a.cls", "s2/b.png", "s2/b.npy")
    assert keys.keys() == {"s1/a", "s2/a"}
    assert unpaired == ["s2/b.png"]


@pytest.mark.parametrize("field", ["seg", "mask", "depth", "gt", "MASK", "segmentation"])
@pytest.mark.parametrize("picture", ["{}.jpg", "{}.input.jpg", "{}.rgb.webp"])
def test_maps_of_a_picture_are_left_out(picture, field):
    images = [name for key in "kl" for name in (picture.format(key), f"{key}.{field}.png")]
    samples = find_samples(images, [f"{key}.{end}" for key in "kl" for end in ("cls", "json")])
    assert [(sample.key, sample.image) for sample in samples.samples] == [(key, picture.format(key)) for key in "kl"]
    assert (samples.left_out, samples.unpaired) == ([f"{key}.{field}.png" for key in "kl"], [])


def test_a_map_without_a_picture_is_a_picture():
    assert found("k.seg.png", "k.seg.cls")[:2] == ({"k.seg": ("k.seg.png", "k.seg.cls")}, [])
