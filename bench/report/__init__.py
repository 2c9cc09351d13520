"""Renderings of rankings, matrices and comparisons: terminal, Markdown, CSV, JSON and pictures."""
