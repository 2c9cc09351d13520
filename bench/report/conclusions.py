"""What may be concluded from a ranking, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from bench.evaluation.leaderboard import Ranking
from bench.evaluation.pairwise.pool_comparison import Evidence
from bench.statistics.ranks import BETTER, SAME

NAMED = 8  # detectors that are all named in one sentence
LISTED = 5  # detectors of which it is said whom they are better than


def conclusions(ranking: Ranking) -> list[str]:
    """Sentences on who is best and who is told apart from whom; none for fewer than two rows with ranks."""
    if not ranking.pairs:
        return []
    named = [row.detector for row in ranking.rows if row.rank is not None]
    pairs = f"{len(ranking.pairs)} pair{'s' if len(ranking.pairs) > 1 else ''}"
    said = []
    if ranking.generalises:
        verdicts = {(pair.first, pair.second): pair.generators for pair in ranking.pairs if pair.generators}
        said.append(f"Across generators ({ranking.across}; {pairs}): {_who_is_best(named, verdicts)}")
        said += _better_than(named, verdicts)
    else:
        alone = " Ranks hold for these generators alone." if ranking.tested else ""
        said.append(f"Across generators: {ranking.across}.{alone}")
    if not ranking.tested:
        return [
            *said,
            f"On these generators: differences of {ranking.rank_by} are not tested.",
            *_equals(ranking),
        ]
    verdicts = {(pair.first, pair.second): pair.images for pair in ranking.pairs}
    said.append(f"On these generators ({pairs}): {_who_is_best(named, verdicts)}")
    if not ranking.generalises:
        said += _better_than(named, verdicts)
    return [*said, *_equals(ranking)]


def _who_is_best(named: Sequence[str], verdicts: dict[tuple[str, str], Evidence]) -> str:
    """Who is better than all others beyond chance, or between whom that is unresolved."""
    beaten = {second for (_, second), found in verdicts.items() if found.verdict == BETTER}
    best = [one for one in named if one not in beaten]
    first = named[0]
    if all(verdicts[first, other].verdict == BETTER for other in named[1:]):
        return f"{first} is best."
    others = [one for one in named if one not in best]
    if len(best) <= NAMED:
        return f"unresolved who is best: any of {_list(best)} may be."
    if not others:
        return f"unresolved who is best: any of the {len(named)} may be."
    if len(others) <= NAMED:
        return f"unresolved who is best: any may be but {_list(others)}."
    return f"unresolved who is best: {len(best)} of the {len(named)} may be, among them {_list(best[:LISTED])}."


def _better_than(named: Sequence[str], verdicts: dict[tuple[str, str], Evidence]) -> list[str]:
    """Whom the first detectors are better than."""
    found = []
    for one in named[:LISTED]:
        below = [second for (first, second), told in verdicts.items() if first == one and told.verdict == BETTER]
        if below:
            all_others = len(below) == len(named) - 1 and len(below) > 1
            found.append(f"{one} is better than {'all others' if all_others else _list(below)}.")
    return found


def _equals(ranking: Ranking) -> list[str]:
    """Who decides alike on every image behind the average that ranks, each detector in one sentence."""
    groups: list[list[str]] = []
    for pair in ranking.pairs:
        if pair.images.verdict == SAME and not any(pair.second in group for group in groups):
            own = next((group for group in groups if pair.first in group), None)
            if own is None:
                groups.append(own := [pair.first])
            own.append(pair.second)
    return [f"{_list(group)} decide alike on every image of the average that ranks." for group in groups]


def _list(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
