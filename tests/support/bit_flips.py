"""Flips one bit at many places of cache, corpus and results, and counts what became of it.

    python -m tests.support.bit_flips FOLDER [flips] [seed] [kind ...]

FOLDER is one of its own, which it keeps what it made in, for the next time.

Each flip is made in a copy of a small run's cache or result folder; then the commands are called that read it. It was
noticed where they say so (in a cache the run goes on and gives the same, elsewhere it ends with one line), harmless
where nothing was said and all that is written is bit for bit the same, and silent where something else is written.
"""

from __future__ import annotations

import logging
import os
import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

from bench.embedded.corpus import build, identity
from bench.platform.checksums import CHECKSUMS
from bench.records.store import Store
from tests.support.command_line import Done, call

NOTICED, HARMLESS, SILENT, TRACEBACK = "noticed", "harmless", "silent change", "traceback"
PER_SPLIT = (4, 3)  # images of each generator and class
EMBEDDING, TRAINED = "colour,clip_classes", "cnnspot"
ALL = f"{EMBEDDING},{TRAINED}"
COMPARED = ("cells.parquet", "training.csv", "excluded.csv")
READS = (("leaderboard",), ("profile",), ("rescore", "--threshold", "0.4"))


@dataclass(frozen=True)
class Kind:
    """A kind of files.

    Attributes:
        files: Pattern below the cache, or below the result folder.
        share: Of the flips.
        removed: Folders of the cache that are removed first, for these files to be read.
        detectors: Of the run that reads them.
        stamped: Whether the file's date is that of the flip; else it is as before, as where a disk loses a bit.
    """

    files: str
    share: int
    removed: tuple[str, ...] = ()
    detectors: str = ALL
    stamped: bool = True


CACHE = {
    "answers": Kind("answers/*", 12),
    "fits": Kind("fitted/*", 12, ("answers",)),
    "embeddings": Kind("embeddings/*/*/*", 12, ("answers", "fitted"), EMBEDDING),
    "agreements": Kind("agreements/*", 5, ("answers",), TRAINED),
    "graphs": Kind("graphs/*", 5, ("answers", "agreements"), TRAINED),
    "inspections": Kind("inspected/*/*", 6),
    "corpus": Kind("corpus/*/*/*/*/*", 5, ("answers", "fitted", "embeddings"), EMBEDDING),
    "corpus, date kept": Kind("corpus/*/*/*/*/*", 6, ("answers", "fitted", "embeddings"), EMBEDDING, stamped=False),
    "corpus, description": Kind("corpus/*/dataset.json", 3),
    "corpus, list": Kind("corpus/*.jsonl", 2),
}
RESULTS = {
    "scores": Kind("scores/*", 8),
    "fitted detectors": Kind("fitted/*", 6),
    "manifest": Kind("manifest.json", 5),
    "tables of times and trainings": Kind("t*[gst].[cj]s*", 6),  # throughput, training, timings
    "derived": Kind("[clmevs]*.*[!l]", 7),  # tables, pictures, settings
    "list of checksums": Kind(CHECKSUMS, 3),
}


