"""Networks of timm and of its parts; import this module inside functions only."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import timm
import torch
from timm.models.resnet import Bottleneck
from timm.models.swin_transformer import SwinTransformer
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from detectors.architectures.small_networks import SmallResNet
from detectors.weights.locations import shipped_card


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


def small_vit() -> nn.Module:
    """The vision transformer that ships with the package, with one output on the mean of the patch tokens."""
    shape = shipped_card("small_dino")["network"] | {"num_classes": 1}
    return _with_plain_attention(VisionTransformer(**shape, global_pool="avg", fc_norm=False))


def small_swin() -> nn.Module:
    """A Swin transformer of three stages with patches and windows of 4, for images of any size."""
    return _with_plain_attention(
        SwinTransformer(
            img_size=64,
            patch_size=4,
            num_classes=1,
            embed_dim=24,
            depths=(2, 2, 2),
            num_heads=(2, 4, 8),
            window_size=4,
            mlp_ratio=2.0,
            drop_path_rate=0.0,
            dynamic_img_size=True,
        )
    )


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
