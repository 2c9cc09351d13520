import csv
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from rich.console import Console

from bench.charts.numbers import step_of
from bench.charts.palette import accuracy_colour
from bench.charts.raster import to_png
from bench.evaluation.cells import cells_table, evaluate, matrix
from bench.evaluation.leaderboard import ranking, rankings, rankings_of
from bench.records.store import Store
from bench.report import formats, terminal
from bench.report.figures.boards.matrices import matrices_content
from bench.report.figures.findings import Findings
from bench.report.matrix_layout import group_by_family
from bench.report.ranking_columns import average_text, heading, percent, points, ranking_columns
from bench.report.run_report import write_files
from bench.report.sections.published import published_rows, read_published
from protocols.api import PublishedAverage
from tests.support.synthetic_runs import FAMILIES, GENERATORS, make_run, with_manifest, with_scores, without

PUBLISHED = Path(__file__).parents[3] / "results" / "published" / "genimage.csv"
MISSING = (0xE6, 0xE6, 0xE3)  # where no cell was scored, on light ground
GENIMAGE = ("Midjourney", "SDv1.4", "SDv1.5", "ADM", "GLIDE", "Wukong", "VQDM", "BigGAN")


def shown(run):
    """The chart of a run's matrices."""
    (chart,) = matrices_content(Findings.of(run)).charts
    return chart


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def printed(renderable, width=terminal.WIDTH):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(renderable)
    return console.file.getvalue()


@pytest.fixture(scope="module")
def run():
    """Two whole detectors, one with a hole and one that is not there, three seeds."""
    made = make_run(detectors=["alpha", "beta", "gamma", "long_detector_name"], seeds=(0, 1, 2))
    hole = made.cells["detector"].eq("beta") & made.cells["test"].eq("kiln")
    made = without(made, hole, "failed", "OSError: no room")
    return without(made, made.cells["detector"].eq("gamma"), "skipped", "no weights; give --weights")


@pytest.fixture(scope="module")
def ranked(run):
    return rankings([run, make_run(degraded=True)])


def test_an_average_shows_interval_and_missing_cells(ranked):
    rows = {row.detector: row for row in ranked[0].rows}
    whole = rows["alpha"].means["diagonal"]
    text = f"{100 * whole.value:.1f} [{100 * whole.low:.1f}, {100 * whole.high:.1f}]"
    assert average_text(whole, with_interval=True) == text
    assert average_text(rows["beta"].means["diagonal"], with_interval=False).endswith(" (9 of 12)")
    assert average_text(rows["gamma"].means["diagonal"], with_interval=True) == "-"
    assert percent(float("nan")) == "-"


@pytest.mark.parametrize("index", [0, 1])
def test_the_terminal_shows_every_column_in_100_characters(ranked, index):
    text = printed(terminal.leaderboard(ranked[index]))
    assert max(map(len, text.splitlines())) <= 100
    assert "…" not in text
    for column in ranking_columns(ranked[index]):
        assert column.header in text
        assert all(part in text for part in column.texts)


def test_every_rendering_names_the_data_and_the_reasons(run, ranked):
    texts = [printed(terminal.leaderboard(ranked[0]), width=200), formats.as_markdown(ranked), formats.as_csv(ranked)]
    for text in [*texts, formats.as_json(ranked)]:
        assert "rendered scenes, tiny generators" in text
        assert "failed 12 of 48 cells: OSError: no room" in text
        assert "skipped 48 of 48 cells: no weights; give --weights" in text
    table = cells_table(run)
    view = terminal.matrix(matrix(table, "alpha", run.manifest.protocol), "alpha", run.manifest, table)
    assert "rendered scenes, tiny generators" in printed(view)


def test_detectors_without_a_rank_stand_last(ranked):
    rows = [line for line in formats.as_markdown(ranked[:1]).splitlines() if line.startswith("|")][2:]
    assert [row.split("|")[1].strip() for row in rows] == ["1-2", "1-2", "-", "-"]
    assert "gamma" in rows[3]


def test_csv_holds_the_numbers_of_the_rows(ranked):
    rows = list(csv.DictReader(io.StringIO(formats.as_csv(ranked))))
    assert len(rows) == 6
    first = ranked[0].rows[0]
    assert (rows[0]["detector"], rows[0]["rank"]) == (first.detector, "1")
    assert float(rows[0]["off-diagonal value"]) == pytest.approx(first.means["off-diagonal"].value)
    assert rows[0]["off-diagonal planned"] == "36"
    gamma = next(row for row in rows if row["detector"] == "gamma")
    assert (gamma["rank"], gamma["off-diagonal value"], gamma["off-diagonal cells"]) == ("", "", "0")


