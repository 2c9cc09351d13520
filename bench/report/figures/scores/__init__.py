"""Figures that follow from the scores of single images."""
