"""Detectors are code of anybody: what one does to its process reaches no other."""
