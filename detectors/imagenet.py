"""Residual networks as they were trained on ImageNet."""

from __future__ import annotations

from detectors.sources import Hub

# names in torch's own cache: first torchvision's today, then that of its first years
CACHED = {
    "resnet18": ("resnet18-f37072fd.pth", "resnet18-5c106cde.pth"),
    "resnet34": ("resnet34-b627a593.pth", "resnet34-333f7ec4.pth"),
    "resnet50": ("resnet50-0676ba61.pth", "resnet50-19c8e357.pth"),
}


def imagenet(name: str) -> Hub:
    """Torchvision's first weights of a network: from torch's own cache, or from the hub."""
    return Hub(f"timm/{name}.tv_in1k", in_torch=CACHED[name])
