"""Frozen feature extractors, and the recipes that put heads on them."""
