"""A committed ranking is read, said in words, and shown as a table."""

import pytest

from bench.command.card_texts import long_list, whole_card
from bench.evaluation.leaderboard import rankings
from bench.platform.errors import InputError
from bench.report import embedded_results as embedded_table
from bench.report import formats
from bench.report.embedded_results import CHANCE_NOTE, TABLE, embedded_results, results_as_markdown
from detectors import catalogue
from tests.support.synthetic_runs import falling, make_run


@pytest.fixture
def table(tmp_path):
    """A table as a run writes it: alpha works, beta is at chance."""
    skill = falling()
    run = make_run(lambda detector, *cell: skill(detector, *cell) if detector == "alpha" else 0.5)
    path = tmp_path / "table.csv"
    path.write_text(formats.as_csv(rankings([run])))
    return path


def test_a_table_is_read_as_a_run_writes_it(table):
    found = embedded_results(table)
    assert list(found) == ["alpha", "beta"]
    assert not found["alpha"].at_chance
    assert found["alpha"].low < found["alpha"].diagonal < found["alpha"].high
    assert found["alpha"].text.startswith(f"diagonal {100 * found['alpha'].diagonal:.1f} [")
    assert CHANCE_NOTE not in found["alpha"].text
    assert found["beta"].text.endswith(f"; {CHANCE_NOTE}")
    assert embedded_results(table.with_name("none.csv")) == {}


def test_the_table_of_the_readme_marks_what_is_at_chance(table, monkeypatch):
    monkeypatch.setattr(embedded_table, "TABLE", table)
    header, _, alpha, beta = results_as_markdown()
    assert header == "| detector | diagonal | off-diagonal | same family | cross family | AP |"
    assert alpha.startswith("| `alpha` | ")
    assert beta.startswith("| `beta` † | ")
    assert [row.count("|") for row in (alpha, beta)] == [7, 7]


def test_without_a_table_there_is_nothing_to_show(monkeypatch, tmp_path):
    monkeypatch.setattr(embedded_table, "TABLE", tmp_path / "none.csv")
    with pytest.raises(InputError, match="comes without results on the embedded corpus"):
        list(results_as_markdown())


def test_the_list_and_the_card_say_it_of_a_detector(table, monkeypatch):
    table.write_text(table.read_text().replace("alpha", "hog_svm").replace("beta", "colour"))
    monkeypatch.setattr(embedded_table, "TABLE", table)
    texts = " ".join(" ".join(long_list()).split())
    for name, result in embedded_results(table).items():
        assert f"on the embedded corpus: {result.text}" in texts
        assert f"on the embedded corpus: {result.text}" in " ".join(" ".join(whole_card(name)).split())


def test_the_committed_table_has_every_detector_that_lineup_brings():
    assert TABLE.is_file()
    own = [name for name in catalogue.names() if not catalogue.distribution(catalogue.recipe(name))]
    assert sorted(embedded_results()) == own


def test_the_lists_say_what_the_table_says():
    texts = " ".join(" ".join(long_list()).split())
    for name, result in embedded_results().items():
        assert f"on the embedded corpus: {result.text}" in texts
        assert f"on the embedded corpus: {result.text}" in " ".join(" ".join(whole_card(name)).split())
    assert len(list(results_as_markdown())) == len(embedded_results()) + 2
