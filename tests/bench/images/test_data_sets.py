"""Which layout is found, and what is said where none or several fit."""

import errno
import fcntl
import io
import json
import pickle
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from rich.console import Console

from bench.embedded import corpus, making
from bench.images.data_sets import embedded_corpus, read
from bench.images.reading import Reading
from bench.platform.errors import InputError
from bench.platform.progress import Reporter
from tests.support.small_data_sets import read_both_ways, write_images


def genimage(root):
    write_images(root, *(f"ADM/{split}/{kind}/1.png" for split in ("train", "val") for kind in ("ai", "nature")))


def cnnspot(root):
    write_images(root, "stylegan/0_real/1.png", "stylegan/1_fake/1.png")


def test_a_folder_of_two_layouts_names_both(tmp_path):
    genimage(tmp_path)
    cnnspot(tmp_path)
    with pytest.raises(InputError, match=r"only in part laid out as cnnspot or .*genimage; name one, as in DATA="):
        read(str(tmp_path))


def test_a_folder_that_two_layouts_read_whole_names_both(tmp_path):
    genimage(tmp_path)
    (tmp_path / "manifest.csv").write_text("path,label\nADM/train/ai/1.png,1\nADM/train/nature/1.png,0\n")
    with pytest.raises(InputError, match="could be read as genimage or manifest; name one, as in DATA=genimage:"):
        read(str(tmp_path))
    assert len(read(f"genimage:{tmp_path}")) == 4
    assert len(read(f"manifest:{tmp_path}")) == 2


@pytest.mark.parametrize(("layout", "left"), [("genimage", "stylegan/0_real, stylegan/1_fake"), ("cnnspot", "ADM/")])
def test_a_layout_that_is_forced_reads_its_part_and_says_what_it_left_out(tmp_path, layout, left):
    genimage(tmp_path)
    cnnspot(tmp_path)
    images = read(f"{layout}:{tmp_path}")
    assert images.generators == ({"genimage": "ADM", "cnnspot": "stylegan"}[layout],)
    assert "not part of the layout and were left out" in images.notes[-1]
    assert left in images.notes[-1]


@pytest.mark.parametrize(("build", "layout"), [(genimage, "genimage"), (cnnspot, "cnnspot")])
def test_a_layout_that_fits_wins_over_the_general_one(tmp_path, build, layout):
    build(tmp_path)
    assert read(str(tmp_path)).table.equals(read(f"{layout}:{tmp_path}").table)


def test_a_stray_folder_in_a_data_set_is_not_read_as_a_generator(tmp_path):
    genimage(tmp_path)
    write_images(tmp_path, "samples/1.png")
    with pytest.raises(InputError, match=r"only in part laid out as .*genimage"):
        read(str(tmp_path))


@pytest.mark.parametrize("layout", ["cnnspot", "folders"])
def test_real_images_can_be_given_for_any_layout(tmp_path, layout):
    folder = "1_fake" if layout == "cnnspot" else "x"
    write_images(
        tmp_path / "data", *(f"{name}/{folder}/{index}.png" for name in ("glow", "dim") for index in range(10))
    )
    write_images(tmp_path / "mine", *(f"{index}.jpg" for index in range(20)))
    found = read_both_ways(layout, tmp_path / "data", str(tmp_path / "mine"))
    assert found.generators == ("dim", "glow")
    assert set(found.pools.values()) == {"real"}
    assert found.table.groupby(["label", "split"])["name"].count().to_dict() == {
        (0, "test"): 2, (0, "train"): 16, (0, "val"): 2, (1, "test"): 2, (1, "train"): 16, (1, "val"): 2,
    }  # fmt: skip
    assert found[found.names.index("real/3.jpg")].facts.format == "JPEG"


def test_a_manifest_that_is_of_itself_is_refused(tmp_path):
    (tmp_path / "manifest.csv").write_text("path,label\na.png,1\n")
    (tmp_path / "dataset.json").write_text(json.dumps({"of": str(tmp_path)}))
    with pytest.raises(InputError, match="name data that has images"):
        read(str(tmp_path))


def test_real_images_beside_nothing_that_a_layout_reads_are_one_clear_line(tmp_path):
    write_images(tmp_path / "data", "flux/a.png")
    write_images(tmp_path / "photos", "b.jpg")
    with pytest.raises(InputError, match="holds no image that the layout genimage can read"):
        read(f"genimage:{tmp_path / 'data'}", str(tmp_path / "photos"))


