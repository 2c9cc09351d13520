"""Colour stated by the code points of ITU-T H.273, as AVIF and PNG have them, as a colour profile."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from bench.images.decoding.structure import ColourCodes

# x, y of red, green, blue and white, by ColourPrimaries (ITU-T H.273, table 2)
_D65, _C = (0.3127, 0.3290), (0.310, 0.316)
_SRGB = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), _D65)
_SMPTE_170M = ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65)
_PRIMARIES = {
    1: _SRGB,
    2: _SRGB,  # unspecified
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), _C),
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), _D65),
    6: _SMPTE_170M,
    7: _SMPTE_170M,
    8: ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _C),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),
    22: ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), _D65),
}
_SRGB_TRANSFERS = frozenset({2, 13})  # unspecified, sRGB
_VIDEO_TRANSFERS = frozenset({1, 6, 14, 15})  # of BT.709: how it is shown differs from viewer to viewer
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}  # by TransferCharacteristics
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)  # of IEC 61966-2-1, as ICC has parameters
_NAMES = {9: "BT.2020", 11: "DCI-P3", 12: "Display P3"}
_D50 = (0.9642, 1.0, 0.8249)  # XYZ of ICC's white
# cone responses of XYZ, after Bradford, as ICC adapts whites (ICC.1:2022, annex E)
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def profile_of(codes: ColourCodes) -> bytes | None:
    """An ICC profile of the colour that code points state; None where it is that of sRGB, or cannot be converted.

    The transfer function of video (BT.709) is taken as that of sRGB, which `note_on` says.
    """
    curve = _GAMMAS.get(codes.transfer)
    if curve is None and codes.transfer not in _SRGB_TRANSFERS | _VIDEO_TRANSFERS:
        return None
    if codes.primaries not in _PRIMARIES or (curve is None and _PRIMARIES[codes.primaries] is _SRGB):
        return None
    name = _NAMES.get(codes.primaries, f"H.273 primaries {codes.primaries}")
    parameters = _SRGB_CURVE if curve is None else (curve,)
    return _icc_profile(name, _colorants(codes.primaries), parameters)


def note_on(codes: ColourCodes) -> str:
    """What is to say of the colour that code points state; "" where it is exactly converted or that of sRGB."""
    stated = f"its colour code points {codes.primaries}/{codes.transfer}"
    if codes.primaries not in _PRIMARIES or codes.transfer not in _SRGB_TRANSFERS | _VIDEO_TRANSFERS | _GAMMAS.keys():
        return f"{stated} cannot be converted: read as sRGB"
    if codes.transfer in _VIDEO_TRANSFERS:
        return f"{stated} state the curve of video: read as that of sRGB"
    return ""


def _colorants(primaries: int) -> NDArray[np.float64]:
    """XYZ of red, green and blue under ICC's white, (3, 3), one colour a row."""
    *colours, white = (np.array((x / y, 1.0, (1 - x - y) / y)) for x, y in _PRIMARIES[primaries])
    columns = np.stack(colours, axis=1)
    columns = columns * np.linalg.solve(columns, white)
    scale = np.diag((_BRADFORD @ np.array(_D50)) / (_BRADFORD @ white))
    adapted: NDArray[np.float64] = (np.linalg.inv(_BRADFORD) @ scale @ _BRADFORD @ columns).T
    return adapted


def _icc_profile(name: str, colorants: NDArray[np.float64], curve: tuple[float, ...]) -> bytes:
    """A display profile of three colorants and one curve (ICC.1:2022, sections 7 to 10)."""
    text = name.encode("utf-16-be")
    parameters = b"".join(map(_fixed, curve))
    kind = 0 if len(curve) == 1 else 3
    parametric = b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + parameters
    tags = {
        b"desc": b"mluc\0\0\0\0" + struct.pack(">II4sII", 1, 12, b"enUS", len(text), 28) + text,
        b"wtpt": _xyz(_D50),
        **{tag: _xyz(tuple(colour)) for tag, colour in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants, strict=True)},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), parametric),
    }
    directory, body = struct.pack(">I", len(tags)), b""
    start = 132 + 12 * len(tags)
    for tag, value in tags.items():
        directory += tag + struct.pack(">II", start + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    size = start + len(body)
    head = struct.pack(">I4xI4s4s4s12x4s28x", size, 0x04300000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    return (head + b"".join(map(_fixed, _D50))).ljust(128, b"\0") + directory + body


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, values))


def _fixed(value: float) -> bytes:
    """A signed number with 16 bits behind the point."""
    return struct.pack(">i", round(float(value) * 65536))
