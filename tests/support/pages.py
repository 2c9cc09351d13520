"""Pages of made-up runs, and what a reader of HTML finds in a page."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

from bench.records.run import Run
from bench.report.figures.findings import Findings
from bench.report.page.document import page
from protocols.cross_generator import CrossGenerator
from tests.support.synthetic_runs import falling, make_run, run_of, with_data, with_detector

HOSTILE = '<script>alert("x")</script>'
VOID = {"meta", "input", "br", "img", "hr", "link"}


@dataclass
class Node:
    """An element of a page with its text and its children."""

    tag: str
    given: dict[str, str | None]
    parent: Node | None = None
    children: list[Node | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Of itself and of all below."""
        return "".join(one if isinstance(one, str) else one.text for one in self.children)

    def all(self, tag: str = "", css: str = "") -> list[Node]:
        """Every element below, of a tag and of a class where they are given, in their order."""
        found = []
        for one in self.children:
            if isinstance(one, Node):
                if (not tag or one.tag == tag) and (not css or css in (one.given.get("class") or "").split()):
                    found.append(one)
                found += one.all(tag, css)
        return found


class Reader(HTMLParser):
    """Reads a page strictly: every end belongs to the last start."""

    def __init__(self):
        super().__init__()
        self.root = self.here = Node("", {})
        self.faults = []

    def handle_starttag(self, tag, attrs):
        if len(dict(attrs)) != len(attrs):
            self.faults.append(f"<{tag}> has an attribute twice")
        node = Node(tag, dict(attrs), self.here)
        self.here.children.append(node)
        if tag not in VOID:
            self.here = node

    def handle_endtag(self, tag):
        if self.here.tag != tag:
            self.faults.append(f"</{tag}> in <{self.here.tag}>")
        self.here = self.here.parent or self.root

    def handle_data(self, data):
        self.here.children.append(data)


def read(text: str) -> Node:
    """The page as a tree. Raises `AssertionError` for elements that do not nest."""
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.faults == []
    assert reader.here is reader.root
    return reader.root


def page_of(*runs: Run) -> str:
    """The page of some runs."""
    return page([Findings.of(run) for run in runs])


def numbers_of(root: Node) -> list[dict]:
    """The numbers behind the matrices of each run."""
    return [json.loads(one.text) for one in root.all("script", "matrices")]


@dataclass(frozen=True)
class CrossDegraded(CrossGenerator):
    """Every generator on every generator, under several degradations: a cell of a matrix is a mean over them."""

    steps: tuple[str, ...] = ("none", "jpeg:65", "blur:1")

    def cells(self, scope):
        return [
            replace(cell, test=replace(cell.test, degradation=step))
            for cell in super().cells(scope)
            for step in self.steps
        ]


def conditions_run(detectors=("alpha", "beta", "gamma"), **further) -> Run:
    """A run whose cells are means over three degradations, with families, and ranks that are far apart."""

    def skill(detector, *place):
        lower = 0.1 * list(detectors).index(detector) / len(detectors)
        return falling(home=0.97 - lower, kin=0.85 - lower, away=0.7 - lower, degraded=0.62 - lower)(detector, *place)

    run = run_of(CrossDegraded(), skill, detectors, **further)
    for place, name in enumerate(detectors):
        card = {**run.manifest.detectors[name].card, "family": ("frequency", "network")[place % 2]}
        run = with_detector(run, name, card=card)
    return run


def hostile_run() -> Run:
    """A run whose detector, data, warning and licence are elements of HTML."""
    run = make_run(detectors=["alpha", HOSTILE])
    run = with_detector(run, HOSTILE, card={"family": HOSTILE, "paper": HOSTILE, "licence": HOSTILE})
    return with_data(run, title=f"data {HOSTILE}", warnings=(HOSTILE,), families={"fog": HOSTILE, "haze": HOSTILE})
