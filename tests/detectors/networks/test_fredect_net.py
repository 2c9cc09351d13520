"""FreDect's network: SciPy's coefficients, NumPy's statistics, a checkpoint of three files."""

from shutil import copytree

import numpy as np
import pytest
import torch
import torchvision
from scipy.fft import dctn
from torchvision import transforms

from detectors.api import Runtime, Unavailable
from detectors.architectures.dct_networks import DctResNet50, SmallDctNet, log_dct
from detectors.checks import ToyTrainSet, same_state, sample, texture
from detectors.networks.fredect_net import PAPER_VIEW, SMALL_VIEW, STATISTICS_FILES, FreDectNet
from detectors.preprocessing.augmentation import View
from detectors.training.input_statistics import mean_and_variance
from detectors.training.schedules import EarlyStopping
from detectors.weight_file import WrongWeights
from detectors.weights.released import checkpoints_of
from tests.support.arrays import near

PAPER, SMALL = FreDectNet("paper"), FreDectNet("small")


def slow_coefficients(image):
    """Log DCT of an image uint8 (H, W, 3) as published, float64 (3, H, W)."""
    return np.log(np.abs(dctn(image.astype(np.float64), axes=(0, 1), norm="ortho")) + 1e-12).transpose(2, 0, 1)


def unit(images):
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255


