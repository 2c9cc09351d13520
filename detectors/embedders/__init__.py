"""Frozen feature extractors, and what recipes on one of them share."""
