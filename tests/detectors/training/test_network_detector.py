"""Scores of images of several sizes in one batch."""

import numpy as np
import torch
from torch import nn

from detectors.api import Runtime
from detectors.checks import texture
from detectors.preprocessing.views import SquareView
from detectors.training import network_detector
from detectors.training.network_detector import NetworkDetector


class Brightness(nn.Module):
    """Log odds that are the mean, and how many images came together."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def forward(self, images):
        self.batches.append(tuple(images.shape[::2]))
        return images.mean((1, 2, 3))[:, None]


def test_images_of_a_size_are_scored_together_and_answers_come_in_order(monkeypatch):
    monkeypatch.setattr(network_detector, "CPU_CHUNK", 3 * 16 * 16)
    network = Brightness()
    detector = NetworkDetector(network, SquareView(side=16, crop=16, test_crop=16, mirror=False), Runtime())
    sides = [16, 24, 16, 8, 24, 16, 16, 24]
    batch = [texture(f"{number}", side, side) for number, side in enumerate(sides)]
    answer = detector.answer(batch)
    assert network.batches == [(1, 8), (3, 16), (1, 16), (1, 24), (1, 24), (1, 24)]
    alone = np.concatenate([detector.answer([image]).log_odds for image in batch])
    np.testing.assert_allclose(answer.log_odds, alone, atol=1e-6)
    assert len(set(alone.tolist())) == len(batch)
    np.testing.assert_array_equal(answer.scores, torch.sigmoid(torch.from_numpy(answer.log_odds)).numpy())


def test_no_image_has_no_score():
    detector = NetworkDetector(Brightness(), SquareView(side=16, crop=16, test_crop=16, mirror=False), Runtime())
    answer = detector.answer([])
    assert answer.scores.shape == answer.log_odds.shape == (0,)
    assert answer.scores.dtype == answer.log_odds.dtype == np.float32
