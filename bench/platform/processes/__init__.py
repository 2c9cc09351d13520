"""Processes: what they compute side by side, how they end, and who notices that."""
