"""A chart: a drawing with its size, its title and what it says in words."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from bench.charts.markup import element, joined
from bench.charts.palette import standalone_style

TITLE, TEXT, SMALL = 15.0, 12.0, 10.5  # the sizes of text in pixels
LINE = 1.4  # of the height of a text, from line to line
MARGIN = 16.0  # around what stands alone


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing.

    Attributes:
        title: What it shows, in one line.
        description: What is to be seen, in words, for who does not see it.
        width: Of the drawing, in pixels.
        height: Of the drawing, in pixels.
        body: SVG elements, styled by the classes of `bench.charts.palette`.
        note: How to read it; empty for nothing.
        parts: The drawings that it is put together from, where a page may lay them out anew.
        below: What stands below these, such as the scale of their colours; None for nothing.
    """

    title: str
    description: str
    width: float
    height: float
    body: Markup
    note: str = ""
    parts: tuple[Chart, ...] = ()
    below: Chart | None = None

    def inline(self) -> Markup:
        """The drawing for a page that has the style sheet and says the title itself."""
        if self.parts:
            panels = element("div", *(part.inline() for part in self.parts), class_="panels")
            return joined(panels, self.below.inline()) if self.below else panels
        said = f"{self.title}. {self.description}"
        return element(
            "svg",
            self.body,
            role="img",
            aria_label=said,
            viewBox=f"0 0 {self.width:.0f} {self.height:.0f}",
            width=self.width,
            height=self.height,
        )

    def standalone(self, *, dark: bool = False) -> str:
        """The drawing under its title as a file of SVG, with its own style sheet and background."""
        above = MARGIN + TITLE * LINE + (SMALL * LINE if self.note else 0.0) + 8.0
        width, height = self.width + 2 * MARGIN, above + self.height + MARGIN
        note = element("text", self.note, x=MARGIN, y=MARGIN + TITLE + SMALL * LINE + 2, class_="small faint")
        svg = element(
            "svg",
            element("title", self.title),
            element("desc", self.description),
            element("style", Markup(standalone_style(dark=dark))),  # noqa: S704 - our own
            element("rect", width="100%", height="100%", class_="ground"),
            element("text", self.title, x=MARGIN, y=MARGIN + TITLE - 2, class_="title"),
            note if self.note else None,
            element("g", self.body, transform=f"translate({MARGIN:.0f} {above:.0f})"),
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {width:.0f} {height:.0f}",
            width=width,
            height=height,
        )
        return f"{svg}\n"
