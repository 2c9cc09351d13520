"""Weights: files that recipes declare, how they are found and read, and those that ship with the package."""
