"""F3Net: two ports told apart, scored as their parts in other hands, loaded strictly, begun from pretrained weights."""

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from scipy.fft import dctn, idctn
from torch.nn import functional

from detectors.api import Runtime, Unavailable
from detectors.architectures import f3net
from detectors.architectures.small_networks import SmallResNet
from detectors.architectures.support.initial_weights import on_meta_device
from detectors.checks import ToyTrainSet, same_state, sample, texture
from detectors.networks.f3net import F3Net, F3NetGenImage
from detectors.training.schedules import CosineSchedule, StepSchedule
from detectors.weight_file import WrongWeights, hashed_file
from detectors.weights import loading, reading

PERSONAL, GENIMAGE = F3Net("paper"), F3NetGenImage("paper")
RECIPES = [F3Net, F3NetGenImage]


@pytest.fixture(scope="module")
def personal():
    """The personal port's network, seeded."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return f3net.F3NetFad().eval()


@pytest.fixture(scope="module")
def genimage():
    """The network of GenImage's port, seeded, in which both branches are mixed as after a training."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = f3net.TwoBranchF3Net().eval()
        for name, parameter in network.named_parameters():
            if name.endswith("gamma"):
                parameter.data.normal_()
        return network


@pytest.fixture
def start(tmp_path):
    """A small pretrained network with 24 outputs, seeded."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_file(SmallResNet(24).state_dict(), tmp_path / "start.safetensors")
    return tmp_path / "start.safetensors"


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("setting", ["paper", "small"])
def test_all_but_the_randomly_initialised_parts_belongs_to_branches(recipe, setting):
    pretrained = {
        name for name, _ in recipe(setting).build().named_parameters() if not name.startswith(recipe.new_parts)
    }
    assert all(name.startswith((*recipe(setting).variant.branches, "fc.")) for name in pretrained)


def learnt(one):
    return one.base.double().numpy() + 2 / (1 + np.exp(-one.learnable.detach().double().numpy())) - 1


def shown(image):
    square = np.asarray(Image.fromarray(image).resize((299, 299), Image.Resampling.BICUBIC))
    return torch.from_numpy(square.astype(np.float32) / 255 * 2 - 1).permute(2, 0, 1)[None]


def xception(weights, **options):
    """timm's network with these weights; none are drawn before."""
    network = on_meta_device(lambda: timm.create_model("legacy_xception", **options)).eval()
    network.load_state_dict(weights, strict=True, assign=True)
    return network


def test_the_personal_port_scores_as_timms_xception_on_bands(personal, tmp_path):
    state, image = personal.state_dict(), texture("whole", 200, 330)
    torch.save({f"module.{name}": tensor for name, tensor in state.items()}, tmp_path / "F3Net.pth")
    detector = PERSONAL.load(tmp_path / "F3Net.pth", Runtime())
    own = {name.removeprefix("FAD_xcep."): one for name, one in state.items() if name.startswith("FAD_xcep.")}
    trunk = xception(own | {"fc.weight": state["fc.weight"], "fc.bias": state["fc.bias"]}, num_classes=1, in_chans=12)
    with torch.inference_mode():
        spectrum = dctn(shown(image).double().numpy(), axes=(2, 3), norm="ortho")
        bands = [idctn(spectrum * learnt(one), axes=(2, 3), norm="ortho") for one in personal.FAD_head.filters]
        expected = torch.sigmoid(trunk(torch.from_numpy(np.concatenate(bands, 1)).float()))[:, 0].numpy()
    score = detector.score([detector.prepare(sample(image))])
    assert score == pytest.approx(expected, abs=1e-4)
    assert 0.01 < score[0] < 0.99


