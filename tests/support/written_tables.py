"""The column headers of the tables that Lineup prints and writes, from real outputs of small and synthetic runs."""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from functools import cache
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageCms
from rich.console import Console, Group, RenderableType
from rich.table import Table

from bench.analyses.images.fingerprints import CORRELATIONS, FINGERPRINTS
from bench.analyses.images.run_analyses import WITHOUT
from bench.analyses.images.run_images import Workplace
from bench.analyses.images.saliency import GRADIENT_SPECTRA, SALIENCY
from bench.analyses.images.spectra import SPECTRA, left_out_table
from bench.analyses.images.thumbnails import THUMBNAILS
from bench.analyses.scores.image_view import image_view
from bench.command.runs.runs import HEADERS as RUN_HEADERS
from bench.command.runs.sweep import COLUMNS as RUN_ENDS
from bench.command.storage.cache import ENTRY_KEYS, RUN_KEYS, RUNS, WHAT
from bench.evaluation.asked.rank_measures import WORST_TITLES, AskedMeasures, asked_measures
from bench.evaluation.asked.rescoring import Rescoring
from bench.evaluation.cells import evaluate, matrices, readable_table
from bench.evaluation.comparing.comparison import compare_detectors
from bench.evaluation.comparing.paired_runs import pair_runs
from bench.evaluation.comparing.sides import choose_sides
from bench.evaluation.conditions import condition_outcomes
from bench.evaluation.imported_scores import ImportedOutcomes
from bench.evaluation.leaderboard import rankings, rankings_of
from bench.exchange.export.wide_table import wide_table
from bench.exchange.imported_run import MISSING
from bench.golden.changed_decisions import compare_decisions
from bench.golden.gate_findings import (
    FITTED_AGAIN,
    REPLACED,
    SCORED_AGAIN,
    GateComparison,
    GateFindings,
    GateHalf,
    GateResults,
)
from bench.golden.golden_record import golden_from, read_golden
from bench.golden.question_record import QuestionRecord
from bench.golden.recorded_images import RECORDED, RecordedImages
from bench.golden.regression import compare
from bench.golden.replaced_detectors import compare_replaced
from bench.golden.speeds import SPEED_CHANGES, SpeedResult
from bench.images.quality.audit import Finding
from bench.images.quality.census import take_census
from bench.metrics.catalogue import known_metrics
from bench.platform.progress import Reporter
from bench.platform.shipped_results import shipped_results
from bench.records import columns
from bench.records.manifest import AgreementRecord, CheckpointRecord, ImportRecord
from bench.records.run import Run, ValidationScores
from bench.records.store import Store
from bench.records.timings import FitTiming, RunTimings, StageTiming
from bench.report import formats, terminal
from bench.report.base_degradations import base_degradation_tables
from bench.report.comparing.document import comparisons_json
from bench.report.comparing.text import comparison_report as two_detectors
from bench.report.comparison_report import comparison_report
from bench.report.data_report import audit_report, census_report
from bench.report.export.contents import ExportedRun, ExportedRuns
from bench.report.figures import all_figures, find_figure
from bench.report.figures.findings import Findings
from bench.report.figures.opened_images import NoImages, open_images
from bench.report.gate.document import findings_json
from bench.report.gate.markdown import case_columns
from bench.report.gate.record_facts import record_facts
from bench.report.gate_report import decision_report, speed_report
from bench.report.image_report import image_tables
from bench.report.imported_report import imported_report
from bench.report.page.document import page
from bench.report.run_report import report_leaderboard
from bench.report.sections.catalogue import SECTIONS
from bench.report.sections.published import PublishedFigure, PublishedRows
from bench.report.time_tables import profile_json, profile_run, profile_tables
from bench.request.image_scores import COLUMNS as IMAGE_SCORES
from bench.request.run_folders.listing import KnownRun
from detectors.checks import texture
from detectors.training.loop import Epoch
from protocols.degradation import DegradationMatrix
from protocols.profiles import find_profile
from tests.support.open_protocols import Naming
from tests.support.pages import numbers_of, read
from tests.support.planted_shortcuts import inspect_data
from tests.support.synthetic_runs import (
    GENERATORS,
    STEPS,
    falling,
    make_run,
    own_real_images,
    run_of,
    with_data,
    with_detector,
    with_manifest,
    with_scores,
)

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
Headers = dict[str, set[str]]  # of each table


