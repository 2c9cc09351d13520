"""The head of a hub repository's README.md: which files are data, of which split, and the classes of a column."""

import textwrap

import pytest

from bench.images.annotations.hub_card import card_class_names, hub_files
from bench.images.files.tree import Folder
from bench.platform.errors import InputError

NAMES = ["data/train-0.parquet", "data/test-0.parquet", "old/train-0.parquet", "data/deep/er/x.parquet"]
BOTH = {"data/train-0.parquet": "train", "data/test-0.parquet": "test"}
FORMS = {
    "list": """\
        configs:
        - config_name: default
          data_files:
          - split: train
            path: data/train-*
          - split: test
            path:
            - data/test-*
            - data/none-*
        """,
    "dict": """\
        configs:
        - data_files: {train: data/train-*, test: [./data/test-0.parquet]}
        """,
    "default among others": """\
        configs:
        - config_name: stale
          data_files: {train: old/*}
        - config_name: now
          default: true
          data_files: {train: data/train-0.parquet, test: data/test-*.parquet}
        """,
    "several": """\
        configs:
        - config_name: a
          data_files: {train: data/train-*}
        - config_name: b
          data_files: {test: data/test-*}
        """,
}


def card(folder, head, *, fence="---\n"):
    (folder / "README.md").write_text(f"{fence}{textwrap.dedent(head)}{fence}# Words\n")
    return hub_files(Folder(folder), NAMES)


@pytest.mark.parametrize("form", FORMS)
def test_files_are_named_in_all_the_ways_of_cards(tmp_path, form):
    assert card(tmp_path, FORMS[form]) == BOTH


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ("data/**/*.parquet", {*BOTH, "data/deep/er/x.parquet"}),
        ("data/**", {*BOTH, "data/deep/er/x.parquet"}),
        ("'**/train-*'", {"data/train-0.parquet", "old/train-0.parquet"}),
        ("data/*.parquet", set(BOTH)),
        ("data/*", set(BOTH)),
        ("data", {*BOTH, "data/deep/er/x.parquet"}),
    ],
)
def test_patterns_are_those_of_the_hub(tmp_path, files, named):
    found = card(tmp_path, f"configs:\n- data_files: {files}\n")
    assert set(found) == named
    assert set(found.values()) == {"train"}


def test_a_folder_of_data_may_be_named_alone(tmp_path):
    assert card(tmp_path, "configs:\n- data_dir: data\n") == dict.fromkeys([*BOTH, NAMES[-1]], "")
    assert card(tmp_path, "configs:\n- {data_dir: data, data_files: {dev: deep}}\n") == {NAMES[-1]: "dev"}


@pytest.mark.parametrize("path", [".", "./", "'**'"])
def test_a_card_may_name_all_files(tmp_path, path):
    assert card(tmp_path, f"configs:\n- data_files: [{{split: test, path: {path}}}]\n") == dict.fromkeys(NAMES, "test")


@pytest.mark.parametrize("date", ["2024-02-30", "2024-13-01", "0000-00-00 99:99:99"])
def test_dates_that_no_calendar_has_end_nothing(tmp_path, date):
    assert card(tmp_path, f"date: {date}\n{textwrap.dedent(FORMS['list'])}") == BOTH


@pytest.mark.parametrize(
    "fault", ["a: [", "a: " + "[" * 800, "a: !!timestamp 2024-02-30", "? [a]\n: b", "a: !!int x", "\tb: 1"]
)
def test_a_damaged_head_is_refused_where_it_names_files_and_is_nothing_elsewhere(tmp_path, fault):
    assert card(tmp_path, f"{fault}\n") == {}
    with pytest.raises(InputError, match=r"README\.md names files or classes in a head that is no YAML") as error:
        card(tmp_path, f"{fault}\nconfigs:\n- data_files: data/*\n")
    assert "\n" not in str(error.value)


CLASSES = """\
    dataset_info:
      features:
      - name: image
        dtype: image
      - name: label
        dtype:
          class_label:
            names: {}
    """


@pytest.mark.parametrize("names", ["{'1': real, '0': fake}", "[fake, real]", "{0: fake, 1: real}"])
def test_the_names_of_classes_are_in_the_order_of_their_numbers(tmp_path, names):
    card(tmp_path, CLASSES.format(names))
    assert card_class_names(Folder(tmp_path)) == {"label": ["fake", "real"]}


@pytest.mark.parametrize("names", ["{'0': fake, '2': real}", "{}", "3", "[]"])
def test_names_with_gaps_are_none(tmp_path, names):
    card(tmp_path, CLASSES.format(names))
    assert card_class_names(Folder(tmp_path)) == {}


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [("a", "b", {}), ("a", "default", {"x": ["fake", "real"]}), ("default", "a", {"x": ["real", "fake"]})],
)
def test_configurations_that_differ_name_no_classes_unless_one_is_the_default(tmp_path, first, second, found):
    feature = "[{{name: x, dtype: {{class_label: {{names: {}}}}}}}]".format
    infos = ((first, "[real, fake]"), (second, "[fake, real]"))
    lines = "".join(f"- config_name: {name}\n  features: {feature(names)}\n" for name, names in infos)
    card(tmp_path, f"dataset_info:\n{lines}")
    assert card_class_names(Folder(tmp_path)) == found


@pytest.mark.parametrize(
    "head",
    [
        "license: mit\n",
        "configs: 3\n",
        "configs:\n- x\n",
        "configs: [\n",
        "configs:\n- data_files: gone/*\n",
        "configs:\n- data_files: ''\n",
    ],
)
def test_cards_that_name_no_files_say_nothing(tmp_path, head):
    assert card(tmp_path, head) == {}


def test_without_a_card_or_a_head_nothing_is_said(tmp_path):
    assert hub_files(Folder(tmp_path), NAMES) == {}
    assert card(tmp_path, FORMS["list"], fence="") == {}
    (tmp_path / "README.md").write_bytes(b"---\r\nconfigs:\r\n- data_files: data/*.parquet\r\n---\r\n")
    assert set(hub_files(Folder(tmp_path), NAMES)) == set(BOTH)
