"""Numbers as text: the columns of a ranking as every readable rendering shows them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from rich.cells import cell_len

from bench.evaluation.asked.rank_measures import WORST_GENERATOR, WORST_TITLES
from bench.evaluation.leaderboard import Ranking
from bench.evaluation.ranking_rows import MeanAccuracy, RankingRow, WorstOf
from bench.platform.printable import printable
from bench.records.manifest import ALL_CELLS, CheckpointRecord, ImportRecord
from bench.report.embedded_results import AT_CHANCE
from protocols.api import NONE

DASH = "-"
NOT_MEASURABLE = "not measurable"
DISTURBED = "~"  # behind a speed that other work made slower
IMPORTED = "(imported)"  # behind the name of a row whose scores another tool gave
ACCURACY = "accuracy"  # of a ranking, where its cells are balanced
UNKNOWN = "unknown"
DECIMALS = 9  # of a percentage: sums in another order differ behind them, and are shown alike
ROUNDING = 1e-12  # differences of shares below it are none, and have no sign
RIGHT = {  # by task, what is right
    "binary": "generated when the score is above 0.5",
    "generator": "right where the generator of an image, or real, is named",
}
FIRST_DATA = "(the first)"  # the run's own data set, which has no name among several


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column of a table: its header and one text per row, control characters and line ends escaped."""

    header: str
    texts: tuple[str, ...]
    left: bool = False

    def __post_init__(self) -> None:
        """Escape what others wrote: a table is a row per line on every terminal and in every file."""
        object.__setattr__(self, "header", printable(self.header))
        object.__setattr__(self, "texts", tuple(map(printable, self.texts)))

    @property
    def width(self) -> int:
        """Places on a terminal of its widest text: some characters take two."""
        return max(map(cell_len, (self.header, *self.texts)))


@dataclass(frozen=True, slots=True)
class TitledTable:
    """A table under its title: columns of texts, all of one length."""

    title: str
    columns: tuple[TableColumn, ...]


def percent(value: float) -> str:
    """A share in [0, 1] as a percentage with one decimal; a dash where it is undefined."""
    return DASH if math.isnan(value) else f"{round(100 * value, DECIMALS):.1f}"


def points(value: float) -> str:
    """A difference of shares in percentage points, with its sign; a dash where it is undefined."""
    return DASH if math.isnan(value) else f"{100 * value if abs(value) > ROUNDING else 0:+.1f}"


def p_text(p: float) -> str:
    """A probability with four decimals."""
    return "<0.0001" if p < 1e-4 else f"{p:.4f}"


def span_text(least: int, most: int) -> str:
    """A number, or the range that several have, such as "1 to 20"."""
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def number(value: float) -> str:
    """A number that is no share, with three decimals; a dash where it is undefined."""
    return DASH if math.isnan(value) else f"{value:.3f}"


def average_text(mean: MeanAccuracy, *, with_interval: bool, text: Callable[[float], str] = percent) -> str:
    """An average such as "93.1 [91.9, 94.2]", with "(40 of 56)" behind it where cells are missing."""
    if not mean.cells:
        return DASH
    interval = f" {interval_text(mean.low, mean.high, text)}" if with_interval and not math.isnan(mean.low) else ""
    missing = "" if mean.complete else f" ({mean.cells} of {mean.planned})"
    return text(mean.value) + interval + missing


def _averages(ranking: Ranking, *, leading: bool) -> list[TableColumn]:
    """The averages to look at first, with their intervals, or the others; the files hold the intervals of all."""
    names = ranking.leading if leading else [name for name in ranking.rows[0].means if name not in ranking.leading]
    text = _text_of(ranking, ranking.rank_by)
    return [
        TableColumn(
            _average_header(ranking, name),
            tuple(average_text(row.means[name], with_interval=leading, text=text) for row in ranking.rows),
        )
        for name in names
        if any(row.means[name].planned for row in ranking.rows)
    ]


def _average_header(ranking: Ranking, name: str) -> str:
    """The header of an average, with what it is of where that is not the usual, and its mark."""
    marked = ranking.mark and not ranking.rank_by.endswith(f"({ranking.mark})")
    of = f", {ranking.rank_by}" if ranking.rank_by else ""
    return f"{name}{of} ({ranking.mark})" if marked else f"{name}{of}"


def _text_of(ranking: Ranking, name: str) -> Callable[[float], str]:
    """How a metric, or what ranks, is written."""
    return number if name in ranking.plain else percent


def rank_text(ends: tuple[int | None, int | None]) -> str:
    """A rank, or the first and the last that are possible, such as "1-3"."""
    first, last = ends
    return DASH if first is None else str(first) if last in {None, first} else f"{first}-{last}"