def headers(printed: RenderableType) -> Iterator[str]:
    """The headers of every table in what is printed."""
    if isinstance(printed, Group):
        for part in printed.renderables:
            yield from headers(part)
    elif isinstance(printed, Table | terminal.FittedTable):
        yield from (str(column.header) for column in printed.columns)


def every_table(folder: Path) -> Headers:
    """The headers of every table, by its name; images are made in a folder."""
    found = {**board_tables(runs()), **plain_tables(), **side_tables(), **compare_tables(), **data_tables(folder)}
    found |= image_analysis_tables() | profile_headers() | golden_tables() | exported_tables()
    return found | {name: found[name] | names for name, names in asked_tables(folder).items()}


def exported_tables() -> Headers:
    """Those of single scores that `lineup export` writes."""
    run = own_real_images(make_run(detectors=("residual",), n=4))
    kept = run.cells["train"].eq("fog")
    run = replace(run, cells=run.cells[kept], score_table=run.score_table.only(run.cells.loc[kept, "key"]))
    other = with_manifest(run, protocol=replace(run.manifest.protocol, name="other"))
    others = with_data(run, base_degradation="jpeg:75"), with_data(other, title="other")
    long = [ExportedRuns([ExportedRun(one) for one in (run, *further)]).image_rows for further in ((), others)]
    wide = set(wide_table(long[0], "score")) | {"base_degradation"}
    return {"scores.csv": set(long[0]) | set(long[1]), "wide-scores.csv": wide, "wide-log-odds.csv": wide}


def image_analysis_tables() -> Headers:
    """Those of analyses that read the images of a run."""
    left_out = set(left_out_table(()))
    return {
        "spectra.csv": set(SPECTRA),
        "fingerprints.csv": set(FINGERPRINTS),
        "fingerprint_correlations.csv": set(CORRELATIONS),
        "thumbnails.csv": set(THUMBNAILS),
        "saliency.csv": set(SALIENCY),
        "gradient_spectra.csv": set(GRADIENT_SPECTRA),
        "saliency_without.csv": set(WITHOUT),
        "left_out.csv": left_out,
    }


def board_tables(runs: Iterable[Run]) -> Headers:
    """Those of leaderboards and of cells, one for each run."""
    found: Headers = defaultdict(set)
    for place, run in enumerate(runs):
        measured = evaluate(run, [] if place else [metric.name for metric in known_metrics()], draws=2)
        ranked = rankings_of(run, measured, AskedMeasures(worst=tuple(WORST_TITLES)))
        found["cells.parquet"] |= set(readable_table(measured.table, run.manifest.protocol))
        for one in ranked:
            found["leaderboard"] |= set(headers(terminal.leaderboard(one)))
        found["leaderboard.csv"] |= set(next(csv.reader(StringIO(formats.as_csv(ranked)))))
        found["leaderboard.json"] |= set(_json_names(json.loads(formats.as_json(ranked))))
        for accuracies in matrices(measured.table, run.manifest.protocol).values():
            found["matrix"] |= {str(accuracies.index.name), *map(str, accuracies.columns)}
        for section in SECTIONS:
            content = section.content(measured)
            for table in content.tables:
                found[section.name] |= {column.header for column in table.columns}
            if content.tables and content.rows is not None:
                found[f"{section.name}.csv"] |= set(content.rows)
    return found


OF_OTHER_TABLES = {"matrix": "cells.parquet", "spectra": "spectra.csv", "saliency": "saliency.csv"}  # figures' rows
ROWS = {"training": "training_history.csv"}  # where the figure's name is that of another file


def figure_tables(out: Path, cache: Path) -> Headers:
    """Those of figures, the page and single images: of a run with its images, and of runs that have what it lacks.

    Args:
        out: The folder of a run of which all figures of images are made.
        cache: Its cache.
    """
    workplace = Workplace(cache, 1, Reporter(Console(file=StringIO())))
    (own,) = Findings.read([out], lambda folder: open_images(folder, workplace))
    steps = run_of(DegradationMatrix(train_on=GENERATORS[:1], degradations=("jpeg:90", "jpeg:50")), n=4)
    found: Headers = defaultdict(set)
    both = (own, Findings.of(_mislabelled()))
    made = [(figure, figure.content(findings)) for findings in both for figure in all_figures()]
    three = make_run(detectors=("alpha", "beta", "gamma"), n=4)
    for name, run in (("transfer", _eight_generators()), ("curves", steps), ("critical_difference", three)):
        figure = find_figure(name)
        made.append((figure, figure.content(Findings.of(run))))
    for figure, content in made:
        for table in content.tables:
            found[f"figure {figure.name}"] |= {column.header for column in table.columns}
        if content.rows is not None:
            name = OF_OTHER_TABLES.get(figure.name) or ROWS.get(figure.name, f"{figure.name}.csv")
            found[name] |= set(content.rows)
    whole = read(page([replace(own, images=NoImages("Its figures stand above."))]))
    sections = {one.given["id"]: one for one in whole.all("section")}
    (saved,) = re.findall(r"\[\[\.\.\.first, \.\.\.numbers\.axes, ([^\]]*)\]", whole.all("script")[-1].text)
    found["page: cells.csv"] = {"detector", *re.findall(r'"(\w+)"', saved), *numbers_of(whole)[0]["axes"]}
    for name, section in (("page: data", "data-1"), ("page: repeat", "repeat-1")):
        found[name] = {one.text for one in sections[section].all("th")}
    view = image_view(evaluate(make_run(degraded=True, seeds=(0, 1), n=4)), "val/fog/0000.jpg")
    found["lineup show IMAGE"] = {column.header for table in image_tables(view) for column in table.columns}
    return found


