"""Detectors on handcrafted features: one module per method."""
