"""Answering planned cells: embed, fit, score, record."""
