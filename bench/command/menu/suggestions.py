"""What completes the value of an option or argument: names that are installed, and result folders that lie there.

Each is asked while somebody waits at a prompt, so none imports what computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.request.defaults import DEGRADING_PLACES

MANIFEST, RECORD = "manifest.json", "record.json"  # of a result folder, and of a golden record
DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("float32", "bfloat16")
BACKENDS = ("auto", "torch", "onnxruntime", "openvino", "inductor")
RUN_SETTINGS = ("auto", "paper", "small")
FIGURES = (  # of Lineup, whose modules import what draws
    *("averages", "critical_difference", "matrix", "curves", "confusion", "speed", "stages", "transfer", "overlap"),
    *("roc", "reliability", "slices", "mistakes", "spectra", "saliency", "training"),
)
EXPORTED = (  # tables of `lineup export`, the sections of Lineup last, and their forms; the modules compute
    *("leaderboard", "matrix", "cells", "throughput", "scores", "wide-scores", "wide-log-odds", "fiftyone"),
    *("conditions", "attribution", "pairs", "routes", "generators", "thresholds", "orders", "reported", "degradations"),
)
SCORE_FORMS = ("columns", "predictions")
EXPORT_FORMS = ("csv", "spreadsheet", "parquet", "markdown", "latex", "json")
METRICS = (  # of Lineup, in the usual shares
    *("accuracy", "real_accuracy", "generated_accuracy", "balanced_accuracy", "ap", "roc_auc", "precision", "recall"),
    *("f1", "eer", "oracle_accuracy", "oracle_balanced_accuracy", "tpr_at_fpr_0.1pct", "tpr_at_fpr_1pct"),
    *("tpr_at_fpr_5pct", "precision_at_prevalence_1pct", "ece", "brier", "nll"),
)
WORST = ("worst_generator", "worst_condition")
Suggest = Callable[[str], list[str]]


def one_of(names: Callable[[], Iterable[str]]) -> Suggest:
    """What completes a value that is one of some names."""

    def suggest(incomplete: str) -> list[str]:
        return [name for name in names() if name.startswith(incomplete)]

    return suggest


def several_of(names: Callable[[], Iterable[str]]) -> Suggest:
    """What completes the last of several names between commas."""

    def suggest(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        taken = set(before.split(","))
        return [f"{before}{comma}{name}" for name in names() if name.startswith(last) and name not in taken]

    return suggest


def installed(group: str) -> Callable[[], list[str]]:
    """Names of the entry points of a group."""

    def names() -> list[str]:
        from importlib.metadata import entry_points

        return sorted(entry_points(group=group).names)

    return names


def degradation_names() -> list[str]:
    """Degradations as they are written, with each severity that is in use; then the profiles."""
    from protocols.degradations import catalogue

    found = []
    for name, kind in catalogue.kinds().items():
        if not isinstance(kind, str):  # which says why it cannot be had
            found += [f"{name}:{one}" for one in kind.severities] or [f"{name}:" if kind.parse("") is None else name]
    return [*found, *profile_names()]


def profile_names() -> list[str]:
    """The profiles that ship."""
    from protocols import profiles

    return list(profiles.profile_names())


def card_names() -> list[str]:
    """Everything that has a card: detectors, protocols, degradations, profiles."""
    from protocols.degradations import catalogue

    groups = ("lineup.detectors", "lineup.protocols")
    return [*(name for group in groups for name in installed(group)()), *catalogue.names(), *profile_names()]


def figure_names() -> list[str]:
    """The figures of Lineup and of other packages."""
    return [*FIGURES, *installed("lineup.figures")()]


def exported_names() -> list[str]:
    """What `lineup export` writes, and the sections of other packages."""
    return [*EXPORTED, *installed("lineup.report_sections")()]


def metric_names() -> list[str]:
    """The metrics of Lineup and of other packages, and the worst values."""
    return [*METRICS, *installed("lineup.metrics")(), *WORST]


def rank_names() -> list[str]:
    """What can rank: conditions are no sample."""
    return [name for name in metric_names() if name != "worst_condition"]


def column_names() -> list[str]:
    """The columns that are explained, those of metrics left out."""
    import tomllib

    from bench import explanations

    files = sorted((Path(explanations.__path__[0]) / "columns").glob("*.toml"))
    read = (tomllib.loads(file.read_text(encoding="utf-8")) for file in files)
    return list(dict.fromkeys(name for one in read for entry in one["column"] for name in entry["names"]))


def data_places(incomplete: str) -> list[str]:
    """What completes a place of images: the corpus, a layout before its colon, or a path."""
    layouts = [f"{name}:" for name in installed("lineup.layouts")()]
    return [name for name in ("embedded", *layouts) if name.startswith(incomplete)] + result_folders(incomplete)


def runs(incomplete: str) -> list[str]:
    """What completes a run: result folders, and what runs in the usual place were named."""
    from bench.request.run_folders.finding import names_of_runs

    named = [name for name in names_of_runs() if name.startswith(incomplete) and " " not in name]
    return [*named, *result_folders(incomplete)]


def record_folders(incomplete: str) -> list[str]:
    """What completes the path of a golden record, as `result_folders` does."""
    return result_folders(incomplete, RECORD)


def result_folders(incomplete: str, known_by: str = MANIFEST) -> list[str]:
    """What completes the path of a result folder: such folders, and those that may hold some, with a slash."""
    typed, _, start = incomplete.rpartition("/")
    prefix = incomplete[: len(incomplete) - len(start)]
    parent = Path(prefix or ".").expanduser()
    if typed.startswith("~") and not parent.is_dir():
        return []
    found = [one for one in sorted(parent.iterdir()) if one.name.startswith(start) and one.is_dir()]
    shown = [one for one in found if start.startswith(".") or not one.name.startswith(".")]
    return [f"{prefix}{one.name}{'' if (one / known_by).is_file() else '/'}" for one in shown]


_DETECTORS, _DEGRADATIONS = installed("lineup.detectors"), several_of(degradation_names)
# by the name of a parameter, whatever command has it, or by command and parameter
OF_PARAMETERS: Mapping[str, Suggest] = {
    "protocol": one_of(installed("lineup.protocols")),
    "detectors": several_of(_DETECTORS),
    "detector": one_of(_DETECTORS),
    "regress only": several_of(_DETECTORS),
    "degradations": _DEGRADATIONS,
    "base_degradation": _DEGRADATIONS,
    "profile": one_of(profile_names),
    "data": data_places,
    "device": one_of(lambda: DEVICES),
    "precision": one_of(lambda: PRECISIONS),
    "backend": one_of(lambda: BACKENDS),
    "degrade_on": one_of(lambda: DEGRADING_PLACES),
    "setting": one_of(lambda: RUN_SETTINGS),
    "run": runs,
    "runs": runs,
    "like": runs,
    "finished": runs,
    "folders": result_folders,
    "out": result_folders,
    "record": record_folders,
    "what": several_of(exported_names),
    "metrics": several_of(metric_names),
    "rank_by": one_of(rank_names),
    "export form": several_of(lambda: EXPORT_FORMS),
    "score form": one_of(lambda: SCORE_FORMS),
    "figure name": one_of(figure_names),
    "show name": one_of(card_names),
    "list name": one_of(card_names),
    "explain column": one_of(column_names),
}


def suggest_values(command: str, parameters: Iterable[Any]) -> None:
    """Let parameters of a command complete their values.

    Args:
        command: What is typed for it.
        parameters: As typer has them.
    """
    for one in parameters:
        if found := OF_PARAMETERS.get(f"{command} {one.name}") or OF_PARAMETERS.get(one.name):
            # where typer itself keeps `autocompletion`
            one._custom_shell_complete = lambda _context, _parameter, typed, found=found: found(typed)  # noqa: SLF001
