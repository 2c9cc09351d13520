"""DeiT-S and Swin-T: timm's networks with one output, images as their authors show them, and strict starts."""

from copy import deepcopy
from functools import cache

import pytest
import timm
import torch
from PIL import Image as PillowImage
from safetensors.torch import load_file, save_file
from timm.data import create_transform
from torch import nn

from detectors.api import Runtime
from detectors.architectures.support.initial_weights import on_meta_device
from detectors.checks import ToyTrainSet, same_state, sample, texture
from detectors.networks.vits import DeitSmall, SwinTiny
from detectors.training.fine_tuning import FineTuning, set_trainable
from detectors.weight_file import WrongWeights, hashed_file
from detectors.weights.loading import to_state

NAMES = {DeitSmall: "deit_small_patch16_224", SwinTiny: "swin_tiny_patch4_window7_224"}
RECIPES = pytest.mark.parametrize("family", list(NAMES))


@cache
def of_timm(name, **options):
    """A network of timm, randomly initialised: made once, so tests leave it as it is."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return timm.create_model(name, pretrained=False, **options).eval()


def shown(image):
    """As timm's own transform shows it, at the resize of the authors' code."""
    transform = create_transform((3, 224, 224), interpolation="bicubic", crop_pct=224 / 256)
    return transform(PillowImage.fromarray(image))


@pytest.mark.parametrize(("family", "parameters"), [(DeitSmall, 21666049), (SwinTiny, 27520123)])
def test_names_and_shapes_are_those_of_timm(family, parameters):
    network = family("paper").build()
    expected = on_meta_device(lambda: timm.create_model(NAMES[family], num_classes=1)).state_dict()
    found = network.state_dict()
    assert {name: tensor.shape for name, tensor in found.items()} == {n: t.shape for n, t in expected.items()}
    assert sum(tensor.numel() for tensor in network.parameters()) == parameters
    assert family.variants["paper"].size.parameters == parameters


@RECIPES
@pytest.mark.parametrize("setting", ["paper", "small"])
def test_the_card_says_what_it_costs(family, setting):
    counted = sum(tensor.numel() for tensor in family(setting).build().parameters())
    assert family.variants[setting].size.parameters == counted


@RECIPES
def test_scores_equal_those_of_timm(family):
    network = deepcopy(of_timm(NAMES[family])).eval()
    head = network.get_classifier()
    with torch.no_grad():  # one output of the thousand, steeper, so that images differ
        head.weight, head.bias = nn.Parameter(head.weight[:1] * 20), nn.Parameter(head.bias[:1])
    detector = family("paper").restore(to_state(network), Runtime())
    images = [texture("wide", 200, 330), texture("tall", 300, 224)]
    with torch.inference_mode():
        expected = torch.sigmoid(network(torch.stack([shown(image) for image in images])))[:, 0].numpy()
    scores = detector.score([detector.prepare(sample(image)) for image in images])
    assert scores == pytest.approx(expected, abs=1e-5)
    assert abs(scores[0] - scores[1]) > 1e-4


@pytest.mark.slow
@RECIPES
def test_imagenet_weights_get_a_new_head(family, tmp_path):
    recipe, held = family("paper"), of_timm(NAMES[family]).state_dict()
    save_file(held, tmp_path / "held.safetensors")
    network = recipe.build()
    begun, source = recipe.warm_start(network, hashed_file(tmp_path / "held.safetensors"), 0)
    head = [name for name in begun if name.startswith("head.")]
    assert source == tmp_path / "held.safetensors"
    assert [begun[name].shape[0] for name in head] == [1, 1]
    assert begun.keys() == held.keys()
    assert all(torch.equal(tensor, held[name]) for name, tensor in begun.items() if name not in head)


def test_swin_reads_its_authors_names(tmp_path):
    """Their downsampling ends a stage, timm's begins the next; their files also hold what timm computes."""
    recipe, held = SwinTiny("paper"), of_timm(NAMES[SwinTiny]).state_dict()
    theirs = {"layers.0.blocks.1.attn_mask": torch.zeros(64, 49, 49)}
    for name, tensor in held.items():
        stage, _, rest = name.removeprefix("layers.").partition(".downsample.")
        moved = f"layers.{int(stage) - 1}.downsample.{rest}" if rest else name.replace("head.fc.", "head.")
        theirs[moved] = tensor
    torch.save({"model": theirs}, tmp_path / "theirs.pth")
    begun, _ = recipe.warm_start(recipe.build(), hashed_file(tmp_path / "theirs.pth"), 0)
    name = "layers.2.downsample.reduction.weight"
    assert begun.keys() == held.keys()
    assert torch.equal(begun[name], held[name])


@RECIPES
def test_other_weights_are_refused(family, tmp_path):
    save_file({"blocks.0.norm1.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(WrongWeights, match="missing"):
        family("small", str(tmp_path / "other.safetensors")).fit(ToyTrainSet(4), 0, Runtime())


@RECIPES
def test_every_stage_opens_a_part_of_the_network_and_all_but_the_first_layers_are_in_one(family):
    recipe = family("paper")
    network = on_meta_device(recipe.network)
    tuning, opened = FineTuning("staged", recipe.variant.stages), [set()]
    for epoch in range(len(recipe.variant.stages)):
        set_trainable(network, tuning.trained_parts(epoch))
        opened.append({name for name, parameter in network.named_parameters() if parameter.requires_grad})
        assert opened[-1] > opened[-2]
    assert all(name.startswith("head.") for name in opened[1])
    left = {name.split(".")[0] for name, _ in network.named_parameters()} - {n.split(".")[0] for n in opened[-1]}
    assert left <= {"cls_token", "pos_embed", "patch_embed"}


@RECIPES
@pytest.mark.slow
def test_fit_repeats_and_follows_the_seed(family):
    recipe = family("small")
    first, again, other = (recipe.fit(ToyTrainSet(4), seed, Runtime()).state() for seed in (0, 0, 1))
    assert same_state(first, again)
    assert not same_state(first, other)


def test_building_leaves_the_random_state_alone():
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    SwinTiny("small").build()
    assert torch.equal(torch.rand(1), expected)


def test_numbers_of_fine_tuning():
    plan, view = DeitSmall("paper").plan, DeitSmall("paper").view
    assert (plan.optimiser, plan.schedule.rate, plan.weight_decay, plan.batch, plan.epochs) == (
        "adamw",
        5e-5,
        0.05,
        64,
        30,
    )
    assert (view.resize, view.crop, view.erase) == (256, 224, 0.25)


@pytest.mark.parametrize(
    ("family", "file", "head"),
    [(DeitSmall, "small_deit.safetensors", "head.weight"), (SwinTiny, "small_swin.safetensors", "head.fc.weight")],
)
def test_a_small_transformer_is_warm_started_from_the_shipped_one(family, file, head):
    recipe = family("small")
    begun, source = recipe.initial_weights(recipe.build(), 0)
    assert source.name == file
    assert begun[head].shape[0] == 1
    shipped = load_file(source)
    assert len(begun) == len(shipped)
    assert all(torch.equal(begun[name], shipped[name]) for name in shipped if not name.startswith("head."))
