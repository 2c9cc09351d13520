"""What is said of a planned run before it starts: what is answered on what, and what it would cost."""

from __future__ import annotations

from bench.engine.selections import Positions, unique_positions
from bench.platform.progress import Reporter
from bench.records import columns
from bench.records.store import Store
from bench.request.planned_run import PlannedRun
from protocols.api import NONE, Subset


def announce(run: PlannedRun, reporter: Reporter) -> None:
    """Say in a few lines what is about to be answered, and on what."""
    request = run.request
    reporter.say(run.protocol.title)
    for name, images in run.data.items():
        size = f"{len(images)} images, {len(images.generators)} generators, {name or request.data}"
        reporter.say(f"{'And' if name else 'Data'}: {images.title} ({size})")
    if request.base_degradation != NONE:
        reporter.say(f"Everything first {request.base_degradation}, for training and testing")
    for warning in run.census.warnings:
        reporter.say(f"Warning: {warning}")
    for note in run.census.notes:
        reporter.say(f"Note: {note}")
    reporter.say(f"Detectors: {', '.join(run.recipes)} in the {run.setting} setting on {run.runtime.device}")
    seeds = ", ".join(map(str, request.seeds))
    reporter.say(f"Cells: {len(run.planned)}, seeds {seeds}, results in {request.out}")


def estimate(run: PlannedRun, reporter: Reporter) -> None:
    """Say what answering would cost: cells to answer, images to decode, and the time where it is known."""
    store = Store(run.request.out)
    recorded = store.recorded()
    missing = [item for item in run.planned if item.key not in recorded]
    fits = {item.fit_key for item in missing}
    images = _images(run, [subset for item in missing for subset in (item.cell.train, item.cell.test) if subset])
    reporter.say(
        f"To answer: {len(missing)} of {len(run.planned)} cells, {len(fits)} fits, {len(images)} images to decode"
    )
    read: dict[tuple[str, str], list[Subset]] = {}
    for item in missing:
        for subset in (item.cell.train, item.cell.test):
            if subset is not None:
                read.setdefault((item.cell.detector, subset.degradation), []).append(subset)
    timed = store.throughput().drop_duplicates(columns.DETECTOR, keep="last").set_index(columns.DETECTOR)
    speeds = timed[columns.IMAGES_PER_S]
    if unknown := sorted({detector for detector, _ in read} - set(speeds.index)):
        reporter.say(f"Expected time: unknown, {', '.join(unknown)} was not timed in {run.request.out} yet")
        return
    seconds = sum(len(_images(run, subsets)) / speeds[detector] for (detector, _), subsets in read.items())
    reporter.say(f"Expected time: at most {seconds:.0f} s for what the cache does not hold, fitting not counted")


def _images(run: PlannedRun, subsets: list[Subset]) -> Positions:
    """The images of some subsets, each once."""
    return unique_positions(run.selections[subset].positions for subset in dict.fromkeys(subsets))
