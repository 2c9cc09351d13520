"""Analyses of where the time of a finished run went: stages of detectors and of the run, and more machines."""