@dataclass
class Trial:
    """A small run, kept as it was, and what became of the flips in copies of it."""

    root: Path
    seed: int = 0
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    _said: list[str] = field(default_factory=list)
    _expected: dict[str, list[bytes]] = field(default_factory=dict)

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def out(self) -> Path:
        return self.root / "run"

    def prepare(self) -> None:
        """Make the corpus and the run, and see what the commands say of them undamaged."""
        if self.kept(self.out).is_dir():
            return
        for path in (self.cache, self.out, self.root / "kept"):
            shutil.rmtree(path, ignore_errors=True)
        build(self.cache / "corpus" / identity(), os.cpu_count() or 1, per_split=PER_SPLIT)
        done = self.run(ALL, "--keep-fitted")
        assert done.returncode == 0, done.stderr
        for path in (self.cache, self.out):
            shutil.copytree(path, self.kept(path))

    def kept(self, path: Path) -> Path:
        return self.root / "kept" / path.name

    def restore(self, path: Path) -> None:
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(self.kept(path), path)

    def lineup(self, *arguments: object) -> Done:
        """Call the command, and remember what was said by the way."""
        return call({"LINEUP_CACHE": str(self.cache), "COLUMNS": "120"}, *arguments)

    def run(self, detectors: str, *further: object, out: Path | None = None) -> Done:
        names = ("--detectors", detectors, "--train-on", "ldm_a,vq", "--device", "cpu", "--workers", 1)
        return self.lineup("run", *names, "--out", out or self.out, *further)

    def flips(self, count: int, kinds: Sequence[str] = ()) -> None:
        """Make the flips, shared out to the kinds."""
        known = {**CACHE, **RESULTS}
        chosen = {name: kind for name, kind in known.items() if not kinds or name in kinds}
        whole = sum(kind.share for kind in chosen.values())
        rest = 0.0
        for name, kind in chosen.items():
            rest += count * kind.share / whole
            draw = random.Random(f"{self.seed} {name}")  # noqa: S311 - places of flips
            for _ in range(round(rest)):
                found = self.flip_cache(kind, draw) if name in CACHE else self.flip_results(kind, draw)
                self.counts[name, found[0]] += 1
                print(f"{name}: {found[0]}: {found[1]}".replace("\n", " ")[:400], flush=True)  # noqa: T201
                if found[0] in {SILENT, TRACEBACK}:
                    self.faults.append(f"{name}: {found[0]}: {found[1]}")
            rest -= round(rest)

    def flip_cache(self, kind: Kind, draw: random.Random) -> tuple[str, str]:
        """Flip a bit of the cache or the corpus, and run."""
        if kind.detectors + kind.files not in self._expected:
            self._expected[kind.detectors + kind.files] = self.outcome_of_run(kind, lambda: "")[1]
        place = ""

        def damage() -> str:
            nonlocal place
            place = flip(self.cache, kind, draw)
            return place

        done, found = self.outcome_of_run(kind, damage)
        same = found == self._expected[kind.detectors + kind.files]
        return verdict([done], same=same, said=any("damaged" in line for line in self._said)), f"{place}\n{done.stderr}"

    def outcome_of_run(self, kind: Kind, damage: Callable[[], str]) -> tuple[Done, list[bytes]]:
        """What a run into an empty folder says and writes; throughput is known, which is never twice the same."""
        self.restore(self.cache)
        for folder in kind.removed:
            shutil.rmtree(self.cache / folder)
        out = self.root / "fresh"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        shutil.copy(self.kept(self.out) / "throughput.csv", out)
        damage()
        self._said.clear()
        with patch("bench.report.run_report.report_run"):  # tables follow from what is compared
            done = self.run(kind.detectors, out=out)
        return done, [] if done.returncode else written(out)

    def flip_results(self, kind: Kind, draw: random.Random) -> tuple[str, str]:
        """Flip a bit of the result folder, read it with several commands, and mend it with a run."""
        self.restore(self.cache)
        if "reads" not in self._expected:
            self.restore(self.out)
            self._expected["reads"] = [self.lineup(name, self.out, *more).stdout.encode() for name, *more in READS]
        self.restore(self.out)
        place = flip(self.out, kind, draw)
        self._said.clear()
        reads = [self.lineup(name, self.out, *more) for name, *more in READS]
        expected = self._expected["reads"]
        same = all(one.returncode or one.stdout.encode() == old for one, old in zip(reads, expected, strict=True))
        checked = self.lineup("check", self.out)
        mended = self.lineup("run", "--settings", self.out / "settings.toml", "--out", self.out, "--keep-fitted")
        found = verdict([*reads, checked, mended], same=same, said=checked.returncode != 0)
        if place.startswith("settings.toml"):  # which says what to run
            return found, place
        whole = self.lineup("check", self.out)
        again = [(self.out / name).read_bytes() for name in COMPARED]
        if again != [(self.kept(self.out) / name).read_bytes() for name in COMPARED] or whole.returncode:
            return SILENT, f"{place}: not mended: {mended.stderr} {whole.stdout}"
        return found, "\n".join([place, *(one.stderr for one in (*reads, checked, mended))])

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(record.getMessage())


def written(out: Path) -> list[bytes]:
    """What a run wrote that is the same each time."""
    scores, epochs = Store(out).read().scores.sort_values(["key", "name"]), Store(out).training()
    tables = (scores, epochs.drop(columns=[name for name in epochs if name.endswith("_s")]))  # of seconds
    return [(out / "excluded.csv").read_bytes(), *(table.to_csv(index=False).encode() for table in tables)]


def flip(root: Path, kind: Kind, draw: random.Random) -> str:
    """Flip one bit of one file of a kind; returns where."""
    path = draw.choice(sorted(one for one in root.glob(kind.files) if one.is_file()))
    content, state = bytearray(path.read_bytes()), path.stat()
    bit = draw.randrange(8 * len(content))
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    if not kind.stamped:
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    return f"{path.relative_to(root)} bit {bit}"


def verdict(done: Sequence[Done], *, same: bool, said: bool) -> str:
    """What became of a flip."""
    if any("Traceback" in one.stderr or one.returncode not in {0, 1, 2} for one in done):
        return TRACEBACK
    refused = any(one.returncode for one in done)
    if not same and not refused:
        return SILENT
    return NOTICED if refused or said else HARMLESS


def try_flips(root: Path, count: int, seed: int = 0, kinds: Sequence[str] = ()) -> Trial:
    """Make so many flips in a folder of one's own."""
    trial = Trial(root, seed)
    handler = logging.Handler()
    handler.emit = trial.emit  # type: ignore[method-assign]
    logger = logging.getLogger("bench")
    logger.addHandler(handler)
    try:
        trial.prepare()
        trial.flips(count, kinds)
    finally:
        logger.removeHandler(handler)
    return trial


def main() -> None:
    """Make flips, and print how many of each kind were noticed."""
    folder, count, seed, *kinds = [*sys.argv[1:], *["200", "0"][len(sys.argv) - 2 :]]
    trial = try_flips(Path(folder), int(count), int(seed), kinds)
    verdicts = (NOTICED, HARMLESS, SILENT, TRACEBACK)
    rows = [(name, [trial.counts[name, one] for one in verdicts]) for name in {**CACHE, **RESULTS}]
    for name, row in [*rows, ("all", [sum(column) for column in zip(*(row for _, row in rows), strict=True)])]:
        print(f"{name:32}", *(f"{number} {what}" for number, what in zip(row, verdicts, strict=True)), sep="  ")  # noqa: T201
    print(*trial.faults, sep="\n")  # noqa: T201
    sys.exit(bool(trial.faults))


if __name__ == "__main__":
    main()
