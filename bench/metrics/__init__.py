"""Measures of the scores of one cell: each is one entry, beside the function that it names."""
