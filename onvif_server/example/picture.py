"""Draws the test picture: grey steps and a bar that moves, as a JPEG file, without any library.

Every block of 8 by 8 points has one grey, so only the first coefficient of its transform has to be written (ITU T.81).
"""

from __future__ import annotations

import struct
from typing import Final

WIDTH: Final = 320
HEIGHT: Final = 240
_BLOCKS: Final = (WIDTH // 8, HEIGHT // 8)
_GREYS: Final = 8

# Huffman table for the first coefficients: how many bits the difference has, 0 to 11, in codes of four bits each.
_SIZES: Final = bytes(range(12))
_FIRST_TABLE: Final = bytes((0, 0, 0, 0, 12, *[0] * 12)) + _SIZES
# And for the others: only "no more of them", as the code 0.
_OTHER_TABLE: Final = bytes((0x10, 1, *[0] * 15, 0))


def draw(step: int) -> bytes:
    """The picture of a moment; the bar moves one block with each step."""
    quantization = bytes((0, *[8] * 64))
    frame = struct.pack(">BHHBBBB", 8, HEIGHT, WIDTH, 1, 1, 0x11, 0)
    parts = (
        b"\xff\xd8",
        _segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
        _segment(0xDB, quantization),
        _segment(0xC0, frame),
        _segment(0xC4, _FIRST_TABLE),
        _segment(0xC4, _OTHER_TABLE),
        _segment(0xDA, bytes((1, 1, 0x00, 0, 63, 0))),
        _scan(step % _BLOCKS[0]),
        b"\xff\xd9",
    )
    return b"".join(parts)


def _segment(kind: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, kind, len(content) + 2) + content


def _grey(column: int, bar: int) -> int:
    """The grey of a block as its first coefficient, quantized: -128 (black) to 127 (white)."""
    if column == bar:
        return 127
    return column * _GREYS // _BLOCKS[0] * 256 // _GREYS - 128


def _scan(bar: int) -> bytes:
    bits = []
    before = 0
    for _row in range(_BLOCKS[1]):
        for column in range(_BLOCKS[0]):
            value = _grey(column, bar)
            difference, before = value - before, value
            size = abs(difference).bit_length()
            # A negative number is written less one, as so many bits.
            written = difference if difference >= 0 else difference + (1 << size) - 1
            bits.append(f"{size:04b}" + (f"{written:0{size}b}" if size else "") + "0")
    stream = "".join(bits)
    stream += "1" * (-len(stream) % 8)
    data = int(stream, 2).to_bytes(len(stream) // 8, "big")
    return data.replace(b"\xff", b"\xff\x00")
