"""Which generators are alike to detectors: correlations of transfer between them, and their clusters.

Two generators are alike as tests where detectors that were trained on others do well on both or badly on both, and
alike as train sets where what was trained on them does well on the same others. Cells of the two themselves are left
out: that a detector does well on what it was trained on says nothing about other generators.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.evaluation.cells import MeasuredCells, matrices
from bench.evaluation.decided_blocks import Mask
from bench.platform.errors import InputError
from bench.platform.option_values import unknown_name_text
from bench.records import columns
from bench.statistics.intervals import EXACT

CUT = 0.5  # of clusters: 1 - r
LEAST_GENERATORS, LEAST_VALUES = 3, 3  # without which nothing is clustered, and no two are correlated
_NAMED = 3  # examples in a reason


@dataclass(frozen=True, slots=True)
class ClusterMerge:
    """One join of a dendrogram.

    Attributes:
        first: The generators of one side, in the order of the leaves.
        second: Those of the other.
        distance: Mean of 1 - r over the pairs of both, in [0, 2].
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    distance: float


@dataclass(frozen=True, eq=False, slots=True)
class GeneratorClusters:
    """How alike generators are, and their hierarchical clusters (average linkage on 1 - r).

    Attributes:
        similarity: Pearson's r of each pair, generators in reading order; NaN where a cell is missing or a profile is
            constant. The diagonal is 1.
        order: The generators so that neighbours are as alike as the dendrogram allows (Bar-Joseph et al.,
            Bioinformatics 17, 2001); empty where there is a `reason`.
        merges: The joins of the dendrogram, nearest first; likewise.
        clusters: Generators that are joined below `cut`, in the order of the leaves; likewise.
        cut: The distance 1 - r at which clusters are cut.
        reason: Why there are no clusters; "" where there are.
    """

    similarity: pd.DataFrame
    order: tuple[str, ...]
    merges: tuple[ClusterMerge, ...]
    clusters: tuple[tuple[str, ...], ...]
    cut: float
    reason: str


@dataclass(frozen=True, eq=False, slots=True)
class GeneratorTransfer:
    """The likeness of generators in one transfer matrix.

    Attributes:
        matrix: Accuracy in [0, 1] per train set (rows) and test set (columns), the mean over training seeds, then over
            detectors; NaN where the cell of any of them is missing.
        tested: Of the test sets, by how what was trained on others does on them.
        trained: Of the train sets, by how what was trained on them does on others.
    """

    matrix: pd.DataFrame
    tested: GeneratorClusters
    trained: GeneratorClusters


def generator_transfer(measured: MeasuredCells, detectors: Sequence[str], cut: float = CUT) -> GeneratorTransfer:
    """The likeness of generators to some detectors.

    Args:
        measured: The cells of a run.
        detectors: Of that run, at least one; their matrices are averaged.
        cut: Distance 1 - r at which clusters are cut.

    Raises:
        InputError: One of the detectors is not in the run, or none is given.
    """
    protocol, known = measured.run.manifest.protocol, measured.table[columns.DETECTOR].unique()
    unknown = [name for name in detectors if name not in known]
    if unknown or not detectors:
        raise InputError(unknown_name_text("the detector", unknown[0] if unknown else "", list(known)))
    found = matrices(measured.table[measured.table[columns.DETECTOR].isin(list(detectors))], protocol)
    rows, across = protocol.rows, protocol.columns
    if {rows.name, across.name} != {columns.TRAIN, columns.TEST}:
        reason = f"the matrix of {protocol.name} is one of {rows.name} and {across.name}, not of train and test sets"
        nothing = pd.DataFrame(dtype=np.float64)
        none = GeneratorClusters(nothing, (), (), (), cut, reason)
        return GeneratorTransfer(nothing, none, none)
    matrix = _mean([one if rows.name == columns.TRAIN else one.T for one in found.values()])
    return GeneratorTransfer(matrix, cluster_columns(matrix, cut), cluster_columns(matrix.T, cut))


