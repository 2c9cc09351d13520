"""What a chart draws, read back from its SVG: every element with its place in the drawing, in pixels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import numpy as np

from bench.charts.chart import SMALL, TEXT, TITLE, Chart
from bench.charts.typefaces import BOLD, REGULAR, text_width

COMMON = 0.5  # pixels that two texts may have in common
Box = tuple[float, float, float, float]  # left, top, right, bottom
TINY = 9.0
ASCENT, DESCENT = 0.72, 0.21  # of the size of a text: capitals and digits above its line, tails below it


@dataclass(frozen=True)
class Element:
    """One element of a drawing.

    Attributes:
        tag: Its name.
        classes: Its classes.
        given: Its other attributes.
        text: Of itself alone.
        tip: Of its title; "" for none.
        place: 2 x 3, from its own pixels to those of the drawing.
    """

    tag: str
    classes: tuple[str, ...]
    given: dict[str, str]
    text: str
    tip: str
    place: np.ndarray

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A place of the element in the drawing."""
        across, down = self.place @ np.array([x, y, 1.0])
        return float(across), float(down)

    @property
    def origin(self) -> tuple[float, float]:
        """Where the element's x and y are in the drawing; its own zero where it has none."""
        return self.at(float(self.given.get("x", 0)), float(self.given.get("y", 0)))

    @property
    def points(self) -> list[tuple[float, float]]:
        """The places that a path of M, L, H, V and Z goes through."""
        x = y = 0.0
        found = []
        for letter, numbers in re.findall(r"([MLHVZ])([-\d. ]*)", self.given["d"]):
            values = [float(one) for one in numbers.split()]
            if letter in "ML":
                x, y = values
            elif letter == "H":
                (x,) = values
            elif letter == "V":
                (y,) = values
            if letter != "Z":
                found.append(self.at(x, y))
        return found

    @property
    def size(self) -> float:
        """Pixels of a text."""
        known = {"title": TITLE, "small": SMALL, "number": SMALL, "tiny": TINY}
        return next((known[one] for one in self.classes if one in known), TEXT)

    @property
    def box(self) -> Box:
        """Around a text as it is drawn; around its corners where it slants."""
        weight = BOLD if {"bold", "title"} & set(self.classes) else REGULAR
        wide = text_width(self.text, self.size, weight)
        x, y = float(self.given.get("x", 0)), float(self.given.get("y", 0))
        start = x - {"start": 0.0, "middle": wide / 2, "end": wide}[self.given.get("text-anchor", "start")]
        sides = [(one, y + up) for one in (start, start + wide) for up in (-ASCENT * self.size, DESCENT * self.size)]
        across, down = zip(*(self.at(*side) for side in sides), strict=True)
        return min(across), min(down), max(across), max(down)

    @property
    def slants(self) -> bool:
        """Whether it does not lie flat."""
        return abs(float(self.place[1, 0])) > 1e-9


def elements(chart: Chart) -> list[Element]:
    """Every element of a chart below its title, as it stands alone."""
    return list(_below(ET.fromstring(f"<svg>{chart.body}</svg>"), np.eye(3)[:2]))


def named(chart: Chart, tag: str, css: str = "") -> list[Element]:
    """Those of a tag, and of a class where one is given."""
    return [one for one in elements(chart) if one.tag == tag and (not css or css in one.classes)]


def texts(chart: Chart) -> list[str]:
    """Every text that is drawn."""
    return [one.text for one in named(chart, "text")]


def outside(chart: Chart) -> list[str]:
    """Texts that leave the drawing."""
    found = []
    for one in named(chart, "text"):
        left, top, right, bottom = one.box
        if left < -0.5 or top < -0.5 or right > chart.width + 0.5 or bottom > chart.height + 0.5:
            found.append(f"{one.text}: {one.box} in {chart.width:.0f} x {chart.height:.0f}")
    return found


def meeting(chart: Chart) -> list[tuple[str, str]]:
    """Pairs of texts that cover one another; texts that slant are parallel, and left out."""
    flat = [one for one in named(chart, "text") if not one.slants and one.text]
    left, top, right, bottom = np.array([one.box for one in flat]).reshape(-1, 4).T
    across = np.minimum.outer(right, right) - np.maximum.outer(left, left)
    down = np.minimum.outer(bottom, bottom) - np.maximum.outer(top, top)
    pairs = np.argwhere(np.triu((across > COMMON) & (down > COMMON), 1))
    return [(flat[one].text, flat[other].text) for one, other in pairs]


def _below(node: ET.Element, place: np.ndarray) -> Iterator[Element]:
    own = place @ _matrix(node.get("transform", ""))
    tip = next((child.text or "" for child in node if _tag(child) == "title"), "")
    given = {name: value for name, value in node.attrib.items() if name != "class"}
    yield Element(_tag(node), tuple(node.get("class", "").split()), given, node.text or "", tip, own)
    for child in node:
        yield from _below(child, own)


def _tag(node: ET.Element) -> str:
    return node.tag.rpartition("}")[2]


def _matrix(transform: str) -> np.ndarray:
    whole = np.eye(3)
    for name, numbers in re.findall(r"(\w+)\(([^)]*)\)", transform):
        values = [float(one) for one in numbers.replace(",", " ").split()]
        step = np.eye(3)
        if name == "translate":
            step[:2, 2] = values
        else:
            turn = np.deg2rad(values[0])
            step[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
        whole = whole @ step
    return whole
