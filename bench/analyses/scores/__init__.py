"""Analyses of stored scores: generators, curves, mistakes, images, overlap of errors, slices, speed, trainings."""
