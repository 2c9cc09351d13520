"""Analyses of finished runs: what follows from their scores and images, as data."""
