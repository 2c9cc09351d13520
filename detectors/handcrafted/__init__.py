"""Detectors on features that were designed, not learnt: one module per family."""
