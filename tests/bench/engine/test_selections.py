"""Selections: one class degraded by itself, and generators of which a few images join."""

import os
import pickle
import signal
from dataclasses import replace
from pathlib import Path
from shutil import make_archive

import fsspec
import numpy as np
import pytest

import bench.platform.files
from bench.engine.cache import Cache
from bench.engine.selections import Selections
from bench.images.data_sets import open_data, read
from bench.images.decoding.decoder import UnreadableImage
from bench.images.image_set import TooFewImages
from protocols.api import Cell, SourceDraw, Subset
from tests.support.image_tables import structs, table, write_parquet
from tests.support.miniature import SIZES, write_folder

TRAIN, TEST = Subset(("even",), "train"), Subset(("odd",), "val")
REAL, GENERATED = (replace(TEST, degradation="jpeg:30", degraded=one) for one in ("real", "generated"))


def hashes(selection, label):
    rows = np.flatnonzero(selection.images.labels == label)
    return {selection.images.names[row]: bytes(selection.hashes[row]) for row in rows}


def test_the_images_of_one_class_are_others_and_those_of_the_other_class_the_same(make_bench):
    bench = make_bench()
    bench.planned([Cell("checkerboard", TRAIN, test) for test in (TEST, REAL, GENERATED)])
    clean, real, generated = (bench.selections[one] for one in (TEST, REAL, GENERATED))
    assert hashes(real, 1) == hashes(clean, 1)
    assert hashes(generated, 0) == hashes(clean, 0)
    for changed, label in ((real, 0), (generated, 1)):
        before, after = hashes(clean, label), hashes(changed, label)
        assert before.keys() == after.keys()
        assert not set(before.values()) & set(after.values())
    assert len(bench.selections.all_images().images) == len(bench.inspections[""].images)


def test_pixels_are_those_of_the_degradation(make_bench):
    bench = make_bench()
    cells = [Cell("checkerboard", TRAIN, replace(TEST, degradation="jpeg:30")), Cell("checkerboard", TRAIN, REAL)]
    planned = bench.planned(cells)
    bench.run(planned)
    both, real = (bench.scores(planned)[cell] for cell in cells)
    (clean,) = bench.planned([Cell("checkerboard", TRAIN, TEST)])
    bench.run([clean])
    undisturbed = bench.scores([clean])[clean.cell]
    for name, score in real.items():
        assert score == (both if "nature" in name else undisturbed)[name]


def test_no_key_moves_for_what_another_cell_asks(make_bench):
    bench = make_bench()
    cell = Cell("checkerboard", TRAIN, TEST)
    (alone,) = bench.planned([cell])
    beside, *others = bench.planned([cell, Cell("checkerboard", TRAIN, REAL), Cell("checkerboard", TRAIN, GENERATED)])
    assert (beside.key, beside.fit_key) == (alone.key, alone.fit_key)
    assert len({beside.key, *(one.key for one in others)}) == 3
    (named,) = bench.planned([replace(cell, train=replace(TRAIN, label="something"))])
    assert (named.key, named.fit_key) == (alone.key, alone.fit_key)
    (nothing,) = bench.planned([replace(cell, test=replace(TEST, degraded="real"))])
    assert nothing.key == alone.key


def test_a_part_of_the_images_is_the_same_part_whatever_is_degraded(make_bench):
    bench = make_bench()
    small = [replace(one, size=2) for one in (TEST, REAL, GENERATED)]
    bench.planned([Cell("checkerboard", TRAIN, test) for test in small])
    names = [sorted(bench.selections[one].images.names) for one in small]
    assert names[0] == names[1] == names[2]


def test_a_generator_joins_with_some_of_its_images_and_as_many_real_ones(make_bench):
    bench = make_bench()
    bench.planned([])
    few, more = (bench.selections[replace(TRAIN, shots=(("odd", shots),))].images for shots in (1, 3))
    assert set(few.names) < set(more.names)
    counts = more.table.groupby(["generator", "label"]).size().to_dict()
    assert counts == {("even", 0): SIZES["train"], ("even", 1): SIZES["train"], ("odd", 0): 3, ("odd", 1): 3}
    with pytest.raises(TooFewImages, match="odd has 8 real images in its train split, 9 are asked for"):
        bench.selections[replace(TRAIN, shots=(("odd", 9),))]


@pytest.mark.parametrize("after", [1, 4, 6, 9])
def test_a_killed_run_goes_on_to_the_same_scores(make_bench, monkeypatch, after):
    trains = [TRAIN, replace(TRAIN, degradation="blur:1", degraded="real"), replace(TRAIN, shots=(("odd", 2),))]
    undisturbed, killed = make_bench("undisturbed"), make_bench("killed")
    cells = [Cell(name, train, test) for name in killed.recipes for train in trains for test in (TEST, REAL)]
    planned, writes = undisturbed.planned(cells), []
    undisturbed.run(planned)

    def dying(path, write, real=bench.platform.files.write_atomically):
        writes.append(path)
        if len(writes) == after:
            signal.raise_signal(signal.SIGINT)
        real(path, write)

    killed.planned(cells)
    with monkeypatch.context() as patch:
        patch.setattr("bench.platform.seals.write_atomically", dying)
        patch.setattr("bench.platform.checksums.write_atomically", dying)
        with pytest.raises(KeyboardInterrupt):
            killed.run(planned)
    killed.run(planned)
    assert killed.scores(planned) == undisturbed.scores(planned)


