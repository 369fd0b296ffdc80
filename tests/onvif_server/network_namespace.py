"""A network of its own for a test, with interfaces as it wants them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Awaitable, Callable, Sequence

import pytest


def in_a_network_of_its_own(
    commands: Sequence[str], work: Callable[[], Awaitable[None]], patience_s: float = 30.0
) -> None:
    """Runs `work` in a thread that has a network of its own, made by commands for the program `ip`.

    Skips the test where that may not be made.
    """
    failures: list[BaseException] = []

    def run() -> None:
        try:
            os.unshare(os.CLONE_NEWNET)
        except OSError as error:
            failures.append(pytest.skip.Exception(f"no network namespace may be made here: {error}"))
            return
        try:
            for command in commands:
                subprocess.run(["ip", *command.split()], check=True, capture_output=True)
            asyncio.run(work())
        except FileNotFoundError:
            failures.append(pytest.skip.Exception("the program `ip` is not there"))
        except BaseException as error:  # noqa: BLE001 - raised again by the test
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(patience_s)
    assert not thread.is_alive()
    if failures:
        raise failures[0]
