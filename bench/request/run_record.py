"""The record of a planned run beside its scores: the manifest and the table of cells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from bench.engine.cache import Cache
from bench.engine.caching.use_records import RunUse
from bench.engine.caching.working_cache import CORPUS
from bench.engine.embeddings import needs_embeddings_alone
from bench.engine.plan import degradation_of, training_threads
from bench.engine.scoring.agreement import Agreement
from bench.engine.versions import commit, versions
from bench.images.data_names import EMBEDDED
from bench.images.vocabulary.generator_names import GENIMAGE, same_generator
from bench.inference.backends import library_name
from bench.platform.files import digest
from bench.records import columns
from bench.records.manifest import (
    AgreementRecord,
    AxisRecord,
    CheckpointRecord,
    DataRecord,
    DetectorRecord,
    GroupRecord,
    Manifest,
    ProfileRecord,
    ProtocolRecord,
    RuntimeRecord,
    ShotLearning,
)
from bench.records.outcomes import Outcome, Unasked
from bench.report.sections.reported import benchmark_name
from bench.request.defaults import CPU, DEVICE
from bench.request.devices import processor_name
from bench.request.planned_run import PlannedRun
from bench.request.protocol_catalogue import option_values
from bench.request.protocol_check import axes_of
from detectors.api import Recipe, Unavailable
from detectors.epochs import FineTunable
from detectors.network_kinds import network_kinds
from detectors.weights.released import FoundCheckpoint, checkpoint_id
from protocols.api import Cell, EvaluationProtocol, options_naming
from protocols.degradations import Degradation, canonical_steps, parse_degradation
from protocols.file_protocol import FileProtocol
from protocols.profiles import find_profile

PROTOCOL_FILE = "protocol"  # what the record of files calls the file that is the protocol


def cache_use(run: PlannedRun) -> RunUse:
    """What a planned run uses of the cache; folders of embeddings say themselves that they are used."""
    cache, places = Cache.at(run.request.cache), {}
    paths: dict[str, set[str]] = defaultdict(set)
    for name, images in run.data.items():
        folder = cache.inspections(images, run.request.workers).folder
        places[name or run.request.data_sets[0]] = [folder.relative_to(cache.root).as_posix()]
    for item in run.planned:
        for one in filter(None, (item, item.base, item.target)):
            paths[one.cell.detector].update(cache.places(one.training_key, one.key))
    return RunUse(
        out=str(run.request.out.absolute()),
        protocol=run.request.protocol.name,
        data=", ".join(images.title for images in run.data.values()),
        detectors={name: sorted(used) for name, used in paths.items()},
        images=places,
        shared=["agreements", "graphs", "rates", "shards", *([CORPUS] if EMBEDDED in places else [])],
    )


def manifest_of(run: PlannedRun) -> Manifest:
    """The manifest of a planned run."""
    request = run.request
    data = replace(_data(run, ""), limit=request.limit, base_degradation=request.base_degradation, files=run.files)
    data = replace(
        data, published_name=benchmark_name(request.data_name) if request.data_name else _published_name(run)
    )
    return Manifest(
        protocol=_protocol(run),
        data=data,
        setting=run.setting,
        seeds=request.seeds,
        detectors={name: _detector(run, name, recipe) for name, recipe in run.recipes.items()},
        runtime=RuntimeRecord(
            run.runtime.device,
            run.runtime.precision,
            processor_name(run.runtime),
            request.batch_size,
            request.workers,
            request.backend,
            _training_threads(run),
            request.cluster,
            DEVICE if is_degraded_by_torch(run) else CPU,
        ),
        versions={"lineup": version("lineup-bench"), **versions()},
        commit=commit(),
        recipe_options={name: dict(options) for name, options in request.recipe_options.items()},
        further={name: _data(run, name) for name in run.data if name},
        degradations=degradation_versions(run_chains(run)),
        validation=request.validation,
    )


def _training_threads(run: PlannedRun) -> int:
    """The threads of those trainings of a run that depend on their number; 0 where none does."""
    trained = {item.recipe_key: item.recipe for item in run.planned if item.fitted_on}
    return max((training_threads(recipe, run.runtime) for recipe in trained.values()), default=0)


def run_chains(run: PlannedRun) -> Iterator[Degradation]:
    """Every chain of degradations that images go through: those of the data, and those of the cells.

    What is a part of the images, as that of one class alone, is computed by the processor.
    """
    for images in run.data.values():
        yield from map(parse_degradation, sorted(set(images.degradations) - {""}))
    subsets = (subset for cell in run.cells for subset in (cell.train, cell.test) if subset is not None)
    for subset in dict.fromkeys(subsets):
        alone = subset.degradation != subset.common_degradation
        yield parse_degradation(subset.degradation) if alone else degradation_of(subset, run.degrading_device)


def is_degraded_by_torch(run: PlannedRun) -> bool:
    """Whether torch computes any step of a degradation: of what it is asked for there may be none."""
    return any(step.place for chain in run_chains(run) for step, _ in chain.steps)


def degradation_versions(chains: Iterable[Degradation]) -> dict[str, str]:
    """The identities of the kinds of degradation in some chains, by kind; by step where a kind has several."""
    found: dict[str, str] = {}
    for step in dict.fromkeys((step.name, step.key) for chain in chains for step in chain.apart()):
        name, identity = step[0], step[1].removeprefix(f"{step[0]}@")
        kind = name.partition(":")[0]
        found[kind if found.get(kind, identity) == identity else name] = identity
    return found


def _protocol(run: PlannedRun) -> ProtocolRecord:
    protocol = run.protocol
    axes = axes_of(protocol)
    return ProtocolRecord(
        name=protocol.name,
        title=protocol.title,
        rows=AxisRecord(protocol.view.rows, axes[protocol.view.rows].generators),
        columns=AxisRecord(protocol.view.columns, axes[protocol.view.columns].generators, protocol.view.curves),
        groups=tuple(GroupRecord(group.name, group.role) for group in run.groups),
        options=option_values(protocol),
        axes=tuple(protocol.axes),
        published=protocol.published,
        worst_over=dict(protocol.worst_over),
        trains=protocol.trains,
        pairs=protocol.pairs,
        files=_file_digests(protocol),
        profiles=tuple(_profiles(protocol)),
    )


def _file_digests(protocol: EvaluationProtocol) -> dict[str, str]:
    """The digest of each file that says a part of the question, by option."""
    found = {PROTOCOL_FILE: protocol.content} if isinstance(protocol, FileProtocol) else {}
    named = [option.name for option in fields(protocol) if option.metadata.get("names") == "file"]
    paths = {name: path for name in named if (path := getattr(protocol, name))}
    return found | {name: digest(Path(path).read_bytes()) for name, path in paths.items()}


def _profiles(protocol: EvaluationProtocol) -> Iterator[ProfileRecord]:
    """The profiles that a protocol or its options name, each once."""
    texts = list(protocol.profiles) if isinstance(protocol, FileProtocol) else []
    texts += [text for chains in options_naming(protocol, "degradations").values() for text in chains]
    for text in dict.fromkeys(texts):
        if found := find_profile(text):
            yield ProfileRecord(Path(text).stem, found.version, canonical_steps(found.degradations), dict(found.score))


def _published_name(run: PlannedRun) -> str:
    """What published tables call the run's data, where its generators tell."""
    return "GenImage" if set(run.images.generators) == {name for name, _, _ in GENIMAGE} else ""