def test_a_draw_of_sources_and_the_rest_are_the_whole(make_bench):
    bench = make_bench()
    bench.planned([Cell("checkerboard", TRAIN, TEST)])
    draws = [SourceDraw(0.3, 0, drawn=drawn) for drawn in (True, False)]
    drawn, rest = (set(bench.selections[replace(TRAIN, sources=one)].images.names) for one in draws)
    assert not drawn & rest
    assert drawn | rest == set(bench.selections[TRAIN].images.names)
    assert len(drawn) == 4
    few = replace(TRAIN, size=3, sources=draws[0])
    assert set(bench.selections[few].images.names) < set(bench.selections[replace(few, sources=None)].images.names)


@pytest.mark.parametrize("drawn", [True, False])
def test_one_image_of_each_class_is_not_divided(make_bench, drawn):
    bench = make_bench()
    bench.planned([Cell("checkerboard", TRAIN, TEST)])
    subset = replace(TRAIN, size=1, sources=SourceDraw(0.2, 0, drawn=drawn))
    with pytest.raises(TooFewImages, match="even has too few sources of real images in its train split to hold 20% of"):
        bench.selections[subset]


def test_nothing_of_shots_is_held_out_and_nothing_held_out_is_trained_on(make_bench):
    bench = make_bench()
    bench.planned([])
    draws = [SourceDraw(0.3, 0, drawn=drawn) for drawn in (True, False)]
    train = replace(TRAIN, shots=(("odd", 1),))
    drawn, rest = (bench.selections[replace(train, sources=one)].images for one in draws)
    before_shots = bench.selections[replace(train, sources=draws[1]).without_shots].images
    shots = bench.selections[replace(train, sources=draws[1]).shots_alone].images
    assert set(shots.names) <= set(rest.names)
    assert set(shots.table["generator"]) == {"odd"}
    assert set(drawn.names) | set(rest.names) == set(bench.selections[train].images.names)
    for trained in (before_shots, shots, rest):
        assert not set(drawn.table["source"]) & set(trained.table["source"])


def test_an_image_that_changes_after_it_was_hashed_is_not_read(tmp_path):
    write_folder(tmp_path / "data")
    images = read(str(tmp_path / "data"))
    pool = Selections({"": Cache(tmp_path / "cache").inspect(images, 1, lambda _: None)}).pool
    assert pool[0].pixels.size
    path, before = Path(pool.where(0)), Path(pool.where(0)).stat()
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a disk that loses a bit
    with pytest.raises(UnreadableImage, match="its content is another than was checked: restore it"):
        pool[0]


def as_folder(folder, into):
    return str(folder)


def as_zip(folder, into):
    return make_archive(str(into / "data"), "zip", folder)


def as_parquet(folder, into):
    images = sorted(folder.rglob("*.png"))
    labels = ["fake" if path.parent.name == "ai" else "real" for path in images]
    columns = {"image": structs([path.read_bytes() for path in images]), "label": labels}
    write_parquet(into / "tables" / "train.parquet", table(columns))
    return str(into / "tables")


def as_store(folder, into):
    for path in folder.rglob("*.png"):
        fsspec.filesystem("memory").pipe_file(f"/sent/{path.relative_to(folder).as_posix()}", path.read_bytes())
    return "memory://sent"


@pytest.mark.parametrize("place", [as_folder, as_zip, as_parquet, as_store])
def test_some_images_are_sent_to_another_process_from_wherever_they_are(miniature, tmp_path, silent, place):
    images = open_data(place(miniature, tmp_path), tmp_path / "cache", 1, silent)
    inspected = Cache(tmp_path / "cache").inspect(images, 1, lambda _: None)
    pool = Selections({"": inspected}).pool
    some = np.arange(3, len(pool), 7)
    sent = pickle.dumps(pool.only(some))
    received = pickle.loads(sent)  # noqa: S301 - made on the line before
    for row, position in enumerate(some.tolist()):
        assert np.array_equal(received[row].pixels, pool[position].pixels)


def test_names_of_other_images_are_not_sent(miniature, tmp_path, silent):
    images = open_data(as_folder(miniature, tmp_path), tmp_path / "cache", 1, silent)
    pool = Selections({"": Cache(tmp_path / "cache").inspect(images, 1, lambda _: None)}).pool
    mine, *others = (Path(pool.where(position)).name.encode() for position in range(len(pool)))
    sent = pickle.dumps(pool.only(np.array([0])))
    assert mine in sent
    assert not any(other in sent for other in others)
