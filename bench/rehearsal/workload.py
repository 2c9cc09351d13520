"""What a planned run would do: images decoded, degraded, prepared, embedded and scored, and fits; nothing is computed.

All of it follows from the plans that the engine itself makes, weighed by how many images a row of the data stands for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.engine.cache import Cache
from bench.engine.embeddings import (
    EmbeddingRequest,
    EmbeddingService,
    needs_embeddings_alone,
    plan_embeddings,
    recipe_embedders,
)
from bench.engine.plan import PlannedCell
from bench.engine.scoring.scoring_plan import ScoringPlan
from bench.engine.selections import Positions, unique_positions
from bench.engine.timing import IMAGES, REPEATS
from bench.engine.train_set import SAMPLE_MEMORY
from bench.records.store import Store
from bench.rehearsal.amounts import Amount, Counted, ImageAmounts, ImagesRead, added, beginnings, by_format
from bench.rehearsal.conditions import NO_PASS, ConditionTally, PassWork
from bench.request.planned_run import PlannedRun
from detectors.api import Embedder, Recipe, Unavailable
from detectors.epochs import FineTunable, TrainedInEpochs
from protocols.degradations import parse_degradation

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
        fine_tuned: Number of images of each fit that goes on from another, as often as it sees them.
        prepared: Images that are prepared for it; an embedder prepares for itself.
        scored: Images that its fitted detectors score, by each and under each degradation.
        decided: The same from embeddings.
    """

    recipe: Recipe
    label: str
    checkpoint: str = ""
    columns: int = 0
    fits: list[int] = field(default_factory=list)
    fine_tuned: list[int] = field(default_factory=list)
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
        embedding: The pass that embeds what fits need.
        scoring: The pass in which all detectors score.
        fitting: What fits read by themselves, in their first epoch.
        refitting: What they read again in all further epochs, at most: images that do not fit into memory.
        embedders: By key.
        detectors: By key of the recipe.
        recorded: Rows of scores that are written.
        timed: What is read to time the detectors, by key of the recipe.
        left_out: Why there is no work for a detector, by its name in the run.
        embedding_pass: What embeds for fits, degradation by degradation.
        scoring_pass: What scores, degradation by degradation.
        images: Of all data sets, that the plan names.
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
    embedding_pass: PassWork = NO_PASS
    scoring_pass: PassWork = NO_PASS
    images: int = 0

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
        return sum(len(work.fits) + len(work.fine_tuned) for work in self.detectors.values())


@dataclass(frozen=True)
class _RecipeInputs:
    """What a recipe reads.

    Attributes:
        embedders: Its own and those of its components.
        embeddings_alone: Whether it reads no images beside.
    """

    embedders: Sequence[Embedder]
    embeddings_alone: bool


def workload(run: PlannedRun) -> Workload:
    """What a planned run would do beyond what its folder and its cache hold; attacks on images are left out."""
    recorded, cache = Store(run.request.out).recorded(), Cache.at(run.request.cache)
    missing = [item for item in run.planned if item.key not in recorded and not cache.has_answer(item.key)]
    inputs, left_out = _inputs(missing, run)
    if any(item.target for item in missing):
        left_out["attacked images"] = "what an attack takes is not measured"
    items = [item for item in missing if item.recipe_key in inputs and not item.target]
    amounts, service = ImageAmounts(run.selections.pool), _embedding_service(run)
    embedders = {key: one.embedders for key, one in inputs.items()}
    unfitted = [item for item in items if not cache.has_fit(item.training_key)]
    for_fits = [(one, service.missing(one)) for one in plan_embeddings(unfitted, embedders, run.selections).requests]
    work = {
        item.recipe_key: DetectorWork(
            item.recipe,
            item.cell.detector,
            item.cell.checkpoint,
            sum(embedder.dim for embedder in embedders[item.recipe_key]),
        )
        for item in items
    }
    for_fits_apart, for_scores_apart = ConditionTally(amounts), ConditionTally(amounts)
    prepared, for_scores = _scoring(items, inputs, work, run, for_scores_apart)
    embedded = [(one, service.missing(one)) for one in for_scores]
    for tally, requests in ((for_fits_apart, for_fits), (for_scores_apart, embedded)):
        for one, images in requests:
            tally.embed(one.embedder.key, one.degradation.name, one.images, images)
    to_score = [*prepared, *((request.degradation.name, images) for request, images in embedded)]
    return Workload(
        sum(item.recipe_key in inputs for item in missing),
        _checked(run),
        amounts.reading((request.degradation.name, images) for request, images in for_fits),
        amounts.reading(to_score),
        *_fitting(items, inputs, work, run, amounts),
        _by_embedder([*for_fits, *embedded], amounts),
        work,
        sum(run.selections[item.cell.test].images.count for item in items),
        _timed(items, run) if run.request.timed else {},
        left_out,
        for_fits_apart.work(),
        for_scores_apart.work(),
        sum(run.selections.all_images(name).images.count for name in run.data),
    )


