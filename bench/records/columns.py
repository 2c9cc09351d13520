"""The columns of every table that is written down. No other module spells them."""

from __future__ import annotations

from protocols.api import AXES

# of cells
KEY = "key"
DETECTOR = "detector"
TRAIN = "train"
TEST = "test"
DEGRADATION = "degradation"
TASK = "task"
SEED = "seed"
STATUS = "status"
REASON = "reason"
GROUPS = "groups"  # names of the averages that the cell is part of, a tuple of texts
QUESTION = tuple(AXES)  # what is asked, whatever is asked with which seed
IDENTITY = (DETECTOR, *QUESTION, SEED)  # what tells planned cells of one run apart
CELLS = (KEY, *IDENTITY, STATUS, REASON, GROUPS)  # the axes of the protocol's own follow

# of scores, one row per image and scored cell
NAME = "name"
SOURCE = "source"  # shared by images that are not independent
LABEL = "label"
SCORE = "score"
SCORES = (KEY, NAME, SOURCE, LABEL, SCORE)

# of diagnostics, one row per image of a cell whose detector says more than a score: name, what it said, and
GENERATOR = "generator"  # which one made the image, "" for a real one
PREDICTED = "predicted"  # which one the detector says, "" for real
ROUTE = "route"  # the route that the image took through a detector of several
ALONG = "score along "  # and its score along each of them, the route's name behind it

# of throughput, one row per timed detector
RECIPE = "recipe"
DATA = "data"
PROCESSOR = "processor"
DEVICE = "device"
PRECISION = "precision"
BATCH_SIZE = "batch_size"
IMAGES_PER_S = "images_per_s"
STAGES = ("decode", "degrade", "prepare", "device", "head")
TIMED_UNDER = (RECIPE, DATA, PROCESSOR, DEVICE, PRECISION, BATCH_SIZE)  # under what a timing holds
THROUGHPUT = (
    DETECTOR,
    *TIMED_UNDER,
    "images",
    "repeats",
    IMAGES_PER_S,
    "images_per_s_low",
    "images_per_s_high",
    *(f"{stage}_ms" for stage in STAGES),
    "peak_memory_mb",
)

# of training, one row per epoch: the fit, the cell that it was made for, and what the training says of an epoch
FIT = "fit"
EPOCH = "epoch"
