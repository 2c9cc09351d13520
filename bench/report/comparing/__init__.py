"""Comparisons of two detectors as text and as JSON."""
