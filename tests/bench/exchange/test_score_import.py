"""From tables of scores to rows of a board: about their own images, a data set's, and those of a run."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from bench.evaluation.cells import cells_table
from bench.evaluation.leaderboard import rankings
from bench.exchange.import_request import ImportRequest
from bench.exchange.score_columns import parse_score_columns
from bench.exchange.score_import import import_for_data, import_like, import_table
from bench.images.data_sets import read
from bench.platform.errors import InputError
from bench.records import columns
from bench.records.manifest import CheckpointRecord
from bench.records.store import Store
from tests.support.score_tables import GENERATORS, SIZE, score_table, written
from tests.support.small_data_sets import write_images
from tests.support.synthetic_runs import make_run, with_data, with_detector


def request(folder, table, name="theirs.csv", columns="", **stated):
    return ImportRequest(written(folder, table, name), columns=parse_score_columns(columns), **stated)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The images of `score_table` as a data set, every generator against the same real images."""
    root = tmp_path_factory.mktemp("data")
    names = score_table()["path"]
    write_images(root, *names)
    facts = score_table()[["path", "label", "generator"]].assign(split="test")
    facts.to_csv(root / "manifest.csv", index=False)
    return read(str(root))


def test_a_table_has_a_cell_for_each_generator_against_all_real_images(tmp_path):
    table = score_table()
    run = import_table(request(tmp_path, table)).run
    cells = cells_table(run)
    assert cells[columns.TEST].tolist() == list(GENERATORS)
    assert cells[columns.N].tolist() == [2 * SIZE] * 2
    for generator, auc in zip(GENERATORS, cells[columns.ROC_AUC], strict=True):
        own = table[table["generator"].isin(("", generator))]
        assert auc == pytest.approx(roc_auc_score(own["label"].eq("fake"), own["score"]))
    (record,) = run.manifest.detectors.values()
    assert (record.trained, record.checkpoint) == (False, None)
    assert (record.imported.coverage, record.imported.asked, record.imported.said) == (1.0, 3 * SIZE, False)


def test_real_images_under_the_names_of_generators_stand_against_those_alone(tmp_path):
    table = score_table()
    real = table["label"].eq("real")
    table.loc[real, "generator"] = np.array(GENERATORS)[np.arange(SIZE) % 2]
    cells = cells_table(import_table(request(tmp_path, table)).run)
    assert (cells[columns.N] - cells[columns.N_GENERATED]).tolist() == [SIZE / 2] * 2


def test_logits_keep_their_order_where_probabilities_are_all_one(tmp_path):
    table = score_table(shift=40)
    table.loc[table["label"].eq("real"), "logit"] = 30.0
    run = import_table(request(tmp_path, table.drop(columns="score"), kind="logit")).run
    assert cells_table(run)[columns.ROC_AUC].tolist() == [1.0, 1.0]
    assert set(run.scores[columns.SCORE]) == {1.0}


def test_detectors_degradations_seeds_and_trainings_are_told_apart(tmp_path):
    parts = [
        score_table(seed=seed).assign(detector=detector, degradation=step, seed=seed)
        for detector in ("a", "b")
        for step in ("jpeg:65", "none", "fog")
        for seed in (0, 1)
    ]
    run = import_table(request(tmp_path, pd.concat(parts), columns="log_odds=-")).run
    assert run.cells.groupby(columns.DETECTOR).size().tolist() == [12, 12]
    assert run.cells[columns.DEGRADATION].unique().tolist() == ["none", "jpeg:65", "fog"]
    assert [group.name for group in run.manifest.protocol.groups] == ["none", "degraded", "jpeg:65", "fog"]
    assert run.manifest.seeds == (0, 1)
    trained = [score_table(seed=number).assign(train=name) for number, name in enumerate(GENERATORS)]
    matrix = import_table(request(tmp_path, pd.concat(trained))).run
    assert matrix.cells[columns.TRAIN].tolist() == [*["ProGAN"] * 2, *["GLIDE"] * 2]
    (record,) = matrix.manifest.detectors.values()
    assert record.imported.trained_on is None
    (single,) = import_table(request(tmp_path, trained[0])).run.manifest.detectors.values()
    assert (single.imported.trained_on, single.imported.seen) == (("ProGAN",), ("ProGAN",))


