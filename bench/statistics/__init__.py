"""Statistics that know nothing of runs: intervals and tests over arrays."""
