"""`lineup score`: scores of images, one by one."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.command import options
from bench.images.decoding.structure import MAX_PIXELS
from bench.platform.errors import InputError
from bench.platform.outside.spreadsheets import spreadsheet_csv
from bench.platform.outside.terminal import say, say_json
from bench.platform.printable import printable
from bench.records.predictions import prediction_list
from bench.request.defaults import BATCH_SIZE

if TYPE_CHECKING:
    from bench.request.image_scores import ImageScores
    from detectors.api import Setting

PRINTED = "What is printed"
COLUMNS, PREDICTIONS = "columns", "predictions"  # forms of the file that is written
FORMS = {".csv": "csv", ".json": "json", ".jsonl": "jsonl"}  # of the file that is written, by suffix
FileForm = Annotated[
    str, typer.Option(help="What --out holds: columns, or predictions: image_path and pred of what has a score.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.", rich_help_panel=PRINTED)]
AsJsonLines = Annotated[bool, typer.Option("--jsonl", help="Print a JSON object per image.", rich_help_panel=PRINTED)]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV of all columns.", rich_help_panel=PRINTED)]


def score_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    images: Annotated[list[Path], typer.Argument(help="Image files, folders or archives.")],
    detectors: Annotated[str, typer.Option(help="DETECTOR@CHECKPOINT, or several, comma separated.")] = "",
    detector: Annotated[str | None, typer.Option(help="One detector, with its checkpoint as --weights.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Path of its published checkpoint.")] = None,
    fitted: Annotated[
        list[Path] | None, typer.Option(help="A file that `lineup run --keep-fitted` wrote; may be repeated.")
    ] = None,
    degradations: Annotated[
        str, typer.Option(help="Degradations to score each image under besides, such as jpeg:65,lr:112.")
    ] = "",
    profile: Annotated[
        str, typer.Option(help="A named list of degradations, such as delivery, or a TOML file of one.")
    ] = "",
    out: Annotated[Path | None, typer.Option(help="File of all columns: .csv, .json or .jsonl.")] = None,
    form: FileForm = COLUMNS,
    setting: Annotated[
        str | None, typer.Option(help="paper or small: which network the checkpoint is of.", show_default="paper")
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002
    as_jsonl: AsJsonLines = False,  # noqa: FBT002
    as_csv: AsCsv = False,  # noqa: FBT002
    weights_dir: options.WeightsDir = None,
    device: options.Device = "auto",
    precision: options.Precision = "float32",
    backend: options.Backend = "auto",
    batch_size: options.BatchSize = BATCH_SIZE,
    workers: options.Workers = options.CORES,
    timeout: options.Timeout = None,
    max_pixels: options.MaxPixels = str(MAX_PIXELS),
    follow: options.Follow = True,  # noqa: FBT002
) -> None:
    """Score images with checkpoints or fitted detectors.

    Exits with 1 where an image has no score by one of them, or verdicts that differ from degradation to degradation.
    """
    from bench.request.early_checks import chain_names, check_detectors, check_device

    rows = _rows(options.names(detectors), detector, weights)
    chosen = _setting(setting, with_checkpoints=bool(rows))
    pixels = options.pixel_count(max_pixels)
    printed = _printed_form({"json": as_json, "jsonl": as_jsonl, "csv": as_csv})
    check_device(device, precision, backend)
    chains = chain_names([*options.names(degradations), *([profile] if profile else [])])
    if rows:
        check_detectors(rows)
    if out is not None:
        _check_out(out)
    _check_form(form, out, images, len(rows) + len(fitted or []), chains)
    from bench.platform.standard_output import output_aside
    from bench.request.image_scores import ScoreRequest, score_files

    folder, cache = options.weights_folder(weights_dir), options.working_cache().path
    how = device, precision, backend, cache, batch_size, workers, folder, pixels, follow, chains, timeout
    request = ScoreRequest(images, rows, fitted or [], chosen, *how)
    with output_aside():
        found = score_files(request, options.reporter())
    _show(found, printed, out, form)


def _show(found: ImageScores, printed: str, out: Path | None, form: str) -> None:
    """Print and write scores. Raises `typer.Exit` where one is missing, or verdicts differ."""
    from bench.request.image_scores import UNSURE

    ways: dict[str, Callable[[str], None]] = {"csv": typer.echo, "json": say_json, "jsonl": say_json}
    show = ways.get(printed, say)
    for line in _lines(found, printed):
        show(line)
    for note in _notes(found):
        say(note, on_error_stream=True)
    if out is not None:
        _write(found, out, form)
    if not found.whole or UNSURE in found.overall:
        raise typer.Exit(1)


def _check_out(out: Path) -> None:
    """Raise `InputError` where a file cannot be written: scores are not computed to be lost."""
    if out.suffix.lower() not in FORMS and not out.is_dir():
        msg = f"--out {out} is none of the forms that can be written; call it .csv, .json or .jsonl"
        raise InputError(msg)
    existing = next(path for path in out.absolute().parents if path.exists())
    if out.is_dir():
        reason = "Is a directory"
    elif not existing.is_dir():
        reason = "Not a directory"
    elif not os.access(existing, os.W_OK):
        reason = "Permission denied"
    else:
        return
    msg = f"--out {out} cannot be written ({reason}); choose another file"
    raise InputError(msg)


def _check_form(form: str, out: Path | None, images: list[Path], detectors: int, chains: list[str]) -> None:
    """Raise `InputError` where a list of predictions does not say all: of one detector, about images of one folder."""
    options.require_one_of("form", form, (COLUMNS, PREDICTIONS))
    if form != PREDICTIONS:
        return
    found = {
        "without --out": out is None,
        f"for --out {out}": out is not None and out.suffix.lower() != ".json",
        f"for {detectors} detectors": detectors > 1,
        f"for images after {len(chains)} degradations": bool(chains),
        f"for {' and '.join(map(str, images[:2]))}": len(images) != 1 or images[0].is_file(),
    }
    if wrong := next((what for what, is_wrong in found.items() if is_wrong), ""):
        msg = (
            f"--form predictions is given {wrong}, and a list of predictions is a .json file about the images of one "
            "folder, as they are, by one detector; give these, or leave --form out"
        )
        raise InputError(msg)


def _rows(several: tuple[str, ...], detector: str | None, weights: Path | None) -> tuple[str, ...]:
    """The detectors with a checkpoint each. Raises `InputError` where one of a pair of options is missing."""
    if (detector is None) != (weights is None):
        msg = "--detector and --weights belong together; give both, or --detectors DETECTOR@CHECKPOINT"
        raise InputError(msg)
    return several if detector is None else (*several, f"{detector}@{weights}")


def _setting(given: str | None, *, with_checkpoints: bool) -> Setting:
    """The setting of the detectors with a checkpoint. Raises `InputError`."""
    from bench.request.setting import require_setting
    from detectors.card import SETTINGS

    if given is not None and not with_checkpoints:
        msg = f"--setting {given} is given with --fitted, whose file says its setting; leave it out"
        raise InputError(msg)
    require_setting(given or "paper", SETTINGS)
    return "small" if given == "small" else "paper"


def _printed_form(flags: Mapping[str, bool]) -> str:
    """What is printed. Raises `InputError` where several are asked for."""
    chosen = [name for name, flag in flags.items() if flag]
    if len(chosen) > 1:
        msg = f"{' and '.join(f'--{name}' for name in chosen)} were given together; choose one"
        raise InputError(msg)
    return chosen[0] if chosen else "text"


def _notes(found: ImageScores) -> Iterator[str]:
    """How to read the verdicts, and what has none."""
    from bench.request.image_scores import THRESHOLD_SOURCE, UNSURE, unread_text

    threshold = found.table["threshold"].iloc[0]
    yield f"Verdicts: generated where the score is above {threshold:g}, {THRESHOLD_SOURCE}"
    yield from (f"Note: {note}" for note in found.notes)
    if found.unread:
        yield f"Note: {unread_text(found.unread)}"
    if unsure := found.overall.count(UNSURE):
        yield f"{unsure} of {len(found.overall)} verdicts are unsure: they differ from degradation to degradation"
    if missing := int((found.table["reason"] != "").sum()):
        yield f"{missing} of {len(found.table)} scores are missing"


def _write(found: ImageScores, out: Path, form: str) -> None:
    """Write all columns, or a list of predictions of those images that have a score."""
    from bench.platform.files import write_atomically

    if form == PREDICTIONS:
        scored = found.table[found.table["reason"] == ""]
        written = prediction_list(zip(scored["name"], scored["score"], strict=True))
    else:
        written = "\n".join(_lines(found, FORMS[out.suffix.lower()])) + "\n"
    write_atomically(out, lambda path: path.write_text(written, encoding="utf-8"))


def _lines(found: ImageScores, form: str) -> Iterator[str]:
    """The lines that are printed."""
    if form == "csv":
        yield spreadsheet_csv(found.table).rstrip("\n")
        return
    if form in {"json", "jsonl"}:
        yield from _json_lines(found, form)
        return
    shown = found.table[["name", "detector", "degradation", "score", "verdict", "reason"]]
    for row, (name, detector, degradation, score, verdict, reason) in enumerate(shown.itertuples(index=False)):
        who = f"{name}  {detector}  " if found.detectors > 1 else f"{name}  "
        under = f"{degradation}  " if found.conditions > 1 else ""
        yield printable(f"{who}{under}{reason or f'{score:.4f}  {verdict}'}")
        last = (row + 1) % found.conditions == 0
        if found.conditions > 1 and last and (overall := found.overall[row // found.conditions]):
            yield printable(f"{who}all {found.conditions}: {overall}")


def _json_lines(found: ImageScores, form: str) -> Iterator[str]:
    """One document, or an object per image, whose rows are consecutive."""
    from bench.request.image_scores import THRESHOLD_SOURCE

    rows = found.table.to_dict(orient="records")
    size, verdicts = found.detectors * found.conditions, found.overall
    images = [
        _image(rows[first : first + size], verdicts[first // found.conditions : (first + size) // found.conditions])
        for first in range(0, len(rows), size)
    ]
    if form == "json":
        whole = {"threshold_source": THRESHOLD_SOURCE, "not_read": dict(found.unread), "images": images}
        yield json.dumps(whole, indent=1, ensure_ascii=False)
    else:
        yield from (json.dumps(image, ensure_ascii=False) for image in images)


def _image(rows: list[dict[Any, Any]], overall: list[str]) -> dict[str, Any]:
    """One image with the answers of all detectors, as JSON has them: null for what there is not.

    Args:
        rows: Of the table.
        overall: The verdict of each detector over all conditions; shown where there are several.
    """
    answers = []
    for row in rows:
        numbers = {key: None if math.isnan(row[key]) else float(row[key]) for key in ("score", "log_odds")}
        threshold = {key: row[key] for key in ("threshold", "threshold_source")}
        texts = {key: row[key] or None for key in ("verdict", "reason")}
        who = {key: row[key] for key in ("detector", "degradation")}
        answers.append({**who, **numbers, **threshold, **texts})
    image = {"name": rows[0]["name"], "answers": answers}
    if len(overall) == len(rows):
        return image
    detectors = dict.fromkeys(row["detector"] for row in rows)
    return image | {"overall": {name: verdict or None for name, verdict in zip(detectors, overall, strict=True)}}
