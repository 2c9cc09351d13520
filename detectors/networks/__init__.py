"""Detectors that are one network, trained as a whole: one module per method."""
