"""Measures of scores, rankings, the golden record, and comparisons with it."""
