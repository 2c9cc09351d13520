"""Logits of a network, whatever outputs it has."""

import numpy as np
import torch
from torch import nn

from detectors.api import Runtime
from detectors.architectures.support.forward_pass import eager_body, logits, normalised
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

    def found(network):
        return logits(network, eager_body(network, Runtime()), images, VIEW, Runtime())

    images = [texture("two", 8, 8), texture("logits", 8, 8)]
    outputs = Two()(normalised(torch.from_numpy(np.stack(images)), VIEW.mean, VIEW.std))
    assert torch.equal(found(Two()), outputs[:, 0] - outputs[:, 1])
    usual = Two()
    usual.generated_output = 1
    assert torch.equal(found(usual), outputs[:, 1] - outputs[:, 0])
    del Two.generated_output
    assert torch.equal(found(Two()), outputs[:, 1] - outputs[:, 0])
    assert outputs.shape == (2, 2)
