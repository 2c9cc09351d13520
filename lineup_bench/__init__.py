"""Lineup: which detector of AI-generated images works, on which generator, after which degradation."""

from __future__ import annotations

from importlib.metadata import version

DISTRIBUTION = "lineup-bench"
__version__ = version(DISTRIBUTION)
