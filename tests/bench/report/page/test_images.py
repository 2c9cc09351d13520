"""The images of the page: four lists, small copies with their verdicts, or why there are none."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bench.analyses.images.run_images import Workplace
from bench.analyses.images.thumbnails import ThumbnailRequest
from bench.analyses.scores.image_scores import image_scores
from bench.analyses.scores.mistakes import disagreements, shared_mistakes
from bench.report.figures.findings import Findings
from bench.report.figures.opened_images import NoImages, open_images
from bench.report.page.images import MOST, image_chapter
from bench.report.ranking_columns import percent
from tests.support.open_protocols import Naming
from tests.support.pages import HOSTILE, CrossDegraded, read
from tests.support.synthetic_runs import make_run, run_of, with_scores, without

NONE_ASKED = ThumbnailRequest("none")
SHARED = "Wrong for all detectors that are better than chance there: is the label right?"
DIVIDED = "Detectors disagree most"
FLIPPED = "Verdicts flip most under degradation"
SUREST = "The surest mistakes of the best detectors"


def skill(detector, *_):
    return {"alpha": 0.7, "beta": 0.9, "gamma": 0.8}[detector]


@pytest.fixture(scope="module")
def findings():
    """Three detectors under three degradations, and one image that all call real."""
    run = run_of(CrossDegraded(), skill, ["alpha", "beta", "gamma"], n=30)
    score = run.scores["score"].where(run.scores["name"].ne("val/fog/0004.jpg"), np.float32(0.01))
    return Findings.of(with_scores(run, run.scores.assign(score=score)))


@pytest.fixture(scope="module")
def opened(kept_run, silent):
    out, cache = kept_run
    (found,) = Findings.read([out], lambda folder: open_images(folder, Workplace(cache, 1, silent)))
    return found


def chapter(findings, request=NONE_ASKED):
    return read(image_chapter(findings, request))


def lists(root):
    """By title, the items of each list, those that stand open and those that are folded."""
    found, title = {}, ""
    for node in root.all():
        if node.tag == "h4":
            title = node.text
        elif node.tag == "li":
            found.setdefault(title, []).append(node)
    return found


def names(items):
    return [item.all("div", "name")[0].text for item in items]


@pytest.fixture(scope="module")
def found(findings):
    return lists(chapter(findings))


def test_four_lists_are_those_of_the_analyses(findings, found):
    assert list(found) == [SHARED, DIVIDED, FLIPPED, SUREST]
    assert names(found[SHARED]) == list(shared_mistakes(findings.measured, "off-diagonal", 40)["name"])
    assert names(found[SHARED])[0] == "val/fog/0004.jpg"
    assert names(found[DIVIDED]) == list(disagreements(findings.measured, "off-diagonal", 60)["name"])
    others = {name for title in (SHARED, DIVIDED, FLIPPED) for name in names(found[title])}
    assert not others & set(names(found[SUREST]))
    assert all(len(set(names(items))) == len(items) for items in found.values())


def test_verdicts_that_flip_are_counted_over_degradations_and_detectors(findings, found):
    told = image_scores(findings.measured, sorted({*findings.run.scores["name"]}))
    wide = told.pivot_table(index=["name", "detector"], columns="degradation", values="called_generated")
    changed = (wide["jpeg:65"] - wide["none"]).abs() + (wide["blur:1"] - wide["none"]).abs()
    flips = changed.groupby("name").mean().div(2)
    shown = flips[names(found[FLIPPED])]
    assert len(shown) == 12
    assert shown.is_monotonic_decreasing
    assert shown.min() == pytest.approx(flips.nlargest(12).min())


def test_an_item_says_what_the_image_is_who_is_wrong_and_every_score(findings, found):
    item = found[SHARED][0]
    assert [one.text for one in item.all("div", "wrong")] == [
        "generated; 3 of 3 detectors are wrong, over 3 conditions"
    ]
    told = image_scores(findings.measured, ["val/fog/0004.jpg"]).groupby("detector")["score"].mean()
    expected = "; ".join(f"{name} {percent(told[name])}" for name in findings.best(3))
    assert item.all("details")[0].all("div")[0].text == expected


def test_where_verdicts_flip_scores_stand_under_each_condition(findings, found):
    item = found[FLIPPED][0]
    name = item.all("div", "name")[0].text
    told = image_scores(findings.measured, [name]).set_index(["detector", "degradation"])["score"]
    steps = ("none", "jpeg:65", "blur:1")
    rows = [[cell.text for cell in row.all("td")] for row in item.all("tr")[1:]]
    assert rows == [[one, *(percent(told[one, step]) for step in steps)] for one in findings.best(3)]


def test_at_most_two_hundred_images_and_twelve_of_a_kind_stand_open():
    names_of = [f"d{place:02}" for place in range(12)]
    run = make_run(lambda detector, *_: 0.6 + 0.02 * names_of.index(detector), names_of, n=200)
    root = chapter(Findings.of(run))
    own = lists(root)
    assert len({name for items in own.values() for name in names(items)}) <= MOST
    assert len(own[DIVIDED]) == 60
    for block in root.all("ul", "images"):
        folded = block.parent.tag == "details"
        assert folded or len(block.all("li")) <= 12
    assert "48 more" in [one.text for one in root.all("summary")]


def test_why_there_are_no_pictures(findings):
    asked = ThumbnailRequest()
    for shown, request, reason in (
        (findings, NONE_ASKED, "No pictures: they were not asked for (--thumbnails none)."),
        (findings, asked, "No pictures: the images could not be opened where the run found them."),
        (
            replace(findings, images=NoImages("/home/someone/data is gone.")),  # no page says where data lay
            asked,
            "No pictures: the images could not be opened where the run found them.",
        ),
    ):
        root = chapter(shown, request)
        assert [one.text for one in root.all("p", "faint")] == [reason]
        assert root.all("img") == []


def test_no_copy_of_an_image_leaves_the_house_unasked(opened):
    assert "base64" not in image_chapter(opened, NONE_ASKED)


@pytest.fixture(scope="module")
def pictured(opened):
    return chapter(opened, ThumbnailRequest("webp", side=32))


def test_thumbnails_are_of_the_images_they_are_named_for(opened, pictured):
    shown = pictured.all("img")
    assert shown
    assert pictured.all("p", "faint") == []
    known = dict(zip(opened.images.found.images.names, opened.images.found.images, strict=True))
    for one in shown:
        head, _, data = one.given["src"].partition(",")
        assert head == "data:image/webp;base64"
        small = Image.open(io.BytesIO(base64.b64decode(data)))
        assert small.format == "WEBP"
        assert small.size == (int(one.given["width"]), int(one.given["height"])) == (32, 32)
        if one.given["title"] == "none":
            large = Image.fromarray(known[one.given["alt"]].pixels).resize((32, 32), Image.Resampling.BOX)
            difference = np.asarray(small.convert("L"), float) - np.asarray(large.convert("L"), float)
            assert np.abs(difference).mean() < 12


def test_copies_of_images_that_flip_stand_with_their_verdicts(opened, pictured):
    items = [item for item in lists(pictured)[FLIPPED] if "wide" in (item.given.get("class") or "")]
    assert items
    for item in items:
        (name,) = names([item])
        told = image_scores(opened.measured, [name])
        (strip,) = item.all("div", "strip")
        copies = [one for one in strip.children if one.tag == "div"]
        said = [[part.text for part in copy.all("div")] for copy in copies]
        assert [one[0] for one in said] == ["clean", "jpeg:65", "blur:1"]
        for (_, verdict), step in zip(said, ("none", "jpeg:65", "blur:1"), strict=True):
            own = told[told["degradation"].eq(step)]
            assert verdict == f"{int(own['right'].lt(0.5).sum())} of {len(own)} wrong"
        assert [one.given["alt"] for one in strip.all("img")][1] == f"{name} after jpeg:65"


def test_a_copy_that_no_detector_scored_says_so(opened):
    run = opened.run
    step = run.scores["key"].map(run.cells.set_index("key")["degradation"])
    flips = run.scores["name"].str.endswith("_0.png") & step.eq("jpeg:65")  # one image of each class and generator
    scores = run.scores.assign(score=np.where(flips, 0.9, 0.1).astype("float32"))
    gone = run.cells["degradation"].eq("blur:1") & run.cells["test"].ne("even")
    run = without(with_scores(run, scores), gone, "failed", "no room")
    found = replace(Findings.of(run), images=opened.images)
    root = chapter(found, ThumbnailRequest("jpeg", side=16))
    assert all(one.given["src"].startswith("data:image/jpeg;") for one in root.all("img"))
    items = [item for item in lists(root)[FLIPPED] if item.given.get("class") == "wide"]
    assert sorted({names([item])[0].partition("/")[0] for item in items}) == ["even", "faint", "odd"]
    for item in items:
        said = [copy.all("div")[1].text for copy in item.all("div", "strip")[0].children]
        assert (said[2] == "no scores") == (not names([item])[0].startswith("even/"))
        assert "no scores" not in said[:2]


def test_a_degradation_of_which_nothing_was_scored_is_not_shown(opened):
    run = opened.run
    found = replace(
        Findings.of(without(run, run.cells["degradation"].eq("blur:1"), "failed", "no room")), images=opened.images
    )
    titles = {one.given["title"] for one in chapter(found, ThumbnailRequest(side=16)).all("img")}
    assert titles == {"none", "jpeg:65"}
    clean = Findings.of(without(run, run.cells["degradation"].eq("none"), "failed", "no room"))
    assert FLIPPED not in lists(chapter(clean))


def test_images_of_one_name_in_two_data_sets_are_two(opened):
    """A picture is of the run's own data; the other image has none."""
    run = opened.run
    of_even = run.cells["test"].eq("even")
    cells = run.cells.assign(test_data=np.where(of_even, "other", ""))
    scores = run.scores
    other = scores["key"].isin(run.cells.loc[of_even, "key"])
    same, renamed = (scores.loc[scores["label"].eq(0) & one, "name"].iloc[0] for one in (~other, other))
    scores = scores.assign(name=scores["name"].where(~other | scores["name"].ne(renamed), same))
    sure = scores["name"].eq(same)
    odds = {"score": scores["score"].where(~sure, 0.999), "log_odds": scores["log_odds"].where(~sure, 20)}
    scores = scores.assign(**{name: column.astype("float32") for name, column in odds.items()})
    found = replace(Findings.of(with_scores(run, scores, cells=cells)), images=opened.images)
    items = [item for own in lists(chapter(found, ThumbnailRequest(side=16))).values() for item in own]
    pictures = {name: len(item.all("img")) for item in items for name in names([item])}
    assert {same, f"other:{same}"} <= set(pictures)
    assert pictures[f"other:{same}"] == 0
    assert pictures[same]


def test_names_of_others_are_texts():
    run = make_run(detectors=["alpha", HOSTILE], n=6)
    hostile = run.scores["name"].str.replace("val/fog", f"val/{HOSTILE}", regex=False)
    found = Findings.of(with_scores(run, run.scores.assign(name=hostile)))
    text = image_chapter(found, NONE_ASKED)
    assert "<script" not in text
    shown = [name for items in lists(read(text)).values() for name in names(items)]
    assert [name for name in shown if HOSTILE in name]
    assert any(HOSTILE in one.text for one in read(text).all("details"))


def test_where_generators_are_named_or_nothing_is_wrong_there_is_no_chapter():
    run = run_of(Naming(), n=5)
    made = np.where(run.scores["label"] == 1, run.scores["name"].str.split("/").str[1], "")
    told = run.scores[["key", "name"]].assign(generator=made, predicted=made)
    assert image_chapter(Findings.of(replace(run, diagnostics=told)), NONE_ASKED) is None
    run = make_run(n=4)
    faultless = with_scores(run, run.scores.assign(score=run.scores["label"].astype("float32")))
    assert image_chapter(Findings.of(faultless), NONE_ASKED) is None
