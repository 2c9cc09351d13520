"""The runs that a sweep asks for, or one line with the file and the run."""

import re
from pathlib import Path

import pytest

from bench.platform.errors import InputError
from bench.request.sweeps.sweep_file import read_sweep

ROOT = Path(__file__).parents[4]
WHOLE = """
[run]
detectors = ["hog_svm", "residual"]
limit = 40
data = "photos"
[run.options.hog_svm]
c = 1.0
[cross]
seed = [0, 1]
base-degradation = ["none", "jpeg:65"]
[[runs]]
name = "plain"
[[runs]]
name = "other"
limit = 20
[runs.options.hog_svm]
c = 2.0
[runs.options.residual]
size = 3
"""


@pytest.fixture
def sweep(tmp_path):
    def read(text):
        (tmp_path / "sweep.toml").write_text(text)
        return read_sweep(tmp_path / "sweep.toml")

    return read


def test_common_crossed_and_own_options_make_one_run_each(sweep, tmp_path):
    runs = {run.name: run.settings for run in sweep(WHOLE)}
    assert list(runs) == [
        f"{name}-seed={seed}-base_degradation={chain}"
        for name in ("plain", "other")
        for seed in (0, 1)
        for chain in ("none", "jpeg_65")
    ]
    plain, other = runs["plain-seed=0-base_degradation=none"], runs["other-seed=1-base_degradation=jpeg_65"]
    assert plain.values == {
        "detectors": ["hog_svm", "residual"],
        "limit": 40,
        "data": str(tmp_path / "photos"),
        "seed": 0,
        "base_degradation": "none",
    }
    assert plain.recipe_options == {"hog_svm": {"c": 1.0}}
    assert (other.values["limit"], other.values["seed"]) == (20, 1)
    assert other.recipe_options == {"hog_svm": {"c": 2.0}, "residual": {"size": 3}}


def test_crossed_values_alone_are_runs_and_paths_give_their_last_part(sweep):
    names = [run.name for run in sweep('[cross]\ndata = ["/a/x y", "genimage:/b/z"]\ndetectors = [["a", "b"]]')]
    assert names == ["data=x_y-detectors=a+b", "data=z-detectors=a+b"]


def test_own_options_win_over_crossed_ones_and_those_over_common_ones(sweep):
    (run,) = sweep('[run]\nlimit = 1\nseed = 1\n[cross]\nseed = [2]\nlimit = [2]\n[[runs]]\nname = "a"\nlimit = 3')
    assert run.settings.values == {"limit": 3, "seed": 2}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("limit = 3", r"sweep \S+: 'limit' is none of its parts; put options of all runs into \[run\]"),
        ("[run]\nlimit = 3", r"sweep \S+ asks for no run; write \[\[runs\]\] with a name for each"),
        ("run = 3", "run is no table"),
        ("runs = 3", "runs is no list of tables"),
        ("[runs]\na = 3", "runs is no list of tables"),
        ("[[runs]]\nlimit = 3", r"run 1 of \[\[runs\]\] has the name None"),
        ('[[runs]]\nname = "a/b"', "has the name 'a/b'"),
        ('[[runs]]\nname = ".."', "has the name '..'"),
        ('[[runs]]\nname = "a"\n[[runs]]\nname = "A"', "two runs are called 'a'; give each a name of its own"),
        ('[cross]\ndata = ["/a/x", "/b/x"]', "two runs are called 'data=x'"),
        ('[cross]\ndata = "x"', r"\[cross\]: data is no list of values; write data = "),
        ("[cross]\nseed = []", "seed is no list of values"),
        ('[[runs]]\nname = "a"\nout = "b"', "run 'a': a run of a sweep has no option 'out': its folder has its name"),
        ('[[runs]]\nname = "a"\nx = {y = 1}', "run 'a': x is a table or a date"),
        ('[[runs]]\nname = "a"\noptions = 3', "run 'a': options holds one table per detector"),
        (f"[cross]\nseed = {list(range(40))}\nlimit = {list(range(2, 42))}", "asks for 1,600 runs, and 1,000 are"),
        ("[", "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_one_line(sweep, text, words):
    with pytest.raises(InputError, match=words) as told:
        sweep(text)
    assert "\n" not in str(told.value)


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_sweep(tmp_path / "nowhere.toml")


def test_the_example_of_the_documentation_asks_for_four_runs(sweep):
    (text,) = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/how-to/sweeps.md").read_text(encoding="utf-8"), re.DOTALL)
    assert [run.name for run in sweep(text)] == ["plain-seed=0", "plain-seed=1", "jpeg-seed=0", "jpeg-seed=1"]
