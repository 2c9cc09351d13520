"""Gram-Net: the original and its port, told apart strictly, and textures that matter wherever they lie."""

import cv2
import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch.nn import functional
from torchvision import transforms

from detectors.api import Runtime, Unavailable
from detectors.architectures.gram_networks import GramResNet18, SmallGramNet, gram
from detectors.architectures.small_networks import SmallResNet
from detectors.architectures.support.initial_weights import on_meta_device, random_init
from detectors.checks import ToyTrainSet, same_state, sample, texture
from detectors.networks.gramnet import GramNet
from detectors.training.schedules import EarlyStopping
from detectors.weight_file import WrongWeights, hashed_file
from detectors.weights import reading

PAPER, SMALL = GramNet("paper"), GramNet("small")
# every tensor beside those of ResNet-18, as upstream's modules name them
BLOCKS = {
    "conv_interi_0": ("gi_fc1", "gi_fc2", 3),
    "conv_inter0_0": ("g0_fc1", "g0_fc2", 64),
    "conv_inter1_0": ("g_fc1r", "g_fc2r", 64),
    "conv_inter2_0": ("g2_fc1", "g2_fc2", 64),
    "conv_inter3_0": ("g3_fc1", "g3_fc2", 128),
    "conv_inter4_0": ("g4_fc1", "g4_fc2", 256),
}


@pytest.fixture(scope="module")
def original():
    """Seeded weights, with batch statistics that suit inputs of 0 to 255."""
    state = random_init(GramResNet18, 0)
    generator = torch.Generator().manual_seed(1)
    for name in state:
        if name.endswith("running_var"):
            state[name] = torch.rand(state[name].shape, generator=generator) + 0.5
    state["bn1.running_var"] *= 1e4
    state["conv_interi_0.1.running_var"] *= 1e4
    return state


@pytest.fixture(scope="module")
def port(original):
    return original | {
        "fcnewr.3.weight": original["fcnewr.3.weight"][:1],
        "fcnewr.3.bias": original["fcnewr.3.bias"][:1],
    }


def saved(held, path):
    torch.save(held, path)
    return path


@pytest.fixture(scope="module")
def port_file(port, tmp_path_factory):
    """A file of the port, as its training script writes it."""
    return saved({"netC": port}, tmp_path_factory.mktemp("port") / "Gram.pth")


def slow_outputs(images, state):
    """Gram-Net on torchvision's own ResNet-18, with every block written out."""
    resnet = on_meta_device(torchvision.models.resnet18).eval()  # its weights are not drawn before they are loaded
    own = {name: state[name] for name in resnet.state_dict() if name in state}
    resnet.load_state_dict(own, strict=False, assign=True)
    maps = [images, resnet.relu(resnet.bn1(resnet.conv1(images)))]
    maps.append(resnet.maxpool(maps[-1]))
    maps += [resnet.layer1(maps[-1])]
    maps += [resnet.layer2(maps[-1])]
    maps += [resnet.layer3(maps[-1])]
    features = [resnet.avgpool(resnet.layer4(maps[-1])).flatten(1)]

    def unit(name, values, stride):
        values = functional.conv2d(values, state[f"{name}.0.weight"], stride=stride, padding=1)
        names = ("running_mean", "running_var", "weight", "bias")
        return functional.relu(functional.batch_norm(values, *(state[f"{name}.1.{part}"] for part in names)))

    for (look, (first, second, _)), one in zip(BLOCKS.items(), maps, strict=True):
        seen = unit(look, one, 1)
        matrix = torch.einsum("nchw,ndhw->ncd", seen, seen)[:, None] / seen[0].numel()
        features.append(unit(second, unit(first, matrix, 2), 2).mean((2, 3)) * state["scale.scale"])
    hidden = functional.relu(
        functional.linear(torch.cat(features, 1), state["fcnewr.0.weight"], state["fcnewr.0.bias"])
    )
    return functional.linear(hidden, state["fcnewr.3.weight"], state["fcnewr.3.bias"])


