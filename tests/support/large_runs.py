"""Made-up runs of 44 generators with holes: what stresses a page."""

from __future__ import annotations

from dataclasses import replace

from bench.records.manifest import CheckpointRecord, DataRecord
from bench.records.run import Run
from protocols.api import Scope
from protocols.cross_generator import CrossGenerator
from protocols.released import Released
from tests.support.synthetic_runs import Images, scored_run, with_detector, with_manifest, without

KINDS = ("diffusion", "gan", "autoregressive", "face swap")
FAMILIES = {f"generator_{place:02d}": KINDS[place % len(KINDS)] for place in range(44)}
GENERATORS = tuple(FAMILIES)
FIRST, FURTHER = GENERATORS[:24], GENERATORS[24:]
SKIPPED = "its weights are not here: lineup weights get npr@NPR"
FAILED = "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB"
UNREAD = "ValueError: scores are not finite for 3 of 12 images, the first: val/generator_07/0003.jpg"
FURTHER_DATA = "wild"


class ManyImages(Images):
    """What a protocol may know of the images of some generators."""

    def __init__(self, generators: tuple[str, ...]) -> None:
        self.generators = generators
        self.families = {name: FAMILIES[name] for name in generators}

    untouched = "val"

    def generators_in(self, split):
        return self.generators


def _skill(detector: str, train: str, test: str, degradation: str, seed: int) -> float:
    del seed
    home = 0.97 if train in {test, ""} else 0.85 if FAMILIES[train] == FAMILIES[test] else 0.6
    return home - 0.02 * len(detector) / 5 - (0.1 if degradation != "none" else 0.0)


def _on(run: Run, generators: tuple[str, ...]) -> Run:
    families = {name: FAMILIES[name] for name in generators}
    return with_manifest(run, data=replace(run.manifest.data, generators=generators, families=families))


def large_run(detectors: tuple[str, ...] = ("alpha", "beta", "gamma"), n: int = 6) -> Run:
    """Every generator on every generator: the second detector failed on one of them, the last was never run."""
    run = _on(scored_run(CrossGenerator(), Scope(ManyImages(GENERATORS), detectors), _skill, n), GENERATORS)
    cells = run.cells
    run = without(run, cells["detector"].eq(detectors[1]) & cells["test"].eq("generator_07"), "failed", UNREAD)
    return without(run, cells["detector"].eq(detectors[-1]), "skipped", SKIPPED)


def released_run(detectors: tuple[str, ...] = ("alpha@one", "beta@two", "gamma@three"), n: int = 6) -> Run:
    """Checkpoints on two data sets of 44 generators together: one failed on half of the cells of the second set."""
    scope = Scope(
        ManyImages(FIRST),
        detectors,
        other_images={FURTHER_DATA: ManyImages(FURTHER)},
        checkpoints={name: name.partition("@")[2] for name in detectors},
    )
    run = _on(scored_run(Released(("jpeg:65",)), scope, _skill, n), FIRST)
    further: DataRecord = replace(
        run.manifest.data, title="photographs of the wild", digest="d2", generators=FURTHER,
        families={name: FAMILIES[name] for name in FURTHER},
    )  # fmt: skip
    protocol = replace(run.manifest.protocol, name="released", title=Released.title, trains=False)
    run = with_manifest(run, further={FURTHER_DATA: further}, protocol=protocol)
    for name in detectors:
        run = with_detector(run, name, checkpoint=CheckpointRecord(f"{name}.pth", "0" * 64))
    cells = run.cells
    failed = cells["detector"].eq(detectors[1]) & cells["test_data"].eq(FURTHER_DATA) & cells["degradation"].eq("none")
    run = without(run, failed, "failed", FAILED)
    return without(run, cells["detector"].eq(detectors[2]), "skipped", SKIPPED)
