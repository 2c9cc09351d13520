"""Every column of every table is explained, and nothing that is explained is no column."""

import re
from itertools import chain
from pathlib import Path

import pytest

from bench.evaluation.cells import average_masks
from bench.explanations.registry import METRIC, PLACEHOLDER, explanations, find, table_titles
from bench.metrics.catalogue import installed_metrics, known_metrics
from bench.metrics.metric import Metric
from detectors.catalogue import UnknownName
from protocols.api import AXES
from tests.support.written_tables import every_table, figure_tables, runs

PROTOCOLS = Path(__file__).parents[3] / "protocols"
AVERAGES = "averages"  # of protocols: columns of a leaderboard that synthetic runs have in part


def names_of(made):
    """What placeholders stand for in the tables of these runs."""
    averages = {name for run in made for name in average_masks(run.cells, run.manifest.protocol)}
    tests = {str(value) for run in made for name in ("test", "degradation") for value in run.cells[name]}
    tests |= {f"{data}:{test}" for run in made for data, test in run.cells[["test_data", "test"]].to_numpy() if data}
    nouns = {"generator", "data set"}
    return {
        "<average>": averages,
        "<metric>": {metric.name for metric in known_metrics()},
        "<test>": tests,
        "<generator>": tests,
        "<route>": tests,
        "<degradation>": tests | {"jpeg:75"},
        "<axis>": {*nouns, *AXES},
        "<detector>": {"residual", "cnnspot", "first run", "second run"},
        "<rows>": {"train"},
        "<measure>": {"EER (seen)"},
        "<mark>": {"seen", "oracle"},
        "<column>": {*averages, *(metric.header for metric in known_metrics())},
        "<content>": {"cats", "dogs"},
        "<profile>": {"techjam-2026"},
        "<score>": {"0.5 clean_auc, 0.5 pooled_auc"},
    }


def written(name, known):
    """The columns that a name with placeholders stands for."""
    found = [name]
    for part in dict.fromkeys(PLACEHOLDER.findall(name)):
        found = [
            re.sub(part, lambda _, value=value: value, one, count=1) for one in found for value in sorted(known[part])
        ]
    further = chain.from_iterable(written(one, known) for one in found if PLACEHOLDER.search(one))
    return {one for one in found if not PLACEHOLDER.search(one)} | set(further)


@pytest.fixture(scope="module")
def tables(tmp_path_factory, kept_run):
    found = every_table(tmp_path_factory.mktemp("images"))
    return found | {name: found.get(name, set()) | names for name, names in figure_tables(*kept_run).items()}


@pytest.fixture(scope="module")
def explained():
    """By table, the columns that each of its names stands for."""
    known = names_of(list(runs()))
    found = {name: {} for name in table_titles()}
    plugged_in = {name for metric in installed_metrics() for name in (metric.name, metric.header)}
    for one in explanations():
        for table in set(one.tables) - {AVERAGES}:
            for name in set(one.names) - plugged_in:
                found[table][name] = written(name, known)
    return found


def test_every_table_is_known(tables):
    files = {"degradations.csv"}  # of one explanation with what is printed
    assert set(tables) - files == set(table_titles()) - {AVERAGES}


def test_every_column_is_explained(tables, explained):
    tables = {**tables, "degradations": tables["degradations"] | tables["degradations.csv"]}
    missing = {
        table: sorted(tables[table] - set().union(*names.values()))
        for table, names in explained.items()
        if table != AVERAGES
    }
    assert {table: names for table, names in missing.items() if names} == {}


def test_nothing_is_explained_that_is_no_column(tables, explained):
    """A name may stand in one of several tables: each explanation's names are columns of one of its tables at least."""
    gone = [
        (name, one.tables)
        for one in explanations()
        if AVERAGES not in one.tables
        for name in one.names
        if not any(explained[table].get(name, set()) & tables[table] for table in one.tables)
    ]
    gone += [
        table
        for one in explanations()
        for table in one.tables
        if AVERAGES not in one.tables
        and not any(explained[table].get(name, set()) & tables[table] for name in one.names)
    ]
    assert gone == [], gone


def test_averages_are_those_of_the_protocols():
    """A name that follows from the cells stands for any."""
    source = "\n".join(path.read_text() for path in PROTOCOLS.rglob("*.py"))
    written_there = re.findall(r'grouped\(\s*f?"([^"]+)"', source)
    named = {re.sub(r"\{[^}]*\}", "<>", name.partition("{'s'")[0]) for name in written_there}
    explained = {name for one in explanations() if AVERAGES in one.tables for name in one.names}
    plain = {re.sub(PLACEHOLDER, "<>", name).replace("<> shots", "<> shot") for name in explained}
    of_constants = {"none", "original", "<>"}  # NONE, ORIGINAL and the names of degradations
    assert plain == named | of_constants


def test_every_metric_is_explained_by_its_own_entry():
    for metric in known_metrics():
        found = find(metric.name)[0]
        assert found.meaning.startswith(metric.about)
        assert found.formula == metric.formula
        assert ("lower is better" in found.values) == (not metric.higher_is_better)


def test_a_metric_of_another_package_is_explained(monkeypatch):
    explanations.cache_clear()
    extra = Metric("false_alarms", lambda *_: 0.0, "alarms", about="Real images called generated.", formula="FP / real")
    monkeypatch.setattr("bench.explanations.registry.known_metrics", lambda: (extra,))
    (found,) = find("alarms")
    assert found.names == ("false_alarms", "alarms")
    explanations.cache_clear()


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("#", "#"),
        ("IMAGES/S", "images/s"),
        ("across_generators low", "across generators"),
        ("off-diagonal low", "<average> low"),
        ("± my average", "± <average>"),
        ("roc_auc low", "<metric>_low"),
        ("score along vq", "route"),
    ],
)
def test_a_name_is_found_in_any_spelling(asked, first):
    assert find(asked)[0].names[0] == first


def test_a_name_of_several_tables_has_several_explanations():
    assert len(find("accuracy")) > 2
    assert len(find("diagonal")) == 1


@pytest.mark.parametrize(("asked", "hint"), [("acuracy", "Did you mean accuracy?"), ("Off-diagnal", "off-diagonal?")])
def test_an_unknown_name_gets_the_nearest(asked, hint):
    with pytest.raises(UnknownName, match=re.escape(hint)):
        find(asked)


def test_every_explanation_is_whole():
    for one in explanations():
        assert one.names
        assert set(one.tables) <= set(table_titles())
        assert one.meaning.endswith(".")
        assert METRIC not in one.meaning
