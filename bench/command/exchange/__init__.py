"""Commands for detectors of other tools: images to score, and the scores that came of it."""