def _across_generators(ranking: Ranking) -> list[TableColumn]:
    """The interval across generators of the average that ranks, where there is one."""
    text = _text_of(ranking, ranking.rank_by)
    texts = tuple(DASH if math.isnan(row.across[0]) else interval_text(*row.across, text) for row in ranking.rows)
    return [TableColumn("across generators", texts)] if set(texts) != {DASH} else []


def interval_text(low: float, high: float, text: Callable[[float], str] = percent) -> str:
    """An interval of shares in percent, such as "[91.9, 94.2]"."""
    return f"[{text(low)}, {text(high)}]"


def _metric(ranking: Ranking, name: str) -> TableColumn:
    """The mean of a metric over all cells, with its interval where it was asked for."""
    return TableColumn(ranking.headers[name], tuple(_metric_text(ranking, row, name) for row in ranking.rows))


def _metric_text(ranking: Ranking, row: RankingRow, name: str) -> str:
    value, text = row.metrics[name], _text_of(ranking, name)
    if name not in ranking.asked:
        return text(value)
    if math.isnan(value):
        return NOT_MEASURABLE if name in row.metric_gaps else DASH
    low, high = row.metric_intervals.get(name, (math.nan, math.nan))
    return text(value) if math.isnan(low) else f"{text(value)} {interval_text(low, high, text)}"


def _worst(ranking: Ranking) -> list[TableColumn]:
    """The worst values that were asked for."""
    return [
        TableColumn(
            f"{title} ({ranking.mark})" if ranking.mark else title,
            tuple(_worst_text(row.worst[name]) for row in ranking.rows),
        )
        for name, title in ranking.worst.items()
    ]


def _worst_text(found: WorstOf) -> str:
    return f"{percent(found.value)} {interval_text(found.low, found.high)} {found.where}" if found.count else DASH


def _spreads(ranking: Ranking) -> list[TableColumn]:
    """The spread over training seeds of the averages to look at first, where there is any to show."""
    columns = [
        TableColumn(
            f"± {name}", tuple(_text_of(ranking, ranking.rank_by)(row.means[name].spread) for row in ranking.rows)
        )
        for name in ranking.leading
    ]
    return [column for column in columns if set(column.texts) != {DASH}]


def _marked_name(row: RankingRow) -> str:
    """The detector's name, with marks where its scores are imported and where it is at chance."""
    marks = (IMPORTED if row.imported else "", AT_CHANCE if row.at_chance else "")
    return " ".join(filter(None, (row.detector, *marks)))


def training_text(origin: CheckpointRecord | ImportRecord | None) -> str:
    """The generators that a checkpoint, or another tool's detector, saw in training."""
    if origin is None or origin.trained_on is None:
        return UNKNOWN
    return ", ".join(origin.trained_on) or "none"


def _coverage(ranking: Ranking) -> list[tuple[str, Callable[[RankingRow], str]]]:
    """The share of the images that imported scores are of, with what became of the others."""

    def text(row: RankingRow) -> str:
        if row.imported is None:
            return DASH
        missing = {"exclude": "left out", "real": "as real", "fake": "as generated"}[row.imported.on_missing]
        rest = row.imported.asked - row.imported.scored
        return percent(row.imported.coverage) + (f", {rest:,} {missing}" if rest else "")

    return [("coverage", text)] if any(row.imported for row in ranking.rows) else []


def _over_axes(ranking: Ranking) -> list[TableColumn]:
    """Of each axis with several values: the worst one, and the mean where it is not that over all cells."""
    shown = []
    for axis, noun in ranking.over.items():
        found = [row.over.get(axis) for row in ranking.rows]
        if any(found):
            worst = [f"{percent(one.worst)} {one.where or FIRST_DATA}".strip() if one else DASH for one in found]
            texts = [text if not text.startswith(DASH) else DASH for text in worst]
            means = tuple(percent(one.mean) if one else DASH for one in found)
            if means != tuple(percent(row.means[ALL_CELLS].value) for row in ranking.rows):
                shown.append(TableColumn(f"mean {noun}", means))
            shown.append(TableColumn(f"worst {noun}", tuple(texts)))
    return shown


