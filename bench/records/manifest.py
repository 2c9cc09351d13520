"""The manifest of a run: a frozen, versioned type, checked when it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from bench.platform.errors import InputError
from bench.platform.outside.json_text import parse_json
from protocols.api import PublishedAverage, Role

SCHEMA = 2  # rises when an older file would be misread
ALL_CELLS = "all cells"  # the average that every protocol has
_FIRST_SCHEMA = 1  # of a file without a number
_SCHEMA = "schema"
_BASE_DEGRADATION = "arm"  # in the file
RERUN = "run the same command again"
ShotLearning = Literal["", "fine-tuned", "head fitted anew", "trained anew"]


@dataclass(frozen=True, slots=True)
class AxisRecord:
    """An axis of the view.

    Attributes:
        name: Its name.
        generators: Whether its values are generators.
        steps: Whether they are steps of one quantity, in reading order.
    """

    name: str
    generators: bool
    steps: bool = False


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """An average, and its role."""

    name: str
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class ProfileRecord:
    """A profile that a protocol was given, as it was when the run was made.

    Attributes:
        name: As users write it; of a file of their own, its name without folder and ending.
        version: As it states.
        degradations: Canonical names.
        score: Weight by outcome; empty for none.
    """

    name: str
    version: int
    degradations: tuple[str, ...]
    score: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProtocolRecord:
    """The protocol of a run.

    Attributes:
        name: The protocol's.
        title: What it asks, in one line.
        rows: Axis of the view's rows.
        columns: Axis of its columns.
        groups: The averages in reading order; the cells say which of them they are part of.
        options: As the user chose them.
        axes: Names of the axes that are the protocol's own: further columns of the cells.
        published: Which published averages may be shown beside the ranking.
        worst_over: Axes over whose values means and the worst are shown, with what tables call such a value.
        trains: Whether it trains detectors, and does not only read released ones.
        pairs: Whether generated images are compared with real ones one by one.
        files: Digest of each file of the user's that says a part of the question: by option, "protocol" for its own.
        profiles: The profiles that were named, in the order in which they were.
    """

    name: str
    title: str
    rows: AxisRecord
    columns: AxisRecord
    groups: tuple[GroupRecord, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    axes: tuple[str, ...] = ()
    published: PublishedAverage | None = None
    worst_over: Mapping[str, str] = field(default_factory=dict)
    trains: bool = True
    pairs: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
    profiles: tuple[ProfileRecord, ...] = ()

    def group(self, role: Role) -> str | None:
        """Name of the average with that role; None where there is none."""
        return next((group.name for group in self.groups if group.role == role), None)


@dataclass(frozen=True, slots=True)
class DataRecord:
    """A data set of a run.

    Attributes:
        title: What the set is called on every table.
        kind: "embedded" for the project's own corpus, "folder" for anything else.
        version: Version that the data set gives.
        digest: Name, content and label of every image that was used.
        images: Number of images that were used.
        generators: In reading order.
        families: Generator to family.
        limit: Images of each generator, split and class, at most; None for all.
        base_degradation: What every image went through first; files of this schema call it "arm".
        files: Identity of the image files, before anything was done to them.
        warnings: Sentences that must be read before any table.
        census: Counts of the files, for a reader of the manifest.
        published_name: What published tables call this data; empty for data that they do not have.
    """

    title: str
    kind: Literal["embedded", "folder"]
    version: str
    digest: str
    images: int
    generators: tuple[str, ...]
    families: Mapping[str, str]
    limit: int | None = None
    base_degradation: str = "none"
    files: str = ""
    warnings: tuple[str, ...] = ()
    census: Mapping[str, Any] = field(default_factory=dict)
    published_name: str = ""


@dataclass(frozen=True, slots=True)
class CheckpointRecord:
    """A released checkpoint that a row was loaded from.

    Attributes:
        file: Its name on the machine of the run.
        sha256: Of its content; empty where it was not there.
        name: In the registry; empty where the registry does not know it.
        digest_known: Whether the registry has its digest, and so vouches for the file.
        trained_on: Canonical names of the generators that it saw in training; None where that is not known.
        seen: Those of the run's data, by the names that its cells have.
        training: Its training images in words.
        published_as: By the benchmark that a published table is about, the name by which it knows this checkpoint.
    """

    file: str
    sha256: str
    name: str = ""
    digest_known: bool = False
    trained_on: tuple[str, ...] | None = None
    seen: tuple[str, ...] = ()
    training: str = ""
    published_as: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """Scores that another tool gave, which a row was read from.

    Attributes:
        file: The table's name on the machine of the import.
        sha256: Of its content.
        scores: What its numbers are: probabilities, or logits.
        said: Whether the user said so; else all of them were in [0, 1].
        positive: The class that a high number is of. Records have the probability of "generated", whatever this is.
        asked: Number of images, one under several conditions counting each time, that a score was wanted of.
        scored: How many of them have one.
        on_missing: What became of the others: left out, or counted as called real (score 0) or generated (score 1).
        trained_on: Generators that it saw in training, as the table says; None where that is not known.
        seen: Those of the run's data, by the names that its cells have.
        notices: What must be read before its numbers.
    """

    file: str
    sha256: str
    scores: Literal["probability", "logit"]
    said: bool
    positive: Literal["generated", "real"]
    asked: int
    scored: int
    on_missing: Literal["exclude", "real", "fake"]
    trained_on: tuple[str, ...] | None = None
    seen: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def coverage(self) -> float:
        """The share of the images that have a score, in [0, 1]."""
        return self.scored / self.asked if self.asked else 0.0


@dataclass(frozen=True, slots=True)
class AgreementRecord:
    """How far the scores of a row are from those of torch in float32, over all of its fitted detectors.

    Attributes:
        precision: In which networks were computed.
        images: On which scores were compared, of each fitted detector.
        detectors: Fitted detectors that were compared.
        largest_change: Of a score.
        flips: Decisions that differ.
        by_torch: Fitted detectors that torch computed in float32 instead, as the difference was too large.
    """

    precision: str
    images: int
    detectors: int
    largest_change: float
    flips: int
    by_torch: int = 0

    @property
    def compared(self) -> int:
        """Decisions that were compared."""
        return self.images * self.detectors


@dataclass(frozen=True, slots=True)
class DetectorRecord:
    """A row, trained, released or imported: the key of its recipe, and what its card says.

    Attributes:
        key: Of its recipe, with the content of its checkpoint behind an @; of an imported row, of its scores.
        version: Of its card.
        shortcut: What a baseline reads in place of traces of generation; empty for a detector.
        card: The whole card, for a reader of the manifest.
        checkpoint: What it was loaded from; None where it was trained or imported.
        imported: Where its scores come from; None where they were computed here.
        shots: How it learns from shots where cells are fine-tuned on them; empty where none is.
        library: What computed its networks, with the version; empty where it has none.
        agreement: How far its scores are from those of torch in float32; None where that computed them.
    """

    key: str
    version: int
    shortcut: str
    card: Mapping[str, Any]
    checkpoint: CheckpointRecord | None = None
    imported: ImportRecord | None = None
    shots: ShotLearning = ""
    library: str = ""
    agreement: AgreementRecord | None = None

    @property
    def trained(self) -> bool:
        """Whether it was trained for the run: neither loaded nor imported."""
        return self.checkpoint is None and self.imported is None


@dataclass(frozen=True, slots=True)
class RuntimeRecord:
    """The device of a run, what was asked to compute networks there, and how work was cut for it.

    Attributes:
        device: Its name for torch.
        precision: Of the bodies of networks.
        processor: Name of the processor or card.
        batch_size: Images that were embedded or scored together.
        workers: Threads that read and prepared, and processes that fitted.
        backend: What was asked to compute the bodies of networks.
        training_threads: Threads that torch trained with where what is learned depends on their number; 0 where
            nothing of the run does.
        cluster: The cluster that embedded, fitted and scored, as it was asked for; empty for one machine.
        degrade_on: "device" where torch computed any step of a degradation there, else "cpu".
    """

    device: str
    precision: str
    processor: str
    batch_size: int
    workers: int
    backend: str = ""
    training_threads: int = 0
    cluster: str = ""
    degrade_on: str = "cpu"

    @property
    def degrades_by_torch(self) -> bool:
        """Whether torch computed any step of a degradation."""
        return self.degrade_on != "cpu"

    @property
    def conditions(self) -> str:
        """Where and how precisely detectors computed, and that torch degraded where it did."""
        degraded = ", degraded by torch" if self.degrades_by_torch else ""
        return f"{self.device}, {self.precision}{degraded}"

    @property
    def degrades_on_card(self) -> bool:
        """Whether torch did so on another device than the processor."""
        return self.degrades_by_torch and not self.device.startswith("cpu")


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of a run.

    Attributes:
        protocol: The protocol.
        data: The images.
        setting: "paper" or "small".
        seeds: Of the trainings.
        detectors: By name.
        runtime: The device.
        versions: Of the libraries whose change moves pixels or fits, and of the project.
        commit: Of the checkout; "unknown" outside of one.
        recipe_options: Options of detectors that a user chose, by detector.
        further: Further data sets, as the cells name them.
        degradations: By kind of degradation that images go through, its version and in brackets the library of a
            version that fixes its pixels beside those of `versions`.
        validation: Share of every train set that was not fitted on and scored; 0 for none.
    """

    protocol: ProtocolRecord
    data: DataRecord
    setting: str
    seeds: tuple[int, ...]
    detectors: Mapping[str, DetectorRecord]
    runtime: RuntimeRecord
    versions: Mapping[str, str]
    commit: str
    recipe_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    further: Mapping[str, DataRecord] = field(default_factory=dict)
    degradations: Mapping[str, str] = field(default_factory=dict)
    validation: float = 0.0

    @property
    def families(self) -> Mapping[str, str]:
        """The family of each generator; those of a further data set have its name before both, as cells name them."""
        found = dict(self.data.families)
        for name, data in self.further.items():
            found |= {f"{name}:{generator}": f"{name}: {family}" for generator, family in data.families.items()}
        return found

    def to_json(self, **further: Any) -> bytes:  # noqa: ANN401 - whatever JSON can hold
        """A JSON file with the version of the schema; `further` entries are written into it too."""
        whole = {_SCHEMA: SCHEMA, **asdict(self), **further}
        for data in (whole["data"], *whole["further"].values()):
            data[_BASE_DEGRADATION] = data.pop("base_degradation")
        return json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def read_manifest(data: bytes, where: str, remedy: str = RERUN) -> tuple[Manifest, dict[str, Any]]:
    """The manifest in a JSON file, and the further entries of the file.

    Args:
        data: The file.
        where: What messages call it.
        remedy: What messages tell a reader to do.

    Raises:
        InputError: It is damaged, or of an older or a newer schema.
    """
    from pydantic import TypeAdapter, ValidationError

    whole = _read_object(data, where, remedy)
    further = {name: whole.pop(name) for name in set(whole) - set(Manifest.__dataclass_fields__)}
    for record in _data_records(whole):
        if _BASE_DEGRADATION in record:
            record["base_degradation"] = record.pop(_BASE_DEGRADATION)
    try:
        return TypeAdapter(Manifest).validate_python(whole), further
    except ValidationError as error:
        first = error.errors()[0]
        raise _damaged(where, f"{'.'.join(map(str, first['loc']))}: {first['msg']}", remedy) from error


def _data_records(whole: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The records of data sets in a manifest, as far as they are ones."""
    further = whole.get("further", {})
    records = [whole.get("data"), *(further.values() if isinstance(further, dict) else ())]
    return [record for record in records if isinstance(record, dict)]


def _read_object(data: bytes, where: str, remedy: str) -> dict[str, Any]:
    """The content of a JSON file of this schema. Raises `InputError` for any other file."""
    try:
        whole = parse_json(data)
    except ValueError as error:
        raise _damaged(where, str(error), remedy) from error
    if not isinstance(whole, dict):
        raise _damaged(where, "no JSON object", remedy)
    schema = whole.pop(_SCHEMA, _FIRST_SCHEMA)
    if type(schema) is not int:
        raise _damaged(where, f"{_SCHEMA}: {schema!r} is no whole number", remedy)
    if schema != SCHEMA:
        age, todo = ("an older", remedy) if schema < SCHEMA else ("a newer", "update Lineup")
        msg = f"{where} was written by {age} version of Lineup (schema {schema}, this one reads {SCHEMA}); {todo}"
        raise InputError(msg)
    return whole


def _damaged(where: str, fault: str, remedy: str) -> InputError:
    return InputError(f"{where} is damaged ({fault}); {remedy}")