def data_digest(run: PlannedRun) -> str:
    """Name, content and label of every image of the run's data that the protocol uses."""
    return run.selections.all_images().digest


def _data(run: PlannedRun, name: str) -> DataRecord:
    """The record of a data set of the run, and of the images of it that are used."""
    images, used, census = run.data[name], run.selections.all_images(name), run.censuses[name]
    return DataRecord(
        title=images.title,
        kind=images.kind,
        version=images.version,
        digest="" if run.uninspected else used.digest,
        images=len(used.images),
        generators=images.generators,
        families={generator: images.families[generator] for generator in images.generators},
        warnings=tuple(census.warnings),
        census=census.to_json(),
    )


def _detector(run: PlannedRun, name: str, recipe: Recipe) -> DetectorRecord:
    card, checkpoint = recipe.card, run.checkpoints.get(name)
    library = library_name(run.runtime, network_kinds(recipe))
    whole_card = {**asdict(card), **recipe.variant.to_dict()}
    if checkpoint is None:
        shots = _shot_learning(run, name, recipe)
        return DetectorRecord(recipe.key, card.version, card.shortcut, whole_card, shots=shots, library=library)
    key = f"{recipe.key}@{checkpoint_id(card.name, checkpoint.path)}"
    loaded = _checkpoint(run, checkpoint)
    return DetectorRecord(key, card.version, card.shortcut, whole_card, loaded, library=library)