def ranking_columns(ranking: Ranking) -> list[TableColumn]:
    """Every column of a ranking; accuracies in per cent, differences in percentage points."""

    def column(header: str, text: Callable[[RankingRow], str], *, left: bool = False) -> TableColumn:
        return TableColumn(header, tuple(map(text, ranking.rows)), left)

    drop = (
        [column("drop", lambda row: _text_of(ranking, ranking.rank_by)(row.drop))]
        if ranking.home and ranking.away
        else []
    )
    return [
        column("#", lambda row: rank_text((row.rank, row.last_rank))),
        column("detector", _marked_name, left=True),
        *(
            [column("trained on", lambda row: training_text(row.checkpoint or row.imported), left=True)]
            if ranking.released
            else []
        ),
        *_averages(ranking, leading=True),
        *_across_generators(ranking),
        *drop,
        *(column(header, text) for header, text in _coverage(ranking)),
        column("cells", lambda row: f"{row.means[ALL_CELLS].cells} of {row.means[ALL_CELLS].planned}"),
        *(
            [
                column("real images", lambda row: span_text(*row.real_images)),
                column("generated images", lambda row: span_text(*row.generated_images)),
            ]
            if ranking.accuracy != ACCURACY
            else []
        ),
        *_averages(ranking, leading=False),
        *_over_axes(ranking),
        *_worst(ranking),
        *(_metric(ranking, name) for name in ranking.headers),
        *(column(header, text) for header, text in _rounding(ranking)),
        column("seeds", lambda row: str(row.seeds)),
        *_spreads(ranking),
        column("images/s", speed_text),
    ]


def _rounding(ranking: Ranking) -> list[tuple[str, Callable[[RankingRow], str]]]:
    """What rounding changes of each row, where it was asked for: nothing is rounded silently."""
    precisions = {row.agreement.precision for row in ranking.rows if row.agreement} - {"float32"}

    def text(row: RankingRow) -> str:
        if row.agreement is None or row.agreement.precision == "float32":
            return DASH
        return f"{row.agreement.largest_change:.2g}, {row.agreement.flips} of {row.agreement.compared}"

    return [(f"{precision} changes", text) for precision in sorted(precisions)]


def speed_text(row: RankingRow) -> str:
    """Images per second, of the slowest and the fastest repeat too, with a mark where other work slowed it down."""
    if math.isnan(row.images_per_s):
        return DASH
    spread = interval_text(row.images_per_s_low, row.images_per_s_high, lambda value: f"{value:,.0f}")
    return f"{row.images_per_s:,.0f} {spread}" + (f" {DISTURBED}" if row.disturbed else "")


def heading(ranking: Ranking) -> str:
    """On what, and how, a ranking was measured."""
    first = (
        ""
        if ranking.base_degradation == NONE
        else f" Everything first {ranking.base_degradation}, for training and testing."
    )
    about = f"Setting: {ranking.setting}. On {ranking.runtime}. Ranked by {_ranked_by(ranking)}."
    applied = "".join(f" {sentence}" for sentence in ranking.applied)
    return f"Data: {ranking.data}.{first} {about}{applied}{_behind_it(ranking)}"


def _ranked_by(ranking: Ranking) -> str:
    """What ranks, with what is not said of it by tests."""
    if not ranking.rank_by:
        return f"{ranking.ranked_by} {ranking.accuracy}" if ranking.accuracy != ACCURACY else ranking.ranked_by
    notes = [] if ranking.rank_by_rises else ["less is better"]
    if not ranking.tested:
        notes.append("in order of its value; differences on these generators are not tested")
    if ranking.rank_by == WORST_TITLES[WORST_GENERATOR]:
        notes.append(
            f"{ranking.accuracy} on each detector's own worst tested generator; tests do not allow for its choice"
        )
    return f"{ranking.ranked_by}, {ranking.rank_by}" + (f" ({'; '.join(notes)})" if notes else "")


def _behind_it(ranking: Ranking) -> str:
    """How many images and sources stand behind the numbers; nothing where nothing was scored."""
    scored = [row for row in ranking.rows if any((*row.real_images, *row.generated_images))]
    if not scored:
        return ""
    kinds = ([row.real_images for row in scored], [row.generated_images for row in scored])
    real, generated = (span_text(min(one for one, _ in spans), max(one for _, one in spans)) for spans in kinds)
    sources = f"{ranking.sources:,} source" + ("s" if ranking.sources > 1 else "")
    noun = "image" if generated == "1" else "images"
    return f" {ranking.images:,} images of {sources}; a cell has {real} real and {generated} generated {noun}."


