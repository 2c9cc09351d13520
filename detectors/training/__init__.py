"""The training of networks: the loop, what it is fed, and recipes of detectors made of one network."""
