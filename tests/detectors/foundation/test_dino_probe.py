"""DINOv2 probe: strict towers, the library's own tokens, and the project's small one."""

import numpy as np
import pytest
import timm
import torch
from PIL import Image as PillowImage
from safetensors.torch import save_file
from timm.models.vision_transformer import VisionTransformer
from torchvision import transforms

from detectors.api import Runtime, Unavailable
from detectors.checks import sample, texture
from detectors.embedders import dino_tower
from detectors.foundation import dino_probe
from detectors.foundation.dino_probe import DinoProbe
from detectors.preprocessing.augmentation import IMAGENET_MEAN, IMAGENET_STD
from detectors.weight_file import WrongWeights
from detectors.weights.locations import shipped_card, shipped_file

TINY = "test_vit.r160_in1k"  # timm's smallest transformer
IMAGES = [texture("large", 260, 300), texture("small", 100, 128), texture("exact", 224, 224)]


def embedded(embedder, images=IMAGES):
    return embedder.embed([embedder.prepare(sample(image)) for image in images])


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """The recipe's model is timm's smallest, with weights in a file."""
    monkeypatch.setattr(dino_probe, "MODEL", TINY)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = timm.create_model(TINY, num_classes=0, dynamic_img_size=True).eval()
    save_file(network.state_dict(), tmp_path / "tiny.safetensors")
    return network, str(tmp_path / "tiny.safetensors")


def test_embedding_is_the_models_own_class_token(tiny):
    network, path = tiny
    embedder = DinoProbe("paper", path).embedder(Runtime())
    shown = transforms.Compose(
        [transforms.CenterCrop(224), transforms.ToTensor(), transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD)]
    )
    with torch.inference_mode():
        tokens = network.forward_features(torch.stack([shown(PillowImage.fromarray(image)) for image in IMAGES]))
    found = embedded(embedder)
    assert found.shape == (3, embedder.dim) == (3, network.embed_dim)
    assert found == pytest.approx(tokens[:, 0].numpy(), abs=1e-4)


def test_the_published_model_is_dinov2_at_its_own_size():
    with torch.device("meta"):
        network = timm.create_model(dino_probe.MODEL, num_classes=0, dynamic_img_size=True)
    built = dino_tower.meta_network(dino_probe.MODEL, None)
    assert {name: value.shape for name, value in built.state_dict().items()} == {
        name: value.shape for name, value in network.state_dict().items()
    }
    assert built.pos_embed.shape == (1, 1 + 37 * 37, 1024)
    assert len(built.blocks) == 24
    assert built.pos_embed.is_meta


def test_small_setting_adds_mean_and_deviation_of_each_block():
    card = shipped_card("small_dino")
    network = VisionTransformer(**card["network"]).eval()
    network.load_state_dict({name: part.float() for name, part in dino_tower.read(shipped_file("small_dino")).items()})
    kept = []
    for block in network.blocks:
        block.register_forward_hook(lambda _, __, output: kept.append(output[0, 1:]))
    image = texture("exact", 128, 128)
    unit = transforms.Compose([transforms.ToTensor(), transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD)])(image)
    with torch.inference_mode():
        final = network(unit[None])[0]
    parts = [final, *(part for tokens in kept for part in (tokens.mean(0), tokens.std(0)))]
    embedder = DinoProbe("small").embedder(Runtime())
    assert embedded(embedder, [image])[0] == pytest.approx(torch.cat(parts).numpy(), abs=1e-4)
    assert embedder.dim == 64 * 7


def test_a_batch_is_its_images():
    embedder = DinoProbe("small").embedder(Runtime())
    images = [texture(f"{index}", 90, 90) for index in range(34)]
    alone = np.concatenate([embedded(embedder, [image]) for image in images])
    assert embedded(embedder, images) == pytest.approx(alone, abs=1e-4)


def test_weights_that_do_not_fit_or_are_not_there_are_named(tiny, monkeypatch, tmp_path):
    network, _ = tiny
    state = network.state_dict()
    save_file({name: part for name, part in state.items() if name != "cls_token"}, tmp_path / "cut.safetensors")
    with pytest.raises(WrongWeights, match="missing cls_token"):
        embedded(DinoProbe("paper", str(tmp_path / "cut.safetensors")).embedder(Runtime()))
    with pytest.raises(Unavailable, match="no weights at nowhere"):
        DinoProbe("paper", "nowhere").embedder(Runtime())

    def no_hub(repository, *names):
        msg = f"could not get {names[0]} of {repository}: download the file elsewhere and give its path"
        raise Unavailable(msg)

    monkeypatch.setattr(dino_tower, "hub_file", no_hub)
    with pytest.raises(Unavailable, match=rf"model\.safetensors of timm/{TINY}.*give its path"):
        DinoProbe("paper").embedder(Runtime())


def test_keys_name_the_weights(tiny):
    _, path = tiny
    recipes = [DinoProbe("paper"), DinoProbe("small"), DinoProbe("paper", path), DinoProbe("small", path)]
    assert len({recipe.key for recipe in recipes}) == 4
    assert DinoProbe("paper").key.endswith(".timm/vit_large_patch14_dinov2.lvd142m")
    runtimes = [Runtime(), Runtime(precision="bfloat16")]
    assert len({DinoProbe("small").embedder(runtime).key for runtime in runtimes}) == 2
