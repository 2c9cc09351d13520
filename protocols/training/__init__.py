"""Protocols about the images that a detector is trained on: which, and how many."""
