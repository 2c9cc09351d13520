"""What commands share: options that several take, how their texts are read, and what the environment says."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar
from urllib.parse import urlsplit

import typer

from bench.images.decoding.structure import MAX_PIXELS
from bench.interface import surroundings
from bench.platform.errors import InputError
from bench.platform.memory import KEEPING_VARIABLES
from bench.request.defaults import BASELINES, DETECTORS

if TYPE_CHECKING:
    from bench.engine.caching.working_cache import WorkingCache
    from bench.images.reading import Reading
    from bench.records.run import Run

MLFLOW_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",  # seconds
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
# what commands share with the interface
CORES, cache_folder, weights_folder = surroundings.CORES, surroundings.cache_folder, surroundings.weights_folder
reporter = surroundings.reporter
_RESOURCES: ContextVar[ExitStack] = ContextVar("what the command that runs holds until it ends")
Resource = TypeVar("Resource")
# headings above the options of `lineup run`, in order
COMPARED, IMAGES, COMPUTED, WRITTEN = "What is compared", "On which images", "How it is computed", "What is written"

Settings = Annotated[Path | None, typer.Option(help="TOML file of options.", rich_help_panel=COMPARED)]
Protocol = Annotated[str, typer.Option(help="As `lineup list` names it; brings options.", rich_help_panel=COMPARED)]
Detectors = Annotated[
    str | None,
    typer.Option(
        help="Rows, comma separated: NAME, NAME:option=value or NAME@CHECKPOINT; or 'all' that are installed.",
        rich_help_panel=COMPARED,
        show_default=DETECTORS.replace(",", ", ")
        + "; all checkpoints where nothing is trained; those that can where generators are named",
    ),
]
Baselines = Annotated[
    bool, typer.Option(help=f"Add {BASELINES}: what shortcuts alone reach.", rich_help_panel=COMPARED)
]
RunSetting = Annotated[
    str, typer.Option(help="paper, small, or auto: paper for real data on a GPU.", rich_help_panel=COMPARED)
]
Seed = Annotated[
    str, typer.Option("--seed", help="Training seed, or several, comma separated.", rich_help_panel=COMPARED)
]
SeedCount = Annotated[
    int | None, typer.Option(min=1, help="So many training seeds, instead of --seed.", rich_help_panel=COMPARED)
]

Data = Annotated[
    str,
    typer.Option(
        help="'embedded', a path or URL, or layout:path; or several. For a dry run also counts:FILE.",
        rich_help_panel=IMAGES,
    ),
]
Real = Annotated[
    str, typer.Option(help="Folder or URL of real images, for data that holds none.", rich_help_panel=IMAGES)
]
DataName = Annotated[
    str, typer.Option(help="What published tables call the data, as GenImage.", rich_help_panel=IMAGES)
]
Limit = Annotated[
    int | None,
    typer.Option(
        min=2,
        help="Images per generator, split, class and copy, at most, evenly spread over names: no others are read.",
        rich_help_panel=IMAGES,
    ),
]
Validation = Annotated[
    float,
    typer.Option(
        min=0,
        max=0.9,
        help="Share of every train set that is not fitted on and scored, for thresholds and calibration.",
        rich_help_panel=COMPARED,
    ),
]
BaseDegradation = Annotated[
    str, typer.Option(help="All images go through it first, as none,canonical:jpeg96.", rich_help_panel=IMAGES)
]
MaxUnreadable = Annotated[
    float, typer.Option(min=0, max=1, help="Share of bad files that is allowed.", rich_help_panel=IMAGES)
]
MaxPixels = Annotated[
    str,
    typer.Option(
        help="Pixels of the largest image that is read, as 200M; each takes a worker 4 to 12 bytes.",
        rich_help_panel=IMAGES,
        show_default=f"{MAX_PIXELS:,}",
    ),
]

Classes = Annotated[
    str, typer.Option(help="What labels or folders mean: 0=real,1=generated,2=skip.", rich_help_panel=IMAGES)
]
Columns = Annotated[
    str, typer.Option(help="Columns of tables: split=...,generator=...,label=...", rich_help_panel=IMAGES)
]
Levels = Annotated[
    str, typer.Option(help="Folders from the top: split,class,generator,content,skip", rich_help_panel=IMAGES)
]
GroupBy = Annotated[
    str, typer.Option(help="What belongs together: folder, name, a column or a pattern.", rich_help_panel=IMAGES)
]
Follow = Annotated[bool, typer.Option("--follow/--no-follow", help="Follow links in folders.", rich_help_panel=IMAGES)]

PlaceOfData = Annotated[
    str,
    typer.Option("--data", help="Where the images of the run lie now; they are checked.", show_default="as recorded"),
]

JunitFile = Annotated[Path | None, typer.Option(help="File of JUnit XML to write.")]
SummaryFile = Annotated[
    Path | None, typer.Option(help="File of Markdown to write.", show_default="added to GITHUB_STEP_SUMMARY")
]

Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.", rich_help_panel=COMPUTED)]
Precision = Annotated[
    str, typer.Option(help="Of networks that score: float32, tf32 (on a GPU) or bfloat16.", rich_help_panel=COMPUTED)
]
Backend = Annotated[
    str,
    typer.Option(
        help="What computes networks: auto, torch, onnxruntime, openvino or inductor.", rich_help_panel=COMPUTED
    ),
]
DegradeOn = Annotated[
    str,
    typer.Option(
        help="What degrades images: cpu, or device: torch, on the device of --device, as far as it can.",
        rich_help_panel=COMPUTED,
    ),
]
BatchSize = Annotated[int, typer.Option(min=1, help="Images per batch on the device.", rich_help_panel=COMPUTED)]
Workers = Annotated[
    int, typer.Option(min=1, help="CPU threads that read, decode and prepare.", rich_help_panel=COMPUTED)
]
Timeout = Annotated[
    float | None,
    typer.Option(
        min=0.1,
        help="Seconds that a detector may take for one batch; what takes longer fails.",
        rich_help_panel=COMPUTED,
        show_default="any time",
    ),
]
ExecutorName = Annotated[
    str,
    typer.Option(
        "--executor", help="Where trainings run: processes, or as a plug-in names it.", rich_help_panel=COMPUTED
    ),
]
Cluster = Annotated[
    str,
    typer.Option(
        help="Where all work is done, by Ray: auto, ray://HOST:PORT, or local:N for N nodes on this machine.",
        rich_help_panel=COMPUTED,
        show_default="this machine",
    ),
]

WeightsDir = Annotated[
    Path | None,
    typer.Option(help="Folder of released checkpoints; default LINEUP_WEIGHTS.", rich_help_panel=COMPUTED),
]

Out = Annotated[
    Path | None,
    typer.Option(
        help="Result folder, or its URL on a store, as s3://bucket/runs/name.",
        rich_help_panel=WRITTEN,
        show_default="results/runs/PROTOCOL, -DATA and what is unusual",
        parser=surroundings.result_folder,
        metavar="PATH",
    ),
]
Replace = Annotated[
    bool,
    typer.Option("--replace", help="Write over another run that OUT holds.", rich_help_panel=WRITTEN),
]
KeepFitted = Annotated[
    bool, typer.Option(help="Keep fitted detectors as files, for `lineup score`.", rich_help_panel=WRITTEN)
]
Tensorboard = Annotated[
    bool, typer.Option(help="Write curves of trainings for TensorBoard, live.", rich_help_panel=WRITTEN)
]
Track = Annotated[
    str,
    typer.Option(
        help="Tell a tracking server of the run: mlflow:URI, or mlflow for MLFLOW_TRACKING_URI.",
        rich_help_panel=WRITTEN,
    ),
]
DryRun = Annotated[
    bool, typer.Option(help="Print what would be done and what it costs, and stop.", rich_help_panel=WRITTEN)
]
Measure = Annotated[
    bool,
    typer.Option(
        "--measure", help="With --dry-run: time a few images of each work here first.", rich_help_panel=WRITTEN
    ),
]

JsonBoard = Annotated[
    bool, typer.Option("--json", help="Print the leaderboard as one JSON document.", rich_help_panel=WRITTEN)
]

Metrics = Annotated[
    str,
    typer.Option(
        help="Further columns, comma separated: eer, ece, brier, nll, f1, tpr_at_fpr_1pct, worst_generator ...",
    ),
]
RankBy = Annotated[
    str,
    typer.Option(
        help="What ranks: accuracy, balanced_accuracy, roc_auc, ap, worst_generator or any metric.",
        show_default="accuracy",
    ),
]


def names(text: str) -> tuple[str, ...]:
    """The parts of a text between commas, each once."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def reading(classes: str, columns: str, levels: str, group: str, *, follow: bool) -> Reading:
    """How data are to be read. Raises `InputError` for texts that are not understood."""
    from bench.images.reading import Reading, parse_classes, parse_columns, parse_levels

    return Reading(parse_classes(classes), parse_columns(columns), parse_levels(levels), group, follow)


