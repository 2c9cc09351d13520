"""Statistics of arrays, independent of runs: intervals and hypothesis tests."""
