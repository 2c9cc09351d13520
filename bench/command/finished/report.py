"""`lineup report`: one page of finished runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report_command(
    runs: Annotated[list[Path], typer.Argument(help="Result folders.")],
    out: Annotated[Path, typer.Option(help="The page, a file of HTML.")] = Path("report.html"),
) -> None:
    """Write one page of HTML about finished runs: conclusions, boards, figures, data; it needs no network."""
    from bench.evaluation.joined_runs import join_runs
    from bench.platform.files import write_atomically
    from bench.records.store import Store
    from bench.report.figures.findings import Findings
    from bench.report.page.document import page

    joined = join_runs([Store(run).read() for run in runs])
    data = page([Findings.of(run) for run in joined]).encode()
    write_atomically(out, lambda path: path.write_bytes(data))
    typer.echo(f"Written: {out} ({len(data) / 1e6:.1f} MB)")
