"""Detectors that learn nothing from generated images."""
