"""Transfer: train on one data set, test on another."""

from shutil import copytree

import pytest

from bench.platform.errors import InputError
from bench.records.settings import SettingsFile
from bench.request.early_checks import check_request
from bench.request.protocol_catalogue import make_protocol
from bench.request.settings_file import with_absolute_paths
from protocols.api import Unanswerable
from protocols.transfer.transfer_to import TransferTo
from tests.support.protocol_runs import FakeImages, averages, fake_scope, write_kinds

OTHERS = {"faces": FakeImages(("a", "d"), {"d": "y"}, held_out="test"), "art": FakeImages(("e",), {})}


def test_one_train_set_and_a_cell_for_each_generator_of_each_data_set():
    protocol = TransferTo(to=("faces", "art", "faces"))
    assert protocol.data_sets() == ("faces", "art")
    cells = protocol.cells(fake_scope(others=OTHERS))
    assert {(cell.train.generators, cell.train.data) for cell in cells} == {(("a", "b", "c"), "")}
    assert [(cell.test.data, cell.test.name, cell.test.split) for cell in cells] == [
        *(("", name, "val") for name in "abc"), ("faces", "a", "test"), ("faces", "d", "test"), ("art", "e", "val"),
    ]  # fmt: skip
    assert [protocol.axes["tested"].value(cell) for cell in cells[2:4]] == ["c", "faces:a"]


def test_families_meet_across_data_sets():
    scope = fake_scope(others=OTHERS)
    found = averages(TransferTo(to=("faces", "art"), families=("a=x",)), scope)
    assert found == {
        "own data": ("home", 3),
        "other data": ("away", 3),
        "other data, families trained on": (None, 2),  # a by what the user says, d by what the data says
        "other data, other families": (None, 1),
        "data: faces": (None, 2),
        "data: art": (None, 1),
    }
    assert averages(TransferTo(to=("art",), families=("e=z", "b=z")), scope)["other data, families trained on"][1] == 1


def test_what_cannot_be_tested_is_refused():
    with pytest.raises(Unanswerable, match="art has no generated images to test on"):
        TransferTo(to=("art",)).cells(fake_scope(others={"art": FakeImages(())}))
    for options, words in (({}, "give --to"), ({"to": ""}, "give --to"), ({"to": "x", "families": "a"}, "NAME=FAMILY")):
        with pytest.raises(InputError, match=words):
            make_protocol("transfer_to", options)
    with pytest.raises(Unanswerable, match="families names 'Nope', which is no generator of the data; there are a, b"):
        TransferTo(to=("faces",), families=("d=x", "Nope=x")).cells(fake_scope(others=OTHERS))


def test_the_data_is_looked_for_before_anything_is_read(run_on_miniature, tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        check_request(run_on_miniature.request("transfer_to", to=str(tmp_path / "nowhere")))


def test_the_data_itself_is_no_other_data(run_on_miniature, miniature_folder, monkeypatch):
    monkeypatch.chdir(miniature_folder.parent)
    for same in (str(miniature_folder), f"./{miniature_folder.name}/"):
        with pytest.raises(InputError, match="is the data of the run itself; name other data with --to"):
            check_request(run_on_miniature.request("transfer_to", to=same))


def test_a_settings_file_names_data_from_its_own_folder(tmp_path):
    values = {"protocol": "transfer_to", "to": ["more", "embedded"]}
    assert with_absolute_paths(SettingsFile(values), tmp_path).values["to"] == [str(tmp_path / "more"), "embedded"]


def test_a_run_shows_both_data_sets(run_on_miniature, tmp_path):
    other = str(write_kinds(tmp_path / "kinds", 2))
    done = run_on_miniature("transfer_to", to=other)
    found = done.matrix()
    assert set(found.columns) == {"even", "odd", "faint", f"{other}:even", f"{other}:odd"}
    assert found.loc["all generators", f"{other}:even"] > 0.5
    assert set(done.cells.loc[done.cells["test_data"] == other, "n"]) == {2 * 2 * 4}
    assert done.fits == 1
    assert done.ranking.rows[0].means["other data, families trained on"].cells == 2


def test_images_that_were_trained_on_are_told_of(run_on_miniature, miniature_folder, tmp_path):
    other = tmp_path / "again"
    for split, held_out in (("train", "val"), ("val", "train")):  # what is trained on there is tested here
        copytree(miniature_folder / "even" / split, other / "even" / held_out)
    whole = run_on_miniature("transfer_to", to=str(other), train_on="even", report=False)
    assert any("they show no transfer" in one for one in whole.run.manifest.further[str(other)].warnings)
    apart = run_on_miniature("transfer_to", to=str(other), train_on="odd", report=False)
    assert not any("no transfer" in one for one in apart.run.manifest.further[str(other)].warnings)
    said = run_on_miniature.dry("transfer_to", to=str(other), train_on="even")  # whose files are inspected by now
    assert f"Warning: {other}: 16 of its 16 tested images are among those that are trained on" in said
