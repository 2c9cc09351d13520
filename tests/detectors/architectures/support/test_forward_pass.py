"""Logits of a network, whatever outputs it has."""

import torch
from torch import nn

from detectors.api import Runtime
from detectors.architectures.support.forward_pass import logits
from detectors.checks import texture
from detectors.preprocessing.augmentation import (
    BlurJpeg,
)

VIEW = BlurJpeg(probability=0.5, resize=None, crop=32, test_crop=48, pad=False)


def test_two_logits_are_the_odds_of_their_difference():
    class Two(nn.Module):
        generated_output = 0

        def forward(self, images):
            return torch.stack([images.mean((1, 2, 3)), images.amax((1, 2, 3))], 1)

    images = [texture("two", 8, 8), texture("logits", 8, 8)]
    odds = logits(Two(), images, VIEW, Runtime())
    one = Two()
    one.generated_output = 1
    assert torch.allclose(odds, -logits(one, images, VIEW, Runtime()))
    assert odds.shape == (2,)
