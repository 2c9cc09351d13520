"""Checks before anything heavy is imported."""

from functools import partial

import pytest

import bench.request.early_checks as module
from bench.platform.errors import InputError


@pytest.mark.parametrize(
    ("require", "message"),
    [
        (
            module.require_mlflow,
            r"--track mlflow needs the package mlflow-skinny.*pip install 'lineup-bench\[mlflow\]'",
        ),
        (
            partial(module.require_cluster, "local:2"),
            r"--cluster needs the package ray.*pip install 'lineup-bench\[cluster\]'",
        ),
        (module.require_tensorboard, "--tensorboard needs the package tensorboard.*pip install tensorboard"),
    ],
)
def test_a_package_that_is_not_installed_is_named_with_what_to_type(require, message, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=message):
        require()
    monkeypatch.setattr(module, "find_spec", lambda name: name)
    require()
