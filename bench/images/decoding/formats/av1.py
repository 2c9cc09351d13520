"""The colour that an AV1 stream states in its sequence header (AV1 bitstream specification, sections 5.3 to 5.5)."""

from __future__ import annotations

_SEQUENCE_HEADER = 1  # among the kinds of units
_MOST_UNITS = 8  # before the header; a temporal delimiter is the usual one
_EXTENSION, _HAS_SIZE = 4, 2  # flags of a unit's first byte
_FEW_LEVELS = 7  # from the next on, a tier follows
_UNKNOWN = 2  # a flag that each frame states itself


class _Bits:
    """Reads unsigned numbers of any width from bytes.

    Args:
        data: The bytes.
    """

    def __init__(self, data: bytes) -> None:
        self._left = 8 * len(data)
        self._data = int.from_bytes(data, "big")

    def take(self, count: int) -> int:
        """The next `count` bits as a number. Raises `IndexError` past the end."""
        self._left -= count
        if self._left < 0:
            msg = "the sequence header ends early"
            raise IndexError(msg)
        return self._data >> self._left & (1 << count) - 1

    def skip_variable(self) -> None:
        """Pass over a number that tells its own width. Raises `IndexError` past the end."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        self.take(zeros if zeros < 32 else 0)


def stream_colour(stream: bytes) -> tuple[int, int] | None:
    """ColourPrimaries and TransferCharacteristics of ITU-T H.273 that a stream states first; None where it states none.

    Args:
        stream: Its units, from the first on; what follows may be cut off.
    """
    try:
        header = _sequence_header(stream)
        return None if header is None else _colour(_Bits(header))
    except IndexError:
        return None


def _sequence_header(stream: bytes) -> bytes | None:
    """The content of the first sequence header; None where there is none. Raises `IndexError` at the end."""
    start = 0
    for _ in range(_MOST_UNITS):
        first = stream[start]
        start += 2 if first & _EXTENSION else 1
        size, start = _variable_size(stream, start) if first & _HAS_SIZE else (len(stream) - start, start)
        if first >> 3 & 15 == _SEQUENCE_HEADER:
            return stream[start : start + size]
        start += size
    return None


def _variable_size(stream: bytes, start: int) -> tuple[int, int]:
    """A number of at most eight bytes of seven bits each, and where it ends. Raises `IndexError` at the end."""
    size = 0
    for index in range(8):
        byte = stream[start + index]
        size |= (byte & 127) << 7 * index
        if byte < 128:
            return size, start + index + 1
    msg = "a unit states no size"
    raise IndexError(msg)


def _colour(bits: _Bits) -> tuple[int, int] | None:
    profile, _, reduced = bits.take(3), bits.take(1), bits.take(1)
    if reduced:
        bits.take(5)
    else:
        _skip_operating_points(bits)
    sides = bits.take(4) + 1, bits.take(4) + 1
    bits.take(sum(sides))
    if not reduced and bits.take(1):  # frames have ids
        bits.take(7)
    bits.take(3)
    if not reduced:
        _skip_tools(bits)
    bits.take(3)
    if bits.take(1) and profile == 2:  # more than 8 bits a sample
        bits.take(1)
    if profile != 1:
        bits.take(1)
    return (bits.take(8), bits.take(8)) if bits.take(1) else None


def _skip_operating_points(bits: _Bits) -> None:
    delay_bits = 0
    if bits.take(1):  # times are stated
        bits.take(64)
        if bits.take(1):
            bits.skip_variable()
        if bits.take(1):  # and a model of the decoder
            delay_bits = bits.take(5) + 1
            bits.take(42)
    has_display_delays = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > _FEW_LEVELS:
            bits.take(1)
        if delay_bits and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if has_display_delays and bits.take(1):
            bits.take(4)


def _skip_tools(bits: _Bits) -> None:
    """Pass over the tools of films."""
    bits.take(4)
    has_order = bits.take(1)
    if has_order:
        bits.take(2)
    screen_content = _UNKNOWN if bits.take(1) else bits.take(1)
    if screen_content and not bits.take(1):
        bits.take(1)
    if has_order:
        bits.take(3)
