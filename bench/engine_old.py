"""Plan, embed, fit, score, record.

The engine knows two kinds of detector and no name: a recipe with an embedder reads the embedding cache, any other is
handed prepared images. A rerun does only what is missing. Killing a run loses at most the work group in flight: a
chunk of embeddings, one fit, the scores of one fit, or the scores of one test subset.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from bench.errors import InputError
from bench.executors import finished, started
from bench.fitting import Fitter, Resources, Task, fit
from bench.images.imageset import ImageSet
from bench.passes import Chunk, Wanted, batch, chunk_rows, run_pass
from bench.plan import Planned, Selection, Selections
from bench.progress import Advance
from detectors.api import Detector, Embedder, Probe, Recipe, Scores, Unavailable
from protocols.api import Subset
from protocols.degradations import NONE, degradation


@dataclass(frozen=True)
class Outcome:
    """What became of a cell: "scored", "skipped" or "failed"; the last two have a reason."""

    status: str
    reason: str = ""


class Engine:
    """Answers planned cells. `counts` tells what was done and what was there already."""

    def __init__(self, recipes: dict[str, Recipe], selections: Selections, resources: Resources) -> None:
        self._fitter = Fitter(recipes, selections, resources)
        self.counts = self._fitter.counts
        self._recipes = recipes
        self._selections = selections
        self._resources = resources
        self._holes: dict[str, Outcome] = {}  # by cell key, why there is no score

    def run(self, planned: Sequence[Planned]) -> dict[str, Outcome]:
        """Answer every planned cell that is not recorded yet; returns the outcome of each, by key."""
        recorded = self._resources.store.recorded()
        missing = [item for item in planned if item.key not in recorded]
        self.counts["cells reused"] = len(planned) - len(missing)
        embedders = self._embedders(missing)
        self._embed(self._going(missing), embedders)
        going = self._going(missing)
        self._answer_probes([item for item in going if item.cell.detector in embedders])
        self._answer_networks([item for item in going if item.cell.detector not in embedders])
        self.counts["cells answered"] = len(self._going(missing))
        return {item.key: self._holes.get(item.key, Outcome("scored")) for item in planned}

    def fitted(self, item: Planned) -> Detector:
        """The detector that an item needs, from the cache or fitted now."""
        return self._fitter.fitted(item)

    @contextmanager
    def _guard(self, items: Iterable[Planned]) -> Iterator[None]:
        """Keep one detector's trouble from stopping the others: its cells become holes with the reason."""
        try:
            yield
        except InputError:
            raise
        except Unavailable as error:
            self._holes.update({item.key: Outcome("skipped", str(error)) for item in items})
        except Exception as error:  # noqa: BLE001 - whatever a detector raises is the reason that the table shows
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            self._holes.update({item.key: Outcome("failed", reason) for item in items})

    def _going(self, items: Iterable[Planned]) -> list[Planned]:
        return [item for item in items if item.key not in self._holes]

    def _embedders(self, items: Sequence[Planned]) -> dict[str, Embedder]:
        """The embedder of each detector that has one."""
        found = {}
        for name in sorted({item.cell.detector for item in items}):
            with self._guard(item for item in items if item.cell.detector == name):
                if (embedder := self._recipes[name].embedder(self._resources.runtime)) is not None:
                    found[name] = embedder
        return found

    def _embed(self, items: Sequence[Planned], embedders: dict[str, Embedder]) -> None:
        """Fill the cache with every embedding that the items need, in one pass over the images."""
        items = [item for item in items if item.cell.detector in embedders]
        by_key = {embedder.key: embedder for embedder in embedders.values()}
        users = defaultdict(list)
        needs: dict[Subset, dict[tuple[str, str], None]] = defaultdict(dict)
        for item in items:
            key = embedders[item.cell.detector].key
            users[key].append(item)
            needs[item.cell.train][key, NONE] = None
            needs[item.cell.test][key, item.cell.degradation] = None
        chunks = [
            chunk
            for subset, pairs in needs.items()
            for chunk in self._fitter.lacking(self._selections[subset], pairs, by_key)
        ]
        with self._resources.reporter.stage("embed images", sum(len(chunk.rows) for chunk in chunks)) as advance:
            for chunk, prepared in run_pass(chunks, self._resources.workers):
                hashes = chunk.selection.hashes[chunk.rows.start : chunk.rows.stop]
                for (key, name), arrays in prepared.items():
                    if self._going(users[key]):
                        with self._guard(users[key]):
                            self._fitter.keep(by_key[key], name, hashes, arrays)
                self.counts["images decoded"] += len(chunk.rows)
                advance(len(chunk.rows))

    def _answer_probes(self, items: Sequence[Planned]) -> None:
        """Fit each head on cached embeddings and let it decide on cached embeddings."""
        groups = _by_fit(items)
        with self._resources.reporter.stage("fit and score heads", len(groups)) as advance:
            for group in groups:
                with self._guard(group):
                    detector = self.fitted(group[0])
                    self._resources.store.record([self._decide(item, detector) for item in group])
                advance(1)

    def _decide(self, item: Planned, detector: Detector) -> tuple[str, ImageSet, Scores]:
        if not isinstance(detector, Probe):
            msg = (
                f"{item.cell.detector} has an embedder, so its detectors must be probes, not {type(detector).__name__}"
            )
            raise TypeError(msg)
        test = self._selections[item.cell.test]
        embeddings = self._fitter.shelf(detector.embedder, item.cell.degradation)[test.hashes]
        return item.key, test.images, _checked_scores(detector.decide(embeddings), len(embeddings))

    def _answer_networks(self, items: Sequence[Planned]) -> None:
        """Fit each network, then let all of them score each test subset in one pass."""
        detectors: dict[str, Detector] = {}
        groups = _by_fit(items)
        tasks: dict[str, Task] = {}
        for group in groups:
            with self._guard(group):
                tasks |= self._fitter.task(group[0])
        groups = _by_fit(self._going(items))
        with (
            self._resources.reporter.stage("train networks", len(groups)) as advance,
            started(fit, tasks, self._resources.workers) as futures,
        ):
            for group in groups:
                key = group[0].fit_key
                with self._guard(group):
                    if key in futures and finished(futures[key]):
                        self.counts.update({"fits made": 1, "fits reused": -1})
                    detectors[key] = self.fitted(group[0])
                advance(1)
        by_test: dict[Subset, list[Planned]] = defaultdict(list)
        for item in self._going(items):
            by_test[item.cell.test].append(item)
        total = sum(len(self._selections[subset].images) for subset in by_test)
        with self._resources.reporter.stage("score networks", total) as advance:
            for subset, group in by_test.items():
                self._score_subset(self._selections[subset], group, detectors, advance)

    def _score_subset(
        self, test: Selection, items: Sequence[Planned], detectors: dict[str, Detector], advance: Advance
    ) -> None:
        """Score one test subset with every network that is asked about it, and record the scores."""
        wanted = {
            (item.cell.detector, item.cell.degradation): Wanted(
                item.cell.detector, degradation(item.cell.degradation), detectors[item.fit_key].prepare
            )
            for item in items
        }
        rows = chunk_rows(len(test.images), self._resources.batch_size)
        scores: dict[str, list[Scores]] = defaultdict(list)
        for chunk, prepared in run_pass(
            [Chunk(test, part, tuple(wanted.values())) for part in rows], self._resources.workers
        ):
            for item in self._going(items):
                with self._guard([item]):
                    arrays = batch(prepared[item.cell.detector, item.cell.degradation])
                    scores[item.key].append(_checked_scores(detectors[item.fit_key].score(arrays), len(arrays)))
            self.counts["images decoded"] += len(chunk.rows)
            advance(len(chunk.rows))
        done = [(item.key, test.images, np.concatenate(scores[item.key])) for item in self._going(items)]
        if done:
            self._resources.store.record(done)


def _by_fit(items: Iterable[Planned]) -> list[list[Planned]]:
    groups: dict[str, list[Planned]] = defaultdict(list)
    for item in items:
        groups[item.fit_key].append(item)
    return list(groups.values())


def _checked_scores(scores: Scores, size: int) -> Scores:
    """Scores as the contract has them, or a `ValueError` that becomes the reason of a failed cell."""
    fine = scores.shape == (size,) and np.isfinite(scores).all() and (scores >= 0).all() and (scores <= 1).all()
    if not fine:
        msg = f"scores must be {size} finite numbers in [0, 1]; got shape {scores.shape}, "
        raise ValueError(msg + f"from {np.min(scores, initial=1)} to {np.max(scores, initial=0)}")
    return scores
