"""Detectors that are composed of others: one module per method."""