def _mislabelled() -> Run:
    """An image that every detector takes for another class than its label."""
    run = make_run(n=20)
    score = run.scores["score"].where(run.scores["name"].ne("val/fog/0000.jpg"), np.float32(0.01))
    return with_scores(run, run.scores.assign(score=score))


def asked_tables(folder: Path) -> Headers:
    """Those of a board that ranks by a metric and leaves seen images out."""
    asked, run = asked_measures(["eer"], "eer", Rescoring(seen=2)), make_run(n=10)
    report_leaderboard([run], Store.at(folder / "asked"), asked)
    files = {name: (folder / "asked" / name) for name in ("leaderboard.csv", "leaderboard.json", "cells.parquet")}
    return {
        "leaderboard": set(headers(terminal.leaderboard(rankings([run], asked)[0]))),
        "leaderboard.csv": set(pd.read_csv(files["leaderboard.csv"])),
        "leaderboard.json": set(_json_names(json.loads(files["leaderboard.json"].read_text()))),
        "cells.parquet": set(pd.read_parquet(files["cells.parquet"])),
    }


def _json_names(rankings: list[dict]) -> Iterator[str]:
    """The names of a document's fields, but for those that data, protocols and metrics name."""
    for one in rankings:
        yield from one
        for pair in one["pairs"]:
            yield from (*pair, *pair["images"], *(pair["generators"] or ()))
        for row in one["rows"]:
            yield from row
            averages = (*row["means"].values(), *row["over"].values(), *row["worst"].values())
            for part in (*averages, row["checkpoint"], row["imported"], row["agreement"]):
                yield from part or ()


def runs() -> Iterator[Run]:
    """Runs that have, together, every column of a leaderboard and every section."""
    yield make_run(seeds=(0, 1))
    yield _own_real_images()
    yield _eight_generators()
    run = make_run()
    yield with_scores(run, run.scores[run.scores["name"].str[-8:-4].lt("0003") | run.scores["label"].eq(1)])
    yield run_of(DegradationMatrix(train_on=GENERATORS[:2], degradations=STEPS[1:], test_all=True), n=20)
    yield _scored_profile()
    yield _not_trained()
    yield _named()
    yield _routed()
    yield _held_out()
    protocol = replace(run.manifest.protocol, pairs=True)
    contents = run.cells.assign(test_contents=np.where(run.cells["train"].eq("fog"), "cats", "dogs"))
    yield replace(with_manifest(run, protocol=protocol), cells=contents)
    yield with_manifest(run, degradations={"webp": "1[libwebp 1.6]"})
    rounded = AgreementRecord("bfloat16", images=32, detectors=8, largest_change=0.05, flips=1)
    to_tf32 = replace(rounded, precision="tf32")
    yield with_detector(run, "alpha", library="openvino 2026.4", agreement=rounded)
    yield with_detector(run, "alpha", library="torch 2.12", agreement=to_tf32)


@cache
def _golden() -> Run:
    return read_golden(shipped_results() / "golden" / "cross_generator")


def _eight_generators() -> Run:
    """Three detectors of the golden record, of which something is said across generators."""
    golden = _golden()
    few = golden.cells["detector"].isin(["residual", "cnnspot", "hog_svm"]) & golden.cells["seed"].lt(2)
    cells = golden.cells[few].reset_index(drop=True)
    return replace(golden, cells=cells, score_table=golden.score_table.only(cells["key"]))


