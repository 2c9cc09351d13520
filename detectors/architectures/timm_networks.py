"""Networks of timm and of its parts; import this module inside functions only."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import timm
import torch
from timm.models import register_model
from timm.models.resnet import Bottleneck
from timm.models.swin_transformer import SwinTransformer
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from detectors.architectures.small_networks import SmallResNet


def one_output_network(name: str) -> nn.Module:
    """A network of timm with one output and randomly initialised weights."""
    return _with_plain_attention(timm.create_model(name, pretrained=False, num_classes=1))


def _with_plain_attention(network: nn.Module) -> nn.Module:
    """A network without fused attention, whose gradients differ from run to run on an accelerator."""
    for module in network.modules():
        if hasattr(module, "fused_attn"):
            module.fused_attn = False  # type: ignore[assignment]
    return network


def build_with_buffers(make: Callable[[], nn.Module]) -> nn.Module:
    """A network not on the meta device, for it has buffers that no file holds; the random state is not changed."""
    with torch.random.fork_rng(devices=[]):
        return make()


class SmallBottleneckNet(SmallResNet):
    """`SmallResNet` whose last stage is two bottleneck blocks of ResNet-50 (`deep`), 32 wide and 128 after them."""

    def __init__(self) -> None:
        super().__init__()
        del self.layer3
        shortcut = nn.Sequential(nn.Conv2d(64, 128, 1, stride=2, bias=False), nn.BatchNorm2d(128))
        self.deep = nn.Sequential(Bottleneck(64, 32, stride=2, downsample=shortcut), Bottleneck(128, 32))

    def forward(self, images: Tensor) -> Tensor:
        """Log odds (N, 1) of normalised images (N, 3, H, W)."""
        maps = self.relu(self.bn1(self.conv1(images)))
        maps = self.deep(self.layer2(self.layer1(maps)))
        outputs: Tensor = self.fc(maps.mean((2, 3)))
        return outputs


def small_deit(outputs: int = 1) -> nn.Module:
    """A DeiT of three blocks of 64 channels behind a convolutional stem, for images of any size.

    Tokens are 8 pixels apart; the outputs are made of the mean of the tokens of the image. The stem takes the place of
    the linear patch embedding, which small networks hardly learn to read noise through (Xiao et al., "Early
    Convolutions Help Transformers See Better", NeurIPS 2021, arXiv 2106.14881).

    Args:
        outputs: Number of outputs; with 0 it gives the mean itself.
    """
    network = VisionTransformer(
        img_size=128,
        patch_size=8,
        num_classes=outputs,
        embed_dim=64,
        depth=3,
        num_heads=4,
        mlp_ratio=2.0,
        global_pool="avg",
        fc_norm=False,
        dynamic_img_size=True,
    )
    network.patch_embed.proj = _stem(64, side=4)
    return _with_plain_attention(network)


@register_model
def lineup_small_deit(**options: Any) -> nn.Module:  # noqa: ANN401 - whatever timm passes on
    """`small_deit` without outputs, under a name by which timm makes it, and so open_clip as an image tower."""
    del options
    network = small_deit(outputs=0)
    network.default_cfg = {}  # type: ignore[assignment] # where open_clip looks for a pooling size
    return network


def small_swin(outputs: int = 1) -> nn.Module:
    """A Swin transformer of three stages with windows of 4, behind a convolutional stem, for images of any size.

    Tokens of the first stage are 4 pixels apart. The stem is that of `small_deit` with a finer last convolution.
    """
    network = SwinTransformer(
        img_size=64,
        patch_size=4,
        num_classes=outputs,
        embed_dim=32,
        depths=(2, 2, 2),
        num_heads=(2, 4, 8),
        window_size=4,
        mlp_ratio=2.0,
        drop_path_rate=0.0,
        dynamic_img_size=True,
    )
    network.patch_embed.proj = _stem(32, side=2)
    return _with_plain_attention(network)


def _stem(width: int, side: int) -> nn.Module:
    """`SmallResNet` up to its first block, then a convolution of disjoint squares of its maps to `width` channels."""
    resnet = SmallResNet()
    parts = {name: resnet.get_submodule(name) for name in ("conv1", "bn1", "relu", "layer1")}
    return nn.Sequential(OrderedDict(parts, proj=nn.Conv2d(32, width, side, side)))


def add_bottleneck(network: nn.Module, width: int, dropout: float) -> nn.Module:
    """Give a vision transformer a bottleneck of this width between its features and its one output."""
    features = network.num_features
    network.head = nn.Sequential(
        OrderedDict(
            bottleneck=nn.Linear(int(features), width),  # type: ignore[arg-type]
            activation=nn.GELU(),
            dropout=nn.Dropout(dropout),
            fc=nn.Linear(width, 1),
        )
    )
    return network
