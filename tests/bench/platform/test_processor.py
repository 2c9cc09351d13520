"""What is said of a processor, and where nothing is."""

import os

from bench.platform import processor
from bench.platform.processor import cpu_features, cpu_name

TWO_CORES = (
    "processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: sse avx2\n\nmodel name\t: Some CPU\nflags\t\t: sse avx2\n"
)


def test_its_name_and_features_are_those_of_the_system(tmp_path, monkeypatch):
    (tmp_path / "cpuinfo").write_text(TWO_CORES)
    monkeypatch.setattr(processor, "CPU_INFORMATION", tmp_path / "cpuinfo")
    processor._entries.cache_clear()
    assert cpu_name() == f"Some CPU, {os.cpu_count()} cores"
    assert cpu_features() == {"sse", "avx2"}
    monkeypatch.setattr(processor, "CPU_INFORMATION", tmp_path / "none")
    processor._entries.cache_clear()
    assert cpu_features() == frozenset()
    assert cpu_name().endswith(" cores")
    processor._entries.cache_clear()