def _inputs(missing: Sequence[PlannedCell], run: PlannedRun) -> tuple[dict[str, _RecipeInputs], dict[str, str]]:
    """What every recipe that can run here reads, by its key; and by detector why the others cannot."""
    found: dict[str, _RecipeInputs] = {}
    left_out = {item.cell.detector: item.missing for item in missing if item.missing}
    for key, item in {item.recipe_key: item for item in missing if not item.missing}.items():
        try:
            embedders = recipe_embedders(item.recipe, run.runtime)
            found[key] = _RecipeInputs(embedders, needs_embeddings_alone(item.recipe, run.runtime))
        except Unavailable as error:
            left_out[item.cell.detector] = str(error)
    return found, left_out


def _embedding_service(run: PlannedRun) -> EmbeddingService:
    """Knows which embeddings the cache holds."""
    request = run.request
    cache, runtime = Cache.at(request.cache), run.runtime
    return EmbeddingService(run.selections.pool, cache, runtime, request.batch_size, request.workers, Counter())


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
    items: Sequence[PlannedCell],
    inputs: Mapping[str, _RecipeInputs],
    work: Mapping[str, DetectorWork],
    run: PlannedRun,
    tally: ConditionTally,
) -> tuple[list[tuple[str, Positions]], list[EmbeddingRequest]]:
    """The images that are prepared for detectors, with the degradation of each, and the embeddings that are looked up.

    What detectors score is added to their work, and to the tally.
    """
    amounts = tally.amounts
    planned = [item for item in run.planned if not item.target]
    plan = ScoringPlan(run.selections, planned, items, run.request.batch_size)
    prepared: dict[tuple[str, str], list[Positions]] = defaultdict(list)
    embedded: dict[tuple[str, str], list[Positions]] = defaultdict(list)
    for key, cells in plan.missing.items():
        recipe, chain, images = cells[0].recipe_key, key[1], plan.images(key)
        for embedder in inputs[recipe].embedders:
            embedded[embedder.key, chain].append(images)
        tally.answer(recipe, chain, images, from_embeddings=inputs[recipe].embeddings_alone)
        if inputs[recipe].embeddings_alone:
            work[recipe].decided += amounts.of(images).images
        else:
            work[recipe].scored += amounts.of(images).images
            prepared[recipe, chain].append(images)
    to_prepare = []
    for (recipe, chain), parts in prepared.items():
        images = unique_positions(parts)  # all fits of a recipe share what is prepared
        work[recipe].prepared += amounts.of(images).images
        tally.prepare(recipe, chain, images)
        to_prepare.append((chain, images))
    embedders = {embedder.key: embedder for one in inputs.values() for embedder in one.embedders}
    requests = [
        EmbeddingRequest(embedders[key], parse_degradation(chain).on(run.degrading_device), unique_positions(parts))
        for (key, chain), parts in embedded.items()
    ]
    return to_prepare, requests


def _fitting(
    items: Sequence[PlannedCell],
    inputs: Mapping[str, _RecipeInputs],
    work: Mapping[str, DetectorWork],
    run: PlannedRun,
    amounts: ImageAmounts,
) -> tuple[ImagesRead, ImagesRead]:
    """What the fits read that are not in the cache, and read again; their sizes are added to their detectors' work."""
    cache, first, again = Cache.at(run.request.cache), ImagesRead({}, {}), ImagesRead({}, {})
    unfitted = [item for item in items if not cache.has_fit(item.training_key)]
    needed = [one for item in unfitted for one in (item.base, item) if one]
    for item, subset in {item.training_key: (item, item.fitted_on) for item in needed}.values():
        if subset is None or cache.has_fit(item.training_key):
            continue
        positions = unique_positions([run.selections[subset].positions])
        detector, amount = work[item.recipe_key], amounts.of(positions)
        if item.base and isinstance(item.recipe, FineTunable):
            detector.fine_tuned.append(amount.images * item.recipe.fine_tuning_epochs)
        else:
            detector.fits.append(amount.images)
        if not inputs[item.recipe_key].embeddings_alone:
            kept = min(1.0, SAMPLE_MEMORY / (PIXEL_BYTES * amount.pixels)) if amount.pixels else 1.0
            reading = amounts.reading([(subset.common_degradation, positions)])
            first, again = first + reading, again + reading.times((detector.epochs - 1) * (1 - kept))
    return first, again
