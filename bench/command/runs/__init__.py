"""Commands on many runs: sweeps, and what was run where."""
