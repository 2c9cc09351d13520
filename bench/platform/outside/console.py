"""Tables on the terminal: what others wrote is shown as it is, without obeying it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.segment import Segment

from bench.platform.printable import printable

if TYPE_CHECKING:
    from rich.console import ConsoleOptions, RenderableType


class PlainConsole(Console):
    """A console that takes texts as they are: brackets are no markup, and control characters are escaped.

    Args:
        stderr: Whether it prints on the error stream.
        least_width: Columns that it has at least where nothing says how many there are: in a file or a pipe.
        lines_alone: Whether nothing is drawn over, though the stream may say that it is a terminal, as in a notebook.
    """

    def __init__(self, *, stderr: bool = False, least_width: int = 0, lines_alone: bool = False) -> None:
        terminal = False if lines_alone else None
        super().__init__(
            stderr=stderr, markup=False, highlight=False, emoji=False, force_jupyter=False, force_terminal=terminal
        )
        if least_width and self._width is None and not self.is_terminal:
            self.width = max(self.width, least_width)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of anything that can be printed, their texts escaped."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield segment._replace(text="\n".join(map(printable, segment.text.split("\n"))))