def test_sources_of_a_column_are_those_of_the_intervals(tmp_path):
    table = score_table()
    alone = import_table(request(tmp_path, table)).run
    assert alone.scores[columns.SOURCE].tolist() == alone.scores[columns.NAME].tolist()
    assert "independent" in alone.manifest.data.warnings[0]
    pairs = import_table(request(tmp_path, table.assign(source=[f"s{row // 2}" for row in range(len(table))]))).run
    assert pairs.scores[columns.SOURCE].nunique() == len(table) / 2
    assert "of 18 sources, as the column source says" in pairs.manifest.data.warnings[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.assign(label=t["label"].map({"real": 0, "fake": 1}), generator="ADM"), "numbers without names"),
        (lambda t: t.drop(columns=["label", "generator"]), "36 of 36 images have no label"),
        (lambda t: t[t["label"].eq("fake")], "has no real images among 24"),
        (lambda t: pd.concat([t, t[:2].assign(label="real", generator="")]), "2 images have two labels or generators"),
    ],
)
def test_tables_whose_labels_do_not_say_it_all_are_refused(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        import_table(request(tmp_path, change(score_table())))


def test_images_without_a_score_are_refused_left_out_or_counted(tmp_path):
    table = score_table(shift=9).drop(columns="logit")
    table.loc[[0, 1, 30], "score"] = np.nan
    with pytest.raises(InputError, match=r"33 of 36 images have a score \(91.7%, .* such as ProGAN/0.png.*0.916"):
        import_table(request(tmp_path, table))
    left_out = import_table(request(tmp_path, table, min_coverage=0.9))
    assert cells_table(left_out.run)[columns.N].tolist() == [21, 23]
    assert left_out.missing[columns.NAME].tolist() == ["ProGAN/0.png", "ProGAN/1.png", "nature/6.png"]
    as_real = cells_table(import_table(request(tmp_path, table, on_missing="real")).run)
    assert as_real[columns.N].tolist() == [24, 24]
    assert as_real[columns.GENERATED_ACCURACY].tolist() == pytest.approx([10 / 12, 1])
    assert as_real[columns.REAL_ACCURACY].tolist() == [1, 1]
    as_fake = import_table(request(tmp_path, table, on_missing="fake")).run
    assert cells_table(as_fake)[columns.REAL_ACCURACY].tolist() == pytest.approx([11 / 12] * 2)
    (record,) = as_fake.manifest.detectors.values()
    assert (record.imported.scored, record.imported.asked, record.imported.on_missing) == (33, 36, "fake")
    with pytest.raises(InputError, match="wanted 95%"):
        import_table(request(tmp_path, table, on_missing="fake", min_coverage=0.95))


def test_missing_scores_that_count_leave_logits_their_order(tmp_path):
    table = score_table().assign(score=lambda table: 40 + table["logit"]).drop(columns="logit")
    whole = cells_table(import_table(request(tmp_path, table, kind="logit")).run)
    table.loc[table["path"].eq("nature/0.png"), "score"] = np.nan
    as_real = import_table(request(tmp_path, table, kind="logit", on_missing="real")).run
    assert (cells_table(as_real)[columns.ROC_AUC] >= whole[columns.ROC_AUC]).all()
    lowest = as_real.scores.groupby(columns.KEY)[columns.LOG_ODDS].idxmin()
    assert set(as_real.scores.loc[lowest, columns.NAME]) == {"nature/0.png"}


def test_data_says_what_the_images_are_and_paths_may_begin_elsewhere(tmp_path, data):
    table = score_table()
    bare = table[["path", "score"]]
    run = import_for_data(request(tmp_path, bare), data, None).run
    own, expected = (
        cells_table(one).set_index(columns.TEST)[columns.ROC_AUC].to_dict()
        for one in (run, import_table(request(tmp_path, table)).run)
    )
    assert own == expected
    assert run.manifest.data.title == data.title
    elsewhere = bare.assign(path="C:\\theirs\\" + bare["path"].str.replace("/", "\\"))
    again = import_for_data(request(tmp_path, elsewhere), data, None).run
    assert again.scores[columns.NAME].tolist() == run.scores[columns.NAME].tolist()
    numbers = bare.assign(label=table["label"].map({"real": 1, "fake": 0}))  # what they mean is seen from the data
    assert len(import_for_data(request(tmp_path, numbers), data, None).run.scores) == len(run.scores)


def test_labels_and_generators_at_odds_with_the_data_are_counted(tmp_path, data):
    table = score_table()
    wrong = table.assign(label=table["label"].mask(table.index < 2, "real"), generator="")
    with pytest.raises(InputError, match=r"2 of 36 labels are at odds with .*ProGAN/0.png \(real in the table, gen"):
        import_for_data(request(tmp_path, wrong, columns="generator=-"), data, None)
    turned = table.assign(label=table["label"].map({"real": "fake", "fake": "real"}))
    with pytest.raises(InputError, match=r"36 of 36 labels .* or say what they mean: --classes"):
        import_for_data(request(tmp_path, turned, columns="generator=-"), data, None)
    swapped = table.assign(generator=table["generator"].mask(table.index == 3, "GLIDE"))
    with pytest.raises(InputError, match=r"such as ProGAN/3.png \(GLIDE in the table, ProGAN there\)"):
        import_for_data(request(tmp_path, swapped), data, None)
    renamed = table.assign(generator=table["generator"].replace({"GLIDE": "theirs"}))
    assert import_for_data(request(tmp_path, renamed), data, None).run.cells[columns.TEST].tolist() == sorted(
        GENERATORS
    )


def test_images_that_data_does_not_have_are_named_and_no_match_is_refused(tmp_path, data):
    table = score_table()[["path", "score"]]
    more = pd.concat([table, table[:2].assign(path=["else/1.png", "else/2.png"])])
    (record,) = import_for_data(request(tmp_path, more), data, None).run.manifest.detectors.values()
    assert record.imported.notices[0].startswith("2 of 38 images of the table are none")
    with pytest.raises(InputError, match=r"none of 36 images of the table is one of .* they are called like"):
        import_for_data(request(tmp_path, table.assign(path="x" + table["path"].str.replace("/", "_"))), data, None)
    with pytest.raises(InputError, match="names no images; say which column does"):
        import_for_data(request(tmp_path, table[["score"]]), data, None)


def released(run):
    """The rows of a run that were trained on fog, as if they had been loaded from checkpoints."""
    cells = run.cells[run.cells[columns.TRAIN].eq("fog")].assign(**{columns.TRAIN: "", columns.GROUPS: [()] * 8})
    scores = run.score_table.only(cells[columns.KEY])
    found = type(run)(run.manifest, cells.reset_index(drop=True), scores, run.throughput)
    for name in run.manifest.detectors:
        found = with_detector(found, name, checkpoint=CheckpointRecord("f.pth", "0" * 64))
    return found


def exported(run, detector="alpha"):
    """The scores of one row of a run, as another tool has them."""
    cells = run.cells[run.cells[columns.DETECTOR].eq(detector)]
    scores = run.scores.merge(cells[[columns.KEY, columns.DEGRADATION]], on=columns.KEY)
    return scores[[columns.NAME, columns.SCORE, columns.DEGRADATION]].drop_duplicates(
        [columns.NAME, columns.DEGRADATION]
    )


def test_a_row_like_those_of_a_run_stands_in_one_table_with_them(tmp_path):
    run = released(make_run())
    imported = import_like(request(tmp_path, exported(run), detector="theirs"), run, "RUN").run
    store = Store.at(tmp_path / "out")
    store.record_scores(imported.scores)
    store.finish(imported.manifest, imported.cells)
    (ranking,) = rankings([run, Store(tmp_path / "out").read()])
    rows = {row.detector: row for row in ranking.rows}
    assert set(rows) == {"alpha", "beta", "theirs"}
    theirs, alpha = cells_table(imported), cells_table(run)[run.cells[columns.DETECTOR].eq("alpha").to_numpy()]
    # each generated image is in one cell alone, so its score is that of alpha
    assert theirs[columns.GENERATED_ACCURACY].tolist() == alpha[columns.GENERATED_ACCURACY].tolist()
    assert (rows["alpha"].imported, rows["theirs"].imported.coverage) == (None, 1.0)


def test_a_run_that_was_trained_gives_its_test_sets_and_another_table(tmp_path):
    run = make_run()
    imported = import_like(request(tmp_path, exported(run), detector="theirs"), run, "RUN").run
    assert imported.cells[columns.TEST].tolist() == ["fog", "haze", "kiln", "ember"]
    assert set(imported.cells[columns.TRAIN]) == {""}
    trained, other = rankings([run, imported])
    assert [row.detector for row in other.rows] == ["theirs"]
    assert (other.title.endswith("(imported scores)"), trained.released) == (True, False)


def test_what_of_a_run_has_no_score_says_so(tmp_path):
    run = make_run(degraded=True)
    clean = exported(run)
    clean = clean[clean[columns.DEGRADATION].eq("none")]
    imported = import_like(request(tmp_path, clean, detector="theirs"), run, "RUN").run
    statuses = dict(zip(imported.cells[columns.DEGRADATION], imported.cells[columns.STATUS], strict=False))
    assert statuses == {"none": "scored", "jpeg:65": "skipped", "blur:1": "skipped"}
    assert set(imported.cells[columns.REASON]) == {"", "the table has no score under its degradation"}
    (record,) = imported.manifest.detectors.values()
    assert record.imported.coverage == 1  # of the conditions that it has scores of
    with pytest.raises(InputError, match="RUN has a row alpha of its own"):
        import_like(request(tmp_path, clean, detector="alpha"), run, "RUN")
    with pytest.raises(InputError, match="the scores are under theirs, and RUN has blur:1, jpeg:65, none"):
        import_like(request(tmp_path, clean.assign(degradation="theirs"), detector="x"), run, "RUN")


def test_images_of_a_run_that_went_through_something_first_are_a_notice(tmp_path):
    run = with_data(make_run(), base_degradation="jpeg:96")
    (record,) = import_like(request(tmp_path, exported(run), detector="t"), run, "RUN").run.manifest.detectors.values()
    assert "went through jpeg:96 first" in record.imported.notices[0]


def test_imports_stand_beside_imports_and_share_what_is_said_of_several(tmp_path):
    table = score_table().drop(columns="logit")
    first = import_table(request(tmp_path, table)).run
    wide = table[["path"]].assign(x=1 - table["score"], y=1 - table["score"])
    more = pd.concat([wide, wide[:1].assign(path="else.png")])
    second = import_like(request(tmp_path, more, columns="score=x,score=y"), first, "FIRST").run
    (ranking,) = rankings([first, second])
    assert [row.detector for row in ranking.rows] == ["theirs", "x", "y"]
    assert sum(one.startswith("x, y: its scores are higher for real images") for one in ranking.notices) == 1
    assert sum(one.startswith("x, y: 1 of 37 images of the table are none") for one in ranking.notices) == 1


def test_a_copy_of_a_row_has_its_numbers_and_another_key_for_other_scores(tmp_path):
    table = score_table().drop(columns="logit")
    one, same = (import_table(request(tmp_path, table, detector="d")).run.manifest.detectors["d"] for _ in range(2))
    other = table.assign(score=table["score"].mask(table.index == 0, 0.25))
    changed = import_table(request(tmp_path, other, detector="d")).run.manifest.detectors["d"]
    assert one.key == same.key != changed.key
    assert one.imported.sha256 != changed.imported.sha256


def test_names_of_a_table_cannot_reach_the_terminal_as_they_are(tmp_path):
    table = score_table().replace({"generator": {"GLIDE": "red\x1b[31m"}})
    run = import_table(request(tmp_path, table.assign(train="blue\x1b[34m"))).run
    assert run.cells[columns.TEST].tolist() == ["ProGAN", "red\\x1b[31m"]
    (record,) = run.manifest.detectors.values()
    assert record.imported.trained_on == ("blue\\x1b[34m",)
