"""A rehearsal of a planned run: its work, the rates that were measured on this machine, and what it costs, in words."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.cluster.address import parse_cluster
from bench.engine.cache import Cache
from bench.engine.versions import versions
from bench.inference.backends import backend_key
from bench.platform.files import digest
from bench.platform.printable import size_text
from bench.platform.progress import Reporter
from bench.rehearsal.amounts import Counted
from bench.rehearsal.cluster.text import USUAL_NODES, cluster_lines, rehearse_on
from bench.rehearsal.cluster.units import UnitPricing
from bench.rehearsal.durations import span
from bench.rehearsal.estimate import Cost, Disk, Estimate, Prices, estimate
from bench.rehearsal.measuring import CPU_BATCH, RateMeasurement, measure
from bench.rehearsal.rates import Rates
from bench.rehearsal.sample_images import SIDE, sample_images
from bench.rehearsal.workload import Workload, workload
from bench.request.devices import processor_name
from bench.request.planned_run import PlannedRun
from bench.request.run_record import is_degraded_by_torch
from protocols.degradations import parse_degradation

MAX_SHOWN = 6  # of what is not measured
LONGEST_REASON = 100  # characters


@dataclass(frozen=True)
class Rehearsal:
    """What a planned run would do and cost.

    Attributes:
        work: What would be done.
        planned: Number of its cells.
        cost: What it costs at the rates that were measured on this machine; None where none was.
        workers: Cores that are worked with.
        lines: All of it in words.
    """

    work: Workload
    planned: int
    cost: Estimate | None
    workers: int
    lines: Sequence[str]


def rehearse(run: PlannedRun, reporter: Reporter, *, measuring: bool = False) -> Rehearsal:
    """What a planned run would do, and what that costs at the rates that were measured on this machine.

    Args:
        run: The run; nothing of it is done.
        reporter: Shows progress of measuring.
        measuring: Whether the rates that it needs are measured now, and kept in the cache folder.
    """
    work, cache, conditions = workload(run), Cache.at(run.request.cache), _conditions(run)
    rates = Rates.from_json(cache.read_rates(conditions))
    if measuring:
        batch_size = CPU_BATCH if run.runtime.device == "cpu" else run.request.batch_size
        measure(work, run.images, RateMeasurement(sample_images(), run.runtime, batch_size, rates), reporter)
        cache.write_rates(conditions, rates.to_json())
    lines, workers = list(amount_lines(work, len(run.planned))), min(run.request.workers, os.cpu_count() or 1)
    if not rates.values:
        unknown = "Expected time: unknown, for nothing was measured on this machine; add --measure (about a minute)"
        return Rehearsal(work, len(run.planned), None, workers, [*lines, unknown])
    found = estimate(work, rates, workers, on_cpu=run.runtime.device == "cpu")
    lines += cost_lines(work, found, rates, workers)
    where = f"{processor_name(run.runtime)}; {run.runtime.device}, {run.runtime.precision}"
    lines.append(f"Measured here on photographs of {SIDE}x{SIDE} ({where}). {_scaling(work)}")
    if is_degraded_by_torch(run):
        lines.append(
            "What torch degrades on the device is priced as on the CPU: how long it takes there is not measured"
        )
    if run.request.cluster:
        lines += _cluster_lines(run, work, found, rates, workers)
    return Rehearsal(work, len(run.planned), found, workers, lines)


def _cluster_lines(run: PlannedRun, work: Workload, cost: Estimate, rates: Rates, workers: int) -> Iterator[str]:
    """What it takes on a cluster, and which rates that lacks beside those that one machine lacks."""
    asked = parse_cluster(run.request.cluster).nodes
    nodes = [*USUAL_NODES, *([asked] if asked else [])]
    on_cpu, prices = run.runtime.device == "cpu", Prices(rates, {})
    found = rehearse_on(UnitPricing(work, prices, workers, on_cpu, run.request.batch_size), cost, nodes)
    yield from cluster_lines(found, work, workers)
    if unknown := [what for what in found.unmeasured if what not in cost.unmeasured]:
        yield f"In no sum of the cluster, for not measured yet (add --measure): {_some(unknown, ', ')}"


def sum_line(runs: Sequence[Rehearsal]) -> str:
    """What several runs would do and cost one after the other, in one line."""
    work = [run.work for run in runs]
    amounts = (
        f"To answer: {sum(one.cells for one in work):,} of {sum(run.planned for run in runs):,} cells, "
        f"{sum(one.fits for one in work):,} fits, {sum(_images(one.decoded) for one in work):,} images to decode, "
        f"{sum(_images(one.degraded) for one in work):,} to degrade, {sum(map(_embedded, work)):,} to embed"
    )
    costs = [(run.cost.total, run.workers) for run in runs if run.cost is not None]
    if len(costs) < len(runs):
        return amounts
    least, most = (sum(seconds) for seconds in zip(*((c.elapsed(n), c.longest(n)) for c, n in costs), strict=True))
    return f"{amounts}; expected time {span(least, most)}"


def _conditions(run: PlannedRun) -> str:
    """What rates hold for."""
    runtime = run.runtime
    backends = backend_key(runtime, frozenset({"convolutional", "transformer"}))
    libraries = digest(*(text for pair in versions().items() for text in pair))[:12]
    return "/".join(
        [processor_name(runtime), runtime.device, runtime.precision, str(run.request.batch_size), libraries, backends]
    )


def amount_lines(work: Workload, planned: int) -> Iterator[str]:
    """What would be done, without times, and what of `planned` cells cannot be done here."""
    yield (
        f"To answer: {work.cells:,} of {planned:,} cells, {work.fits:,} fits, {_images(work.decoded):,} images to "
        f"decode, {_images(work.degraded):,} to degrade, {_embedded(work):,} to embed"
    )
    if work.left_out:
        reasons = [f"{name} ({_short(reason)})" for name, reason in work.left_out.items()]
        yield f"In no count and no sum: all of {_some(reasons, '; ')}"


def cost_lines(work: Workload, found: Estimate, rates: Rates, workers: int) -> Iterator[str]:
    """What it costs: a line for each kind of work, then all of it.

    Args:
        work: What would be done.
        found: What it costs.
        rates: What was measured.
        workers: Cores that are worked with.
    """
    about = _about(work, found, rates)
    for name, cost in found.costs.items():
        if cost != Cost():
            yield f"  {name:<12}{_span(cost, workers):>18}   {about[name]}"
    yield f"Expected time: {_span(found.total, workers)} with {workers} workers{_dearest_of_all(found, workers)}"
    if work.cells:
        yield f"Disk: {_disk_text(found.disk)}"
        yield f"Memory: {', '.join(f'{size_text(size)} of {what}' for what, size in found.memory.items() if size)}"
    failed = [f"{what} ({_short(reason)})" for what, reason in found.unmeasured.items() if reason]
    if failed:
        yield f"In no sum, for it cannot be measured: {_some(failed, '; ')}"
    if unknown := [what for what, reason in found.unmeasured.items() if not reason]:
        yield f"In no sum, for not measured yet (add --measure): {_some(unknown, ', ')}"


def _about(work: Workload, found: Estimate, rates: Rates) -> dict[str, str]:
    """What stands beside the time of each kind of work."""
    detectors = work.detectors.values()
    networks = sorted({f"{one.label} 1 to {one.epochs} epochs" for one in detectors if one.fits and one.epochs > 1})
    fits = [one.fits for one in detectors]
    by_embedder = [f"{one.images:,} by {key.partition('.')[0]}" for key, one in work.embedders.items()]
    return {
        "check files": f"decode {_images(work.checked):,} images once",
        "decode": f"{_images(work.decoded):,} images: once to embed for fits, once a network's fit, once to test",
        "degrade": f"{_images(work.degraded):,} times{_dearest(work, found, rates)}",
        "prepare": f"{sum(one.prepared for one in detectors) + _embedded(work):,} times",
        "embed": ", ".join(by_embedder),
        "fit": "; ".join([f"{work.fits:,} fits on {sum(map(sum, fits)):,} images", *networks]),
        "score": f"{sum(one.scored for one in detectors):,} times by networks",
        "decide": f"{sum(one.decided for one in detectors):,} times from embeddings",
        "record": f"{work.recorded:,} scores",
        "time": f"{len(work.timed):,} detectors, each on the same few images again and again",
    }


def _embedded(work: Workload) -> int:
    return sum(one.images for one in work.embedders.values())


def _images(amounts: Counted) -> int:
    return sum(amount.images for amount in amounts.values())


def _dearest(work: Workload, found: Estimate, rates: Rates) -> str:
    """The degradation that takes longest, its share of all degrading, and what it takes of one image."""
    if not sum(found.degrading.values()):
        return ""
    name, seconds = next(iter(found.degrading.items()))
    amount = work.degraded[name]
    each = rates.get("degrade", parse_degradation(name).key) or 0.0
    share = seconds / sum(found.degrading.values())
    here = f"{1000 * seconds / amount.images:.0f} ms an image, {1000 * each:.1f} ms of {SIDE}x{SIDE}"
    return f", of which {name} takes {_percent(share)} ({here})"


def _dearest_of_all(found: Estimate, workers: int) -> str:
    """The degradation that takes longest, with its share of everything."""
    whole = found.total.elapsed(workers)
    if not sum(found.degrading.values()) or not whole:
        return ""
    name, seconds = next(iter(found.degrading.items()))
    return f", of which {name} takes {_percent(seconds / workers / whole)} at most"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else "under 1%"


def _scaling(work: Workload) -> str:
    """By how much rates of images of one size are scaled to those of the data."""
    amounts = [*work.checked.values(), *work.decoded.values()]
    images, pixels = sum(one.images for one in amounts), sum(one.pixels for one in amounts)
    if not images:
        return "Nothing is decoded"
    return (
        f"Decoding and degrading are scaled by pixels: an image to decode has {pixels / images:,.0f} on average, "
        f"{pixels / images / SIDE**2:.1f} times as many"
    )


def _span(cost: Cost, workers: int) -> str:
    """Time by the clock, at least and at most."""
    return span(cost.elapsed(workers), cost.longest(workers))


def _disk_text(disk: Disk) -> str:
    embeddings = sum(disk.embeddings.values())
    largest = max(disk.embeddings, key=lambda key: disk.embeddings[key], default="")
    of_which = f" (of which {largest.partition('.')[0]} {size_text(disk.embeddings[largest])})" if largest else ""
    further = f"{size_text(disk.fits)} of fits, {size_text(disk.scores)} of scores"
    return f"{size_text(embeddings)} of embeddings{of_which}, {further}"


def _some(texts: Sequence[str], separator: str) -> str:
    """The first of some texts, and how many more there are."""
    more = len(texts) - MAX_SHOWN
    return separator.join([*texts[:MAX_SHOWN], *([f"and {more} more"] if more > 0 else [])])


def _short(reason: str) -> str:
    """The beginning of a reason."""
    return reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON]}..."
