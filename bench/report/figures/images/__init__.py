"""Figures that need the images of a run."""
