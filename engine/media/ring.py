"""Decoded pictures across the process border: a ring of slots in anonymous shared memory.

The memory has no name, so it disappears with the last process that holds it, however that process ends. The writer
never waits: it fills the next slot, then the newest sequence number, then wakes the reader through an event counter.
Every slot carries its sequence number before and after the picture (a seqlock): a reader that was lapped while it
copied finds them changed, and takes the newest picture instead of a torn one.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from engine.core.values import Image

SLOTS = 4

_RING_HEAD = 64
_SLOT_HEAD = 64
_NUMBER = struct.Struct("<Q")
_BEGIN = struct.Struct("<Qdd")
_END_OFFSET = 32
_ATTEMPTS = 8


class RingFormat(NamedTuple):
    """The shape of the pictures in a ring: BGR, `stride` bytes a row."""

    width: int
    height: int
    stride: int
    slots: int = SLOTS

    def check(self) -> None:
        """Raises ValueError unless a ring can have this shape."""
        if not (0 < self.width <= 16384 and 0 < self.height <= 16384 and 0 < self.slots <= 64):
            raise ValueError(f"a ring of {self.slots} pictures of {self.width}x{self.height} is not sensible")
        if not self.width * 3 <= self.stride <= self.width * 3 + 64:
            raise ValueError(f"{self.stride} bytes a row do not fit {self.width} pixels")

    @property
    def picture_bytes(self) -> int:
        """The bytes of one picture."""
        return self.stride * self.height

    @property
    def slot_bytes(self) -> int:
        """The bytes of one slot."""
        return _SLOT_HEAD + (self.picture_bytes + 63) // 64 * 64

    @property
    def total_bytes(self) -> int:
        """The bytes of the ring."""
        return _RING_HEAD + self.slots * self.slot_bytes

    def slot_at(self, sequence: int) -> int:
        """Where the slot of a picture begins."""
        return _RING_HEAD + sequence % self.slots * self.slot_bytes


class Picture(NamedTuple):
    """A picture read from a ring."""

    sequence: int
    image: Image
    captured_at: float
    arrived_at: float


def share(name: str, size: int) -> int:
    """A descriptor of `size` bytes of anonymous memory that nobody can shrink under its readers."""
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(descriptor, size)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def as_image(memory: mmap.mmap, shape: RingFormat, offset: int = 0) -> Image:
    """The picture in a piece of memory, without copying."""
    flat = np.frombuffer(memory, np.uint8, shape.picture_bytes, offset)
    return flat.reshape(shape.height, shape.stride)[:, : shape.width * 3].reshape(shape.height, shape.width, 3)


class RingWriter:
    """The worker's end; for one thread at a time."""

    def __init__(self, shape: RingFormat) -> None:
        shape.check()
        self.shape = shape
        self.memory_fd = share("smart-ptz-frames", shape.total_bytes)
        self.wake_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._memory = mmap.mmap(self.memory_fd, shape.total_bytes, trackfd=False)
        self._sequence = 0

    def duplicates(self) -> tuple[int, int]:
        """Copies of the memory's and the wake-up descriptor, for the reader; whoever takes them closes them."""
        return os.dup(self.memory_fd), os.dup(self.wake_fd)

    def write(self, picture: bytes | memoryview, captured_at: float, arrived_at: float) -> None:
        """Puts a picture into the ring and wakes the reader. Never waits."""
        if len(picture) != self.shape.picture_bytes:
            raise ValueError(f"a picture of {len(picture)} bytes does not fit a ring of {self.shape.picture_bytes}")
        sequence = self._sequence + 1
        slot = self.shape.slot_at(sequence)
        _BEGIN.pack_into(self._memory, slot, sequence, captured_at, arrived_at)
        self._memory[slot + _SLOT_HEAD : slot + _SLOT_HEAD + len(picture)] = picture
        _NUMBER.pack_into(self._memory, slot + _END_OFFSET, sequence)
        self._sequence = sequence
        _NUMBER.pack_into(self._memory, 0, sequence)
        # A full counter means that the reader has not looked for ages; the wake-up that it has is enough.
        with suppress(BlockingIOError):
            os.eventfd_write(self.wake_fd, 1)

    def close(self) -> None:
        """Gives the memory back; a reader keeps what it has mapped."""
        self._memory.close()
        os.close(self.memory_fd)
        os.close(self.wake_fd)


class RingReader:
    """The engine's end. Takes over both descriptors. Raises ValueError if the memory does not have the told shape."""

    def __init__(self, shape: RingFormat, memory_fd: int, wake_fd: int) -> None:
        self.shape = shape
        self.wake_fd = wake_fd
        try:
            shape.check()
            # Larger than the memory is refused here: nothing can be read beyond its end later.
            self._memory = mmap.mmap(memory_fd, shape.total_bytes, access=mmap.ACCESS_READ, trackfd=False)
        except (ValueError, OSError):
            os.close(wake_fd)
            raise
        finally:
            os.close(memory_fd)

    @property
    def newest_sequence(self) -> int:
        """The number of pictures written so far."""
        return int(_NUMBER.unpack_from(self._memory, 0)[0])

    def acknowledge(self) -> None:
        """Takes the wake-up back, before looking."""
        with suppress(BlockingIOError):
            os.eventfd_read(self.wake_fd)

    def newest(self, after: int) -> Picture | None:
        """A copy of the newest picture, if its sequence number is larger than `after`; never a torn one."""
        for _ in range(_ATTEMPTS):
            sequence = self.newest_sequence
            if sequence <= after:
                return None
            slot = self.shape.slot_at(sequence)
            end = _NUMBER.unpack_from(self._memory, slot + _END_OFFSET)[0]
            image = as_image(self._memory, self.shape, slot + _SLOT_HEAD).copy()
            _, captured_at, arrived_at = _BEGIN.unpack_from(self._memory, slot)
            # Read last, on its own, for it is what the writer changes first: the times may be torn, too.
            begin = _NUMBER.unpack_from(self._memory, slot)[0]
            if begin == end == sequence:
                return Picture(sequence, image, captured_at, arrived_at)
        # Lapped eight times in a row: the writer is faster than a copy. The next wake-up tries again.
        return None

    def close(self) -> None:
        """Gives the memory back."""
        self._memory.close()
        os.close(self.wake_fd)
