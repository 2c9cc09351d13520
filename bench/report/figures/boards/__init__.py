"""Figures of boards: averages, matrices, steps, speed."""