def seed_numbers(text: str) -> tuple[int, ...]:
    """Whole numbers between commas, each once. Raises `InputError` for anything else."""
    parts = names(text)
    if not parts or not all(part.isascii() and part.isdigit() for part in parts):
        msg = f"seed {text!r} is not a whole number or several, comma separated; give 0 or 0,1,2"
        raise InputError(msg)
    return tuple(dict.fromkeys(int(part) for part in parts))


def pixel_count(text: str) -> int:
    """A number of pixels, in millions where an M follows it. Raises `InputError` for anything else, or too much."""
    from bench.images.reading import parse_pixel_count

    return parse_pixel_count(text)


@contextmanager
def command_resources() -> Iterator[None]:
    """Give back in the end what a command takes in this context and holds until then."""
    with ExitStack() as held:
        token = _RESOURCES.set(held)
        try:
            yield
        finally:
            _RESOURCES.reset(token)


def until_the_command_ends(resource: AbstractContextManager[Resource]) -> Resource:
    """What a context gives, which is left when the command ends."""
    return _RESOURCES.get().enter_context(resource)


def working_cache(*, reading: bool = False) -> WorkingCache:
    """The cache folder, or where it cannot be written what stands in for it, until the command ends.

    Args:
        reading: Whether the command writes nothing.

    Raises:
        InputError: It is no folder.
    """
    return until_the_command_ends(surroundings.held_cache(reporter(), reading=reading))


