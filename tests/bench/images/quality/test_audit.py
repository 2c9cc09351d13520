"""The audit names planted shortcuts, and nothing else; where there is none it stays silent."""

import cv2
import numpy as np
import pandas as pd
import pytest

from bench.images.quality.appearance import CELLS, COLOUR_NUMBERS, borders, colour_and_grid, shrink
from bench.images.quality.audit import HARMLESS_ACCURACY, audit_attributes, leak_summary, rewritten_note

CONSTANT = {"format", "chroma subsampling", "borders"}  # of `files`
ALL = CONSTANT | {
    "size", "JPEG quality", "bytes per pixel", "colour mode", "EXIF", "colour profile", "fixed pattern",
    "colour statistics",
}  # fmt: skip
POOLS = {"g": "real"}


def files(size=400, seed=0, real=None, generated=("g",)):
    """Photographs of varying size, quality and compression: labels say nothing about them."""
    rng = np.random.default_rng(seed)
    real = size if real is None else real
    total = real + size * len(generated)
    width = np.rint(2 ** rng.normal(8.5, 0.4, total)).astype(int)
    height = np.rint(width * rng.choice([0.75, 1, 1.33], total)).astype(int)
    usual = rng.random(total) < 0.3
    width[usual], height[usual] = 500, 375
    quality = rng.choice([75, 85, 90, 92, 95, 96], total)
    colours = rng.normal((110, 5, -10, 50, 12, 15), (35, 10, 15, 15, 5, 7), (total, COLOUR_NUMBERS))
    grids = rng.integers(0, 80, (total, CELLS, CELLS)) + rng.integers(0, 170, (total, 1, 1))
    return pd.DataFrame(
        {
            "name": [f"{index:06d}.jpg" for index in range(total)],
            "label": np.repeat([0, 1], [real, size * len(generated)]),
            "generator": np.concatenate([np.repeat("real", real), np.repeat(list(generated), size)]),
            "split": "train",
            "source": [f"source{index}" for index in range(total)],
            "format": "JPEG",
            "width": width,
            "height": height,
            "quality": quality,
            "bytes": np.rint(width * height * 2 ** rng.normal(-1.5, 0.5, total)).astype(int),
            "mode": rng.choice(["RGB", "L"], total, p=[0.97, 0.03]),
            "exif": rng.random(total) < 0.3,
            "profile": rng.choice(["", "sRGB", "Adobe RGB"], total),
            "degradation": "",
            "nearest_quality": quality,
            "subsampling": "4:2:0",
            "borders": "",
            "colour": [row.tobytes() for row in colours.astype(np.float32)],
            "luma_grid": [grid.tobytes() for grid in grids.astype(np.uint8)],
        }
    )


def leaking(findings):
    return {one.attribute: one for one in findings if one.leaks}


def resized(table, rows, width, height):
    """Other sides, the compression kept."""
    density = table["bytes"] / (table["width"] * table["height"])
    table.loc[rows, "width"], table.loc[rows, "height"] = width, height
    table["bytes"] = np.rint(density * table["width"] * table["height"]).astype(int)


def test_generated_png_among_real_jpeg_is_named():
    table = files()
    table.loc[table["label"] == 1, ["format", "quality", "nearest_quality"]] = ["PNG", -1, -1]
    found = leaking(audit_attributes(table, POOLS))
    assert set(found) == {"format", "JPEG quality"}  # a PNG has no JPEG quality
    assert found["format"].accuracy == 1
    assert 0.98 < found["format"].low < 1
    assert found["format"].high == 1
    assert found["format"].evidence in {
        "generated are JPEG in 0%, real in 100%",
        "generated are PNG in 100%, real in 0%",
    }
    assert "JPEG quality" in found["JPEG quality"].evidence


@pytest.mark.parametrize("varying", [False, True])
def test_generated_images_a_tenth_smaller_are_named(varying):
    table = files()
    rows = table["label"] == 1
    if varying:
        resized(table, slice(None), (600 * table["width"] ** 0.1).astype(int), 600)
    resized(table, rows, (0.9 * table["width"][rows]).astype(int), (0.9 * table["height"][rows]).astype(int))
    found = leaking(audit_attributes(table, POOLS))
    assert set(found) == {"size"}
    assert found["size"].accuracy > (0.95 if varying else 0.6)


