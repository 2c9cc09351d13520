"""The head of a hub repository's README.md: which tables are data, and of which split."""

import textwrap

import pytest

from bench.images.annotations.hub_card import hub_files
from bench.images.files.tree import Folder

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
    assert card(tmp_path, FORMS[form]).split_of == BOTH


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
    assert set(found.split_of) == named
    assert set(found.split_of.values()) == {"train"}


def test_a_folder_of_data_may_be_named_alone(tmp_path):
    assert card(tmp_path, "configs:\n- data_dir: data\n").split_of == dict.fromkeys([*BOTH, NAMES[-1]], "")
    assert card(tmp_path, "configs:\n- {data_dir: data, data_files: {dev: deep}}\n").split_of == {NAMES[-1]: "dev"}


@pytest.mark.parametrize(
    "head", ["license: mit\n", "configs: 3\n", "configs:\n- x\n", "configs: [\n", "configs:\n- data_files: gone/*\n"]
)
def test_cards_that_name_no_files_say_nothing(tmp_path, head):
    assert card(tmp_path, head) is None


def test_without_a_card_or_a_head_nothing_is_said(tmp_path):
    assert hub_files(Folder(tmp_path), NAMES) is None
    assert card(tmp_path, FORMS["list"], fence="") is None
    (tmp_path / "README.md").write_bytes(b"---\r\nconfigs:\r\n- data_files: data/*.parquet\r\n---\r\n")
    assert set(hub_files(Folder(tmp_path), NAMES).split_of) == set(BOTH)
