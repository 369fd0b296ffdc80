"""Networks of our own: two machines on a wire, as far as processes and sockets can tell."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest


class Place:
    """One end of the wire: a thread with a network of its own. What it starts is in that network, too."""

    def __init__(self) -> None:
        # One thread for all: a process started with `setpriv --pdeathsig` ends with the thread that started it.
        self._thread = ThreadPoolExecutor(1)

    def run[T](self, work: Callable[[], T]) -> T:
        """What `work` gives there."""
        return self._thread.submit(work).result()

    def command(self, *words: str) -> None:
        """Runs a program there."""
        self.run(lambda: subprocess.run(words, check=True, capture_output=True))

    def close(self) -> None:
        """Ends the thread, and the network with it."""
        self._thread.shutdown()


@contextmanager
def two_places(first: str, second: str) -> Iterator[tuple[Place, Place]]:
    """Two places with addresses (and the length of the network's prefix), joined by interfaces named `wire`.

    Skips the test where this may not be made.
    """
    here, there = Place(), Place()
    try:
        try:
            for place in (here, there):
                place.run(lambda: os.unshare(os.CLONE_NEWNET))
                place.command("ip", "link", "set", "lo", "up")
            other = str(there.run(threading.get_native_id))
            here.command("ip", "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", other)
        except OSError as error:
            pytest.skip(f"no network namespaces may be made here: {error}")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network interfaces may be made here: {error.stderr.decode(errors='replace').strip()}")
        for place, address in ((here, first), (there, second)):
            place.command("ip", "addr", "add", address, "dev", "wire")
            place.command("ip", "link", "set", "wire", "up")
        yield here, there
    finally:
        here.close()
        there.close()
