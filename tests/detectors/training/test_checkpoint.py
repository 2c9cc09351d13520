"""The state of an interrupted training: what is damaged is told, and the training begins anew."""

import random

import pytest
import torch

from detectors.training.checkpoint import TrainingCheckpoint

STATE = {"step": 3, "weights": torch.arange(100.0), "names": ["a"]}


@pytest.fixture
def path(tmp_path):
    TrainingCheckpoint(tmp_path).write(STATE)
    return tmp_path / "checkpoint.pt"


def same(state):
    return torch.equal(state["weights"], STATE["weights"]) and (state["step"], state["names"]) == (3, ["a"])


def test_no_changed_bit_gives_another_state(path, caplog):
    whole, draw, told = path.read_bytes(), random.Random(0), 0  # noqa: S311 - places
    for _ in range(100):
        content, bit = bytearray(whole), draw.randrange(8 * len(whole))
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        state = TrainingCheckpoint(path.parent).read()
        assert not state or same(state)  # of padding nothing is read
        told += not state
    assert told == len(caplog.records) > 20
    assert "checkpoint.pt is damaged: its training begins anew" in caplog.text


@pytest.mark.parametrize("content", [b"", b"PK", b"text"])
def test_what_is_no_checkpoint_is_told(path, content, caplog):
    path.write_bytes(content)
    assert TrainingCheckpoint(path.parent).read() == {}
    assert len(caplog.records) == 1
