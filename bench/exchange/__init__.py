"""Scores of other tools: read from tables, checked, and brought onto the images and cells of a board."""
