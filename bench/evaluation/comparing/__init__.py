"""Two detectors on the same cells and images, and the order of detectors under other seeds, data and degradations."""