@pytest.fixture(scope="module")
def published():
    """A seeded ResNet-50 with one output and batch statistics that suit its input, a mean and a variance."""
    rng = torch.Generator().manual_seed(1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = torchvision.models.resnet50(num_classes=1)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        network.train()(torch.randn(1, 3, 224, 224, generator=rng))
        network.fc.weight *= 0.05
    mean, var = torch.rand(2, 3, 224, 224, generator=rng, dtype=torch.float64)
    return network.eval(), mean + 2, var + 2


@pytest.fixture(scope="module")
def handed_out(published, tmp_path_factory):
    """The three files as SIDBench hands them out."""
    network, mean, var = published
    whole = tmp_path_factory.mktemp("published")
    torch.save({"netC": network.state_dict(), "epoch": 3}, whole / "DCTAnalysis.pth")
    torch.save(mean, whole / "dct_mean.zip")
    torch.save(var, whole / "dct_var.zip")
    return whole


@pytest.fixture
def folder(handed_out, tmp_path):
    """A copy of the three files, which a test may change."""
    return copytree(handed_out, tmp_path, dirs_exist_ok=True)


@pytest.mark.parametrize("shape", [(128, 128), (31, 64), (224, 224)])
def test_coefficients_equal_scipy(shape):
    images = [texture("one", *shape), texture("other", *shape)]
    found = log_dct(unit(images))
    assert found.dtype == torch.float32
    expected = np.stack([slow_coefficients(image) for image in images])
    assert near(found.numpy(), expected, 2e-5)


def test_what_vanishes_is_nothing_whatever_the_batch():
    flat, ramp = np.full((64, 64, 3), 77, np.uint8), texture("ramp", 64, 64)
    ramp[:] = ramp[:1]  # no vertical frequencies
    alone = log_dct(unit([ramp]))[0]
    assert torch.equal(log_dct(unit([flat, ramp, texture("any", 64, 64)]))[1], alone)
    assert (alone[:, 1:] == np.float32(np.log(1e-12))).all()
    assert log_dct(unit([flat]))[0, 0, 0, 0].exp().item() == pytest.approx(64 * 77)


def test_mixed_precision_leaves_the_coefficients_alone():
    images = unit([texture("mixed", 64, 64)])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = SmallDctNet(64, 0).dct(images)
    assert torch.equal(mixed, log_dct(images))


def test_statistics_equal_numpy():
    train = ToyTrainSet(70)  # more than two batches
    rows = [index for index in range(70) if index % 7]
    mean, var = mean_and_variance(train, rows, SMALL_VIEW, Runtime(), log_dct)
    levels = np.stack([slow_coefficients(train[row].pixels) for row in rows])
    assert mean.dtype == var.dtype == torch.float32
    assert near(mean.numpy(), levels.mean(0), 1e-5)
    assert near(var.numpy(), levels.var(0, ddof=0), absolute=1e-4, relative=1e-4)
    again = mean_and_variance(train, rows[::-1], SMALL_VIEW, Runtime(), log_dct)
    assert torch.equal(again[0], mean)
    assert torch.equal(again[1], var)


def test_a_coefficient_that_never_changes_is_only_moved():
    class Same(ToyTrainSet):
        def __getitem__(self, index):
            return sample(texture("same"))

    mean, var = mean_and_variance(Same(71), range(71), SMALL_VIEW, Runtime(), log_dct)
    assert (var == 1).all()
    assert near(mean.numpy(), slow_coefficients(texture("same")), 1e-5)


def test_published_structure():
    resnet = torchvision.models.resnet50(num_classes=1).state_dict()
    expected = {name: tuple(tensor.shape) for name, tensor in resnet.items()}
    expected |= {"dct.mean": (3, 224, 224), "dct.var": (3, 224, 224)}
    network = PAPER.build()
    assert {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()} == expected
    for recipe in (PAPER, SMALL):
        count = sum(weight.numel() for weight in recipe.build().parameters())
        assert count == recipe.variant.size.parameters
    assert isinstance(network, DctResNet50)


@pytest.fixture(scope="module")
def loaded(handed_out):
    """The detector of the three files."""
    return PAPER.load(handed_out / "DCTAnalysis.pth", Runtime())


def test_a_network_that_was_trained_on_several_devices_is_the_same(published, folder, loaded):
    held = {f"module.{name}": tensor for name, tensor in published[0].state_dict().items()}
    torch.save({"netC": held}, folder / "DCTAnalysis.pth")
    assert same_state(PAPER.load(folder / "DCTAnalysis.pth", Runtime()).state(), loaded.state())


def test_a_published_checkpoint_scores_as_a_slow_version(published, loaded):
    (network, mean, var), detector = published, loaded
    images = [texture("wide", 240, 330), texture("tall", 500, 300)]
    shown = transforms.Compose([transforms.ToPILImage(), transforms.Resize(256), transforms.CenterCrop(224)])
    levels = np.stack([slow_coefficients(np.asarray(shown(image))) for image in images])
    batch = torch.from_numpy((levels - mean.numpy()) / np.sqrt(var.numpy())).float()
    with torch.inference_mode():
        expected = torch.sigmoid(network(batch))[:, 0].numpy()
    prepared = [detector.prepare(sample(image)) for image in images]
    scores = detector.score(prepared)
    assert scores == pytest.approx(expected, abs=1e-4)
    assert 0.01 < scores[0] < 0.99
    assert abs(scores[0] - scores[1]) > 1e-3
    assert np.array_equal(PAPER.restore(detector.state(), Runtime()).score(prepared), scores)


@pytest.mark.parametrize("absent", [["dct_var.zip"], ["dct_mean.zip", "dct_var.zip"]])
def test_mean_and_variance_belong_to_the_checkpoint(folder, absent):
    for name in absent:
        (folder / name).unlink()
    with pytest.raises(Unavailable, match=rf"^{' and '.join(absent)} missing beside .*weights/auxiliary.*$"):
        PAPER.load(folder / "DCTAnalysis.pth", Runtime())


def test_mean_and_variance_may_go_by_either_benchmarks_name(folder, loaded):
    for suffixes in (("", ".zip"), ("", "")):
        for stem, suffix in zip(("dct_mean", "dct_var"), suffixes, strict=True):
            held = next(folder.glob(f"{stem}*"))
            held.rename(folder / f"{stem}{suffix}")
        assert same_state(PAPER.load(folder / "DCTAnalysis.pth", Runtime()).state(), loaded.state())


def test_two_means_that_differ_are_refused(folder):
    torch.save(torch.ones(3, 224, 224), folder / "dct_mean")
    with pytest.raises(Unavailable, match=r"dct_mean\.zip and .*dct_mean differ, .*: remove the wrong one"):
        PAPER.load(folder / "DCTAnalysis.pth", Runtime())


@pytest.mark.parametrize(
    ("script", "steps"),
    [
        (None, [transforms.Resize(256)]),
        ("aigcdetect", [transforms.Resize(256)]),
        ("sidbench_evaluate", [transforms.Resize(256)]),
        ("sidbench_test", []),
    ],
)
def test_each_script_shows_an_image_in_its_way(script, steps):
    view = FreDectNet("paper", script=script).view
    for image in (texture("tall", 400, 205), texture("wide", 256, 333)):
        shown = transforms.Compose([transforms.ToPILImage(), *steps, transforms.CenterCrop(224)])(image)
        assert np.array_equal(view.test(image), np.asarray(shown))
    assert (view.mean, view.std) == (PAPER_VIEW.mean, PAPER_VIEW.std)


def test_the_registry_knows_the_files_that_go_with_the_weights():
    entries = checkpoints_of("fredect_net")
    assert entries
    assert {one.companions for one in entries} == {tuple(STATISTICS_FILES.values())}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"fc.bias": None}, r"missing fc\.bias"),
        ({"fc.more": torch.zeros(1)}, r"unexpected fc\.more"),
        ({"fc.weight": torch.zeros(2, 2048)}, r"fc\.weight is \(2, 2048\), not \(1, 2048\)"),
    ],
)
def test_another_network_is_refused(published, folder, changes, complaint):
    state = published[0].state_dict() | changes
    held = {name: tensor for name, tensor in state.items() if tensor is not None}
    torch.save({"netC": held}, folder / "DCTAnalysis.pth")
    with pytest.raises(WrongWeights, match=complaint):
        PAPER.load(folder / "DCTAnalysis.pth", Runtime())


