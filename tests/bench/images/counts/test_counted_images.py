"""Images that are known by their numbers alone: the same counts as of real rows, in few rows of their own."""

import numpy as np
import pytest

from bench.images.counts.counted_images import GROWTH, counted_images
from bench.images.image_set import TooFewImages
from bench.platform.errors import InputError
from protocols.api import Subset


@pytest.fixture
def counted(tmp_path):
    """Make images of rows of counts."""

    def make(*rows):
        path = tmp_path / "mine.csv"
        path.write_text("\n".join(["generator,label,split,images,width,height", *rows]))
        return counted_images(str(path))

    return make


OWN = ("a,generated,train,1000,64,32", "a,real,train,900,100,50", "a,generated,val,40,64,32", "a,real,val,40,100,50")


def count(images, subset):
    return images.select(images.rows_of(subset)).count


def test_genimage_is_planned_with_few_rows():
    images = counted_images("genimage")
    assert images.count == 2_681_167
    assert len(images) < 5000
    assert images.generators[:3] == ("Midjourney", "SDv1.4", "SDv1.5")
    assert images.families["BigGAN"] == "gan"
    assert images.held_out == "val"
    assert count(images, Subset(("ADM",), "val")) == 12_000
    assert count(images, Subset(("SDv1.5",), "train")) == 166_000 + 153_274
    assert (images.image_counts @ images.pixel_counts) / images.count == pytest.approx(
        (1_331_167 * 469 * 387 + (168_000 * (1024**2 + 3 * 256**2 + 128**2 + 2 * 512**2)) + 174_000 * 512**2)
        / 2_681_167
    )


def test_draws_are_met_closely_and_a_smaller_one_is_part_of_a_larger_one(counted):
    images = counted(*OWN, "b,generated,train,5000,8,8", "b,real,train,300,8,8")
    before = set()
    for size in (1, 5, 50, 300, 800, 1200):
        rows = images.rows_of(Subset(("a", "b"), "train", size=size))
        assert before <= set(rows)
        before = set(rows)
        for label in (0, 1):
            drawn = images.image_counts[rows[images.labels[rows] == label]].sum()
            assert drawn == pytest.approx(size, abs=1 + GROWTH * size)
    assert images.largest_size(Subset(("a", "b"), "train")) == 1200
    with pytest.raises(TooFewImages, match="a has 900 real images in its train split, 901 are asked for"):
        images.rows_of(Subset(("a",), "train", size=901))


def test_a_limit_is_met_exactly(counted):
    images = counted(*OWN).select_at_most(100)
    assert images.count == 100 + 100 + 40 + 40
    assert images.table.groupby(["split", "label"])["images"].sum().tolist() == [100, 100, 40, 40]
    assert np.all(images.image_counts > 0)


def test_real_images_of_a_shared_pool_belong_to_all(counted):
    images = counted("a,generated,val,5,8,8", "sd v1.4,generated,val,6,8,8", "real,real,val,7,8,8")
    assert images.pools == {"a": "real", "SDv1.4": "real"}
    assert count(images, Subset(("a",), "val")) == 12
    with pytest.raises(InputError, match="have no real images that stand against a"):
        counted("a,generated,val,5,8,8", "b,real,val,7,8,8")


def test_nothing_of_them_can_be_read(counted):
    images = counted(*OWN)
    assert images.short_side == 32
    with pytest.raises(FileNotFoundError):
        images[0]