def test_one_size_among_many_is_named():
    table = files()
    resized(table, table["label"] == 1, 230, 230)
    found = leaking(audit_attributes(table, POOLS))
    assert set(found) == {"size"}
    assert found["size"].accuracy > 0.99
    assert found["size"].evidence == "generated are 230x230 in 100%, real in 0%"


def test_a_class_at_quality_75_is_named():
    table = files()
    table["quality"] = table["nearest_quality"] = np.where(table["label"] == 1, 75, 96)
    found = leaking(audit_attributes(table, POOLS))
    assert set(found) == {"JPEG quality"}  # bytes per pixel would follow in real files; here they are sampled apart
    assert found["JPEG quality"].evidence == "generated have JPEG quality 96 in 0%, real in 100%"


def test_a_range_of_qualities_is_told_by_its_median():
    table, rng = files(), np.random.default_rng(1)
    table["quality"] = np.where(table["label"] == 1, rng.integers(60, 80, len(table)), rng.integers(80, 100, 800))
    table["nearest_quality"] = table["quality"]
    found = leaking(audit_attributes(table, POOLS))
    assert set(found) == {"JPEG quality"}
    assert found["JPEG quality"].evidence.startswith("median JPEG quality ")


def test_heavier_compression_is_named():
    table = files()
    table["bytes"] = (table["bytes"] * np.where(table["label"] == 1, 0.25, 1)).astype(int)
    found = leaking(audit_attributes(table, POOLS))
    assert set(found) == {"bytes per pixel"}
    assert found["bytes per pixel"].evidence.startswith("median bytes per pixel 0.0")


@pytest.mark.parametrize(
    ("column", "attribute", "generated", "real", "evidence"),
    [
        ("exif", "EXIF", False, True, "generated have EXIF in 0%, real in 100%"),
        ("mode", "colour mode", "RGBA", "RGB", "generated are in colour mode RGBA in 100%, real in 0%"),
        ("profile", "colour profile", "", "sRGB", "generated have the colour profile 'sRGB' in 0%, real in 100%"),
    ],
)
def test_other_traces_of_handling_are_named(column, attribute, generated, real, evidence):
    table = files()
    table[column] = np.where(table["label"] == 1, generated, real)
    found = leaking(audit_attributes(table, POOLS))
    assert set(found) == {attribute}
    assert found[attribute].accuracy == 1
    assert found[attribute].evidence == evidence


def test_nothing_is_named_where_nothing_is_told_over_twenty_draws():
    findings = [audit_attributes(files(size=150, real=300, seed=seed), POOLS) for seed in range(20)]
    assert not any(map(leaking, findings))
    accuracies = np.array([[one.accuracy for one in found] for found in findings])
    np.testing.assert_allclose(accuracies.mean(0), 0.5, atol=0.03)
    inside = [one.low <= 0.5 <= one.high for found in findings for one in found]
    assert np.mean(inside) > 0.8


def one_size(table):
    table["width"] = table["height"] = np.where(table["label"] == 1, 512, 400)
    return table


def test_separable_sizes_of_few_images_are_no_proof_and_never_called_none():
    for size in (10, 12):
        findings = audit_attributes(one_size(files(size=size)), POOLS)
        found = {one.attribute: one for one in findings}["size"]
        assert (found.accuracy, found.high, found.verdict) == (1, 1, "too few images")
        assert found.p > 0.01
        said = leak_summary(findings)
        assert said.startswith("too few images to tell whether the files tell real from generated: size (100.0% [8")
    assert leaking(audit_attributes(one_size(files(size=16)), POOLS))["size"].low > 0.8


def test_every_attribute_has_one_verdict_that_its_figures_bear_out():
    for size in (5, 10, 30, 300):
        for one in audit_attributes(one_size(files(size=size)), POOLS):
            leaks, harmless = one.p < 0.01 and one.accuracy > 0.55, one.constant or one.high < HARMLESS_ACCURACY
            assert one.verdict == ("leaks" if leaks else "no leak" if harmless else "too few images")


def test_what_is_the_same_in_all_images_is_no_test():
    """Correction for tests that could not have failed would hide the others."""
    table = one_size(files(size=14))
    constant = {"quality": 90, "nearest_quality": 90, "bytes": 9, "mode": "RGB", "exif": False, "profile": ""}
    table = table.assign(**constant, colour=table["colour"].iloc[0], luma_grid=table["luma_grid"].iloc[0])
    table["width"] = np.where(table["label"] == 1, 400, 512)  # as many pixels, so as many bytes of each
    assert {one.attribute for one in audit_attributes(table, POOLS) if not one.constant} == {"size"}
    assert "size" in leaking(audit_attributes(table, POOLS))


