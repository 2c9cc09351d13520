"""A new layout is one class and one entry point: this one is defined here, and read as those that ship are."""

import pytest

from bench.images import data_names
from bench.images.data_names import LAYOUTS
from bench.images.data_sets import layouts, read
from bench.images.layouts.api import SHARED_POOL, DataSetContents, ImageRow, Layout
from bench.platform.errors import InputError
from tests.support.entry_points import install
from tests.support.image_tables import png, structs, table, write_parquet
from tests.support.small_data_sets import table_columns, write_images


class TabbedLayout(Layout):
    """Images listed in a `.labels` file of its own kind, with tabs between path, generator and split."""

    name = "tabbed"
    pattern = "anything.labels"
    overrides = frozenset({"parquet"})
    file_suffixes = frozenset({".labels"})
    data_suffixes = frozenset({".labels"})

    def coverage(self, tree):
        listed = len(self.read(tree).rows)
        return "all" if listed and listed >= tree.listing.size else "some" if listed else "none"

    def read(self, tree):
        files = (
            [tree.given_file] if tree.given_file else [name for name in tree.listing.others if name.endswith(".labels")]
        )
        lines = [line.split("\t") for name in files for line in tree.read_text(name).splitlines()]
        rows = [
            ImageRow(path, int(generator != SHARED_POOL), generator, split, source=path)
            for path, generator, split in lines
        ]
        return DataSetContents(rows, families={"pix-9": "pixel diffusion"})


LINES = [("a/1.png", "pix-9", "train"), ("b/2.png", "real", "train"), ("a/3.png", "pix-9", "val")]
LINES += [("b/4.png", "real", "val")]


@pytest.fixture
def installed(monkeypatch):
    """An installation in which another distribution brings the layout."""
    install(monkeypatch, LAYOUTS, tabbed=f"{__name__}:TabbedLayout")


@pytest.fixture
def data(tmp_path):
    write_images(tmp_path, *(path for path, _, _ in LINES))
    (tmp_path / "mine.labels").write_text("\n".join("\t".join(line) for line in LINES))
    return tmp_path


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", ["{}", "tabbed:{}", "{}/mine.labels", "tabbed:{}/mine.labels"])
def test_it_is_read_from_its_folder_and_from_its_file(data, name):
    images = read(name.format(data))
    assert table_columns(images, "label", "generator", "split") == {
        path: (int(generator != "real"), generator, split) for path, generator, split in LINES
    }
    assert images.families == {"pix-9": "pixel diffusion"}
    assert images.pools == {"pix-9": "real"}
    assert images.notes == ()
    assert images[0].pixels.shape == (8, 9, 3)


@pytest.mark.usefixtures("installed")
def test_it_is_known_wherever_layouts_are_named(tmp_path):
    assert "tabbed" in layouts()
    with pytest.raises(InputError, match=r"layout 'tabed' is not known; there are .*synthbuster, tabbed, webdataset"):
        data_names.check_data("tabed:/data")
    with pytest.raises(InputError, match=r"is in none of the layouts .*; tabbed \(anything\.labels\); webdataset"):
        read(str(tmp_path))


@pytest.mark.usefixtures("installed")
def test_it_takes_precedence_over_a_general_one_that_it_overrides(data):
    write_parquet(data / "train.parquet", table({"image": structs([png(1), png(2)]), "label": ["real", "fake"]}))
    assert len(read(str(data))) == len(LINES)
    assert len(read(f"parquet:{data}")) == 2


def test_without_its_entry_point_its_files_are_of_another_kind(data):
    write_images(data, "real/5.png")
    assert read(str(data)).notes[-1] == "files of other kinds were not read: 1 .labels"
    with pytest.raises(InputError, match=r"mine\.labels is no data set: give a folder"):
        read(f"{data}/mine.labels")
