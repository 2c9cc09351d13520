"""Towers in ONNX files: what the file says, what the user has to say, and embeddings that no batch changes."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from detectors.api import Runtime, Unavailable
from detectors.checks import ToyTrainSet, sample, texture
from detectors.embedders.onnx_tower import OnnxEmbedder
from detectors.foundation.clip_grip import ClipGrip
from detectors.foundation.clip_probe import ClipLayers, ClipProbe
from detectors.foundation.dino_probe import DinoProbe
from detectors.foundation.tip_adapter import TipAdapter
from detectors.weight_file import WrongWeights

SIDE, DIM = 32, 6
WEIGHTS = np.random.default_rng(0).normal(0, 0.1, (3 * 4 * 4, DIM)).astype(np.float32)


def open_end(kind, name, axes, nodes, initial):
    """An output whose last axis, or whose number of axes, follows from a number that depends on the input."""
    initial += [numpy_helper.from_array(np.array([value], np.int64), f"at{value}") for value in range(3)]
    nodes += [helper.make_node("Size", ["pixels"], ["size"]), helper.make_node("Unsqueeze", ["size", "at0"], ["end"])]
    if kind == "length":
        nodes.append(helper.make_node("Slice", [name, "at0", "end", f"at{len(axes)}"], ["open"]))
        return [helper.make_tensor_value_info("open", TensorProto.FLOAT, [*axes, "length"])]
    nodes += [
        helper.make_node("Shape", [name], ["shape"]),
        helper.make_node("Slice", ["shape", "at0", "end"], ["same"]),
        helper.make_node("Reshape", [name, "same"], ["open"]),
    ]
    return [helper.make_tensor_value_info("open", TensorProto.FLOAT, None)]


def tower(
    path,
    *,
    side=SIDE,
    batch="n",
    channels=3,
    open_output="",
    tokens=False,
    by_range=False,
    second_output=False,
    weights_in="",
    weights=WEIGHTS,
    **metadata,
):
    """A tower: means of blocks of 8x8 pixels, then a linear layer; `by_range` divides by the largest of the batch.

    Of an output whose "length" or whose "axes" are open the file does not say as much; `weights_in` is the name of the
    file that the weights are kept in.
    """
    size = ["h", "w"] if side is None else list(side) if isinstance(side, tuple) else [side, side]
    nodes = [helper.make_node("AveragePool", ["pixels"], ["pooled"], kernel_shape=[8, 8], strides=[8, 8])]
    last = "pooled"
    if by_range:
        nodes += [
            helper.make_node("Abs", [last], ["sizes"]),
            helper.make_node("ReduceMax", ["sizes"], ["largest"], keepdims=0),
            helper.make_node("Div", [last, "largest"], ["divided"]),
        ]
        last = "divided"
    nodes += [
        helper.make_node("Flatten", [last], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "weights"], ["vector"]),
    ]
    outputs = [helper.make_tensor_value_info("vector", TensorProto.FLOAT, [batch, DIM])]
    initial = [numpy_helper.from_array(weights, "weights")]
    if tokens:
        nodes += [
            helper.make_node("Neg", ["vector"], ["minus"]),
            helper.make_node("Unsqueeze", ["vector", "one"], ["first"]),
            helper.make_node("Unsqueeze", ["minus", "one"], ["second"]),
            helper.make_node("Concat", ["first", "second"], ["tokens"], axis=1),
        ]
        initial.append(numpy_helper.from_array(np.array([1], np.int64), "one"))
        outputs = [helper.make_tensor_value_info("tokens", TensorProto.FLOAT, [batch, 2, DIM])]
    if open_output:
        outputs = open_end(open_output, outputs[0].name, ["n", 2] if tokens else ["n"], nodes, initial)
    if second_output:
        outputs.append(helper.make_tensor_value_info("flat", TensorProto.FLOAT, [batch, 48]))
    images = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [batch, channels, *size])
    model = helper.make_model(
        helper.make_graph(nodes, "tower", [images], outputs, initial),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    for name, value in metadata.items():
        model.metadata_props.add(key=name, value=value)
    if weights_in:
        onnx.save(model, path, save_as_external_data=True, location=weights_in, size_threshold=0)
    else:
        onnx.save(model, path)
    return path


def images(count=5):
    return [texture(str(number), 40 + number, 50) for number in range(count)]


def embedded(embedder, pictures):
    return embedder.embed([embedder.prepare(sample(picture)) for picture in pictures])


def slow_embedding(pixels, mean, std):
    normalised = (pixels.astype(np.float64) / 255 - mean) / std
    blocks = normalised.transpose(2, 0, 1).reshape(3, 4, 8, 4, 8).mean((2, 4))
    return blocks.reshape(-1) @ WEIGHTS


def test_embeddings_are_those_of_the_graph(tmp_path):
    embedder = OnnxEmbedder(tower(tmp_path / "a.onnx"), statistics="imagenet")
    pictures = [texture(str(number), SIDE, SIDE) for number in range(3)]
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    expected = np.array([slow_embedding(picture, mean, std) for picture in pictures])
    found = embedded(embedder, pictures)
    assert found.dtype == np.float32
    assert found == pytest.approx(expected, abs=1e-4)
    assert embedder.embed([]).shape == (0, DIM)


def test_the_metadata_of_the_file_say_how_images_are_normalised(tmp_path):
    said = OnnxEmbedder(tower(tmp_path / "a.onnx", mean="0.5,0.5,0.5", std="[0.5, 0.5, 0.5]"))
    asked = OnnxEmbedder(tower(tmp_path / "b.onnx"), statistics="inception")
    assert (embedded(said, images()) == embedded(asked, images())).all()
    with pytest.raises(Unavailable, match=r"does not say with which mean and deviation .*: say statistics=openai\|"):
        OnnxEmbedder(tmp_path / "b.onnx")


def test_a_side_that_is_open_is_said_by_the_user_or_the_metadata(tmp_path):
    any_size = tower(tmp_path / "a.onnx", side=None)
    with pytest.raises(Unavailable, match="takes images of any size: say which side they have, as side=224"):
        OnnxEmbedder(any_size, statistics="none")
    asked = OnnxEmbedder(any_size, statistics="none", side=SIDE)
    stated = OnnxEmbedder(tower(tmp_path / "b.onnx", side=None, image_size=str(SIDE)), statistics="none")
    assert (embedded(asked, images()) == embedded(stated, images())).all()
    with pytest.raises(Unavailable, match="takes images of 32 pixels, not 64"):
        OnnxEmbedder(tower(tmp_path / "c.onnx"), statistics="none", side=64)


def test_of_several_outputs_one_is_named_and_of_tokens_one_is_taken_or_the_mean(tmp_path):
    two = tower(tmp_path / "a.onnx", second_output=True)
    with pytest.raises(Unavailable, match=r"has the outputs vector, flat, and the detector names no output"):
        OnnxEmbedder(two, statistics="none")
    with pytest.raises(Unavailable, match="asks for the output 'last'"):
        OnnxEmbedder(two, statistics="none", output="last")
    vector = embedded(OnnxEmbedder(two, statistics="none", output="vector"), images())
    tokens = tower(tmp_path / "b.onnx", tokens=True)
    assert (embedded(OnnxEmbedder(tokens, statistics="none", pooling="class"), images()) == vector).all()
    means = embedded(OnnxEmbedder(tokens, statistics="none", pooling="mean"), images())
    assert means == pytest.approx(np.zeros_like(vector), abs=1e-6)


def test_what_makes_one_vector_of_tokens_is_never_guessed(tmp_path):
    silent, said = tower(tmp_path / "a.onnx", tokens=True), tower(tmp_path / "b.onnx", tokens=True, pooling="mean")
    with pytest.raises(Unavailable, match=r"gives tokens and does not say .*: say pooling=class\|mean"):
        OnnxEmbedder(silent, statistics="none")
    mean = embedded(OnnxEmbedder(silent, statistics="none", pooling="mean"), images())
    assert (embedded(OnnxEmbedder(said, statistics="none"), images()) == mean).all()
    first = embedded(OnnxEmbedder(silent, statistics="none", pooling="class"), images())
    assert (embedded(OnnxEmbedder(said, statistics="none", pooling="class"), images()) == first).all()
    with pytest.raises(Unavailable, match="one vector per image, of which pooling=mean changes nothing"):
        OnnxEmbedder(tower(tmp_path / "c.onnx"), statistics="none", pooling="mean")


@pytest.mark.parametrize("open_output", ["length", "axes"])
@pytest.mark.parametrize("tokens", [False, True])
def test_a_shape_that_the_file_leaves_open_is_found_by_a_trial(tmp_path, open_output, tokens):
    pooling = "class" if tokens else None
    made = tower(tmp_path / "a.onnx", open_output=open_output, tokens=tokens, channels="num_channels", side=None)
    plain = OnnxEmbedder(tower(tmp_path / "b.onnx"), statistics="none")
    found = OnnxEmbedder(made, statistics="none", side=SIDE, pooling=pooling)
    assert found.dim == found.projected == DIM
    assert (embedded(found, images()) == embedded(plain, images())).all()
    with pytest.raises(WrongWeights, match=r"does not run on an image of 40 pixels .*: say another side") as raised:
        OnnxEmbedder(made, statistics="none", side=40, pooling=pooling)
    assert "\n" not in str(raised.value)


def test_weights_in_a_file_of_their_own_are_refused(tmp_path):
    with pytest.raises(WrongWeights, match=r"a\.onnx keeps weights in a\.onnx\.data: save it as one file, .*=False"):
        OnnxEmbedder(tower(tmp_path / "a.onnx", weights_in="a.onnx.data"), statistics="none")


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        ("nan,0.5,0.5", "0.5,0.5,0.5"),
        ("0.5,0.5,0.5", "0.5,0,0.5"),
        ("0.5,0.5,0.5", "0.5,inf,0.5"),
        ("123.7,116.3,103.5", "58.4,57.1,57.4"),
    ],
)
def test_statistics_that_are_none_of_values_in_0_1_are_refused(tmp_path, mean, std):
    with pytest.raises(Unavailable, match=r"which are none of values in \[0, 1\]: say statistics=openai\|"):
        OnnxEmbedder(tower(tmp_path / "a.onnx", mean=mean, std=std))


@pytest.mark.parametrize(
    ("made", "asked", "said"),
    [
        ({"batch": 8}, None, "takes exactly 8 images at a time: export it"),
        (
            {"side": (32, 40), "weights": np.zeros((60, DIM), np.float32)},
            None,
            "takes images of 32x40 pixels, and Lineup cuts squares: export it",
        ),
        ({"channels": 1, "weights": WEIGHTS[:16]}, None, "and not one batch of images"),
        ({"side": None}, 0, "cannot take images of 0 pixels: say which side they have"),
        ({"side": None, "image_size": "0"}, None, "cannot take images of 0 pixels: say which side they have"),
        ({}, 0, "takes images of 32 pixels, not 0"),
    ],
)
def test_what_takes_no_squares_one_by_one_is_refused_when_it_is_opened(tmp_path, made, asked, said):
    with pytest.raises((Unavailable, WrongWeights), match=said):
        OnnxEmbedder(tower(tmp_path / "a.onnx", **made), statistics="none", side=asked)


def test_a_graph_without_input_is_refused(tmp_path):
    ones = helper.make_node("Constant", [], ["ones"], value=numpy_helper.from_array(np.ones((1, 4), np.float32)))
    output = helper.make_tensor_value_info("ones", TensorProto.FLOAT, [1, 4])
    graph = helper.make_graph([ones], "no input", [], [output])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "a.onnx")
    with pytest.raises(WrongWeights, match="takes no input, and not one batch of images"):
        OnnxEmbedder(tmp_path / "a.onnx", statistics="none")


def test_embeddings_that_move_with_the_batch_are_made_one_by_one(tmp_path):
    moved = OnnxEmbedder(tower(tmp_path / "a.onnx", by_range=True), statistics="none")
    assert moved.one_by_one
    assert not OnnxEmbedder(tower(tmp_path / "b.onnx"), statistics="none").one_by_one
    together = embedded(moved, images())
    alone = np.concatenate([embedded(moved, [picture]) for picture in images()])
    assert (together == alone).all()


def test_a_file_that_takes_one_image_at_a_time_is_given_one(tmp_path):
    fixed = OnnxEmbedder(tower(tmp_path / "a.onnx", batch=1), statistics="none")
    free = OnnxEmbedder(tower(tmp_path / "b.onnx"), statistics="none")
    assert embedded(fixed, images()) == pytest.approx(embedded(free, images()), abs=1e-6)


def test_everything_that_changes_embeddings_is_in_the_key(tmp_path):
    path, other = tower(tmp_path / "a.onnx", tokens=True), tower(tmp_path / "b.onnx", tokens=True, note="another file")
    keys = {
        OnnxEmbedder(path, statistics="none", pooling="class").key,
        OnnxEmbedder(path, statistics="openai", pooling="class").key,
        OnnxEmbedder(path, statistics="none", pooling="mean").key,
        OnnxEmbedder(path, statistics="none", pooling="class", pad=False).key,
        OnnxEmbedder(other, statistics="none", pooling="class").key,
    }
    assert len(keys) == 5


def test_what_is_no_tower_is_one_sentence(tmp_path):
    (tmp_path / "text.onnx").write_text("no graph")
    with pytest.raises(WrongWeights, match=r"text\.onnx cannot be run by onnxruntime") as raised:
        OnnxEmbedder(tmp_path / "text.onnx", statistics="none")
    assert "\n" not in str(raised.value)
    numbers = helper.make_tensor_value_info("numbers", TensorProto.FLOAT, ["n", 4])
    other = helper.make_tensor_value_info("other", TensorProto.FLOAT, ["n", 4])
    graph = helper.make_graph([helper.make_node("Neg", ["numbers"], ["other"])], "no tower", [numbers], [other])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "n.onnx")
    with pytest.raises(WrongWeights, match=r"takes numbers tensor\(float\) .*, and not one batch of images"):
        OnnxEmbedder(tmp_path / "n.onnx", statistics="none")
    with pytest.raises(Unavailable, match="no weights at"):
        OnnxEmbedder(tmp_path / "nothing.onnx", statistics="none")


@pytest.mark.parametrize("kind", [ClipProbe, DinoProbe])
def test_a_probe_is_fitted_and_restored_on_it(tmp_path, kind):
    recipe = kind("paper", weights=str(tower(tmp_path / "b.onnx")), statistics="openai")
    train = ToyTrainSet(16)
    detector = recipe.fit(train, 0, Runtime())
    scores = detector.score([detector.prepare(train[index]) for index in range(16)])
    again = recipe.restore(detector.state(), Runtime())
    assert (again.score([again.prepare(train[index]) for index in range(16)]) == scores).all()


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        (ClipProbe("small", pooling="mean"), "clip_probe: pooling=mean changes nothing of this tower: leave it out"),
        (ClipProbe("small", statistics="openai"), "clip_probe: statistics=openai changes nothing"),
        (ClipLayers("small", side=336), "clip_layers: side=336 changes nothing"),
        (TipAdapter("small", output="last"), "tip_adapter: output=last changes nothing"),
        (ClipProbe("paper", statistics="imagenet"), "clip_probe: statistics=imagenet changes nothing"),
        (DinoProbe("small", side=336), "dino_probe: side=336 changes nothing"),
        (DinoProbe("small", statistics="openai"), "dino_probe: statistics=openai changes nothing"),
    ],
)
def test_an_option_that_does_nothing_is_refused(recipe, said):
    with pytest.raises(Unavailable, match=said):
        recipe.fit(ToyTrainSet(8), 0, Runtime())


def test_a_model_is_not_named_beside_a_tower(tmp_path):
    recipe = ClipProbe("paper", model="ViT-B-32", weights=str(tower(tmp_path / "a.onnx")), statistics="openai")
    with pytest.raises(Unavailable, match="is a tower by itself, of which model=ViT-B-32 changes nothing"):
        recipe.embedder(Runtime())


@pytest.mark.parametrize("setting", ["paper", "small"])
def test_smaller_images_are_padded_or_enlarged_as_the_card_says(tmp_path, setting):
    recipe = DinoProbe(setting, weights=str(tower(tmp_path / "a.onnx")), statistics="none")
    prepared = recipe.embedder(Runtime()).prepare(sample(np.full((8, 8, 3), 200, np.uint8)))
    padded = "padded with black" in recipe.variant.input_policy
    assert (prepared == 0).any() == padded == (setting == "paper")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (ClipLayers, "reads more in the paper setting than the final embedding"),
        (ClipGrip, "reads more in the paper setting than the final embedding"),
        (TipAdapter, "needs more of CLIP than the tower"),
    ],
)
def test_detectors_that_read_more_than_an_embedding_say_so(tmp_path, kind, said):
    recipe = kind("paper", weights=str(tower(tmp_path / "a.onnx")), statistics="openai")
    with pytest.raises(Unavailable, match=said):
        recipe.fit(ToyTrainSet(8), 0, Runtime())