@pytest.mark.slow
def test_genimages_port_mixes_after_blocks_7_and_12(genimage, tmp_path):
    state, image = genimage.state_dict(), texture("whole", 200, 330)
    torch.save(state, tmp_path / "f3net.pth")
    detector = GENIMAGE.load(tmp_path / "f3net.pth", Runtime())
    with torch.inference_mode():
        maps, branches = [genimage.fad_head(shown(image)), genimage.lfs_head(shown(image))], []
        for name, channels in (("fad_excep", 12), ("lfs_excep", 6)):
            own = {key.removeprefix(f"{name}."): one for key, one in state.items() if key.startswith(f"{name}.")}
            branches.append(xception(own, num_classes=0, in_chans=channels))
        branches[1].conv1.stride = (1, 1)
        for part, _ in list(branches[0].named_children())[:-2]:
            maps = [branch.get_submodule(part)(one) for branch, one in zip(branches, maps, strict=True)]
            if part in {"block7", "block12"}:
                maps = genimage.get_submodule(f"mix_{part}")(*maps)
        features = torch.cat([one.mean((2, 3)) for one in maps], 1)
        logits = functional.linear(features, state["fc.weight"], state["fc.bias"])
    score = detector.score([detector.prepare(sample(image))])
    assert score == pytest.approx(torch.softmax(logits, 1)[:, 1].numpy(), abs=1e-4)  # 1 is generated


@pytest.mark.parametrize(
    ("recipe", "changes", "complaint"),
    [
        (PERSONAL, {"FAD_head._DCT_all": None}, r"missing FAD_head\._DCT_all"),
        pytest.param(
            PERSONAL,
            {"FAD_head.filters.3.base": torch.zeros(128, 128)},
            r"base is \(128, 128\), not \(299, 299\)",
            marks=pytest.mark.slow,  # as the others, each of which writes and reads a network of 90 megabytes
        ),
        pytest.param(
            PERSONAL,
            {"LFS_head._DCT_patch": torch.zeros(10, 10)},
            r"unexpected LFS_head\._DCT_patch",
            marks=pytest.mark.slow,
        ),
        (GENIMAGE, {}, r"missing fad_excep\.block1\.rep\.0.* unexpected FAD_head"),
    ],
)
def test_another_network_is_refused(personal, tmp_path, recipe, changes, complaint):
    state = {name: tensor for name, tensor in (personal.state_dict() | changes).items() if tensor is not None}
    torch.save(state, tmp_path / "other.pth")
    with pytest.raises(WrongWeights, match=complaint):
        recipe.load(tmp_path / "other.pth", Runtime())


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory):
    """Weights of timm's Xception, randomly initialised, and their file."""
    state, path = (
        timm.create_model("legacy_xception").state_dict(),
        tmp_path_factory.mktemp("imagenet") / "x.safetensors",
    )
    save_file(state, path)
    return state, path


@pytest.mark.parametrize("recipe", RECIPES)
def test_imagenets_first_convolution_is_shared_among_the_bands(recipe, imagenet):
    state, path = imagenet
    paper = recipe("paper", str(path))
    network = paper.build()
    begun, source = paper.initial_weights(network, 0)
    loading.load_strict(network, begun, source)
    for branch in paper.variant.branches:
        first = begun[f"{branch}.conv1.weight"]
        copies = {12: 4, 6: 2}[first.shape[1]]
        for number in range(copies):
            assert torch.allclose(first[:, 3 * number : 3 * number + 3] * copies, state["conv1.weight"])
        assert torch.equal(begun[f"{branch}.block9.rep.4.pointwise.weight"], state["block9.rep.4.pointwise.weight"])


