"""Detectors on frozen foundation models: one module per method."""
