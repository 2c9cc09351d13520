"""Pair training: counterparts stand side by side in every batch and are seen through one crop."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from detectors.api import Runtime, Unavailable
from detectors.checks import ToyTrainSet, sample
from detectors.networks.backbones import Resnet18, Resnet18Pairs
from detectors.preprocessing.augmentation import BlurJpeg
from detectors.training.loader import BatchLoader
from detectors.training.pairing import batches, index_groups

VIEW = BlurJpeg(probability=0, resize=None, crop=4, test_crop=8, pad=False)


class Twins(ToyTrainSet):
    """Every pixel of an image tells its row, its column and which image it is of; counterparts are 2k and 2k + 1."""

    def __getitem__(self, index):
        rows, columns = np.mgrid[:8, :8]
        return sample(np.stack([rows, columns, np.full_like(rows, index)], -1).astype(np.uint8))


def epochs(train, pairs, batch=6, count=2):
    with ThreadPoolExecutor(2) as pool:
        shown = BatchLoader(train, VIEW, batch, 0, pool, pairs)
        return [list(shown.training(range(len(train)), epoch)) for epoch in range(count)]


def test_every_batch_holds_both_twins_seen_through_one_crop():
    for epoch in epochs(Twins(20), "source"):
        seen = Counter()
        for images, labels in epoch:
            by_image = {int(image[0, 0, 2]): image for image in images}
            assert [index % 2 for index in by_image] == labels.tolist()
            for index, image in by_image.items():
                assert np.array_equal(image[..., :2], by_image[index ^ 1][..., :2])
            seen.update(list(by_image))
        assert seen == Counter(range(20))


def test_without_pairs_twins_go_their_own_ways():
    batched = [{int(image[0, 0, 2]) for image in images} for images, _ in epochs(Twins(20), "none")[0]]
    assert any(index ^ 1 not in batch for batch in batched for index in batch)


def test_content_twins_change_from_epoch_to_epoch():
    train = Twins(20)
    first, second = ({tuple(sorted(unit)) for unit in told(train, epoch)} for epoch in (0, 1))
    assert first != second
    assert {int(train.labels[index]) for unit in first for index in unit} == {0, 1}


def told(train, epoch):
    """Content pairs of an epoch, read off batches of one pair."""
    return [[int(image[0, 0, 2]) for image in images] for images, _ in epochs(train, "content", 2)[epoch]]


def test_a_real_image_may_have_several_twins():
    train = Twins(6)
    train.sources, train.labels = ["a"] * 5 + ["b"], np.array([0, 1, 1, 1, 1, 0])
    assert index_groups(range(6), train, "source") == [(0, 1), (0, 2), (0, 3), (0, 4), (5,)]
    assert batches([(0, 1), (0, 2), (5,), (0, 3)], 3) == [[(0, 1)], [(0, 2), (5,)], [(0, 3)]]


def test_images_of_unknown_content_are_nobodys_twins():
    train = Twins(6)
    train.contents = ["", "", "", "", "cat", "cat"]
    assert index_groups(range(6), train, "content") == [(0,), (1,), (2,), (3,), (4, 5)]


def test_without_twins_nothing_is_trained():
    train = ToyTrainSet(8)
    train.sources = list(train.names)
    with pytest.raises(Unavailable, match=r'none of the 6 training images has one.*or train with pairs="content"'):
        Resnet18("small", pairs="source").fit(train, 0, Runtime())


def test_pairs_are_part_of_the_key_and_change_the_training():
    plain, paired = Resnet18("small"), Resnet18("small", pairs="source")
    assert plain.key != paired.key
    assert Resnet18Pairs("small").pairing == "content"
    assert Resnet18Pairs("paper").pairing == "source"
    states = [recipe.fit(ToyTrainSet(16), 0, Runtime()).state() for recipe in (plain, paired)]
    assert not np.array_equal(*(state["fc.weight"] for state in states))