STATED = (
    ("--classes", Reading({"nature": "real", "ai": "generated"})),
    ("--levels", Reading(levels=("generator", "split", "class"))),
)


@pytest.mark.parametrize(("option", "reading"), STATED)
def test_what_is_stated_is_heeded_by_a_general_layout_or_refused(tmp_path, option, reading):
    genimage(tmp_path)
    images = read(str(tmp_path), reading=reading)
    assert (len(images), images.generators) == (4, ("ADM",))
    assert "folders taken as generator: ADM" in images.reading
    told = rf"is read by the layout genimage, which takes no {option}; leave it out, or name another layout"
    with pytest.raises(InputError, match=told):
        read(f"genimage:{tmp_path}", reading=reading)


def test_a_manifest_takes_classes_and_no_levels(tmp_path):
    genimage(tmp_path)
    (tmp_path / "manifest.csv").write_text("path,label\nADM/train/ai/1.png,x\nADM/train/nature/1.png,0\n")
    assert len(read(f"manifest:{tmp_path}", reading=Reading({"x": "generated"}))) == 2
    with pytest.raises(InputError, match="the layout manifest, which takes no --columns and no --levels"):
        read(f"manifest:{tmp_path}", reading=Reading(columns={"label": "x"}, levels=("split",)))


def test_a_layout_of_folders_alone_says_what_it_is_and_what_tables_say(tmp_path):
    genimage(tmp_path)
    (tmp_path / "prompts.csv").write_text("path,prompt\nADM/train/ai/1.png,a boat\n")
    assert read(str(tmp_path)).reading == (
        "laid out as genimage: <generator>/{train,val}/{ai,nature}/<image>",
        "columns of prompts.csv: path is the path; kept as attributes: prompt",
    )


def test_an_open_data_set_can_be_sent_to_another_process(tmp_path):
    write_images(tmp_path, "flux/a.png", "real/b.png")
    images = pickle.loads(pickle.dumps(read(str(tmp_path))))  # noqa: S301 - it was made here
    assert images.names == ["flux/a.png", "real/b.png"]
    assert images[0].facts.format == "PNG"


@pytest.fixture
def made(monkeypatch):
    """The folders in which a corpus of one file is made, slowly, where it really takes minutes."""
    folders = []

    def build(root, workers, report):
        folders.append(root)
        root.mkdir()
        time.sleep(0.2)
        (root / corpus.DESCRIPTION).write_text("{}")
        return root

    monkeypatch.setattr(making, "make_corpus", build)
    return folders


def corpora_of_two(root):
    """The folders of the corpus that two get at once, and what they were told."""
    told = io.StringIO()
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda _: embedded_corpus(root, 1, Reporter(Console(file=told, width=500))), range(2))
    return list(found), told.getvalue()


def test_of_two_that_need_the_corpus_one_makes_it_and_the_other_waits(tmp_path, made):
    found, told = corpora_of_two(tmp_path)
    assert found == [tmp_path / "corpus" / corpus.identity()] * 2
    assert len(made) == 1
    assert "The embedded corpus is being made by " in told
    assert list((tmp_path / "corpus").iterdir()) == found[:1]


def test_where_locks_fail_both_make_the_corpus_apart(tmp_path, made, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", fail)
    found, _ = corpora_of_two(tmp_path)
    assert found == [tmp_path / "corpus" / corpus.identity()] * 2
    assert len(set(made)) == 2
    assert list((tmp_path / "corpus").iterdir()) == found[:1]


def test_where_the_corpus_cannot_be_made_the_folder_is_named(tmp_path, made):
    (tmp_path / "corpus").write_text("")
    with pytest.raises(InputError, match=rf"cannot be made in {tmp_path}/corpus \(.*\); set LINEUP_CACHE"):
        embedded_corpus(tmp_path, 1, Reporter(Console(quiet=True)))


def test_half_a_corpus_is_named_and_left(tmp_path, made):
    root = tmp_path / "corpus" / corpus.identity()
    root.mkdir(parents=True)
    with pytest.raises(InputError, match=rf"{root} is no whole corpus .*; delete it and run again"):
        embedded_corpus(tmp_path, 1, Reporter(Console(quiet=True)))
    assert not made
