"""Release dates: the past is trained on, the next window tested."""

import tomllib

import pytest

from bench.records.settings import SettingsFile
from bench.request.settings_file import with_absolute_paths
from protocols.api import Unanswerable
from protocols.transfer.release_dates import SHIPPED, ReleaseDates, read_dates, release_date
from tests.support.protocol_runs import averages, fake_scope

DATES = {"a": "2019-05", "b": "2021-01-15", "c": "2021-11", "d": "2023-02"}


def write_table(path, dates=DATES):
    path.write_text("".join(f'[{name}]\ndate = "{date}"\nsource = "the test"\n' for name, date in dates.items()))
    return str(path)


@pytest.fixture
def table(tmp_path):
    return write_table(tmp_path / "dates.toml")


def trains(protocol, **images):
    return {cell.train.name: cell.train.generators for cell in protocol.cells(fake_scope(**images))}


def test_every_window_but_the_first_has_its_past(table):
    four = ("a", "b", "c", "d")
    assert trains(ReleaseDates(table=table), generators=four) == {"before 2021": ("a",), "before 2023": ("a", "b", "c")}
    by_month = trains(ReleaseDates(table=table, window="month"), generators=four)
    assert list(by_month) == ["before 2021-01", "before 2021-11", "before 2023-02"]
    assert averages(ReleaseDates(table=table), fake_scope(generators=four)) == {
        "past": ("home", 1 + 3), "next window": ("away", 2 + 1), "later": (None, 1),
    }  # fmt: skip


def test_a_generator_without_a_date_is_refused_or_left_out(table):
    five = ("a", "b", "e")
    with pytest.raises(Unanswerable, match="no release date of e is known; give them in a file with --table"):
        ReleaseDates(table=table).cells(fake_scope(generators=five))
    cells = ReleaseDates(table=table, leave_out_undated=True).cells(fake_scope(generators=five))
    assert {cell.test.name for cell in cells} == {"a", "b"}
    with pytest.raises(Unanswerable, match="no release date of e, f is known"):
        ReleaseDates(leave_out_undated=True).cells(fake_scope(generators=("e", "f")))


def test_one_window_alone_has_no_past(table):
    with pytest.raises(Unanswerable, match=r"all generators were released in one year \(2021\)"):
        ReleaseDates(table=table).cells(fake_scope(generators=("b", "c")))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[a]\ndate = 2021", "has a without a date or its source"),
        ('[a]\ndate = 2021\nsource = "x"', "has a with date 2021, which is no month and no day of the calendar"),
        ('[a]\ndate = "2021-13"\nsource = "x"', "has a with date '2021-13', which is no month"),
        ('[a]\ndate = "2021-12"', "has a without a date or its source"),
        ('a = "2021-12"', "has a without a date or its source"),
        ('[a]\ndate = "2021-02-29"\nsource = "x"', "has a with date '2021-02-29', which is no month"),
        ('[a]\ndate = "2021-02-28"\nsource = "x"\nnames = [1]', r"has a with names \[1\], which are no list of texts"),
        ('[a]\ndate = "2021-02-28"\nsource = "x"\nnames = "xy"', "has a with names 'xy', which are no list of texts"),
        ('[a]\ndate = "2021-02-28"\nsource = "x"\nname = ["b"]', "has a with 'name', which is not known"),
        ("[a", "cannot be read"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path, text, words):
    (tmp_path / "dates.toml").write_text(text)
    with pytest.raises(Unanswerable, match=words):
        read_dates(tmp_path / "dates.toml")


def test_the_users_table_goes_before_the_one_that_ships(tmp_path):
    shipped = read_dates(SHIPPED)
    own = read_dates(tmp_path / write_table(tmp_path / "own.toml", {"biggan": "2020-01"}))
    assert release_date("BigGAN", [shipped]) == "2018-09"
    assert release_date("BigGAN", [own, shipped]) == "2020-01"
    assert release_date("stable_diffusion_v_1_4", [shipped]) == release_date("SDv1.4", [shipped]) == "2022-08-22"
    assert release_date("nobody", [own, shipped]) == ""


def test_dates_that_ship_are_those_of_their_sources():
    for name, entry in tomllib.loads(SHIPPED.read_text()).items():
        if entry["source"].startswith("arXiv"):
            number = entry["source"].removeprefix("arXiv ")
            assert entry["date"] == f"20{number[:2]}-{number[2:4]}", name


def test_a_run_shows_the_past_and_the_future(run_on_miniature, tmp_path):
    dates = {"even": "2019-01", "odd": "2020-01", "faint": "2021-01"}
    done = run_on_miniature("release_dates", table=write_table(tmp_path / "dates.toml", dates))
    found = done.matrix()
    assert sorted(found.index) == ["before 2020", "before 2021"]
    means = done.ranking.rows[0].means
    assert [means[name].cells for name in ("past", "next window", "later")] == [3, 2, 1]
    assert means["next window"].value == pytest.approx(
        (found.loc["before 2020", "odd"] + found.loc["before 2021", "faint"]) / 2
    )


def test_a_settings_file_names_the_table_from_its_own_folder(tmp_path):
    values = {"protocol": "release_dates", "table": "dates.toml"}
    assert with_absolute_paths(SettingsFile(values), tmp_path).values["table"] == str(tmp_path / "dates.toml")


def test_dates_that_the_data_states_go_first(table):
    four = ("a", "b", "c", "d")
    own = {"B": "2018-02", "d": "2020-03"}
    stated = ReleaseDates(table=table).cells(fake_scope(generators=four, release_dates=own))
    assert {cell.train.name: cell.train.generators for cell in stated} == {
        "before 2019": ("b",), "before 2020": ("a", "b"), "before 2021": ("a", "b", "d")
    }  # fmt: skip
