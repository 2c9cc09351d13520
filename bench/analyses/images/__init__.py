"""Analyses that need the images of a run: spectra, fingerprints, thumbnails and saliency."""