@pytest.mark.parametrize(
    ("held", "complaint"),
    [
        (torch.zeros(224, 224, 3), r"dct\.mean is \(224, 224, 3\), not \(3, 224, 224\)"),
        ({"mean": torch.zeros(3, 224, 224)}, r"dct_mean\.zip holds a dict, not one tensor"),
        (
            View,
            r"dct_mean\.zip holds an object of detectors.preprocessing.augmentation.View, whose reading would run code",
        ),
    ],
    ids=["order", "nested", "code"],
)
def test_another_mean_is_refused(folder, held, complaint):
    torch.save(held, folder / "dct_mean.zip")
    with pytest.raises(WrongWeights, match=complaint):
        PAPER.load(folder / "DCTAnalysis.pth", Runtime())


def test_checkpoints_belong_to_the_paper_setting(folder):
    with pytest.raises(Unavailable, match="belong to the paper setting"):
        SMALL.load(folder / "DCTAnalysis.pth", Runtime())


def test_a_start_gets_mean_and_variance_of_the_new_images(tmp_path):
    first = SMALL.fit(ToyTrainSet(20), 0, Runtime()).state()
    kept = {name: torch.from_numpy(array) for name, array in first.items()}
    for name in ("whole", "bare"):
        held = {key: tensor for key, tensor in kept.items() if name == "whole" or not key.startswith("dct.")}
        torch.save(held, tmp_path / f"{name}.pth")
    whole, bare = (FreDectNet("small", str(tmp_path / f"{name}.pth")) for name in ("whole", "bare"))
    begun = whole.initial_weights(whole.build(), 0)[0]
    assert torch.equal(begun["fc.weight"], kept["fc.weight"])
    one, other = (recipe.fit(ToyTrainSet(24), 0, Runtime()).state() for recipe in (whole, bare))
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert not np.array_equal(one["dct.mean"], first["dct.mean"])


def test_one_class_is_refused():
    class Real(ToyTrainSet):
        def __init__(self):
            super().__init__(4)
            self.labels = np.zeros(4, np.int64)

    with pytest.raises(ValueError, match="at least 2 generated"):
        SMALL.fit(Real(), 0, Runtime())


@pytest.mark.slow
def test_a_grid_is_learnt():
    train = ToyTrainSet(96)
    detector = SMALL.fit(train, 0, Runtime())
    scores = detector.score([detector.prepare(train[index]) for index in range(96)])
    assert ((scores > 0.5) == train.labels).mean() > 0.9


def test_published_numbers():
    plan = PAPER.plan
    assert plan.schedule == EarlyStopping(1e-4, 5, 0.001, 0.002, 1e-6)
    assert (plan.optimiser, plan.weight_decay, plan.batch, plan.epochs) == ("adam", 0, 64, 1000)
    assert (PAPER_VIEW.shorter, PAPER_VIEW.crop) == (256, 224)