def _own_real_images() -> Run:
    """Every generator against real images of its own, under several degradations."""
    asked = DegradationMatrix(train_on=GENERATORS[:2], degradations=STEPS[1:], test_all=True)
    return own_real_images(run_of(asked, n=20))


def _scored_profile() -> Run:
    steps = find_profile("techjam-2026").degradations
    return run_of(DegradationMatrix(train_on=GENERATORS[:1], degradations=tuple(steps)), falling(), ["alpha"], n=10)


def _not_trained() -> Run:
    """A released checkpoint, of which figures are published, and imported scores, over two data sets."""
    run = make_run()
    run = with_data(run, published_name="Synthbuster")
    protocol = replace(run.manifest.protocol, worst_over={"test": "generator", "test_data": "data set"}, trains=False)
    other = run.cells["train"].eq("kiln") & run.cells["test"].ne("ember")  # of fewer generators
    cells = run.cells[run.cells["train"].eq("fog") | other].reset_index(drop=True)
    cells = cells.assign(test_data=np.where(cells["train"].eq("kiln"), "other", ""))
    cells = cells.assign(test=cells["test"].replace("fog", "DALL-E 2"))
    known = {"digest_known": True, "trained_on": ("fog",), "seen": ("fog",), "published_as": {"Synthbuster": "NPR"}}
    published = CheckpointRecord("a.pth", "0" * 64, "a", **known)
    counts = {"said": False, "positive": "generated", "asked": 100, "scored": 90, "on_missing": "exclude"}
    imported = ImportRecord("b.csv", "1" * 64, "probability", **counts)
    run = replace(with_manifest(run, protocol=protocol), cells=cells, score_table=run.score_table.only(cells["key"]))
    return with_detector(with_detector(run, "alpha", checkpoint=published), "beta", imported=imported)


def _named() -> Run:
    run = run_of(Naming(), falling(home=0.9), ["alpha"], n=10)
    run = replace(run, cells=run.cells.assign(degradation=np.where(run.cells["test"].eq("fog"), "jpeg:65", "none")))
    told = run.scores[["key", "name", "label"]]
    made = np.where(told["label"] == 1, told["name"].str.split("/").str[1], "")
    told = told.drop(columns="label")
    return replace(run, diagnostics=told.assign(**{columns.GENERATOR: made, columns.PREDICTED: made}))


def _routed() -> Run:
    run = make_run(detectors=["alpha"], n=10)
    told = run.scores[["key", "name"]].assign(**{columns.ROUTE: np.resize(GENERATORS, len(run.scores))})
    return replace(run, diagnostics=told.assign(**{columns.ROUTE_SCORE + one: 0.7 for one in GENERATORS}))


def _held_out() -> Run:
    run, labels = make_run(n=20), np.repeat([0, 1], 20)
    cells = run.cells[["key", "status", "reason"]].assign(**{columns.VALIDATION_KEY: "held out"})
    names = [f"image{place}" for place in range(len(labels))]
    scores = pd.DataFrame({"key": "held out", "name": names, "source": names, "label": labels})
    scores = scores.assign(score=np.float32(0.2) + np.float32(0.5) * labels, log_odds=np.nan)
    return with_manifest(replace(run, validation=ValidationScores(cells, scores)), validation=0.1)


def plain_tables() -> Headers:
    """Those of files that a run writes as they are."""
    identity = {columns.FIT, columns.DETECTOR, columns.TRAIN, columns.SEED, columns.EPOCH}
    return {
        "scores": set(columns.SCORES),
        "diagnostics": {*_named().diagnostics, *_routed().diagnostics} - {columns.KEY},
        "validation.csv": set(columns.VALIDATION),
        "throughput.csv": set(make_run().throughput),
        "training.csv": identity | {field.name for field in fields(Epoch)},
        "missing.csv": set(MISSING),
        "lineup score": set(IMAGE_SCORES),
        "lineup runs list": set(RUN_HEADERS),
        "lineup runs list --json": {field.name for field in fields(KnownRun)},
        "lineup sweep": set(RUN_ENDS),
        "lineup cache": {*WHAT, *RUNS},
        "lineup cache --json": {*ENTRY_KEYS, *RUN_KEYS},
    }


