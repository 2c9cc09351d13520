"""A training that takes a second: a view, a plan and a network of a few weights."""

import torch
from torch import nn

from detectors.preprocessing.augmentation import BlurJpeg
from detectors.training.plan import Plan
from detectors.training.schedules import EarlyStopping

VIEW = BlurJpeg(probability=0.5, resize=None, crop=32, test_crop=48, pad=False)
PLAN = Plan(EarlyStopping(rate=3e-3), "adamw", weight_decay=0.01, batch=8, epochs=2, validation=0.2)


def small(seed=0):
    """A network whose first weights follow from the seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        body = [nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        return nn.Sequential(*body, nn.Linear(8, 1))