def job_summary() -> Path | None:
    """The file in which a CI server wants Markdown on a job: GITHUB_STEP_SUMMARY; None where there is none."""
    named = os.environ.get("GITHUB_STEP_SUMMARY")
    return Path(named) if named else None


def tracking_server(text: str) -> str:
    """The address of the tracking server that an option names; empty for none.

    MLflow is not to wait minutes for a server, nor to tell its makers of its use, unless the environment says so.

    Raises:
        InputError: The option is not understood, or names no server.
    """
    if not text:
        return ""
    tool, _, uri = text.partition(":")
    if tool != "mlflow":
        msg = f"--track {text!r} is not known; give mlflow:http://127.0.0.1:5000, or mlflow"
        raise InputError(msg)
    uri = uri or os.environ.get("MLFLOW_TRACKING_URI", "")
    address = urlsplit(uri)
    if address.scheme not in {"http", "https"} or not address.netloc:
        msg = (
            f"--track {text} names no server ({uri or 'MLFLOW_TRACKING_URI is not set'}); give mlflow:http://HOST:PORT"
        )
        raise InputError(msg)
    if "@" in address.netloc:
        msg = (
            "--track has a password, which would be written into the settings of the run; set MLFLOW_TRACKING_USERNAME"
        )
        raise InputError(f"{msg} and MLFLOW_TRACKING_PASSWORD")
    for name, value in MLFLOW_DEFAULTS.items():
        os.environ.setdefault(name, value)
    return uri


def set_library_defaults() -> None:
    """Set what libraries read when they are loaded; what the user has set stays.

    Threads of torch spin for a tenth of a millisecond alone while they wait, for spinning takes the cores of
    onnxruntime's threads: on two cores a small network scores 1.3 times as fast. Without any spinning what torch
    computes by itself, in many small operations, is up to a fifth slower. Processes that are started from now on, as to
    make the embedded corpus, keep the memory that they free.
    """
    waiting = {} if "OMP_WAIT_POLICY" in os.environ else {"GOMP_SPINCOUNT": "20000"}
    for name, value in (KEEPING_VARIABLES | waiting | surroundings.TELLING_NOBODY).items():
        os.environ.setdefault(name, value)


def exit_where_cells_failed(runs: Iterable[Run]) -> None:
    """Exit with 1 where a cell of one of some runs failed: what is shown of them is not all that was asked."""
    from bench.records.columns import STATUS
    from bench.records.outcomes import Failed

    if any((run.cells[STATUS] == Failed.status).any() for run in runs):
        raise typer.Exit(1)


def require_one_of(what: str, given: str, choices: tuple[str, ...]) -> None:
    """Raise `InputError` unless `given` is one of the choices."""
    if given not in choices:
        msg = f"{what} {given!r} is not known; choose {', '.join(choices)}"
        raise InputError(msg)