def with_agreements(
    manifest: Manifest, found: Mapping[str, Sequence[Agreement]], before: Manifest | None = None
) -> Manifest:
    """The manifest with how far the scores of each row are from torch's, of those that were compared.

    Args:
        manifest: The manifest.
        found: By detector, what was found of each of its fits.
        before: That of the folder's last command, which may have compared what is not compared any more.
    """
    precision = manifest.runtime.precision
    records = {
        name: AgreementRecord(
            precision,
            max(one.images for one in parts),
            len(parts),
            max(one.largest_change for one in parts),
            sum(one.flips for one in parts),
            sum(one.by_torch for one in parts),
        )
        for name, parts in found.items()
    }
    for name, row in manifest.detectors.items():
        known = before.detectors.get(name) if before else None
        same = known and (known.key, known.library) == (row.key, row.library)
        if name not in records and known and same and known.agreement and known.agreement.precision == precision:
            records[name] = known.agreement
    detectors = {name: replace(row, agreement=records.get(name)) for name, row in manifest.detectors.items()}
    return replace(manifest, detectors=detectors)


def _shot_learning(run: PlannedRun, name: str, recipe: Recipe) -> ShotLearning:
    """How a detector learns from the shots that cells are fine-tuned on; nothing where no cell is, or it cannot run."""
    if not any(cell.fine_tuned and cell.detector == name for cell in run.cells):
        return ""
    if isinstance(recipe, FineTunable):
        return "fine-tuned"
    try:
        head = needs_embeddings_alone(replace(recipe, input="published"), run.runtime)
    except Unavailable:
        return ""
    return "head fitted anew" if head else "trained anew"


def _checkpoint(run: PlannedRun, found: FoundCheckpoint) -> CheckpointRecord:
    entry = found.entry
    if entry is None:
        return CheckpointRecord(found.path.name, found.sha256)
    generators = dict.fromkeys(name for images in run.data.values() for name in images.generators)
    return CheckpointRecord(
        found.path.name,
        found.sha256,
        name=entry.name,
        digest_known=bool(entry.sha256),
        trained_on=entry.trained_on,
        seen=tuple(name for name in generators if any(same_generator(name, one) for one in entry.trained_on or ())),
        training=entry.training,
        published_as=dict(entry.published_as),
    )


def cell_table(run: PlannedRun, outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """One row per planned cell with its outcome, columns `columns.CELLS` and the protocol's own axes."""
    averages: dict[Cell, list[str]] = defaultdict(list)
    for group in run.groups:
        for cell in group.cells:
            averages[cell].append(group.name)
    axes = axes_of(run.protocol)
    rows = []
    keys = {item.cell: item.key for item in run.planned}
    for cell in run.cells:
        key = keys.get(cell, "")
        outcome = outcomes[key] if key else Unasked(run.unasked[cell])
        rows.append(
            {
                columns.KEY: key,
                columns.DETECTOR: cell.detector,
                **{name: axis.value(cell) for name, axis in axes.items()},
                columns.SEED: cell.seed,
                columns.STATUS: outcome.status,
                columns.REASON: outcome.reason,
                columns.GROUPS: tuple(averages[cell]),
            }
        )
    return pd.DataFrame(rows, columns=[*columns.CELLS, *run.protocol.axes])


def validation_table(run: PlannedRun, outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """One row per planned cell whose fit has validation scores, columns `columns.VALIDATION`."""
    keys = {item.cell: item.key for item in run.planned}
    rows = [
        (keys[cell], keys[other], outcomes[keys[other]].status, outcomes[keys[other]].reason)
        for cell, other in run.validation.items()
    ]
    return pd.DataFrame(rows, columns=list(columns.VALIDATION))
