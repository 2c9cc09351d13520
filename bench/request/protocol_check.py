"""The axes of a protocol, and the faults that only the protocol itself can have."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from typing import get_args

from bench.records import columns
from bench.records.manifest import ALL_CELLS
from protocols.api import AXES, Axis, Cell, EvaluationProtocol, Group, Role, Unanswerable
from protocols.file_protocol import FileProtocol


def axes_of(protocol: EvaluationProtocol) -> dict[str, Axis]:
    """Every axis of a protocol by name: those that all protocols have, then its own."""
    return {**AXES, **protocol.axes}


def protocol_fault(protocol: EvaluationProtocol, fault: str) -> Unanswerable:
    """The error for a fault of a protocol, which names the module or the file to mend."""
    place = protocol.file if isinstance(protocol, FileProtocol) else type(protocol).__module__
    return Unanswerable(f"the protocol {protocol.name} {fault}: that is to be mended in {place}")


def check_cells(
    protocol: EvaluationProtocol,
    cells: Sequence[Cell],
    groups: Sequence[Group],
    detectors: Collection[str],
    data_sets: Collection[str],
) -> None:
    """Raise `Unanswerable` for cells and averages that only a fault of the protocol explains.

    Args:
        protocol: The protocol.
        cells: Its cells.
        groups: Its averages.
        detectors: Names of the detectors that it was given.
        data_sets: Names of the data sets that it was given.
    """
    faults = {
        **_cell_faults(protocol, cells, detectors, data_sets),
        **_group_faults(groups, frozenset(cells)),
        **_question_faults(protocol, cells),
    }
    for fault, found in faults.items():
        if found:
            raise protocol_fault(protocol, f"{fault} ({', '.join(map(str, sorted(found)))})")


def _cell_faults(
    protocol: EvaluationProtocol, cells: Sequence[Cell], detectors: Collection[str], data_sets: Collection[str]
) -> Mapping[str, Set[str]]:
    read = {subset.data for cell in cells for subset in (cell.train, cell.test) if subset}
    return {
        "lays its answers out by what is no axis": {protocol.view.rows, protocol.view.columns} - {*axes_of(protocol)},
        "has axes of its own under names of columns": {*columns.CELLS, *columns.MEASURES} & {*protocol.axes},
        "asks detectors that it was not given": {cell.detector for cell in cells} - {*detectors},
        "reads data sets that it did not ask for": read - {*data_sets},
    }


def _group_faults(groups: Sequence[Group], cells: Set[Cell]) -> Mapping[str, Set[str]]:
    names, roles = [group.name for group in groups], [group.role for group in groups if group.role]
    return {
        "averages cells that it does not ask for": {group.name for group in groups if not group.cells <= cells},
        "has several averages of one name": {name for name in names if [*names, ALL_CELLS].count(name) > 1},
        "has several averages of one role": {role for role in roles if roles.count(role) > 1},
        "has averages of roles that there are not": {*roles} - {*get_args(Role)},
    }


def _question_faults(protocol: EvaluationProtocol, cells: Sequence[Cell]) -> Mapping[str, Set[str]]:
    axes = axes_of(protocol).values()
    questions = {(cell.detector, cell.seed, *(axis.value(cell) for axis in axes)) for cell in cells}
    repeated = len(cells) - len(questions)
    return {"asks the same question twice": {f"{repeated} cells"} if repeated else set()}
