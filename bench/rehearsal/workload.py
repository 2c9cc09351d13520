"""What a planned run would do: images decoded, degraded, prepared, embedded and scored, and fits; nothing is computed.

All of it follows from the plans that the engine itself makes, weighed by how many images a row of the data stands for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.engine.cache import Cache
from bench.engine.embeddings import (
    EmbeddingRequest,
    EmbeddingService,
    RecipeEmbedders,
    plan_embeddings,
    recipe_embedders,
)
from bench.engine.plan import PlannedCell
from bench.engine.scoring_plan import ScoringPlan
from bench.engine.selections import Positions, unique_positions
from bench.engine.timing import IMAGES, REPEATS
from bench.engine.train_set import SAMPLE_MEMORY
from bench.records.store import Store
from bench.rehearsal.amounts import Amount, Counted, ImageAmounts, ImagesRead, added, beginnings, by_format
from bench.request.planned_run import PlannedRun
from detectors.api import Embedder, Recipe, Unavailable
from detectors.epochs import TrainedInEpochs

PIXEL_BYTES = 3  # of a decoded image


@dataclass
class DetectorWork:
    """What is done for one recipe, whatever it is fitted on.

    Attributes:
        recipe: The recipe.
        label: What the run calls it.
        checkpoint: The file that it is loaded from; empty where it is fitted.
        columns: Of the embeddings that a fit reads.
        fits: Number of images of each fit.
        prepared: Images that are prepared for it; an embedder prepares for itself.
        scored: Images that its fitted detectors score, by each and under each degradation.
        decided: The same from embeddings.
    """

    recipe: Recipe
    label: str
    checkpoint: str = ""
    columns: int = 0
    fits: list[int] = field(default_factory=list)
    prepared: int = 0
    scored: int = 0
    decided: int = 0

    @property
    def epochs(self) -> int:
        """Of a fit, at most; 1 where it is no training in epochs."""
        return self.recipe.most_epochs if isinstance(self.recipe, TrainedInEpochs) else 1


@dataclass(frozen=True)
class EmbeddingWork:
    """What is done by one embedder.

    Attributes:
        embedder: The embedder.
        images: Embeddings that it makes.
    """

    embedder: Embedder
    images: int


@dataclass(frozen=True)
class Workload:
    """What a run would do.

    Attributes:
        cells: Number of cells to answer.
        checked: Files that are decoded once before anything else, since they were never inspected; by format.
        embedding: The pass that embeds.
        scoring: The pass in which networks score.
        fitting: What fits read by themselves, in their first epoch.
        refitting: What they read again in all further epochs, at most: images that do not fit into memory.
        embedders: By key.
        detectors: By key of the recipe.
        recorded: Rows of scores that are written.
        timed: What is read to time the detectors, by key of the recipe.
        left_out: Why there is no work for a detector, by its name in the run.
    """

    cells: int
    checked: Counted
    embedding: ImagesRead
    scoring: ImagesRead
    fitting: ImagesRead
    refitting: ImagesRead
    embedders: Mapping[str, EmbeddingWork]
    detectors: Mapping[str, DetectorWork]
    recorded: int
    timed: Mapping[str, ImagesRead]
    left_out: Mapping[str, str]

    @property
    def decoded(self) -> Counted:
        """Images that the passes and the fits decode, by format, without what is checked and read again."""
        return added(reading.decoded for reading in (self.embedding, self.scoring, self.fitting))

    @property
    def degraded(self) -> Counted:
        """How often the passes and the fits take each step of a degradation, by the beginning of its chain."""
        return added(reading.degraded for reading in (self.embedding, self.scoring, self.fitting))

    @property
    def fits(self) -> int:
        """Number of fits."""
        return sum(len(work.fits) for work in self.detectors.values())


def workload(run: PlannedRun) -> Workload:
    """What a planned run would do beyond what its folder and its cache hold."""
    recorded = Store(run.request.out).recorded()
    missing = [item for item in run.planned if item.key not in recorded]
    embedders, left_out = _embedders(missing, run)
    items = [item for item in missing if item.recipe_key in embedders]
    others = [item for item in items if not embedders[item.recipe_key].sufficient]
    amounts = ImageAmounts(run.selections.pool)
    embedded = _missing_embeddings(items, embedders, run)
    work = {
        item.recipe_key: DetectorWork(
            item.recipe,
            item.cell.detector,
            item.cell.checkpoint,
            sum(embedder.dim for embedder in embedders[item.recipe_key].embedders),
        )
        for item in items
    }
    sizes = {item.key: run.selections[item.cell.test].images.count for item in items}
    for item in items:
        if embedders[item.recipe_key].sufficient:
            work[item.recipe_key].decided += sizes[item.key]
    return Workload(
        len(items),
        _checked(run),
        amounts.reading((request.degradation.name, images) for request, images in embedded),
        amounts.reading(_scoring(others, work, run, amounts)),
        *_fitting(items, embedders, work, run, amounts),
        _by_embedder(embedded, amounts),
        work,
        sum(sizes.values()),
        _timed(items, run) if run.request.timed else {},
        left_out,
    )


def _embedders(missing: Sequence[PlannedCell], run: PlannedRun) -> tuple[dict[str, RecipeEmbedders], dict[str, str]]:
    """The embedders of every recipe that can run here, by its key; and by detector why the others cannot."""
    found: dict[str, RecipeEmbedders] = {}
    left_out = {item.cell.detector: item.missing for item in missing if item.missing}
    for key, item in {item.recipe_key: item for item in missing if not item.missing}.items():
        try:
            found[key] = recipe_embedders(item.recipe, run.runtime)
        except Unavailable as error:
            left_out[item.cell.detector] = str(error)
    return found, left_out


def _checked(run: PlannedRun) -> Counted:
    """The files that were never inspected, by format: they are taken to be like all others."""
    sets = [run.selections.all_images(name).images for name in run.data]
    share = run.uninspected / max(1, sum(images.count for images in sets))
    return {name: amount.times(share) for name, amount in added(map(by_format, sets)).items() if share}


def _timed(items: Sequence[PlannedCell], run: PlannedRun) -> dict[str, ImagesRead]:
    """What is read to time each detector: some images, again and again, under every chain by itself."""
    chains = {item.cell.test.common_degradation for item in run.planned}
    steps = Counter(step for chain in chains for step in beginnings(chain))
    found = {}
    for item in reversed(items):  # the first cell of a recipe is timed
        images = run.selections[item.cell.test].images.select_at_most(IMAGES // 2)
        decoded = {name: amount.times(1 + REPEATS) for name, amount in by_format(images).items()}
        whole = sum(decoded.values(), Amount())
        found[item.recipe_key] = ImagesRead(decoded, {step: whole.times(count) for step, count in steps.items()})
    return found


def _missing_embeddings(
    items: Sequence[PlannedCell], embedders: Mapping[str, RecipeEmbedders], run: PlannedRun
) -> list[tuple[EmbeddingRequest, Positions]]:
    """The embeddings that the cells need, each request with the images whose embeddings are not in the cache."""
    request = run.request
    service = EmbeddingService(
        run.selections.pool, Cache(request.cache), run.runtime, request.batch_size, request.workers, Counter()
    )
    requests = plan_embeddings(run.planned, items, embedders, run.selections).requests
    return [(one, service.missing(one)) for one in requests]


def _by_embedder(
    embedded: Sequence[tuple[EmbeddingRequest, Positions]], amounts: ImageAmounts
) -> dict[str, EmbeddingWork]:
    """How many embeddings each embedder makes, by its key."""
    counts: Counter[str] = Counter()
    for request, images in embedded:
        counts[request.embedder.key] += amounts.of(images).images
    embedders = {request.embedder.key: request.embedder for request, _ in embedded}
    return {key: EmbeddingWork(embedder, counts[key]) for key, embedder in embedders.items()}


def _scoring(
    items: Sequence[PlannedCell], work: Mapping[str, DetectorWork], run: PlannedRun, amounts: ImageAmounts
) -> Iterator[tuple[str, Positions]]:
    """The images that networks score, with the degradation of each; they are added to the work of their detectors."""
    plan = ScoringPlan(run.selections, run.planned, items, run.request.batch_size)
    prepared: dict[tuple[str, str], list[Positions]] = defaultdict(list)
    for key, cells in plan.missing.items():
        recipe, chain, images = cells[0].recipe_key, key[1], plan.images(key)
        work[recipe].scored += amounts.of(images).images
        prepared[recipe, chain].append(images)
    for (recipe, chain), parts in prepared.items():
        images = unique_positions(parts)  # all fits of a recipe share what is prepared
        work[recipe].prepared += amounts.of(images).images
        yield chain, images


def _fitting(
    items: Sequence[PlannedCell],
    embedders: Mapping[str, RecipeEmbedders],
    work: Mapping[str, DetectorWork],
    run: PlannedRun,
    amounts: ImageAmounts,
) -> tuple[ImagesRead, ImagesRead]:
    """What the fits read that are not in the cache, and read again; their sizes are added to their detectors' work."""
    cache, first, again = Cache(run.request.cache), ImagesRead({}, {}), ImagesRead({}, {})
    for item, subset in {item.training_key: (item, item.cell.train) for item in items}.values():
        if subset is None or cache.has_fit(item.training_key):
            continue
        positions = unique_positions([run.selections[subset].positions])
        detector, amount = work[item.recipe_key], amounts.of(positions)
        detector.fits.append(amount.images)
        if not embedders[item.recipe_key].sufficient:
            kept = min(1.0, SAMPLE_MEMORY / (PIXEL_BYTES * amount.pixels)) if amount.pixels else 1.0
            reading = amounts.reading([(subset.common_degradation, positions)])
            first, again = first + reading, again + reading.times((detector.epochs - 1) * (1 - kept))
    return first, again
