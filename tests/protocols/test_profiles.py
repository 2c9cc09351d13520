"""Named profiles: what ships, files of one's own, and what is wrong with a file."""

import pytest

from protocols.api import Scope
from protocols.degradation import GENIMAGE_STEPS, DegradationMatrix
from protocols.degradations import UnknownDegradation, canonical_steps
from protocols.profiles import WrongProfile, expanded, find_profile, profile_names
from tests.support.protocol_runs import ProtocolRunner
from tests.support.synthetic_runs import Images

GOOD = 'version = 2\nabout = "a"\nsource = "b"\ndegradations = ["jpeg:50", "lr:64+blur:1"]\n'


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_that_ships_says_what_it_is(name):
    profile = find_profile(name)
    assert profile.name == name
    assert profile.version >= 1
    assert profile.about
    assert profile.source
    assert len(set(profile.degradations)) == len(profile.degradations) >= 6
    assert sum(profile.score.values()) in {0, 1}
    assert canonical_steps(profile.degradations) == profile.degradations


def test_a_profile_stands_for_its_degradations(tmp_path):
    (tmp_path / "mine.toml").write_text(GOOD)
    mine = str(tmp_path / "mine.toml")
    assert expanded(["blur:2", mine, "none"]) == ["blur:2", "jpeg:50", "lr:64+blur:1", "none"]
    assert find_profile("jpeg:50") is None
    assert expanded(["genimage"]) == ["lr:112", "lr:64", "jpeg:65", "jpeg:30", "blur:3", "blur:5"]
    assert find_profile(mine).version == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read .No such file"),
        ("version = ", "cannot be read .Invalid"),
        (GOOD + "colour = 1", "has 'colour', and only about, degradations, score, source, version are known"),
        (GOOD.replace("2", "'2'"), "needs a version that is a whole number"),
        (GOOD.replace("version = 2", "version = true"), "needs a version that is a whole number"),
        (GOOD.replace('source = "b"\n', ""), "and the texts about and source"),
        (GOOD.replace('["jpeg:50", "lr:64+blur:1"]', "[]"), "needs degradations, a list of texts"),
        (GOOD.replace('["jpeg:50", "lr:64+blur:1"]', "[50]"), "needs degradations, a list of texts"),
        (GOOD + "[score]\naccuracy = 1", "has a score that is no table of weights of clean_auc, flip_rate"),
        (GOOD + "[score]\nmean = true", "has a score that is no table of weights"),
    ],
)
def test_a_file_that_is_no_profile_is_said_to_be_none(tmp_path, text, said):
    path = tmp_path / "mine.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(WrongProfile, match=said):
        find_profile(str(path))


@pytest.mark.parametrize("name", profile_names())
def test_degradations_of_a_profile_are_known_and_spelt_as_tables_have_them(name):
    degradations = find_profile(name).degradations
    assert canonical_steps([name]) == degradations
    assert canonical_steps([degradations[0], name, "none"]) == degradations


def test_a_profile_that_is_mistyped_or_damaged_is_said_so(tmp_path):
    with pytest.raises(UnknownDegradation, match="did you mean delivery"):
        canonical_steps(["delivry"])
    (tmp_path / "mine.toml").write_text("version = 1")
    with pytest.raises(UnknownDegradation, match="and the texts about and source"):
        canonical_steps([str(tmp_path / "mine.toml")])


def test_the_cells_of_a_profile_are_those_of_its_degradations():
    by_name, listed = DegradationMatrix(degradations=("genimage",)), DegradationMatrix(degradations=GENIMAGE_STEPS)
    scope = Scope(Images(), ("alpha",))
    assert by_name.cells(scope) == listed.cells(scope)


def test_a_run_says_which_conditions_are_one_to_its_images(run_on_miniature):
    done = run_on_miniature("degradation", degradations="jpeg:85,longest:1024+jpeg:85", report=False)
    (notice,) = [one for one in done.ranking.notices if "give the same pixels" in one]
    assert notice.startswith("jpeg:85 and longest:1024+jpeg:85")
    accuracy = done.cells.set_index("degradation")["accuracy"]
    assert accuracy["jpeg:85"] == accuracy["longest:1024+jpeg:85"]
    other = run_on_miniature("degradation", degradations="jpeg:85,longest:20+jpeg:85", report=False)
    assert not any("give the same pixels" in one for one in other.ranking.notices)


def test_nothing_is_said_of_equal_pixels_before_files_are_inspected(miniature_folder, tmp_path):
    asked = {"protocol": "degradation", "train_on": "even", "degradations": "longest:32+jpeg:60,longest:24+jpeg:60"}
    assert "give the same pixels" not in ProtocolRunner(miniature_folder, tmp_path / "runs").dry(**asked)
