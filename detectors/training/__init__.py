"""The training of networks: the loop, its batches, and recipes of detectors that are one network."""
