"""Files of weights of networks that were trained on ImageNet."""

from __future__ import annotations

from detectors.weights.files import HubFile

# names in torch's own download folder: torchvision's current one first, then its original one
TORCH_NAMES = {
    "resnet18": ("resnet18-f37072fd.pth", "resnet18-5c106cde.pth"),
    "resnet34": ("resnet34-b627a593.pth", "resnet34-333f7ec4.pth"),
    "resnet50": ("resnet50-0676ba61.pth", "resnet50-19c8e357.pth"),
}


def imagenet_weights(name: str) -> HubFile:
    """Torchvision's original weights of a residual network, in torch's own download folder or on the hub."""
    return HubFile(f"timm/{name}.tv_in1k", torch_names=TORCH_NAMES[name])
