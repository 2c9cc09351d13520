"""Lineup: how questions are answered, from image files to tables."""