def test_json_has_null_where_undefined(ranked):
    whole = json.loads(formats.as_json(ranked))
    rows = {row["detector"]: row for row in whole[0]["rows"]}
    assert rows["gamma"]["means"]["diagonal"]["value"] is None
    assert rows["alpha"]["means"]["diagonal"]["cells"] == 12
    assert rows["beta"]["rank"] is None


def test_the_terminal_matrix_keeps_families_together(run):
    shuffled = matrix(cells_table(run), "alpha", run.manifest.protocol).loc[:, ["kiln", "fog", "ember", "haze"]]
    text = printed(terminal.matrix(shuffled, "alpha", run.manifest, cells_table(run)))
    header = next(line for line in text.splitlines() if line.startswith("train"))
    assert header.split() == ["train", "kiln", "ember", "fog", "haze"]
    body = [line for line in text.splitlines() if line.startswith("kiln")]
    assert body[0].split()[1] == percent(shuffled.loc["kiln", "kiln"])


def test_families_group_in_order_of_appearance():
    assert group_by_family(["fog", "kiln", "haze"], FAMILIES) == [["fog", "haze"], ["kiln"]]
    assert group_by_family(["fog+haze", "fog+kiln", "haze", "x"], FAMILIES) == [
        ["fog+haze", "haze"],
        ["fog+kiln"],
        ["x"],
    ]


@pytest.mark.parametrize("degraded", [False, True])
def test_the_picture_has_the_colours_of_its_cells_and_equal_runs_the_same_bytes(degraded):
    run = make_run(degraded=degraded)
    first = to_png(shown(run))
    assert to_png(shown(make_run(degraded=degraded))) == first
    drawn = pixels(first)
    for value in cells_table(run)["accuracy"].unique()[:5]:
        assert (drawn == accuracy_colour(step_of(value) / 100)).all(axis=-1).any()


def test_the_picture_shows_holes(run):
    assert (pixels(to_png(shown(run))) == MISSING).all(axis=-1).any()
    assert not (pixels(to_png(shown(make_run()))) == MISSING).all(axis=-1).any()


def written_picture(run, store):
    measured = evaluate(run)
    write_files(run, measured, rankings_of(run, measured), [], store)
    return store.root / "matrix.png"