def picture(random, blur=0.0, level=0):
    """Smooth shapes of every size with the contrasts of a photograph, uint8 (96, 96, 3)."""
    shapes = [
        cv2.resize(random.normal(0, 50 / np.sqrt(side), (side, side)), (96, 96), interpolation=cv2.INTER_CUBIC)
        for side in (2, 4, 8, 16, 32)
    ]
    grey = sum(shapes) + random.normal(120 + level, 20)
    grey = cv2.GaussianBlur(grey, (0, 0), blur) if blur else grey
    return np.clip(grey[..., None] + random.normal(0, 10, 3), 0, 255).astype(np.uint8)


def marked(pixels, side, corner, opacity=1.0):
    """A white square with a dark bar, two pixels from a corner."""
    mark = np.full((side, side, 1), 255.0)
    mark[side // 3 : side // 2] = 0
    places = {"top": slice(2, side + 2), "bottom": slice(-side - 2, -2)}
    places |= {"left": places["top"], "right": places["bottom"]}
    row, column = (places[word] for word in corner.split())
    changed = pixels.astype(float)
    changed[row, column] += opacity * (mark - changed[row, column])
    return changed.astype(np.uint8)


def seen(real, generated, size=40, seed=0):
    """The findings on images that differ in nothing but their pixels, by attribute."""
    random, table = np.random.default_rng(seed), files(size=size, seed=seed)
    pictures = [make(random) for make in (real, generated) for _ in range(size)]
    colours, grids = colour_and_grid(np.stack([shrink(pixels) for pixels in pictures]))
    table = table.assign(
        borders=list(map(borders, pictures)),
        colour=[row.tobytes() for row in colours],
        luma_grid=[grid.tobytes() for grid in grids],
    )
    return {one.attribute: one for one in audit_attributes(table, POOLS)}


@pytest.mark.parametrize("corner", ["top left", "bottom right"])
@pytest.mark.parametrize(("side", "opacity"), [(5, 1), (8, 1), (24, 1), (16, 0.35)])
def test_a_watermark_in_one_corner_of_one_class_is_found(corner, side, opacity):
    found = seen(picture, lambda random: marked(picture(random), side, corner, opacity))["fixed pattern"]
    assert found.leaks
    assert found.accuracy > 0.9
    assert found.evidence == f"generated share a pattern in the {corner} corner (a mark, or what they show)"


@pytest.mark.parametrize(
    ("real", "generated"),
    [
        (picture, picture),
        (picture, lambda random: picture(random, blur=3)),
        (picture, lambda random: picture(random, level=40)),
        (
            lambda random: marked(picture(random), 16, "top left"),
            lambda random: marked(picture(random), 16, "top left"),
        ),
    ],
    ids=["nothing differs", "one is blurred", "one is brighter", "both are marked"],
)
def test_no_watermark_is_found_where_there_is_none(real, generated):
    for seed in range(3):
        assert not seen(real, generated, seed=seed)["fixed pattern"].leaks


def test_a_brighter_class_is_told_by_its_colours():
    found = seen(picture, lambda random: picture(random, level=60))["colour statistics"]
    assert found.leaks
    assert found.evidence.startswith("mean luma: median ")


def test_white_borders_of_one_class_are_named():
    def bordered(random):
        pixels = picture(random)
        pixels[:, :12] = pixels[:, -12:] = 255
        return pixels

    found = seen(bordered, picture)["borders"]
    assert found.leaks
    assert found.evidence == "generated have borders (white left, right) in 0%, real in 100%"


def test_tables_of_no_quality_are_named_with_the_nearest_one():
    table = files()
    generated = table["label"] == 1
    table["quality"], table["nearest_quality"] = -1, np.where(generated, 40, 70)
    found = leaking(audit_attributes(table, POOLS))
    assert set(found) == {"JPEG quality"}
    assert "have non-standard JPEG tables, near quality " in found["JPEG quality"].evidence


def test_files_that_a_download_tool_wrote_hide_what_they_were():
    table = files().assign(quality=95, nearest_quality=95)
    assert rewritten_note(table).startswith("every file is a JPEG of quality 95, 4:2:0, as download tools")
    for column, value in (("quality", 90), ("subsampling", "4:4:4"), ("quality", -1)):
        other = table.copy()
        other.loc[7, column] = value
        assert rewritten_note(other) == ""


def test_the_test_keeps_its_level(monkeypatch):
    """Cross-validated decisions taken for independent ones would call twice as many of these significant."""
    monkeypatch.setattr("bench.images.quality.audit.holm_correction", lambda p: p)
    findings = [one for seed in range(40) for one in audit_attributes(files(size=120, seed=seed), POOLS)]
    uncorrected = np.array([one.p for one in findings if not one.constant])
    assert np.mean(uncorrected < 0.05) < 0.05 + 2 * np.sqrt(0.05 * 0.95 / uncorrected.size)


def test_a_constant_attribute_is_at_chance():
    found = {one.attribute: one for one in audit_attributes(files(), POOLS)}
    assert set(found) == ALL
    for name in CONSTANT:
        one = found[name]
        assert (one.accuracy, one.low, one.high, one.p, one.verdict) == (0.5, 0.5, 0.5, 1, "no leak")
    assert found["format"].evidence == "all are JPEG"


def test_a_small_leak_is_significant_and_not_named():
    table = files(size=4000)
    few = (table["label"] == 1) & (np.arange(len(table)) % 12 == 0)
    table.loc[few, "format"] = "WEBP"
    found = {one.attribute: one for one in audit_attributes(table, POOLS)}
    assert found["format"].p < 0.01
    assert found["format"].accuracy < 0.55
    assert not found["format"].leaks


def test_the_order_of_rows_does_not_matter():
    table = files()
    table.loc[table["label"] == 1, "quality"] = 75
    shuffled = table.sample(frac=1, random_state=0)
    assert repr(audit_attributes(shuffled, POOLS)) == repr(audit_attributes(table, POOLS))


def test_too_few_images_are_said_to_be_too_few():
    table = files(size=9, real=100)
    table.loc[table["label"] == 1, "format"] = "PNG"
    findings = audit_attributes(table, POOLS)
    assert not leaking(findings)
    told = {one.attribute: one for one in findings}
    assert {name for name, one in told.items() if one.verdict == "no leak"} == CONSTANT - {"format"}
    assert np.isnan([told["format"].accuracy, told["format"].p]).all()
    evidence = "generated are PNG in 9 of 9, real in 0% (9 independent generated images, 100 real)"
    assert told["format"].evidence == evidence
    assert leak_summary(findings).startswith("too few images to tell whether the files tell real from generated: ")


def test_many_images_of_few_sources_are_few():
    table = files()
    generated = table["label"] == 1
    table.loc[generated, "source"] = [f"film{index % 4}" for index in range(generated.sum())]
    table.loc[generated, "format"] = "PNG"
    told = audit_attributes(table, POOLS)[0]
    assert told.evidence.endswith(" (4 independent generated images, 400 real)")
    assert (told.attribute, told.verdict) == ("format", "too few images")


def test_an_odd_source_does_not_teach_itself():
    """Each source has a profile of its own: a classifier that had seen the source would know the label."""
    table = files()
    table["source"] = [f"camera{index // 8}" for index in range(len(table))]
    table["profile"] = table["source"]
    found = {one.attribute: one for one in audit_attributes(table, POOLS)}
    assert found["colour profile"].accuracy == pytest.approx(0.5, abs=0.1)
    assert not found["colour profile"].leaks


def test_each_generator_is_held_against_its_own_pool():
    table = files(size=100, generated=("a", "b"))
    other = files(size=100, seed=1, generated=()).assign(generator="b", format="PNG")
    other = pd.concat([other, files(size=1, real=100, seed=2, generated=()).assign(generator="b", format="PNG")])
    other["name"] = [f"other{index}" for index in range(len(other))]
    other["source"] = other["name"]
    findings = audit_attributes(pd.concat([table, other]), {"a": "real", "b": "b"})
    named = [(one.generator, one.attribute) for one in findings if one.leaks]
    assert named == [("b", "format")]
    assert len(findings) == 2 * len(ALL)


def test_one_sentence_says_it():
    table = files(size=600, generated=("a", "b", "c", "d", "e"))
    pools = dict.fromkeys("abcde", "real")
    said = leak_summary(audit_attributes(table, pools))
    assert said == "no attribute of the files tells real from generated in 60% or more"
    table.loc[table["label"] == 1, "format"] = "PNG"
    resized(table, table["generator"].isin(["a", "b"]), 512, 512)
    said = leak_summary(audit_attributes(table, pools))
    assert said.startswith("format tells real from generated in 100.0% for all 5 generators; size in ")
    assert said.endswith("% for a, b")
