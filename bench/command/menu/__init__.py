"""The commands as `lineup --help` and a shell see them, before any of them is imported."""
