"""The written pages as tests read them: fenced blocks, links, headings, words, and the commands in them.

A comment just before a block says what it is; it is not seen on the built page:

    <!-- file: PATH -->            its text is that file
    <!-- replace: PATH -->         its function, or its line, takes the place of that of the same name in that file
    <!-- only checked: WHY -->     its commands are parsed and not run: they need a GPU, a store, a network, minutes
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GENERATED_PAGES = "reference", "simulations"  # folders of what the code writes
WRITTEN_BY_HAND = {"reference/api.md"}
BLOCK = re.compile(
    r"(?:^<!-- (?P<said>[^\n]*?) -->\n)?^(?P<fence>`{3,})(?P<language>\{?[\w-]*\}?)[^\n]*\n(?P<text>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        page: The file.
        line: Of its first line of text, from 1 on.
        language: Behind the fence, such as sh.
        kind: What the comment before it says up to the colon, such as "only checked"; empty for none.
        about: What the comment says behind the colon.
        text: Its lines.
    """

    page: Path
    line: int
    language: str
    kind: str
    about: str
    text: str

    @property
    def place(self):
        """Where it stands, for a message."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def commands(self):
        """The words of each command of a block of shell; what follows a # is no word, and \\ goes on."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [words for line in lines if (words := shlex.split(line, comments=True))]


def is_generated(page):
    """Whether a page is written by the code."""
    name = page.relative_to(DOCS).as_posix() if page.is_relative_to(DOCS) else ""
    return name.partition("/")[0] in GENERATED_PAGES and name not in WRITTEN_BY_HAND


@cache
def pages():
    """All pages of the repository: those of the site, and those beside it."""
    site = sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)
    return (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *site)


def written_pages():
    """The pages that people write."""
    return [page for page in pages() if not is_generated(page)]


@cache
def blocks(page):
    """The fenced blocks of a page."""
    text = page.read_text()
    found = []
    for match in BLOCK.finditer(text):
        kind, _, about = (match["said"] or "").partition(": ")
        line = text.count("\n", 0, match.start("text")) + 1
        found.append(Block(page, line, match["language"], kind, about, match["text"]))
    return tuple(found)


def prose(page):
    """The text of a page without its blocks and comments."""
    return re.sub(r"<!--.*?-->", "", BLOCK.sub("", page.read_text()), flags=re.DOTALL)


@cache
def anchors(page):
    """The anchors of the headings of a page, as forges and the site call them."""
    titles = re.findall(r"^#+ (.*)", prose(page), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("`", "") for title in titles)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in plain}


def links(page):
    """The targets of the links and pictures of a page that are inside of the repository."""
    return [target for _, target in LINK.findall(prose(page)) if not re.match(r"[a-z]+:", target)]


def broken(page, target):
    """Whether a link leads to nothing: no file, or no heading."""
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists() or not file.is_relative_to(ROOT):
        return True
    return bool(anchor) and (file.suffix != ".md" or anchor not in anchors(file))


def inline_commands(page):
    """The words of each `lineup ...` within the sentences of a page."""
    found = re.findall(r"(?<!`)`(lineup [a-z][^`]*)`(?!`)", prose(page).replace("\n", " "))
    return [words for text in found if (words := as_words(text))]


def as_words(text):
    """A command as words; none where a quote in it does not end."""
    try:
        return shlex.split(text)
    except ValueError:
        return []