def test_a_picture_is_that_of_the_run_whatever_lay_there_before(run, tmp_path):
    path = written_picture(run, store := Store.at(tmp_path))
    first = path.read_bytes()
    assert first == to_png(shown(run))
    path.write_bytes(first[: len(first) // 2])
    assert written_picture(run, store).read_bytes() == first
    other = with_manifest(run, setting="paper")
    assert written_picture(other, store).read_bytes() != first


def test_published_averages_are_those_of_the_tables():
    table = read_published(PUBLISHED)
    one = published_rows(table, GENIMAGE, ("SDv1.4",), PublishedAverage("test", "all cells"))
    assert {(row.detector, round(100 * row.average, 1)) for row in one.rows if row.table == "Table 3"} == {
        ("ResNet-50", 72.1),
        ("DeiT-S", 71.6),
        ("Swin-T", 74.8),
        ("CNNSpot", 64.2),
        ("Spec", 68.8),
        ("F3Net", 68.7),
        ("GramNet", 69.9),
    }
    all_trainings = published_rows(table, GENIMAGE, GENIMAGE, PublishedAverage("test", "all cells"))
    assert [round(100 * row.average, 1) for row in all_trainings.rows] == [70.3, 67.6, 66.9, 65.1, 64.7, 64.6, 61.7]
    degraded = published_rows(table, GENIMAGE, ("SDv1.4",), PublishedAverage("degradation", "degraded"))
    assert (degraded.rows[0].detector, degraded.rows[0].table) == ("GramNet", "Table 5")
    assert all("arXiv 2306.08571" in row.source for row in degraded.rows)


@pytest.mark.parametrize(
    ("generators", "trains"),
    [
        (GENERATORS, GENERATORS),
        (GENIMAGE[1:], GENIMAGE[1:]),
        (GENIMAGE, ("SDv1.4", "ADM")),
        ((*GENIMAGE, "x"), GENIMAGE),
    ],
)
def test_nothing_published_stands_beside_other_questions(generators, trains):
    assert published_rows(read_published(PUBLISHED), generators, trains, PublishedAverage("test", "all cells")) is None


def test_published_figures_stand_in_a_block_of_their_own(ranked):
    block = published_rows(read_published(PUBLISHED), GENIMAGE, ("SDv1.4",), PublishedAverage("test", "all cells"))
    text = formats.as_markdown(ranked, [block])
    assert "Swin-T" not in text.split("**Published (not measured here)")[0]
    assert "| Swin-T" in text
    shown = printed(terminal.published_table(block))
    assert max(map(len, shown.splitlines())) <= 100
    assert all(row.detector in shown for row in block.rows)
    assert "Readme.md @746781b" in shown


def test_another_table_is_refused(tmp_path):
    pd.DataFrame({"detector": ["x"], "value": [1]}).to_csv(tmp_path / "other.csv", index=False)
    with pytest.raises(ValueError, match="lacks the columns degradation, metric"):
        read_published(tmp_path / "other.csv")


def test_one_run_without_any_score_still_renders():
    run = make_run()
    empty = without(run, run.cells["seed"].eq(0), "failed", "no room")
    assert empty.scores.empty
    empty = with_scores(empty, pd.DataFrame(columns=empty.scores.columns))
    ranked = rankings([empty])
    assert "failed 16 of 16 cells: no room" in formats.as_markdown(ranked)
    assert "0 of 16" in printed(terminal.leaderboard(ranked[0]))
    assert (pixels(to_png(shown(empty))) == MISSING).all(axis=-1).any()


def test_what_is_at_chance_is_marked_and_explained_in_every_rendering():
    marked, plain = (
        rankings([make_run(lambda detector, *_, low=low: low if detector == "alpha" else 0.8)])[0] for low in (0.5, 0.7)
    )
    for render in (lambda found: printed(terminal.leaderboard(found)), lambda found: formats.as_markdown([found])):
        text = " ".join(render(marked).split())
        assert "alpha †" in text
        assert "beta †" not in text
        assert "† At chance: the interval of its balanced accuracy (diagonal) holds 50%." in text
        assert "†" not in render(plain)
    rows = csv.DictReader(io.StringIO(formats.as_csv([marked])))
    assert {row["detector"]: row["at_chance"] for row in rows} == {"alpha": "True", "beta": "False"}
    (as_json,) = json.loads(formats.as_json([marked]))
    assert {row["detector"]: row["at_chance"] for row in as_json["rows"]} == {"alpha": True, "beta": False}


def test_unbalanced_cells_are_told_in_every_rendering_and_balanced_ones_in_none():
    run = make_run()
    few = run.scores["name"].str[-8:-4].lt("0003") | ~run.scores["name"].str.contains("kiln")
    unbalanced = with_scores(run, run.scores[few])
    for shown_run, told in ((unbalanced, True), (run, False)):
        ranked, table = rankings([shown_run]), cells_table(shown_run)
        view = matrix(table, "alpha", shown_run.manifest.protocol)
        texts = [
            printed(terminal.leaderboard(ranked[0]), width=200),
            formats.as_markdown(ranked),
            printed(terminal.matrix(view, "alpha", shown_run.manifest, table)),
            shown(shown_run).note,
        ]
        for text in texts:
            assert ("Balanced accuracy in %" in text) == told
            assert ("Accuracy in %" in text) != told
        for text in texts[:2]:
            assert ("Ranked by off-diagonal balanced accuracy." in text) == told
            assert ("3 to 50" in text) == told
        assert ("generated" in texts[2]) == told
        assert ("generated_min" in formats.as_csv(ranked)) == told


def test_a_difference_that_is_rounding_has_no_sign_of_its_own():
    assert [points(one) for one in (-1e-17, 0.0, -0.0123, 0.0123)] == ["+0.0", "+0.0", "-1.2", "+1.2"]


@pytest.mark.parametrize(("n", "said"), [(1, "1 real and 1 generated image."), (2, "2 real and 2 generated images.")])
def test_a_heading_counts_images(n, said):
    assert f"a cell has {said}" in heading(ranking(make_run(n=n)))


def test_equal_shares_are_shown_alike_whatever_the_order_of_their_sums():
    assert percent(0.6625) == percent(0.6625 + 1e-15) == percent(0.6625 - 1e-15)
