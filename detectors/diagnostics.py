"""Names of the diagnostics that detectors record for an image beside its score, as tables have them."""

from __future__ import annotations

PREDICTED_GENERATOR = "predicted"  # the generator that made it, "" for a real image
LIKELIEST_GENERATOR = "likeliest generator"  # the likeliest one on condition that the image is generated
ROUTE = "route"  # the member of a composed detector whose score was taken
ROUTE_SCORE = "score along "  # before the name of a route: the score that it gives