def cluster_columns(matrix: pd.DataFrame, cut: float = CUT) -> GeneratorClusters:
    """The clusters of the generators of the columns of a matrix.

    Args:
        matrix: Accuracies, NaN for a missing cell; of the transposed one, those of the rows. A row counts for a pair of
            columns where it is of neither, alone or among others joined with "+".
        cut: Distance 1 - r at which clusters are cut.
    """
    similarity = profile_correlations(matrix)
    reason = _reason(matrix, similarity)
    if reason:
        return GeneratorClusters(similarity, (), (), (), cut, reason)
    from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
    from scipy.spatial.distance import squareform

    distances = squareform(np.clip(1 - similarity.to_numpy(), 0, 2), checks=False)
    joined = linkage(distances, method="average", optimal_ordering=True)
    names, order = similarity.columns.to_list(), leaves_list(joined)
    parts: list[tuple[str, ...]] = [(name,) for name in names]
    merges = []
    place = {names[leaf]: position for position, leaf in enumerate(order)}
    for first, second, distance, _ in joined:
        sides = sorted((parts[int(first)], parts[int(second)]), key=lambda side: place[side[0]])
        merges.append(ClusterMerge(sides[0], sides[1], float(distance)))
        parts.append(sides[0] + sides[1])
    of_leaf = fcluster(joined, cut, criterion="distance")[order]
    clusters = np.split(np.array(names, object)[order], np.flatnonzero(np.diff(of_leaf)) + 1)
    return GeneratorClusters(similarity, parts[-1], tuple(merges), tuple(map(tuple, clusters)), cut, "")


def profile_correlations(matrix: pd.DataFrame) -> pd.DataFrame:
    """Pearson's r of each pair of columns over the rows that are of neither, columns x columns.

    NaN where fewer than `LEAST_VALUES` rows are of neither, one of their values is missing, or a profile is constant.
    """
    values, own = matrix.to_numpy(np.float64), _own_rows(matrix)
    found = np.eye(values.shape[1])
    for first in range(values.shape[1]):
        for second in range(first):
            rows = ~(own[:, first] | own[:, second])
            found[first, second] = found[second, first] = _pearson(values[rows][:, [first, second]])
    return pd.DataFrame(found, index=matrix.columns, columns=matrix.columns)


def _mean(found: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The mean of matrices; NaN where any of them has no value."""
    first = found[0]
    values = np.stack([one.reindex(index=first.index, columns=first.columns).to_numpy(np.float64) for one in found])
    return pd.DataFrame(values.mean(axis=0), index=first.index, columns=first.columns)


def _own_rows(matrix: pd.DataFrame) -> Mask:
    """Which rows are of the generators of each column, bools (rows, columns)."""
    rows, across = ([{str(name), *str(name).split("+")} for name in axis] for axis in (matrix.index, matrix.columns))
    return np.array([[bool(row & column) for column in across] for row in rows], bool).reshape(matrix.shape)


def _pearson(pair: NDArray[np.float64]) -> float:
    """Pearson's r of two columns (V, 2); NaN where it is not defined."""
    around = pair - pair.mean(axis=0)
    lengths = np.sqrt((around**2).sum(axis=0))
    if len(pair) < LEAST_VALUES or not (lengths > EXACT).all():
        return float("nan")
    return float(np.clip(around[:, 0] @ around[:, 1] / lengths.prod(), -1, 1))


def _reason(matrix: pd.DataFrame, similarity: pd.DataFrame) -> str:
    """Why the columns cannot be clustered; "" where they can."""
    count = len(similarity)
    if count < LEAST_GENERATORS:
        return f"{count} generators, at least {LEAST_GENERATORS} are needed"
    away = ~_own_rows(matrix)
    others = min(int((away[:, first] & away[:, second]).sum()) for first in range(count) for second in range(first))
    if others < LEAST_VALUES:
        return f"two generators share {others} others that they can be compared by, at least {LEAST_VALUES} are needed"
    missing = np.argwhere(away & matrix.isna().to_numpy())
    if len(missing):
        named = [f"{matrix.index[row]} with {matrix.columns[column]}" for row, column in missing[:_NAMED]]
        return f"accuracies are missing ({len(missing)}): {', '.join(named)}{' ...' * (len(missing) > _NAMED)}"
    values = matrix.to_numpy(np.float64)
    undefined = similarity.columns[similarity.isna().any()]
    flat = [
        str(name)
        for place, name in enumerate(matrix.columns)
        if name in undefined and np.ptp(values[away[:, place], place]) <= EXACT
    ]
    if len(undefined):
        return f"the accuracies of {', '.join(flat[:_NAMED]) or 'some pairs'} do not vary: nothing correlates with them"
    return ""
