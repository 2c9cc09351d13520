"""Rendered scenes: the real images of the embedded corpus."""