def side_tables() -> Headers:
    """Those below leaderboards, and those of commands on finished runs and on lists of scores."""
    run = make_run()
    other = with_data(run, base_degradation="jpeg:75", digest="d2", files="f")
    side_by_side = base_degradation_tables(rankings([with_data(run, files="f"), other]))
    figures = PublishedRows("Published", (PublishedFigure("alpha", 0.9, "a paper", "Table 1"),))
    found = next(condition_outcomes(evaluate(make_run(degraded=True))))
    names = [columns.DEGRADATION, columns.N, columns.N_GENERATED, columns.ROC_AUC, columns.BALANCED_ACCURACY]
    imported = imported_report(ImportedOutcomes(found, pd.DataFrame([["none", 20, 10, 0.9, 0.8]], columns=names)), None)
    worse = make_run(falling(home=0.6, kin=0.5), noise=1)
    changes = comparison_report(compare(golden_from([run]), worse))
    decided = decision_report(compare_decisions(run, worse))
    speeds = speed_report(SpeedResult(pd.DataFrame(columns=list(SPEED_CHANGES)), ()))
    return {
        "base degradations": {column.header for table in side_by_side for column in table.columns},
        "published": set(headers(terminal.published_table(figures))),
        "by condition": set(list(headers(imported))[-len(names) :]),
        "regress": {*headers(changes), *headers(decided), *headers(speeds)},
    }


def _no_images() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=str) for name in RECORDED})


def golden_tables() -> Headers:
    """Those of golden records, and of what a check of one writes."""
    golden, worse = golden_from([make_run()]), make_run(falling(home=0.6, kin=0.5), noise=1)
    newer = with_detector(worse, "alpha", version=2)
    results: list[tuple[GateHalf, GateResults]] = [
        (SCORED_AGAIN, compare_decisions(golden, worse)),
        (FITTED_AGAIN, compare(golden, worse)),
        (REPLACED, compare_replaced(golden, newer, ["alpha"])),
    ]
    findings = GateFindings("record", tuple(GateComparison("record", half, half, one) for half, one in results))
    record = QuestionRecord("record", "", golden, RecordedImages(_no_images(), {}, drawn_splits=False), {})
    return {
        "golden summary": {column.header for column in case_columns(findings.comparisons[0].cases)},
        "golden --json": {*_keys(json.loads(findings_json(findings))), *record_facts(record, [])},
        "contents.parquet": set(RECORDED),
    }


def profile_headers() -> Headers:
    """Those of where the time of a run went."""
    run = make_run()
    stages = tuple(StageTiming(name, 4, 2.0) for name in ("fit or load detectors", "score", "time detectors"))
    timings = RunTimings(9.0, 2, len(run.cells), stages, (FitTiming("alpha", "fog", 0, 2.0),), 0.1)
    profile = profile_run(run, timings, [1, 2])
    return {
        "lineup profile": {column.header for table in profile_tables(profile) for column in table.columns},
        "lineup profile --json": set(_keys(json.loads(profile_json(profile)))),
    }


def compare_tables() -> Headers:
    """Those of comparisons: two detectors of a run, and two runs, of which one has a detector in a new version."""
    golden, run = _golden(), make_run(n=20)
    other = with_detector(make_run(n=20, noise=1), "alpha", version=2)
    found: Headers = defaultdict(set)
    for asked, detectors in (([golden], ["residual", "cnnspot"]), ([run, other], [])):
        compared = compare_detectors([pair_runs(*sides) for sides in choose_sides(asked, detectors)])
        found["compare"] |= set(headers(two_detectors(compared, power=True)))
        found["compare --json"] |= set(_keys(json.loads(comparisons_json(compared))))
    return found


def _keys(document: object) -> Iterator[str]:
    """The names of a document's fields, at any depth."""
    for value in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from _keys(value)
    yield from document if isinstance(document, dict) else ()


def data_tables(folder: Path) -> Headers:
    """Those of a data set: its census, its audit, and the files that cannot be used."""
    for name, kind in (("real", "JPEG"), ("model", "PNG")):
        (folder / "data" / "train" / name).mkdir(parents=True)
        picture = Image.fromarray(texture(name, 16, 16)).convert("L" if name == "model" else "RGB")
        exif = Image.Exif()
        exif[0x0131] = "a camera"
        picture.save(folder / "data" / "train" / name / f"{name}.{kind.lower()}", exif=exif, icc_profile=PROFILE)
    census = take_census(inspect_data(folder / "data", folder / "cache"))
    return {
        "lineup data": set(headers(census_report(census, "two", "data", 200))),
        "audit": set(headers(audit_report([_finding("a"), _finding("b")], "")))
        | set(headers(audit_report([_finding("a")], ""))),
        "excluded.csv": {*census.excluded, "data"},
    }


def _finding(generator: str) -> Finding:
    return Finding(generator, "format", 1, 0.97, 1, 0, "leaks", "generated are PNG in 100%, real in 0%")
