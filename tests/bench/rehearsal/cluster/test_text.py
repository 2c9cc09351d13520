"""What a dry run says of a cluster."""

import pytest

from bench.rehearsal.amounts import ImagesRead
from bench.rehearsal.cluster.text import IMAGE, PROCESS, cluster_lines, rehearse_on
from bench.rehearsal.cluster.units import EMBED, UnitPricing, Units
from bench.rehearsal.estimate import Prices, estimate
from bench.rehearsal.rates import Rates
from bench.rehearsal.workload import Workload

NONE_READ = ImagesRead({}, {})


@pytest.fixture
def nothing():
    return Workload(0, {}, NONE_READ, NONE_READ, NONE_READ, NONE_READ, {}, {}, 0, {}, {}, images=10_000_000)


def on_nodes(work, *nodes):
    pricing = UnitPricing(work, Prices(Rates(), {}), 2, on_cpu=True, batch_size=50)
    return rehearse_on(pricing, estimate(work, Rates(), 2, on_cpu=True), nodes)


@pytest.fixture
def made(nothing, monkeypatch):
    """Of 100 shards of 36 seconds, for 1 and for 64 nodes."""
    monkeypatch.setattr(
        "bench.rehearsal.cluster.text.UnitPricing.units",
        lambda _: [Units(EMBED, "a shard to embed under none", 100, 4096, 3600.0, 36.0, images_read=4e9)],
    )
    return on_nodes(nothing, 64, 1, 64)


def test_it_says_units_times_bytes_memory_and_what_is_assumed(nothing, made):
    lines = list(cluster_lines(made, nothing, 2))
    assert lines[0] == "On a cluster: 100 shards to embed of up to 4,096 images"
    assert lines[1] == "  longest unit  a shard to embed under none: 36 s"
    assert [line.split("   ")[0].split() for line in lines[2:4]] == [["1", "node"], ["64", "nodes"]]
    assert lines[2].endswith("100% of it computing")
    assert lines[4].startswith("Over the network with 64 nodes: 4.0 GB, of which 4.0 GB of image files")
    assert (
        lines[5] == f"Memory of the driver: {(PROCESS + 1e7 * IMAGE) / 1e9:.1f} GB for 10,000,000 images and 0 scores"
    )
    assert "Assumed: nodes like this machine, each with 2 workers" in lines[6]
    assert len(lines) == 7


def test_a_run_with_nothing_to_do_has_no_unit(nothing):
    assert list(cluster_lines(on_nodes(nothing, 1), nothing, 2)) == ["On a cluster: no unit of work"]
