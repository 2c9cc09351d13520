"""Names of what detectors say of an image beside its score."""

from __future__ import annotations

PREDICTED = "predicted"  # the generator that made it, "" for a real image
LIKELIEST = "likeliest generator"  # the generator that it would be, if the image were generated
ROUTE = "route"  # the part of the detector that the image was sent to, of several
ALONG = "score along "  # the score that each of these parts gives it, its name behind
