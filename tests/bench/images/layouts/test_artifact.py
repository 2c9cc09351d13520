"""ArtiFact's tables, read back exactly, and refused line by line where they are not in order."""

import pytest

from bench.images.data_sets import read
from bench.images.files.tree import Folder
from bench.images.layouts.artifact import ArtifactLayout
from bench.platform.errors import InputError
from tests.support.small_data_sets import read_both_ways, table_columns, write_images

HEAD = "filename,image_path,target,category\n"


def table(root, folder, *lines, head=HEAD):
    (root / folder).mkdir(parents=True, exist_ok=True)
    (root / folder / "metadata.csv").write_text(head + "".join(f"{line}\n" for line in lines))


def fill(root):
    write_images(root, "coco/a.jpg", "big_gan/x/b.jpg", "cycle_gan/real.jpg", "cycle_gan/fake.jpg")
    table(root, "coco", "a.jpg,a.jpg,0,street")
    table(root, "big_gan", "b.jpg,big_gan/x/b.jpg,6,dog")
    table(root, "cycle_gan", "real.jpg,real.jpg,0,horse", "fake.jpg,fake.jpg,1,zebra")


def test_the_tables_say_everything(tmp_path):
    fill(tmp_path)
    images = read_both_ways("artifact", tmp_path)
    assert table_columns(images, "label", "generator", "content", "source") == {
        "big_gan/x/b.jpg": (1, "big_gan", "dog", "big_gan/x/b.jpg"),
        "coco/a.jpg": (0, "real", "street", "coco/a.jpg"),
        "cycle_gan/fake.jpg": (1, "cycle_gan", "zebra", "cycle_gan/fake.jpg"),
        "cycle_gan/real.jpg": (0, "real", "horse", "cycle_gan/real.jpg"),
    }
    assert images.pools == {"big_gan": "real", "cycle_gan": "real"}
    assert "drawn" in images.notes[0]
    assert images.missing == {}


def test_a_path_may_be_relative_to_the_root_below_a_folder_that_holds_all(tmp_path):
    fill(tmp_path / "artifact")
    assert len(read_both_ways("artifact", tmp_path)) == 4


def test_what_is_listed_and_not_there_is_counted_and_what_is_not_listed_is_left_out(tmp_path):
    fill(tmp_path)
    table(tmp_path, "coco", "a.jpg,a.jpg,0,street", "gone.jpg,gone.jpg,0,street", "g.jpg,../g.jpg,0,street")
    write_images(tmp_path, "coco/unlisted.jpg")
    images = read_both_ways("artifact", tmp_path)
    assert images.missing == {"images that metadata.csv lists": 2}
    assert "coco/unlisted.jpg" not in images.names
    assert images.notes[-1] == "1 images are not part of the layout and were left out, in coco"


@pytest.mark.parametrize(
    ("head", "line", "told"),
    [
        (
            "filename,image_path,category\n",
            "a.jpg,a.jpg,street",
            r"coco/metadata\.csv line 1: column target is missing",
        ),
        (HEAD, "a.jpg,a.jpg,real,street", r"coco/metadata\.csv line 2: column target is 'real', not a whole number"),
        (HEAD, "a.jpg,a.jpg,0", r"coco/metadata\.csv line 2: 3 fields for 4 columns"),
        (HEAD, 'a.jpg,"a.jpg,0,street', r"coco/metadata\.csv line 2: it is not comma-separated text"),
        ("target,image_path,target,category\n", "0,a.jpg,0,x", "line 1: a column comes twice"),
    ],
)
def test_a_table_that_is_not_in_order_is_refused_by_file_line_and_column(tmp_path, head, line, told):
    fill(tmp_path)
    table(tmp_path, "coco", line, head=head)
    with pytest.raises(InputError, match=told):
        read(f"artifact:{tmp_path}")


@pytest.mark.parametrize("head", ["file,width\n", "image_path,target\n", "image_path,target,category\n"])
def test_a_table_is_claimed_by_all_of_its_columns(tmp_path, head):
    write_images(tmp_path, "a/1.jpg")
    table(tmp_path, "a", head=head)
    assert ArtifactLayout().coverage(Folder(tmp_path)) == "none"


def test_real_images_that_the_user_names_stand_against_a_generator_fetched_alone(tmp_path):
    write_images(tmp_path / "data", "glide/b.jpg")
    table(tmp_path / "data", "glide", "b.jpg,b.jpg,1,dog")
    write_images(tmp_path / "photos", "p.jpg")
    with pytest.raises(InputError, match="no real images stand against glide"):
        read(str(tmp_path / "data"))
    images = read_both_ways("artifact", tmp_path / "data", str(tmp_path / "photos"))
    assert table_columns(images, "label") == {"glide/b.jpg": 1, "real/p.jpg": 0}


@pytest.mark.parametrize("path", ["x/b.jpg", "big_gan/x/b.jpg", "./big_gan/x/b.jpg"])
def test_the_folder_of_one_generator_may_be_given(tmp_path, path):
    write_images(tmp_path / "big_gan", "x/b.jpg", "x/r.jpg")
    table(tmp_path / "big_gan", "", f"b.jpg,{path},6,dog", f"r.jpg,{path.replace('b.jpg', 'r.jpg')},0,cat")
    images = read_both_ways("artifact", tmp_path / "big_gan")
    assert table_columns(images, "generator", "content") == {"x/b.jpg": ("big_gan", "dog"), "x/r.jpg": ("real", "cat")}
    assert images.missing == {}


def test_real_images_may_be_given_beside_the_folder_of_one_generator(tmp_path):
    write_images(tmp_path / "glide", "b.jpg")
    table(tmp_path / "glide", "", "b.jpg,b.jpg,1,dog")
    write_images(tmp_path / "photos", "p.jpg")
    images = read_both_ways("artifact", tmp_path / "glide", str(tmp_path / "photos"))
    assert table_columns(images, "generator") == {"b.jpg": "glide", "real/p.jpg": "real"}
