"""RINE: published trained parts load strictly, and decide as a slow version written from the paper does."""

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch.nn.functional import layer_norm, normalize, relu
from torchvision import transforms

from detectors.api import Runtime
from detectors.architectures.rine import RineHead, contrastive_loss
from detectors.architectures.support.initial_weights import random_init
from detectors.checks import ToyTrainSet, sample
from detectors.foundation.rine import Rine
from detectors.preprocessing.augmentation import CLIP_MEAN, CLIP_STD
from detectors.weight_file import WrongWeights
from tests.support.clip_tower import BLOCKS, CONFIG, IMAGES, SIDE, WIDTH

# the released files' first size: two classes, of latent diffusion and of one class of ProGAN
RELEASED = {
    "alpha": (1, 24, 128),
    **{f"proj1.{place}.weight": (128, 1024 if place == 1 else 128) for place in (1, 4, 7, 10)},
    **{f"proj2.{place}.weight": (128, 128) for place in (1, 4, 7, 10)},
    **{f"proj{one}.{place}.bias": (128,) for one in (1, 2) for place in (1, 4, 7, 10)},
    **{f"head.{place}.weight": (128, 128) for place in (0, 3)},
    **{f"head.{place}.bias": (128,) for place in (0, 3)},
    "head.6.weight": (1, 128),
    "head.6.bias": (1,),
}


@pytest.fixture(scope="module")
def tower():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return open_clip.CLIP(**CONFIG).eval()


@pytest.fixture
def recipe(tower, tmp_path, monkeypatch):
    """The paper setting on a small tower with seeded weights."""
    monkeypatch.setattr(open_clip, "get_model_config", {"tiny": CONFIG}.get)
    save_file(tower.state_dict(), tmp_path / "tiny.safetensors")
    return Rine("paper", "tiny", str(tmp_path / "tiny.safetensors"))


def weights(projections, columns):
    part = random_init(lambda: RineHead(BLOCKS, WIDTH, projections, columns), 3)
    return {name: 2.5 * tensor if name.endswith("weight") else tensor for name, tensor in part.items()}


def slow_log_odds(tower, head, projections, image):
    """Block by block and column by column, float64."""
    shown = transforms.Compose(
        [transforms.CenterCrop(SIDE), transforms.ToTensor(), transforms.Normalize(CLIP_MEAN, CLIP_STD)]
    )
    tokens = []
    hooks = [
        block.register_forward_pre_hook(lambda _, given: tokens.append(given[0]))
        for block in tower.visual.transformer.resblocks
    ]
    with torch.inference_mode():
        tower.encode_image(shown(Image.fromarray(image))[None])
        found = []
        for block, given in zip(tower.visual.transformer.resblocks, tokens, strict=True):
            attended = given + block.attention(block.ln_1(given))
            found.append(layer_norm(attended, (WIDTH,), block.ln_2.weight, block.ln_2.bias)[0, 0].double())
    for hook in hooks:
        hook.remove()
    head = {name: tensor.double() for name, tensor in head.items()}

    def through(vector, part):
        for place in range(projections):
            name = f"{part}.{1 + 3 * place}"
            vector = relu(head[f"{name}.weight"] @ vector + head[f"{name}.bias"])
        return vector

    projected = [through(token, "proj1") for token in found]
    vector = torch.zeros(len(projected[0]), dtype=torch.float64)
    for column in range(len(vector)):
        shares = torch.exp(head["alpha"][0, :, column])
        vector[column] = sum(
            share / shares.sum() * token[column] for share, token in zip(shares, projected, strict=True)
        )
    vector = through(vector, "proj2")
    for place in (0, 3):
        vector = relu(head[f"head.{place}.weight"] @ vector + head[f"head.{place}.bias"])
    return float((head["head.6.weight"] @ vector + head["head.6.bias"])[0])


def test_the_trained_part_has_the_names_and_shapes_of_the_released_files():
    head = RineHead(24, 1024, 4, 128)
    assert {name: tuple(tensor.shape) for name, tensor in head.state_dict().items()} == RELEASED


@pytest.mark.parametrize(("projections", "columns"), [(4, 16), (2, 24)])
def test_a_released_part_of_any_size_decides_as_the_slow_version(recipe, tower, tmp_path, projections, columns):
    part = weights(projections, columns)
    torch.save(part, tmp_path / "model.pth")
    detector = recipe.load(tmp_path / "model.pth", Runtime())
    expected = [slow_log_odds(tower, part, projections, image) for image in IMAGES]
    found = detector.log_odds(detector.embedder.embed([detector.embedder.prepare(sample(image)) for image in IMAGES]))
    assert found == pytest.approx(expected, abs=1e-5)
    assert np.ptp(expected) > 1e-3
    restored = recipe.restore(detector.state(), Runtime())
    images = [detector.prepare(sample(image)) for image in IMAGES]
    assert np.array_equal(restored.score(images), detector.score(images))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda part: part.pop("alpha"), "missing alpha"),
        (lambda part: part.update(more=torch.zeros(1)), "unexpected more"),
        (lambda part: part.update(alpha=torch.zeros(1, BLOCKS + 1, 16)), r"alpha is \(1, 4, 16\), not \(1, 3, 16\)"),
    ],
    ids=["missing", "more", "another tower"],
)
def test_other_files_are_refused(recipe, tmp_path, change, complaint):
    part = weights(4, 16)
    change(part)
    torch.save(part, tmp_path / "model.pth")
    with pytest.raises(WrongWeights, match=complaint):
        recipe.load(tmp_path / "model.pth", Runtime())


def test_training_separates_the_classes_and_repeats(recipe):
    train = ToyTrainSet(24)
    one, two = (Rine("small").fit(train, 0, Runtime()) for _ in range(2))
    images = [one.prepare(train[index]) for index in range(len(train))]
    assert np.array_equal(one.score(images), two.score(images))
    labels = np.array(train.labels)
    assert one.score(images)[labels == 1].mean() > one.score(images)[labels == 0].mean() + 0.2


def test_the_contrastive_loss_is_its_definition():
    rng = torch.Generator().manual_seed(0)
    vectors, labels = torch.randn(6, 5, generator=rng, dtype=torch.float64), torch.tensor([0, 1, 0, 1, 1, 2])
    directions, losses = normalize(vectors, dim=1), []
    for one in range(5):  # the last has no other of its class
        others = [other for other in range(6) if other != one]
        sums = sum(torch.exp(directions[one] @ directions[other] / 0.07) for other in others)
        same = [other for other in others if labels[other] == labels[one]]
        shares = [torch.exp(directions[one] @ directions[other] / 0.07) / sums for other in same]
        losses.append(-sum(map(torch.log, shares)) / len(shares))
    assert float(contrastive_loss(vectors, labels)) == pytest.approx(float(sum(losses)) / 5)
