"""Per-image scores of a published checkpoint: printed, written, and the network's own."""

import io
import json
import math
import time

import pandas as pd
import pytest
import torch
import torchvision
from PIL import Image
from torchvision import transforms

from detectors.checks import texture
from tests.support.command_line import one_line
from tests.support.networks import save_tiny_ladeda


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A ResNet-50 with seeded weights, stored as CNNSpot's are."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = torchvision.models.resnet50(num_classes=1).eval()
    path = tmp_path_factory.mktemp("weights") / "blur_jpg_prob0.5.pth"
    torch.save({"model": network.state_dict(), "total_steps": 7}, path)
    return network, path


@pytest.fixture
def small(tmp_path):
    """A checkpoint of a network that is quick."""
    return save_tiny_ladeda(tmp_path / "weights" / "small.pth", 1)


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("a", "b", "c"):
        Image.fromarray(texture(name, 230, 240)).save(folder / f"{name}.png")
    return folder


@pytest.mark.slow
def test_scores_are_those_of_the_published_network(lineup, checkpoint, images, tmp_path):
    network, weights = checkpoint
    out = tmp_path / "scores.csv"
    done = lineup("score", images, "--detector", "cnnspot", "--weights", weights, "--out", out, "--batch-size", "2")
    assert done.returncode == 0, done.stderr
    shown = transforms.Compose(
        [
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    with torch.inference_mode():
        batch = torch.stack([shown(Image.open(path)) for path in sorted(images.iterdir())])
        expected = torch.sigmoid(network(batch))[:, 0].tolist()
    table = pd.read_csv(out, keep_default_na=False)
    assert table["name"].tolist() == ["a.png", "b.png", "c.png"]
    assert table["score"].tolist() == pytest.approx(expected, abs=1e-5)
    assert table["verdict"].tolist() == ["generated" if value > 0.5 else "real" for value in expected]
    for name, value, verdict in table[["name", "score", "verdict"]].itertuples(index=False):
        assert f"{name}  {value:.4f}  {verdict}" in done.stdout


def test_an_image_that_cannot_be_decoded_has_its_reason_and_the_others_their_scores(lineup, small, images):
    (images / "b.png").write_bytes((images / "b.png").read_bytes()[:300])
    done = lineup("score", images, "--detector", "tiny_ladeda", "--weights", small)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["a.png", "b.png", "c.png"]
    assert lines[0].endswith(("real", "generated"))
    assert not lines[1].endswith(("real", "generated"))


def test_what_cannot_be_scored_is_one_clear_line(lineup, checkpoint, images, tmp_path):
    usual = ("score", images, "--weights", checkpoint[1], "--detector")
    assert "hog_svm has no published checkpoint layout" in one_line(lineup(*usual, "hog_svm"))
    assert "no detector is named 'cnnspott'" in one_line(lineup(*usual, "cnnspott"))
    (tmp_path / "empty").mkdir()
    asked = ("score", tmp_path / "empty", "--detector", "cnnspot", "--weights", checkpoint[1])
    assert "no image was found" in one_line(lineup(*asked))
    torch.save({"model": {"fc.weight": torch.zeros(1, 2048)}}, tmp_path / "part.pth")
    refused = one_line(lineup("score", images, "--detector", "cnnspot", "--weights", tmp_path / "part.pth"))
    assert "missing" in refused


def test_other_files_than_images_are_counted_or_refused_and_their_folder_is_left_alone(lineup, small, images):
    usual = ("--detector", "tiny_ladeda", "--weights", small)
    names = ("list.csv", "lines.jsonl", "photo.psd", "README")
    for name in names:
        (images / name).write_text("name,label")
        refused = one_line(lineup("score", images / name, *usual))
        assert f"{images / name}: no image was found (1 file of another kind was not read: 1 " in refused
        assert "give image files (.avif, " in refused
        assert "folders, or archives (.tar, .zip)" in refused
        assert "manifest" not in refused
    done = lineup("score", images / "a.png", *(images / name for name in names), *usual)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == [str(images / "a.png")]
    said = "4 files of other kinds were not read: 1 .csv, 1 .jsonl, 1 .psd, 1 without a suffix"
    assert f"Note: {said}" in done.stderr
    refused = one_line(lineup("score", images / "absent.png", *usual))
    assert "absent.png does not exist; give image files (" in refused


def test_images_of_one_name_in_two_folders_are_told_apart(lineup, small, tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder / "deep").mkdir(parents=True)
        Image.fromarray(texture(folder, 40, 40)).save(tmp_path / folder / "deep" / "a.png")
    given = (tmp_path / "one", tmp_path / "two", tmp_path / "two" / "deep" / "a.png", tmp_path / "one")
    done = lineup("score", *given, "--detector", "tiny_ladeda", "--weights", small, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["images"]
    assert [image["name"] for image in found] == [
        str(tmp_path / folder / "deep" / "a.png") for folder in ("one", "two")
    ]
    assert [len(image["answers"]) for image in found] == [1, 1]


@pytest.mark.parametrize(("place", "reason"), [("file/scores.csv", "Not a directory"), ("", "Is a directory")])
def test_a_table_that_cannot_be_written_is_refused_before_anything_is_scored(
    lineup, both, tmp_path, monkeypatch, place, reason
):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("bench.request.image_scores.score_files", lambda *_: pytest.fail("scored"))
    refused = one_line(lineup(*both, "--out", tmp_path / place))
    assert f"--out {tmp_path / place} cannot be written ({reason}); choose another file" in refused


def test_a_detector_may_take_so_long_for_one_batch(lineup, small, images, monkeypatch):
    monkeypatch.setattr("torch.nn.Module.__call__", lambda *_: [time.sleep(0.01) for _ in range(3000)])
    done = lineup("score", images / "a.png", "--detectors", f"tiny_ladeda@{small}", "--timeout", "0.2")
    assert done.returncode == 1
    assert "it took longer than 0.2 s for one batch (--timeout)" in done.stdout


def test_a_setting_is_not_given_with_a_fitted_detector(lineup, tmp_path):
    done = lineup("score", tmp_path, "--fitted", tmp_path / "any.safetensors", "--setting", "small")
    assert "--setting small is given with --fitted, whose file says its setting" in one_line(done)


@pytest.fixture
def both(small, images, tmp_path):
    """Arguments that ask for two checkpoints of one detector, and the images."""
    other = save_tiny_ladeda(tmp_path / "weights" / "other.pth", 2)
    return ("score", images, "--detectors", f"tiny_ladeda@{small},tiny_ladeda@{other}")


def test_several_detectors_answer_in_every_form_alike(lineup, both, tmp_path):
    printed = lineup(*both, "--out", tmp_path / "scores.csv")
    table = pd.read_csv(tmp_path / "scores.csv", keep_default_na=False)
    rows = ["tiny_ladeda@small.pth", "tiny_ladeda@other.pth"]
    assert table["detector"].tolist() == rows * 3
    lines = [f"{one.name}  {one.detector}  {one.score:.4f}  {one.verdict}" for one in table.itertuples()]
    assert printed.stdout.splitlines() == lines
    whole = json.loads(lineup(*both, "--json").stdout)
    by_line = [json.loads(line) for line in lineup(*both, "--jsonl").stdout.splitlines()]
    assert whole["images"] == by_line
    assert whole["not_read"] == {}
    flat = [(image["name"], *answer.values()) for image in by_line for answer in image["answers"]]
    columns = ["name", "detector", "degradation", "score", "log_odds", "threshold", "threshold_source", "verdict"]
    pd.testing.assert_frame_equal(pd.DataFrame(flat, columns=[*columns, "none"])[columns], table[columns], rtol=1e-6)
    assert {one[-1] for one in flat} == {None}
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(lineup(*both, "--csv").stdout), keep_default_na=False), table)
    for one in table.itertuples():
        assert one.score == pytest.approx(1 / (1 + math.exp(-one.log_odds)), abs=1e-7)


def test_verdicts_under_a_profile_and_unsure_where_they_differ(lineup, images, small, tmp_path):
    profile = tmp_path / "mine.toml"
    chains = ["jpeg:10", "lr:40+blur:3", "blur:9"]
    profile.write_text(f'version = 1\nabout = "a"\nsource = "b"\ndegradations = {json.dumps(chains)}\n')
    given = ("score", images, "--detectors", f"tiny_ladeda@{small}", "--profile", profile)
    done = lineup(*given, "--degradations", "jpeg:90", "--json")
    rows = [image["answers"] for image in json.loads(done.stdout)["images"]]
    assert [[answer["degradation"] for answer in answers] for answers in rows] == [["none", "jpeg:90", *chains]] * 3
    name = rows[0][0]["detector"]
    overall = [image["overall"][name] for image in json.loads(done.stdout)["images"]]
    verdicts = [{answer["verdict"] for answer in answers} for answers in rows]
    assert overall == [next(iter(found)) if len(found) == 1 else "unsure" for found in verdicts]
    assert done.returncode == int("unsure" in overall)
    printed = lineup(*given).stdout.splitlines()
    assert [line.split("  ")[1:] for line in printed if "  all 4: " in line] == [[f"all 4: {one}"] for one in overall]
    alone = json.loads(lineup("score", images, "--detectors", f"tiny_ladeda@{small}", "--json").stdout)["images"]
    assert [answers[0] for answers in rows] == [image["answers"][0] for image in alone]


def test_one_that_was_not_read_is_null_with_its_reason_and_other_files_are_counted(lineup, both, images):
    (images / "b.png").write_bytes((images / "b.png").read_bytes()[:300])
    (images / "notes.txt").write_text("not an image")
    done = lineup(*both, "--json")
    assert done.returncode == 1
    whole = json.loads(done.stdout)
    assert whole["not_read"] == {".txt": 1}
    assert [image["name"] for image in whole["images"]] == ["a.png", "b.png", "c.png"]
    for answer in whole["images"][1]["answers"]:
        assert (answer["score"], answer["log_odds"], answer["verdict"]) == (None, None, None)
        assert answer["reason"]
    assert "2 of 6 scores are missing" in done.stderr


def test_two_forms_at_once_are_refused(lineup, both):
    assert "--json and --csv were given together" in one_line(lineup(*both, "--json", "--csv"))


def test_the_file_has_the_form_that_its_name_says(lineup, both, tmp_path):
    written = {form: tmp_path / f"scores.{form}" for form in ("json", "jsonl", "csv")}
    printed = {form: lineup(*both, f"--{form}", "--out", path).stdout for form, path in written.items()}
    assert {form: path.read_text() for form, path in written.items()} == printed
    refused = one_line(lineup(*both, "--out", tmp_path / "scores.parquet"))
    assert "scores.parquet is none of the forms that can be written; call it .csv, .json or .jsonl" in refused


def test_the_largest_image_that_is_read_is_an_option(lineup, small, images):
    usual = (images / "a.png", "--detector", "tiny_ladeda", "--weights", small)
    refused = lineup("score", *usual, "--max-pixels", "1000")
    assert refused.returncode == 1
    assert "pixels are more than the 1,000 that are read; --max-pixels" in refused.stdout
    assert lineup("score", *usual, "--max-pixels", "1M").returncode == 0
    assert "--max-pixels 'large' is no number" in one_line(lineup("score", *usual, "--max-pixels", "large"))


def test_predictions_are_a_list_of_paths_and_numbers_of_what_has_a_score(lineup, small, images, tmp_path):
    (images / "deep").mkdir()
    (images / "b.png").rename(images / "deep" / "b.png")
    (images / "c.png").write_bytes((images / "c.png").read_bytes()[:300])
    usual = ("score", images, "--detectors", f"tiny_ladeda@{small}")
    done = lineup(*usual, "--form", "predictions", "--out", tmp_path / "predictions.json")
    assert done.returncode == 1
    assert "1 of 3 scores are missing" in done.stderr
    table = pd.read_csv(io.StringIO(lineup(*usual, "--csv").stdout), keep_default_na=False)
    scored = table[table["reason"] == ""]
    written = json.loads((tmp_path / "predictions.json").read_text())
    assert [row["image_path"] for row in written] == scored["name"].tolist() == ["a.png", "deep/b.png"]
    assert [row["pred"] for row in written] == pytest.approx(scored["score"].astype(float).tolist(), abs=1e-6)
    assert {tuple(row) for row in written} == {("image_path", "pred")}


@pytest.mark.parametrize(
    ("further", "told"),
    [
        ((), "is given without --out"),
        (("--out", "scores.csv"), "is given for --out scores.csv"),
        (("--out", "a.json", "--profile", "delivery"), "is given for images after 11 degradations"),
        (("--out", "a.json", "--fitted", "b.safetensors"), "is given for 2 detectors"),
        (("--out", "a.json", "more"), "images and more"),
    ],
)
def test_predictions_that_a_list_cannot_hold_are_refused_before_anything_is_scored(
    lineup, small, images, monkeypatch, further, told
):
    monkeypatch.setattr("bench.request.image_scores.score_files", lambda *_: pytest.fail("scored"))
    asked = ("score", images, "--detectors", f"tiny_ladeda@{small}", "--form", "predictions", *further)
    refused = one_line(lineup(*asked))
    assert told in refused
    assert "one folder, as they are, by one detector; give these, or leave --form out" in refused