@pytest.mark.parametrize("recipe", RECIPES)
def test_small_start_keeps_pretrained_weights_and_initialises_the_rest_randomly(recipe, start):
    small, held = recipe("small", str(start)), reading.read(hashed_file(start))
    first, again, other = (small.initial_weights(small.build(), seed)[0] for seed in (0, 0, 1))
    assert same_state(first, again)
    changed = {name for name, tensor in first.items() if not torch.equal(tensor, other[name])}
    branch = small.variant.branches[0]
    assert torch.equal(first[f"{branch}.layer3.conv1.weight"], held["layer3.conv1.weight"])
    assert "fc.weight" in changed
    assert all(name.startswith(("fc.", *recipe.new_parts)) for name in changed)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_fitted_detector_is_a_warm_start(recipe, start, tmp_path):
    fitted = recipe("small", str(start), tune="top").fit(ToyTrainSet(4), 0, Runtime()).state()
    save_file({name: torch.from_numpy(array) for name, array in fitted.items()}, tmp_path / "fitted.safetensors")
    again = recipe("small", str(tmp_path / "fitted.safetensors"))
    begun, _ = again.initial_weights(again.build(), 1)
    kept = {name for name, tensor in begun.items() if np.array_equal(tensor.numpy(), fitted[name])}
    assert begun.keys() - kept == {"fc.weight", "fc.bias"}


@pytest.mark.parametrize("recipe", RECIPES)
def test_weights_of_something_else_are_no_start(recipe, tmp_path):
    save_file({"weight": torch.zeros(1, 768), "bias": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(WrongWeights, match=r"neither F3-Net.* it has no conv1\.weight"):
        recipe("small", str(tmp_path / "other.safetensors")).fit(ToyTrainSet(4), 0, Runtime())


def test_what_vanishes_in_a_window_does_not_depend_on_rounding():
    """A flat area has the same statistics wherever it lies, in any batch, and differs from one of another level."""
    torch.manual_seed(0)
    head, flat = f3net.LfsHead(), torch.full((1, 3, 64, 64), 0.3)
    with torch.inference_mode():
        inner = head(flat)[0, :, 4:-4, 4:-4]
        whole = head(torch.cat([torch.rand(1, 3, 64, 64) * 2 - 1, flat]))[1, :, 4:-4, 4:-4]
    assert inner.dtype == torch.float32
    assert torch.equal(inner, inner[:, :1, :1].expand_as(inner))
    assert torch.equal(whole, inner)
    assert inner[-1].max() < -14  # most of its logarithms are those of nothing


def test_local_statistics_equal_those_of_double_precision():
    torch.manual_seed(0)
    head = f3net.LfsHead()
    image = torch.from_numpy(texture("windows", 40, 40).astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
    grey = np.pad((np.tensordot(f3net.LUMA, image[0].double().numpy(), 1) + 1) * 122.5, 4)
    matrix = head.get_buffer("_DCT_patch").double().numpy()
    with torch.inference_mode():
        found = head(image)[0, :, 3, 5].numpy()
    strengths = np.log10(np.abs(matrix @ grey[6:16, 10:20] @ matrix.T) + 1e-15)
    expected = [(learnt(one) * strengths).sum() / one.ft_num.item() for one in head.filters]
    assert found == pytest.approx(np.array(expected), abs=1e-5)


def test_published_numbers():
    first, second = PERSONAL.plan, GENIMAGE.plan
    assert first.schedule == StepSchedule(2e-4)
    assert (first.optimiser, first.weight_decay, first.batch, first.epochs) == ("adam", 0, 12, 5)
    assert second.schedule == CosineSchedule(0.002, second.epochs)
    assert (second.optimiser, second.batch) == ("sgd", 128)
    assert second.epochs == round(150_000 / (324_000 * (1 - second.validation) / 128))


def test_training_mirrors_half_of_the_images():
    image, rng = texture("mirror", 299, 299), np.random.default_rng(0)
    seen = [PERSONAL.view.training(image, rng) for _ in range(40)]
    plain = sum(np.array_equal(one, image) for one in seen)
    assert plain + sum(np.array_equal(one, image[:, ::-1]) for one in seen) == 40
    assert 10 < plain < 30


@pytest.mark.parametrize("recipe", RECIPES)
def test_checkpoints_belong_to_the_paper_setting(recipe, tmp_path):
    with pytest.raises(Unavailable, match="belong to the paper setting"):
        recipe("small").load(tmp_path / "any.pth", Runtime())
