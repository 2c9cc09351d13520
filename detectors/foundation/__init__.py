"""Detectors on frozen foundation models: one module per family."""
