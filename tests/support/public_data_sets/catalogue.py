"""Every public data set of which a small copy can be written."""

from __future__ import annotations

from tests.support.public_data_sets.benchmark_folders import BENCHMARK_FOLDERS
from tests.support.public_data_sets.edited_images import EDITED_IMAGES
from tests.support.public_data_sets.face_folders import FACE_FOLDERS
from tests.support.public_data_sets.hub_tables import HUB_TABLES
from tests.support.public_data_sets.listed_folders import LISTED_FOLDERS

DATA_SETS = {one.name: one for one in (*BENCHMARK_FOLDERS, *FACE_FOLDERS, *LISTED_FOLDERS, *EDITED_IMAGES, *HUB_TABLES)}