def test_published_structure(original):
    resnet = on_meta_device(torchvision.models.resnet18).state_dict()
    expected = {name: tuple(t.shape) for name, t in resnet.items() if not name.startswith("fc.")}
    units = [(look, width, 32) for look, (_, _, width) in BLOCKS.items()]
    units += [unit for first, second, _ in BLOCKS.values() for unit in ((first, 1, 16), (second, 16, 32))]
    for name, before, after in units:
        expected[f"{name}.0.weight"] = (after, before, 3, 3)
        expected |= {f"{name}.1.{part}": (after,) for part in ("weight", "bias", "running_mean", "running_var")}
        expected[f"{name}.1.num_batches_tracked"] = ()
    expected |= {"scale.scale": (1,), "fcnewr.0.weight": (512, 704), "fcnewr.0.bias": (512,)}
    expected |= {"fcnewr.3.weight": (2, 512), "fcnewr.3.bias": (2,)}
    assert {name: tuple(tensor.shape) for name, tensor in original.items()} == expected


def test_the_original_sees_squares_of_bgr_bytes(original, tmp_path):
    image = texture("original", 90, 130)
    detector = PAPER.load(saved(original, tmp_path / "original.pth"), Runtime())
    read = cv2.resize(image[:, :, ::-1].copy(), (512, 512))
    with torch.inference_mode():
        batch = torch.from_numpy(read.astype(np.float32).transpose(2, 0, 1))[None]
        expected = torch.exp(functional.log_softmax(slow_outputs(batch, original), 1))[:, 0]  # 0 is fake
    score = detector.score([detector.prepare(sample(image))])
    assert score == pytest.approx(expected.numpy(), abs=1e-4)
    assert 0.01 < score[0] < 0.99
    surer = original | {"fcnewr.3.bias": original["fcnewr.3.bias"] + torch.tensor([1.0, 0.0])}
    more = PAPER.load(saved(surer, tmp_path / "surer.pth"), Runtime())
    assert more.score([more.prepare(sample(image))]) > score


@pytest.mark.parametrize("wrap", ["bare", "parallel"])
def test_a_port_is_read_however_it_is_wrapped(port, port_file, tmp_path, wrap):
    held = {"netC": {f"module.{name}": tensor for name, tensor in port.items()}} if wrap == "parallel" else port
    usual, other = (PAPER.load(path, Runtime()) for path in (port_file, saved(held, tmp_path / "Gram.pth")))
    image = sample(texture("wrapped", 240, 200))
    assert np.array_equal(other.prepare(image), usual.prepare(image))
    assert same_state(other.state(), usual.state())


def test_the_port_sees_normalised_crops(port, port_file):
    detector, image = PAPER.load(port_file, Runtime()), texture("port", 240, 200)
    shown = transforms.Compose(
        [
            transforms.ToPILImage(),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    with torch.inference_mode():
        expected = torch.sigmoid(slow_outputs(shown(image)[None], port))[:, 0].numpy()
    prepared = [detector.prepare(sample(image))]
    assert detector.score(prepared) == pytest.approx(expected, abs=1e-5)
    restored = PAPER.restore(detector.state(), Runtime())
    assert np.array_equal(restored.prepare(sample(image)), prepared[0])
    assert np.array_equal(restored.score(prepared), detector.score(prepared))


@pytest.mark.parametrize(
    ("script", "steps"),
    [
        (None, [transforms.CenterCrop(224)]),
        pytest.param("sidbench_test", [transforms.CenterCrop(224)], marks=pytest.mark.slow),  # as without a script
        ("sidbench_evaluate", [transforms.Resize((256, 256)), transforms.CenterCrop(224)]),
        ("aigcdetect", [transforms.Resize(256), transforms.CenterCrop(224)]),
        ("aigcdetect_whole", []),
    ],
)
def test_each_script_shows_an_image_to_the_port_in_its_way(port, port_file, script, steps):
    image, detector = texture("script", 300, 190), GramNet("paper", script=script).load(port_file, Runtime())
    shown = transforms.Compose([transforms.ToPILImage(), *steps])(image)
    normalise = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    with torch.inference_mode():
        expected = torch.sigmoid(slow_outputs(normalise(transforms.ToTensor()(shown))[None], port))[:, 0].numpy()
    prepared = [detector.prepare(sample(image))]
    assert np.array_equal(prepared[0], np.asarray(shown))
    assert detector.score(prepared) == pytest.approx(expected, abs=1e-5)


def test_a_script_is_not_of_the_original(original, tmp_path):
    recipe = GramNet("paper", script="aigcdetect")
    with pytest.raises(Unavailable, match="not to the original with two: leave it out"):
        recipe.load(saved(original, tmp_path / "original.pth"), Runtime())
    with pytest.raises(Unavailable, match="not to the original"):
        recipe.fit(ToyTrainSet(4), 0, Runtime())


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"scale.scale": None}, r"missing scale\.scale"),
        ({"fc.weight": torch.zeros(1, 512)}, r"unexpected fc\.weight"),
        ({"fcnewr.3.bias": None}, r"missing fcnewr\.3\.bias"),
        ({"fcnewr.3.bias": torch.zeros(1)}, r"fcnewr\.3\.weight is \(2, 512\), not \(1, 512\)"),
        ({"fcnewr.3.bias": torch.zeros(3)}, r"fcnewr\.3\.bias is \(3,\), not \(2,\)"),
    ],
)
def test_anything_between_the_two_is_refused(original, tmp_path, changes, complaint):
    state = {name: tensor for name, tensor in (original | changes).items() if tensor is not None}
    with pytest.raises(WrongWeights, match=complaint):
        PAPER.load(saved(state, tmp_path / "other.pth"), Runtime())


