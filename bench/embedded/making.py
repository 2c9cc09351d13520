"""Makes the embedded corpus in processes whose death is noticed.

What `corpus` makes is named by the bytes of its own file, which therefore stay as they are.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from bench.embedded import corpus
from bench.embedded.corpus import DESCRIPTION, StageCallback
from bench.platform.errors import InputError
from bench.platform.files import fullness
from bench.platform.processes.waiting import as_finished
from bench.platform.processes.worker_processes import ProcessDied, WorkerProcesses


def make_corpus(
    root: Path, workers: int, report: StageCallback | None = None, per_split: tuple[int, int] = (200, 100)
) -> Path:
    """`corpus.build`, which says what it makes and takes the same arguments, of a folder that is not there.

    Raises:
        InputError: A process died, or the disk is full.
    """
    from bench.embedded.generators.generator import GENERATORS

    families = {generator.name: generator.family for generator in GENERATORS}
    unfinished = root.with_name(f".{root.name}.{os.getpid()}")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(parents=True)
        tasks = list(corpus._tasks(list(families), per_split))  # noqa: SLF001 - see above
        written = _write_all(unfinished, tasks, workers, report)
        (unfinished / DESCRIPTION).write_text(corpus._description(written, families))  # noqa: SLF001
        corpus._move(unfinished, root)  # noqa: SLF001
    except ProcessDied as error:
        msg = f"making the embedded corpus: {error}; run again with fewer --workers"
        raise InputError(msg) from error
    except OSError as error:
        if full := fullness(error):
            msg = f"the embedded corpus cannot be made in {root.parent} ({full}); make room there and run again"
            raise InputError(msg) from error
        raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return root


def _write_all(
    folder: Path, tasks: Sequence[corpus._ImageRange], workers: int, report: StageCallback | None
) -> list[tuple[str, str]]:
    """Run all tasks in processes; name and sha256 of every image, in order of the names."""
    total = sum(task.end - task.first for task in tasks)
    written: list[tuple[str, str]] = []
    with WorkerProcesses(min(workers, len(tasks)), corpus._start_worker) as pool:  # noqa: SLF001
        for finished in as_finished([pool.submit(task.write, folder) for task in tasks]):
            written += finished.result()
            if report:
                report("embedded corpus", len(written), total)
    return sorted(written)
