"""The columns of every table that is written."""

from __future__ import annotations

from collections.abc import Iterable

from detectors import types
from protocols.api import AXES

# of cells
KEY = "key"
DETECTOR = "detector"
TRAIN = "train"
TEST = "test"
TEST_DATA = "test_data"
DEGRADATION = "degradation"
TASK = "task"
SEED = "seed"
STATUS = "status"
REASON = "reason"
GROUPS = "groups"  # names of the averages that the cell is part of, a tuple of texts
QUESTION = tuple(AXES)  # the question of a cell, whatever its detector and seed
IDENTITY = (DETECTOR, *QUESTION, SEED)  # identifies planned cells of one run
CELLS = (KEY, *IDENTITY, STATUS, REASON, GROUPS)  # the axes of the protocol's own follow

# of measured cells: the columns of cells, and in [0, 1]
N = "n"  # number of images, 0 or more
N_GENERATED = "n_generated"  # how many of them are generated
ACCURACY = "accuracy"
REAL_ACCURACY = "real_accuracy"
GENERATED_ACCURACY = "generated_accuracy"
BALANCED_ACCURACY = "balanced_accuracy"
AP = "ap"
ROC_AUC = "roc_auc"
RANKED = "ranked_accuracy"  # what averages, ranks and colours are of: both classes of a cell count alike
SOURCES = "sources"  # number of sources that the images are of


def interval_of(measure: str) -> tuple[str, str]:
    """The columns of the lower and the upper end of a measure's interval."""
    return f"{measure}_low", f"{measure}_high"


MEASURES = (
    *(N, N_GENERATED, SOURCES, ACCURACY, *interval_of(ACCURACY), REAL_ACCURACY, GENERATED_ACCURACY),
    *(BALANCED_ACCURACY, *interval_of(BALANCED_ACCURACY), AP, *interval_of(AP), ROC_AUC, *interval_of(ROC_AUC)),
    *(RANKED, *interval_of(RANKED)),
)

# of scores, one row per image and scored cell
NAME = "name"
SOURCE = "source"  # shared by images that are not independent
LABEL = "label"
SCORE = "score"
LOG_ODDS = "log_odds"  # NaN from a detector that has probabilities alone
SCORES = (KEY, NAME, SOURCE, LABEL, SCORE, LOG_ODDS)

# of decisions, one row per score: the columns of scores, and
CELL = "cell"  # position of the cell in the table of cells
CORRECT = "correct"  # whether the image was called what it is

# of diagnostics, one row per image of a cell whose detector gives more than a score: name, diagnostics, and
GENERATOR = "generator"  # which one made the image, "" for a real one
PREDICTED = types.PREDICTED_GENERATOR
ROUTE = types.ROUTE
ROUTE_SCORE = types.ROUTE_SCORE

# of validation, one row per cell whose detector scored what was held out of its train set
VALIDATION_KEY = "validation_key"  # of those scores
VALIDATION = (KEY, VALIDATION_KEY, STATUS, REASON)

# of throughput, one row per timed detector
RECIPE = "recipe"
DATA = "data"
PROCESSOR = "processor"
DEVICE = "device"
PRECISION = "precision"
BATCH_SIZE = "batch_size"
LIBRARY = "library"  # that computed its networks, with the version
IMAGES = "images"
REPEATS = "repeats"
IMAGES_PER_S = "images_per_s"
IMAGES_PER_S_LOW = "images_per_s_low"  # of the slowest repeat
IMAGES_PER_S_HIGH = "images_per_s_high"
LOAD_BEFORE = "load_before"  # processes that wanted a core in the minute before
CPU_SHARE = "cpu_share"  # of the processor time that was asked for, what the process got
OTHER_CORES = "other_cores"  # busy with other processes, on average
DISTURBED = "disturbed"  # whether other work made the timing slower; not known of files of earlier versions
PEAK_MEMORY = "peak_memory_mb"
STAGES = ("read", "decode", "degrade", "prepare", "copy", "device", "head")
TIMING_CONDITIONS = (RECIPE, DATA, PROCESSOR, DEVICE, PRECISION, BATCH_SIZE, LIBRARY)  # a timing holds for these values
THROUGHPUT = (
    DETECTOR,
    *TIMING_CONDITIONS,
    IMAGES,
    REPEATS,
    IMAGES_PER_S,
    IMAGES_PER_S_LOW,
    IMAGES_PER_S_HIGH,
    *(f"{stage}_ms" for stage in STAGES),
    PEAK_MEMORY,
    LOAD_BEFORE,
    CPU_SHARE,
    OTHER_CORES,
    DISTURBED,
)

# of training, one row per epoch: the fit, a cell that it was made for, and the numbers of the epoch
FIT = "fit"
EPOCH = "epoch"


def of_cells(axes: Iterable[str] = ()) -> tuple[str, ...]:
    """The columns of cells of a protocol with further axes of its own."""
    return (*CELLS, *axes)


def of_question(axes: Iterable[str] = ()) -> tuple[str, ...]:
    """The columns of the question of a cell, of a protocol with further axes of its own."""
    return (*QUESTION, *axes)


def of_identity(axes: Iterable[str] = ()) -> tuple[str, ...]:
    """The columns that identify planned cells of one run, of a protocol with further axes of its own."""
    return (DETECTOR, *of_question(axes), SEED)