def test_checkpoints_belong_to_the_paper_setting(tmp_path):
    with pytest.raises(Unavailable, match="belong to the paper setting"):
        SMALL.load(tmp_path / "any.pth", Runtime())


def test_a_gram_matrix_does_not_say_where():
    maps = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    found = gram(torch.from_numpy(maps)).numpy()
    for image in range(2):
        for one in range(3):
            for other in range(3):
                total = sum(maps[image, one, y, x] * maps[image, other, y, x] for y in range(4) for x in range(5))
                assert found[image, 0, one, other] == pytest.approx(total / (3 * 4 * 5), abs=1e-5)
    moved = maps.reshape(2, 3, 20)[:, :, np.random.default_rng(1).permutation(20)].reshape(maps.shape)
    assert gram(torch.from_numpy(moved)).numpy() == pytest.approx(found, abs=1e-5)


@pytest.mark.parametrize("make", [GramResNet18, SmallGramNet])
def test_textures_reach_the_outputs(make):
    torch.manual_seed(0)
    network, images = make().eval(), torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        before = network(images)
        network.scale.scale.zero_()
        assert not torch.allclose(network(images), before, atol=1e-4)


def test_small_start_keeps_pretrained_weights_and_initialises_the_rest_randomly(tmp_path):
    torch.manual_seed(0)
    save_file(SmallResNet(24).state_dict(), tmp_path / "start.safetensors")
    held = reading.read(hashed_file(tmp_path / "start.safetensors"))
    recipe = GramNet("small", str(tmp_path / "start.safetensors"))
    first, again, other = (recipe.initial_weights(recipe.build(), seed)[0] for seed in (0, 0, 1))
    assert same_state(first, again)
    assert torch.equal(first["layer3.conv1.weight"], held["layer3.conv1.weight"])
    assert first["fc.weight"].shape == (1, 176)
    changed = {name for name, tensor in first.items() if not torch.equal(tensor, other[name])}
    assert {"fc.weight", "conv_interi_0.0.weight", "gi_fc1.0.weight"} <= changed
    assert not any(name in held for name in changed if not name.startswith("fc."))


def test_new_gram_blocks_learn_with_the_top(tmp_path):
    torch.manual_seed(0)
    save_file(SmallResNet(24).state_dict(), tmp_path / "start.safetensors")
    recipe = GramNet("small", str(tmp_path / "start.safetensors"), tune="top")
    begun = recipe.initial_weights(recipe.build(), 0)[0]
    fitted = recipe.fit(ToyTrainSet(8), 0, Runtime()).state()
    moved = {name for name, tensor in begun.items() if not np.array_equal(fitted[name], tensor.numpy())}
    assert {"fc.weight", "conv_interi_0.0.weight", "g_fc2r.0.weight"} <= moved
    assert not moved & SmallResNet().state_dict().keys() - {"fc.weight", "fc.bias"}


def test_a_start_without_its_layers_is_refused(tmp_path):
    state = {name: tensor for name, tensor in SmallResNet(24).state_dict().items() if name != "conv1.weight"}
    save_file(state, tmp_path / "start.safetensors")
    with pytest.raises(WrongWeights, match=r"missing conv1\.weight"):
        GramNet("small", str(tmp_path / "start.safetensors")).fit(ToyTrainSet(4), 0, Runtime())


def test_published_numbers():
    plan, view = PAPER.plan, PAPER.view
    assert plan.schedule == EarlyStopping(1e-5, 5, 0, 0.002, 1e-5)
    assert (plan.optimiser, plan.weight_decay, plan.batch, plan.epochs) == ("adam", 1e-4, 14, 5)
    assert (view.side, view.min_side, view.max_side) == (512, 64, 256)
