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
    from bench.platform.files import write_atomically
    from bench.report.figures.findings import Findings
    from bench.report.page.document import page

    data = page(Findings.read(runs)).encode()
    write_atomically(out, lambda path: path.write_bytes(data))
    typer.echo(f"Written: {out} ({len(data) / 1e6:.1f} MB)")
