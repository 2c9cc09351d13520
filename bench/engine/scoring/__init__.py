"""From images to answers: what is scored when, each image prepared once for all detectors, attacked where asked."""
