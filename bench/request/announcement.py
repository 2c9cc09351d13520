"""What is printed of a planned run before it starts: its question, its data and its detectors."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from bench.platform.progress import Reporter
from bench.request.planned_run import PlannedRun
from bench.request.run_record import run_chains
from bench.storage.working_copy import store_of
from detectors.input_policy import policy_text
from protocols.api import NONE


def announce_run(run: PlannedRun, reporter: Reporter) -> None:
    """Print the title, the data with its warnings, the detectors and the number of cells."""
    request = run.request
    reporter.say(run.protocol.title)
    for name, images in run.data.items():
        used, held = run.selections.all_images(name).images.count, images.count
        count = f"{held} images" if used == held else f"{used} of {held} images"
        size = f"{count}, {len(images.generators)} generators, {name or request.data_sets[0]}"
        reporter.say(f"{'And' if name else 'Data'}: {images.title} ({size})")
    if request.base_degradation != NONE:
        reporter.say(f"Everything first {request.base_degradation}, for training and testing")
    _announce_censuses(run, reporter)
    for note in dict.fromkeys(note for recipe in run.recipes.values() for note in recipe.notes()):
        reporter.say(f"Note: {note}")
    reporter.say(f"Detectors: {', '.join(run.recipes)} in the {run.setting} setting on {run.runtime.device}")
    if run.degrading_device and (text := _degrading_text(run)):
        reporter.say(text)
    for name, recipe in run.recipes.items():
        if recipe.input != "published":
            reporter.say(f"Input of {name}: {policy_text(recipe)}")
    for reason, lost in Counter(run.unasked.values()).items():
        reporter.say(f"Left out: {lost} of {len(run.cells)} cells: {reason}")
    seeds = ", ".join(map(str, request.seeds))
    own, share = len(run.cells) - len(run.unasked), 100 * request.validation
    held_out = f" and {len(run.planned) - own} on {share:g}% of their train sets" if run.validation else ""
    reporter.say(f"Cells: {own}{held_out}, seeds {seeds}, results in {_place(request.out)}")


def _degrading_text(run: PlannedRun) -> str:
    """Which kinds of degradation torch computes, and which others do; empty where nothing is degraded.

    What is a part of the images is always done by others, so that a kind may stand on both sides.
    """
    steps = [step for chain in run_chains(run) for step in chain.apart()]
    kinds = {by_torch: dict[str, None]() for by_torch in (True, False)}
    for step in steps:
        kinds[bool(step.steps[0][0].place)][step.name.partition(":")[0]] = None
    by_torch, others = (", ".join(found) or "nothing" for found in kinds.values())
    return (
        f"Degraded by torch on {run.degrading_device}: {by_torch}; by Pillow, OpenCV and NumPy: {others}"
        if steps
        else ""
    )


def _place(out: Path) -> str:
    """Where results are found: on a store, and in the folder that is published there."""
    url = store_of(out)
    return f"{url}, published from {out}" if url else str(out)


def _announce_censuses(run: PlannedRun, reporter: Reporter) -> None:
    for name, census in run.censuses.items():
        where = f"{name}: " if name else ""
        for warning in census.warnings:
            reporter.say(f"Warning: {where}{warning}")
        for note in (*census.notes, *(note.text for note in census.file_notes)):
            reporter.say(f"Note: {where}{note}")