def legend(ranking: Ranking) -> str:
    """How the numbers of a ranking are to be read."""
    seeds = max(row.seeds for row in ranking.rows)
    spread = f" ±: standard deviation over {seeds} training seeds." if seeds > 1 else ""
    drop = f"Drop: {ranking.home} minus {ranking.away}. " if ranking.home and ranking.away else ""
    chance = (
        f" {AT_CHANCE} At chance: the interval of its balanced accuracy ({ranking.home}) holds 50%."
        if any(row.at_chance for row in ranking.rows)
        else ""
    )
    imported = (
        " (imported): scores of another tool; coverage: the share of its images, in %, that have one."
        if any(row.imported for row in ranking.rows)
        else ""
    )
    usual = [header for name, header in ranking.headers.items() if name not in ranking.asked]
    *headers, last = usual[1:]
    balanced = " (both classes of a cell count alike)" if ranking.accuracy != ACCURACY else ""
    right = ", and ".join(RIGHT[task] for task in ranking.tasks)
    binary = "" if ranking.tasks == ("binary",) else " are of real or generated, by the score alone,"
    over = "across generators" if ranking.generalises else "on these generators"
    ranks = f"#: the ranks that tests {over} leave, 5% for any false verdict. " if ranking.pairs else ""
    across = "Across generators: 95% interval were other generators drawn. " if _across_generators(ranking) else ""
    averaged = f"{ranking.accuracy.capitalize()} in %{balanced}, {right}"
    if ranking.rank_by:
        unit = "" if ranking.rank_by in ranking.plain else " in %"
        averaged = f"Averages: {ranking.rank_by}{unit}"
    return (
        f"{ranks}{averaged}, [95% interval over the images, clustered by source]. {across}"
        f"{drop}Balanced accuracy, {', '.join(headers)} and {last}{binary} over all cells.{_asked_legend(ranking)}"
        f"{spread}{chance}{imported}{_speed_legend(ranking)}{_library_legend(ranking)}"
    )


def _speed_legend(ranking: Ranking) -> str:
    """How speeds are to be read, where there are any."""
    if all(math.isnan(row.images_per_s) for row in ranking.rows):
        return ""
    disturbed = f" {DISTURBED}: other work used the machine; an idle one is faster."
    return " Images/s: [slowest, fastest repeat]." + (disturbed if any(row.disturbed for row in ranking.rows) else "")


def _library_legend(ranking: Ranking) -> str:
    """What computed networks in the place of torch, and how far that is from it."""
    said = ""
    for precision in dict.fromkeys(row.agreement.precision for row in ranking.rows if row.agreement):
        rows = [row for row in ranking.rows if row.agreement and row.agreement.precision == precision]
        found = [row.agreement for row in rows if row.agreement]
        libraries = ", ".join(dict.fromkeys(row.library for row in rows))
        change, flips = max(one.largest_change for one in found), sum(one.flips for one in found)
        said += (
            f" Networks by {libraries} in {precision}: a score differs from torch in float32 by {change:.1e} at most,"
        )
        said += f" {flips} of {sum(one.compared for one in found):,} decisions do."
        if left := [row.detector for row in rows if row.agreement and row.agreement.by_torch]:
            said += f" That was too much of {', '.join(left)}, which torch computed."
    return said


def _asked_legend(ranking: Ranking) -> str:
    """How the metrics and worst values that were asked for are to be read."""
    said = ""
    if ranking.asked:
        units = [ranking.headers[name] for name in ranking.asked if name in ranking.plain]
        named = ", ".join(ranking.headers[name] for name in ranking.asked)
        said += f" {named}: mean over all cells" + (f" ({', '.join(units)} in nats)" if units else "")
        said += ", [95% interval: sources drawn again, alike for all cells; of precision, ECE and TPR at a stated FPR "
        said += "the mean ends of the cells' own intervals, which are rather too wide]."
    if ranking.worst:
        said += " Worst: smallest average accuracy over the values, [95% interval that allows for the choice]."
    return said


def notes(ranking: Ranking) -> list[str]:
    """Why cells are missing, one line per detector and reason."""
    missing = [f"{row.detector}: {reason}" for row in ranking.rows for reason in row.reasons]
    no_worst = [
        f"{title}: not known, as cells are missing or all have one value"
        for name, title in ranking.worst.items()
        if not any(row.worst[name].count for row in ranking.rows)
    ]
    return [*missing, *_gap_notes(ranking), *no_worst]


def _gap_notes(ranking: Ranking) -> list[str]:
    """Why metrics that were asked for have no mean: a line for each of them and reason."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in ranking.rows:
        for name, reason in row.metric_gaps.items():
            found.setdefault((ranking.headers[name], reason), []).append(row.detector)
    return [
        f"{header}: {reason}" + (f": {', '.join(detectors)}" if len(detectors) < len(ranking.rows) else "")
        for (header, reason), detectors in found.items()
    ]
