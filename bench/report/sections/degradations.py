"""Which version of each degradation a run had, and which library fixed its pixels."""

from __future__ import annotations

import pandas as pd

from bench.evaluation.cells import MeasuredCells
from bench.report.ranking_columns import DASH, TableColumn, TitledTable
from bench.report.sections.content import SectionContent

LIBRARIES = {"pillow": "Pillow", "opencv-python-headless": "OpenCV", "numpy": "NumPy"}
LEGEND = (
    "Another version of a degradation or of a library may give other pixels, and is another question. "
    "`lineup list --long NAME` says what each degradation does."
)


def degradation_content(measured: MeasuredCells) -> SectionContent:
    """One row per kind of degradation that images of the run went through; nothing where there is none."""
    manifest = measured.run.manifest
    if not manifest.degradations:
        return SectionContent([])
    parts = [identity.partition("[") for identity in manifest.degradations.values()]
    rows = pd.DataFrame(
        {
            "degradation": list(manifest.degradations),
            "version": [version for version, _, _ in parts],
            "library": [library.removesuffix("]").replace("][", ", ") for _, _, library in parts],
        }
    )
    libraries = {**LIBRARIES, "torch": "torch"} if manifest.runtime.degrades_by_torch else LIBRARIES
    by = ", ".join(f"{name} {manifest.versions[one]}" for one, name in libraries.items() if one in manifest.versions)
    columns = tuple(
        TableColumn(str(name), tuple(text or DASH for text in rows[name]), left=name != "version") for name in rows
    )
    return SectionContent([TitledTable(f"Degradations, computed by {by}", columns)], rows)
