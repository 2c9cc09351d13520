"""Every degradation: its name, its parameters, its exact meaning, and one pure function.

A degradation is written `kind:parameters`, several parameters joined with colons; a chain joins several with "+",
applied from left to right: `lr:112+jpeg:65`. What each means is stated at its function: encoder and settings, filter,
border, rounding. A change of meaning raises the version, which is part of every cache key; so are the versions of
Pillow, OpenCV and NumPy, and of an encoder whose files differ from version to version.

Every kind with a strength has five severities, and `random:NAME` draws one of them for each image. What is drawn, noise
and places too, comes from what the image shows: order, batch and worker change nothing.

GenImage (arXiv 2306.08571, Table 5) names LR 112 and 64, JPEG 65 and 30 and blur 3 and 5, and states neither
interpolation nor encoder.

Another package adds a kind by an entry point of the group `lineup.degradations`: its name is the kind's, its value a
`DegradationKind` or a function without parameters that returns one.
"""

from __future__ import annotations

from protocols.degradations.chain import Degradation, canonical_steps, parse_degradation
from protocols.degradations.kind import DegradationKind, NumberRange, UnknownDegradation

__all__ = [
    "Degradation",
    "DegradationKind",
    "NumberRange",
    "UnknownDegradation",
    "canonical_steps",
    "parse_degradation",
]
