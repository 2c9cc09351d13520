"""Checks before anything heavy is imported."""

import pytest

import bench.request.early_checks as module
from bench.platform.errors import InputError
from tests.support.command_line import call, one_line
from tests.support.miniature import write_folder


@pytest.mark.parametrize(
    ("require", "message"),
    [
        (
            module.require_mlflow,
            r"--track mlflow needs the package mlflow-skinny.*pip install 'lineup-bench\[mlflow\]'",
        ),
        (module.require_ray, r"--cluster needs the package ray.*pip install 'lineup-bench\[cluster\]'"),
        (module.require_tensorboard, "--tensorboard needs the package tensorboard.*pip install tensorboard"),
    ],
)
def test_a_package_that_is_not_installed_is_named_with_what_to_type(require, message, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=message):
        require()
    monkeypatch.setattr(module, "find_spec", lambda name: name)
    require()


def test_a_dry_run_of_a_cluster_needs_no_ray(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    place = {"LINEUP_CACHE": str(tmp_path / "cache")}
    asked = ["run", "--data", write_folder(tmp_path / "data"), "--detectors", "hog_svm", "--out", tmp_path / "out"]
    asked += ["--cluster", "local:64"]
    assert call(place, *asked, "--dry-run").returncode == 0
    assert "--cluster needs the package ray" in one_line(call(place, *asked))
    assert "--cluster 'nowhere' is not known" in one_line(call(place, *asked[:-1], "nowhere", "--dry-run"))
